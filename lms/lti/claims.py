"""What a platform says in a launch, once it is verified: read into plain values, with every absurdity taken out.

Sources: LTI 1.3 core, section 5; Deep Linking 2.0, section 4.4; AGS 2.0, section 3.1; NRPS 2.0, section 3.6.
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit

CLAIM = "https://purl.imsglobal.org/spec/lti/claim/"
DEEP_LINKING_SETTINGS = "https://purl.imsglobal.org/spec/lti-dl/claim/deep_linking_settings"
AGS = "https://purl.imsglobal.org/spec/lti-ags/claim/endpoint"
NRPS = "https://purl.imsglobal.org/spec/lti-nrps/claim/namesroleservice"

LINK_HISTORY = "link_history"
"""The custom parameter that we ask to be `$ResourceLink.id.history`: the links that this one was copied from."""
CONTEXT_HISTORY = "context_history"
"""The custom parameter that we ask to be `$Context.id.history`."""

LONGEST_ID = 255
LONGEST_TEXT = 500
LONGEST_ADDRESS = 2000
MOST = 200
"""Entries of a list or of the custom parameters that are read; a real launch has a few."""

# No space, quote or semicolon gets into a header from here, and no control character into the database.
_ADDRESS = re.compile(r"https?://(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9.-]+)(:\d{1,5})?([/?#][!-~]*)?")
_UNKEEPABLE = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")


class MessageType(StrEnum):
    """What a launch is for."""

    RESOURCE_LINK = "LtiResourceLinkRequest"
    DEEP_LINKING = "LtiDeepLinkingRequest"


@dataclass(frozen=True, slots=True)
class Named:
    """The ids that a launch names. Also read before it is verified, to look rows up and for nothing else."""

    deployment: str | None
    sub: str | None
    link_id: str | None
    context_id: str | None


NOTHING = Named(None, None, None, None)


@dataclass(frozen=True, slots=True)
class DeepLinkingSettings:
    """What the platform will take back from a course editor who picks content."""

    return_url: str
    accept_types: tuple[str, ...]
    accept_multiple: bool
    accept_lineitem: bool
    data: str | None
    """To be given back as it came; it is opaque, and never shown."""


@dataclass(frozen=True, slots=True)
class Claims:
    """One verified launch. A text that was missing is empty; an id or address that was missing is None."""

    message_type: MessageType
    sub: str
    deployment: str
    roles: tuple[str, ...]
    target_link_uri: str | None
    name: str
    given_name: str
    family_name: str
    email: str | None
    """Lower case."""
    staff_no: str | None
    """lis.person_sourcedid."""
    context_id: str | None
    context_title: str
    link_id: str | None
    """Always there in a resource link request."""
    link_title: str
    custom: dict[str, str]
    """The custom parameters that arrived with a value; one still called `$Something` counts as missing."""
    link_history: tuple[str, ...]
    """Ids of the links that this one was copied from, the latest first."""
    context_history: tuple[str, ...]
    lineitem: str | None
    lineitems: str | None
    ags_scopes: tuple[str, ...]
    memberships_url: str | None
    deep_linking: DeepLinkingSettings | None
    return_url: str | None
    platform_guid: str | None
    product: str
    """product_family_code, in lower case."""

    @property
    def named(self) -> Named:
        """The ids in it, to look rows up by."""
        return Named(self.deployment, self.sub, self.link_id, self.context_id)


def named(payload: dict[str, Any]) -> Named:
    """Return the ids in a payload; None for each that is missing or can't be an id."""
    return Named(
        deployment=identifier(payload.get(CLAIM + "deployment_id")),
        sub=identifier(payload.get("sub")),
        link_id=identifier(_object(payload, "resource_link").get("id")),
        context_id=identifier(_object(payload, "context").get("id")),
    )


