"""HR's journey in a real browser: from the figures to one person, and a workbook that other programs open."""

from __future__ import annotations

import shutil
import subprocess
from datetime import timedelta
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from flask import Flask
from playwright.sync_api import Locator, Page

from lms import help_requests, training
from lms.db import transaction
from lms.help_requests import HelpKind
from lms.people import EngagementType, Person, RoleName
from lms.standings import PAGE_SIZE
from tests.browser.conftest import DESK, PHONE, SignIn
from tests.browser.journey import Finger, Hand, Keyboard, Mouse, assert_accessible, button, heading
from tests.conftest import NOW, Clock
from tests.factories import make_assignment, make_person, make_policy, make_school
from tests.signers import decline, sign

RECORDS = "/schools/ysgol-mor/records"
WAYS = pytest.mark.parametrize(
    ("options", "hand"),
    [
        (DESK, Keyboard()),
        (PHONE, Finger()),
        ({**PHONE, "java_script_enabled": False}, Finger()),
    ],
    ids=["keyboard", "phone", "no-javascript"],
)


@pytest.fixture
def hr(app: Flask, time: Clock) -> Person:
    """Somebody in HR at a school where a few have signed, one has declined and one has asked."""
    with app.app_context(), transaction():
        school = make_school("Ysgol Môr")
        assignment = make_assignment(school, make_policy(school), due_days=3)
        for n in range(PAGE_SIZE):
            make_person(school, forename=f"Teacher{n}", surname="Jones", department="Maths")
        sian = make_person(
            school, EngagementType.GOVERNOR, forename="Siân", surname="Adams", department="Board"
        )
        sign(app, school, sian)
        samuel = make_person(school, forename="Samuel", surname="Baker", department="Art")
        decline(app, school, samuel, reason="My union is discussing it.")
        help_requests.ask(school, samuel.id, assignment.id, HelpKind.QUESTION, "Do I remove her?", NOW)
        excused = make_person(school, forename="Mair", surname="Cole", department="Art")
        training.exempt(assignment, excused.id, reason="On leave", until=None, now=NOW)
        return make_person(
            school, EngagementType.SUPPORT_STAFF, forename="Meera", surname="Zane", role=RoleName.HR
        )


def link(page: Page, words: str, within: str = "main") -> Locator:
    return page.locator(within).get_by_role("link", name=words).first


def names(page: Page) -> list[str]:
    return page.locator("table[role=table] tbody th").all_inner_texts()


def see(page: Page, words: str, options: dict[str, Any]) -> None:
    assert heading(page) == words
    if options.get("java_script_enabled", True):
        assert_accessible(page)


@WAYS
def test_hr_goes_from_the_figures_to_one_person_and_back(
    signed_in: SignIn, hr: Person, options: dict[str, Any], hand: Hand
) -> None:
    page = signed_in(hr.id, **options)
    page.goto(RECORDS)
    see(page, "Staff records", options)
    assert len(names(page)) == PAGE_SIZE
    hand.press(link(page, "1 declined"))
    assert names(page) == ["Samuel Baker"]
    hand.press(link(page, "Clear"))
    page.get_by_label("Name", exact=True).fill("sian")
    hand.press(button(page, "Filter"))
    assert names(page) == ["Siân Adams"]
    see(page, "Staff records", options)
    hand.press(page.locator("table[role=table]").get_by_role("link", name="Siân Adams"))
    see(page, "Siân Adams", options)
    assert "7 September 2026, 9:30am" in page.locator("main").inner_text()
    hand.press(link(page, "Staff records", within="nav[aria-label=Back]"))
    hand.press(button(page, "Dealt with"))
    see(page, "Staff records", options)
    assert "Asked for help" not in page.locator("main").inner_text()


@WAYS
def test_hr_says_that_something_is_not_required(
    signed_in: SignIn, hr: Person, options: dict[str, Any], hand: Hand
) -> None:
    page = signed_in(hr.id, **options)
    page.goto(f"{RECORDS}?name=samuel")
    hand.press(page.locator("table[role=table]").get_by_role("link", name="Samuel Baker"))
    see(page, "Samuel Baker", options)
    hand.press(link(page, "Say it is not required"))
    hand.press(button(page, "Save"))
    assert page.title().startswith("Error:")
    see(page, "Say that Social media policy is not required of Samuel Baker", options)
    page.get_by_label("Why is it not required?").fill("On leave")
    page.get_by_label("For good").check()
    hand.press(button(page, "Save"))
    see(page, "Samuel Baker", options)
    assert "Not required" in page.locator("table[role=table]").inner_text()


