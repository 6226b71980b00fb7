"""Being away: the clock stands still, what is due moves on, and what was reported stays as it was."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from lms import compliance, standings
from lms.absences import (
    Absence,
    Away,
    absences_of,
    change_absence,
    come_back,
    days_away,
    read_spans,
    record_absence,
)
from lms.compliance import Obligation, Standing
from lms.db import session
from lms.errors import ConflictError
from lms.people import Person
from lms.schools import Organisation
from lms.standings import Filters, Sort
from lms.status import Status
from lms.training import Assignment
from tests.factories import make_assignment, make_person, make_policy, make_school

TERM = date(2026, 9, 1)


def day(number: int) -> date:
    """The day so many days into term: 1 is the first."""
    return TERM + timedelta(days=number - 1)


def noon(when: date) -> datetime:
    return datetime(when.year, when.month, when.day, 12, tzinfo=UTC)


def test_days_away_are_counted_within_bounds() -> None:
    away = (Away(day(1), day(3)), Away(day(10), None))
    assert days_away(away, day(1), day(11)) == 5
    assert days_away(away, day(3), day(9)) == 1
    assert days_away(away, day(4), day(9)) == 0
    assert days_away((), day(1), day(9)) == 0
    assert read_spans("2026-09-01/2026-09-03 2026-09-10/") == away
    assert read_spans(None) == ()


class Place:
    """A school where everybody has a fortnight from the first day of term: due on day 15, late from day 16."""

    def __init__(self) -> None:
        self.school: Organisation = make_school()
        version = make_policy(self.school, now=noon(date(2026, 1, 5)))
        self.assignment: Assignment = make_assignment(self.school, version, now=noon(TERM))
        self.person: Person = make_person(
            self.school, starts=date(2020, 9, 1), now=noon(date(2026, 1, 5)), forename="Ada"
        )
        self.other = make_person(
            self.school, starts=date(2020, 9, 1), now=noon(date(2026, 1, 5)), forename="Bob"
        )

    def away(self, first: date, last: date | None, *, recorded: date | None = None) -> Absence:
        return record_absence(
            self.person,
            self.school.id,
            starts=first,
            ends=last,
            reason="Maternity leave",
            by=None,
            now=noon(recorded or first),
        )

    def look(self, when: date, asked: date | None = None) -> Obligation:
        moment = compliance.moment_of(when, noon(asked or when))
        items = compliance.items([self.school.id], moment)
        ((_, found),) = compliance.of_person(self.person.id, items, Standing.ENGAGED)
        return found

    def order(self, when: date) -> list[tuple[str, date | None]]:
        (item,) = compliance.items([self.school.id], noon(when))
        page = standings.people(item, Filters(), sort=Sort.DUE)
        return [(o.forename, o.sign_by) for o in page.people]


@pytest.mark.usefixtures("in_app")
def test_who_is_away_isnt_late_and_has_as_many_days_left_when_back() -> None:
    place = Place()
    absence = place.away(day(5), None)
    found = place.look(day(60))
    assert (found.status, found.is_away, found.sign_by, found.days_overdue) == (
        Status.NOT_STARTED,
        True,
        None,
        None,
    )
    assert place.order(day(60)) == [("Bob", day(15)), ("Ada", None)]

    come_back(absence, place.person, day(61), by=None, now=noon(day(61)))
    found = place.look(day(61))
    assert (found.status, found.is_away, found.sign_by) == (Status.NOT_STARTED, False, day(15 + 56))
    assert place.order(day(61)) == [("Bob", day(15)), ("Ada", day(71))]
    found = place.look(day(72))
    assert (found.status, found.days_overdue) == (Status.OVERDUE, 1)


@pytest.mark.usefixtures("in_app")
def test_who_was_late_before_leaving_is_no_later_when_back() -> None:
    place = Place()
    assert place.look(day(20)).days_overdue == 5
    place.away(day(21), day(30))
    assert place.look(day(25)).status is Status.NOT_STARTED
    found = place.look(day(31))
    assert (found.status, found.days_overdue) == (Status.OVERDUE, 6)


@pytest.mark.usefixtures("in_app")
def test_days_away_before_the_clock_began_move_nothing() -> None:
    place = Place()
    place.away(date(2026, 7, 1), day(2))
    assert place.look(day(16)).sign_by == day(17)


@pytest.mark.usefixtures("in_app")
def test_an_absence_recorded_today_changes_no_report_of_an_earlier_day() -> None:
    place = Place()
    before = place.look(day(30))
    assert before.status is Status.OVERDUE
    absence = place.away(day(2), day(40), recorded=day(31))
    assert place.look(day(30), asked=day(31)) == before
    assert place.look(day(31)).is_away
    change_absence(absence, place.person, {"ends": day(10)}, by=None, now=noon(day(32)))
    assert place.look(day(31), asked=day(32)).is_away
    assert place.look(day(32)).status is Status.OVERDUE


@pytest.mark.usefixtures("in_app")
def test_absences_dont_overlap_and_one_that_never_began_can_be_undone() -> None:
    place = Place()
    place.away(day(5), day(10))
    later = place.away(day(20), None)
    for first, last in ((day(10), day(12)), (day(1), None), (day(30), None), (day(6), day(7))):
        with pytest.raises(ConflictError, match="away from"):
            place.away(first, last)
    with pytest.raises(ConflictError, match="before the first"):
        place.away(day(12), day(11))
    come_back(later, place.person, day(20), by=None, now=noon(day(25)))
    session.flush()
    assert [a.starts for a in absences_of(place.person.id, place.school.id)] == [day(5)]
