"""Bringing a staff list in, in a real browser, at a desk and on a phone without JavaScript."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Page

from lms.db import transaction
from lms.people import EngagementType, Person, RoleName
from tests.browser.conftest import DESK, PHONE, SignIn
from tests.browser.journey import assert_accessible, button, heading
from tests.conftest import Clock
from tests.factories import make_person, make_school
from tests.rosters.making import SMALL_LIST, csv_of


@pytest.fixture
def hr(app: Flask, time: Clock) -> Person:
    with app.app_context(), transaction():
        school = make_school("Ysgol Môr")
        make_person(school, forename="Jane", surname="Smith", email="jane@school.test", department="Maths")
        make_person(school, forename="Tom", surname="Gone", email=None)
        make_person(school, forename="Sam", surname="Left", starts=date(2025, 1, 1), ends=date(2026, 8, 31))
        make_person(school, EngagementType.GOVERNOR, forename="Gov", surname="Ernor", email=None)
        make_person(school, forename="Jon", surname="Ng", email="ng@school.test")
        return make_person(school, EngagementType.SUPPORT_STAFF, role=RoleName.HR)


@pytest.mark.parametrize(
    "options", [DESK, {**PHONE, "java_script_enabled": False}], ids=["desk", "phone-no-javascript"]
)
def test_hr_brings_a_staff_list_in_and_undoes_it(
    signed_in: SignIn, hr: Person, options: dict[str, Any]
) -> None:
    page, has_script = signed_in(hr.id, **options), options.get("java_script_enabled", True)

    def see(words: str) -> None:
        assert heading(page) == words
        if has_script:
            _look_at_both_widths(page)

    page.goto("/schools/ysgol-mor/records/import")
    see("Bring in a staff list")
    button(page, "Upload").click()
    see("Bring in a staff list")
    assert page.title().startswith("Error:")
    page.get_by_label("Staff list").set_input_files(
        {"name": "staff.csv", "mimeType": "text/csv", "buffer": csv_of(SMALL_LIST)}
    )
    button(page, "Upload").click()
    see("Check the columns")
    page.get_by_label("Wizard", exact=True).select_option("volunteer")
    button(page, "See what would change").click()
    see("Check before anything changes")
    page.get_by_label("The same person: Jon Ng").check()
    page.get_by_label("Tom Gone").check()
    page.get_by_label("Sam Left").check()
    button(page, "Apply").click()
    see("The staff list is in")
    button(page, "Undo this import").click()
    see("The import is undone")


def _look_at_both_widths(page: Page) -> None:
    assert_accessible(page)
    wide = page.viewport_size
    assert wide is not None
    page.set_viewport_size({"width": 320, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    assert_accessible(page)
    page.set_viewport_size(wide)
