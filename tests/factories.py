"""Tiny factories: a test says only what it is about."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from lms import policies, training
from lms.db import session
from lms.people import Engagement, EngagementType, Person, RoleName, add_person, engage, give_role
from lms.policies import PolicyVersion
from lms.schools import Organisation, add_school
from tests.conftest import NOW

_numbers = itertools.count(1)
POLICY = "# Social media policy\n\n## 1. Introduction\n\n**1.1** Think before you post, at [[school]].\n"
BEFORE = NOW - timedelta(days=30)


def make_school(name: str | None = None) -> Organisation:
    """Add a school of its own tree."""
    name = name or f"Ysgol Môr {next(_numbers)}"
    school = add_school(name, host="countersign.test")
    school.contacts = {"safeguarding_lead": "Siân Pritchard", "data_protection_officer": "Ada Okafor"}
    return school


def make_person(
    school: Organisation,
    type: EngagementType = EngagementType.TEACHER,
    *,
    forename: str = "Priya",
    surname: str = "Nair",
    known_as: str | None = None,
    email: str | None = "",
    starts: date = date(2026, 9, 1),
    ends: date | None = None,
    now: datetime = BEFORE,
    role: RoleName | None = None,
    department: str | None = None,
    manager: Person | None = None,
) -> Person:
    """Add an adult engaged at a school; an address of her own unless one is given."""
    address = f"person{next(_numbers)}@school.test" if email == "" else email
    person = add_person(school.root_id, forename=forename, surname=surname, known_as=known_as, email=address)
    engage(
        person,
        school.id,
        type,
        starts=starts,
        ends=ends,
        now=now,
        department=department,
        manager_id=manager.id if manager else None,
    )
    if role:
        give_role(person, school.id, role)
    return person


def engagement_of(person: Person) -> Engagement:
    """Return the person's current engagement."""
    found = session.query(Engagement).filter_by(person_id=person.id, recorded_to=None).first()
    assert found is not None
    return found


def make_policy(
    school: Organisation,
    *,
    slug: str = "social-media",
    markdown: str = POLICY,
    label: str = "1",
    now: datetime = BEFORE,
) -> PolicyVersion:
    """Publish a version of a policy."""
    return policies.publish(
        school, slug=slug, title="Social media policy", label=label, markdown=markdown, now=now, is_model=True
    )


def make_assignment(
    school: Organisation,
    version: PolicyVersion,
    *,
    modules: list[str] | None = None,
    audience: list[EngagementType] | None = None,
    now: datetime = BEFORE,
    due_days: int | None = 14,
    due_on: date | None = None,
    months: int | None = 12,
    least_days: int | None = None,
) -> training.Assignment:
    """Put every engagement type (or some) under an obligation; a policy alone unless modules are named."""
    return training.assign(
        school.id,
        version.policy_id,
        modules=modules or [],
        audience=audience or list(EngagementType),
        now=now,
        assigned_on=now.date(),
        due_days=None if due_on else due_days,
        due_on=due_on,
        months=months,
        least_days=least_days,
    )


@dataclass
class World:
    """A school with one teacher, one policy and one assignment: what most tests begin with."""

    school: Organisation = field(default_factory=make_school)

    def __post_init__(self) -> None:
        self.version = make_policy(self.school)
        self.assignment = make_assignment(self.school, self.version)
        self.person = make_person(self.school)
        session.commit()
