"""The London calendar: days, ends of months, summer time."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from lms.clock import add_months, day_in_words, end_of_day, london_day, start_of_day, time_in_words


@pytest.mark.parametrize(
    ("day", "months", "later"),
    [
        (date(2026, 1, 31), 1, date(2026, 2, 28)),
        (date(2028, 2, 29), 12, date(2029, 2, 28)),
        (date(2026, 12, 15), 12, date(2027, 12, 15)),
        (date(2026, 3, 31), -1, date(2026, 2, 28)),
        (date(2026, 1, 15), -13, date(2024, 12, 15)),
    ],
)
def test_months_are_counted_by_the_calendar_and_end_with_the_month(
    day: date, months: int, later: date
) -> None:
    assert add_months(day, months) == later


def test_a_summer_evening_belongs_to_londons_next_day() -> None:
    assert london_day(datetime(2026, 6, 30, 23, 30, tzinfo=UTC)) == date(2026, 7, 1)
    assert london_day(datetime(2026, 12, 30, 23, 30, tzinfo=UTC)) == date(2026, 12, 30)


def test_a_day_of_the_clock_change_has_its_own_length() -> None:
    day = date(2026, 10, 25)
    assert start_of_day(day) == datetime(2026, 10, 24, 23, 0, tzinfo=UTC)
    assert end_of_day(day) == datetime(2026, 10, 25, 23, 59, 59, 999999, tzinfo=UTC)


def test_dates_are_written_as_people_write_them() -> None:
    assert day_in_words(date(2026, 9, 5)) == "5 September 2026"
    assert time_in_words(datetime(2026, 9, 5, 13, 51, tzinfo=UTC)) == "5 September 2026, 2:51pm"
    assert time_in_words(datetime(2026, 1, 5, 0, 5, tzinfo=UTC)) == "5 January 2026, 12:05am"
    assert time_in_words(datetime(2026, 1, 5, 12, 0, tzinfo=UTC)) == "5 January 2026, 12:00pm"
