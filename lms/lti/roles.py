"""What a platform's roles give somebody here, for as long as their session lasts.

Source: LTI 1.3 core, appendix A.2: context roles may come as short names, institution and system roles never do.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from lms.lti.platforms import Registration
from lms.people import RoleName

_COURSE = "http://purl.imsglobal.org/vocab/lis/v2/membership"
_WHOLE = (
    "http://purl.imsglobal.org/vocab/lis/v2/institution/person",
    "http://purl.imsglobal.org/vocab/lis/v2/system/person",
)
_TEST_USER = "http://purl.imsglobal.org/vocab/lti/system/person#TestUser"

ADMINISTRATOR = "Administrator"
"""The name, in a platform's overrides, of who administers the institution or the platform itself; a course's
administrator isn't one."""

OVERRIDABLE = {
    ADMINISTRATOR: "Administrator of the platform",
    "Manager": "Manager",
    "Instructor": "Teacher of a course (Instructor)",
    "ContentDeveloper": "Course editor (Content developer)",
    "Officer": "Officer",
    "Staff": "Staff",
    "Faculty": "Faculty",
}
"""The roles of a platform that an administrator of ours may give other powers than the table does, with words."""

CHOOSABLE = (RoleName.LEARNER, RoleName.MANAGER, RoleName.HR)
"""What an override may give. Nobody becomes an administrator by one."""

_DEFAULTS = {ADMINISTRATOR: RoleName.ADMIN}
_RANK = list(RoleName)
_EDITORS = frozenset({"Instructor", "ContentDeveloper", ADMINISTRATOR})


class _Role(NamedTuple):
    """One role claim, taken apart."""

    is_of_course: bool
    name: str
    """The principal role: `Instructor` also for a teaching assistant."""


def role_of(registration: Registration, roles: Iterable[str]) -> RoleName:
    """Return what the roles of a launch give at the deployment's school: the highest of them, or learner.

    Everybody is a learner, teachers of a course included: a colleague's progress is not their business unless the
    platform's overrides say so. The platform's own test users are never more.
    """
    claimed = list(roles)
    if _is_test_user(claimed):
        return RoleName.LEARNER
    given = (_given(registration.role_overrides, role) for role in _read(claimed))
    return max(given, key=_RANK.index, default=RoleName.LEARNER)


def may_edit_courses(roles: Iterable[str]) -> bool:
    """Say whether the roles of a launch are those of somebody who builds the course that it came from."""
    return any(role.name in _EDITORS for role in _read(roles) if _counts_in_course(role))


def _counts_in_course(role: _Role) -> bool:
    # Somebody may teach at the institution and be a learner in this course.
    return role.is_of_course or role.name == ADMINISTRATOR


def _given(overrides: Mapping[str, str], role: _Role) -> RoleName:
    if role.name not in OVERRIDABLE or (role.is_of_course and role.name == ADMINISTRATOR):
        return RoleName.LEARNER
    usual = _DEFAULTS.get(role.name, RoleName.LEARNER)
    chosen = overrides.get(role.name)
    return RoleName(chosen) if chosen in CHOOSABLE else usual


def _is_test_user(roles: Iterable[str]) -> bool:
    return any(role in (_TEST_USER, "TestUser") for role in roles)


def _read(roles: Iterable[str]) -> list[_Role]:
    return [found for found in map(_parted, roles) if found is not None]


def _parted(role: str) -> _Role | None:
    """Return a role's parts; None for one of no vocabulary that we know."""
    space, _, name = role.rpartition("#")
    if not space:
        return _Role(True, name.partition("/")[0])
    if space in _WHOLE:
        return _Role(False, name)
    if space == _COURSE:
        return _Role(True, name)
    # Of a sub-role such as membership/Instructor#TeachingAssistant the principal role comes before the mark.
    return _Role(True, space.removeprefix(f"{_COURSE}/")) if space.startswith(f"{_COURSE}/") else None
