"""A ledger of one school, as it was signed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask

from lms.db import session, transaction
from tests.factories import make_assignment, make_person, make_policy, make_school
from tests.verification.book import SIGNERS, Book, signed_by


@pytest.fixture
def book(app: Flask) -> Iterator[Book]:
    with transaction():
        school, other = make_school(), make_school()
        version = make_policy(school)
        assignment = make_assignment(school, version)
        people = [make_person(school, surname=f"Nair{n}") for n in range(SIGNERS)]
        later = make_policy(school, slug="other", markdown="# Other\n\n## 1. One\n\nWords.\n")
        ids = [
            signed_by(app, person, assignment.id, n, declines=n == SIGNERS - 2)
            for n, person in enumerate(people)
        ]
        made = Book(app, school.id, ids, make_person(school, surname="Else").id, other.id, later.id)
    yield made
    session.remove()
