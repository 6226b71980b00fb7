"""The one definition of who must do what by when, and whether they have.

An obligation is one per person, school and assignment. Nothing is materialised: the status is an SQL expression,
so that counts, lists, workbooks and the learner's own page can't differ. "As at a day" means as was recorded by
the end of that London day.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import Enum
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from lms.attestations import SIGNING_KINDS, Attestation, IdentityAssurance, Kind
from lms.clock import add_months, end_of_day, london_day, start_of_day
from lms.db import session
from lms.people import Engagement, EngagementType, Person
from lms.policies import Policy, PolicyVersion
from lms.status import Status
from lms.training import Assignment, Attempt, Exemption


class Standing(Enum):
    """Whose obligations to look at."""

    ENGAGED = "engaged on the day"
    EXPECTED = "engaged on the day, or starting later"
    LEFT = "engaged before the day, and no longer"


@dataclass(frozen=True, slots=True)
class Item:
    """An assignment with its policy, as both were recorded at a moment."""

    assignment: Assignment
    policy: Policy
    versions: tuple[PolicyVersion, ...]
    """By number; the last is the one in force."""
    moment: datetime

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
class Obligation:
    """Where one person stands on one item."""

    person_id: UUID
    surname: str
    forename: str
    known_as: str | None
    staff_no: str | None
    type: EngagementType
    job_title: str | None
    agency: str | None
    department: str | None
    manager_id: UUID | None
    starts: date
    ends: date | None
    assignment_id: UUID
    status: Status
    due: date
    signed_at: datetime | None
    attestation_id: UUID | None
    signed_number: int | None
    """The number of the policy version that was signed."""
    identity_assurance: IdentityAssurance | None
    next_due: date | None
    """When the signature stops counting, or the day it is due if there is none that counts."""
    days_overdue: int | None

    @property
    def name(self) -> str:
        """Forename and surname."""
        return f"{self.forename} {self.surname}".strip()


def moment_of(as_at: date | None, now: datetime) -> datetime:
    """Return the moment that a report is about: the end of a past London day, or now."""
    return now if as_at is None or as_at >= london_day(now) else end_of_day(as_at)


def items(organisation_ids: Iterable[UUID], moment: datetime) -> list[Item]:
    """Return what is assigned at some schools, as recorded at a moment, oldest first. One query."""
    rows = session.execute(
        sa.select(Assignment, Policy, PolicyVersion)
        .join(Policy, Policy.id == Assignment.policy_id)
        .join(PolicyVersion, PolicyVersion.policy_id == Policy.id)
        .where(Assignment.organisation_id.in_(list(organisation_ids)), Assignment.recorded_at(moment))
        .where(PolicyVersion.recorded_at <= moment)
        .order_by(Assignment.assigned_on, Policy.title, Assignment.id, PolicyVersion.number)
    ).all()
    found: dict[UUID, tuple[Assignment, Policy, list[PolicyVersion]]] = {}
    for assignment, policy, version in rows:
        found.setdefault(assignment.id, (assignment, policy, []))[2].append(version)
    return [Item(a, p, tuple(versions), moment) for a, p, versions in found.values()]


def obligations(
    item: Item, standing: Standing = Standing.ENGAGED, person_id: UUID | None = None
) -> sa.Subquery:
    """Return one row a person obliged by an item, with `status` worked out: the definition.

    The columns are what `read` needs; select from it to count, filter, sort and page.
    """
    engaged = _engaged(item, standing, person_id)
    signed, declined = _last_signed(item, person_id), _last_declined(item, person_id)
    statement = (
        sa.select(
            sa.literal(item.assignment.id, sa.Uuid()).label("assignment_id"),
            *engaged.c,
            Person.surname,
            Person.forename,
            Person.known_as,
            Person.staff_no,
            Person.sort_name,
            signed.c.signed_at,
            signed.c.attestation_id,
            signed.c.signed_number,
            signed.c.identity_assurance,
            _status(item, standing, engaged, signed, declined).label("status"),
        )
        .select_from(engaged)
        .join(Person, Person.id == engaged.c.person_id)
        .outerjoin(signed, signed.c.person_id == engaged.c.person_id)
        .outerjoin(declined, declined.c.person_id == engaged.c.person_id)
        .where(engaged.c.rank == 1)
    )
    return statement.subquery("obligation")


def _engaged(item: Item, standing: Standing, person_id: UUID | None) -> sa.Subquery:
    rank = sa.func.row_number().over(
        partition_by=Engagement.person_id, order_by=(Engagement.starts, Engagement.id)
    )
    statement = sa.select(
        Engagement.person_id,
        Engagement.type,
        Engagement.job_title,
        Engagement.agency,
        Engagement.department,
        Engagement.manager_id,
        Engagement.starts,
        Engagement.ends,
        rank.label("rank"),
    ).where(
        Engagement.organisation_id == item.assignment.organisation_id,
        Engagement.recorded_at(item.moment),
        Engagement.type.in_([EngagementType(t) for t in item.assignment.audience]),
        *_on_the_day(standing, item.day, item.assignment.organisation_id, item.moment),
    )
    if person_id is not None:
        statement = statement.where(Engagement.person_id == person_id)
    return statement.subquery("engaged")


def _on_the_day(
    standing: Standing, day: date, organisation_id: UUID, moment: datetime
) -> list[sa.ColumnElement[bool]]:
    not_ended = sa.or_(Engagement.ends.is_(None), Engagement.ends >= day)
    if standing is Standing.EXPECTED:
        return [not_ended]
    if standing is Standing.ENGAGED:
        return [Engagement.starts <= day, not_ended]
    other = aliased(Engagement)
    still_here = sa.exists().where(
        other.person_id == Engagement.person_id,
        other.organisation_id == organisation_id,
        other.recorded_at(moment),
        sa.or_(other.ends.is_(None), other.ends >= day),
    )
    return [Engagement.ends < day, ~still_here]


def _last_signed(item: Item, person_id: UUID | None) -> sa.Subquery:
    latest = sa.func.row_number().over(
        partition_by=Attestation.person_id, order_by=Attestation.recorded_at.desc()
    )
    ranked = (
        sa.select(
            Attestation.person_id,
            Attestation.recorded_at.label("signed_at"),
            Attestation.id.label("attestation_id"),
            Attestation.identity_assurance,
            PolicyVersion.number.label("signed_number"),
            latest.label("latest"),
        )
        .join(PolicyVersion, PolicyVersion.id == Attestation.policy_version_id)
        .where(*_evidence(item, person_id), Attestation.kind.in_(SIGNING_KINDS), ~_withdrawn(item.moment))
        .subquery()
    )
    return sa.select(ranked).where(ranked.c.latest == 1).subquery("signed")


def _last_declined(item: Item, person_id: UUID | None) -> sa.Subquery:
    return (
        sa.select(Attestation.person_id, sa.func.max(Attestation.recorded_at).label("declined_at"))
        .where(*_evidence(item, person_id), Attestation.kind == Kind.DECLINED, ~_withdrawn(item.moment))
        .group_by(Attestation.person_id)
        .subquery("declined")
    )


def _evidence(item: Item, person_id: UUID | None) -> list[sa.ColumnElement[bool]]:
    conditions = [Attestation.assignment_id == item.assignment.id, Attestation.recorded_at <= item.moment]
    if person_id is not None:
        conditions.append(Attestation.person_id == person_id)
    return conditions


def _withdrawn(moment: datetime) -> sa.ColumnElement[bool]:
    later = aliased(Attestation)
    return sa.exists().where(
        later.refers_to == Attestation.id, later.kind == Kind.WITHDRAWN, later.recorded_at <= moment
    )


def _status(
    item: Item, standing: Standing, engaged: sa.Subquery, signed: sa.Subquery, declined: sa.Subquery
) -> sa.ColumnElement[Any]:
    left = standing is Standing.LEFT
    signed_at, declined_at = signed.c.signed_at, declined.c.declined_at
    cases: list[tuple[sa.ColumnElement[bool], Status]] = [
        (_exempt(item, engaged), Status.NOT_REQUIRED),
        # A leaver's signature is judged by whether it was given, not by what has run out since.
        (signed_at.is_not(None) if left else _counts(item, signed), Status.SIGNED),
        (
            sa.and_(declined_at.is_not(None), sa.or_(signed_at.is_(None), declined_at > signed_at)),
            Status.DECLINED,
        ),
        (signed_at.is_not(None), Status.EXPIRED),
        (sa.false() if left else _overdue(item, engaged), Status.OVERDUE),
        (_begun(item, engaged), Status.IN_PROGRESS),
    ]
    return sa.case(
        *((when, sa.literal(s.value)) for when, s in cases), else_=sa.literal(Status.NOT_STARTED.value)
    )


def _exempt(item: Item, engaged: sa.Subquery) -> sa.ColumnElement[bool]:
    return sa.exists().where(
        Exemption.person_id == engaged.c.person_id,
        Exemption.assignment_id == item.assignment.id,
        Exemption.recorded_at(item.moment),
        sa.or_(Exemption.until.is_(None), Exemption.until >= item.day),
    )


def _counts(item: Item, signed: sa.Subquery) -> sa.ColumnElement[bool]:
    conditions = [signed.c.signed_number >= item.least_number]
    if item.signed_since is not None:
        conditions.append(signed.c.signed_at >= item.signed_since)
    return sa.and_(*conditions)


def _overdue(item: Item, engaged: sa.Subquery) -> sa.ColumnElement[bool]:
    assignment = item.assignment
    if assignment.due_on is not None:
        latest_start, is_past = item.day, assignment.due_on < item.day
    else:
        latest_start = item.day - timedelta(days=assignment.due_days or 0)
        is_past = assignment.assigned_on < latest_start
    return engaged.c.starts < latest_start if is_past else sa.false()


def _begun(item: Item, engaged: sa.Subquery) -> sa.ColumnElement[bool]:
    return sa.exists().where(
        Attempt.person_id == engaged.c.person_id,
        Attempt.assignment_id == item.assignment.id,
        Attempt.started_at <= item.moment,
    )


_WANTED = (
    *(
        "person_id",
        "surname",
        "forename",
        "known_as",
        "staff_no",
        "type",
        "job_title",
        "agency",
        "department",
    ),
    *(
        "manager_id",
        "starts",
        "ends",
        "assignment_id",
        "status",
        "signed_at",
        "attestation_id",
        "signed_number",
    ),
    "identity_assurance",
)


def columns(table: sa.Subquery) -> list[sa.ColumnElement[Any]]:
    """Return the columns of `obligations(…)` in the order that `read` takes them."""
    return [table.c[name] for name in _WANTED]


def read(item: Item, row: Sequence[Any]) -> Obligation:
    """Make an Obligation of a row of `columns(obligations(item))`."""
    found = dict(zip(_WANTED, row, strict=True))
    status, signed_at = Status(found.pop("status")), found["signed_at"]
    ends = item.signature_ends(london_day(signed_at), found["signed_number"]) if signed_at else None
    due = ends if status is Status.EXPIRED and ends else item.due(found["starts"])
    is_late = status in (Status.OVERDUE, Status.EXPIRED)
    open_until = None if status in (Status.NOT_REQUIRED, Status.DECLINED) else due
    return Obligation(
        **found,
        status=status,
        due=due,
        next_due=ends if status is Status.SIGNED else open_until,
        days_overdue=(item.day - due).days if is_late else None,
    )


def of_person(person_id: UUID, wanted: Sequence[Item], standing: Standing) -> list[tuple[Item, Obligation]]:
    """Return a person's obligations under some items, in the items' order. One query."""
    if not wanted:
        return []
    parts = [sa.select(*columns(obligations(item, standing, person_id))) for item in wanted]
    by_id = {item.assignment.id: item for item in wanted}
    rows = [tuple(row) for row in session.execute(sa.union_all(*parts))]
    held = {row[_WANTED.index("assignment_id")]: row for row in rows}
    return [(item, read(item, held[key])) for key, item in by_id.items() if key in held]


def counts(item: Item) -> list[tuple[EngagementType, Status, int]]:
    """Return how many people of each engagement type have each status."""
    table = obligations(item)
    rows = session.execute(
        sa.select(table.c.type, table.c.status, sa.func.count()).group_by(table.c.type, table.c.status)
    )
    return [(type_, Status(status), n) for type_, status, n in rows]


def stream(item: Item, standing: Standing = Standing.ENGAGED) -> Iterator[Obligation]:
    """Yield every obligation under an item, by name, without holding them all in memory."""
    table = obligations(item, standing)
    statement = sa.select(*columns(table)).order_by(table.c.sort_name, table.c.person_id)
    for row in session.execute(statement, execution_options={"yield_per": 1000}):
        yield read(item, row)
