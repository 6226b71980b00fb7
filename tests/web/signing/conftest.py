"""A policy to sign without modules."""

from __future__ import annotations

import pytest
from flask import Flask

from lms.db import transaction
from tests.conftest import Clock
from tests.learners import Classroom


@pytest.fixture
def classroom(app: Flask, time: Clock) -> Classroom:
    """A school that asks its adults to read and sign the model policy, without modules."""
    with app.app_context(), transaction():
        return Classroom(modules=[])
