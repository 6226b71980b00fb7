"""Trying a platform's addresses for an administrator: what works, what doesn't, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from lms.lti import key_sets
from lms.lti.fetching import Answer, FetchError, Outgoing
from lms.lti.platforms import Registration
from lms.lti.service_errors import product_name
from lms.lti.services import SCOPES, ServiceError, Services, TokenRefusedError

_CLOCKS_AGREE = 30
"""Seconds. A launch is refused from 60 on, and a platform may refuse ours earlier."""

_WHERE_KEY = {
    "Moodle": "In Site administration, Plugins, External tool, Manage tools, open the tool’s settings. Check that it "
    "is activated, that “Public key type” is “Keyset URL”, and that “Public keyset” is {jwks_url}.",
    "Canvas": "In Admin, Developer Keys, check that the key is on, and that its “JWK Method” is “Public JWK URL” "
    "with {jwks_url}.",
    "Brightspace": "In Admin Tools, Manage Extensibility, LTI Advantage, check that the tool is enabled and its "
    "keyset URL is {jwks_url}. Check that the OAuth2 audience is entered here.",
    "Blackboard": "In Administrator Panel, LTI Tool Providers, check that the tool is approved. In the developer "
    "portal, check that its JWKS URL is {jwks_url}.",
}
_WHERE_KEY_ELSEWHERE = (
    "In the platform’s settings for the tool, check that it is on and its keyset URL is {jwks_url}."
)


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that was tried."""

    title: str
    is_well: bool
    words: str
    """What was found and, where it isn't well, what to do."""


def check(registration: Registration, services: Services, outgoing: Outgoing, now: datetime) -> list[Step]:
    """Read a platform's keys and get a token from it, both anew. The keys that were read are kept.

    Call it with no transaction open.
    """
    steps = _keys_and_clocks(registration, outgoing, now)
    return [*steps, _token(registration, services, now)]


def _keys_and_clocks(registration: Registration, outgoing: Outgoing, now: datetime) -> list[Step]:
    title = "The platform’s keys"
    try:
        keys, answer = key_sets.read(registration.jwks_uri, outgoing)
    except FetchError as error:
        return [Step(title, False, f"{error} Check the address of its key set: {registration.jwks_uri}")]
    if not keys:
        words = f"{answer.host} publishes no RSA key (RS256) there. Check the address of its key set."
        return [Step(title, False, words)]
    key_sets.keep(registration.id, keys, now)
    count = "One key was" if len(keys) == 1 else f"{len(keys)} keys were"
    read = Step(title, True, f"{count} read from {answer.host}.")
    return [read, *_clocks(answer, now)]


def _clocks(answer: Answer, now: datetime) -> list[Step]:
    """Compare the clocks by the answer's Date header (RFC 9110, section 6.6.1); nothing where it has none."""
    try:
        theirs = parsedate_to_datetime(answer.headers.get("date", ""))
    except ValueError:
        return []
    ahead = round(((theirs if theirs.tzinfo else theirs.replace(tzinfo=UTC)) - now).total_seconds())
    title = "The two clocks"
    if abs(ahead) <= _CLOCKS_AGREE:
        return [Step(title, True, "They agree.")]
    way = "ahead of" if ahead > 0 else "behind"
    words = (
        f"The clock of {answer.host} is {abs(ahead):,} seconds {way} ours. Launches are refused when they differ by a "
        "minute. Set both servers to take the time from the network (NTP)."
    )
    return [Step(title, False, words)]


def _token(registration: Registration, services: Services, now: datetime) -> Step:
    title = "Access to its services"
    services.forget(registration)
    try:
        services.token(registration, _granted_scopes(registration), now)
    except TokenRefusedError as error:
        return Step(title, False, f"{error.reason} {_advice(registration, error, services.jwks_url)}")
    except ServiceError as error:
        return Step(title, False, f"{error.reason} Check its token address: {registration.token_endpoint}")
    return Step(title, True, "The platform knows our key and gave access.")


def _granted_scopes(registration: Registration) -> list[str]:
    return [scope for scope in SCOPES if scope in registration.scopes] or [SCOPES[0]]


def _advice(registration: Registration, error: TokenRefusedError, jwks_url: str) -> str:
    if error.code in {"invalid_scope", "unauthorized_client"}:
        return "In the platform’s settings for the tool, allow it the grade service and the names and roles service."
    if error.code == "invalid_client" or error.status in {400, 401, 403}:
        words = _WHERE_KEY.get(product_name(registration), _WHERE_KEY_ELSEWHERE)
        return words.format(jwks_url=jwks_url)
    return f"Try again later. If it stays so, check its token address: {registration.token_endpoint}"
