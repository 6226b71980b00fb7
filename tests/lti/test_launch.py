"""Launches that are let in: whoever a platform vouches for, whatever else it leaves out."""

from __future__ import annotations

from flask import Flask

from lms.db import session, transaction
from lms.lti.launch_log import ACCEPTED, Launch
from tests.client import StrictClient
from tests.conftest import Clock
from tests.lti import forger


def test_a_launch_signs_in_whom_the_platform_vouches_for(app: Flask, client: StrictClient, time: Clock) -> None:
    forger.school_with_platform(app)

    response = forger.launch(client)

    assert response.status_code in (200, 303)
    assert forger.signed_in(client) is not None
    with app.app_context(), transaction(write=False):
        assert [line.outcome for line in session.query(Launch)] == [ACCEPTED]
