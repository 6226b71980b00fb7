"""A school whose people learn on a platform, and another such school."""

from __future__ import annotations

from copy import copy

import pytest
from flask import Flask

from tests.factories import make_school
from tests.web.learning_platform.moodle import Platform
from tests.web.office import Office


@pytest.fixture
def platform(office: Office) -> Platform:
    return Platform(office)


@pytest.fixture
def elsewhere(app: Flask, office: Office) -> Platform:
    """The platform of another school."""
    other = copy(office)
    other.school = office.do(make_school)
    return Platform(other)
