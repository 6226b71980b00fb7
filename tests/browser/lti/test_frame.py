"""The tool in a course's frame, in a real browser: with cookies, with the platform's storage, and in a new window."""

from __future__ import annotations

import pytest
from flask import Flask
from playwright.sync_api import BrowserContext, Frame, Locator, Page, expect

from lms.lti import deliveries
from lms.lti.fetching import Outgoing
from lms.lti.services import Services
from tests.browser.journey import Mouse, button, do_module
from tests.browser.lti.conftest import ALLOWED, BLOCKED, Browse, tool_in
from tests.browser.lti.course import CHOOSE, Course
from tests.conftest import NOW
from tests.learners import MODULES
from tests.lti.stand_in import StandIn

pytestmark = pytest.mark.usefixtures("classroom")
OPEN = "Open in a new window"


def see(where: Frame | Page, heading: str) -> None:
    """Wait until a page has this heading."""
    expect(where.get_by_role("heading", level=1)).to_have_text(heading)


def open_course(context: BrowserContext, course: Course, **shown: object) -> Page:
    page = context.new_page()
    page.goto(course.page(**shown))  # type: ignore[arg-type]
    return page


class InFrame(Mouse):
    """Clicks, and waits for the frame alone to show the next page."""

    def press(self, target: Locator) -> None:
        """Click it."""
        frame = tool_in(target.page)
        with frame.expect_navigation():
            target.click()

    def choose(self, radio: Locator) -> None:
        """Click it."""
        radio.check()


def press_for_a_window(page: Page, words: str = OPEN) -> Page:
    """Press a button in the tool's frame that opens a window, and return that."""
    with page.expect_popup() as opened:
        tool_in(page).get_by_role("button", name=words).click()
    return _shown(opened.value)


def _shown(window: Page) -> Page:
    """Wait until a window that was opened shows a page."""
    expect(window.get_by_role("heading", level=1)).to_be_visible()
    return window


def press_twice(page: Page) -> Page:
    """Send the form to a window again, as a second press would after a while; return that window."""
    with page.expect_popup() as opened:
        tool_in(page).evaluate("document.forms[0].requestSubmit()")
    return _shown(opened.value)


@pytest.mark.parametrize("cookies", [ALLOWED, None], ids=["every cookie", "partitioned cookies alone"])
def test_one_click_in_the_course_and_she_is_in(browse: Browse, course: Course, cookies: int | None) -> None:
    page = open_course(browse(cookies), course)
    see(tool_in(page), "My training")
    InFrame().press(button(tool_in(page), "Start"))
    see(tool_in(page), "A friend request from an ex-pupil")
    page.reload()
    see(tool_in(page), "My training")
    assert len(course.hints) == 2


def test_once_cookies_are_known_to_work_the_login_is_one_redirect(browse: Browse, course: Course) -> None:
    page = browse().new_page()
    logins: list[int] = []
    page.on("response", lambda answer: logins.append(answer.status) if "/lti/login" in answer.url else None)
    for _ in range(2):
        page.goto(course.page())
        see(tool_in(page), "My training")
    assert logins == [200, 302]


def test_the_frame_has_nothing_of_a_website_round_the_page(browse: Browse, course: Course) -> None:
    page = open_course(browse(), course)
    frame = tool_in(page)
    see(frame, "My training")
    assert frame.locator("header, footer, .govuk-skip-link").count() == 0
    assert frame.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    main = frame.locator("main")
    assert main.evaluate("element => getComputedStyle(element).paddingTop") == "12px"
    assert frame.get_by_role("link").all_inner_texts().count("Administration") == 0


def test_to_load_the_frame_again_launches_nothing_again(browse: Browse, course: Course) -> None:
    frame = tool_in(open_course(browse(), course))
    see(frame, "My training")
    assert frame.evaluate("location.pathname") == "/"
    with frame.expect_navigation():
        frame.evaluate("location.reload()")
    see(frame, "My training")
    assert len(course.hints) == 1


def test_without_javascript_one_button_more_leads_in(browse: Browse, course: Course) -> None:
    frame = tool_in(open_course(browse(java_script_enabled=False), course))
    frame.get_by_role("button", name="Go on").click()
    frame.get_by_role("button", name="Go on").click()
    see(frame, "My training")