@pytest.mark.parametrize("options", [DESK, PHONE], ids=["desk", "phone"])
def test_every_state_is_accessible(signed_in: SignIn, hr: Person, options: dict[str, Any]) -> None:
    page = signed_in(hr.id, **options)
    for where in (
        "?name=nobody",
        "?as_at=2026-09-01",
        "?as_at=2026-01-01",
        "?as_at=31&as_at=2&as_at=2026",
        "?sort=-due&page=2",
    ):
        page.goto(RECORDS + where)
        see(page, "Staff records", options)
    page.goto(f"{RECORDS}/exports")
    see(page, "Export", options)


@pytest.mark.parametrize("options", [DESK, PHONE], ids=["desk", "phone"])
def test_a_managers_page_is_accessible_and_says_only_done_or_not(
    app: Flask, signed_in: SignIn, hr: Person, options: dict[str, Any]
) -> None:
    with app.app_context(), transaction():
        school = make_school("Ysgol Fach")
        make_assignment(school, make_policy(school))
        manager = make_person(school, role=RoleName.MANAGER)
        make_person(school, forename="Ada", surname="Adams", manager=manager)
    page = signed_in(manager.id, **options)
    page.goto("/schools/ysgol-fach/records")
    see(page, "Your team", options)
    assert names(page) == ["Ada Adams"]


def test_headings_that_sort_can_be_seen_when_they_are_tabbed_to_on_a_phone(
    signed_in: SignIn, hr: Person
) -> None:
    page = signed_in(hr.id, **PHONE)
    page.goto(RECORDS)
    heading_link = page.locator("thead").get_by_role("link", name="Due")
    heading_link.focus()
    box = heading_link.bounding_box()
    assert box is not None
    assert box["height"] >= 24
    assert box["width"] > 20


@pytest.mark.parametrize(
    ("options", "hand"), [(DESK, Keyboard()), ({**PHONE, "java_script_enabled": False}, Finger())]
)
def test_the_workbook_is_downloaded_and_other_programs_open_it(
    signed_in: SignIn, hr: Person, options: dict[str, Any], hand: Hand, tmp_path: Path
) -> None:
    page = signed_in(hr.id, **options)
    page.goto(RECORDS)
    hand.press(link(page, "Choose what to export"))
    see(page, "Export", options)
    with page.expect_download() as download:
        button(page, "Make the file").click()
    assert download.value.suggested_filename == "training-record-ysgol-mor-2026-09-07.xlsx"
    path = tmp_path / download.value.suggested_filename
    download.value.save_as(path)
    book = openpyxl.load_workbook(path)
    assert book.sheetnames == ["Summary", "Action needed", "Record", "Leavers", "About"]
    record = list(book["Record"].iter_rows(min_row=2, values_only=True))
    assert len(record) == PAGE_SIZE + 4
    assert record[0][1:3] == ("Adams", "Siân")
    assert reopened(path)["Record"].max_row == len(record) + 1


def reopened(path: Path) -> openpyxl.Workbook:
    """Return a workbook as LibreOffice reads and writes it."""
    soffice = shutil.which("soffice")
    if soffice is None:
        pytest.skip("LibreOffice (soffice) is not installed here")
    profile = f"-env:UserInstallation={(path.parent / 'profile').as_uri()}"
    command = [soffice, profile, "--headless", "--convert-to", "xlsx", "--outdir", "out", path.name]
    subprocess.run(command, cwd=path.parent, check=True, capture_output=True, timeout=180)
    return openpyxl.load_workbook(path.parent / "out" / path.name)


def test_an_earlier_day_is_asked_for_and_said(signed_in: SignIn, hr: Person, time: Clock) -> None:
    time.now = NOW + timedelta(days=3)
    page = signed_in(hr.id)
    page.goto(RECORDS)
    page.get_by_text("See an earlier day").click()
    for label, value in {"Day": "6", "Month": "9", "Year": "2026"}.items():
        page.get_by_label(label, exact=True).fill(value)
    Mouse().press(button(page, "Show that day"))
    assert "As was recorded by the end of 6 September 2026" in page.locator("main").inner_text()
    assert "0\nSigned" in page.locator(".app-tiles").inner_text()
