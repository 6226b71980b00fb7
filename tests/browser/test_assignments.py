"""Assigning and withdrawing a policy, in a real browser, at a desk, on a phone and without JavaScript."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Page

from lms.db import transaction
from lms.people import EngagementType, Person, RoleName
from tests.browser.conftest import DESK, PHONE, SignIn
from tests.browser.journey import Finger, Hand, Keyboard, assert_accessible, button, heading
from tests.conftest import Clock
from tests.factories import make_person, make_policy, make_school
from tests.learners import publish_model

LIST = "/schools/ysgol-mor/records/assignments"


@pytest.fixture
def hr(app: Flask, time: Clock) -> Person:
    with app.app_context(), transaction():
        school = make_school("Ysgol Môr")
        publish_model(school)
        make_policy(school, slug="conduct", markdown="# Code of conduct\n\n## 1. Be kind\n\nAlways.\n")
        make_person(school)
        make_person(school, EngagementType.GOVERNOR)
        return make_person(school, EngagementType.SUPPORT_STAFF, role=RoleName.HR)


def tick(page: Page, words: str) -> None:
    page.get_by_label(words, exact=False).first.check()


@pytest.mark.parametrize(
    ("options", "hand"),
    [
        (DESK, Keyboard()),
        (PHONE, Finger()),
        ({**PHONE, "java_script_enabled": False}, Finger()),
    ],
    ids=["keyboard", "phone", "no-javascript"],
)
def test_hr_assigns_a_policy_and_withdraws_it(
    signed_in: SignIn, hr: Person, options: dict[str, Any], hand: Hand
) -> None:
    page, look = signed_in(hr.id, **options), options.get("java_script_enabled", True)

    def see(words: str) -> None:
        assert heading(page) == words
        if look:
            assert_accessible(page)

    page.goto(LIST)
    see("Assignments")
    hand.press(button(page, "Assign a policy"))
    see("Assign a policy")
    hand.press(button(page, "Check before you assign"))
    see("Assign a policy")
    assert page.title().startswith("Error:")
    assert page.locator(".govuk-error-summary__list li").count() == 2
    page.get_by_label("Policy").select_option(index=1)
    tick(page, "Teacher")
    tick(page, "Governor")
    page.get_by_label("On a date").check()
    for label, value in {"Day": "5", "Month": "10", "Year": "2026"}.items():
        page.get_by_label(label, exact=True).fill(value)
    if look:
        assert_accessible(page)
    hand.press(button(page, "Check before you assign"))
    see("Check before you assign")
    assert "2 adults" in page.locator("main").inner_text()
    hand.press(button(page, "Change"))
    assert page.get_by_label("Year", exact=True).input_value() == "2026"
    hand.press(button(page, "Check before you assign"))
    hand.press(button(page, "Assign"))
    see("Assignments")
    assert "5 October 2026" in page.locator("main").inner_text()
    hand.press(page.locator("main").get_by_role("link", name="Withdraw"))
    see("Withdraw this assignment?")
    hand.press(button(page, "Withdraw"))
    see("Assignments")
    assert "withdrawn on" in page.locator("main").inner_text()
