"""What a link opens, and what is kept of courses and links."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

from lms.db import session, transaction
from lms.lti import places
from lms.lti.claims import AGS
from lms.lti.identities import make
from lms.lti.places import PROGRAMME, Context, LinkUse, ResourceLink
from lms.lti.platforms import Deployment, Registration
from tests.conftest import NOW
from tests.factories import make_school
from tests.lti import forger
from tests.lti.claiming import AGS_ENDPOINT, launched, with_custom

pytestmark = pytest.mark.usefixtures("in_app")

MODULE_PAGE = {"target_link_uri": f"{forger.OURS}/modules/friend-request"}


class Course:
    """A platform's course, and the links that were opened in it."""

    def __init__(self) -> None:
        self.school = make_school()
        self.registration: Registration = forger.connect(self.school)
        self.deployment = session.scalars(sa.select(Deployment)).one()

    def link(self, target: str, **changes: Any) -> ResourceLink:
        claims = launched(**changes)
        context = places.make_context(self.deployment, claims) if claims.context_id else None
        return places.make_link(self.deployment, context, claims, target, NOW)

    def target(self, link: ResourceLink | None = None, **changes: Any) -> str:
        return places.target_of(launched(**changes), link, self.registration.id)


@pytest.fixture
def course(in_app: None) -> Any:
    with transaction():
        yield Course()


def test_our_own_parameter_says_what_a_link_opens_before_anything_else(course: Course) -> None:
    link = course.link("security-settings")

    assert course.target(link, **with_custom(countersign="personal-use"), **MODULE_PAGE) == "personal-use"
    assert course.target(link, **with_custom(countersign="programme"), **MODULE_PAGE) == PROGRAMME


def test_the_address_of_a_module_comes_second(course: Course) -> None:
    assert course.target(course.link("security-settings"), **MODULE_PAGE) == "friend-request"


@pytest.mark.parametrize("value", ["$Custom.unknown", "a=b", "../admin", "x" * 101, "Friend Request"])
def test_a_parameter_that_names_nothing_counts_as_missing(course: Course, value: str) -> None:
    assert (
        course.target(course.link("security-settings"), **with_custom(countersign=value))
        == "security-settings"
    )


def test_a_link_that_says_nothing_opens_what_it_did_before_and_else_the_programme(course: Course) -> None:
    assert course.target(course.link("security-settings")) == "security-settings"
    assert course.target() == PROGRAMME


def test_a_copied_link_opens_what_its_original_did(course: Course) -> None:
    course.link("friend-request", resource_link={"id": "old,1"})
    course.link("personal-use", resource_link={"id": "older"})

    assert course.target(**with_custom(link_history="unheard-of,old%2C1,older")) == "friend-request"


def test_a_link_in_a_copied_course_opens_what_the_link_of_its_title_did(course: Course) -> None:
    course.link("friend-request", context={"id": "2025"}, resource_link={"id": "1", "title": "Friends"})
    course.link("personal-use", context={"id": "2025"}, resource_link={"id": "2", "title": "Phones"})
    copied = {"context": {"id": "2026"}, "resource_link": {"id": "9", "title": "Phones"}}

    assert course.target(**copied, **with_custom(context_history="2025")) == "personal-use"


def test_two_links_of_one_title_say_nothing_of_a_copy(course: Course) -> None:
    for number, target in enumerate(["friend-request", "personal-use"]):
        course.link(target, context={"id": "2025"}, resource_link={"id": str(number), "title": "Training"})
    copied = {"resource_link": {"id": "9", "title": "Training"}}

    assert course.target(**copied, **with_custom(context_history="2025")) == PROGRAMME


@pytest.mark.parametrize("history", ["$ResourceLink.id.history", "%00,%", ",,,"])
def test_a_history_that_cannot_be_read_is_no_history(course: Course, history: str) -> None:
    course.link("friend-request", resource_link={"id": "old"})

    assert course.target(**with_custom(link_history=history, context_history=history)) == PROGRAMME


def test_another_platforms_link_of_the_same_id_is_not_the_original(course: Course) -> None:
    other = forger.connect(course.school, client_id="other")
    deployment = session.scalars(sa.select(Deployment).where(Deployment.registration_id == other.id)).one()
    places.make_link(deployment, None, launched(resource_link={"id": "old"}), "friend-request", NOW)

    assert course.target(**with_custom(link_history="old")) == PROGRAMME


def test_a_course_and_a_link_are_kept_once_and_follow_what_the_platform_says(course: Course) -> None:
    first, again = course.link(PROGRAMME), course.link(PROGRAMME)
    context = session.scalars(sa.select(Context)).one()
    later = launched(
        resource_link={"id": "link-1", "title": "New title"},
        context={"id": "course-1"},
        **{AGS: AGS_ENDPOINT},
    )

    places.refresh_context(context, later)
    places.refresh_link(first, context, later, "friend-request")
    session.flush()

    assert first is again
    assert (context.title, context.organisation_id) == ("Staff induction", course.school.id)
    assert (first.title, first.target, first.lineitem) == (
        "New title",
        "friend-request",
        AGS_ENDPOINT["lineitem"],
    )
    places.refresh_link(first, context, launched(), PROGRAMME)
    assert first.lineitem == AGS_ENDPOINT["lineitem"], "what a launch leaves out stays"


def test_a_line_item_that_takes_no_scores_is_none_of_ours(course: Course) -> None:
    read_only = {**AGS_ENDPOINT, "scope": ["https://purl.imsglobal.org/spec/lti-ags/scope/lineitem.readonly"]}

    assert course.link(PROGRAMME, **{AGS: read_only}).lineitem is None


def test_that_somebody_opened_a_link_is_noted_once(course: Course) -> None:
    link = course.link(PROGRAMME)
    identity = make(course.registration, course.school, launched(), NOW)

    assert [places.note_use(link, identity.id, NOW) for _ in range(2)] == [True, False]
    assert session.scalar(sa.select(sa.func.count()).select_from(LinkUse)) == 1


def test_the_parameters_of_our_links_hold_no_equals_sign(course: Course) -> None:
    assert places.custom("friend-request") == {
        "countersign": "friend-request",
        "link_history": "$ResourceLink.id.history",
        "context_history": "$Context.id.history",
    }
