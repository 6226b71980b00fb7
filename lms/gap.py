"""Everybody on record at a school, to be held beside another list."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from uuid import UUID

import sqlalchemy as sa

from lms import compliance
from lms.clock import london_day
from lms.db import session
from lms.gap_matching import Known, Standing
from lms.people import Engagement, Person


def known_at(school_id: UUID, now: datetime) -> list[Known]:
    """Return everybody who is, will be or was engaged at a school, by name. Three queries.

    Who holds several engagements is shown by the one that counts: today's first, then the next, then the last.
    """
    day, assigned = london_day(now), _assigned(school_id, now)
    rows = session.execute(
        sa.select(Person, Engagement)
        .join(Engagement, Engagement.person_id == Person.id)
        .where(Engagement.organisation_id == school_id, Engagement.recorded_to.is_(None))
        .where(Person.erased_at.is_(None), Person.merged_into.is_(None))
        .order_by(Person.sort_name, Person.id, Engagement.starts, Engagement.id)
    )
    best: dict[UUID, tuple[Person, Engagement]] = {}
    for person, engagement in rows:
        kept = best.get(person.id)
        if kept is None or _counts_more(engagement, kept[1], day):
            best[person.id] = (person, engagement)
    return [_known(person, engagement, day, assigned) for person, engagement in best.values()]


def _assigned(school_id: UUID, now: datetime) -> set[UUID]:
    """Return those engaged today whom anything is assigned to, required of them or not."""
    items = compliance.items([school_id], now)
    if not items:
        return set()
    return set(session.scalars(sa.union(*(sa.select(compliance.obliged(i).c.person_id) for i in items))))


def _counts_more(one: Engagement, other: Engagement, day: date) -> bool:
    standing, kept = _standing(one, day), _standing(other, day)
    if standing is kept:
        return standing is Standing.LEFT and (one.ends or day) > (other.ends or day)
    return standing.value < kept.value


def _standing(engagement: Engagement, day: date) -> Standing:
    if engagement.ends is not None and engagement.ends < day:
        return Standing.LEFT
    return Standing.HERE if engagement.starts <= day else Standing.LATER


def _known(person: Person, engagement: Engagement, day: date, assigned: Iterable[UUID]) -> Known:
    return Known(
        person_id=person.id,
        surname=person.surname,
        forename=person.forename,
        known_as=person.known_as,
        staff_no=person.staff_no,
        type=engagement.type,
        department=engagement.department,
        agency=engagement.agency,
        starts=engagement.starts,
        ends=engagement.ends,
        standing=_standing(engagement, day),
        is_assigned=person.id in assigned,
    )
