"""An administrator connects a platform in a real browser: by mouse, keyboard and touch, and without JavaScript."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest
from flask import Flask
from playwright.sync_api import BrowserContext, Page
from werkzeug.serving import make_server
from werkzeug.wrappers import Response

from lms import clock
from lms.config import Settings
from lms.db import transaction
from lms.lti import invites, launch_log, platforms
from lms.lti.platforms import Registration
from lms.people import Person, RoleName
from lms.schools import Organisation
from tests.browser.conftest import DESK, PHONE, SignIn, _Silent
from tests.browser.journey import Finger, Hand, Keyboard, assert_accessible, button, heading
from tests.factories import make_person, make_school
from tests.lti.stand_in import Fault, StandIn

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
def settings(settings: Settings) -> Settings:
    """Settings of a trial: the stand-in is on loopback, over http."""
    return settings.model_copy(update={"lti_allow_private_hosts": True})


@pytest.fixture
def platform(app: Flask) -> Iterator[StandIn]:
    with StandIn(app.config["LTI_KEYS"].published, clock=clock.now) as made:
        yield made


@pytest.fixture
def school(app: Flask) -> Organisation:
    with app.app_context(), transaction():
        return make_school("Ysgol Môr")


@pytest.fixture
def admin(app: Flask, school: Organisation) -> Person:
    with app.app_context(), transaction():
        return make_person(school, role=RoleName.ADMIN)


def looked_at(page: Page, options: dict[str, object]) -> None:
    """Look for faults, by a script: where scripts don't run there is nothing else to find than where they do."""
    if options.get("java_script_enabled", True):
        assert_accessible(page)


def registered(app: Flask, platform: StandIn, school: Organisation) -> Registration:
    """A platform with a deployment that waits and a launch that was refused."""
    with app.app_context(), transaction():
        made = platform.register(school.id)
        platforms.deploy(made, "7", organisation_id=school.id, now=clock.now(), approved=False)
        launch_log.record("wrong_audience", now=clock.now(), registration_id=made.id, detail="x" * 200)
        return made


@WAYS
def test_a_platform_is_invited_confirmed_and_approved(
    app: Flask, signed_in: SignIn, admin: Person, platform: StandIn, options: dict[str, object], hand: Hand
) -> None:
    page = signed_in(admin.id, **options)
    page.goto("/admin/platforms")
    looked_at(page, options)
    hand.press(button(page, "Make an invitation"))
    looked_at(page, options)
    secret = page.locator("#invitation").inner_text().rpartition("/")[2]
    page.goto(f"/lti/register/{secret}")
    looked_at(page, options)
    page.goto(f"/lti/register/{secret}?openid_configuration={platform.configuration_url}")
    looked_at(page, options)
    hand.press(button(page, "Connect Moodle"))
    assert heading(page) == "Moodle is connected"
    looked_at(page, options)
    page.goto(f"/lti/register/{secret}")
    assert heading(page) == "This invitation was used already"
    looked_at(page, options)


@WAYS
def test_a_platform_is_looked_at_approved_checked_and_changed(
    app: Flask,
    signed_in: SignIn,
    school: Organisation,
    admin: Person,
    platform: StandIn,
    options: dict[str, object],
    hand: Hand,
) -> None:
    registered(app, platform, school)
    page = signed_in(admin.id, **options)
    page.goto("/admin/platforms")
    hand.press(page.get_by_role("link", name="The stand-in"))
    looked_at(page, options)
    hand.press(button(page, "Approve"))
    assert "Approved." in page.locator("main").inner_text()
    hand.press(button(page, "Check the connection"))
    assert heading(page) == "The connection works"
    looked_at(page, options)
    platform.next("jwks", Fault.PROSE)
    hand.press(button(page, "Check again"))
    assert heading(page) == "The connection has a fault"
    hand.press(page.get_by_role("link", name="Back to The stand-in"))
    hand.press(page.get_by_role("link", name="Change its name or addresses"))
    page.get_by_label("Keyset address").fill("moodle")
    hand.press(button(page, "Save"))
    assert page.title().startswith("Error:")
    looked_at(page, options)


@WAYS
def test_a_platform_is_connected_by_hand(
    signed_in: SignIn, admin: Person, options: dict[str, object], hand: Hand
) -> None:
    page = signed_in(admin.id, **options)
    page.goto("/admin/platforms/new")
    looked_at(page, options)
    hand.press(page.get_by_role("link", name="Canvas"))
    looked_at(page, options)
    page.get_by_label("Name", exact=True).fill("Our Canvas")
    hand.press(page.get_by_role("button", name="Connect", exact=True))
    assert "Enter the client id" in page.locator(".govuk-error-summary").inner_text()
    looked_at(page, options)
    page.get_by_label("Client id").fill("10000000000001")
    hand.press(page.get_by_role("button", name="Connect", exact=True))
    assert heading(page) == "Our Canvas"


def test_a_value_is_copied_at_a_press(signed_in: SignIn, admin: Person) -> None:
    page = signed_in(admin.id, permissions=["clipboard-read", "clipboard-write"])
    page.goto("/admin/platforms/new?product=moodle")

    page.locator("[data-copies=our-keyset]").click()

    page.get_by_text("Public keyset is copied.").wait_for()
    assert page.evaluate("navigator.clipboard.readText()") == "http://127.0.0.1:8000/lti/jwks"


@pytest.fixture
def lms(app: Flask) -> Iterator[Callable[[str], str]]:
    """A page of another site that frames an address, or opens it in a window, and shows what it is told."""
    pages: dict[str, str] = {}

    def site(environ: object, start_response: object) -> object:
        return Response(pages["now"], content_type="text/html")(environ, start_response)  # type: ignore[arg-type]

    server = make_server("127.0.0.1", 0, site, request_handler=_Silent)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()

    def show(body: str) -> str:
        listens = "addEventListener('message', e => { document.title = JSON.stringify(e.data) })"
        pages["now"] = f"<!doctype html><title>LMS</title>{body}<script>{listens}</script>"
        return f"http://localhost:{server.server_port}/"

    yield show
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("in_window", [False, True], ids=["in a frame", "in a window"])
def test_the_page_around_or_behind_hears_that_it_is_done(
    app: Flask,
    address: str,
    school: Organisation,
    platform: StandIn,
    lms: Callable[[str], str],
    new_context: Callable[..., BrowserContext],
    in_window: bool,
) -> None:
    with app.app_context(), transaction():
        secret, _ = invites.invite(school.id, invited_by=None, now=clock.now())
    opens = f"{address}/lti/register/{secret}?openid_configuration={platform.configuration_url}"
    page = new_context().new_page()
    shown: Page
    if in_window:
        page.goto(lms(f"<button onclick=\"window.open('{opens}')\">Register</button>"))
        with page.expect_popup() as popup:
            page.get_by_role("button").click()
        shown = popup.value
        within = shown.main_frame
    else:
        page.goto(lms(f"<iframe src='{opens}' width=800 height=800></iframe>"))
        within = page.frames[1]

    within.get_by_role("button", name="Connect Moodle").click()
    within.get_by_role("button", name="Close and go back to Moodle").click()

    page.wait_for_function('document.title === \'{"subject":"org.imsglobal.lti.close"}\'')