def test_she_does_the_modules_and_signs_in_the_frame_and_the_grade_book_hears_of_it(
    browse: Browse, course: Course, grade_book: StandIn, app: Flask
) -> None:
    frame = tool_in(open_course(browse(), course))
    see(frame, "My training")
    InFrame().press(button(frame, "Start"))
    for module in MODULES:
        do_module(frame, module, hand=InFrame())
        InFrame().press(button(frame, "Read and sign" if module == MODULES[-1] else "Next module"))
    frame.get_by_label("I make this statement").check()
    frame.get_by_label("Type your full name").fill("Priya Nair")
    InFrame().press(button(frame, "Sign"))
    expect(frame.locator("main")).to_contain_text("Signed. This is not clearance to work.")
    send_scores(app)
    grade = grade_book.grade(course.lineitem, "priya")
    assert grade is not None
    assert (grade["activityProgress"], grade["scoreGiven"]) == ("Completed", 1)


def send_scores(app: Flask) -> None:
    """Do what the worker does."""
    services = Services(Outgoing(allow_private=True), app.config["LTI_KEYS"], app.config["SETTINGS"].base_url)
    with app.app_context():
        while deliveries.deliver(services, NOW):
            pass


@pytest.mark.parametrize("storage", ["parent", "frame"])
def test_where_no_cookie_is_kept_the_platforms_storage_shows_who_she_is(
    browse: Browse, course: Course, storage: str
) -> None:
    page = open_course(browse(BLOCKED), course, storage=storage)
    see(tool_in(page), "Go on in a new window")
    window = press_for_a_window(page)
    see(window, "My training")
    expect(window.locator("header")).to_be_visible()
    assert len(course.hints) == 1
    see(tool_in(page), "Go on in a new window")
    assert tool_in(page).get_by_text("Priya").count() == 0


def test_the_secret_goes_to_the_platforms_own_origin_and_nowhere_else(browse: Browse, course: Course) -> None:
    page = open_course(browse(BLOCKED), course, storage="parent")
    see(tool_in(page), "Go on in a new window")
    heard = page.evaluate("heard")
    assert [message["subject"] for message in heard] == ["lti.put_data", "lti.get_data"]
    put, got = heard
    assert put["origin"] == course.tool
    assert put["key"] == got["key"]
    assert put["message_id"] != got["message_id"]
    assert "value" not in got


def test_a_storage_of_another_origin_hears_nothing(browse: Browse, course: Course, elsewhere: Course) -> None:
    course.keeper = elsewhere.address
    page = open_course(browse(BLOCKED), course, storage="frame")
    expect(tool_in(page).get_by_role("button", name=OPEN)).to_be_visible()
    storage = page.frame("platform_storage")
    assert storage is not None
    assert storage.evaluate("heard") == []


def test_a_storage_that_brings_another_secret_back_lets_nobody_in(browse: Browse, course: Course) -> None:
    page = open_course(browse(BLOCKED), course, storage="wrong")
    see(tool_in(page), "We couldn’t open your training")
    expect(tool_in(page).locator("main")).to_contain_text("other_browser")


def test_where_the_storage_is_silent_a_new_window_is_offered_before_the_hint_is_used(
    browse: Browse, course: Course
) -> None:
    page = open_course(browse(BLOCKED), course, storage="silent")
    see(tool_in(page), "Open Countersign")
    expect(tool_in(page).get_by_role("button", name=OPEN)).to_be_visible()
    assert course.hints == []
    see(press_for_a_window(page), "My training")


def test_with_neither_cookies_nor_storage_she_goes_on_in_a_new_window(browse: Browse, course: Course) -> None:
    page = open_course(browse(BLOCKED), course)
    expect(tool_in(page).locator("main")).to_contain_text("keeps our cookies out")
    window = press_for_a_window(page)
    see(window, "My training")
    # A reload before the page has put its own address in place would send the launch again.
    window.wait_for_url(lambda address: "/lti/launch" not in address)
    window.reload()
    see(window, "My training")
    expect(window.get_by_role("button", name="Sign out")).to_be_visible()


def test_from_a_sandbox_that_keeps_us_from_our_own_cookies_she_goes_on_in_a_new_window(
    browse: Browse, course: Course
) -> None:
    page = open_course(browse(), course, sandbox="yes")
    see(press_for_a_window(page), "My training")


