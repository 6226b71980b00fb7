"""A launch up to the moment that its token is verified: the login that begins it, and what one query knows of it.

Nothing here opens a transaction or sends anything: the views in `lms.web.lti.launching` see to that.
Source: 1EdTech Security Framework 1.0, section 5.1.1; LTI 1.3 core, sections 3 and 5.
"""

from __future__ import annotations

import hmac
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast
from urllib.parse import urlencode, urlsplit
from uuid import UUID

import sqlalchemy as sa

from lms.clock import london_day
from lms.db import session
from lms.lti import claims as claim_words
from lms.lti import logins, platforms
from lms.lti.claims import Claims, Named, identifier
from lms.lti.identities import Identity
from lms.lti.logins import Login, OidcTransaction
from lms.lti.places import Context, LinkUse, ResourceLink
from lms.lti.platforms import Deployment, Registration, RegistrationState
from lms.lti.refusals import LaunchRefusedError, Refusal
from lms.people import Engagement, Person, Role, RoleName, roles_by_organisation
from lms.schools import Organisation

_FRAME_NAME = re.compile(r"[A-Za-z0-9_.:-]{1,100}")


@dataclass(frozen=True, slots=True)
class LoginRequest:
    """What a platform says when somebody opens a link: it wants us to ask it who they are. Empty where missing."""

    issuer: str
    client_id: str
    login_hint: str
    target_link_uri: str
    message_hint: str
    storage_target: str
    """lti_storage_target: the frame that keeps things for us, where the platform offers that."""


@dataclass(frozen=True, slots=True)
class Begun:
    """A login that was begun, and the address at the platform where the browser goes next."""

    registration: Registration
    login: Login
    storage_target: str | None
    address: str


@dataclass(frozen=True, slots=True)
class Found:
    """What one query knows of a launch. All beside the login itself is looked up by ids that aren't verified yet."""

    login: OidcTransaction
    registration: Registration
    named: Named
    deployment: Deployment | None
    school: Organisation | None
    identity: Identity | None
    person: Person | None
    held_roles: dict[UUID, frozenset[RoleName]]
    is_engaged: bool
    context: Context | None
    link: ResourceLink | None
    has_used_link: bool


def begin(request: LoginRequest, *, base_url: str, now: datetime) -> Begun:
    """Begin a login and write it down. Two queries.

    Raises:
        LaunchRefusedError: UNKNOWN_ISSUER … TARGET_NOT_OURS, PLATFORM_PAUSED.
    """
    registration = _registration(request)
    _check_login(request, registration, base_url)
    offered = request.storage_target if _FRAME_NAME.fullmatch(request.storage_target) else None
    login = logins.begin(registration.id, storage_target=offered, now=now)
    return Begun(
        registration, login, offered, _authentication_request(request, registration, login, base_url)
    )


def _registration(request: LoginRequest) -> Registration:
    issuer = identifier(request.issuer)
    client_id = identifier(request.client_id)
    if issuer is None or (request.client_id and client_id is None):
        raise LaunchRefusedError(Refusal.UNKNOWN_ISSUER, f"iss {request.issuer[:120]!r}")
    found = platforms.registrations_for(issuer, client_id)
    if not found:
        raise LaunchRefusedError(
            Refusal.UNKNOWN_ISSUER, f"iss {issuer[:120]!r}, client_id {request.client_id[:80]!r}"
        )
    if len(found) > 1:
        raise LaunchRefusedError(Refusal.AMBIGUOUS_CLIENT, f"iss {issuer[:120]!r} without client_id")
    return found[0]


def _check_login(request: LoginRequest, registration: Registration, base_url: str) -> None:
    if registration.state is RegistrationState.PAUSED:
        raise LaunchRefusedError(Refusal.PLATFORM_PAUSED)
    if not request.login_hint:
        raise LaunchRefusedError(Refusal.LOGIN_HINT_MISSING)
    check_target(request.target_link_uri, base_url)


def check_target(address: str | None, base_url: str) -> None:
    """Raise LaunchRefusedError unless this is an address of ours."""
    if not address:
        raise LaunchRefusedError(Refusal.TARGET_MISSING)
    if own_path(address, base_url) is None:
        raise LaunchRefusedError(Refusal.TARGET_NOT_OURS, f"{address[:150]} isn't under {base_url}")


def own_path(address: str, base_url: str) -> str | None:
    """Return the path and query of an address of ours, below where we are installed; None for anybody else's."""
    if claim_words.address(address) is None:
        return None
    parts, ours = urlsplit(address), urlsplit(base_url)
    if (parts.scheme, parts.hostname, _port(address)) != (ours.scheme, ours.hostname, _port(base_url)):
        return None
    path = parts.path or "/"
    if path != ours.path and not path.startswith(f"{ours.path}/"):
        return None
    below = path.removeprefix(ours.path) or "/"
    return f"{below}?{parts.query}" if parts.query else below


def _port(address: str) -> int:
    parts = urlsplit(address)
    return parts.port or (443 if parts.scheme == "https" else 80)


def _authentication_request(
    request: LoginRequest, registration: Registration, login: Login, base_url: str
) -> str:
    """Return the address of the platform's sign-in with our request (Security Framework, section 5.1.1.2)."""
    asked = {
        "scope": "openid",
        "response_type": "id_token",
        "response_mode": "form_post",
        "prompt": "none",
        "client_id": registration.client_id,
        "redirect_uri": f"{base_url}/lti/launch",
        "state": login.state,
        "nonce": login.nonce,
        "login_hint": request.login_hint,
    }
    if request.message_hint:
        asked["lti_message_hint"] = request.message_hint
    endpoint = registration.authorization_endpoint
    return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(asked)}"


