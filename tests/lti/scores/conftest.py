"""A platform that is told of scores, and teachers whom it knows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask

from lms.lti.fetching import Outgoing
from lms.lti.services import Services
from lms.lti.tool_keys import ToolKeys
from tests.conftest import Clock
from tests.lti.grade_book import GradeBook, Made
from tests.lti.stand_in import StandIn


@pytest.fixture
def platform(tool_keys: ToolKeys, time: Clock) -> Iterator[StandIn]:
    with StandIn(tool_keys.published, clock=lambda: time.now) as made:
        yield made


@pytest.fixture
def services(tool_keys: ToolKeys) -> Services:
    return Services(Outgoing(allow_private=True), tool_keys, "https://countersign.test")


@pytest.fixture
def made(app: Flask, time: Clock, services: Services, platform: StandIn) -> Made:
    def make(**values: Any) -> GradeBook:
        return GradeBook(app, time, services, platform, **values)

    return make
