"""A school that has invited a platform, and the platform."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask

from lms.config import Settings
from lms.db import transaction
from lms.schools import Organisation
from tests.conftest import Clock
from tests.factories import make_school
from tests.lti.registering.steps import invite
from tests.lti.stand_in import StandIn


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Settings of a trial: the stand-in is on loopback, over http."""
    return settings.model_copy(update={"lti_allow_private_hosts": True})


@pytest.fixture
def platform(app: Flask, time: Clock) -> Iterator[StandIn]:
    with StandIn(app.config["LTI_KEYS"].published, clock=lambda: time.now) as made:
        yield made


@pytest.fixture
def school(app: Flask) -> Organisation:
    with app.app_context(), transaction():
        return make_school("Ysgol Môr")


@pytest.fixture
def secret(app: Flask, school: Organisation, time: Clock) -> str:
    return invite(app, school)
