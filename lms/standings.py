"""Where a school's people stand on one item: the list that HR sees, filtered, sorted and paged by the database."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from math import ceil
from typing import Any, Generic, TypeVar
from uuid import UUID

import sqlalchemy as sa

from lms import absences, compliance
from lms.compliance import Item, Obligation, Standing
from lms.db import is_sqlite, session
from lms.lateness import first_due
from lms.people import Engagement, EngagementType, Person, folded
from lms.sql_days import earlier, plus_days
from lms.status import Status

PAGE_SIZE = 25
MOST_URGENT_FIRST = (
    Status.OVERDUE,
    Status.EXPIRED,
    Status.DECLINED,
    Status.IN_PROGRESS,
    Status.NOT_STARTED,
    Status.SIGNED,
    Status.NOT_REQUIRED,
)


class Sort(StrEnum):
    """What the list can be ordered by; people with the same are in order of name."""

    NAME = "name"
    TYPE = "type"
    DEPARTMENT = "department"
    STATUS = "status"
    DUE = "due"
    SIGNED = "signed"


@dataclass(frozen=True, slots=True)
class Filters:
    """Which people are wanted. What is left empty leaves nobody out."""

    name: str = ""
    type: EngagementType | None = None
    department: str = ""
    status: Status | None = None

    @property
    def words(self) -> list[str]:
        """Each filter in words, such as "Department: Maths"."""
        pairs = (
            ("Name", f"“{self.name}”" if self.name else ""),
            ("Engagement type", self.type.words if self.type else ""),
            ("Department", self.department),
            ("Status", self.status.capitalize() if self.status else ""),
        )
        return [f"{label}: {value}" for label, value in pairs if value]

    def fit_name(self, sort_name: str) -> bool:
        """Say whether somebody of this `Person.sort_name` is wanted."""
        return all(word in sort_name for word in folded(self.name).split())

    def fit_engagement(self, type: EngagementType, department: str | None) -> bool:
        """Say whether somebody so engaged is wanted."""
        return self.type in (None, type) and self.department in ("", department)


Listed = TypeVar("Listed")


@dataclass(frozen=True, slots=True)
class Page(Generic[Listed]):
    """One page of a list. `total` counts the people on all its pages."""

    people: list[Listed]
    total: int
    number: int

    @property
    def pages(self) -> int:
        """How many pages there are, at least one."""
        return max(1, ceil(self.total / PAGE_SIZE))

    @property
    def first(self) -> int:
        """The place of this page's first person in the list, from 1."""
        return (self.number - 1) * PAGE_SIZE + 1

    @property
    def last(self) -> int:
        """The place of this page's last person in the list."""
        return self.first + len(self.people) - 1


def people(
    item: Item, filters: Filters, *, sort: Sort = Sort.NAME, descending: bool = False, page: int = 1
) -> Page[Obligation]:
    """Return one page of the people obliged by an item; the last page where the one asked for is beyond it."""
    by_status = filters.status is not None or sort in (Sort.STATUS, Sort.DUE, Sort.SIGNED)
    table = compliance.obligations(item) if by_status else compliance.obliged(item)
    return _page(item, table, conditions(table, filters), _order(item, table, sort, descending), page)


def asked(item: Item, filters: Filters, most: int) -> tuple[list[Obligation], int]:
    """Return those of whom an item is required, by name and no more than `most`, and how many there are. One query."""
    table = compliance.obligations(item)
    wanted = [*conditions(table, filters), table.c.status != Status.NOT_REQUIRED.value]
    rows = session.execute(
        sa.select(sa.func.count().over(), *compliance.columns(table))
        .where(*wanted)
        .order_by(table.c.sort_name, table.c.person_id)
        .limit(most)
    ).all()
    return [compliance.read(item, tuple(row)[1:]) for row in rows], rows[0][0] if rows else 0


def team(
    manager_id: UUID, item: Item, *, name: str = "", done: bool | None = None, page: int = 1
) -> Page[Obligation]:
    """Return one page of those who must sign and whom somebody manages: everyone, or those who have or haven't."""
    table = compliance.obligations(item)
    wanted = [
        *conditions(table, Filters(name=name)),
        _is_managed_by(manager_id, item, table),
        table.c.status != Status.NOT_REQUIRED.value,
    ]
    if done is not None:
        is_signed = table.c.status == Status.SIGNED.value
        wanted.append(is_signed if done else ~is_signed)
    return _page(item, table, wanted, [table.c.sort_name, table.c.person_id], page)


