"""What a platform's roles give here: learner, unless the table or the school says otherwise."""

from __future__ import annotations

import pytest

from lms.lti.platforms import Registration
from lms.lti.roles import may_edit_courses, role_of
from lms.people import RoleName

COURSE = "http://purl.imsglobal.org/vocab/lis/v2/membership"
INSTITUTION = "http://purl.imsglobal.org/vocab/lis/v2/institution/person"
SYSTEM = "http://purl.imsglobal.org/vocab/lis/v2/system/person"
TEST_USER = "http://purl.imsglobal.org/vocab/lti/system/person#TestUser"


def given(*roles: str, **overrides: str) -> RoleName:
    return role_of(Registration(role_overrides=overrides), roles)


@pytest.mark.parametrize(
    "role",
    [
        f"{COURSE}#Learner",
        f"{COURSE}#Instructor",
        f"{COURSE}/Instructor#TeachingAssistant",
        f"{COURSE}#Mentor",
        f"{COURSE}#Administrator",
        f"{COURSE}/Administrator#SystemAdministrator",
        "Instructor",
        "Administrator",
        f"{INSTITUTION}#Staff",
        f"{INSTITUTION}#Observer",
        f"{SYSTEM}#SysSupport",
        "http://example.org/person#Administrator",
        "urn:lti:instrole:ims/lis/Administrator",
        "#Administrator",
        "",
    ],
)
def test_everybody_but_an_administrator_of_the_platform_is_a_learner(role: str) -> None:
    assert given(role) is RoleName.LEARNER


@pytest.mark.parametrize("space", [INSTITUTION, SYSTEM])
def test_an_administrator_of_the_institution_or_platform_is_an_administrator_here(space: str) -> None:
    assert given(f"{space}#Administrator") is RoleName.ADMIN


def test_no_role_at_all_is_a_learner() -> None:
    assert given() is RoleName.LEARNER


def test_the_highest_of_several_roles_counts() -> None:
    roles = (f"{COURSE}#Learner", f"{INSTITUTION}#Administrator", f"{COURSE}#Instructor")

    assert given(*roles) is RoleName.ADMIN
    assert (
        given(f"{COURSE}#Instructor", f"{COURSE}#Manager", Instructor="manager", Manager="hr") is RoleName.HR
    )


@pytest.mark.parametrize(
    "role", ["Instructor", f"{COURSE}#Instructor", f"{COURSE}/Instructor#TeachingAssistant"]
)
def test_a_school_may_have_its_instructors_see_as_managers(role: str) -> None:
    assert given(role, Instructor="manager") is RoleName.MANAGER


def test_a_school_may_give_administrators_of_the_platform_less() -> None:
    assert given(f"{SYSTEM}#Administrator", Administrator="learner") is RoleName.LEARNER
    assert given(f"{SYSTEM}#Administrator", Administrator="hr") is RoleName.HR


@pytest.mark.parametrize("chosen", ["admin", "owner", ""])
def test_no_override_makes_an_administrator(chosen: str) -> None:
    assert given("Instructor", Instructor=chosen) is RoleName.LEARNER


def test_an_override_for_administrators_gives_nothing_to_those_of_a_course() -> None:
    assert given(f"{COURSE}#Administrator", "Administrator", Administrator="hr") is RoleName.LEARNER


@pytest.mark.parametrize("role", ["Mentor", "Learner", f"{INSTITUTION}#Observer", f"{SYSTEM}#User"])
def test_roles_of_parents_and_pupils_cannot_be_overridden(role: str) -> None:
    assert given(role, Mentor="hr", Learner="hr", Observer="hr", User="hr") is RoleName.LEARNER


@pytest.mark.parametrize("mark", [TEST_USER, "TestUser"])
def test_a_test_user_is_a_learner_whatever_else_it_is(mark: str) -> None:
    assert given(f"{INSTITUTION}#Administrator", mark) is RoleName.LEARNER


@pytest.mark.parametrize(
    ("role", "may"),
    [
        (f"{COURSE}#Instructor", True),
        ("Instructor", True),
        (f"{COURSE}/Instructor#TeachingAssistant", True),
        (f"{COURSE}#ContentDeveloper", True),
        (f"{COURSE}#Administrator", True),
        (f"{SYSTEM}#Administrator", True),
        (f"{COURSE}#Learner", False),
        (f"{COURSE}#Mentor", False),
        (f"{INSTITUTION}#Instructor", False),
        (f"{INSTITUTION}#Staff", False),
        ("", False),
    ],
)
def test_those_who_build_a_course_may_choose_what_is_in_it(role: str, may: bool) -> None:
    assert may_edit_courses([f"{COURSE}#Learner", role]) is may
