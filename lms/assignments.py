"""Who must do what: assignments and exemptions, each as it was recorded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime
from typing import Any
from uuid import UUID, uuid4

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from lms.db import Base, Versioned, one_current, session
from lms.errors import ConflictError
from lms.people import EngagementType


class Assignment(Versioned, Base):
    """A policy, with modules or alone, for some of a school's adults. As it was recorded."""

    __tablename__ = "assignment"
    __table_args__ = (
        one_current("assignment", "id"),
        sa.Index("ix_assignment_organisation_current", "organisation_id", "recorded_to"),
    )

    organisation_id: Mapped[UUID] = mapped_column(sa.ForeignKey("organisation.id"))
    policy_id: Mapped[UUID] = mapped_column(sa.ForeignKey("policy.id"))
    modules: Mapped[list[str]]
    audience: Mapped[list[str]]
    """Engagement types."""
    departments: Mapped[list[str]] = mapped_column(default=list, server_default="[]")
    """Only those of one of these departments; none named: of any, or of none."""
    earlier: Mapped[list[str]] = mapped_column(default=list, server_default="[]")
    """Ids of other assignments of the same policy whose signatures count for this one too."""
    assigned_on: Mapped[date]
    due_days: Mapped[int | None]
    """Due so many days after the later of starting and being assigned, or …"""
    due_on: Mapped[date | None]
    """… on this day. One of the two is set."""
    months: Mapped[int | None]
    """How long a signature counts; null: until a new version says otherwise."""
    least_days: Mapped[int | None]
    """Only those whose engagement lasts longer than so many days need do it; null: everybody."""


class Exemption(Versioned, Base):
    """Somebody needn't do an assignment, for a reason, until a day or for good. As it was recorded."""

    __tablename__ = "exemption"
    __table_args__ = (one_current("exemption", "assignment_id", "person_id"),)

    organisation_id: Mapped[UUID] = mapped_column(sa.ForeignKey("organisation.id"))
    person_id: Mapped[UUID] = mapped_column(sa.ForeignKey("person.id"), index=True)
    assignment_id: Mapped[UUID] = mapped_column(index=True)
    reason: Mapped[str]
    until: Mapped[date | None]


@dataclass(frozen=True, slots=True)
class Terms:
    """What is asked of whom, by when, and for how long a signature counts."""

    policy_id: UUID
    modules: list[str]
    audience: list[EngagementType]
    departments: list[str]
    due_days: int | None
    due_on: date | None
    months: int | None
    least_days: int | None

    def of(self, policy_id: UUID) -> Terms:
        """Return the same for another policy: another school's."""
        return replace(self, policy_id=policy_id)


def drafted(
    organisation_id: UUID,
    terms: Terms,
    *,
    now: datetime,
    assigned_on: date,
    id: UUID | None = None,
    earlier: Sequence[UUID] = (),
) -> Assignment:
    """Return an assignment that isn't recorded: to see what it would do, or to add.

    Raises:
        ConflictError: nobody is named, the due day isn't said once, or the days are none.
    """
    return Assignment(
        id=id or uuid4(),
        organisation_id=organisation_id,
        assigned_on=assigned_on,
        earlier=[str(other) for other in earlier],
        recorded_from=now,
        **_checked(terms),
    )


def redrafted(assignment: Assignment, terms: Terms, now: datetime) -> Assignment:
    """Return what an assignment would be with other terms, not recorded. Its policy stays, and what was signed counts.

    Raises:
        ConflictError: as for `drafted`; or it is of another policy.
    """
    if terms.policy_id != assignment.policy_id:
        raise ConflictError("An assignment keeps its policy. Assign the other policy by itself.")
    kept = {name: getattr(assignment, name) for name in ("id", "organisation_id", "assigned_on", "earlier")}
    return Assignment(**kept, recorded_from=now, **_checked(terms))


def _checked(terms: Terms) -> dict[str, Any]:
    if not terms.audience:
        raise ConflictError("Choose at least one group of people who must sign.")
    if (terms.due_days is None) == (terms.due_on is None):
        raise ConflictError("Say when it is due: after a number of days, or on a day.")
    if terms.least_days is not None and terms.least_days < 1:
        raise ConflictError("Say a number of days from 1, or leave it out for everybody.")
    return {**asdict(terms), "audience": [str(type_) for type_ in terms.audience]}


