"""Whom to remind on which day, through a whole school year: pure logic, no database."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import cache
from uuid import uuid4

import pytest

from lms import reminder_texts
from lms.clock import LONDON, london_day
from lms.errors import ConflictError
from lms.reminder_letters import lines_of
from lms.reminder_plan import USUAL, Open, is_to_escalate, is_wanted, offsets_in_words, read_offsets
from lms.reminder_texts import KINDS
from lms.school_days import Days, DaysKind, SchoolDays, bank_holidays
from lms.status import Status

YEAR = SchoolDays(
    (
        Days(DaysKind.TERM, date(2026, 9, 1), date(2026, 12, 18), "Autumn"),
        Days(DaysKind.HOLIDAY, date(2026, 10, 26), date(2026, 10, 30), "Half-term"),
        Days(DaysKind.TERM, date(2027, 1, 4), date(2027, 3, 25), "Spring"),
        Days(DaysKind.TERM, date(2027, 4, 12), date(2027, 7, 21), "Summer"),
    )
)
SCHOOL_DAY_BY = cache(YEAR.school_day_by)


def opened(due: date | None, status: Status = Status.NOT_STARTED) -> Open:
    return Open(uuid4(), uuid4(), uuid4(), "Social media policy", status, due)


def same(day: date) -> date:
    """No day is moved."""
    return day


def moments(first: date, last: date) -> list[datetime]:
    """Every hour of some days, as the worker looks."""
    days = (last - first).days + 1
    return [
        datetime(first.year, first.month, first.day, hour, 5, tzinfo=LONDON) + timedelta(days=day)
        for day in range(days)
        for hour in range(24)
    ]


def reminded_on(one: Open, school_days: Sequence[date], stopped: Sequence[date] = ()) -> list[date]:
    """The days on which somebody who never signs is reminded, where the worker stands still on some."""
    last: date | None = None
    found = []
    for day in school_days:
        assert one.due is not None
        status = Status.OVERDUE if day > one.due else one.status
        if day not in stopped and is_wanted(replace(one, status=status), USUAL, last, day, SCHOOL_DAY_BY):
            last = day
            found.append(day)
    return found


def test_a_whole_school_year_of_reminders_keeps_to_school_hours_and_days() -> None:
    year = moments(date(2026, 9, 1), date(2027, 8, 31))

    open_ = [moment for moment in year if YEAR.is_open(moment)]
    assert {moment.hour for moment in open_} == set(range(8, 18))
    assert {moment.isoweekday() for moment in open_} == {1, 2, 3, 4, 5}
    days = {london_day(moment) for moment in open_}
    for closed in ("2026-10-28", "2026-12-21", "2026-12-25", "2027-03-26", "2027-05-03", "2027-08-10"):
        assert date.fromisoformat(closed) not in days
    assert len(days) == 204

    looked_at = sorted(days)
    for offset in range(365):
        due = date(2026, 9, 1) + timedelta(days=offset)
        sent = reminded_on(opened(due), looked_at)
        assert len(sent) <= len(USUAL), "never more than the schedule has days"
        assert len(set(sent)) == len(sent), "one a day at most"
        assert all(YEAR.is_school_day(day) for day in sent)
    assert reminded_on(opened(date(2026, 9, 23)), looked_at) == [
        date(2026, 9, 16),
        date(2026, 9, 22),
        date(2026, 9, 23),
        date(2026, 9, 30),
        date(2026, 10, 7),
    ]
    # Due in the Christmas holidays: told before them, and what falls due in them is made up for once after them.
    assert reminded_on(opened(date(2026, 12, 26)), looked_at) == [
        date(2026, 12, 18),
        date(2027, 1, 4),
        date(2027, 1, 11),
    ]
    # A worker that stood still for a fortnight over all five days sends one letter, not five.
    stood_still = [date(2026, 9, 10) + timedelta(days=n) for n in range(40)]
    assert reminded_on(opened(date(2026, 9, 23)), looked_at, stood_still) == [date(2026, 10, 20)]


def test_a_renewal_is_asked_for_when_it_can_be_given_and_again_when_it_has_run_out() -> None:
    ends = date(2026, 11, 11)
    assert not is_wanted(opened(ends, Status.SIGNED), (-60, 0), None, date(2026, 10, 1), same)
    assert is_wanted(opened(ends, Status.SIGNED), (-30, 0), date(2025, 11, 20), date(2026, 10, 12), same)
    assert is_wanted(opened(ends, Status.EXPIRED), USUAL, date(2026, 11, 10), ends, same)


@pytest.mark.parametrize("status", [Status.DECLINED, Status.NOT_REQUIRED])
def test_nobody_is_reminded_who_declined_is_exempt_or_away(status: Status) -> None:
    day = date(2026, 9, 23)
    assert not is_wanted(opened(day, status), USUAL, None, day, same)
    assert not is_wanted(opened(None, Status.OVERDUE), USUAL, None, day, same), "away: nothing is due"
    assert not is_to_escalate(opened(day - timedelta(days=99), status), 21, None, day)
    assert not is_to_escalate(opened(None, Status.OVERDUE), 21, None, day)


def test_the_head_hears_once_of_each_time_that_something_is_long_overdue() -> None:
    due = date(2026, 9, 1)
    late = opened(due, Status.OVERDUE)
    assert not is_to_escalate(late, 21, None, due + timedelta(days=20))
    assert is_to_escalate(late, 21, None, due + timedelta(days=21))
    assert not is_to_escalate(late, 21, due + timedelta(days=21), due + timedelta(days=22))
    next_year = opened(due + timedelta(days=365), Status.EXPIRED)
    assert is_to_escalate(next_year, 21, due + timedelta(days=21), due + timedelta(days=400))


def test_a_schedule_is_read_as_typed_and_said_in_words() -> None:
    offsets = read_offsets("1, 7", on_day=True, after="7 14")
    assert offsets == USUAL
    assert offsets_in_words(offsets) == "7 and 1 days before, on the day it is due, 7 and 14 days after"
    assert offsets_in_words(read_offsets("", on_day=False, after="1")) == "1 day after"
    assert offsets_in_words(()) == "never"
    for wrong in ("x", "0", "-3", "31", "1.5", "٣"):
        with pytest.raises(ConflictError, match="days before as numbers from 1 to 30"):
            read_offsets(wrong, on_day=True, after="")
    with pytest.raises(ConflictError, match="no more than 12"):
        read_offsets("1 2 3 4 5 6 7", on_day=True, after="1 2 3 4 5 6 7")


def test_a_school_without_terms_is_open_on_weekdays_and_one_whose_terms_have_run_out_on_none() -> None:
    assert SchoolDays().is_school_day(date(2027, 8, 10))
    assert not SchoolDays().is_school_day(date(2027, 8, 30)), "the summer bank holiday"
    assert YEAR.known_until == date(2027, 7, 21)
    assert YEAR.opens_at(datetime(2027, 7, 21, 18, tzinfo=LONDON)) is None
    opens = YEAR.opens_at(datetime(2026, 10, 23, 18, 0, tzinfo=LONDON))
    assert opens == datetime(2026, 11, 2, 8, tzinfo=LONDON), "winter time begins in half-term"
    assert bank_holidays(2022) >= {date(2022, 1, 3), date(2022, 12, 26), date(2022, 12, 27)}
    assert bank_holidays(2020) >= {date(2020, 12, 25), date(2020, 12, 28)}


def test_what_a_school_writes_is_checked_and_is_never_run() -> None:
    kind = KINDS["reminder"]
    good = "Sign {list} at {link}"
    assert reminder_texts.faults(kind, "For {name}", good) == {}
    for body, words in (
        ("", "Enter the text"),
        ("Go to {link}", "Put {list} into the text"),
        (good + "{days}", "{days} means nothing in this letter"),
        (good + " {{ 7 }}", "curly brackets that belong to nothing"),
        (good + "x" * 3000, "3,000 characters or fewer"),
    ):
        assert words in reminder_texts.faults(kind, "Hello", body)["body"]
    assert "can’t be in the subject" in reminder_texts.faults(kind, "{list}", good)["subject"]
    values = {"name": "{link}\r\nBcc: x", "list": "- a\n- b", "link": "https://x.test"}
    subject, body = reminder_texts.letter("For {name} {% 7 %} {{ 7 * 7 }}\n{name}\n{list} {link}", values)
    assert subject == "For {link} Bcc: x {% 7 %} {{ 7 * 7 }}", "one line, and brackets in a value stay"
    assert body == "{link} Bcc: x\n- a\n- b https://x.test"
    for name, each in KINDS.items():
        assert reminder_texts.faults(each, *reminder_texts.split(reminder_texts.usual(name))) == {}


def test_a_letter_names_the_day_on_which_a_signature_no_longer_counts_as_the_page_does() -> None:
    now = datetime(2026, 11, 24, 9, tzinfo=LONDON)
    line = lines_of([opened(date(2026, 12, 2), Status.SIGNED)], now)
    assert line == "- Social media policy: signed; sign again before 2 December 2026", (
        "1 December is the last day"
    )
