"""What somebody may read: the policies that are asked of people at their schools."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from lms import compliance
from lms.compliance import Obligation, Standing
from lms.db import session
from lms.people import Engagement, Person, is_current
from lms.policies import Policy, PolicyVersion
from lms.schools import Organisation


@dataclass(frozen=True, slots=True)
class Reading:
    """A policy in force at a school, and where the reader stands on it."""

    school: Organisation
    policy: Policy
    version: PolicyVersion
    obligation: Obligation | None
    """None when it is asked of others there, but not of this person."""


def schools_of(person_id: UUID, role_organisations: Collection[UUID]) -> dict[Organisation, list[Engagement]]:
    """Return the schools where somebody is or was engaged, or has a role at or above. One query."""
    hers = sa.and_(
        Engagement.organisation_id == Organisation.id,
        Engagement.person_id == person_id,
        Engagement.recorded_to.is_(None),
    )
    has_role = sa.or_(Organisation.id.in_(role_organisations), Organisation.parent_id.in_(role_organisations))
    rows = session.execute(
        sa.select(Organisation, Engagement)
        .outerjoin(Engagement, hers)
        .where(sa.or_(Engagement.id.is_not(None), has_role))
        .order_by(Organisation.name, Organisation.id)
    )
    found: dict[Organisation, list[Engagement]] = {}
    for school, engagement in rows:
        found.setdefault(school, []).extend([engagement] if engagement else [])
    return found


def readings(person: Person, role_organisations: Collection[UUID], now: datetime) -> list[Reading]:
    """Return the policies that are asked of people at somebody's schools, by school and title. Three queries."""
    schools = schools_of(person.id, role_organisations)
    open_to = {
        school.id: school
        for school, engaged in schools.items()
        if any(is_current(e, now) for e in engaged) or {school.id, school.parent_id} & set(role_organisations)
    }
    items = compliance.items(open_to, now)
    mine = {o.assignment_id: o for _, o in compliance.of_person(person.id, items, Standing.EXPECTED)}
    found: dict[UUID, Reading] = {}
    for item in items:
        obligation = mine.get(item.assignment.id)
        if item.policy.id not in found or found[item.policy.id].obligation is None:
            school = open_to[item.policy.organisation_id]
            found[item.policy.id] = Reading(school, item.policy, item.version, obligation)
    return sorted(found.values(), key=lambda reading: (reading.school.name, reading.policy.title))
