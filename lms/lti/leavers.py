"""People who are in a course no more: proposed to HR, who says whether they have left the school."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from math import ceil
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from lms.clock import london_day
from lms.db import session
from lms.errors import ConflictError
from lms.lti.identities import Identity
from lms.lti.memberships import Course, Membership
from lms.lti.places import Context
from lms.lti.platforms import Deployment
from lms.people import Engagement, Person, end_engagement

PAGE_SIZE = 25


@dataclass(frozen=True, slots=True)
class Leaver:
    """Somebody who was in a course and is engaged at the school still."""

    membership: Membership
    person: Person
    engagements: list[Engagement]
    elsewhere: list[str]
    """The titles of other courses at the school that they are in."""


@dataclass(frozen=True, slots=True)
class Leavers:
    """One page of them. `total` counts those on all its pages."""

    people: list[Leaver]
    total: int
    number: int

    @property
    def pages(self) -> int:
        """How many pages there are, at least one."""
        return max(1, ceil(self.total / PAGE_SIZE))


def leavers(course: Course, now: datetime, page: int = 1) -> Leavers:
    """Return one page of the people who may have left, by name. Four queries."""
    wanted = _proposed(course, now)
    total = session.scalar(sa.select(sa.func.count()).select_from(wanted.subquery())) or 0
    number = min(page, max(1, ceil(total / PAGE_SIZE)))
    some = wanted.offset((number - 1) * PAGE_SIZE).limit(PAGE_SIZE)
    return Leavers(_read(course, some, now), total, number)


def chosen(course: Course, membership_ids: Iterable[UUID], now: datetime) -> list[Leaver]:
    """Return those of some memberships that are still to be settled. Three queries."""
    return _read(course, _proposed(course, now).where(Membership.id.in_(list(membership_ids))), now)


def settled(course: Course, most: int = 25) -> list[tuple[Membership, Person]]:
    """Return those of a course's people who have gone and of whom HR has said what to do, the latest first."""
    rows = session.execute(
        sa.select(Membership, Person)
        .join(Identity, _is_theirs(course))
        .join(Person, Person.id == Identity.person_id)
        .where(Membership.context_id == course.context.id, Membership.recorded_to.is_not(None))
        .where(Membership.is_settled, ~_came_back())
        .order_by(Membership.recorded_to.desc(), Membership.sort_name)
        .limit(most)
    )
    return [(membership, person) for membership, person in rows]


def counts(school_id: UUID, now: datetime) -> dict[UUID, int]:
    """Return how many people may have left, for each of a school's courses by its id. One query."""
    rows = session.execute(
        _at(school_id, now, Membership.context_id, sa.func.count()).group_by(Membership.context_id)
    )
    return {context_id: number for context_id, number in rows}


def number(school_id: UUID, now: datetime) -> sa.ScalarSelect[int]:
    """Return how many there are in all of a school's courses, as part of a query about other things too."""
    return _at(school_id, now, sa.func.count()).scalar_subquery()


def _at(school_id: UUID, now: datetime, *columns: Any) -> sa.Select[*tuple[Any, ...]]:
    return (
        sa.select(*columns)
        .select_from(Membership)
        .join(Context, Context.id == Membership.context_id)
        .join(Deployment, Deployment.id == Context.deployment_id)
        .join(
            Identity,
            sa.and_(Identity.registration_id == Deployment.registration_id, Identity.sub == Membership.sub),
        )
        .where(Context.organisation_id == school_id, *_open(now, school_id))
    )


def end(leaver: Leaver, last_day: date, now: datetime) -> None:
    """Record the last day of everything that somebody is engaged as at the course's school.

    Raises:
        ConflictError: they started after that day.
    """
    if any(last_day < engagement.starts for engagement in leaver.engagements):
        raise ConflictError(f"{leaver.person.name} started after that day. Choose a later last day for them.")
    for engagement in leaver.engagements:
        end_engagement(engagement, ends=last_day, now=now)
    leaver.membership.is_settled = True


def keep(leaver: Leaver) -> None:
    """Record that somebody has left the course and not the school."""
    leaver.membership.is_settled = True


def _proposed(course: Course, now: datetime) -> sa.Select[Membership, Person]:
    return (
        sa.select(Membership, Person)
        .join(Identity, _is_theirs(course))
        .join(Person, Person.id == Identity.person_id)
        .where(Membership.context_id == course.context.id, *_open(now, course.context.organisation_id))
        .order_by(Person.sort_name, Person.id)
    )


def _open(now: datetime, school_id: object) -> list[sa.ColumnElement[bool]]:
    """Return the conditions that a membership has ended, and that nobody has said what to do about it."""
    engaged = sa.exists().where(Engagement.person_id == Identity.person_id, *_is_current(now, school_id))
    return [Membership.recorded_to.is_not(None), Membership.is_settled.is_(False), engaged]


def _is_current(now: datetime, school_id: object) -> list[sa.ColumnElement[bool]]:
    return [
        Engagement.organisation_id == school_id,
        Engagement.recorded_to.is_(None),
        sa.or_(Engagement.ends.is_(None), Engagement.ends >= london_day(now)),
    ]


def _is_theirs(course: Course) -> sa.ColumnElement[bool]:
    return sa.and_(Identity.registration_id == course.registration.id, Identity.sub == Membership.sub)


def _came_back() -> sa.ColumnElement[bool]:
    later = aliased(Membership)
    return sa.exists().where(
        later.context_id == Membership.context_id,
        later.sub == Membership.sub,
        later.recorded_from >= Membership.recorded_to,
    )


def _read(course: Course, wanted: sa.Select[Membership, Person], now: datetime) -> list[Leaver]:
    rows = [(membership, person) for membership, person in session.execute(wanted)]
    engagements = _engagements([person.id for _, person in rows], course.context.organisation_id, now)
    elsewhere = _elsewhere(course, [membership.sub for membership, _ in rows])
    return [Leaver(m, p, engagements.get(p.id, []), elsewhere.get(m.sub, [])) for m, p in rows]


def _engagements(person_ids: list[UUID], school_id: UUID, now: datetime) -> dict[UUID, list[Engagement]]:
    rows = session.scalars(
        sa.select(Engagement)
        .where(Engagement.person_id.in_(person_ids), *_is_current(now, school_id))
        .order_by(Engagement.starts, Engagement.id)
    )
    found: dict[UUID, list[Engagement]] = {}
    for engagement in rows:
        found.setdefault(engagement.person_id, []).append(engagement)
    return found


def _elsewhere(course: Course, subs: list[str]) -> dict[str, list[str]]:
    rows = session.execute(
        sa.select(Membership.sub, Context.title)
        .join(Context, Context.id == Membership.context_id)
        .join(Deployment, Deployment.id == Context.deployment_id)
        .where(Deployment.registration_id == course.registration.id)
        .where(Context.organisation_id == course.context.organisation_id)
        .where(Membership.sub.in_(subs), Membership.recorded_to.is_(None))
        .order_by(Context.title)
    )
    found: dict[str, list[str]] = {}
    for sub, title in rows:
        found.setdefault(sub, []).append(title)
    return found
