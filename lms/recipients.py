"""Who can be written to: people with an address that is theirs alone; and which managers have whom to look after."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

import sqlalchemy as sa

from lms import absences, compliance
from lms.clock import london_day
from lms.compliance import Standing
from lms.db import session
from lms.items import Item
from lms.people import Engagement, Person
from lms.schools import Organisation


class NoMail(StrEnum):
    """Why somebody cannot be reminded by e-mail."""

    NO_ADDRESS = "no e-mail address on record"
    SHARED = "an address that several people share"


@dataclass(frozen=True, slots=True)
class Addresses:
    """The addresses of everybody in some trusts or schools."""

    by_person: dict[UUID, str]
    shared: frozenset[str]

    def of(self, person_id: UUID) -> str | None:
        """Return the address that is somebody's alone; None where they can't be written to."""
        address = self.by_person.get(person_id)
        return None if address in self.shared else address

    def why_not(self, person_id: UUID) -> NoMail | None:
        """Return why somebody can't be written to; None where they can."""
        if self.of(person_id):
            return None
        return NoMail.SHARED if person_id in self.by_person else NoMail.NO_ADDRESS


def addresses(organisation_ids: Collection[UUID]) -> Addresses:
    """Return how the people of some schools can be reached. Two queries."""
    roots = sa.select(sa.func.coalesce(Organisation.parent_id, Organisation.id)).where(
        Organisation.id.in_(organisation_ids)
    )
    has_one = (Person.email.is_not(None), Person.erased_at.is_(None), Person.merged_into.is_(None))
    rows = session.execute(sa.select(Person.id, Person.email).where(Person.root_id.in_(roots), *has_one))
    # Shared with anybody at all: it signs nobody in, wherever the other one works.
    shared = sa.select(Person.email).where(*has_one).group_by(Person.email).having(sa.func.count() > 1)
    return Addresses(
        by_person={person_id: email for person_id, email in rows if email},
        shared=frozenset(email for email in session.scalars(shared) if email),
    )


Teams = dict[tuple[UUID, UUID], set[UUID]]
"""Ids of people, by school and manager."""


def teams(items: Collection[Item]) -> Teams:
    """Return whom each manager looks after at the schools of some items, of managers who are there. Two queries."""
    if not items:
        return {}
    item, schools = next(iter(items)), {one.assignment.organisation_id for one in items}
    rows = session.execute(
        sa.select(Engagement.organisation_id, Engagement.manager_id, Engagement.person_id).where(
            Engagement.organisation_id.in_(schools), Engagement.manager_id.is_not(None), *_is_engaged(item)
        )
    ).all()
    there = _who_is_there(item, {manager_id for _, manager_id, _ in rows if manager_id})
    found: Teams = {}
    for school_id, manager_id, person_id in rows:
        if manager_id in there and manager_id:
            found.setdefault((school_id, manager_id), set()).add(person_id)
    return found


def is_in_team(item: Item, table: sa.Subquery, manager_id: UUID) -> sa.ColumnElement[bool]:
    """Return the condition that somebody under an item is managed by a person."""
    return table.c.person_id.in_(
        sa.select(Engagement.person_id).where(
            Engagement.organisation_id == item.assignment.organisation_id,
            Engagement.manager_id == manager_id,
            *_is_engaged(item),
        )
    )


def _is_engaged(item: Item) -> list[sa.ColumnElement[bool]]:
    here = item.assignment.organisation_id
    days = compliance.on_the_day(Standing.ENGAGED, item.day, here, item.moment)
    return [Engagement.recorded_at(item.moment), *days]


def _who_is_there(item: Item, managers: Collection[UUID]) -> set[UUID]:
    """Return which managers work anywhere today, and aren't away from there. A leaver gets no letter."""
    day = london_day(item.moment)
    theirs = Engagement.__table__.c
    away = absences.away_on(theirs.person_id, theirs.organisation_id, day, item.moment)
    rows = session.scalars(
        sa.select(Engagement.person_id).where(
            Engagement.person_id.in_(managers), *_is_engaged(item), sa.not_(away)
        )
    )
    return set(rows)