def conditions(table: sa.Subquery, filters: Filters) -> list[sa.ColumnElement[bool]]:
    """Return the conditions that `compliance.obligations` are wanted."""
    wanted = [table.c.sort_name.contains(word, autoescape=True) for word in folded(filters.name).split()]
    if filters.type:
        wanted.append(table.c.type == filters.type)
    if filters.department:
        wanted.append(table.c.department == filters.department)
    if filters.status:
        wanted.append(table.c.status == filters.status.value)
    return wanted


def counts(item: Item) -> list[tuple[EngagementType, str | None, Status, int]]:
    """Return how many people of each engagement type and department have each status."""
    table = compliance.obligations(item)
    groups = (table.c.type, table.c.department, table.c.status)
    rows = session.execute(sa.select(*groups, sa.func.count()).group_by(*groups))
    return [(type_, department, Status(status), n) for type_, department, status, n in rows]


@dataclass(frozen=True, slots=True)
class Unsigned:
    """Somebody who has something to sign, and what they are to the school."""

    person: Person
    type: EngagementType


_DONE = (Status.SIGNED.value, Status.NOT_REQUIRED.value)


def unsigned(items: Sequence[Item], among: Sequence[UUID]) -> dict[UUID, list[UUID]]:
    """Return what some people have yet to sign, also before their first day: assignments by person. One query."""
    if not items or not among:
        return {}
    tables = [compliance.obligations(item, Standing.EXPECTED, among) for item in items]
    parts = [
        sa.select(table.c.person_id, table.c.assignment_id).where(table.c.status.not_in(_DONE))
        for table in tables
    ]
    found: dict[UUID, list[UUID]] = {}
    for person_id, assignment_id in session.execute(sa.union_all(*parts)):
        found.setdefault(person_id, []).append(assignment_id)
    return found


def unsigned_people(
    items: Sequence[Item], filters: Filters, most: int, among: Sequence[UUID] | None = None
) -> tuple[list[Unsigned], int]:
    """Return who has something to sign, by name and no more than `most`, and how many there are. One query.

    With `among`, only these people are looked at.
    """
    if not items or among == []:
        return [], 0
    tables = [compliance.obligations(item, Standing.EXPECTED, among) for item in items]
    parts = [
        sa.select(table.c.person_id, table.c.type).where(
            table.c.status.not_in(_DONE), *conditions(table, filters)
        )
        for table in tables
    ]
    everyone = sa.union_all(*parts).subquery("unsigned")
    # Who holds two engagements is obliged by one or the other: either says what they are.
    once = (
        sa.select(everyone.c.person_id, sa.func.min(everyone.c.type).label("type"))
        .group_by(everyone.c.person_id)
        .subquery("once")
    )
    rows = session.execute(
        sa.select(Person, once.c.type, sa.func.count().over())
        .join(once, once.c.person_id == Person.id)
        .order_by(Person.sort_name, Person.id)
        .limit(most)
    ).all()
    people = [Unsigned(person, EngagementType(type_)) for person, type_, _ in rows]
    return people, rows[0][2] if rows else 0


def departments(school_id: UUID, moment: datetime) -> list[str]:
    """Return the departments that a school's people are in, as recorded at a moment."""
    rows = session.scalars(
        sa.select(Engagement.department)
        .where(Engagement.organisation_id == school_id, Engagement.recorded_at(moment))
        .where(Engagement.department.is_not(None), Engagement.department != "")
        .distinct()
    )
    return sorted((name for name in rows if name), key=folded)


def _page(
    item: Item, table: sa.Subquery, wanted: list[sa.ColumnElement[bool]], order: list[Any], number: int
) -> Page[Obligation]:
    """Find who is on the page by what it is filtered and ordered by; then look at where these few stand."""
    statement = sa.select(table.c.person_id, sa.func.count().over()).where(*wanted).order_by(*order)
    number = max(1, number)
    found = session.execute(statement.limit(PAGE_SIZE).offset((number - 1) * PAGE_SIZE)).all()
    if not found:
        return Page([], 0, 1) if number == 1 else _page(item, table, wanted, order, _last_page(table, wanted))
    shown = compliance.obligations(item, among=[person_id for person_id, _ in found])
    rows = (
        compliance.read(item, tuple(row)) for row in session.execute(sa.select(*compliance.columns(shown)))
    )
    by_id = {obligation.person_id: obligation for obligation in rows}
    return Page([by_id[person_id] for person_id, _ in found], found[0][1], number)


def _last_page(table: sa.Subquery, wanted: list[sa.ColumnElement[bool]]) -> int:
    total = session.scalar(sa.select(sa.func.count()).select_from(table).where(*wanted)) or 0
    return max(1, ceil(total / PAGE_SIZE))


