"""Who was reminded of what, and when."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from enum import StrEnum
from uuid import UUID, uuid4

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from lms import mail
from lms.db import Base, session
from lms.mail import Message, MessageState


class ReminderKind(StrEnum):
    """Why a letter was written, and to whom."""

    SCHEDULED = "scheduled"  # to the person, by the schedule
    BY_HAND = "by_hand"  # to the person, because HR asked for it
    ESCALATED = "escalated"  # to the head, about the person


TO_THE_PERSON = (ReminderKind.SCHEDULED, ReminderKind.BY_HAND)


class Reminder(Base):
    """One thing to sign, in one letter about one person. A digest has several."""

    __tablename__ = "reminder"
    __table_args__ = (sa.Index("ix_reminder_organisation_person", "organisation_id", "person_id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    organisation_id: Mapped[UUID] = mapped_column(sa.ForeignKey("organisation.id"))
    person_id: Mapped[UUID] = mapped_column(sa.ForeignKey("person.id"), index=True)
    assignment_id: Mapped[UUID]
    message_id: Mapped[UUID] = mapped_column(sa.ForeignKey("message.id"), index=True)
    kind: Mapped[ReminderKind]
    reminded_on: Mapped[date] = mapped_column(index=True)
    """The London day on which it was put in the outbox."""


_STANDS = Message.state != MessageState.TAKEN_BACK
Latest = dict[tuple[UUID, UUID], date]
"""The latest day, by person and assignment."""


def reminded(organisation_ids: Collection[UUID], until: date) -> Latest:
    """Return when people of some schools last had a reminder, by the end of a day. One query.

    What waits or failed isn't counted; what may have been sent is.
    """
    return _latest(organisation_ids, until, TO_THE_PERSON, mail.has_gone())


def numbers(organisation_ids: Collection[UUID], until: date) -> dict[tuple[UUID, UUID], int]:
    """Return how many reminders people of some schools have had, likewise, by person and assignment. One query."""
    rows = session.execute(
        sa.select(Reminder.person_id, Reminder.assignment_id, sa.func.count())
        .join(Message, Message.id == Reminder.message_id)
        .where(*_of(organisation_ids, until, TO_THE_PERSON), mail.has_gone())
        .group_by(Reminder.person_id, Reminder.assignment_id)
    )
    return {(person_id, assignment_id): number for person_id, assignment_id, number in rows}


def asked_for(organisation_ids: Collection[UUID], until: date) -> Latest:
    """Return when a reminder was last put in the outbox, by the end of a day. One query.

    Whatever became of it; but what HR took back might as well not have been there.
    """
    return _latest(organisation_ids, until, TO_THE_PERSON)


def people_on(day: date) -> set[UUID]:
    """Return who has a reminder of a day, from any school: one is the most that anybody gets. One query."""
    wanted = (
        sa.select(Reminder.person_id)
        .join(Message, Message.id == Reminder.message_id)
        .where(Reminder.reminded_on == day, Reminder.kind.in_(TO_THE_PERSON), _STANDS)
    )
    return set(session.scalars(wanted.distinct()))


def escalated(organisation_ids: Collection[UUID], until: date) -> Latest:
    """Return when the head was last written to about whom, by the end of a day. One query."""
    return _latest(organisation_ids, until, (ReminderKind.ESCALATED,))


def _latest(
    organisation_ids: Collection[UUID],
    until: date,
    kinds: tuple[ReminderKind, ...],
    *more: sa.ColumnElement[bool],
) -> Latest:
    rows = session.execute(
        sa.select(Reminder.person_id, Reminder.assignment_id, sa.func.max(Reminder.reminded_on))
        .join(Message, Message.id == Reminder.message_id)
        .where(*_of(organisation_ids, until, kinds), *more)
        .group_by(Reminder.person_id, Reminder.assignment_id)
    )
    return {(person_id, assignment_id): day for person_id, assignment_id, day in rows}


def _of(
    organisation_ids: Collection[UUID], until: date, kinds: tuple[ReminderKind, ...]
) -> list[sa.ColumnElement[bool]]:
    return [
        Reminder.organisation_id.in_(organisation_ids),
        Reminder.kind.in_(kinds),
        Reminder.reminded_on <= until,
        _STANDS,
    ]
