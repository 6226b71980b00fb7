"""The shared tablet in a real browser: visitors in turn, Back, Forward, reload, a restored tab, and nobody there."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from uuid import UUID

import pytest
from flask import Flask
from playwright.sync_api import Page, expect

from lms.clock import now
from lms.db import session, transaction
from lms.desk import Visit
from lms.people import RoleName
from tests.browser.conftest import SignIn
from tests.browser.journey import Hand, Keyboard, Mouse, assert_accessible, button, do_module, heading
from tests.factories import make_person
from tests.visitors import SHORT, Morning, code_for

TABLET = {"viewport": {"width": 820, "height": 1180}}
NARROW = {"viewport": {"width": 320, "height": 640}}
WELCOME = "Welcome to Ysgol Môr"
PIN = "4071"
Open = Callable[..., Page]


@pytest.fixture
def morning(app: Flask) -> Morning:
    with app.app_context(), transaction():
        return Morning(now())


@pytest.fixture
def shared(app: Flask, morning: Morning, signed_in: SignIn) -> Open:
    """Open the tablet for visitors: `shared(hand, **context_options)`."""

    def open_for_visitors(hand: Hand | None = None, **options: object) -> Page:
        with app.app_context(), transaction():
            person = make_person(morning.school, forename="Meera", role=RoleName.RECEPTIONIST).id
        page = signed_in(person, **{**TABLET, **options})
        page.goto(f"/schools/{morning.school.slug}/reception/kiosk")
        for label in ("Choose a PIN", "Type the PIN again"):
            page.get_by_label(label).fill(PIN)
        (hand or Mouse()).press(button(page, "Open for visitors"))
        assert heading(page) == WELCOME
        return page

    return open_for_visitors


def visit_of(app: Flask, morning: Morning, forename: str) -> UUID:
    with app.app_context(), transaction():
        return morning.arrived(forename, now=now()).id


def new_code(app: Flask, visit: UUID) -> str:
    with app.app_context():
        found = session.get_one(Visit, visit)
        session.expunge(found)
    return code_for(app, found, now())


def begin(page: Page, code: str, hand: Hand | None = None) -> None:
    page.get_by_label("Type the code from reception").fill(code)
    (hand or Mouse()).press(button(page, "Go on"))
    assert f"/modules/{SHORT}" in page.url


def sign(page: Page, name: str, hand: Hand | None = None) -> None:
    """Work through the short programme, sign, and open the card."""
    hand = hand or Mouse()
    do_module(page, SHORT, hand=hand)
    hand.press(button(page, "Read and sign"))
    page.get_by_label("I make this statement").check()
    page.get_by_label("Type your full name").fill(name)
    hand.press(button(page, "Sign"))
    hand.press(button(page, "Show my card for today"))
    assert heading(page) == name


def finish(page: Page, hand: Hand | None = None) -> None:
    (hand or Mouse()).press(
        page.locator(".govuk-service-navigation").get_by_role("button", name="I’m finished")
    )
    assert heading(page) == WELCOME


def assert_nothing_of(page: Page, names: list[str]) -> None:
    """Fail if anything that the browser holds for the next person names one before them."""
    held = page.content() + json.dumps(
        page.evaluate("[{...localStorage}, {...sessionStorage}, history.state]")
    )
    typed = page.locator("input:not([type=hidden])").evaluate_all(
        "all => all.map(one => one.value).join(' ')"
    )
    assert not [name for name in names if name in held + typed]


def test_three_people_in_turn_find_nothing_of_each_other(app: Flask, morning: Morning, shared: Open) -> None:
    page, gone = shared(), list[str]()
    for forename in ("Dilys", "Bryn", "Ceri"):
        page.goto("/kiosk")
        begin(page, new_code(app, visit_of(app, morning, forename)))
        sign(page, f"{forename} Okoro")
        assert_nothing_of(page, gone)
        card = page.url
        finish(page)
        gone.append(forename)
        assert_nothing_of(page, gone)
        for _ in range(4):
            page.go_back()
            assert heading(page) == WELCOME
            assert_nothing_of(page, gone)
        page.go_forward()
        assert heading(page) == WELCOME
        page.reload()
        assert heading(page) == WELCOME
        # As a tab does that the browser restores after it was closed: the last address, the same cookies.
        restored = page.context.new_page()
        restored.goto(card)
        assert heading(restored) == WELCOME
        assert_nothing_of(restored, gone)
        restored.close()


def test_a_name_typed_by_one_is_offered_to_nobody(app: Flask, morning: Morning, shared: Open) -> None:
    page = shared()
    begin(page, new_code(app, visit_of(app, morning, "Dilys")))
    do_module(page, SHORT)
    Mouse().press(button(page, "Read and sign"))
    page.get_by_label("Type your full name").fill("Dilys Okoro")
    finish(page)
    begin(page, new_code(app, visit_of(app, morning, "Bryn")))
    do_module(page, SHORT)
    Mouse().press(button(page, "Read and sign"))
    expect(page.get_by_label("Type your full name")).to_have_value("")
    expect(page.get_by_label("Type your full name")).to_have_attribute("autocomplete", "off")
    off = page.evaluate("[...document.forms].every(form => form.autocomplete === 'off')")
    assert off
    assert_nothing_of(page, ["Dilys"])


def test_after_a_minute_without_a_touch_the_start_is_shown_and_twenty_seconds_before_that_a_warning(
    app: Flask, morning: Morning, shared: Open
) -> None:
    page = shared()
    page.clock.install()
    code = new_code(app, visit_of(app, morning, "Dilys"))
    begin(page, code)
    where = page.url
    warning = page.get_by_role("dialog", name="Are you still there?")
    page.clock.run_for(39_000)
    expect(warning).to_be_hidden()
    page.clock.run_for(2_000)
    expect(warning).to_be_visible()
    expect(warning).to_contain_text("this tablet goes back to the start")
    expect(page.get_by_role("button", name="Keep going")).to_be_focused()
    page.keyboard.press("Enter")
    expect(warning).to_be_hidden()
    page.clock.run_for(38_000)
    expect(warning).to_be_hidden()
    assert page.url == where
    page.clock.run_for(3_000)
    expect(warning).to_be_visible()
    page.clock.run_for(20_000)
    expect(page.locator("h1")).to_have_text(WELCOME)
    assert page.url.endswith("/kiosk?ended=idle")
    assert_nothing_of(page, ["Dilys"])
    page.go_back()
    assert heading(page) == WELCOME
    page.clock.run_for(61_000)
    expect(page.locator(".govuk-inset-text")).to_have_count(0)
    begin(page, code)


def test_touching_it_puts_the_warning_off_and_a_half_typed_code_is_cleared(
    app: Flask, morning: Morning, shared: Open
) -> None:
    page = shared()
    page.clock.install()
    page.get_by_label("Type the code from reception").fill("K7QM")
    page.clock.run_for(61_000)
    expect(page.get_by_label("Type the code from reception")).to_have_value("")
    begin(page, new_code(app, visit_of(app, morning, "Dilys")))
    where = page.url
    for _ in range(4):
        page.clock.run_for(30_000)
        page.mouse.move(40, 40)
        page.mouse.click(4, 4)
    expect(page.get_by_role("dialog")).to_be_hidden()
    assert page.url == where


def test_a_tablet_that_slept_for_an_hour_wakes_at_the_start(
    app: Flask, morning: Morning, shared: Open
) -> None:
    page = shared()
    page.clock.install()
    begin(page, new_code(app, visit_of(app, morning, "Dilys")))
    page.clock.fast_forward("01:00:00")
    expect(page.locator("h1")).to_have_text(WELCOME)
    assert_nothing_of(page, ["Dilys"])


def test_without_javascript_it_works_and_a_page_left_open_warns_by_itself(
    app: Flask, morning: Morning, shared: Open
) -> None:
    page = shared(java_script_enabled=False)
    begin(page, new_code(app, visit_of(app, morning, "Dilys")))
    refresh = page.locator("meta[http-equiv=refresh]").get_attribute("content")
    assert refresh is not None
    assert re.match(r"40; url=/kiosk\?still=", refresh)
    page.goto(refresh.partition("url=")[2])
    assert heading(page) == "Are you still there?"
    Mouse().press(button(page, "Keep going"))
    sign(page, "Dilys Okoro")
    finish(page)
    page.go_back()
    assert heading(page) == WELCOME


def test_by_keyboard_alone_at_320_px_from_opening_to_leaving(
    app: Flask, morning: Morning, shared: Open
) -> None:
    hand = Keyboard()
    page = shared(hand, **NARROW)
    begin(page, new_code(app, visit_of(app, morning, "Dilys")), hand)
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    finish(page, hand)
    hand.press(page.get_by_role("link", name="For staff: take the tablet back"))
    page.get_by_label("PIN").fill(PIN)
    hand.press(button(page, "Leave the visitors’ pages"))
    assert heading(page) == "Sign in"
    page.go_back()
    page.goto("/")
    assert heading(page) == "Sign in"


@pytest.mark.parametrize("options", [TABLET, NARROW], ids=["tablet", "320 px"])
def test_every_page_and_state_of_the_tablet_is_accessible(
    app: Flask, morning: Morning, shared: Open, options: dict[str, object]
) -> None:
    page = shared(**options, bypass_csp=True)
    assert_accessible(page)
    Mouse().press(button(page, "Go on"))
    assert_accessible(page)
    for address in ("/kiosk?ended=finished", "/kiosk?ended=over", "/kiosk?ended=idle", "/kiosk/leave"):
        page.goto(address)
        assert_accessible(page)
    Mouse().press(button(page, "Leave the visitors’ pages"))
    assert page.title().startswith("Error:")
    assert_accessible(page)
    page.goto("/kiosk")
    page.clock.install()
    begin(page, new_code(app, visit_of(app, morning, "Dilys")))
    page.goto("/kiosk?still=/")
    assert_accessible(page)
    page.goto("/")
    page.clock.run_for(41_000)
    expect(page.get_by_role("dialog")).to_be_visible()
    assert_accessible(page)
