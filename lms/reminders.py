"""Who was reminded of what, and when."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from enum import StrEnum
from uuid import UUID, uuid4

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from lms.db import Base, session


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
    reminded_on: Mapped[date]
    """The London day on which it was put in the outbox."""


Latest = dict[tuple[UUID, UUID], date]
"""The latest day, by person and assignment."""


def reminded(organisation_ids: Collection[UUID], until: date) -> Latest:
    """Return when people of some schools were last reminded, by the end of a day. One query."""
    return _latest(organisation_ids, until, TO_THE_PERSON)


def escalated(organisation_ids: Collection[UUID], until: date) -> Latest:
    """Return when the head was last told of whom, by the end of a day. One query."""
    return _latest(organisation_ids, until, (ReminderKind.ESCALATED,))


def _latest(organisation_ids: Collection[UUID], until: date, kinds: tuple[ReminderKind, ...]) -> Latest:
    rows = session.execute(
        sa.select(Reminder.person_id, Reminder.assignment_id, sa.func.max(Reminder.reminded_on))
        .where(Reminder.organisation_id.in_(organisation_ids), Reminder.kind.in_(kinds))
        .where(Reminder.reminded_on <= until)
        .group_by(Reminder.person_id, Reminder.assignment_id)
    )
    return {(person_id, assignment_id): day for person_id, assignment_id, day in rows}
