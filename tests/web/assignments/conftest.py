"""An HR officer at her school."""

from __future__ import annotations

import pytest
from flask import Flask

from lms.db import transaction
from lms.people import EngagementType, RoleName
from tests.client import StrictClient
from tests.factories import make_person, make_policy, make_school
from tests.web.assignments.office import Office


@pytest.fixture
def office(app: Flask, client: StrictClient) -> Office:
    with app.app_context(), transaction():
        school = make_school("Ysgol Môr")
        version = make_policy(school)
        make_person(school)
        make_person(school)
        make_person(school, EngagementType.GOVERNOR)
        hr = make_person(school, EngagementType.SUPPORT_STAFF, role=RoleName.HR)
        made = Office(school, version.policy_id, hr)
    client.sign_in_as(made.hr.id)
    return made
