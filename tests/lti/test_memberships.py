"""Who is in a course: read whole or not at all, and never more than proposed to HR."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from lms.db import session, transaction
from lms.lti import joiners, leavers, member_pages, memberships
from lms.lti.fetching import Outgoing
from lms.lti.identities import Identity
from lms.lti.joiners import Joiner
from lms.lti.memberships import EMPTY, LEASE, Course, Membership
from lms.lti.platforms import RegistrationState
from lms.lti.services import Services
from lms.lti.tool_keys import ToolKeys
from lms.people import Engagement, EngagementType, Person
from lms.schools import Organisation
from tests.conftest import Clock
from tests.factories import engagement_of, make_person, make_school
from tests.lti.grade_book import place
from tests.lti.stand_in import Fault, Reply, StandIn, fault

pytestmark = pytest.mark.usefixtures("in_app")

MEMBERSHIP = "http://purl.imsglobal.org/vocab/lis/v2/membership#"
PRIYA, TOMOS, ADA = ("u-1", "Priya", "Nair"), ("u-2", "Tomos", "Evans"), ("u-3", "Ada", "Okafor")


def member(sub: str, given: str, family: str, role: str = "Learner", **more: Any) -> dict[str, Any]:
    return {
        "user_id": sub,
        "given_name": given,
        "family_name": family,
        "email": f"{given.lower()}@school.test",
        "roles": [MEMBERSHIP + role],
        **more,
    }


@dataclass
class Roster:
    """A course of a school, and the platform that lists its members."""

    platform: StandIn
    services: Services
    time: Clock
    school: Organisation
    course: Course

    def list(self, *people: tuple[str, str, str], page_size: int = 0) -> None:
        """Set who is in the course."""
        self.platform.list_course([member(*who) for who in people], page_size)

    def sync(self) -> None:
        """Have the course read now, a minute later than before."""
        self.time.now += timedelta(minutes=1)
        with transaction():
            memberships.want(self.now, self.time.now)
        assert memberships.sync_next(self.services, self.time.now)

    @property
    def now(self) -> Course:
        """The course as it is recorded. In a transaction."""
        session.expire_all()
        return memberships.course(self.school.id, self.course.context.id)

    def look(self) -> Course:
        """The course as it is recorded."""
        with transaction(write=False):
            return self.now

    def rows(self) -> list[Membership]:
        with transaction(write=False):
            wanted = sa.select(Membership).order_by(Membership.sort_name, Membership.recorded_from)
            return list(session.scalars(wanted.execution_options(populate_existing=True)))

    def names(self) -> list[str]:
        """Return who is in the course now."""
        return [row.name for row in self.rows() if row.recorded_to is None]

    def joining(self, **wanted: Any) -> list[Joiner]:
        with transaction(write=False):
            return joiners.joiners(self.now, **wanted).people

    def leaving(self) -> list[str]:
        with transaction(write=False):
            return [one.person.name for one in leavers.leavers(self.now, self.time.now).people]

    def know(self, sub: str, person: Person) -> None:
        """Have somebody come by the platform."""
        with transaction():
            found = joiners.joiners(self.now).people
            one = next(joiner.membership for joiner in found if joiner.membership.sub == sub)
            joiners.link(self.now, one, person, self.time.now)


@pytest.fixture(scope="module")
def tool_keys(tmp_path_factory: pytest.TempPathFactory) -> ToolKeys:
    """Our keys, made once: a new RSA key takes a while."""
    return ToolKeys(tmp_path_factory.mktemp("keys"))


@pytest.fixture
def roster(app: Flask, time: Clock, tool_keys: ToolKeys) -> Iterator[Roster]:
    with StandIn(tool_keys.published, clock=lambda: time.now) as platform:
        with transaction():
            school = make_school()
            placed = place(platform, school)
        services = Services(Outgoing(allow_private=True), tool_keys, "https://countersign.test")
        yield Roster(platform, services, time, school, Course(placed.course, placed.registration))


def test_a_course_is_read_over_all_its_pages(roster: Roster) -> None:
    roster.list(PRIYA, TOMOS, ADA, page_size=2)
    roster.sync()
    assert roster.names() == ["Tomos Evans", "Priya Nair", "Ada Okafor"]
    found = roster.look().context
    assert found.synced_at == roster.time.now
    assert found.sync_problem is None
    assert found.sync_wanted_at is None
    assert len(roster.platform.asked("members")) == 2


def test_reading_it_again_changes_nothing_where_nothing_changed(roster: Roster) -> None:
    roster.list(PRIYA, TOMOS)
    roster.sync()
    before = [(row.id, row.recorded_from) for row in roster.rows()]
    roster.sync()
    assert [(row.id, row.recorded_from) for row in roster.rows()] == before


def test_a_new_name_is_recorded_beside_the_old(roster: Roster) -> None:
    roster.list(PRIYA)
    roster.sync()
    roster.list(("u-1", "Priya", "Nair-Jones"))
    roster.sync()
    first, second = sorted(roster.rows(), key=lambda row: row.recorded_from)
    assert (first.name, first.recorded_to) == ("Priya Nair", second.recorded_from)
    assert first.id == second.id
    assert roster.names() == ["Priya Nair-Jones"]
    assert roster.leaving() == []


def test_who_has_gone_is_proposed_as_a_leaver_and_nothing_else_is_changed(roster: Roster) -> None:
    with transaction():
        priya = make_person(roster.school, forename="Priya", surname="Nair")
    roster.list(PRIYA, TOMOS)
    roster.sync()
    roster.know("u-1", priya)
    roster.list(TOMOS)
    roster.sync()
    assert roster.leaving() == ["Priya Nair"]
    with transaction(write=False):
        assert engagement_of(priya).ends is None


@pytest.mark.parametrize("status", ["Inactive", "Deleted"])
def test_who_is_listed_as_not_active_has_gone(roster: Roster, status: str) -> None:
    roster.list(PRIYA, TOMOS)
    roster.sync()
    roster.platform.list_course([member(*PRIYA, status=status), member(*TOMOS)])
    roster.sync()
    assert roster.names() == ["Tomos Evans"]


def test_who_comes_back_is_proposed_no_more(roster: Roster) -> None:
    with transaction():
        priya = make_person(roster.school, forename="Priya", surname="Nair")
    roster.list(PRIYA, TOMOS)
    roster.sync()
    roster.know("u-1", priya)
    roster.list(TOMOS)
    roster.sync()
    roster.list(PRIYA, TOMOS)
    roster.sync()
    assert roster.leaving() == []
    assert roster.names() == ["Tomos Evans", "Priya Nair"]


def test_somebody_who_was_never_on_record_is_not_proposed(roster: Roster) -> None:
    roster.list(PRIYA, TOMOS)
    roster.sync()
    roster.list(TOMOS)
    roster.sync()
    assert roster.leaving() == []


TROUBLES = [fault(500), fault(403), fault(404), Fault.HALF, Fault.DROP, Fault.PROSE, Fault.ELSEWHERE]


@pytest.mark.parametrize("trouble", TROUBLES, ids=str)
def test_a_list_that_can_not_be_had_changes_nothing_and_says_why(
    roster: Roster, trouble: Fault | Reply
) -> None:
    roster.list(PRIYA, TOMOS, ADA, page_size=2)
    roster.sync()
    read_at = roster.time.now
    roster.list(PRIYA, page_size=2)
    roster.platform.always("members", trouble)
    roster.sync()
    found = roster.look().context
    assert roster.names() == ["Tomos Evans", "Priya Nair", "Ada Okafor"]
    assert found.synced_at == read_at
    assert found.sync_problem
    assert found.sync_wanted_at is None
    roster.platform.well("members")
    roster.sync()
    assert roster.names() == ["Priya Nair"]
    assert roster.look().context.sync_problem is None


def test_a_list_that_breaks_off_after_its_first_page_changes_nothing(roster: Roster) -> None:
    roster.list(PRIYA, TOMOS, ADA, page_size=1)
    roster.sync()
    whole = roster.platform._memberships

    def first_page_alone(question: Any) -> Fault | Reply:
        return fault(503) if "Cursor" in question.target else whole(question)

    roster.platform._memberships = first_page_alone  # type: ignore[method-assign]
    roster.sync()
    assert len(roster.names()) == 3
    assert roster.look().context.sync_problem == "Moodle answered with an error of its own (503)."


def test_a_list_that_is_longer_than_we_read_changes_nothing(
    roster: Roster, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lms.lti import services

    roster.list(PRIYA, TOMOS, ADA, page_size=1)
    roster.sync()
    roster.list(PRIYA, TOMOS, page_size=1)
    monkeypatch.setattr(services, "MOST_PAGES", 1)
    roster.sync()
    assert len(roster.names()) == 3
    assert "more than 1 pages" in (roster.look().context.sync_problem or "")


def test_an_empty_list_is_not_taken_for_everybody_having_left_unless_hr_says_so(roster: Roster) -> None:
    with transaction():
        priya = make_person(roster.school, forename="Priya", surname="Nair")
    roster.list(PRIYA)
    roster.sync()
    roster.know("u-1", priya)
    roster.list()
    roster.sync()
    assert roster.look().context.sync_problem == EMPTY
    assert roster.leaving() == []
    with transaction():
        memberships.accept_empty(roster.now, roster.time.now)
    assert roster.leaving() == ["Priya Nair"]
    assert roster.look().context.sync_problem is None


def test_a_course_that_was_always_empty_is_no_problem(roster: Roster) -> None:
    roster.list()
    roster.sync()
    assert roster.look().context.sync_problem is None


def test_of_two_readings_at_once_the_later_stays(roster: Roster, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first is asked for before the second, and answered after it."""
    roster.list(PRIYA)
    with transaction():
        memberships.want(roster.now, roster.time.now)
    asked_first, later = roster.time.now, roster.time.now + timedelta(minutes=1)

    class Overtaken:
        def members(self, registration: Any, url: str, now: datetime) -> list[member_pages.Member]:
            old = roster.services.members(registration, url, now)
            roster.list(PRIYA, TOMOS)
            with transaction():
                memberships.want(roster.now, later)
            assert memberships.sync_next(roster.services, later)
            return old

    assert memberships.sync_next(Overtaken(), asked_first)  # type: ignore[arg-type]
    assert roster.names() == ["Tomos Evans", "Priya Nair"]
    assert roster.look().context.synced_at == later


