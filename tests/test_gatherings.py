"""Gatherings: codes good at one gathering alone, and what a guesser may hope for."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest

from lms import gatherings
from lms.db import session
from lms.errors import NotFoundError
from lms.gatherings import (
    CODE_LENGTH,
    HOUR,
    LONGEST,
    MOST_CODES,
    WHILE,
    WRONG_AT_ONE,
    WRONG_IN_ALL,
    Attendee,
    Counts,
    Gathering,
    Refusal,
)
from lms.people import Person, end_engagement
from lms.short_codes import LETTERS
from tests.conftest import NOW
from tests.factories import World, engagement_of, make_person, make_school

HALLS = 100
"""More halls at once than any trust has."""


@pytest.fixture
def world(in_app: None) -> World:
    return World()


def opened(world: World) -> Gathering:
    return gatherings.open_gathering(
        world.school.id, world.person.id, "INSET", NOW + timedelta(hours=2), NOW, uuid4()
    )


def test_a_guesser_has_no_hope_at_one_gathering_or_at_all_of_them() -> None:
    codes = len(LETTERS) ** CODE_LENGTH
    guesses = WRONG_AT_ONE * (LONGEST / WHILE)
    assert guesses * MOST_CODES / codes < 1 / 50_000
    # Each guess is made at one gathering, against that gathering's codes alone.
    everywhere = min(HALLS * guesses, WRONG_IN_ALL * (LONGEST / HOUR))
    assert everywhere * MOST_CODES / codes < 1 / 10_000


def test_a_hall_that_mistypes_three_times_each_stops_nobody(world: World) -> None:
    hall, other = opened(world), opened(world)
    made = gatherings.make_codes(hall, [world.person.id], "s" * 43, by=world.person.id, now=NOW)
    for _ in range(3 * 150):
        assert gatherings.person_with(hall, "22222222", NOW) is Refusal.WRONG
    found = gatherings.person_with(hall, made[world.person.id], NOW)
    assert isinstance(found, Person)
    for _ in range(WRONG_AT_ONE - 3 * 150):
        gatherings.person_with(hall, "22222222", NOW)
    assert gatherings.person_with(hall, made[world.person.id], NOW) is Refusal.PAUSED
    assert not gatherings.is_paused(other, NOW)
    assert not gatherings.is_paused(hall, NOW + WHILE)


def test_a_code_is_good_at_its_own_gathering_alone(world: World) -> None:
    here, there = opened(world), opened(world)
    code = gatherings.make_codes(here, [world.person.id], "s" * 43, by=world.person.id, now=NOW)[
        world.person.id
    ]
    gatherings.make_codes(there, [world.person.id], "t" * 43, by=world.person.id, now=NOW)
    assert gatherings.person_with(there, code, NOW) is Refusal.WRONG
    assert code not in str([vars(a) for a in session.query(Attendee)])


def test_the_same_press_makes_the_same_codes_and_another_kills_them(world: World) -> None:
    hall = opened(world)
    first, again, other = (
        gatherings.make_codes(hall, [world.person.id], secret * 43, by=world.person.id, now=NOW)
        for secret in "sst"
    )
    assert first == again != other
    assert gatherings.person_with(hall, first[world.person.id], NOW) is Refusal.WRONG
    assert isinstance(gatherings.person_with(hall, other[world.person.id], NOW), Person)


def test_joining_counts_once_and_only_for_those_of_the_school(world: World) -> None:
    hall, stranger = opened(world), make_person(make_school())
    leaver = make_person(world.school)
    end_engagement(engagement_of(leaver), ends=NOW.date() - timedelta(days=1), now=NOW)
    assert gatherings.join(hall, world.person.id, NOW) is None
    assert gatherings.join(hall, world.person.id, NOW + timedelta(minutes=1)) is None
    assert gatherings.join(hall, stranger.id, NOW) is Refusal.NOT_HERE
    assert gatherings.join(hall, leaver.id, NOW) is Refusal.NOT_HERE
    assert gatherings.counts(hall, NOW) == Counts(expected=1, joined=1, signed=0)
    assert session.query(Attendee).one().joined_at == NOW


def test_nobody_joins_a_gathering_that_is_over(world: World) -> None:
    hall = opened(world)
    gatherings.close(hall, world.person.id, NOW + timedelta(minutes=5))
    assert gatherings.join(hall, world.person.id, NOW + timedelta(minutes=5)) is Refusal.CLOSED
    assert gatherings.find(hall.code, NOW + timedelta(minutes=5)) is Refusal.CLOSED
    assert gatherings.find("nonsense", NOW) is Refusal.UNKNOWN


def test_no_gathering_is_open_for_more_than_twelve_hours(world: World) -> None:
    hall = gatherings.open_gathering(
        world.school.id, world.person.id, "INSET", NOW + timedelta(days=3), NOW, uuid4()
    )
    assert hall.closes == NOW + LONGEST


def test_the_same_id_is_the_same_gathering_and_never_another_schools(world: World) -> None:
    own_id, closes = uuid4(), NOW + timedelta(hours=1)
    first = gatherings.open_gathering(world.school.id, world.person.id, "One", closes, NOW, own_id)
    again = gatherings.open_gathering(world.school.id, world.person.id, "Two", closes, NOW, own_id)
    assert again is first
    with pytest.raises(NotFoundError):
        gatherings.open_gathering(make_school().id, world.person.id, "Two", closes, NOW, own_id)
