"""What an assignment does, or would do before it is recorded: how many it obliges, how many meet it, and who."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from math import ceil
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from lms import compliance
from lms.compliance import Item, Standing
from lms.db import session
from lms.people import Engagement, EngagementType, folded, full_name
from lms.status import Status

PAGE_SIZE = 25


@dataclass(slots=True)
class Effect:
    """Numbers of adults, as they stand on the item's day."""

    statuses: Counter[Status] = field(default_factory=Counter)
    """Of those engaged on the day, by status."""
    groups: Counter[EngagementType] = field(default_factory=Counter)
    """Of those who must sign, by engagement type."""
    later: int = 0
    """Those who must sign and start after the day."""

    @property
    def obliged(self) -> int:
        """Those who must sign, or have: everybody engaged but those of whom it is not required."""
        return self.statuses.total() - self.statuses[Status.NOT_REQUIRED]

    @property
    def signed(self) -> int:
        """Those of them who meet it already."""
        return self.statuses[Status.SIGNED]

    @property
    def late(self) -> int:
        """Those of them who are overdue, or whose signature has run out."""
        return self.statuses[Status.OVERDUE] + self.statuses[Status.EXPIRED]


@dataclass(frozen=True, slots=True)
class Difference:
    """What a change would do to how many must sign."""

    more: int
    fewer: int


@dataclass(frozen=True, slots=True)
class Named:
    """Somebody whom an assignment obliges, or would no longer."""

    name: str
    type: EngagementType
    department: str | None
    organisation_id: UUID
    status: Status
    is_asked: bool
    """False for whoever is asked now, and would not be."""


@dataclass(frozen=True, slots=True)
class Names:
    """One page of names, by surname; `total` counts the people on all pages."""

    people: list[Named]
    total: int
    number: int

    @property
    def pages(self) -> int:
        """How many pages there are, at least one."""
        return max(1, ceil(self.total / PAGE_SIZE))


def effects(items: Sequence[Item]) -> dict[UUID, Effect]:
    """Return what each of some items of one moment does, by the assignment's id. One query."""
    found = {item.assignment.id: Effect() for item in items}
    if not items:
        return found
    for assignment_id, type_, status, has_started, number in session.execute(
        sa.union_all(*map(_counted, items))
    ):
        effect = found[assignment_id]
        if not has_started:
            effect.later += number if status != Status.NOT_REQUIRED else 0
            continue
        effect.statuses[Status(status)] += number
        if status != Status.NOT_REQUIRED:
            effect.groups[EngagementType(type_)] += number
    return found


def _counted(item: Item) -> sa.Select[*tuple[Any, ...]]:
    table = compliance.obligations(item, Standing.EXPECTED)
    # Whoever is here already is obliged by the engagement that began first, so this tells today from later.
    has_started = table.c.starts <= item.day
    groups = (table.c.type, table.c.status, has_started)
    return sa.select(table.c.assignment_id, *groups, sa.func.count()).group_by(table.c.assignment_id, *groups)


def difference(before: Item, after: Item) -> Difference:
    """Return how many more and how many fewer adults must sign by `after` than by `before`. One query."""
    more, fewer = (sa.select(sa.func.count()).select_from(_only(*pair)) for pair in _both(before, after))
    row = session.execute(sa.select(more.scalar_subquery(), fewer.scalar_subquery())).one()
    return Difference(*row)


def names(items: Sequence[Item], page: int) -> Names:
    """Return one page of those whom some items oblige, those who start later too. One query, or two."""
    return _page([_named(_asked(item), item, is_asked=True) for item in items], page)


def changed_names(before: Item, after: Item, page: int) -> Names:
    """Return one page of those whom a change obliges anew, or no longer. One query, or two."""
    more, fewer = (_only(*pair) for pair in _both(before, after))
    return _page([_named(more, after, is_asked=True), _named(fewer, before, is_asked=False)], page)


def departments(organisation_ids: Iterable[UUID], moment: datetime) -> list[str]:
    """Return the departments that people of some schools are in, as recorded at a moment. One query."""
    rows = session.scalars(
        sa.select(Engagement.department)
        .where(Engagement.organisation_id.in_(list(organisation_ids)), Engagement.recorded_at(moment))
        .where(Engagement.department.is_not(None), Engagement.department != "")
        .distinct()
    )
    return sorted((name for name in rows if name), key=folded)


def _both(
    before: Item, after: Item
) -> tuple[tuple[sa.Subquery, sa.Subquery], tuple[sa.Subquery, sa.Subquery]]:
    return (_asked(after), _asked(before)), (_asked(before), _asked(after))


def _asked(item: Item) -> sa.Subquery:
    table = compliance.obligations(item, Standing.EXPECTED)
    return sa.select(table).where(table.c.status != Status.NOT_REQUIRED.value).subquery()


def _only(wanted: sa.Subquery, other: sa.Subquery) -> sa.Subquery:
    return sa.select(wanted).where(wanted.c.person_id.not_in(sa.select(other.c.person_id))).subquery()


def _named(table: sa.Subquery, item: Item, *, is_asked: bool) -> sa.Select[*tuple[Any, ...]]:
    return sa.select(
        table.c.sort_name,
        table.c.person_id,
        table.c.surname,
        table.c.forename,
        table.c.type,
        table.c.department,
        sa.literal(item.assignment.organisation_id, sa.Uuid()).label("school"),
        table.c.status,
        sa.literal(is_asked).label("is_asked"),
    )


def _page(parts: Sequence[sa.Select[*tuple[Any, ...]]], number: int) -> Names:
    everyone = sa.union_all(*parts).subquery("everyone")
    order = (everyone.c.sort_name, everyone.c.person_id, everyone.c.school)
    statement = sa.select(everyone, sa.func.count().over().label("total")).order_by(*order)
    rows = session.execute(statement.limit(PAGE_SIZE).offset((number - 1) * PAGE_SIZE)).all()
    if not rows and number > 1:
        # Somebody has left since the page before: begin again.
        return _page(parts, 1)
    people = [
        Named(
            full_name(row.forename, row.surname),
            EngagementType(row.type),
            row.department,
            row.school,
            Status(row.status),
            row.is_asked,
        )
        for row in rows
    ]
    return Names(people, rows[0].total if rows else 0, number)
