"""Getting in, in a real browser: by a link from a real mail server, by password; axe on every page and state."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import BrowserContext, Page

from lms import jobs, mail, tokens
from lms.config import Settings
from lms.credentials import set_password
from lms.db import session, transaction
from lms.mail import Message, MessageKind
from lms.people import Person, RoleName
from lms.web.sign_in import WINDOW, WRONG_PASSWORDS_PER_NETWORK
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
from tests.conftest import Clock
from tests.factories import make_person, make_school
from tests.mail_server import MailServer

PASSWORD = "correct horse battery"

Visit = Callable[..., Page]


@pytest.fixture
def admin(app: Flask, time: Clock) -> Person:
    with app.app_context(), transaction():
        person = make_person(make_school("Ysgol Môr"), email="admin@school.test", role=RoleName.ADMIN)
        set_password(person, PASSWORD)
    return person


@pytest.fixture
def visit(address: str, new_context: Callable[..., BrowserContext]) -> Visit:
    """Open the sign-in page in a browser of its own, with nobody signed in."""

    def open_page(**options: Any) -> Page:
        context = new_context(**{**DESK, **options, "base_url": address})
        context.set_default_timeout(10_000)
        page = context.new_page()
        page.goto("/sign-in?next=/privacy")
        return page

    return open_page


def arrived(app: Flask, server: MailServer) -> str:
    """Have the worker send the one message that waits, and return the path of its link."""
    settings: Settings = app.config["SETTINGS"]
    with app.app_context():
        jobs.deliver(settings.model_copy(update={"smtp_url": server.url}), demo=False)
    link = re.search(r"/sign-in/link/\S+", server.arrived.get(timeout=10).get_content())
    assert link is not None
    return link[0]


@pytest.mark.parametrize(
    ("hand", "options"),
    [
        pytest.param(Keyboard(), DESK, id="by keyboard alone"),
        pytest.param(Finger(), PHONE, id="by touch on a phone"),
        pytest.param(Mouse(), {"java_script_enabled": False}, id="without JavaScript"),
    ],
)
def test_she_asks_for_a_link_opens_it_and_comes_to_the_page_she_wanted(
    app: Flask, server: MailServer, admin: Person, visit: Visit, hand: Hand, options: dict[str, object]
) -> None:
    page = visit(**options)
    page.get_by_label("Work e-mail address").fill("admin@school.test")
    hand.press(button(page, "Send me a link"))
    assert heading(page) == "Look in your e-mail"
    page.goto(arrived(app, server))
    hand.press(button(page, "Sign in"))
    assert page.url.endswith("/privacy")
    assert page.get_by_role("button", name="Sign out", include_hidden=True).count() == 1


def test_an_administrator_signs_in_by_password_saves_a_name_and_signs_out(
    admin: Person, visit: Visit
) -> None:
    page = visit()
    page.goto("/sign-in/password")
    page.get_by_label("Work e-mail address").fill("admin@school.test")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    button(page, "Sign in").click()
    assert heading(page) == "Administration"
    page.get_by_role("link", name="Settings of Ysgol Môr").click()
    page.get_by_label("Name of the head").fill("Ann O’Neill")
    button(page, "Save").click()
    assert "Saved." in page.locator("main").inner_text()
    page.get_by_role("button", name="Sign out").click()
    assert "You have signed out." in page.locator("main").inner_text()
    page.goto("/admin")
    assert heading(page) == "Sign in"


def test_every_page_of_signing_in_is_accessible_in_every_state(
    app: Flask, server: MailServer, admin: Person, visit: Visit, time: Clock
) -> None:
    page = visit(bypass_csp=True)
    assert_accessible_on_any_screen(page)
    Mouse().press(button(page, "Send me a link"))
    assert "There is a problem" in page.locator("main").inner_text()
    assert_accessible_on_any_screen(page)
    page.get_by_label("Work e-mail address").fill("admin@school.test")
    Mouse().press(button(page, "Send me a link"))
    assert_accessible_on_any_screen(page)
    link = arrived(app, server)
    page.goto(link)
    assert_accessible_on_any_screen(page)
    button(page, "Sign in").click()
    page.goto(link)
    assert heading(page) == "This link can’t be used"
    assert_accessible_on_any_screen(page)
    page.goto("/sign-in/password")
    assert_accessible_on_any_screen(page)
    Mouse().press(button(page, "Sign in"))
    assert_accessible_on_any_screen(page)
    with app.app_context(), transaction():
        for _ in range(WRONG_PASSWORDS_PER_NETWORK):
            tokens.allow("wrong passwords from 127.0.0.1", most=0, within=WINDOW, now=time.now)
    page.get_by_label("Work e-mail address").fill("admin@school.test")
    page.get_by_label("Password", exact=True).fill("wrong")
    button(page, "Sign in").click()
    assert heading(page) == "Wait 15 minutes"
    assert_accessible_on_any_screen(page)


def test_the_administrators_pages_are_accessible_in_every_state(
    app: Flask, admin: Person, signed_in: SignIn, time: Clock
) -> None:
    with app.app_context(), transaction():
        _queue_and_fail(admin, "someone.with.a.long.name@a-very-long-school-name.example.sch.uk", time)
        mail.queue(
            MessageKind.SHARED_ADDRESS,
            organisation_id=admin.root_id,
            address="office@school.test",
            now=time.now - timedelta(hours=1),
        )
    # Nothing has been sent for a while: it isn't that a worker is busy.
    time.now += timedelta(minutes=30)
    page = signed_in(admin.id, bypass_csp=True)
    page.goto("/admin")
    assert "is the worker running?" in page.locator("main").inner_text()
    assert_accessible_on_any_screen(page)
    button(page, "Send again").click()
    assert "in the queue again" in page.locator("main").inner_text()
    assert_accessible_on_any_screen(page)
    page.get_by_role("link", name="Settings of Ysgol Môr").click()
    assert_accessible_on_any_screen(page)
    page.get_by_label("Name of the safeguarding lead", exact=True).fill("")
    button(page, "Save").click()
    assert "There is a problem" in page.locator("main").inner_text()
    assert_accessible_on_any_screen(page)


def _queue_and_fail(person: Person, address: str, time: Clock) -> None:
    identity = mail.queue(
        MessageKind.SHARED_ADDRESS, organisation_id=person.root_id, address=address, now=time.now
    )
    message = session.get_one(Message, identity)
    mail.settle(message, time.now, "the mail server said: 550 5.1.1 no such mailbox", final=True)
