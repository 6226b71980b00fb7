"""The reception desk in a real browser: what another desk does is seen without anybody pressing anything."""

from __future__ import annotations

import pytest
from flask import Flask

from lms.db import transaction
from lms.people import EngagementType, RoleName
from tests.browser.conftest import PHONE, SignIn
from tests.browser.journey import assert_accessible
from tests.conftest import Clock
from tests.factories import make_assignment, make_person, make_policy, make_school

DESK = "/schools/ysgol-mor/reception"

pytestmark = pytest.mark.usefixtures("time")


@pytest.fixture
def receptionist(app: Flask, time: Clock) -> object:
    """Who sits at the desk of a school that asks agency workers to sign on the day they come."""
    with app.app_context(), transaction():
        school = make_school("Ysgol Môr")
        make_assignment(school, make_policy(school), audience=[EngagementType.AGENCY_WORKER], due_days=0)
        return make_person(school, role=RoleName.RECEPTIONIST).id


def test_a_second_desk_sees_who_arrived_and_keeps_its_place(signed_in: SignIn, receptionist: object) -> None:
    first, second = signed_in(receptionist), signed_in(receptionist, **PHONE)
    first.goto(f"{DESK}/expected")
    first.get_by_label("Who is expected").fill("Maria Santos, Tandem, today\nGrace Okafor, Tandem, today")
    first.get_by_role("button", name="Check these lines").click()
    assert_accessible(first)
    first.get_by_role("button", name="Expect these 2 people").click()
    second.goto(DESK)
    assert_accessible(second)
    second.get_by_role("link", name="Grace Okafor").focus()
    first.get_by_role("link", name="Maria Santos").click()
    assert_accessible(first)
    first.get_by_label("I have seen the agency").check()
    first.get_by_label("Passport").check()
    first.get_by_label("It is the same person").check()
    first.get_by_role("button", name="start on their phone").click()
    assert_accessible(first)
    second.get_by_role("row", name="Maria Santos").get_by_text("Arrived").wait_for(timeout=8000)
    assert second.evaluate("document.activeElement.textContent") == "Grace Okafor"
    assert second.get_by_role("status").inner_text() == "1 expected, 1 arrived, 0 doing, 0 signed, 0 not done"
