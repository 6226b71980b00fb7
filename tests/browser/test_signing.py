"""Signing in a real browser: by keyboard, by touch, without JavaScript; axe on every page and state; in print."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from flask import Flask
from playwright.sync_api import Page, expect

from lms import policies
from lms.db import session, transaction
from lms.people import Person, RoleName
from tests.browser.conftest import DESK, PHONE, SignIn
from tests.browser.journey import (
    Finger,
    Hand,
    Keyboard,
    Mouse,
    assert_accessible_on_any_screen,
    button,
    heading,
)
from tests.conftest import NOW, Clock
from tests.factories import make_person
from tests.learners import Classroom, do_modules, sign

WAYS = ["more-time", "another-way", "question", "not-me", "decline"]


@pytest.fixture
def classroom(app: Flask, time: Clock) -> Classroom:
    """A teacher who has done every module and has only to sign."""
    with app.app_context(), transaction():
        made = Classroom()
        do_modules(made.person, made.assignment)
        return made


def fill_in(page: Page, name: str, hand: Hand) -> None:
    """Tick the box and type a name, by keyboard alone where that is the hand."""
    box, field = page.get_by_label("I make this statement"), page.get_by_label("Type your full name")
    if isinstance(hand, Keyboard):
        box.focus()
        page.keyboard.press("Space")
        page.keyboard.press("Tab")
        page.keyboard.type(name)
        expect(field).to_have_value(name)
    else:
        box.check()
        field.fill(name)


@pytest.mark.parametrize(
    ("hand", "options"),
    [
        pytest.param(Keyboard(), DESK, id="by keyboard alone"),
        pytest.param(Finger(), PHONE, id="by touch on a phone"),
        pytest.param(Mouse(), {"java_script_enabled": False}, id="without JavaScript"),
    ],
)
def test_she_reads_signs_and_has_her_receipt(
    signed_in: SignIn, classroom: Classroom, hand: Hand, options: dict[str, object]
) -> None:
    page = signed_in(classroom.person.id, **options)
    page.goto(f"/sign/{classroom.assignment.id}")
    fill_in(page, "Priya Nair", hand)
    hand.press(button(page, "Sign"))
    assert re.search(r"/receipts/[0-9a-f-]{36}$", page.url)
    assert "Signed. This is not clearance to work." in page.locator("main").inner_text()
    page.goto("/receipts")
    assert page.locator("main li").count() == 1


def test_a_name_in_doubt_is_asked_about_and_then_signed(signed_in: SignIn, classroom: Classroom) -> None:
    page = signed_in(classroom.person.id)
    page.goto(f"/sign/{classroom.assignment.id}")
    fill_in(page, "Priyanka Nayar", Mouse())
    Mouse().press(button(page, "Sign"))
    assert page.title().startswith("Error:")
    expect(page.locator(".govuk-error-summary")).to_be_focused()
    page.get_by_label("Yes, this is how I sign my name").check()
    Mouse().press(button(page, "Sign"))
    assert "/receipts/" in page.url


def test_two_quick_presses_and_going_back_give_one_receipt(signed_in: SignIn, classroom: Classroom) -> None:
    page = signed_in(classroom.person.id)
    page.goto(f"/sign/{classroom.assignment.id}")
    fill_in(page, "Priya Nair", Mouse())
    with page.expect_navigation(url="**/receipts/**"):
        button(page, "Sign").dblclick()
    receipt = page.url
    page.go_back()
    page.goto(f"/sign/{classroom.assignment.id}")
    assert page.url == receipt
    page.goto("/receipts")
    assert page.locator("main li").count() == 1


def test_every_page_and_state_of_signing_is_accessible(
    signed_in: SignIn, classroom: Classroom, app: Flask, time: Clock
) -> None:
    page = signed_in(classroom.person.id, bypass_csp=True)
    page.goto(f"/sign/{classroom.assignment.id}")
    assert_accessible_on_any_screen(page)
    Mouse().press(button(page, "Sign"))
    assert_accessible_on_any_screen(page)
    fill_in(page, "Priyanka Nayar", Mouse())
    Mouse().press(button(page, "Sign"))
    assert_accessible_on_any_screen(page)
    page.goto("/receipts")
    assert_accessible_on_any_screen(page)
    page.goto(f"/receipts/{sign(app, classroom.person.id, classroom.assignment.id)}")
    assert_accessible_on_any_screen(page)
    page.goto("/receipts")
    assert_accessible_on_any_screen(page)
    _publish_anew(app, classroom)
    time.now = NOW + timedelta(days=1)
    page.goto(f"/sign/{classroom.assignment.id}")
    assert heading(page) == "You can sign once the modules are done"
    assert_accessible_on_any_screen(page)
    _do_modules_again(app, classroom)
    page.goto(f"/sign/{classroom.assignment.id}")
    assert "What has changed since you signed" in page.locator("main").inner_text()
    assert_accessible_on_any_screen(page)


def _publish_anew(app: Flask, classroom: Classroom) -> None:
    with app.app_context(), transaction():
        text = policies.source(classroom.version).replace("creeping up on you", "growing on you")
        policies.publish(
            classroom.school,
            slug="social-media",
            title="Social media policy",
            label="4",
            markdown=text + "\n\n## 12. Last words\n\nBe kind.\n",
            now=NOW,
            resign_by=NOW.date() - timedelta(days=1),
        )


def _do_modules_again(app: Flask, classroom: Classroom) -> None:
    with app.app_context(), transaction():
        do_modules(session.get_one(Person, classroom.person.id), classroom.assignment)


def test_every_way_of_not_signing_is_accessible(signed_in: SignIn, classroom: Classroom) -> None:
    page = signed_in(classroom.person.id, bypass_csp=True)
    start = f"/sign/{classroom.assignment.id}/not-signing"
    page.goto(start)
    assert_accessible_on_any_screen(page)
    Mouse().press(button(page, "Continue"))
    assert_accessible_on_any_screen(page)
    for way in WAYS:
        page.goto(f"{start}/{way}")
        assert_accessible_on_any_screen(page)
    page.goto(f"{start}/question")
    Mouse().press(button(page, "Send my question"))
    assert_accessible_on_any_screen(page)
    page.get_by_label("Your question").fill("May my cousin in Year 9 follow me?")
    Mouse().press(button(page, "Send my question"))
    assert heading(page) == "HR has been told"
    assert_accessible_on_any_screen(page)
    page.goto(f"{start}/decline")
    Mouse().press(button(page, "I choose not to sign"))
    assert_accessible_on_any_screen(page)
    page.goto(f"{start}/not-me")
    Mouse().press(button(page, "Tell HR and sign out"))
    assert_accessible_on_any_screen(page)


def test_a_receipt_prints_on_one_a4_page(
    signed_in: SignIn, classroom: Classroom, app: Flask, tmp_path: Path
) -> None:
    receipt = _long_receipt(app, classroom)
    page = signed_in(receipt[0])
    page.goto(f"/receipts/{receipt[1]}")
    printed = page.pdf(path=tmp_path / "receipt.pdf", format="A4", prefer_css_page_size=True)
    assert len(re.findall(rb"/Type\s*/Page\b", printed)) == 1


def _long_receipt(app: Flask, classroom: Classroom) -> tuple[UUID, UUID]:
    """Sign with about as long names as people have; return the person and the attestation."""
    with app.app_context(), transaction():
        person = make_person(
            classroom.school,
            forename="Gwenllian Angharad Myfanwy",
            surname="ap Llywelyn-Featherstonehaugh",
            known_as="Gwen",
            role=RoleName.LEARNER,
        ).id
    return person, sign(app, person, classroom.assignment.id)


def test_the_record_that_is_downloaded_is_the_one_on_the_page(
    signed_in: SignIn, classroom: Classroom, app: Flask
) -> None:
    attestation = sign(app, classroom.person.id, classroom.assignment.id)
    page = signed_in(classroom.person.id)
    page.goto(f"/receipts/{attestation}")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download the record").click()
    record = json.loads(download.value.path().read_bytes())
    assert record["id"] == str(attestation)
    assert download.value.suggested_filename == f"receipt-{attestation}.json"


def test_nothing_of_signing_is_lost_at_320_px_nor_with_text_twice_the_size(
    signed_in: SignIn, classroom: Classroom, app: Flask
) -> None:
    page = signed_in(classroom.person.id, viewport={"width": 320, "height": 640}, bypass_csp=True)
    start = f"/sign/{classroom.assignment.id}"
    other, receipt = _long_receipt(app, classroom)
    for address in (start, f"{start}/not-signing", f"{start}/not-signing/decline"):
        assert_narrow(page, address)
    assert_narrow(
        signed_in(other, viewport={"width": 320, "height": 640}, bypass_csp=True), f"/receipts/{receipt}"
    )


def assert_narrow(page: Page, address: str) -> None:
    """Fail if a page at 320 px has to be scrolled sideways, or at 640 with its text twice the size."""
    page.goto(address)
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    page.add_style_tag(content="html { font-size: 200% !important }")
    assert page.evaluate("document.documentElement.scrollWidth") <= 640
