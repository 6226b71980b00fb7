"""A school, and the mail server that its links arrive at."""

from __future__ import annotations

import pytest
from flask import Flask

from lms.db import transaction
from lms.schools import Organisation
from tests.factories import make_school


@pytest.fixture
def school(app: Flask) -> Organisation:
    with app.app_context(), transaction():
        return make_school()