def read(payload: dict[str, Any]) -> Claims:
    """Return the claims of a payload that `lms.lti.verifying` has checked. Never raises on one of those."""
    ids, link, context = named(payload), _object(payload, "resource_link"), _object(payload, "context")
    ags, nrps, platform = _dict(payload.get(AGS)), _dict(payload.get(NRPS)), _object(payload, "tool_platform")
    custom = _custom(payload)
    assert ids.sub is not None
    assert ids.deployment is not None
    return Claims(
        message_type=MessageType(payload[CLAIM + "message_type"]),
        sub=ids.sub,
        deployment=ids.deployment,
        roles=strings(payload[CLAIM + "roles"]),
        target_link_uri=address(payload.get(CLAIM + "target_link_uri")),
        name=text(payload.get("name")),
        given_name=text(payload.get("given_name")),
        family_name=text(payload.get("family_name")),
        email=text(payload.get("email")).lower() or None,
        staff_no=text(_object(payload, "lis").get("person_sourcedid")) or None,
        context_id=ids.context_id,
        context_title=text(context.get("title")) or text(context.get("label")),
        link_id=ids.link_id,
        link_title=text(link.get("title")),
        custom=custom,
        link_history=_history(custom.get(LINK_HISTORY)),
        context_history=_history(custom.get(CONTEXT_HISTORY)),
        lineitem=address(ags.get("lineitem")),
        lineitems=address(ags.get("lineitems")),
        ags_scopes=strings(ags.get("scope")),
        memberships_url=address(nrps.get("context_memberships_url")),
        deep_linking=deep_linking_settings(payload),
        return_url=address(_object(payload, "launch_presentation").get("return_url")),
        platform_guid=identifier(platform.get("guid")),
        product=text(platform.get("product_family_code")).lower(),
    )


def deep_linking_settings(payload: dict[str, Any]) -> DeepLinkingSettings | None:
    """Return the settings of a deep linking request; None where they, or the address to return to, are missing."""
    settings = _dict(payload.get(DEEP_LINKING_SETTINGS))
    return_url = address(settings.get("deep_link_return_url"))
    if return_url is None:
        return None
    kept = settings.get("data")
    return DeepLinkingSettings(
        return_url=return_url,
        accept_types=strings(settings.get("accept_types")),
        accept_multiple=settings.get("accept_multiple") is True,
        accept_lineitem=settings.get("accept_lineitem") is not False,
        data=kept if isinstance(kept, str) else None,
    )


def to_json(claims: Claims) -> dict[str, Any]:
    """Return claims as they wait in the database."""
    return asdict(claims)


def from_json(kept: dict[str, Any]) -> Claims:
    """Return claims that waited in the database."""
    settings = kept["deep_linking"]
    values = _with_tuples(kept) | {
        "message_type": MessageType(kept["message_type"]),
        "deep_linking": settings and DeepLinkingSettings(**_with_tuples(settings)),
    }
    return Claims(**values)


def identifier(value: object) -> str | None:
    """Return an id exactly as it came, or None: ids are opaque, case-sensitive, and at most 255 characters."""
    if not isinstance(value, str) or not 1 <= len(value) <= LONGEST_ID or _UNKEEPABLE.search(value):
        return None
    return value


def text(value: object) -> str:
    """Return words that can be kept and shown: trimmed, cut, one line; empty when they are missing or no text."""
    return _line(value, LONGEST_TEXT) if isinstance(value, str) else ""


def address(value: object) -> str | None:
    """Return a web address, or None for anything that isn't one."""
    if not isinstance(value, str) or len(value) > LONGEST_ADDRESS or not _ADDRESS.fullmatch(value):
        return None
    try:
        # Refuses a port beyond 65535, and brackets with no IPv6 address in them.
        _ = urlsplit(value).port
    except ValueError:
        return None
    return value


def strings(value: object) -> tuple[str, ...]:
    """Return the texts of a list; nothing for anything else."""
    return (
        tuple(text(item) for item in value[:MOST] if isinstance(item, str)) if isinstance(value, list) else ()
    )


def _with_tuples(kept: dict[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in kept.items()}


def _object(payload: dict[str, Any], claim: str) -> dict[str, Any]:
    return _dict(payload.get(CLAIM + claim))


def _dict(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _custom(payload: dict[str, Any]) -> dict[str, str]:
    found = list(_object(payload, "custom").items())[:MOST]
    values = {text(key): _line(value, LONGEST_ADDRESS) for key, value in found if isinstance(value, str)}
    return {key: value for key, value in values.items() if value and not value.startswith("$")}


def _line(value: str, longest: int) -> str:
    return " ".join(_UNKEEPABLE.sub(" ", value[:longest]).split())


def _history(value: str | None) -> tuple[str, ...]:
    ids = (identifier(part.strip()) for part in (value or "").split(",")[:MOST])
    return tuple(found for found in ids if found is not None)
