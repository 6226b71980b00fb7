"""The learner's whole way in a real browser: by keyboard, by touch, without JavaScript; axe on every page and state."""

from __future__ import annotations

from datetime import date

import pytest
from flask import Flask
from playwright.sync_api import Page

from lms import policies, training
from lms.db import transaction
from lms.people import EngagementType, engage
from lms.scenarios import Outcome
from tests.browser.conftest import DESK, PHONE, SignIn
from tests.browser.journey import (
    Finger,
    Hand,
    Keyboard,
    Mouse,
    answer,
    assert_accessible_on_any_screen,
    button,
    do_module,
    do_programme,
    heading,
)
from tests.conftest import NOW, Clock
from tests.factories import BEFORE, make_assignment, make_person, make_policy, make_school
from tests.learners import MODULES, Classroom, do_modules, sign


@pytest.fixture
def classroom(app: Flask, time: Clock) -> Classroom:
    with app.app_context(), transaction():
        return Classroom()


@pytest.mark.parametrize(
    ("hand", "options", "modules"),
    [
        pytest.param(Keyboard(), DESK, MODULES[1:], id="by keyboard alone"),
        pytest.param(Finger(), PHONE, MODULES[:2], id="by touch on a phone"),
        pytest.param(Mouse(), {"java_script_enabled": False}, MODULES[:1], id="without JavaScript"),
    ],
)
def test_a_learner_does_modules_and_comes_to_the_page_where_she_signs(
    app: Flask, signed_in: SignIn, time: Clock, hand: Hand, options: dict[str, object], modules: list[str]
) -> None:
    with app.app_context(), transaction():
        classroom = Classroom(modules=modules)
    page = signed_in(classroom.person.id, **options)
    do_programme(page, modules, hand=hand)
    assert page.url.endswith(f"/sign/{classroom.assignment.id}")
    assert "Social media policy" in heading(page)
    page.goto("/")
    assert page.locator("main .govuk-button").inner_text().startswith("Read and sign")


def test_she_stops_and_goes_on_where_she_was_on_her_phone(signed_in: SignIn, classroom: Classroom) -> None:
    desk = signed_in(classroom.person.id)
    desk.goto("/modules/friend-request")
    Mouse().press(button(desk, "Start"))
    answer(desk, "friend-request", Outcome.BEST, Mouse())
    Mouse().press(button(desk, "Continue"))
    phone = signed_in(classroom.person.id, **PHONE)
    phone.goto("/")
    Finger().press(button(phone, "Go on"))
    assert (heading(phone), phone.url) == (heading(desk), desk.url)


def test_back_and_a_second_tab_harm_nothing(signed_in: SignIn, classroom: Classroom) -> None:
    page = signed_in(classroom.person.id)
    page.goto("/modules/friend-request")
    Mouse().press(button(page, "Start"))
    tab = page.context.new_page()
    tab.goto(page.url)
    answer(page, "friend-request", Outcome.BEST, Mouse())
    answer(tab, "friend-request", Outcome.UNSAFE, Mouse())
    assert "Your first answer is kept." in tab.locator("main").inner_text()
    Mouse().press(button(page, "Continue"))
    page.go_back()
    assert heading(page) == "What happened next"
    assert page.locator(".app-outcome--best").count() == 1


def test_the_policy_is_a_tap_away_and_back_returns_to_the_question(
    signed_in: SignIn, classroom: Classroom
) -> None:
    page = signed_in(classroom.person.id, **PHONE)
    page.goto("/modules/friend-request")
    Finger().press(button(page, "Start"))
    answer(page, "friend-request", Outcome.BEST, Finger())
    where = page.url
    Finger().press(page.get_by_role("link", name="Read 5.3 Acceptable use in the policy"))
    clause = page.locator("#clause-5-3").bounding_box()
    assert clause is not None
    assert 0 <= clause["y"] < 844, "the clause is in view"
    page.go_back()
    assert page.url == where


@pytest.fixture
def page_of(signed_in: SignIn) -> SignIn:
    """As `signed_in`, with a policy that lets axe in."""
    return lambda person_id: signed_in(person_id, bypass_csp=True)


