"""The other side of a launch, as a test wants it: right in everything, or wrong in one thing."""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

from flask import Flask
from joserfc import jws
from joserfc.jwk import RSAKey
from joserfc.util import urlsafe_b64encode
from werkzeug.test import TestResponse

from lms.db import session, transaction
from lms.lti import platforms
from lms.lti.claims import CLAIM, DEEP_LINKING_SETTINGS
from lms.lti.identities import Identity
from lms.lti.platforms import Registration
from lms.people import Person
from lms.schools import Organisation
from tests.client import StrictClient
from tests.conftest import NOW

OURS = "http://127.0.0.1:8000"
ISSUER = "https://moodle.school.test"
CLIENT_ID = "a1B2c3"
DEPLOYMENT = "1"
AUTHORIZATION = f"{ISSUER}/mod/lti/auth.php"
TOKEN_ENDPOINT = f"{ISSUER}/mod/lti/token.php"
LEARNER = "http://purl.imsglobal.org/vocab/lis/v2/membership#Learner"
INSTRUCTOR = "http://purl.imsglobal.org/vocab/lis/v2/membership#Instructor"
ADMINISTRATOR = "http://purl.imsglobal.org/vocab/lis/v2/institution/person#Administrator"
KID = "first"


class Missing(Enum):
    """Given for a claim or a field: it is left out."""

    MISSING = "missing"


MISSING = Missing.MISSING


@functools.cache
def signing_key(kid: str = KID) -> RSAKey:
    """Return the private key of this kid, the same for the whole session."""
    return RSAKey.generate_key(2048, {"kid": kid})


def jwk(kid: str = KID, **more: Any) -> dict[str, Any]:
    """Return the public JWK of a key, as a platform publishes it."""
    return {**signing_key(kid).as_dict(private=False), "kid": kid, **more}


def key_set(*kids: str) -> dict[str, Any]:
    """Return the JWK Set of these keys."""
    return {"keys": [jwk(kid, alg="RS256", use="sig") for kid in kids]}


def connect(
    school: Organisation,
    *,
    issuer: str = ISSUER,
    client_id: str = CLIENT_ID,
    jwks_uri: str | None = None,
    deployment: str | None = DEPLOYMENT,
    approved: bool = True,
    now: datetime = NOW,
) -> Registration:
    """Connect a platform to a school. Its keys are known already, unless it has an address to fetch them from."""
    registration = platforms.register(
        school.id,
        name="Moodle",
        issuer=issuer,
        client_id=client_id,
        authorization_endpoint=f"{issuer}/mod/lti/auth.php",
        token_endpoint=f"{issuer}/mod/lti/token.php",
        jwks_uri=jwks_uri or f"{issuer}/mod/lti/certs.php",
        now=now,
        product="moodle",
    )
    if jwks_uri is None:
        registration.keys, registration.keys_fetched_at, registration.keys_tried_at = key_set(KID), now, now
    if deployment is not None:
        platforms.deploy(registration, deployment, organisation_id=school.id, now=now, approved=approved)
    return registration


def recognise(registration: Registration, person: Person, sub: str = "42") -> Identity:
    """Have a platform know somebody who works at the school already."""
    found = Identity(
        registration_id=registration.id,
        sub=sub,
        person_id=person.id,
        name=person.name,
        first_seen_at=NOW,
        made_person=False,
    )
    session.add(found)
    return found


@dataclass(frozen=True)
class Login:
    """A login that was begun: what the platform was asked."""

    state: str
    nonce: str
    asked: dict[str, str]


def login_fields(**changes: Any) -> dict[str, Any]:
    """Return what a platform sends to begin; MISSING leaves a field out."""
    fields = {
        "iss": ISSUER,
        "client_id": CLIENT_ID,
        "login_hint": "42",
        "target_link_uri": f"{OURS}/",
        "lti_message_hint": "7",
        "lti_deployment_id": DEPLOYMENT,
    }
    return _changed(fields, changes)


def log_in(client: StrictClient, **changes: Any) -> Login:
    """Begin a login in this browser, and read what the platform is asked."""
    response = client.post("/lti/login", data=login_fields(**changes))
    assert response.status_code == 302, response.get_data(as_text=True)
    return asked_by(response.headers["Location"])


