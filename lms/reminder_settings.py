"""How a school reminds people: whether, when, in which words, and on which days it is open."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import date
from uuid import UUID, uuid4

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from lms.db import Base, session
from lms.reminder_plan import USUAL
from lms.school_days import Days, DaysKind, SchoolDays

ESCALATE_AFTER = 21
"""Days late after which the head hears of it, unless the school says otherwise."""


class ReminderSettings(Base):
    """What a school has chosen. Without a row, nobody is reminded."""

    __tablename__ = "reminder_settings"

    organisation_id: Mapped[UUID] = mapped_column(sa.ForeignKey("organisation.id"), primary_key=True)
    is_on: Mapped[bool]
    head_email: Mapped[str | None]
    """Where the head reads of what is long overdue; null: nobody is told."""
    escalate_after: Mapped[int] = mapped_column(default=ESCALATE_AFTER)
    """Days late."""
    managers_weekly: Mapped[bool]
    """Whether line managers hear each week who of their team is done."""
    texts: Mapped[dict[str, str]] = mapped_column(default=dict)
    """The school's own texts, by the name of a letter; the subject is the first line."""


class ReminderSchedule(Base):
    """When people are reminded of one assignment, where it isn't as usual."""

    __tablename__ = "reminder_schedule"

    assignment_id: Mapped[UUID] = mapped_column(primary_key=True)
    organisation_id: Mapped[UUID] = mapped_column(sa.ForeignKey("organisation.id"), index=True)
    offsets: Mapped[list[int]] = mapped_column(sa.JSON)
    """Days after the day it is due; below zero, before. Empty: never."""


class TermDate(Base):
    """Days that a school has entered: a term, or days on which it is closed."""

    __tablename__ = "term_date"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    organisation_id: Mapped[UUID] = mapped_column(sa.ForeignKey("organisation.id"), index=True)
    kind: Mapped[DaysKind]
    first: Mapped[date]
    last: Mapped[date]
    words: Mapped[str]

    @property
    def days(self) -> Days:
        """The same, for `SchoolDays`."""
        return Days(self.kind, self.first, self.last, self.words)


def settings_of(organisation_id: UUID) -> ReminderSettings:
    """Return what a school has chosen; where it has chosen nothing, settings that aren't recorded, with all off."""
    return session.get(ReminderSettings, organisation_id) or ReminderSettings(
        organisation_id=organisation_id,
        is_on=False,
        head_email=None,
        escalate_after=ESCALATE_AFTER,
        managers_weekly=True,
        texts={},
    )


def all_on() -> dict[UUID, ReminderSettings]:
    """Return the settings of every school that reminds people. One query."""
    found = session.scalars(sa.select(ReminderSettings).where(ReminderSettings.is_on))
    return {one.organisation_id: one for one in found}


def schedules(organisation_ids: Collection[UUID]) -> dict[UUID, tuple[int, ...]]:
    """Return the schedules of some schools' assignments that have one of their own. One query."""
    found = session.scalars(
        sa.select(ReminderSchedule).where(ReminderSchedule.organisation_id.in_(organisation_ids))
    )
    return {one.assignment_id: tuple(one.offsets) for one in found}


def set_schedule(organisation_id: UUID, assignment_id: UUID, offsets: Sequence[int]) -> None:
    """Have people reminded of an assignment on these days; on the usual ones, nothing is kept."""
    found = session.get(ReminderSchedule, assignment_id)
    if found is None:
        found = ReminderSchedule(
            assignment_id=assignment_id, organisation_id=organisation_id, offsets=list(USUAL)
        )
        session.add(found)
    found.offsets = list(offsets)
    session.flush()


def school_days(organisation_ids: Collection[UUID]) -> dict[UUID, SchoolDays]:
    """Return when some schools are open, by school. One query."""
    rows = session.scalars(sa.select(TermDate).where(TermDate.organisation_id.in_(organisation_ids)))
    found: dict[UUID, list[Days]] = {one: [] for one in organisation_ids}
    for row in rows:
        found[row.organisation_id].append(row.days)
    return {one: SchoolDays(tuple(days)) for one, days in found.items()}


def term_dates(organisation_id: UUID) -> list[TermDate]:
    """Return what a school has entered, in order of time."""
    statement = sa.select(TermDate).where(TermDate.organisation_id == organisation_id)
    return list(session.scalars(statement.order_by(TermDate.first, TermDate.last, TermDate.id)))


def enter_days(organisation_id: UUID, wanted: Iterable[Days]) -> int:
    """Enter days, but those that are there already; return how many were new."""
    there = {one.days for one in term_dates(organisation_id)}
    new = [days for days in dict.fromkeys(wanted) if days not in there]
    for days in new:
        session.add(
            TermDate(
                id=uuid4(),
                organisation_id=organisation_id,
                kind=days.kind,
                first=days.first,
                last=days.last,
                words=days.words,
            )
        )
    session.flush()
    return len(new)


def remove_days(organisation_id: UUID, days_id: UUID) -> None:
    """Take days out again. Nothing happens where they are gone, or another school's."""
    session.execute(
        sa.delete(TermDate).where(TermDate.id == days_id, TermDate.organisation_id == organisation_id)
    )
