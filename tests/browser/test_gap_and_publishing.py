"""HR's desk in a real browser: another list held beside the record, a change looked at, a policy published."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Page

from lms.db import transaction
from lms.people import EngagementType, Person, RoleName
from tests.browser.conftest import DESK, SignIn
from tests.browser.journey import assert_accessible, button, heading
from tests.conftest import Clock
from tests.factories import POLICY, make_assignment, make_person, make_policy, make_school
from tests.signers import sign

RECORDS = "/schools/ysgol-mor/records"
PICTURES = os.environ.get("PICTURES")


@pytest.fixture
def hr(app: Flask, time: Clock) -> Person:
    """Somebody in HR at a school where one has signed, and a volunteer is asked for nothing."""
    with app.app_context(), transaction():
        school = make_school("Ysgol Môr")
        make_assignment(school, make_policy(school), audience=[EngagementType.TEACHER], due_days=3)
        sian = make_person(school, forename="Siân", surname="Pritchard", department="Maths")
        sign(app, school, sian)
        for n in range(30):
            make_person(school, forename=f"Teacher{n}", surname="Jones", department="Art & design")
        make_person(school, EngagementType.VOLUNTEER, forename="Priya", surname="Nair")
        return make_person(school, forename="Meera", surname="Zane", role=RoleName.HR)


@pytest.mark.parametrize(
    "options", [DESK, {"viewport": {"width": 320, "height": 640}}], ids=["desk", "narrow"]
)
def test_hr_finds_the_gap_changes_who_must_sign_and_publishes_a_version(
    signed_in: SignIn, hr: Person, options: dict[str, Any], tmp_path: Path
) -> None:
    page = signed_in(hr.id, **options)

    def see(words: str, picture: str) -> None:
        assert heading(page) == words
        assert_accessible(page)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "nothing is cut off"
        if PICTURES:
            width = options["viewport"]["width"]
            page.screenshot(path=f"{PICTURES}/{picture}-{width}.png", full_page=True)

    page.goto(RECORDS)
    link(page, "Compare with another list").click()
    see("Compare with another list", "compare")
    button(page, "Compare").click()
    see("Compare with another list", "compare-error")
    page.get_by_label("Paste the list").fill("Pritchard, Sian\nZebedee Quillfeather\t77\nPriya Nayr\n")
    button(page, "Compare").click()
    see("What differs", "compared")
    with page.expect_download() as download:
        button(page, "Download as a workbook").click()
    assert download.value.suggested_filename == "gap-ysgol-mor-2026-09-07.xlsx"

    page.goto(f"{RECORDS}?department=Art+%26+design")
    link(page, "not required of these people").click()
    see("Say that Social media policy is not required of several people", "exempt-many")
    page.get_by_label("Why is it not required?").fill("On a long trip")
    button(page, "Save").click()
    see("Say that Social media policy is not required of several people", "exempt-many-error")
    page.get_by_label("For good").check()
    button(page, "Save").click()
    assert "30 people are not required to sign." in page.locator("main").inner_text()

    page.goto(f"{RECORDS}/assignments")
    see("Assignments", "assignments")
    page.locator("main").get_by_role("link", name="Change").click()
    see("Change who must sign Social media policy", "change")
    page.get_by_label("Volunteer").check()
    page.get_by_label("Maths").check()
    button(page, "Check before you change it").click()
    see("Check before you change it", "change-check")
    page.goto(f"{RECORDS}/assignments/new")
    see("Assign a policy", "assign")
    page.get_by_label("Teacher", exact=True).check()
    button(page, "Check before you assign").click()
    see("Check before you assign", "assign-check")
    button(page, "More names").click()
    see("Check before you assign", "assign-check-2")

    page.goto(f"{RECORDS}/policies")
    see("Policies of the school", "policies")
    link(page, "Publish a new version").click()
    see("Publish a policy", "publish")
    text = tmp_path / "policy.md"
    text.write_text(POLICY + "\n**1.2** Never post a pupil's name.\n")
    page.get_by_label("Its text").set_input_files(text)
    page.get_by_label("Yes, by a day").check()
    for label, value in {"Day": "31", "Month": "10", "Year": "2026"}.items():
        page.get_by_label(label, exact=True).fill(value)
    button(page, "Check before you publish").click()
    see("Check before you publish", "publish-check")
    button(page, "Publish").click()
    see("Policies of the school", "published")
    assert "sign again by 31 October 2026" in page.locator("main").inner_text()


def link(page: Page, words: str) -> Any:
    return page.locator("main").get_by_role("link", name=words).first