def test_by_keyboard_alone_she_gets_to_the_new_window(browse: Browse, course: Course) -> None:
    page = open_course(browse(BLOCKED), course)
    wanted = tool_in(page).get_by_role("button", name=OPEN)
    expect(wanted).to_be_visible()
    page.keyboard.press("Tab")
    while not wanted.evaluate("element => element === document.activeElement && document.hasFocus()"):
        assert page.evaluate("document.activeElement.name") == "tool"
        page.keyboard.press("Tab")
    with page.expect_popup() as opened:
        page.keyboard.press("Enter")
    see(opened.value, "My training")


def test_who_chooses_activities_is_told_how_to_allow_cookies_and_never_sent_to_a_window(
    browse: Browse, course: Course
) -> None:
    page = open_course(browse(BLOCKED), course, user="tom", hint=CHOOSE, storage="parent")
    frame = tool_in(page)
    expect(frame.locator("main")).to_contain_text("Allow cookies from 127.0.0.1")
    assert frame.get_by_role("button", name=OPEN).count() == 0
    frame.get_by_role("button", name="Try again").click()
    expect(frame.locator("main")).to_contain_text("Allow cookies from 127.0.0.1")
    assert course.hints == []


def test_what_is_chosen_in_the_frame_is_handed_back_to_the_course(browse: Browse, course: Course) -> None:
    frame = tool_in(open_course(browse(), course, user="tom", hint=CHOOSE))
    see(frame, "Add training to your course")
    frame.get_by_role("checkbox").first.check()
    frame.get_by_role("button", name="Add to the course").click()
    see(frame, "Added")


def test_the_page_in_the_frame_opens_in_a_tab_of_its_own_once(browse: Browse, course: Course) -> None:
    page = open_course(browse(), course)
    see(tool_in(page), "My training")
    InFrame().press(button(tool_in(page), "Start"))
    tool_in(page).get_by_role("button", name="Open in a new tab").click()
    see(tool_in(page), "Go on in a new window")
    window = press_for_a_window(page)
    see(window, "A friend request from an ex-pupil")
    expect(window.locator("header")).to_be_visible()
    see(press_twice(page), "Open this again from your course")
    tool_in(page).get_by_role("link", name="Stay here and go back").click()
    see(tool_in(page), "A friend request from an ex-pupil")


def test_a_session_that_is_over_sends_her_to_her_course_and_not_to_our_sign_in(
    browse: Browse, course: Course
) -> None:
    context = browse()
    page = open_course(context, course)
    see(tool_in(page), "My training")
    for press in ("Open in a new tab", "Start"):
        context.clear_cookies()
        tool_in(page).get_by_role("button", name=press).click()
        see(tool_in(page), "Open this again from your course")
        page.goto(course.page())
        see(tool_in(page), "My training")


def test_two_people_one_after_the_other_see_nothing_of_each_other(browse: Browse, course: Course) -> None:
    context = browse()
    first = open_course(context, course, user="priya")
    see(tool_in(first), "My training")
    InFrame().press(button(tool_in(first), "Start"))
    second = open_course(context, course, user="tom")
    see(tool_in(second), "My training")
    assert tool_in(second).get_by_text("In progress").count() == 0
    button(tool_in(first), "Start").click()
    see(tool_in(first), "This page was open too long")
    second.goto(course.page(user="tom"))
    see(tool_in(second), "My training")
    assert tool_in(second).get_by_text("In progress").count() == 0


def test_a_head_gets_from_the_frame_to_the_records_and_to_administration(
    browse: Browse, course: Course
) -> None:
    page = open_course(browse(), course, user="head")
    frame = tool_in(page)
    see(frame, "My training")
    for link in ("Administration", "Staff records", "My training"):
        frame.get_by_role("link", name=link, exact=True).click()
        see(frame, link)
        assert frame.locator("header, footer").count() == 0


def test_no_other_page_can_frame_hers(browse: Browse, course: Course, elsewhere: Course) -> None:
    page = open_course(browse(ALLOWED), course)
    see(tool_in(page), "My training")
    page.goto(course.page(open="/"))
    see(tool_in(page), "My training")
    with page.expect_event("framenavigated", lambda frame: frame.url.startswith("chrome-error:")):
        page.goto(elsewhere.page(open="/"))


def test_a_platform_that_nobody_connected_can_show_why_it_is_refused(
    browse: Browse, elsewhere: Course
) -> None:
    page = open_course(browse(), elsewhere)
    see(tool_in(page), "We couldn’t open your training")
