"""A governor who gets a personal link, and the phone that it is opened on."""

from __future__ import annotations

import pytest
from flask import Flask

from lms.people import EngagementType, Person
from tests.client import StrictClient
from tests.web.office import Office


@pytest.fixture
def sian(office: Office) -> Person:
    return office.add(
        type=EngagementType.GOVERNOR, forename="Siân", surname="Llŷr", email="sian@governors.test"
    )


@pytest.fixture
def phone(app: Flask) -> StrictClient:
    made = app.test_client()
    assert isinstance(made, StrictClient)
    return made
