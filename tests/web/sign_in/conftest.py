"""A school, and the mail server that its links arrive at."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask

from lms.db import transaction
from lms.schools import Organisation
from tests.factories import make_school
from tests.mail_server import MailServer, running


@pytest.fixture
def server() -> Iterator[MailServer]:
    with running() as made:
        yield made


@pytest.fixture
def school(app: Flask) -> Organisation:
    with app.app_context(), transaction():
        return make_school()