def test_a_course_whose_worker_was_killed_is_read_again(roster: Roster) -> None:
    class KilledError(BaseException):
        pass

    class Killed:
        def members(self, *_: object) -> None:
            raise KilledError

    roster.list(PRIYA)
    with transaction():
        memberships.want(roster.now, roster.time.now)
    with pytest.raises(KilledError):
        memberships.sync_next(Killed(), roster.time.now)  # type: ignore[arg-type]
    assert not memberships.sync_next(roster.services, roster.time.now), "the worker may still be at it"
    roster.time.now += LEASE
    assert memberships.sync_next(roster.services, roster.time.now)
    assert roster.names() == ["Priya Nair"]


def test_every_course_is_read_once_a_night_in_london(roster: Roster) -> None:
    roster.list(PRIYA)
    roster.time.now = datetime.fromisoformat("2026-07-01T00:00:00+00:00")  # one in the morning, in summer
    with transaction():
        memberships.plan_night(roster.time.now)
    wanted = roster.look().context.sync_wanted_at
    assert wanted is not None
    assert 0 <= (wanted - roster.time.now) / timedelta(hours=1) < 4
    roster.time.now += timedelta(hours=4)
    assert memberships.sync_next(roster.services, roster.time.now)
    assert not memberships.sync_next(roster.services, roster.time.now)


