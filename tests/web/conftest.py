"""A school with the model policy and a teacher who has to do it."""

from __future__ import annotations

import pytest
from flask import Flask

from lms.db import transaction
from tests.client import StrictClient
from tests.conftest import Clock
from tests.learners import Classroom
from tests.web.office import Office


@pytest.fixture
def classroom(app: Flask, time: Clock) -> Classroom:
    """The real programme, on a Monday in term."""
    with app.app_context(), transaction():
        return Classroom()


@pytest.fixture
def learner(client: StrictClient, classroom: Classroom) -> StrictClient:
    """Her browser, signed in."""
    client.sign_in_as(classroom.person.id)
    return client


@pytest.fixture
def office(app: Flask, time: Clock) -> Office:
    """A school with one policy for everyone, and somebody in HR."""
    return Office(app)


@pytest.fixture
def hr(client: StrictClient, office: Office) -> StrictClient:
    """HR's browser, signed in."""
    client.sign_in_as(office.hr.id)
    return client
