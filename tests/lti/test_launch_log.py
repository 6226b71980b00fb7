"""The launch log is kept for a while, and no longer."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from lms.db import session, transaction
from lms.lti import launch_log, logins
from lms.lti.launch_log import KEPT, Launch
from lms.lti.logins import OidcTransaction
from tests.conftest import NOW
from tests.factories import make_school
from tests.lti import forger

pytestmark = pytest.mark.usefixtures("in_app")


def test_launches_are_forgotten_after_three_months_and_not_before() -> None:
    with transaction():
        launch_log.record("unknown_issuer", now=NOW - KEPT - timedelta(seconds=1))
        kept = launch_log.record("unknown_issuer", now=NOW - KEPT + timedelta(seconds=1))
        launch_log.sweep(NOW)
        assert session.scalars(sa.select(Launch.reference)).all() == [kept]


def test_logins_are_forgotten_an_hour_after_they_ran_out() -> None:
    with transaction():
        registration = forger.connect(make_school())
        for age in (timedelta(hours=2), timedelta(minutes=60)):
            logins.begin(registration.id, storage_target=None, now=NOW - age)
        logins.sweep(NOW)
        assert session.scalar(sa.select(sa.func.count()).select_from(OidcTransaction)) == 1
