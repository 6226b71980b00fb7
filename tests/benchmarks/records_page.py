"""HR's records page in a school of 10,000 adults, against the same page in a school of 100."""

from __future__ import annotations

import gc
import tempfile
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from time import perf_counter
from uuid import UUID, uuid4

import sqlalchemy as sa
from flask import Flask

from app import create_app
from lms import clock, migration
from lms.attestations import Attestation, IdentityAssurance, Kind
from lms.config import Settings
from lms.db import db, session, transaction
from lms.people import Engagement, EngagementType, Person, RoleName, give_role
from tests.benchmarks.figure import Figure
from tests.client import StrictClient
from tests.factories import BEFORE
from tests.learners import Classroom
from tests.web.practice import queries

FEW, MANY = 100, 10_000
TRIES = 15
TYPES = list(EngagementType)


@dataclass
class Measured:
    """The page in one school."""

    queries: int
    seconds: float


def run() -> list[Figure]:
    """Return the queries of the page in the large school, and its time as a multiple of the small one's."""
    few, many = _measure(FEW), _measure(MANY)
    return [
        Figure(f"records page, {MANY:,} adults", many.queries, 8, "queries"),
        Figure("records page, time", many.seconds / few.seconds, 5.0, f"× that with {FEW} adults"),
    ]


def _measure(adults: int) -> Measured:
    with tempfile.TemporaryDirectory() as folder:
        app = create_app(Settings(data_dir=Path(folder) / "data"))
        app.testing = True
        try:
            return _page(app, adults)
        finally:
            with app.app_context():
                db.engine.dispose()


def _page(app: Flask, adults: int) -> Measured:
    with app.app_context():
        migration.upgrade()
        with transaction():
            classroom = Classroom()
            give_role(classroom.person, classroom.school.id, RoleName.HR)
            _fill(classroom, adults)
    app.test_client_class = StrictClient
    client = app.test_client()
    assert isinstance(client, StrictClient)
    client.sign_in_as(classroom.person.id)
    address = f"/schools/{classroom.school.slug}/records"
    counted = queries(app, client, address)
    return Measured(counted, min(_timed(client, address) for _ in range(TRIES)))


def _timed(client: StrictClient, address: str) -> float:
    gc.collect()
    started = perf_counter()
    # Not through the strict client's own `open`: checking a page takes longer than making it.
    response = super(StrictClient, client).open(address)
    assert response.status_code == 200
    return perf_counter() - started


def _fill(classroom: Classroom, adults: int) -> None:
    """Add adults of every engagement type; seven in ten have signed."""
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
    signed = [_signed(classroom, p) for n, p in enumerate(people) if n % 10 < 7]
    session.execute(sa.insert(Attestation), signed)


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


def _signed(classroom: Classroom, person_id: UUID) -> dict[str, object]:
    return {
        "id": uuid4(),
        "organisation_id": classroom.school.id,
        "person_id": person_id,
        "assignment_id": classroom.assignment.id,
        "policy_version_id": classroom.version.id,
        "kind": Kind.SIGNED,
        "cycle": 0,
        "identity_assurance": IdentityAssurance.WORK_EMAIL,
        "recorded_at": clock.now() - timedelta(days=1),
        "record": b"{}",
    }
