"""Deep linking: what a course editor may put in a course, and the signed answer that puts it there.

Source: LTI Deep Linking 2.0, sections 3.1 (content items) and 4.4 (the response).
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from lms.clock import end_of_day, london_day
from lms.items import Item, items
from lms.lti import places
from lms.lti.claims import CLAIM, Claims
from lms.lti.places import PROGRAMME
from lms.lti.refusals import LaunchRefusedError, Refusal
from lms.scenarios import Module, shipped_modules
from lms.training import required_modules

LASTS = timedelta(minutes=5)
"""How long the platform may take to receive the answer."""

TAG = "countersign"
"""Marks our line items among others."""

_DL = "https://purl.imsglobal.org/spec/lti-dl/claim/"


@dataclass(frozen=True, slots=True)
class Content:
    """One thing that may be put in a course."""

    target: str
    """`programme`, or a module's slug."""
    title: str
    text: str
    due: date | None
    """The day that the school has fixed, if it has and it is still to come."""


@dataclass(frozen=True, slots=True)
class Request:
    """What an answer answers: the platform's request, as it was verified."""

    issuer: str
    client_id: str
    deployment: str
    accept_multiple: bool
    accept_lineitem: bool
    data: str | None


def check_return(claims: Claims, *, allow_http: bool) -> None:
    """Raise LaunchRefusedError unless the answer would go back over https, or plain http is allowed for a trial."""
    settings = claims.deep_linking
    if settings is None or not (allow_http or settings.return_url.startswith("https://")):
        raise LaunchRefusedError(Refusal.DEEP_LINKING_SETTINGS, "deep_link_return_url isn't https")


def contents(school_id: UUID, now: datetime) -> list[Content]:
    """Return what a school's courses may hold: the whole programme, then each module that is set. One query.

    Nothing where the school has set nothing yet.
    """
    assigned = items([school_id], now)
    if not assigned:
        return []
    today = london_day(now)
    by_module: dict[str, list[Item]] = {}
    for item in assigned:
        for slug in required_modules(item.assignment):
            by_module.setdefault(slug, []).append(item)
    modules = [_module(shipped_modules()[slug], found, today) for slug, found in by_module.items()]
    return [_programme(assigned, today), *modules]


def _programme(assigned: Sequence[Item], today: date) -> Content:
    titles = list(dict.fromkeys(item.policy.title for item in assigned))
    title = titles[0] if len(titles) == 1 else "Staff training"
    to_sign = titles[0] if len(titles) == 1 else f"{', the '.join(titles[:-1])} and the {titles[-1]}"
    text = f"Everything that is asked of you: the practice modules, then read and sign the {to_sign}."
    return Content(PROGRAMME, f"{title}: the whole programme", text, _due(assigned, today))


def _module(module: Module, assigned: Sequence[Item], today: date) -> Content:
    text = f"About {module.minutes} minutes of practice: situations, and what you would do. Your answers are private."
    return Content(module.slug, module.title, text, _due(assigned, today))


def _due(assigned: Iterable[Item], today: date) -> date | None:
    fixed = [item.assignment.due_on for item in assigned if item.assignment.due_on is not None]
    return min((day for day in fixed if day >= today), default=None)


def response(request: Request, chosen: Iterable[Content], *, base_url: str, now: datetime) -> dict[str, Any]:
    """Return the claims of the answer that puts the chosen contents in the course; none of them cancels.

    To be signed with our key and posted to the request's return address. It serves for `LASTS`.
    """
    issued = now.astimezone(UTC)
    claims = {
        "iss": request.client_id,
        "aud": request.issuer,
        "iat": int(issued.timestamp()),
        "exp": int((issued + LASTS).timestamp()),
        "nonce": secrets.token_urlsafe(24),
        f"{CLAIM}message_type": "LtiDeepLinkingResponse",
        f"{CLAIM}version": "1.3.0",
        f"{CLAIM}deployment_id": request.deployment,
        f"{_DL}content_items": [_item(content, request.accept_lineitem, base_url) for content in chosen],
    }
    # Where the platform sent any, it must come back exactly; where it sent none, there must be none.
    return claims if request.data is None else {**claims, f"{_DL}data": request.data}


def _item(content: Content, with_lineitem: bool, base_url: str) -> dict[str, Any]:
    path = "/" if content.target == PROGRAMME else f"/modules/{content.target}"
    item: dict[str, Any] = {
        "type": "ltiResourceLink",
        "title": content.title,
        "text": content.text,
        "url": f"{base_url}{path}",
        "icon": {"url": f"{base_url}/static/icon.svg", "width": 32, "height": 32},
        "custom": places.custom(content.target),
    }
    if with_lineitem:
        line = {"label": content.title, "scoreMaximum": 1, "resourceId": content.target, "tag": TAG}
        item["lineItem"] = line
    if content.due is not None:
        item["submission"] = {"endDateTime": f"{end_of_day(content.due):%Y-%m-%dT%H:%M:%SZ}"}
    return item
