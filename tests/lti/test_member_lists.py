"""Reading who is in a course, from a strict platform over real HTTP: whole, or not at all."""

from __future__ import annotations

from typing import Any

import pytest

from lms.lti import services as service_module
from lms.lti.services import Member
from tests.lti.sides import LEARNER, Sides, member
from tests.lti.stand_in import Fault, Reply, fault


def test_a_course_is_read_over_all_its_pages(sides: Sides) -> None:
    sides.platform.list_course([member(f"u-{n}") for n in range(5)], page_size=2)
    assert [m.user_id for m in sides.members()] == ["u-0", "u-1", "u-2", "u-3", "u-4"]
    assert len(sides.platform.asked("members")) == 3


def test_a_member_is_read_with_what_the_platform_tells(sides: Sides) -> None:
    told = member(
        "u-1",
        name="Ada  Lovelace",
        given_name="Ada",
        family_name="Lovelace",
        email="Ada@School.example",
        lis_person_sourcedid="",
        picture="https://x/y.png",
    )
    sides.platform.list_course([told, {"user_id": "u-2", "roles": [], "status": "Inactive", "name": None}])
    ada, other = sides.members()
    expected = ("Ada Lovelace", "Ada", "Lovelace", "ada@school.example", None, (LEARNER,), "Active")
    assert (ada.name, ada.given, ada.family, ada.email, ada.staff_no, ada.roles, ada.status) == expected
    assert other == Member("u-2", "Inactive", "", "", "", None, None, ())


def test_somebody_on_two_pages_is_one_member(sides: Sides) -> None:
    sides.platform.list_course([member("u-1"), member("u-2"), member("u-1")], page_size=2)
    assert [m.user_id for m in sides.members()] == ["u-1", "u-2"]


def test_twenty_thousand_members_on_one_page_are_read(sides: Sides) -> None:
    names = {
        "name": "A name of usual length",
        "email": "somebody.else@school.example.org",
        "picture": "p" * 100,
    }
    sides.platform.list_course([member(f"user-{n}", **names) for n in range(20_000)])
    assert len(sides.members()) == 20_000


@pytest.mark.parametrize(
    ("entry", "why"),
    [
        ("u-1", "entry 2 is not a member"),
        ({"roles": []}, "entry 2 has no proper user_id"),
        ({"user_id": "", "roles": []}, "entry 2 has no proper user_id"),
        ({"user_id": "a\u0000b", "roles": []}, "entry 2 has no proper user_id"),
        ({"user_id": "u" * 256, "roles": []}, "entry 2 has no proper user_id"),
        ({"user_id": 7, "roles": []}, "entry 2 has no proper user_id"),
        ({"user_id": "u", "roles": "Learner"}, "entry 2 has no proper roles"),
        ({"user_id": "u", "roles": [None]}, "entry 2 has no proper roles"),
        ({"user_id": "u", "roles": [], "status": "Gone"}, "entry 2 has a status that is none of"),
    ],
)
def test_a_list_with_junk_in_it_is_refused_whole_and_says_where(
    sides: Sides, entry: object, why: str
) -> None:
    sides.platform.next("members", fault(200, {"members": [member("u-1"), entry]}))
    error = sides.unreadable()
    assert error.final
    assert f"Moodle gave a list of members that can't be used: {why}" in error.reason


@pytest.mark.parametrize("body", [{}, {"members": None}, []])
def test_an_answer_without_members_is_never_an_empty_course(sides: Sides, body: object) -> None:
    sides.platform.next("members", fault(200, body))
    assert "can't be used" in sides.unreadable().reason


@pytest.mark.parametrize("what", [Fault.HALF, Fault.PROSE, Fault.DROP, Fault.ELSEWHERE])
def test_a_list_that_breaks_on_its_second_page_gives_nothing(sides: Sides, what: Fault) -> None:
    sides.platform.list_course([member(f"u-{n}") for n in range(4)], page_size=2)
    first = sides.platform.answer

    def answer(method: str, target: str, headers: Any, body: bytes) -> Fault | Reply:
        return what if "Cursor" in target else first(method, target, headers, body)

    sides.platform._server.answering = answer  # type: ignore[attr-defined]
    assert sides.unreadable().reason


def test_a_list_that_leads_to_another_server_is_refused_before_it_is_asked(sides: Sides) -> None:
    link = '<http://localhost:1/x>; rel="next"'
    sides.platform.next("members", fault(200, {"members": []}, headers={"Link": link}))
    assert sides.unreadable().reason.endswith("can't be used: its next page is on another server.")


def test_a_list_that_goes_round_in_circles_is_refused(sides: Sides) -> None:
    link = f'<{sides.platform.members_url}>; rel="next"'
    sides.platform.next("members", fault(200, {"members": []}, headers={"Link": link}))
    assert sides.unreadable().reason.endswith("its pages go round in circles.")


def test_a_list_of_too_many_pages_fails_and_is_not_cut(sides: Sides, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service_module, "MOST_PAGES", 2)
    sides.platform.list_course([member(f"u-{n}") for n in range(5)], page_size=2)
    assert sides.unreadable().reason.endswith("it has more than 2 pages.")


@pytest.mark.parametrize(
    "link",
    [
        "</Services/CourseSection/aBcD/Memberships?rlid=Xy9&Cursor=pG1>; rel=next",
        '<{}&Cursor=pG1>;rel="last NEXT"; title="a, b"',
        '<{}&since=1>; rel="differences", <{}&Cursor=pG1>; rel="next"',
    ],
)
def test_the_next_page_is_found_however_the_header_is_written(sides: Sides, link: str) -> None:
    sides.platform.list_course([member("u-1"), member("u-2")], page_size=1)
    header = {"Link": link.replace("{}", sides.platform.members_url)}
    sides.platform.next("members", fault(200, {"members": [member("u-0")]}, headers=header))
    assert [m.user_id for m in sides.members()] == ["u-0", "u-2"]


@pytest.mark.parametrize(
    ("status", "final", "words"),
    [
        (403, True, "Moodle does not let Countersign see who is in this course."),
        (404, True, "Moodle no longer has this course, or does not list its members."),
        (429, False, "Moodle is busy, and asks us to wait."),
        (500, False, "Moodle answered with an error of its own (500)."),
    ],
)
def test_a_refused_list_says_why(sides: Sides, status: int, final: bool, words: str) -> None:
    sides.platform.next("members", fault(status))
    error = sides.unreadable()
    assert (error.final, error.reason) == (final, words)
