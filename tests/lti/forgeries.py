"""Tokens that are each wrong in one thing, with the code by which it is refused: the rows of what LTI must refuse, and
what nobody would think of sending.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Any

from joserfc.util import urlsafe_b64encode

from lms.lti.claims import DEEP_LINKING_SETTINGS
from lms.lti.refusals import Refusal
from tests.conftest import NOW
from tests.lti import forger
from tests.lti.forger import MISSING, message, signed

AT = int(NOW.timestamp())
Forge = Callable[[forger.Login], str]
Cases = dict[str, tuple[Forge, Refusal]]


def claims(**changes: Any) -> Forge:
    """A token that is right in everything but these claims."""
    return lambda login: signed(message(login.nonce, **changes))


def headed(**header: Any) -> Forge:
    """A token that is right in everything but its header."""
    return lambda login: signed(message(login.nonce), **header)


def _alg_none(login: forger.Login) -> str:
    return forger.unsigned(message(login.nonce), {"alg": "none", "typ": "JWT", "kid": forger.KID})


def _signed_with_the_public_key_as_a_secret(login: forger.Login) -> str:
    secret = forger.signing_key().as_pem(private=False)
    head = urlsafe_b64encode(json.dumps({"alg": "HS256", "kid": forger.KID}).encode())
    body = urlsafe_b64encode(json.dumps(message(login.nonce)).encode())
    mac = hmac.new(secret, head + b"." + body, hashlib.sha256).digest()
    return b".".join((head, body, urlsafe_b64encode(mac))).decode()


def _changed_after_signing(login: forger.Login) -> str:
    head, _, signature = signed(message(login.nonce)).split(".")
    body = urlsafe_b64encode(json.dumps(message(login.nonce, sub="1")).encode()).decode()
    return f"{head}.{body}.{signature}"


def _deep_linking(**changes: Any) -> Forge:
    return lambda login: signed(forger.deep_linking(login.nonce, **changes))


ROWS: Cases = {
    # The token
    "nothing": (lambda _: "", Refusal.NOT_A_JWT),
    "words": (lambda _: "not a token", Refusal.NOT_A_JWT),
    "claims that are no JSON": (lambda _: signed(b"\xff\xfe{"), Refusal.NOT_A_JWT),
    "200 kB": (lambda login: signed(message(login.nonce, junk="x" * 200_000)), Refusal.NOT_A_JWT),
    "alg none": (_alg_none, Refusal.WRONG_ALGORITHM),
    "alg HS256 over the public key": (_signed_with_the_public_key_as_a_secret, Refusal.WRONG_ALGORITHM),
    "alg PS256": (headed(alg="PS256"), Refusal.WRONG_ALGORITHM),
    "no kid": (headed(kid=MISSING), Refusal.KID_MISSING),
    "another's key": (lambda login: signed(message(login.nonce), by="stranger"), Refusal.BAD_SIGNATURE),
    "changed after signing": (_changed_after_signing, Refusal.BAD_SIGNATURE),
    "no signature": (
        lambda login: signed(message(login.nonce)).rpartition(".")[0] + ".",
        Refusal.BAD_SIGNATURE,
    ),
    # The claims of OpenID Connect
    "no iss": (claims(iss=MISSING), Refusal.WRONG_ISSUER),
    "another iss": (claims(iss="https://moodle.other.test"), Refusal.WRONG_ISSUER),
    "iss with a stroke more": (claims(iss=forger.ISSUER + "/"), Refusal.WRONG_ISSUER),
    "no aud": (claims(aud=MISSING), Refusal.WRONG_AUDIENCE),
    "another aud": (claims(aud="somebody"), Refusal.WRONG_AUDIENCE),
    "aud a list without us": (claims(aud=["a", "b"], azp="a"), Refusal.WRONG_AUDIENCE),
    "aud a list without azp": (claims(aud=["a", forger.CLIENT_ID]), Refusal.WRONG_AZP),
    "aud a list of us alone without azp": (claims(aud=[forger.CLIENT_ID]), Refusal.WRONG_AZP),
    "aud a list, another azp": (claims(aud=["a", forger.CLIENT_ID], azp="a"), Refusal.WRONG_AZP),
    "one aud, another azp": (claims(azp="a"), Refusal.WRONG_AZP),
    "no exp": (claims(exp=MISSING), Refusal.TIMES_MISSING),
    "no iat": (claims(iat=MISSING), Refusal.TIMES_MISSING),
    "expired 61 seconds ago": (claims(exp=AT - 61, iat=AT - 120), Refusal.EXPIRED),
    "issued in 61 seconds": (claims(iat=AT + 61, exp=AT + 120), Refusal.ISSUED_LATER),
    "issued 661 seconds ago": (claims(iat=AT - 661, exp=AT + 60), Refusal.ISSUED_LONG_AGO),
    "no nonce": (claims(nonce=MISSING), Refusal.WRONG_NONCE),
    "another nonce": (claims(nonce="of another login"), Refusal.WRONG_NONCE),
    "no sub": (claims(sub=MISSING), Refusal.SUBJECT_MISSING),
    "an empty sub": (claims(sub=""), Refusal.SUBJECT_MISSING),
    # The message
    "no version": (claims(version=MISSING), Refusal.WRONG_VERSION),
    "version 1.1": (claims(version="LTI-1p0"), Refusal.WRONG_VERSION),
    "version 1.3": (claims(version="1.3"), Refusal.WRONG_VERSION),
    "no message type": (claims(message_type=MISSING), Refusal.MESSAGE_TYPE_UNKNOWN),
    "another message type": (claims(message_type="LtiSubmissionReviewRequest"), Refusal.MESSAGE_TYPE_UNKNOWN),
    "no deployment": (claims(deployment_id=MISSING), Refusal.DEPLOYMENT_MISSING),
    "an empty deployment": (claims(deployment_id=""), Refusal.DEPLOYMENT_MISSING),
    "no roles": (claims(roles=MISSING), Refusal.ROLES_MISSING),
    "roles that are a word": (claims(roles=forger.LEARNER), Refusal.ROLES_MISSING),
    "no link": (claims(resource_link=MISSING), Refusal.RESOURCE_LINK_MISSING),
    "a link without id": (claims(resource_link={"title": "Training"}), Refusal.RESOURCE_LINK_MISSING),
    "no target": (claims(target_link_uri=MISSING), Refusal.TARGET_MISSING),
    "a target that isn't ours": (claims(target_link_uri="https://evil.test/"), Refusal.TARGET_NOT_OURS),
    "a module that we don't have": (claims(custom={"countersign": "juggling"}), Refusal.MODULE_UNKNOWN),
    "choosing without settings": (
        _deep_linking(**{DEEP_LINKING_SETTINGS: MISSING}),
        Refusal.DEEP_LINKING_SETTINGS,
    ),
    "choosing with nowhere to return": (
        _deep_linking(**{DEEP_LINKING_SETTINGS: {"accept_types": ["ltiResourceLink"]}}),
        Refusal.DEEP_LINKING_SETTINGS,
    ),
    "choosing where no link fits": (
        _deep_linking(
            **{
                DEEP_LINKING_SETTINGS: {
                    "accept_types": ["file"],
                    "deep_link_return_url": forger.ISSUER + "/back",
                }
            }
        ),
        Refusal.DEEP_LINKING_SETTINGS,
    ),
    "a learner choosing": (_deep_linking(roles=[forger.LEARNER]), Refusal.DEEP_LINKING_NOT_ALLOWED),
    "nobody choosing": (_deep_linking(roles=[]), Refusal.DEEP_LINKING_NOT_ALLOWED),
}

ABSURD: Cases = {
    "two parts": (lambda login: signed(message(login.nonce)).rpartition(".")[0], Refusal.NOT_A_JWT),
    "half a letter": (lambda _: "\ud800.e30.e30", Refusal.NOT_A_JWT),
    "letters that no token has": (lambda _: "é.é.é", Refusal.NOT_A_JWT),
    "a header that is a list": (
        lambda login: forger.unsigned(message(login.nonce), ["alg"]),
        Refusal.NOT_A_JWT,
    ),
    "a header nested without end": (
        lambda _: urlsafe_b64encode(b"[" * 50_000).decode() + ".e30.e30",
        Refusal.NOT_A_JWT,
    ),
    "claims that are a list": (lambda _: signed([1, 2]), Refusal.NOT_A_JWT),
    "claims nested without end": (lambda _: signed(b'{"a":' * 12_000), Refusal.NOT_A_JWT),
    "a number that is none": (
        lambda login: signed(json.dumps(message(login.nonce, exp=float("nan"))).encode()),
        Refusal.NOT_A_JWT,
    ),
    "a number of 5,000 digits": (
        lambda login: signed(json.dumps(message(login.nonce, exp="#")).replace('"#"', "9" * 5_000).encode()),
        Refusal.NOT_A_JWT,
    ),
    "alg RS384": (headed(alg="RS384"), Refusal.WRONG_ALGORITHM),
    "alg missing": (
        lambda login: forger.unsigned(message(login.nonce), {"kid": forger.KID}),
        Refusal.WRONG_ALGORITHM,
    ),
    "alg nested": (
        lambda login: forger.unsigned(message(login.nonce), {"alg": [[[["RS256"]]]], "kid": forger.KID}),
        Refusal.WRONG_ALGORITHM,
    ),
    "a kid that is a number": (
        lambda login: forger.unsigned(message(login.nonce), {"alg": "RS256", "kid": 1}),
        Refusal.KID_MISSING,
    ),
    "a signature of no base64": (
        lambda login: signed(message(login.nonce)).rpartition(".")[0] + ".!!!",
        Refusal.BAD_SIGNATURE,
    ),
    "a critical header that nobody knows": (
        lambda login: forger.unsigned(
            message(login.nonce), {"alg": "RS256", "kid": forger.KID, "crit": ["x"], "x": 1}
        ),
        Refusal.BAD_SIGNATURE,
    ),
    "aud an empty list": (claims(aud=[]), Refusal.WRONG_AUDIENCE),
    "aud an object": (claims(aud={"a": forger.CLIENT_ID}), Refusal.WRONG_AUDIENCE),
    "exp in words": (claims(exp="tomorrow"), Refusal.TIMES_MISSING),
    "exp true": (claims(exp=True), Refusal.TIMES_MISSING),
    "exp after all days": (claims(exp=10**300), Refusal.TIMES_MISSING),
    "exp beyond numbers": (
        lambda login: signed(json.dumps(message(login.nonce, exp="#")).replace('"#"', "1e999").encode()),
        Refusal.TIMES_MISSING,
    ),
    "iat below zero": (claims(iat=-1), Refusal.TIMES_MISSING),
    "a nonce that is a list": (claims(nonce=["n"]), Refusal.WRONG_NONCE),
    "a nonce of strange letters": (claims(nonce="\ud800é"), Refusal.WRONG_NONCE),
    "a sub that is a number": (claims(sub=42), Refusal.SUBJECT_MISSING),
    "a sub without end": (claims(sub="4" * 256), Refusal.SUBJECT_MISSING),
    "a sub that can't be kept": (claims(sub="4\x002"), Refusal.SUBJECT_MISSING),
    "a sub that is half a letter": (claims(sub="\ud800"), Refusal.SUBJECT_MISSING),
    "a message type that is a list": (claims(message_type=[]), Refusal.MESSAGE_TYPE_UNKNOWN),
    "a deployment that is a number": (claims(deployment_id=1), Refusal.DEPLOYMENT_MISSING),
    "roles that are numbers": (claims(roles=[1]), Refusal.ROLES_MISSING),
    "roles that are nothing": (claims(roles=None), Refusal.ROLES_MISSING),
    "a link that is a word": (claims(resource_link="link-1"), Refusal.RESOURCE_LINK_MISSING),
    "choosing with a script to return to": (
        _deep_linking(
            **{
                DEEP_LINKING_SETTINGS: {
                    "accept_types": ["ltiResourceLink"],
                    "deep_link_return_url": "javascript:alert(1)",
                }
            }
        ),
        Refusal.DEEP_LINKING_SETTINGS,
    ),
}
