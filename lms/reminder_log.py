"""What became of a school's reminders: waiting, sent, not sent, or perhaps sent; and to whom each was."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from lms.db import session
from lms.mail import OUTCOMES, PERHAPS, Message, MessageKind, Outcome
from lms.people import Person, full_name

KINDS = (MessageKind.REMINDER, MessageKind.TEAM_DIGEST, MessageKind.ESCALATION)
PAGE_SIZE = 25


@dataclass(frozen=True, slots=True)
class Line:
    """A letter with whom it was for, and what became of it."""

    kind: MessageKind
    person_id: UUID | None
    name: str
    address: str
    queued_at: datetime
    leaves: datetime
    sent_at: datetime | None
    outcome: Outcome
    reason: str | None


def lines(organisation_id: UUID, page: int) -> tuple[list[Line], int]:
    """Return one page of a school's letters, the newest first, and how many there are. One query."""
    rows = session.execute(
        sa.select(Message, Person.forename, Person.surname, sa.func.count().over())
        .outerjoin(Person, Person.id == Message.person_id)
        .where(*_ours(organisation_id))
        .order_by(Message.queued_at.desc(), Person.sort_name, Message.id)
        .limit(PAGE_SIZE)
        .offset((page - 1) * PAGE_SIZE)
    ).all()
    found = [_line(message, forename, surname) for message, forename, surname, _ in rows]
    return found, rows[0][3] if rows else 0


def totals(organisation_id: UUID, since: datetime) -> dict[Outcome, int]:
    """Return how many letters queued since a moment came to what. One query."""
    perhaps = Message.reason.startswith(PERHAPS)
    rows = session.execute(
        sa.select(Message.state, sa.func.coalesce(perhaps, sa.false()), sa.func.count())
        .where(*_ours(organisation_id), Message.queued_at >= since)
        .group_by(Message.state, sa.func.coalesce(perhaps, sa.false()))
    )
    found = dict.fromkeys(Outcome, 0)
    for state, is_perhaps, number in rows:
        found[Outcome.PERHAPS if is_perhaps else OUTCOMES[state]] += number
    return found


def _ours(organisation_id: UUID) -> list[sa.ColumnElement[bool]]:
    return [Message.organisation_id == organisation_id, Message.kind.in_(KINDS)]


def _line(message: Message, forename: str | None, surname: str | None) -> Line:
    return Line(
        kind=message.kind,
        person_id=message.person_id,
        name=full_name(forename or "", surname or "") if message.person_id else "The head",
        address=message.address,
        queued_at=message.queued_at,
        leaves=message.next_at,
        sent_at=message.sent_at,
        outcome=message.outcome,
        reason=message.reason,
    )
