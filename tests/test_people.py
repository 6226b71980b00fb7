"""People and their engagements: what was recorded when, and that a correction doesn't rewrite an earlier day."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
import sqlalchemy as sa

from lms.clock import end_of_day, london_day
from lms.db import session, transaction
from lms.errors import ConflictError
from lms.people import (
    Engagement,
    EngagementType,
    Person,
    RoleName,
    add_person,
    end_engagement,
    give_role,
    is_current,
    people_with_email,
    roles_of,
)
from tests.conftest import NOW
from tests.factories import BEFORE, engagement_of, make_person, make_school

pytestmark = pytest.mark.usefixtures("in_app")
LAST_DAY = date(2026, 12, 18)


@pytest.fixture
def person() -> Person:
    with transaction():
        return make_person(make_school())


def last_days_at(person: Person, moment: datetime) -> list[date | None]:
    """Return the last day of each engagement that was on record at a moment."""
    with transaction(write=False):
        query = sa.select(Engagement.ends).where(
            Engagement.person_id == person.id, Engagement.recorded_at(moment)
        )
        return list(session.scalars(query))


def leave(person: Person, now: datetime) -> None:
    with transaction():
        end_engagement(engagement_of(person), ends=LAST_DAY, now=now)


def test_a_last_day_is_on_record_from_the_instant_it_was_recorded_and_not_before(person: Person) -> None:
    leave(person, NOW)
    instant = timedelta(microseconds=1)
    assert last_days_at(person, NOW - instant) == [None]
    assert last_days_at(person, NOW) == [LAST_DAY]
    assert last_days_at(person, BEFORE) == [None]
    assert last_days_at(person, BEFORE - instant) == []


def test_what_was_recorded_in_the_last_instant_of_a_day_belongs_to_that_day(person: Person) -> None:
    midnight = end_of_day(london_day(NOW))
    leave(person, midnight)
    assert last_days_at(person, midnight) == [LAST_DAY]


@pytest.mark.parametrize("since", [timedelta(0), timedelta(minutes=-1)])
def test_a_last_day_recorded_at_the_same_instant_or_by_a_clock_set_back_puts_the_row_right(
    person: Person, since: timedelta
) -> None:
    leave(person, BEFORE + since)
    assert last_days_at(person, BEFORE) == last_days_at(person, NOW) == [LAST_DAY]


def test_a_last_day_can_be_corrected_and_taken_back(person: Person) -> None:
    leave(person, NOW)
    with transaction():
        end_engagement(engagement_of(person), ends=date(2027, 3, 31), now=NOW + timedelta(hours=1))
    assert last_days_at(person, NOW) == [LAST_DAY]
    assert last_days_at(person, NOW + timedelta(hours=1)) == [date(2027, 3, 31)]


def test_two_who_correct_the_same_engagement_at_once_leave_one_row_that_is_current(person: Person) -> None:
    with transaction():
        stale = engagement_of(person)
        later = Engagement(
            id=stale.id,
            recorded_from=NOW,
            organisation_id=stale.organisation_id,
            person_id=person.id,
            type=EngagementType.GOVERNOR,
            starts=stale.starts,
        )
    with pytest.raises(ConflictError, match="in another window"), transaction():
        session.add(later)
    assert last_days_at(person, NOW) == [None]


def test_somebody_is_current_on_their_last_day_and_not_on_the_next(person: Person) -> None:
    leave(person, NOW)
    with transaction(write=False):
        engagement = engagement_of(person)
        assert is_current(engagement, end_of_day(LAST_DAY))
        assert not is_current(engagement, end_of_day(LAST_DAY) + timedelta(microseconds=1))


def test_everybody_who_shares_an_address_is_found_by_it_in_any_case() -> None:
    with transaction():
        school = make_school()
        sharing = {make_person(school, email="Office@School.test ").id for _ in range(2)}
        make_person(school, email="other@school.test")
    with transaction(write=False):
        assert {found.id for found in people_with_email(" office@SCHOOL.test")} == sharing


@pytest.mark.parametrize("address", [None, "", "  "])
def test_a_blank_address_is_none(address: str | None) -> None:
    with transaction():
        assert add_person(make_school().root_id, forename="Jo", surname="Lee", email=address).email is None


def test_a_role_given_twice_is_held_once(person: Person) -> None:
    with transaction():
        school_id = engagement_of(person).organisation_id
        for name in (RoleName.HR, RoleName.HR, RoleName.MANAGER):
            give_role(person, school_id, name)
        assert roles_of(person.id) == {school_id: {RoleName.HR, RoleName.MANAGER}}