def assign(
    organisation_id: UUID,
    policy_id: UUID,
    *,
    modules: list[str],
    audience: list[EngagementType],
    now: datetime,
    assigned_on: date,
    departments: Sequence[str] = (),
    due_days: int | None = None,
    due_on: date | None = None,
    months: int | None = 12,
    least_days: int | None = None,
    id: UUID | None = None,
    earlier: Sequence[UUID] = (),
) -> Assignment:
    """Put the adults of some engagement types under an obligation. `id` is its own, where it has been given one.

    With `departments`, only those who are in one of them; with `least_days`, only those whose engagement lasts longer
    than so many days. What was signed for an `earlier` assignment counts for this one too.

    Raises:
        ConflictError: nobody is named, the due day isn't said once, or the days are none.
    """
    terms = Terms(policy_id, modules, audience, list(departments), due_days, due_on, months, least_days)
    return record(drafted(organisation_id, terms, now=now, assigned_on=assigned_on, id=id, earlier=earlier))


def change(assignment: Assignment, terms: Terms, now: datetime) -> Assignment:
    """Record other terms for an assignment from now on. What was signed counts; earlier reports stay as they were.

    Raises:
        ConflictError: as for `redrafted`; it was withdrawn or changed meanwhile; or recorded at this very moment.
    """
    later = redrafted(assignment, terms, now)
    if assignment.recorded_to is not None or now <= assignment.recorded_from:
        raise ConflictError("Somebody changed this assignment a moment ago. Look at it before you try again.")
    ended = session.execute(
        sa.update(Assignment)
        .where(Assignment.id == assignment.id, Assignment.recorded_from == assignment.recorded_from)
        .where(Assignment.recorded_to.is_(None))
        .values(recorded_to=now)
        .returning(Assignment.id)
    )
    if ended.first() is None:
        raise ConflictError("Somebody changed this assignment a moment ago. Look at it before you try again.")
    return record(later)


def record(assignment: Assignment) -> Assignment:
    """Put on record what was drafted, and return it."""
    session.add(assignment)
    session.flush()
    return assignment


def counting_for(draft: Assignment) -> list[UUID]:
    """Return the assignments, withdrawn ones too, whose signatures may count for one not recorded yet. One query.

    They are of the same school and policy, and never asked for fewer modules.
    """
    rows = session.execute(
        sa.select(Assignment.id, Assignment.modules)
        .where(Assignment.organisation_id == draft.organisation_id)
        .where(Assignment.policy_id == draft.policy_id, Assignment.id != draft.id)
        .order_by(Assignment.assigned_on, Assignment.id)
    )
    fewest: dict[UUID, bool] = {}
    for other, modules in rows:
        fewest[other] = fewest.get(other, True) and set(draft.modules) <= set(modules)
    return [other for other, is_enough in fewest.items() if is_enough]


def current_assignment(assignment_id: UUID) -> Assignment | None:
    """Return an assignment as it is recorded now; None when it is unknown or has been withdrawn."""
    return session.scalar(
        sa.select(Assignment).where(Assignment.id == assignment_id, Assignment.recorded_to.is_(None))
    )


def withdraw(assignment: Assignment, now: datetime) -> None:
    """End an assignment: nobody need do it from now on. What was signed stays; one that has ended stays ended."""
    session.execute(
        sa.update(Assignment)
        .where(Assignment.id == assignment.id, Assignment.recorded_to.is_(None))
        .values(recorded_to=now)
    )


def exempt(
    assignment: Assignment, person_id: UUID, *, reason: str, until: date | None, now: datetime
) -> None:
    """Record that somebody needn't do an assignment, in place of what was recorded before."""
    exempt_all(assignment, [person_id], reason=reason, until=until, now=now)


def exempt_all(
    assignment: Assignment, person_ids: Sequence[UUID], *, reason: str, until: date | None, now: datetime
) -> None:
    """Record the same of several people, for one reason. Two statements, however many they are."""
    _lift(assignment.id, person_ids, now)
    session.add_all(
        Exemption(
            id=uuid4(),
            recorded_from=now,
            organisation_id=assignment.organisation_id,
            person_id=person_id,
            assignment_id=assignment.id,
            reason=reason,
            until=until,
        )
        for person_id in person_ids
    )
    session.flush()


def lift_exemption(assignment_id: UUID, person_id: UUID, now: datetime) -> None:
    """Record that an exemption no longer holds."""
    _lift(assignment_id, [person_id], now)


def _lift(assignment_id: UUID, person_ids: Sequence[UUID], now: datetime) -> None:
    session.execute(
        sa.update(Exemption)
        .where(Exemption.assignment_id == assignment_id, Exemption.person_id.in_(person_ids))
        .where(Exemption.recorded_to.is_(None))
        .values(recorded_to=now)
    )