def _is_managed_by(manager_id: UUID, item: Item, table: sa.Subquery) -> sa.ColumnElement[bool]:
    school_id = item.assignment.organisation_id
    return table.c.person_id.in_(
        sa.select(Engagement.person_id).where(
            Engagement.manager_id == manager_id,
            Engagement.organisation_id == school_id,
            Engagement.recorded_at(item.moment),
            *compliance.on_the_day(Standing.ENGAGED, item.day, school_id, item.moment),
        )
    )


def _order(item: Item, table: sa.Subquery, sort: Sort, descending: bool) -> list[Any]:
    by_name = [table.c.sort_name, table.c.person_id]
    urgency = {status.value: place for place, status in enumerate(MOST_URGENT_FIRST)}
    keys: dict[Sort, Callable[[], sa.ColumnElement[Any]]] = {
        Sort.NAME: lambda: table.c.sort_name,
        Sort.TYPE: lambda: table.c.type,
        Sort.DEPARTMENT: lambda: sa.func.lower(table.c.department),
        Sort.STATUS: lambda: sa.case(urgency, value=table.c.status),
        Sort.DUE: lambda: _due(item, table),
        Sort.SIGNED: lambda: table.c.signed_at,
    }
    key = keys[sort]()
    # Whoever has no department, or hasn't signed, comes last either way round.
    return [(key.desc() if descending else key.asc()).nulls_last(), *by_name]


def _due(item: Item, table: sa.Subquery) -> sa.ColumnElement[Any]:
    """Return `Obligation.sign_by` as SQL, so that the database can order by it."""
    due, begins = first_due(item, table.c.starts)
    ends, then = _signature_ends(item, table), (item.assignment.organisation_id, item.day, item.moment)
    return sa.case(
        (table.c.status == Status.NOT_REQUIRED.value, sa.null()),
        (table.c.status == Status.SIGNED.value, ends),
        (absences.away_on(table.c.person_id, *then), sa.null()),
        (table.c.status == Status.EXPIRED.value, _moved_on(item, table, ends, ends)),
        else_=_moved_on(item, table, due, begins),
    )


def _moved_on(
    item: Item, table: sa.Subquery, due: sa.ColumnElement[Any], since: sa.ColumnElement[Any]
) -> sa.ColumnElement[Any]:
    """Return a day that moves on by the days away since another."""
    person_id, then = table.c.person_id, (item.assignment.organisation_id, item.day, item.moment)
    away_for = absences.days_away_since(person_id, since, *then)
    return sa.case((absences.been_away(person_id, *then), plus_days(due, away_for)), else_=due)


def _signature_ends(item: Item, table: sa.Subquery) -> sa.ColumnElement[Any]:
    """Return `Item.signature_ends` as SQL. Each newer version that asks to be signed again ends the older ones."""
    never = sa.literal(date.max, sa.Date())
    ends: sa.ColumnElement[Any] = never
    for version in item.versions:
        if version.resign_by is not None:
            over = sa.literal(version.resign_by + timedelta(days=1), sa.Date())
            ends = earlier(ends, sa.case((table.c.signed_number < version.number, over), else_=never))
    if item.assignment.months is None:
        return sa.func.nullif(ends, never)
    return earlier(ends, _plus_months(_signed_on(item, table), item.assignment.months))


def _plus_months(day: sa.ColumnElement[Any], months: int) -> sa.ColumnElement[Any]:
    if not is_sqlite():
        return sa.cast(day + sa.func.make_interval(0, months), sa.Date())
    # SQLite runs 31 January plus a month over into March; the last of February is meant.
    end_of_month = sa.func.date(day, "start of month", f"+{months + 1} months", "-1 day")
    return sa.func.min(sa.func.date(day, f"+{months} months"), end_of_month)


def _signed_on(item: Item, table: sa.Subquery) -> sa.ColumnElement[Any]:
    """Return the London day of signing as SQL."""
    if not is_sqlite():
        return sa.cast(sa.func.timezone("Europe/London", table.c.signed_at), sa.Date())
    years = range(item.versions[0].recorded_at.year, item.moment.year + 1)
    in_summer = sa.or_(*(sa.between(table.c.signed_at, *_summer(year)) for year in years))
    return sa.func.date(table.c.signed_at, sa.case((in_summer, "+1 hour"), else_="+0 hours"))


def _summer(year: int) -> tuple[datetime, datetime]:
    """Return the first and last moments of British Summer Time (Summer Time Order 2002, article 2)."""
    begins, ends = (_last_sunday(year, month) for month in (3, 10))
    return begins, ends - timedelta(microseconds=1)


def _last_sunday(year: int, month: int) -> datetime:
    last = datetime(year, month, 31, 1, tzinfo=UTC)
    return last - timedelta(days=last.isoweekday() % 7)
