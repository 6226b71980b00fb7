"""Dynamic Registration: what we ask a platform for, what it grants, and what we keep.

Source: 1EdTech LTI Dynamic Registration 1.0, sections 3.5 and 3.6; RFC 7591.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from lms.lti import platforms
from lms.lti.addresses import host_of
from lms.lti.configurations import (
    CANVAS,
    DEEP_LINKING,
    LONGEST,
    MOST_BYTES,
    RESOURCE_LINK,
    Platform,
    UnfitPlatformError,
    bearer,
    text_of,
    texts,
)
from lms.lti.fetching import Answer, Outgoing
from lms.lti.invites import Invite
from lms.lti.platforms import Registration
from lms.lti.products import Product
from lms.lti.services import SCOPES
from lms.schools import Kind, Organisation

TOOL = "https://purl.imsglobal.org/spec/lti-tool-configuration"
CLAIMS = ("iss", "sub", "name", "given_name", "family_name", "email")
CUSTOM = {"link_history": "$ResourceLink.id.history", "context_history": "$Context.id.history"}
"""Says which links and courses a copied course was made from. No `=` in a value: Moodle parts its lines there."""
WITHIN = 20.0
"""Seconds for a registration: a platform asks us for our keys meanwhile."""


@dataclass(frozen=True)
class Granted:
    """What a platform answered to our registration."""

    client_id: str
    deployment: str | None
    scopes: list[str]


def register(platform: Platform, token: str | None, base_url: str, outgoing: Outgoing) -> Granted:
    """Register with a platform, and return what it gave us. For no transaction: it may take seconds.

    Raises:
        UnfitPlatformError: it refused, or answered without a client id.
        FetchError: it gave no usable answer; it may have registered us all the same.
    """
    answer = outgoing.fetch(
        "POST",
        platform.registration_endpoint,
        headers={"Content-Type": "application/json", **bearer(token)},
        body=json.dumps(request_to(platform, base_url)).encode(),
        most_bytes=MOST_BYTES,
        within=WITHIN,
    )
    if answer.status not in {200, 201}:
        raise UnfitPlatformError(
            f"{answer.host} refused to register Countersign (it answered {answer.status}{_reason(answer)})."
        )
    return _granted(answer)


def keep(
    platform: Platform, granted: Granted, invite: Invite, organisation: Organisation, now: datetime
) -> Registration:
    """Write down what was confirmed and granted. A deployment that the platform named is approved: it was invited.

    Raises:
        ConflictError: this issuer and client id are registered already.
    """
    registration = platforms.register(
        organisation.id,
        name=platform.account or f"{platform.name} at {organisation.name}",
        product=platform.family,
        issuer=platform.issuer,
        client_id=granted.client_id,
        authorization_endpoint=platform.authorization_endpoint,
        token_endpoint=platform.token_endpoint,
        token_audience=platform.token_audience,
        jwks_uri=platform.jwks_uri,
        scopes=granted.scopes,
        now=now,
    )
    if granted.deployment is not None:
        # A trust's says nothing of which of its schools it is for: that is for an administrator to say.
        is_clear = organisation.kind is Kind.SCHOOL
        platforms.deploy(
            registration, granted.deployment, organisation_id=organisation.id, now=now, approved=is_clear
        )
    invite.registration_id = registration.id
    return registration


def request_to(platform: Platform, base_url: str) -> dict[str, Any]:
    """Return our client registration for a platform (LTI Dynamic Registration, section 3.5.2)."""
    return {
        "application_type": "web",
        "response_types": ["id_token"],
        "grant_types": ["implicit", "client_credentials"],
        "initiate_login_uri": f"{base_url}/lti/login",
        "redirect_uris": [f"{base_url}/lti/launch"],
        "client_name": "Countersign",
        "client_uri": base_url,
        "logo_uri": _icon(base_url),
        "policy_uri": f"{base_url}/privacy",
        "jwks_uri": f"{base_url}/lti/jwks",
        "token_endpoint_auth_method": "private_key_jwt",
        "scope": " ".join(platform.scopes),
        TOOL: {
            "domain": host_of(base_url),
            "description": "Staff training on school policies, signed for by the adults who work there.",
            "target_link_uri": f"{base_url}/",
            "custom_parameters": CUSTOM,
            "claims": list(CLAIMS),
            # Deep linking first: where a place is given twice, Canvas takes the first message for it.
            "messages": [
                _message(
                    platform, DEEP_LINKING, "Add staff training", f"{base_url}/lti/deep-linking", base_url
                ),
                _message(platform, RESOURCE_LINK, "Staff training", f"{base_url}/", base_url),
            ],
        },
    }


def _message(platform: Platform, kind: str, label: str, target: str, base_url: str) -> dict[str, Any]:
    message: dict[str, Any] = {
        "type": kind,
        "target_link_uri": target,
        "label": label,
        "icon_uri": _icon(base_url),
    }
    if places := platform.placements.get(kind):
        message["placements"] = places
    if platform.product is Product.CANVAS:
        # Else every course would have us in its menu at once.
        message |= {f"{CANVAS}course_navigation/default_enabled": False} if kind == RESOURCE_LINK else {}
    return message


def _icon(base_url: str) -> str:
    return f"{base_url}/static/icon.svg"


def _granted(answer: Answer) -> Granted:
    document = answer.json_object()
    about = document.get(TOOL)
    client_id = _identifier(document.get("client_id"))
    if client_id is None:
        raise UnfitPlatformError(
            f"{answer.host} answered without a client id, so it can’t be connected in this way. "
            "Connect it by hand instead."
        )
    scope = document.get("scope")
    scopes = scope.split() if isinstance(scope, str) else texts(scope)
    return Granted(
        client_id=client_id,
        deployment=_identifier(about.get("deployment_id")) if isinstance(about, dict) else None,
        scopes=[each for each in SCOPES if each in scopes],
    )


def _identifier(found: object) -> str | None:
    """Return an id, which some platforms write as a number; None for what can't be one."""
    text = str(found) if isinstance(found, int) and not isinstance(found, bool) else found
    fits = (
        isinstance(text, str) and text.isascii() and text.isprintable() and 0 < len(text.strip()) <= LONGEST
    )
    return str(text) if fits else None


def _reason(answer: Answer) -> str:
    """Return what a platform says of its refusal, as far as it can be read (RFC 7591, section 3.2.2)."""
    try:
        said = json.loads(answer.body)
    except (ValueError, RecursionError):
        return ""
    words = (
        text_of(said, "error_description") or text_of(said, "error") or text_of(said, "message")
        if isinstance(said, dict)
        else ""
    )
    return f": {words}" if words else ""
