"""What the pages in a course's frame look like to everybody: axe, a wide frame, and one of 320 pixels on a phone."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import DESK, PHONE
from tests.browser.journey import assert_accessible, button
from tests.browser.lti.conftest import BLOCKED, Browse, tool_in
from tests.browser.lti.course import CHOOSE, Course
from tests.browser.lti.test_frame import InFrame, open_course, press_for_a_window, press_twice, see

pytestmark = pytest.mark.usefixtures("classroom")
SIZES = pytest.mark.parametrize(
    ("options", "width"),
    [(DESK, 1200), (PHONE, 320)],
    ids=["desk", "phone"],
)


@SIZES
def test_what_she_sees_where_cookies_are_kept(
    browse: Browse, course: Course, options: dict[str, Any], width: int
) -> None:
    page = open_course(browse(**options, bypass_csp=True), course, user="head", width=width)
    frame = tool_in(page)
    see(frame, "My training")
    assert_accessible(frame)
    InFrame().press(button(frame, "Start"))
    assert_accessible(frame)
    InFrame().press(frame.get_by_role("link", name="Staff records", exact=True))
    see(frame, "Staff records")
    assert_accessible(frame)
    InFrame().press(frame.get_by_role("button", name="Open in a new tab"))
    assert_accessible(frame)
    assert_accessible(press_for_a_window(page))
    assert_accessible(press_twice(page))


@SIZES
def test_what_a_newcomer_and_a_course_editor_see(
    browse: Browse, course: Course, options: dict[str, Any], width: int
) -> None:
    context = browse(**options, bypass_csp=True)
    frame = tool_in(open_course(context, course, user="newcomer", width=width))
    expect(frame.get_by_role("heading", level=1)).to_contain_text("What are you at")
    assert_accessible(frame)
    InFrame().press(button(frame, "Continue"))
    assert_accessible(frame)
    frame = tool_in(open_course(context, course, user="tom", hint=CHOOSE, width=width))
    see(frame, "Add training to your course")
    assert_accessible(frame)


@SIZES
def test_what_she_sees_where_none_are(
    browse: Browse, course: Course, options: dict[str, Any], width: int
) -> None:
    context = browse(BLOCKED, **options, bypass_csp=True)
    frame = tool_in(open_course(context, course, width=width))
    expect(frame.locator("main")).to_contain_text("keeps our cookies out")
    assert_accessible(frame)
    frame = tool_in(open_course(context, course, width=width, hint=CHOOSE))
    expect(frame.locator("main")).to_contain_text("Allow cookies")
    assert_accessible(frame)
    frame = tool_in(open_course(context, course, width=width, storage="parent"))
    see(frame, "Go on in a new window")
    assert_accessible(frame)
    frame = tool_in(open_course(context, course, width=width, storage="wrong"))
    see(frame, "We couldn’t open your training")
    assert_accessible(frame)
    frame = tool_in(open_course(context, course, width=width, storage="forgetful"))
    expect(frame.get_by_role("button", name="Ask again")).to_be_visible()
    assert_accessible(frame)


@SIZES
def test_what_she_sees_when_her_session_is_over(
    browse: Browse, course: Course, options: dict[str, Any], width: int
) -> None:
    context = browse(**options, bypass_csp=True)
    frame = tool_in(open_course(context, course, width=width))
    see(frame, "My training")
    context.clear_cookies()
    button(frame, "Start").click()
    see(frame, "Open this again from your course")
    assert_accessible(frame)
