"""A morning in real browsers: a desk and a phone, ten workers at once, and the pages of HR and reception."""

from __future__ import annotations

import re

import pytest
import sqlalchemy as sa
from flask import Flask
from playwright.sync_api import Page, expect

from lms.attestations import Attestation
from lms.clock import now
from lms.db import session, transaction
from lms.ledger import Ledger
from lms.people import Person, RoleName
from lms.scenarios import shipped_modules
from lms.training import current_assignment
from tests.browser.conftest import PHONE, SignIn
from tests.browser.journey import Finger, Mouse, assert_accessible, button, do_module, heading
from tests.factories import make_person
from tests.storm import complete
from tests.visitors import SHORT, Morning, code_for

NARROW_PHONE = {**PHONE, "viewport": {"width": 320, "height": 640}}
AT_ONCE = 10


@pytest.fixture
def morning(app: Flask) -> Morning:
    with app.app_context(), transaction():
        return Morning(now())


@pytest.fixture
def desk(app: Flask, morning: Morning, signed_in: SignIn) -> Page:
    """The desk of the school, opened by who does HR's work too."""
    with app.app_context(), transaction():
        person = make_person(morning.school, forename="Meera", role=RoleName.HR, email="meera@school.test").id
    page = signed_in(person, bypass_csp=True)
    page.goto(f"/schools/{morning.school.slug}/reception")
    return page


@pytest.mark.parametrize("script", [True, False], ids=["JavaScript", "none"])
def test_a_walk_in_is_checked_signs_on_a_narrow_phone_and_is_seen_at_the_desk(
    desk: Page, signed_in: SignIn, morning: Morning, address: str, script: bool
) -> None:
    button(desk, "Add a walk-in").click()
    desk.get_by_label("Name").fill("Grace Okafor")
    desk.get_by_label("Agency").fill("Tandem Staffing")
    Mouse().press(button(desk, "Go on"))
    desk.get_by_label("I have seen the agency").check()
    desk.get_by_label("Passport").check()
    desk.get_by_label("It is the same person").check()
    Mouse().press(button(desk, "start on their phone"))
    code = desk.locator(".app-code__letters").inner_text()
    phone = _phone(desk, address, script)
    phone.goto(f"/join/{code}")
    finger = Finger()
    finger.press(button(phone, "Start"))
    do_module(phone, SHORT, hand=finger)
    finger.press(button(phone, "Read and sign"))
    phone.get_by_label("I make this statement").check()
    phone.get_by_label("Type your full name").fill("Grace Okafor")
    finger.press(button(phone, "Sign"))
    finger.press(button(phone, "Show my card for today"))
    assert heading(phone) == "Grace Okafor"
    expect(phone.get_by_text("Signed. This is not clearance to work.").first).to_be_visible()
    assert phone.evaluate("document.documentElement.scrollWidth") <= 320
    desk.goto(f"/schools/{morning.school.slug}/reception")
    expect(desk.get_by_role("row", name="Grace Okafor")).to_contain_text(
        "Signed. This is not clearance to work."
    )


def _phone(desk: Page, address: str, script: bool) -> Page:
    browser = desk.context.browser
    assert browser is not None
    page = browser.new_context(**NARROW_PHONE, base_url=address, java_script_enabled=script).new_page()
    page.set_default_timeout(10_000)
    return page


def test_ten_workers_who_sign_at_the_same_moment_each_get_their_card(
    app: Flask, morning: Morning, signed_in: SignIn, address: str, desk: Page
) -> None:
    phones = []
    for number in range(AT_ONCE):
        with app.app_context(), transaction():
            visit = morning.arrived(f"Dilys{number}", now=now())
            person = session.get_one(Person, visit.person_id)
            assignment = current_assignment(morning.short)
            assert assignment is not None
            complete(assignment, person, shipped_modules()[SHORT], now())
        phone = _phone(desk, address, script=True)
        phone.goto(f"/join/{code_for(app, visit, now())}")
        Mouse().press(button(phone, "Start"))
        phone.goto(f"/sign/{morning.short}")
        phone.get_by_label("I make this statement").check()
        phone.get_by_label("Type your full name").fill(f"Dilys{number} Okoro")
        phones.append(phone)
    for phone in phones:
        # Twice each, as an impatient finger does, and none waits for another's answer.
        phone.evaluate(
            "() => { const form = document.querySelector('main form'); const press = () =>"
            " form.querySelector('button').click(); setTimeout(() => { press(); press(); }) }"
        )
    for phone in phones:
        phone.wait_for_url(re.compile("/receipts/"))
    with app.app_context(), transaction(write=False):
        assert session.scalar(sa.select(sa.func.count()).select_from(Attestation)) == AT_ONCE
        assert session.scalar(sa.select(Ledger.size)) == AT_ONCE


@pytest.mark.parametrize("width", [1280, 320])
def test_every_page_of_reception_links_and_a_training_day_is_accessible(
    app: Flask, morning: Morning, desk: Page, width: int
) -> None:
    desk.set_viewport_size({"width": width, "height": 800})
    school = f"/schools/{morning.school.slug}"
    visit = f"{school}/reception/visits/{morning.visit.id}"
    pages = (
        "reception",
        "reception/walk-in",
        "reception/expected",
        "reception/paper",
        "records/links",
        "inset",
    )
    for page in (visit, *(f"{school}/{each}" for each in pages)):
        desk.goto(page)
        assert_accessible(desk)
    for page in ("reception/walk-in", "reception/paper", "inset"):
        desk.goto(f"{school}/{page}")
        desk.locator("main form button").last.click()
        assert_accessible(desk)
    desk.goto(f"{school}/inset")
    desk.get_by_label("What is it called").fill("INSET day, main hall")
    desk.get_by_label("Until").fill("23:59")
    desk.locator("main form button").last.click()
    assert_accessible(desk)
    desk.goto(f"{desk.url}/codes")
    assert_accessible(desk)
