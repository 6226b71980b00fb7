"""What is outstanding: who has yet to do what, since when, and when they were last reminded, by line manager."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from lms import compliance, reminders
from lms.absences import is_away, read_spans
from lms.clock import london_day
from lms.compliance import Standing
from lms.db import stream
from lms.items import Item, deadlines
from lms.people import Person
from lms.record import Scope
from lms.reminders import Latest
from lms.standings import conditions
from lms.status import Status

NOT_DONE = (Status.OVERDUE, Status.EXPIRED, Status.DECLINED, Status.IN_PROGRESS, Status.NOT_STARTED)


@dataclass(frozen=True, slots=True)
class OutstandingRow:
    """One thing that one adult has yet to do."""

    person_id: UUID
    manager: str | None
    staff_no: str | None
    surname: str
    forename: str
    category: str
    role: str
    agency: str | None
    department: str | None
    school: str
    to_sign: str
    status: Status
    since: date
    """When it was first asked of them, or when what they had signed stopped counting."""
    due: date | None
    """None for who is away: nothing is asked of them until they are back."""
    days_overdue: int | None
    reminded_on: date | None


def rows(scope: Scope) -> Iterator[OutstandingRow]:
    """Yield what isn't done of everybody engaged on the day, by manager and then by name; who has none comes last.

    Memory doesn't grow with the rows, but for the days of the reminders.
    """
    if not scope.wanted:
        return
    reminded = reminders.reminded([scope.school.id], london_day(scope.moment))
    read = [_reading(scope, item, reminded) for item in scope.wanted]
    for row in stream(_statement(scope)):
        place, *values = tuple(row)
        yield read[place](dict(zip(_NEEDED, values[:-2], strict=True)), values[-2], values[-1])


_NEEDED = (
    *("person_id", "staff_no", "surname", "forename", "type", "job_title", "agency", "department", "starts"),
    *("assignment_id", "status", "signed_at", "signed_number", "absences"),
)


def _statement(scope: Scope) -> sa.Select[*tuple[Any, ...]]:
    parts = []
    for place, item in enumerate(scope.wanted):
        table = compliance.obligations(item, Standing.ENGAGED)
        parts.append(
            sa.select(
                sa.literal(place).label("place"),
                *(table.c[name] for name in (*_NEEDED, "manager_id", "sort_name")),
            ).where(table.c.status.in_([s.value for s in NOT_DONE]), *conditions(table, scope.filters))
        )
    left, manager = sa.union_all(*parts).subquery("outstanding"), aliased(Person)
    return (
        sa.select(left.c.place, *(left.c[name] for name in _NEEDED), manager.forename, manager.surname)
        .outerjoin(manager, manager.id == left.c.manager_id)
        .order_by(
            manager.sort_name.asc().nulls_last(), manager.id, left.c.sort_name, left.c.person_id, left.c.place
        )
    )


def _reading(
    scope: Scope, item: Item, reminded: Latest
) -> Callable[[dict[str, Any], str | None, str | None], OutstandingRow]:
    def read(
        found: dict[str, Any], manager_forename: str | None, manager_surname: str | None
    ) -> OutstandingRow:
        status, away = Status(found["status"]), read_spans(found["absences"])
        signed_on = london_day(found["signed_at"]) if found["signed_at"] else None
        dates = deadlines(item, status, found["starts"], signed_on, found["signed_number"], away)
        asked = item.clock_begins(found["starts"])
        return OutstandingRow(
            person_id=found["person_id"],
            manager=" ".join(filter(None, (manager_forename, manager_surname))) or None,
            staff_no=found["staff_no"],
            surname=found["surname"],
            forename=found["forename"],
            category=found["type"].words,
            role=found["job_title"] or found["type"].words,
            agency=found["agency"],
            department=found["department"],
            school=scope.school.name,
            to_sign=item.policy.title,
            status=status,
            since=dates.signature_ends or asked if status is Status.EXPIRED else asked,
            due=None if is_away(away, item.day) else dates.due,
            days_overdue=dates.days_overdue,
            reminded_on=reminded.get((found["person_id"], item.assignment.id)),
        )

    return read