def asked_by(address: str) -> Login:
    """Return the login that an address at the platform carries."""
    asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
    return Login(asked["state"], asked["nonce"], asked)


def message(nonce: str, /, *, now: datetime = NOW, **changes: Any) -> dict[str, Any]:
    """Return the claims of a resource link launch. A change names a claim, with or without LTI's prefix."""
    at = int(now.timestamp())
    claims = {
        "iss": ISSUER,
        "aud": CLIENT_ID,
        "sub": "42",
        "exp": at + 60,
        "iat": at,
        "nonce": nonce,
        "name": "Priya Nair",
        "given_name": "Priya",
        "family_name": "Nair",
        "email": "priya.nair@school.test",
        CLAIM + "version": "1.3.0",
        CLAIM + "message_type": "LtiResourceLinkRequest",
        CLAIM + "deployment_id": DEPLOYMENT,
        CLAIM + "target_link_uri": f"{OURS}/",
        CLAIM + "roles": [LEARNER],
        CLAIM + "resource_link": {"id": "link-1", "title": "Social media training"},
        CLAIM + "context": {"id": "course-1", "title": "Staff induction", "label": "IND"},
        CLAIM + "launch_presentation": {"return_url": f"{ISSUER}/mod/lti/return.php"},
    }
    prefixed = {CLAIM + name for name in _PREFIXED}
    return _changed(claims, {(CLAIM + k if CLAIM + k in prefixed else k): v for k, v in changes.items()})


_PREFIXED = [
    "version",
    "message_type",
    "deployment_id",
    "target_link_uri",
    "roles",
    "resource_link",
    "context",
    "launch_presentation",
    "custom",
    "lis",
    "tool_platform",
]


def deep_linking(nonce: str, /, **changes: Any) -> dict[str, Any]:
    """Return the claims of a deep linking launch by an instructor."""
    settings = {
        "deep_link_return_url": f"{ISSUER}/mod/lti/contentitem_return.php",
        "accept_types": ["ltiResourceLink"],
        "accept_presentation_document_targets": ["frame", "iframe", "window"],
        "accept_multiple": True,
        "data": "opaque=1",
    }
    return message(
        nonce,
        **{
            "message_type": "LtiDeepLinkingRequest",
            "roles": [INSTRUCTOR],
            "resource_link": MISSING,
            DEEP_LINKING_SETTINGS: settings,
            **changes,
        },
    )


def signed(claims: object, *, kid: str = KID, by: str = KID, **header: Any) -> str:
    """Return a token with these claims, signed by the key `by` and saying that it was `kid`."""
    protected = _changed({"alg": "RS256", "typ": "JWT", "kid": kid}, header)
    payload = claims if isinstance(claims, bytes) else json.dumps(claims).encode()
    key = signing_key(by)
    return jws.serialize_compact(protected, payload, key, registry=_lax())


def _lax() -> jws.JWSRegistry:
    return jws.JWSRegistry(algorithms=["RS256", "RS384", "PS256"], strict_check_header=False)


def unsigned(claims: object, header: object, signature: bytes = b"") -> str:
    """Return a token of three parts with any header, any claims and any signature."""
    parts = (json.dumps(header).encode(), json.dumps(claims).encode(), signature)
    return b".".join(urlsafe_b64encode(part) for part in parts).decode()


def send(client: StrictClient, state: str, id_token: str) -> TestResponse:
    """Post what a platform posts."""
    return client.post("/lti/launch", data={"state": state, "id_token": id_token})


def launch(client: StrictClient, **changes: Any) -> TestResponse:
    """Log in and launch, with these changes to the claims."""
    login = log_in(client)
    return send(client, login.state, signed(message(login.nonce, **changes)))


def signed_in(client: StrictClient) -> UUID | None:
    """Return who is signed in in this browser."""
    with client.session_transaction() as cookie:
        held = cookie.get("_user_id")
    return UUID(held.partition(".")[0]) if held else None


def school_with_platform(app: Flask, **options: Any) -> UUID:
    """Make a school with a connected platform; return the registration's id."""
    from tests.factories import make_school

    with app.app_context(), transaction():
        return connect(make_school(), **options).id


def _changed(fields: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in {**fields, **changes}.items() if value is not MISSING}
