"""Whether an id_token is what it must be: a chain of small checks, one a refusal, in the order of the specification.

Sources: 1EdTech Security Framework 1.0, section 5.1.3 (authentication response validation); LTI 1.3 core, section 5;
RFC 7515 for the signature.
"""

from __future__ import annotations

import binascii
import hmac
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from joserfc import jws
from joserfc.errors import BadSignatureError, JoseError
from joserfc.jwk import RSAKey
from joserfc.util import urlsafe_b64decode

from lms.lti import claims
from lms.lti.claims import CLAIM, Claims, MessageType, Named
from lms.lti.refusals import LaunchRefusedError, Refusal

LEEWAY = timedelta(seconds=60)
"""How far a platform's clock may be from ours."""
OLDEST = timedelta(minutes=10)
"""How long ago a token may have been issued."""
LONGEST_HEADER = 4_000
LONGEST_TOKEN = 128_000
SMALLEST_MODULUS = 342
"""Characters of a 2048-bit RSA modulus in base64url."""

_REGISTRY = jws.JWSRegistry(algorithms=["RS256"], strict_check_header=False)
_REGISTRY.max_header_length = LONGEST_HEADER

Payload = dict[str, Any]
FindKey = Callable[[str], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Expected:
    """What a token must say to be for us, now."""

    issuer: str
    client_id: str
    nonce: str
    now: datetime


def verify(
    id_token: str, *, issuer: str, client_id: str, nonce: str, find_key: FindKey, now: datetime
) -> Claims:
    """Return the claims of a token that passes every check.

    `find_key` returns the platform's JWK of a kid, or raises LaunchRefusedError.

    Raises:
        LaunchRefusedError: with the code of the first check that failed, and what was found instead.
    """
    header = _header(id_token)
    _check_algorithm(header)
    key = _key(find_key(_kid(header)))
    payload = _signed_payload(id_token, key)
    expected = Expected(issuer, client_id, nonce, now)
    for check in CHECKS:
        check(payload, expected)
    return claims.read(payload)


def unverified(id_token: str) -> Named:
    """Return the ids that a token names before anything about it is checked: keys to look rows up by, no more."""
    try:
        return claims.named(_json_object(_segments(id_token)[1]))
    except LaunchRefusedError:
        return claims.NOTHING


def _segments(id_token: str) -> list[bytes]:
    if not id_token.isascii() or len(id_token) > LONGEST_TOKEN:
        raise LaunchRefusedError(Refusal.NOT_A_JWT, f"{len(id_token)} characters")
    parts = id_token.encode().split(b".")
    if len(parts) != 3:
        raise LaunchRefusedError(Refusal.NOT_A_JWT, f"{len(parts)} parts instead of 3")
    return parts


def _json_object(segment: bytes) -> Payload:
    try:
        found = json.loads(urlsafe_b64decode(segment), parse_constant=_no_number)
    except (binascii.Error, ValueError, RecursionError) as error:
        raise LaunchRefusedError(
            Refusal.NOT_A_JWT, f"a part can't be read ({type(error).__name__})"
        ) from error
    if not isinstance(found, dict):
        raise LaunchRefusedError(Refusal.NOT_A_JWT, "a part is no JSON object")
    return found


def _no_number(constant: str) -> float:
    raise ValueError(f"{constant} is no JSON")


def _header(id_token: str) -> Payload:
    return _json_object(_segments(id_token)[0])


def _check_algorithm(header: Payload) -> None:
    if header.get("alg") != "RS256":
        raise LaunchRefusedError(Refusal.WRONG_ALGORITHM, f"alg is {_seen(header.get('alg'))}, wanted RS256")


def _kid(header: Payload) -> str:
    kid = claims.identifier(header.get("kid"))
    if kid is None:
        raise LaunchRefusedError(Refusal.KID_MISSING, f"kid is {_seen(header.get('kid'))}")
    return kid


def _key(jwk: dict[str, Any]) -> RSAKey:
    if jwk.get("kty") != "RSA" or len(str(jwk.get("n", ""))) < SMALLEST_MODULUS:
        raise LaunchRefusedError(
            Refusal.KEY_UNKNOWN, "the key of this kid is no RSA key of 2048 bits or more"
        )
    try:
        return RSAKey.import_key(jwk)
    except (JoseError, ValueError, TypeError) as error:
        raise LaunchRefusedError(Refusal.KEY_UNKNOWN, f"the key can't be read: {error}") from error


def _signed_payload(id_token: str, key: RSAKey) -> Payload:
    try:
        signed = jws.deserialize_compact(id_token, key, registry=_REGISTRY)
    except BadSignatureError as error:
        raise LaunchRefusedError(Refusal.BAD_SIGNATURE) from error
    except (JoseError, ValueError, TypeError) as error:
        # What isn't the signature itself: a critical header that we don't know, a key for another use.
        raise LaunchRefusedError(Refusal.BAD_SIGNATURE, str(error)) from error
    return _json_object(signed.segments["payload"])


def _check_issuer(payload: Payload, expected: Expected) -> None:
    if payload.get("iss") != expected.issuer:
        raise _refused(Refusal.WRONG_ISSUER, "iss", payload.get("iss"), expected.issuer)


def _check_audience(payload: Payload, expected: Expected) -> None:
    audience = payload.get("aud")
    held = audience if isinstance(audience, list) else [audience]
    if expected.client_id not in held:
        raise _refused(Refusal.WRONG_AUDIENCE, "aud", audience, expected.client_id)


def _check_authorized_party(payload: Payload, expected: Expected) -> None:
    audience, party = payload.get("aud"), payload.get("azp")
    # Also for a list of one: whoever writes a list says that there may be others, and who of them it is for.
    if (isinstance(audience, list) or party is not None) and party != expected.client_id:
        raise _refused(Refusal.WRONG_AZP, "azp", party, expected.client_id)


def _check_times(payload: Payload, _expected: Expected) -> None:
    for name in ("exp", "iat"):
        if not _is_time(payload.get(name)):
            raise LaunchRefusedError(Refusal.TIMES_MISSING, f"{name} is {_seen(payload.get(name))}")


def _is_time(value: object) -> bool:
    # A bool is an int to Python. Whoever counts past the year 9999 has no time in mind.
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 253_402_300_800


def _check_expiry(payload: Payload, expected: Expected) -> None:
    if payload["exp"] <= (expected.now - LEEWAY).timestamp():
        raise LaunchRefusedError(Refusal.EXPIRED, _by_clock(payload["exp"], "expired", expected.now))


def _check_not_issued_later(payload: Payload, expected: Expected) -> None:
    if payload["iat"] > (expected.now + LEEWAY).timestamp():
        raise LaunchRefusedError(Refusal.ISSUED_LATER, _by_clock(payload["iat"], "issued", expected.now))


def _check_not_issued_long_ago(payload: Payload, expected: Expected) -> None:
    if payload["iat"] < (expected.now - OLDEST - LEEWAY).timestamp():
        raise LaunchRefusedError(Refusal.ISSUED_LONG_AGO, _by_clock(payload["iat"], "issued", expected.now))


def _by_clock(moment: float, did: str, now: datetime) -> str:
    away = round(moment - now.timestamp())
    return (
        f"{did} {abs(away)} seconds {'after' if away > 0 else 'before'} {now:%Y-%m-%dT%H:%M:%SZ} by our clock"
    )


def _check_nonce(payload: Payload, expected: Expected) -> None:
    nonce = claims.identifier(payload.get("nonce")) or ""
    if not hmac.compare_digest(nonce.encode(), expected.nonce.encode()):
        raise LaunchRefusedError(Refusal.WRONG_NONCE, "nonce is not the one of this login")


def _check_subject(payload: Payload, _expected: Expected) -> None:
    if claims.identifier(payload.get("sub")) is None:
        raise LaunchRefusedError(Refusal.SUBJECT_MISSING, "sub is missing, empty, or no id")


def _check_version(payload: Payload, _expected: Expected) -> None:
    version = payload.get(CLAIM + "version")
    if version != "1.3.0":
        raise _refused(Refusal.WRONG_VERSION, "version", version, "1.3.0")


def _check_message_type(payload: Payload, _expected: Expected) -> None:
    kind = payload.get(CLAIM + "message_type")
    if kind not in list(MessageType):
        raise _refused(Refusal.MESSAGE_TYPE_UNKNOWN, "message_type", kind, " or ".join(MessageType))


def _check_deployment(payload: Payload, _expected: Expected) -> None:
    deployment = payload.get(CLAIM + "deployment_id")
    if claims.identifier(deployment) is None:
        raise LaunchRefusedError(Refusal.DEPLOYMENT_MISSING, f"deployment_id is {_seen(deployment)}")


def _check_roles(payload: Payload, _expected: Expected) -> None:
    roles = payload.get(CLAIM + "roles")
    if not isinstance(roles, list) or not all(isinstance(role, str) for role in roles):
        raise _refused(Refusal.ROLES_MISSING, "roles", roles, "a list of texts")


def _check_resource_link(payload: Payload, _expected: Expected) -> None:
    is_needed = payload[CLAIM + "message_type"] == MessageType.RESOURCE_LINK
    if is_needed and claims.named(payload).link_id is None:
        raise LaunchRefusedError(
            Refusal.RESOURCE_LINK_MISSING, "resource_link.id is missing, empty, or no id"
        )


def _check_deep_linking_settings(payload: Payload, _expected: Expected) -> None:
    if payload[CLAIM + "message_type"] != MessageType.DEEP_LINKING:
        return
    settings = claims.deep_linking_settings(payload)
    if settings is None:
        raise LaunchRefusedError(
            Refusal.DEEP_LINKING_SETTINGS, "deep_link_return_url is missing or no address"
        )
    if "ltiResourceLink" not in settings.accept_types:
        raise _refused(
            Refusal.DEEP_LINKING_SETTINGS, "accept_types", list(settings.accept_types), "ltiResourceLink"
        )


def _refused(refusal: Refusal, claim: str, found: object, wanted: str) -> LaunchRefusedError:
    return LaunchRefusedError(refusal, f"{claim} is {_seen(found)}, wanted {wanted}")


def _seen(found: object) -> str:
    """Say what was found, for the log. Only flat values are written out: nested ones may be nested without end."""
    if found is None:
        return "missing"
    if isinstance(found, list):
        return f"[{', '.join(_seen(item) for item in found[:5] if not isinstance(item, list))}]"
    return repr(found)[:120] if isinstance(found, str | int | float) else "an object"


CHECKS: tuple[Callable[[Payload, Expected], None], ...] = (
    _check_issuer,
    _check_audience,
    _check_authorized_party,
    _check_times,
    _check_expiry,
    _check_not_issued_later,
    _check_not_issued_long_ago,
    _check_nonce,
    _check_subject,
    _check_version,
    _check_message_type,
    _check_deployment,
    _check_roles,
    _check_resource_link,
    _check_deep_linking_settings,
)
