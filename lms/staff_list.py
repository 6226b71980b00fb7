"""Whom a school has engaged on a day, whether or not anything is asked of them: the list of a first day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from math import ceil
from uuid import UUID

import sqlalchemy as sa

from lms import compliance
from lms.clock import london_day
from lms.compliance import Standing
from lms.db import session
from lms.people import Engagement, EngagementType, Person, full_name
from lms.standings import PAGE_SIZE, Filters, Page, conditions


@dataclass(frozen=True, slots=True)
class Engaged:
    """Somebody who is engaged on the day, by the first of their engagements."""

    person_id: UUID
    forename: str
    surname: str
    type: EngagementType
    department: str | None
    starts: date

    @property
    def name(self) -> str:
        """Forename and surname, or words where none was given."""
        return full_name(self.forename, self.surname)


def people(school_id: UUID, moment: datetime, name: str, page: int = 1) -> Page[Engaged]:
    """Return one page of those engaged on the London day of a moment, as recorded then, whose name has some words.

    They come by name; the last page where the one asked for is beyond it. One query, or three beyond the last page.
    """
    table = _standing(school_id, moment, Standing.ENGAGED)
    number = max(1, page)
    rows = session.execute(
        sa.select(*(table.c[column] for column in Engaged.__slots__), sa.func.count().over())
        .where(*_wanted(table, name))
        .order_by(table.c.sort_name, table.c.person_id)
        .limit(PAGE_SIZE)
        .offset((number - 1) * PAGE_SIZE)
    ).all()
    if rows or number == 1:
        return Page([Engaged(*row[:-1]) for row in rows], rows[0][-1] if rows else 0, number)
    last = ceil(_count(table, name) / PAGE_SIZE)
    return people(school_id, moment, name, max(1, last))


def starting_later(school_id: UUID, moment: datetime, name: str) -> int:
    """Return how many more are on record who start after the day. One query."""
    expected, engaged = (
        sa.select(sa.func.count()).where(*_wanted(table, name)).select_from(table).scalar_subquery()
        for table in (
            _standing(school_id, moment, standing) for standing in (Standing.EXPECTED, Standing.ENGAGED)
        )
    )
    return session.scalar(sa.select(expected - engaged)) or 0


def _standing(school_id: UUID, moment: datetime, standing: Standing) -> sa.Subquery:
    rank = sa.func.row_number().over(
        partition_by=Engagement.person_id, order_by=(Engagement.starts, Engagement.id)
    )
    engagement = (Engagement.person_id, Engagement.type, Engagement.department, Engagement.starts)
    return (
        sa.select(*engagement, Person.forename, Person.surname, Person.sort_name, rank.label("rank"))
        .join(Person, Person.id == Engagement.person_id)
        .where(Engagement.organisation_id == school_id, Engagement.recorded_at(moment))
        .where(*compliance.on_the_day(standing, london_day(moment), school_id, moment))
        .subquery(standing.name.lower())
    )


def _wanted(table: sa.Subquery, name: str) -> list[sa.ColumnElement[bool]]:
    # Whoever holds two engagements is one person, shown by the first.
    return [table.c.rank == 1, *conditions(table, Filters(name=name))]


def _count(table: sa.Subquery, name: str) -> int:
    wanted = sa.select(sa.func.count()).select_from(table).where(*_wanted(table, name))
    return session.scalar(wanted) or 0