def test_axe_finds_nothing_on_my_training_in_any_state(
    app: Flask, page_of: SignIn, classroom: Classroom
) -> None:
    with app.app_context(), transaction():
        other, late = make_school(), make_person(classroom.school, starts=date(2026, 9, 1))
        make_assignment(other, make_policy(other), due_on=date(2026, 1, 1))
        engage(late, other.id, EngagementType.GOVERNOR, starts=date(2026, 1, 1), now=BEFORE)
        do_modules(late, classroom.assignment, 1)
        exempt, nobody = make_person(classroom.school), make_person(make_school())
        training.exempt(classroom.assignment, exempt.id, reason="On leave", until=None, now=BEFORE)
        signed = make_person(classroom.school)
    sign(app, signed.id, classroom.assignment.id)
    for person in (classroom.person, late, exempt, nobody, signed):
        page = page_of(person.id)
        for address in ("/", "/policies"):
            page.goto(address)
            assert_accessible_on_any_screen(page)


def test_axe_finds_nothing_on_any_page_of_a_module(page_of: SignIn, classroom: Classroom) -> None:
    page, hand = page_of(classroom.person.id), Mouse()
    page.goto("/modules/friend-request")
    assert_accessible_on_any_screen(page)
    hand.press(button(page, "Start"))
    assert_accessible_on_any_screen(page)
    hand.press(button(page, "Continue"))
    assert page.title().startswith("Error:")
    assert_accessible_on_any_screen(page)
    for outcome in (Outcome.UNSAFE, Outcome.ACCEPTABLE, Outcome.BEST):
        answer(page, "friend-request", outcome, hand)
        page.locator("details").evaluate_all("found => found.forEach(part => { part.open = true })")
        assert_accessible_on_any_screen(page)
        hand.press(page.locator("main a.govuk-button"))
    page.goto("/policies/social-media?back=/modules/friend-request")
    assert_accessible_on_any_screen(page)


@pytest.mark.parametrize("module", MODULES)
def test_axe_finds_nothing_on_any_question_or_summary(
    page_of: SignIn, classroom: Classroom, module: str
) -> None:
    page, hand = page_of(classroom.person.id), Mouse()
    page.goto(f"/modules/{module}")
    hand.press(button(page, "Start"))
    while page.locator("input[type=radio]").count():
        assert_accessible_on_any_screen(page)
        answer(page, module, Outcome.BEST, hand)
        hand.press(button(page, "Continue"))
    assert_accessible_on_any_screen(page)


def test_axe_finds_nothing_after_signing_nor_on_a_schools_own_policy(
    app: Flask, page_of: SignIn, classroom: Classroom
) -> None:
    page, hand = page_of(classroom.person.id), Mouse()
    page.goto("/modules/friend-request")
    hand.press(button(page, "Start"))
    with app.app_context(), transaction():
        own = "# Social media policy\n\n## 5. Acceptable use\n\nBe kind.\n\n- [ask](https://example.test)\n"
        policies.publish(
            classroom.school,
            slug="social-media",
            title="Social media policy",
            label="4",
            markdown=own,
            now=NOW,
        )
    answer(page, "friend-request", Outcome.BEST, hand)
    assert_accessible_on_any_screen(page)
    question = page.url
    page.goto("/policies/social-media")
    assert_accessible_on_any_screen(page)
    sign(app, classroom.person.id, classroom.assignment.id)
    for address in (question, "/modules/friend-request"):
        page.goto(address)
        assert_accessible_on_any_screen(page)


def test_nothing_is_lost_at_320_px_nor_with_text_twice_the_size(
    signed_in: SignIn, classroom: Classroom
) -> None:
    page: Page = signed_in(classroom.person.id, viewport={"width": 320, "height": 640}, bypass_csp=True)
    page.goto("/modules/friend-request")
    do_module(page, "friend-request", first=Outcome.UNSAFE)
    first = page.url.replace("summary", "1")
    for address in ("/", "/modules/personal-use", first, page.url, "/policies/social-media"):
        page.goto(address)
        page.add_style_tag(content="html { font-size: 200% !important }")
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= 640, f"{address} is {wide} px wide"
        page.goto(address)
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= 320, f"{address} is {wide} px wide"
