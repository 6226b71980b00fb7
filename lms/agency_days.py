"""Who came in through reception, day by day: from which agency, who checked them, and whether they had signed.

Where somebody stood is told as it was recorded by the end of the day on which they came, by `compliance`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from lms import compliance, record
from lms.clock import LONDON, end_of_day, london_day
from lms.compliance import Obligation, Standing
from lms.db import session
from lms.desk import Visit
from lms.items import items
from lms.people import Engagement, EngagementType, Person
from lms.record import RecordRow, Scope
from lms.standings import MOST_URGENT_FIRST
from lms.status import Status

SENT = (EngagementType.AGENCY_WORKER, EngagementType.CONTRACTOR)
"""Those whom somebody else employs."""


@dataclass(frozen=True, slots=True)
class VisitRow:
    """One adult who came in on one day."""

    person_id: UUID
    day: date
    surname: str
    forename: str
    category: str
    agency: str | None
    """The agency, or a contractor's company."""
    role: str
    arrived_at: datetime
    """In London."""
    left_at: datetime | None
    photo_id: str | None
    agency_confirmed: bool
    """Whether the agency's written confirmation of its checks was seen; only agency workers have one."""
    checked_by: str | None
    to_sign: int
    status: Status
    """The most urgent of what they had to sign, by the end of the day."""
    signed_at: datetime | None
    """In London, when the last of it was signed; None while any of it wasn't."""
    to_class_by: str | None
    """Who sent them to class before they had signed."""


def first_day(scope: Scope) -> date:
    """Return the first day of a register: that of the school year, which begins on 1 September."""
    last = london_day(scope.moment)
    return date(last.year if last.month >= 9 else last.year - 1, 9, 1)


def visits(scope: Scope) -> Iterator[VisitRow]:
    """Yield who came in, by day and then by name, from the first day on. Three queries for each day."""
    for day in session.scalars(_days(scope)).all():
        moment = min(scope.moment, end_of_day(day))
        came = session.execute(_visits(scope, day, moment)).all()
        owed = _owed(scope, [visit.person_id for visit, *_ in came], moment)
        for visit, person, engagement, checker in came:
            row = _row(scope, visit, person, engagement, checker, owed.get(visit.person_id, []))
            if _fits(scope, row, person, engagement):
                yield row


def engaged(scope: Scope) -> Iterator[RecordRow]:
    """Yield the agency workers and contractors engaged on the day, then those who left since the first day."""
    sent = {type_.words for type_ in SENT}
    yield from (row for row in record.rows(scope) if row.category in sent)
    since = first_day(scope)
    left = (row for row in record.leavers(scope) if row.category in sent)
    yield from (row for row in left if row.end is not None and row.end >= since)


def _days(scope: Scope) -> sa.Select[date]:
    """Return the days on which anybody came, as recorded by the moment."""
    came = (Visit.organisation_id == scope.school.id, Visit.arrived_at <= scope.moment)
    return sa.select(Visit.day).where(*came, Visit.day >= first_day(scope)).distinct().order_by(Visit.day)


def _visits(scope: Scope, day: date, moment: datetime) -> sa.Select[*tuple[Any, ...]]:
    checker = aliased(Person)
    return (
        sa.select(Visit, Person, Engagement, checker)
        .join(Person, Person.id == Visit.person_id)
        .join(Engagement, sa.and_(Engagement.id == Visit.engagement_id, Engagement.recorded_at(moment)))
        .outerjoin(checker, checker.id == Visit.checked_by)
        .where(Visit.organisation_id == scope.school.id, Visit.day == day, Visit.arrived_at <= moment)
        .order_by(Person.sort_name, Visit.id)
    )


def _owed(scope: Scope, people: Sequence[UUID], moment: datetime) -> dict[UUID, list[Obligation]]:
    """Return what some people had to sign at a moment, and where they stood."""
    there = {item.assignment.id: item for item in items([scope.school.id], moment)}
    if scope.item is not None:
        there = {id: item for id, item in there.items() if id == scope.item.assignment.id}
    tables = [compliance.obligations(item, Standing.ENGAGED, people) for item in there.values()]
    parts = [sa.select(table.c.assignment_id.label("of"), *compliance.columns(table)) for table in tables]
    held: dict[UUID, list[Obligation]] = {}
    for row in session.execute(sa.union_all(*parts)) if parts else ():
        obligation = compliance.read(there[row[0]], row[1:])
        if obligation.status is not Status.NOT_REQUIRED:
            held.setdefault(obligation.person_id, []).append(obligation)
    return held


def _row(
    scope: Scope,
    visit: Visit,
    person: Person,
    engagement: Engagement,
    checker: Person | None,
    owed: list[Obligation],
) -> VisitRow:
    statuses = {obligation.status for obligation in owed} or {Status.NOT_REQUIRED}
    status = next(status for status in MOST_URGENT_FIRST if status in statuses)
    signed = [obligation.signed_at for obligation in owed if obligation.signed_at]
    assert visit.arrived_at is not None
    return VisitRow(
        person_id=person.id,
        day=visit.day,
        surname=person.surname,
        forename=person.forename,
        category=engagement.type.words,
        agency=engagement.agency,
        role=engagement.job_title or engagement.type.words,
        arrived_at=visit.arrived_at.astimezone(LONDON),
        left_at=_by_then(visit.left_at, scope.moment),
        photo_id=visit.id_kind.words if visit.id_kind else None,
        agency_confirmed=visit.agency_confirmed,
        checked_by=checker.name if checker else None,
        to_sign=len(owed),
        status=status,
        signed_at=_by_then(max(signed, default=None), scope.moment) if status is Status.SIGNED else None,
        to_class_by=visit.to_class_by if _by_then(visit.to_class_at, scope.moment) else None,
    )


def _by_then(happened: datetime | None, moment: datetime) -> datetime | None:
    """Return when something happened, in London, unless it hadn't by the moment."""
    return happened.astimezone(LONDON) if happened and happened <= moment else None


def _fits(scope: Scope, row: VisitRow, person: Person, engagement: Engagement) -> bool:
    filters = scope.filters
    return (
        filters.fit_name(person.sort_name)
        and filters.fit_engagement(engagement.type, engagement.department)
        and filters.status in (None, row.status)
    )
