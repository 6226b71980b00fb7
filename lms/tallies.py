"""How many stand where, of several things to sign and at several schools at once: counted by the database, no names.

The counts are those of `compliance`, item by item; they are asked for together, so that the schools of a trust take as
many queries as one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from lms import compliance
from lms.clock import london_day
from lms.db import session
from lms.items import Item
from lms.people import Engagement, EngagementType
from lms.standings import Filters, conditions
from lms.status import Status

MOST_AT_ONCE = 400
"""Items in one query. SQLite takes no more than 500 parts (SQLITE_MAX_COMPOUND_SELECT)."""


@dataclass(frozen=True, slots=True)
class Tally:
    """How many people of an engagement type have a status on an item."""

    item: Item
    type: EngagementType
    status: Status
    people: int


def tallies(items: Sequence[Item], filters: Filters | None = None) -> list[Tally]:
    """Count everybody obliged by some items of one moment. One query, or one for each 400 items."""
    parts = (tuple(items[n : n + MOST_AT_ONCE]) for n in range(0, len(items), MOST_AT_ONCE))
    return [tally for part in parts for tally in _tallies(part, filters or Filters())]


def _tallies(items: tuple[Item, ...], filters: Filters) -> Iterator[Tally]:
    asked = {"by_then": items[0].moment}
    rows = session.execute(_counting(compliance.alike(items), filters), asked)
    by_id = {item.assignment.id: item for item in items}
    for assignment_id, type_, status, people in rows:
        yield Tally(by_id[assignment_id], EngagementType(type_), Status(status), people)


@lru_cache(maxsize=32)
def _counting(wanted: compliance.Alike, filters: Filters) -> sa.CompoundSelect[*tuple[Any, ...]]:
    """Return the statement that counts. For sixty schools, to build it takes longer than to ask it."""
    by_terms: dict[Any, list[Item]] = {}
    for item in wanted.items:
        by_terms.setdefault(item.terms, []).append(item)
    parts = []
    for first, *others in by_terms.values():
        table = compliance.obligations(replace(first, alike=tuple(others)))
        groups = (table.c.assignment_id, table.c.type, table.c.status)
        parts.append(sa.select(*groups, sa.func.count()).where(*conditions(table, filters)).group_by(*groups))
    return sa.union_all(*parts)


@dataclass(frozen=True, slots=True)
class Adults:
    """How many adults of an engagement type a school has."""

    school_id: UUID
    type: EngagementType
    people: int


def adults(school_ids: Sequence[UUID], moment: datetime) -> list[Adults]:
    """Count the adults engaged at some schools on the day, each once by their first engagement there. One query."""
    day = london_day(moment)
    rank = sa.func.row_number().over(
        partition_by=(Engagement.organisation_id, Engagement.person_id),
        order_by=(Engagement.starts, Engagement.id),
    )
    engaged = (
        sa.select(Engagement.organisation_id, Engagement.type, rank.label("rank"))
        .where(Engagement.organisation_id.in_(school_ids), Engagement.recorded_at(moment))
        .where(Engagement.starts <= day, sa.or_(Engagement.ends.is_(None), Engagement.ends >= day))
        .subquery("engaged")
    )
    groups = (engaged.c.organisation_id, engaged.c.type)
    rows = session.execute(sa.select(*groups, sa.func.count()).where(engaged.c.rank == 1).group_by(*groups))
    return [Adults(school_id, type_, people) for school_id, type_, people in rows]


@dataclass
class Counts:
    """Adults and where they stand, added up."""

    adults: int = 0
    statuses: Counter[Status] = field(default_factory=Counter)

    @property
    def to_sign(self) -> int:
        """How many signatures are asked for, given or not."""
        return self.statuses.total() - self.statuses[Status.NOT_REQUIRED]

    @property
    def signed(self) -> int:
        """How many of them are given."""
        return self.statuses[Status.SIGNED]


def total(found: Iterable[Tally]) -> Counter[Status]:
    """Add up how many have each status."""
    counted: Counter[Status] = Counter()
    for tally in found:
        counted[tally.status] += tally.people
    return counted
