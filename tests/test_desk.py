"""Reading who is expected, and the days on which they are."""

from __future__ import annotations

from datetime import date

import pytest

from lms.booking_lines import MOST_LINES, read_lines
from lms.people import EngagementType

MONDAY = date(2026, 9, 7)


@pytest.mark.parametrize(
    ("line", "name", "agency"),
    [
        ("Maria Santos\tTandem\t7/9/2026\t8/9/2026", "Maria Santos", "Tandem"),
        ("Maria Santos; Tandem; 07.09.26; 8-9-26", "Maria Santos", "Tandem"),
        (" Maria  Santos , Tandem , 2026-09-07, 08 09 2026", "Maria Santos", "Tandem"),
        ("Santos, Maria\tTandem\ttoday\ttomorrow", "Maria Santos", "Tandem"),
        ('"Santos, Maria","Tandem, Cardiff",today,tomorrow', "Maria Santos", "Tandem, Cardiff"),
        ("\ufeffMaria\u00a0Santos\tTandem\tToday\tTomorrow", "Maria Santos", "Tandem"),
    ],
)
def test_a_line_is_read_however_it_was_copied(line: str, name: str, agency: str) -> None:
    (booking,) = read_lines(line, MONDAY).ready
    assert (booking.name, booking.agency) == (name, agency)
    assert booking.type is EngagementType.AGENCY_WORKER
    assert (booking.starts, booking.ends) == (MONDAY, date(2026, 9, 8))


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("Maria Santos, Tandem", "the first day is missing"),
        ("Maria Santos, Tandem, 29/02/2027", "“29/02/2027” is not a day: write it as 23/11/2026"),
        ("Maria Santos, Tandem, next week", "“next week” is not a day: write it as 23/11/2026"),
        ("Maria Santos, Tandem, 1/9/2026, 4/9/2026", "the last day is over"),
        ("Maria Santos, Tandem, 7/9/2028", "the first day is more than a year away"),
        ("Maria Santos, Tandem, today, 7/9/2027", "it is longer than 120 days"),
        ("Maria Santos, Tandem, today, today, Wizard", "“Wizard” is not a type that Countersign knows"),
        ("a, b, today, today, Volunteer, f", "it has more than name, agency, from, to and type"),
        ("!!!, Tandem, today", "the name is missing"),
        ("x" * 121 + ", Tandem, today", "the name is longer than 120 characters"),
    ],
)
def test_a_line_that_cannot_be_used_says_why(line: str, reason: str) -> None:
    read = read_lines(line, MONDAY)
    assert [bad.reason for bad in read.bad] == [reason]
    assert read.ready == []


def test_the_same_person_twice_on_a_day_is_refused_and_on_other_days_is_not() -> None:
    read = read_lines("Ana Li, T, today\nána li, t, today\nAna Li, T, tomorrow", MONDAY)
    assert [bad.reason for bad in read.bad] == ["line 1 has the same name, agency and days"]
    assert [booking.number for booking in read.ready] == [1, 3]


def test_no_more_lines_are_read_than_can_be_looked_through() -> None:
    read = read_lines("\n".join(f"Ana Li{n}, T, today" for n in range(MOST_LINES + 1)), MONDAY)
    assert len(read.ready) == MOST_LINES
    assert [bad.number for bad in read.bad] == [MOST_LINES + 1]


def test_somebody_is_expected_on_working_days_and_on_the_first_whichever_it_is() -> None:
    (booking,) = read_lines("Ana Li, T, 12/09/2026, 15/09/2026", MONDAY).ready
    assert [day.day for day in booking.days_from(MONDAY)] == [12, 14, 15]
    assert [day.day for day in booking.days_from(date(2026, 9, 15))] == [15]
