"""Reminders in a real browser: every page of them at a desk and on a phone, held to the rules of accessibility."""

from __future__ import annotations

from datetime import date

import pytest
from flask import Flask
from playwright.sync_api import Page

from lms.db import transaction
from lms.people import Person, RoleName
from lms.reminder_settings import enter_days
from lms.school_days import Days, DaysKind
from tests.browser.conftest import SignIn
from tests.browser.journey import assert_accessible_on_any_screen, button, heading
from tests.conftest import Clock
from tests.factories import make_assignment, make_person, make_policy, make_school

REMINDERS = "/schools/ysgol-mor/records/reminders"
CALENDAR = (
    b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nUID:1\r\nSUMMARY:Autumn half-term holiday\r\n"
    b"DTSTART;VALUE=DATE:20261026\r\nDTEND;VALUE=DATE:20261031\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
)


@pytest.fixture
def hr(app: Flask, time: Clock) -> Person:
    with app.app_context(), transaction():
        school = make_school("Ysgol Môr")
        make_assignment(school, make_policy(school), due_days=3)
        make_person(school, forename="Tomos", surname="Hughes", email=None)
        make_person(school, forename="Priya", surname="Nair", email="priya.nair@ysgol-mor.school.test")
        enter_days(school.id, [Days(DaysKind.TERM, date(2026, 9, 1), date(2026, 12, 18), "Autumn term")])
        return make_person(school, forename="Meera", surname="Zane", role=RoleName.HR)


def test_hr_goes_through_every_page_of_reminders(signed_in: SignIn, hr: Person) -> None:
    page: Page = signed_in(hr.id)

    def see(words: str) -> None:
        assert heading(page) == words
        assert_accessible_on_any_screen(page)

    page.goto(f"{REMINDERS}/settings")
    see("Who is reminded")
    page.get_by_label("Remind people by e-mail").check()
    page.get_by_label("The head’s e-mail address").fill("nobody")
    button(page, "Save").click()
    see("Who is reminded")
    page.get_by_label("The head’s e-mail address").fill("head@ysgol-mor.school.test")
    button(page, "Save").click()
    see("Reminders")
    page.goto("/schools/ysgol-mor/records?status=overdue")
    page.get_by_role("link", name="Remind these 3 now").click()
    see("Remind 2 people now")
    button(page, "Send 2 reminders").click()
    see("Reminders sent by hand")
    button(page, "Take back those that wait").click()
    see("Reminders sent by hand")
    assert "2 taken back." in page.locator("main").inner_text()
    page.get_by_role("link", name="See what became of each").click()
    see("Reminders")
    page.get_by_role("link", name="Change the days for").click()
    see("When to remind people of Social media policy")
    page.goto(f"{REMINDERS}/texts/escalation")
    see("Letter to the head")
    page.get_by_label("Subject").fill("For {nobody}")
    button(page, "Save").click()
    see("Letter to the head")
    page.goto(f"{REMINDERS}/now")
    see("Remind 2 people now")
    page.goto(f"{REMINDERS}/terms")
    see("Term dates and closed days")
    page.get_by_label("Choose a calendar file").set_input_files(
        {"name": "terms.ics", "mimeType": "text/calendar", "buffer": CALENDAR}
    )
    button(page, "Read it").click()
    see("What is in the file")
    button(page, "Enter these").click()
    see("Term dates and closed days")