_IS_ENGAGED = (
    sa.exists()
    .where(Engagement.person_id == Person.id, Engagement.organisation_id == Deployment.organisation_id)
    .where(Engagement.recorded_to.is_(None))
    .where(sa.or_(Engagement.ends.is_(None), Engagement.ends >= sa.bindparam("today")))
)
# Every launch asks this, so it is built once.
_FIND = (
    sa.select(
        OidcTransaction,
        Registration,
        Deployment,
        Organisation,
        Identity,
        Person,
        Context,
        ResourceLink,
        LinkUse.id,
        _IS_ENGAGED,
        Role,
    )
    .join(Registration, Registration.id == OidcTransaction.registration_id)
    .outerjoin(
        Deployment,
        sa.and_(
            Deployment.registration_id == Registration.id, Deployment.value == sa.bindparam("deployment")
        ),
    )
    .outerjoin(Organisation, Organisation.id == Deployment.organisation_id)
    .outerjoin(
        Identity, sa.and_(Identity.registration_id == Registration.id, Identity.sub == sa.bindparam("sub"))
    )
    .outerjoin(Person, Person.id == Identity.person_id)
    .outerjoin(
        Context, sa.and_(Context.deployment_id == Deployment.id, Context.value == sa.bindparam("context"))
    )
    .outerjoin(
        ResourceLink,
        sa.and_(ResourceLink.deployment_id == Deployment.id, ResourceLink.value == sa.bindparam("link")),
    )
    .outerjoin(
        LinkUse, sa.and_(LinkUse.identity_id == Identity.id, LinkUse.resource_link_id == ResourceLink.id)
    )
    .outerjoin(Role, Role.person_id == Person.id)
    .where(OidcTransaction.state_hash == sa.bindparam("state_hash"))
)


def find(state: str, named: Named, now: datetime) -> Found | None:
    """Return what is known of a launch by its state and the ids that it names; None for a state that isn't ours.

    One query, and nothing is locked.
    """
    wanted = {
        "state_hash": logins.hashed(state),
        "deployment": named.deployment,
        "sub": named.sub,
        "context": named.context_id,
        "link": named.link_id,
        "today": london_day(now),
    }
    rows = session.execute(_FIND, wanted).all()
    if not rows:
        return None
    login, registration, deployment, school, identity, person, context, link, use_id, is_engaged, _ = rows[0]
    return Found(
        login=login,
        registration=registration,
        named=named,
        deployment=deployment,
        school=school,
        identity=identity,
        person=person,
        held_roles=roles_by_organisation(row.Role for row in rows if row.Role is not None),
        is_engaged=is_engaged,
        context=context,
        link=link,
        has_used_link=use_id is not None,
    )


_logins = cast(sa.Table, OidcTransaction.__table__)


_CONSUME = (
    sa.update(_logins)
    .where(_logins.c.id == sa.bindparam("login"), _logins.c.used_at.is_(None))
    .values(used_at=sa.bindparam("now"))
)


def consume(login: OidcTransaction, now: datetime) -> bool:
    """Use a login up, whatever comes of it. Return whether it was still unused: of two at once one is told so."""
    return _is_one(_CONSUME, {"login": login.id, "now": now})


def check_login(login: OidcTransaction, registration: Registration, now: datetime) -> None:
    """Raise LaunchRefusedError for a login that took too long, or whose platform was paused meanwhile."""
    if login.expires <= now:
        raise LaunchRefusedError(Refusal.STATE_EXPIRED)
    if registration.state is RegistrationState.PAUSED:
        raise LaunchRefusedError(Refusal.PLATFORM_PAUSED)


def check_browser(login: OidcTransaction, secret: str) -> None:
    """Raise LaunchRefusedError unless this is the secret of the browser that began the login."""
    if not hmac.compare_digest(logins.hashed(secret), login.browser_hash):
        raise LaunchRefusedError(Refusal.OTHER_BROWSER)


def hold(login: OidcTransaction, claims: Claims) -> None:
    """Keep verified claims until the browser has brought its secret back from the platform's storage."""
    kept = claim_words.to_json(claims)
    session.execute(sa.update(_logins).where(_logins.c.id == login.id).values(claims=kept))


def release(state: str, now: datetime) -> tuple[Found | None, Claims | None]:
    """Take the claims that wait in a login, once: of two requests at once one gets them. Three queries.

    Return what is known of the launch (None for an unknown state), and the claims (None where none wait any more).
    """
    found = find(state, claim_words.NOTHING, now)
    kept = found.login.claims if found is not None else None
    if found is None or kept is None or not _take_claims(found.login):
        return found, None
    claims = claim_words.from_json(kept)
    return find(state, claims.named, now), claims


def _take_claims(login: OidcTransaction) -> bool:
    waiting = _logins.c.claims.is_not(None)
    return _is_one(sa.update(_logins).where(_logins.c.id == login.id, waiting).values(claims=sa.null()))


def _is_one(statement: sa.Update, values: dict[str, Any] | None = None) -> bool:
    result = cast(sa.CursorResult[Any], session.execute(statement, values))
    return result.rowcount == 1
