"""What is assigned at a school at a moment, and the dates that follow from it."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from lms import merges
from lms.absences import Away, days_away, is_away
from lms.clock import add_months, end_of_day, london_day, start_of_day
from lms.db import session
from lms.policies import Policy, PolicyVersion
from lms.status import Status
from lms.training import Assignment


@dataclass(frozen=True, slots=True)
class Item:
    """An assignment with its policy, as both were recorded at a moment."""

    assignment: Assignment
    policy: Policy
    versions: tuple[PolicyVersion, ...]
    """By number; the last is the one in force."""
    moment: datetime
    has_merged: bool = False
    """Whether anybody's records had been merged by then."""

    alike: tuple[Item, ...] = ()
    """Other schools' items of the same `terms`, to be asked about together with this one in one statement."""

    @property
    def terms(self) -> tuple[Hashable, ...]:
        """What decides who must do it and where they stand, but for whose it is. What counts signatures given for
        another assignment is like no other.
        """
        asked = self.assignment
        return (
            (tuple(asked.audience), tuple(asked.departments), asked.least_days, asked.months),
            (asked.assigned_on, asked.due_days, asked.due_on, asked.id if asked.earlier else None),
            (self.day, bool(self.least_number), self.has_merged),
        )

    @property
    def version(self) -> PolicyVersion:
        """The version in force at the moment."""
        return self.versions[-1]

    @property
    def day(self) -> date:
        """The London day of the moment."""
        return london_day(self.moment)

    @property
    def least_number(self) -> int:
        """The lowest version number whose signature still counts: re-signing asked for, and its grace over."""
        passed = [v.number for v in self.versions if v.resign_by is not None and v.resign_by < self.day]
        return max(passed, default=0)

    def due(self, starts: date) -> date:
        """Return the day by which somebody who starts on a day must have signed."""
        assignment = self.assignment
        if assignment.due_on is not None:
            return max(starts, assignment.due_on)
        return max(starts, assignment.assigned_on) + timedelta(days=assignment.due_days or 0)

    def clock_begins(self, starts: date) -> date:
        """Return the day from which the days of somebody who starts on a day are counted."""
        return max(starts, self.assignment.assigned_on)

    def signature_ends(self, signed_on: date, number: int) -> date | None:
        """Return the day on which a signature of version `number` stops counting; None if none is known."""
        ends = [v.resign_by + timedelta(days=1) for v in self.versions if v.resign_by and v.number > number]
        if self.assignment.months is not None:
            ends.append(add_months(signed_on, self.assignment.months))
        return min(ends, default=None)

    @property
    def signed_since(self) -> datetime | None:
        """The earliest moment of signing that still counts; None where signatures don't run out."""
        months = self.assignment.months
        if months is None:
            return None
        first = add_months(self.day, -months) - timedelta(days=3)
        while add_months(first, months) <= self.day:
            first += timedelta(days=1)
        return start_of_day(first)


@dataclass(frozen=True, slots=True)
class Deadlines:
    """What follows from a status and its dates."""

    due: date
    next_due: date | None
    """When the signature stops counting, or the day it is due if there is none that counts."""
    days_overdue: int | None
    signature_ends: date | None
    """When what was signed last stops, or stopped, counting; None where it doesn't, or nothing was."""


def deadlines(
    item: Item,
    status: Status,
    starts: date,
    signed_on: date | None,
    number: int | None,
    absences: Sequence[Away] = (),
) -> Deadlines:
    """Return the deadlines of somebody who started on a day and last signed version `number`, if any, on another.

    `absences` are theirs that have begun. What is due moves on by the days away that have passed since its clock began
    (for who must sign again: since the signature ran out), and nobody who is away on the day is late.
    """
    ends = item.signature_ends(signed_on, number) if signed_on and number is not None else None
    has_run_out = status is Status.EXPIRED
    due, since = (ends, ends) if has_run_out and ends else (item.due(starts), item.clock_begins(starts))
    # Few have been away; the others' days stay the same objects, which a long report shares.
    due = due + timedelta(days=days_away(absences, since, item.day)) if absences else due
    away = is_away(absences, item.day)
    is_late = status in (Status.OVERDUE, Status.EXPIRED) and not away
    open_until = None if away or status in (Status.NOT_REQUIRED, Status.DECLINED) else due
    next_due = ends if status is Status.SIGNED else open_until
    return Deadlines(due, next_due, (item.day - due).days if is_late else None, ends)


def moment_of(as_at: date | None, now: datetime) -> datetime:
    """Return the moment that a report is about: the end of a past London day, or now."""
    return now if as_at is None or as_at >= london_day(now) else end_of_day(as_at)


def items(organisation_ids: Iterable[UUID], moment: datetime) -> list[Item]:
    """Return what is assigned at some schools, as recorded at a moment, oldest first. One query."""
    wanted = Assignment.organisation_id.in_(list(organisation_ids))
    rows = session.execute(assigned(moment).where(wanted))
    return gathered(((a, p, v, merged) for a, p, v, merged in rows), moment)


def assigned(moment: datetime | sa.BindParameter[datetime]) -> sa.Select[*tuple[Any, ...]]:
    """Return the statement for what is assigned anywhere, as recorded at a moment: what `gathered` takes."""
    return (
        sa.select(Assignment, Policy, PolicyVersion, merges.is_any(moment).label("has_merged"))
        .join(Policy, Policy.id == Assignment.policy_id)
        .join(PolicyVersion, PolicyVersion.policy_id == Policy.id)
        .where(Assignment.recorded_at(moment), PolicyVersion.recorded_at <= moment)
        .order_by(Assignment.assigned_on, Policy.title, Assignment.id, PolicyVersion.number)
    )


def gathered(rows: Iterable[tuple[Assignment, Policy, PolicyVersion, bool]], moment: datetime) -> list[Item]:
    """Make items of the rows of `assigned(moment)`. A version may come several times."""
    found: dict[UUID, tuple[Assignment, Policy, dict[int, PolicyVersion], bool]] = {}
    for assignment, policy, version, has_merged in rows:
        found.setdefault(assignment.id, (assignment, policy, {}, has_merged))[2][version.number] = version
    return [Item(a, p, tuple(versions.values()), moment, merged) for a, p, versions, merged in found.values()]
