"""What a message says: its template in templates/mail, filled in. The first line of a template is the subject."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote
from uuid import UUID

import jinja2

from lms import links, reminder_letters, tokens
from lms.clock import time_in_words
from lms.config import resource_dir
from lms.db import session
from lms.errors import NotFoundError
from lms.mail import Message, MessageKind
from lms.people import Person
from lms.schools import Organisation
from lms.smtp import Letter

LINK_LASTS = timedelta(minutes=20)
_TO_OWN_ADDRESS = frozenset({MessageKind.SIGN_IN_LINK, MessageKind.PERSONAL_LINK})
"""What is for the person's address as it is when the letter leaves, and no other."""

_templates = jinja2.Environment(
    loader=jinja2.FileSystemLoader(resource_dir("templates") / "mail"),
    autoescape=False,  # noqa: S701 (plain text)
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)


def compose(message: Message, base_url: str, now: datetime) -> Letter:
    """Return the letter for a message; a link or code in it is minted now (the caller commits).

    Raises:
        NotFoundError: the person it was for is gone or has another address now, or the link is revoked or replaced,
            or there is nothing to remind of.
        NotYetError: a reminder may not leave now.
        jinja2.UndefinedError: the payload lacks a key of its kind.
    """
    person = _addressee(message)
    if message.kind in reminder_letters.KINDS:
        return Letter(message.id, message.address, *reminder_letters.compose(message, base_url, now))
    school = session.get_one(Organisation, message.organisation_id)
    words: dict[str, Any] = {
        **message.payload,
        "school": school.name,
        "contacts": school.placeholder_values,
        "name": _called(person) if person else "",
        "asker": message.payload.get("name", ""),
        "queued": time_in_words(message.queued_at),
        "minutes": int(LINK_LASTS.total_seconds() // 60),
        "link": base_url + _path(message, school, now),
        "code": _code(message),
    }
    text = _templates.get_template(f"{message.kind}.txt").render(_on_one_line(words))
    subject, _, body = text.partition("\n")
    return Letter(message.id, message.address, subject, body)


def _addressee(message: Message) -> Person | None:
    if message.person_id is None:
        return None
    person = session.get(Person, message.person_id)
    if person is None or person.erased_at is not None:
        raise NotFoundError("the person this was for is no longer on record")
    if message.kind in _TO_OWN_ADDRESS and person.email != message.address:
        raise NotFoundError("the person's address was changed before the link was sent")
    return person


def _path(message: Message, school: Organisation, now: datetime) -> str:
    match message.kind:
        case MessageKind.SIGN_IN_LINK:
            assert message.person_id is not None
            secret = tokens.mint(message.person_id, tokens.Purpose.SIGN_IN, lasts=LINK_LASTS, now=now)
            wanted = message.payload.get("next", "/")
            return f"/sign-in/link/{secret}" + ("" if wanted == "/" else f"?next={quote(wanted)}")
        case MessageKind.RECEIPT:
            return f"/receipts/{message.payload['receipt']}"
        case MessageKind.HELP_REQUEST:
            return f"/schools/{school.slug}/records/people/{message.payload['person']}"
        case MessageKind.PERSONAL_LINK:
            return f"/link/{links.mint_secret(UUID(message.payload['link']), message)}"
        case MessageKind.LINK_LOCKED:
            return f"/schools/{school.slug}/records/links"
        case _:
            return "/help"


def _code(message: Message) -> str:
    """Return the short code of a personal link, minted now, for the letter that takes it to a second address."""
    if message.kind is not MessageKind.LINK_CODE:
        return ""
    return links.mint_code(UUID(message.payload["link"]), message.payload["made"])


def _called(person: Person) -> str:
    return person.known_as or person.forename or person.surname


def _on_one_line(words: dict[str, Any]) -> dict[str, Any]:
    # A name with a line break in it could otherwise write a subject or a paragraph of its own.
    return {key: " ".join(value.split()) if isinstance(value, str) else value for key, value in words.items()}
