"""A school's personal links as HR reads them: whose each is, and where it stands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

import sqlalchemy as sa

from lms import standings
from lms.db import session
from lms.items import Item
from lms.links import PersonalLink
from lms.mail import Message, MessageState
from lms.people import Person


class State(StrEnum):
    """Where a link stands, as HR reads it. Whether anybody opened the mail is nobody's business."""

    SIGNED = "signed"
    REVOKED = "revoked"
    LOCKED = "locked"
    EXPIRED = "expired"
    QUEUED = "queued"
    TAKEN_BACK = "taken back"
    SENT = "sent"
    FAILED = "failed"
    PRINTED = "printed"


@dataclass(frozen=True, slots=True)
class Line:
    """A link with whose it is and where it stands."""

    link: PersonalLink
    person: Person
    state: State
    reason: str | None
    """Why the letter didn't go, or hasn't yet."""


def lines(
    school_id: UUID, items: Sequence[Item], now: datetime, *, page: int, size: int
) -> tuple[list[Line], int]:
    """Return one page of a school's links, the newest first, and how many there are. Two queries."""
    found = session.execute(
        sa.select(PersonalLink, Person, Message, sa.func.count().over())
        .join(Person, Person.id == PersonalLink.person_id)
        .outerjoin(Message, Message.id == PersonalLink.message_id)
        .where(PersonalLink.organisation_id == school_id)
        .order_by(PersonalLink.made_at.desc(), Person.sort_name, PersonalLink.id)
        .limit(size)
        .offset((page - 1) * size)
    ).all()
    left = standings.unsigned(items, [person.id for _, person, *_ in found]) if found else {}
    shown = [
        Line(link, person, _state(link, message, person.id in left, now), message.reason if message else None)
        for link, person, message, _ in found
    ]
    return shown, found[0][3] if found else 0


def _state(link: PersonalLink, message: Message | None, has_left: bool, now: datetime) -> State:
    if not has_left:
        return State.SIGNED
    if link.revoked_at is not None:
        return State.REVOKED
    if link.is_locked:
        return State.LOCKED
    if link.expires <= now:
        return State.EXPIRED
    return _SENDING[message.state] if message else State.PRINTED


_SENDING = {
    MessageState.QUEUED: State.QUEUED,
    MessageState.SENDING: State.QUEUED,
    MessageState.SENT: State.SENT,
    MessageState.FAILED: State.FAILED,
    MessageState.TAKEN_BACK: State.TAKEN_BACK,
}
