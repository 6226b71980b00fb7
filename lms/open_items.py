"""What people still have to sign, for the letters that remind them: many people and schools in few queries."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from lms import compliance
from lms.compliance import Item, Obligation
from lms.db import session
from lms.reminder_plan import RENEW_WITHIN, Open
from lms.status import Status

AT_ONCE = 40
"""Items asked about in one query."""
SHORTEST_MONTH = 28
_NOT_DONE = (Status.NOT_STARTED, Status.IN_PROGRESS, Status.OVERDUE, Status.EXPIRED)
Wanted = Callable[[Item, sa.Subquery], Sequence[sa.ColumnElement[bool]]]
"""Makes the conditions on an item's `compliance.obligations`."""


def obligations(
    items: Sequence[Item], wanted: Wanted, among: Sequence[UUID] | None = None
) -> Iterator[tuple[Item, Obligation]]:
    """Yield the obligations under some items of one moment that are wanted. One query for every forty items."""
    for some in _batches(items):
        parts = []
        for place, item in enumerate(some):
            table = compliance.obligations(item, among=among)
            place_of = sa.literal(place, sa.Integer()).label("place")
            parts.append(sa.select(place_of, *compliance.columns(table)).where(*wanted(item, table)))
        for place, *row in session.execute(sa.union_all(*parts)):
            yield some[place], compliance.read(some[place], row)


def to_do(
    items: Sequence[Item], among: Sequence[UUID] | None = None, wanted: Wanted | None = None
) -> list[Open]:
    """Return what can be done now by whom, and isn't done: never what was declined, or is asked of nobody."""

    def conditions(item: Item, table: sa.Subquery) -> list[sa.ColumnElement[bool]]:
        return [is_to_do(item, table), *(wanted(item, table) if wanted else ())]

    found = (as_open(item, one) for item, one in obligations(items, conditions, among))
    return [open_ for open_ in found if open_.can_be_done(items[0].day)]


def as_open(item: Item, obligation: Obligation) -> Open:
    """Return an obligation as far as reminders go."""
    return Open(
        organisation_id=item.assignment.organisation_id,
        person_id=obligation.person_id,
        assignment_id=obligation.assignment_id,
        title=item.policy.title,
        status=obligation.status,
        due=None if obligation.is_away else obligation.sign_by,
        modules=tuple(item.assignment.modules),
    )


def is_to_do(item: Item, table: sa.Subquery) -> sa.ColumnElement[bool]:
    """Return the condition that somebody may have something to do: not done, or signed so that it may run out soon."""
    soon: list[Any] = [table.c.signed_number < v.number for v in item.versions if v.resign_by is not None]
    if item.assignment.months is not None:
        days = SHORTEST_MONTH * item.assignment.months - RENEW_WITHIN.days - 1
        soon.append(table.c.signed_at <= item.moment - timedelta(days=days))
    is_signed = table.c.status == Status.SIGNED.value
    not_done = table.c.status.in_([status.value for status in _NOT_DONE])
    return sa.or_(not_done, sa.and_(is_signed, sa.or_(sa.false(), *soon)))


def _batches(items: Sequence[Item]) -> Iterator[tuple[Item, ...]]:
    yield from (tuple(items[first : first + AT_ONCE]) for first in range(0, len(items), AT_ONCE))
