"""What a learner's pages ask of the database and of the content, in a small school and in a large one."""

from __future__ import annotations

import tempfile
from datetime import date
from pathlib import Path
from uuid import uuid4

import sqlalchemy as sa
from flask import Flask

from app import create_app
from lms import migration
from lms.config import Settings
from lms.db import db, session, transaction
from lms.people import Engagement, EngagementType, Person
from lms.scenarios import parse_module
from lms.schools import Organisation
from tests.benchmarks.figure import Figure
from tests.client import StrictClient
from tests.counting import queries
from tests.factories import BEFORE
from tests.learners import Classroom
from tests.web.practice import begin, choose

ADULTS = 10_000
PAGES = 100


def run() -> list[Figure]:
    """Return the queries of the busiest page, how many more a large school takes, and modules parsed again."""
    with tempfile.TemporaryDirectory() as folder:
        app = create_app(Settings(data_dir=Path(folder) / "data"))
        app.testing, app.test_client_class = True, StrictClient
        try:
            return _figures(app)
        finally:
            with app.app_context():
                db.engine.dispose()


def _figures(app: Flask) -> list[Figure]:
    with app.app_context():
        migration.upgrade()
        with transaction():
            classroom = Classroom()
    learner = app.test_client()
    assert isinstance(learner, StrictClient)
    learner.sign_in_as(classroom.person.id)
    addresses = _addresses(learner, classroom)
    few = [queries(app, learner, address) for address in addresses]
    with app.app_context(), transaction():
        _fill(classroom.school)
    many = [queries(app, learner, address) for address in addresses]
    parsed = parse_module.cache_info().misses
    for address in addresses * (PAGES // len(addresses) + 1):
        learner.get(address)
    return [
        Figure("learner's busiest page", max(many), 6, "queries"),
        Figure(
            f"more of them with {ADULTS:,} adults",
            max(m - f for m, f in zip(many, few, strict=True)),
            0,
            "queries",
        ),
        Figure(
            f"modules parsed for {PAGES} more pages", parse_module.cache_info().misses - parsed, 0, "modules"
        ),
    ]


def _addresses(learner: StrictClient, classroom: Classroom) -> list[str]:
    question = begin(learner, classroom)
    choose(learner, "best")
    module = f"/modules/friend-request?assignment={classroom.assignment.id}"
    return ["/", "/policies", "/policies/social-media", "/receipts", module, question, question[:-1] + "2"]


def _fill(school: Organisation) -> None:
    people = [
        {
            "id": uuid4(),
            "root_id": school.root_id,
            "surname": f"Adult {n}",
            "forename": "A",
            "sort_name": f"adult {n}",
        }
        for n in range(ADULTS)
    ]
    session.execute(sa.insert(Person), people)
    engaged = {"organisation_id": school.id, "type": EngagementType.TEACHER, "starts": date(2026, 9, 1)}
    session.execute(
        sa.insert(Engagement),
        [{**engaged, "id": uuid4(), "person_id": p["id"], "recorded_from": BEFORE} for p in people],
    )
