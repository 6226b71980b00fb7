"""A school with the model policy and a teacher who has to do it."""

from __future__ import annotations

import pytest
from flask import Flask

from lms.db import transaction
from tests.client import StrictClient
from tests.conftest import Clock
from tests.learners import Classroom


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
