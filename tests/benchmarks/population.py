"""A large school: adults of every engagement type, things to sign, and seven signatures in ten."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID, uuid4

import sqlalchemy as sa
from flask import Flask

from app import create_app
from lms import clock, migration
from lms.attestations import Attestation, IdentityAssurance, Kind
from lms.config import Settings
from lms.db import db, session, transaction
from lms.people import Engagement, EngagementType, Person, RoleName, give_role
from lms.training import Assignment
from tests.factories import BEFORE, make_assignment, make_policy
from tests.learners import Classroom

TYPES = list(EngagementType)


@contextmanager
def large_school(adults: int, items: int = 1) -> Iterator[tuple[Flask, Classroom]]:
    """Give an app on a fresh SQLite file with so many adults and things to sign; its teacher is HR too."""
    with TemporaryDirectory() as folder:
        app = create_app(Settings(data_dir=Path(folder) / "data"))
        with app.app_context():
            migration.upgrade()
            with transaction():
                classroom = Classroom()
                give_role(classroom.person, classroom.school.id, RoleName.HR)
                _fill(classroom, adults, items)
        try:
            yield app, classroom
        finally:
            with app.app_context():
                db.engine.dispose()


def _fill(classroom: Classroom, adults: int, items: int) -> None:
    people = [uuid4() for _ in range(adults)]
    root_id = classroom.school.root_id
    session.execute(
        sa.insert(Person),
        [
            {"id": p, "root_id": root_id, "surname": f"Adult {n}", "forename": "A", "sort_name": f"adult {n}"}
            for n, p in enumerate(people)
        ],
    )
    session.execute(sa.insert(Engagement), [_engaged(classroom, n, p) for n, p in enumerate(people)])
    for assignment in [classroom.assignment, *_more(classroom, items - 1)]:
        signed = [_signed(classroom, assignment, p) for n, p in enumerate(people) if n % 10 < 7]
        session.execute(sa.insert(Attestation), signed)


def _more(classroom: Classroom, count: int) -> list[Assignment]:
    versions = [make_policy(classroom.school, slug=f"policy-{n}") for n in range(count)]
    return [make_assignment(classroom.school, version) for version in versions]


def _engaged(classroom: Classroom, number: int, person_id: UUID) -> dict[str, object]:
    return {
        "id": uuid4(),
        "organisation_id": classroom.school.id,
        "person_id": person_id,
        "type": TYPES[number % len(TYPES)],
        "department": f"Department {number % 12}",
        "starts": date(2026, 9, 1),
        "recorded_from": BEFORE,
    }


def _signed(classroom: Classroom, assignment: Assignment, person_id: UUID) -> dict[str, object]:
    return {
        "id": uuid4(),
        "organisation_id": classroom.school.id,
        "person_id": person_id,
        "assignment_id": assignment.id,
        "policy_version_id": classroom.version.id,
        "kind": Kind.SIGNED,
        "cycle": 0,
        "identity_assurance": IdentityAssurance.WORK_EMAIL,
        "recorded_at": clock.now() - timedelta(days=1),
        "record": b"{}",
    }
