"""Reading one page of a course's members, and where the next one is.

Source: NRPS 2.0, sections 2.2 and 2.4; RFC 8288 (the Link header).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urljoin

MEMBERS_TYPE = "application/vnd.ims.lti-nrps.v2.membershipcontainer+json"
_LINK = re.compile(r"<([^<>]*)>([^<]*)")
_NEXT = re.compile(r";\s*rel\s*=\s*(?:\"([^\"]*)\"|([^\s;,\"]+))", re.IGNORECASE)
_STATUSES = ("Active", "Inactive", "Deleted")
_LONGEST_HEADER = 8_192
_LONGEST_TEXT = 255


class PageError(ValueError):
    """A page can't be used; the message says why, to follow a colon."""


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody in a course, as its platform lists them. Texts may be empty: a platform may keep names to itself."""

    user_id: str
    """The `sub` of this person's launches."""
    status: str
    """Active, Inactive or Deleted."""
    name: str
    given: str
    family: str
    email: str | None
    """In lower case."""
    staff_no: str | None
    roles: tuple[str, ...]


def members(page: dict[str, object]) -> list[Member]:
    """Return the members on a page.

    Raises:
        PageError: it has no list of members, or one that lacks what every member has.
    """
    listed = page.get("members")
    if not isinstance(listed, list):
        raise PageError("there are no members in it")
    return [_member(entry, place) for place, entry in enumerate(listed, start=1)]


def next_page(address: str, link: str) -> str | None:
    """Return the address of the page after the one at `address`, from its Link header; None for the last."""
    if len(link) > _LONGEST_HEADER:
        raise PageError("its header Link is too long")
    for target, parameters in _LINK.findall(link):
        relations = " ".join(quoted or bare for quoted, bare in _NEXT.findall(parameters))
        if "next" in relations.lower().split():
            try:
                return urljoin(address, str(target))
            except ValueError as error:
                raise PageError("its next page has no proper address") from error
    return None


def _member(entry: object, place: int) -> Member:
    if not isinstance(entry, dict):
        raise PageError(f"entry {place} is not a member")
    user_id, roles, status = entry.get("user_id"), entry.get("roles"), entry.get("status", "Active")
    if (
        not isinstance(user_id, str)
        or not user_id
        or not user_id.isprintable()
        or len(user_id) > _LONGEST_TEXT
    ):
        raise PageError(f"entry {place} has no proper user_id")
    if not isinstance(roles, list) or not all(isinstance(role, str) for role in roles):
        raise PageError(f"entry {place} has no proper roles")
    if status not in _STATUSES:
        raise PageError(f"entry {place} has a status that is none of {', '.join(_STATUSES)}")
    return Member(
        user_id=user_id,
        status=str(status),
        name=_text(entry.get("name")),
        given=_text(entry.get("given_name")),
        family=_text(entry.get("family_name")),
        email=_text(entry.get("email")).lower() or None,
        staff_no=_text(entry.get("lis_person_sourcedid")) or None,
        roles=tuple(map(_text, roles)),
    )


def _text(value: object) -> str:
    """Return a text on one line, without what no database keeps; empty for anything else, which means missing."""
    plain = "".join(c if c.isprintable() else " " for c in value) if isinstance(value, str) else ""
    return " ".join(plain.split())[:_LONGEST_TEXT]
