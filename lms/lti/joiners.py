"""People in a course whom Countersign doesn't know yet: shown to HR, and put on record when HR says as what."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import ceil
from uuid import UUID, uuid4

import sqlalchemy as sa

from lms.clock import london_day
from lms.db import session
from lms.errors import ConflictError
from lms.lti import identities
from lms.lti.identities import Identity
from lms.lti.memberships import Course, Listed, Membership
from lms.lti.places import Context
from lms.lti.platforms import Deployment
from lms.people import Engagement, EngagementType, Person, engage, folded
from lms.schools import Organisation

PAGE_SIZE = 25


@dataclass(frozen=True, slots=True)
class Joiner:
    """Somebody in a course who isn't known yet, and who on HR's list may be the same adult."""

    membership: Membership
    matches: list[Person]


@dataclass(frozen=True, slots=True)
class Joiners:
    """One page of them. `total` counts those on all its pages."""

    people: list[Joiner]
    total: int
    number: int

    @property
    def pages(self) -> int:
        """How many pages there are, at least one."""
        return max(1, ceil(self.total / PAGE_SIZE))


def joiners(course: Course, *, name: str = "", role: str = "", page: int = 1) -> Joiners:
    """Return one page of the people of a course who aren't known yet, by name. Three queries.

    `role` is the last part of an LTI role ("Instructor"); empty for everybody.
    """
    wanted = _unknown(course, name, role)
    total = session.scalar(sa.select(sa.func.count()).select_from(wanted.subquery())) or 0
    number = min(page, max(1, ceil(total / PAGE_SIZE)))
    ordered = wanted.order_by(Membership.sort_name, Membership.sub)
    rows = session.scalars(ordered.offset((number - 1) * PAGE_SIZE).limit(PAGE_SIZE)).all()
    matches = _matches(course.context.organisation_id, rows)
    return Joiners([Joiner(row, _of(row, matches)) for row in rows], total, number)


def counts(school_id: UUID) -> dict[UUID, int]:
    """Return how many people of each of a school's courses aren't known yet, by the course's id. One query."""
    rows = session.execute(
        sa.select(Membership.context_id, sa.func.count())
        .join(Context, Context.id == Membership.context_id)
        .join(Deployment, Deployment.id == Context.deployment_id)
        .where(Context.organisation_id == school_id, Membership.recorded_to.is_(None))
        .where(~_is_known(Deployment.registration_id))
        .group_by(Membership.context_id)
    )
    return {context_id: number for context_id, number in rows}


def add(course: Course, school: Organisation, one: Joiner, type: EngagementType, now: datetime) -> Person:
    """Put a member of a course on record: a new person, engaged at the school from today.

    Raises:
        ConflictError: they were put on record meanwhile.
    """
    identity = identities.make(course.registration, school, _listed(one.membership), now)
    if identity.first_seen_at != now:
        raise ConflictError(
            f"{one.membership.name} has opened Countersign meanwhile. Look at this page again."
        )
    # Whoever was shown a match and chose this has said that they are two people.
    identity.match_settled_at = now if one.matches else None
    person = session.get_one(Person, identity.person_id)
    engage(person, school.id, type, starts=london_day(now), now=now)
    return person


def link(course: Course, member: Membership, person: Person, now: datetime) -> None:
    """Record that a member of a course is somebody who is on record already."""
    session.add(
        Identity(
            id=uuid4(),
            registration_id=course.registration.id,
            sub=member.sub,
            person_id=person.id,
            name=member.name,
            email=member.email,
            staff_no=member.staff_no,
            first_seen_at=now,
            made_person=False,
            match_settled_at=now,
        )
    )
    session.flush()


def unknown(course: Course, membership_ids: Iterable[UUID]) -> list[Joiner]:
    """Return those of some members who still aren't known. Two queries."""
    wanted = _unknown(course).where(Membership.id.in_(list(membership_ids)))
    rows = session.scalars(wanted.order_by(Membership.sort_name, Membership.sub)).all()
    matches = _matches(course.context.organisation_id, rows)
    return [Joiner(row, _of(row, matches)) for row in rows]


def _unknown(course: Course, name: str = "", role: str = "") -> sa.Select[Membership]:
    wanted = sa.select(Membership).where(
        Membership.context_id == course.context.id,
        Membership.recorded_to.is_(None),
        ~_is_known(course.registration.id),
    )
    for word in folded(name).split():
        wanted = wanted.where(Membership.sort_name.contains(word, autoescape=True))
    return wanted.where(_has_role(role)) if role else wanted


def _is_known(registration_id: object) -> sa.ColumnElement[bool]:
    return sa.exists().where(Identity.registration_id == registration_id, Identity.sub == Membership.sub)


def _has_role(role: str) -> sa.ColumnElement[bool]:
    # Roles come as short names and as whole addresses; both end in the name and a quotation mark.
    return sa.cast(Membership.roles, sa.Text).contains(f'{role}"', autoescape=True)


def _matches(school_id: UUID, rows: Sequence[Membership]) -> list[Person]:
    emails = {row.email for row in rows if row.email}
    staff_nos = {row.staff_no for row in rows if row.staff_no}
    if not emails and not staff_nos:
        return []
    engaged = sa.exists().where(Engagement.person_id == Person.id, Engagement.organisation_id == school_id)
    same = sa.or_(Person.email.in_(emails), Person.staff_no.in_(staff_nos))
    found = sa.select(Person).where(engaged, same, Person.erased_at.is_(None))
    return list(session.scalars(found.order_by(Person.sort_name, Person.id)))


def _of(row: Membership, people: Iterable[Person]) -> list[Person]:
    return [person for person in people if _is_like(row, person)]


def _is_like(row: Membership, person: Person) -> bool:
    by_email = row.email is not None and row.email == person.email
    return by_email or (row.staff_no is not None and row.staff_no == person.staff_no)


def _listed(member: Membership) -> Listed:
    return Listed(member.sub, member.name, member.forename, member.surname, member.email, member.staff_no)