def test_a_paused_platform_is_not_asked_at_night(roster: Roster) -> None:
    with transaction():
        roster.now.registration.state = RegistrationState.PAUSED
    with transaction():
        memberships.plan_night(roster.time.now)
    assert roster.look().context.sync_wanted_at is None


# Joins


def test_hr_puts_somebody_on_record_before_they_have_come(roster: Roster) -> None:
    roster.list(PRIYA, TOMOS)
    roster.sync()
    (tomos, _) = roster.joining()
    with transaction():
        joiners.add(roster.now, roster.school, tomos, EngagementType.GOVERNOR, roster.time.now)
    assert [one.membership.name for one in roster.joining()] == ["Priya Nair"]
    with transaction(write=False):
        identity = session.scalars(sa.select(Identity)).one()
        person = session.get_one(Person, identity.person_id)
        engagement = engagement_of(person)
        assert (identity.sub, identity.made_person) == ("u-2", True)
        assert (person.forename, person.surname, person.email) == ("Tomos", "Evans", "tomos@school.test")
        assert (engagement.type, engagement.starts) == (EngagementType.GOVERNOR, date(2026, 9, 7))


def test_somebody_on_hrs_list_with_the_same_address_is_offered_and_not_taken(roster: Roster) -> None:
    with transaction():
        listed = make_person(roster.school, forename="P", surname="Nair", email="priya@school.test")
        make_person(make_school(), email="priya@school.test")
    roster.list(PRIYA)
    roster.sync()
    (one,) = roster.joining()
    assert [person.id for person in one.matches] == [listed.id]
    roster.know("u-1", listed)
    assert roster.joining() == []
    with transaction(write=False):
        assert session.scalars(sa.select(Identity.person_id)).all() == [listed.id]
        assert session.scalar(sa.select(sa.func.count()).select_from(Engagement)) == 2


def test_people_of_a_course_are_found_by_name_and_role(roster: Roster) -> None:
    roster.platform.list_course(
        [member(*PRIYA), member(*TOMOS, "Instructor"), member("u-9", "Siân", "Lloyd")]
    )
    roster.sync()
    assert [one.membership.name for one in roster.joining(role="Instructor")] == ["Tomos Evans"]
    assert [one.membership.name for one in roster.joining(name="sian")] == ["Siân Lloyd"]


def test_a_course_of_twenty_thousand_is_recorded_in_seconds(roster: Roster) -> None:
    people = [(f"u-{n}", f"Person{n}", "Many") for n in range(20_000)]
    roster.list(*people)
    roster.sync()
    with transaction(write=False):
        page = joiners.joiners(roster.now, page=400)
    assert (page.total, page.pages, len(page.people)) == (20_000, 800, 25)
    roster.list(*people[:-1])
    roster.sync()
    assert len(roster.names()) == 19_999
