"""Term dates are read from a calendar file, and a hostile one is refused in plain words."""

from __future__ import annotations

from datetime import date

import pytest

from lms.calendar_file import CalendarRefusedError, Found, read_calendar
from lms.school_days import DaysKind

HEAD = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//council//EN\r\n"
END = "END:VCALENDAR\r\n"


def event(words: str, *lines: str) -> str:
    return "\r\n".join(["BEGIN:VEVENT", "UID:x", f"SUMMARY:{words}", *lines, "END:VEVENT", ""])


def days(words: str, first: str, after: str) -> str:
    return event(words, f"DTSTART;VALUE=DATE:{first}", f"DTEND;VALUE=DATE:{after}")


def read(*events: str) -> tuple[list[Found], int]:
    return read_calendar((HEAD + "".join(events) + END).encode())


def test_a_councils_term_dates_are_read_and_what_each_is_is_guessed() -> None:
    zone = (
        "BEGIN:VTIMEZONE\r\nTZID:Mine\r\nBEGIN:STANDARD\r\nDTSTART:19000101T000000\r\nTZOFFSETFROM:+0000\r\n"
        "TZOFFSETTO:+0100\r\nRRULE:FREQ=SECONDLY\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\n"
    )
    found, repeating = read(
        zone,
        event("In a zone of its own", "DTSTART;TZID=Mine:20260904T090000"),
        days("Autumn term", "20260901", "20261219"),
        days("Half-term holiday\\, schools closed", "20261026", "20261031"),
        days("Spring term begins", "20270104", "20270105"),
        event("Staff meeting", "DTSTART:20260901T230000Z", "DTEND:20260902T000000Z"),
        event("INSET day", "DTSTART;VALUE=DATE:20260902"),
        event("Assembly", "DTSTART:20260903T090000Z", "RRULE:FREQ=SECONDLY;COUNT=99999999"),
        event("No day at all"),
        event("Wrong way round", "DTSTART;VALUE=DATE:20270110", "DTEND;VALUE=DATE:20270101"),
        event("Long ago", "DTSTART;VALUE=DATE:00010101"),
    )
    assert repeating == 1
    assert found == [
        Found(date(2026, 9, 1), date(2026, 12, 18), "Autumn term", DaysKind.TERM),
        Found(date(2026, 9, 2), date(2026, 9, 2), "INSET day", None),
        Found(date(2026, 9, 2), date(2026, 9, 2), "Staff meeting", None),
        Found(date(2026, 9, 4), date(2026, 9, 4), "In a zone of its own", None),
        Found(date(2026, 10, 26), date(2026, 10, 30), "Half-term holiday, schools closed", DaysKind.HOLIDAY),
        Found(date(2027, 1, 4), date(2027, 1, 4), "Spring term begins", None),
        Found(date(2027, 1, 10), date(2027, 1, 10), "Wrong way round", None),
    ]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "no calendar"),
        (b"\x00\xff" * 500, "no calendar"),
        (b"PK\x03\x04 a workbook", "no calendar"),
        (HEAD.encode() + b"X" * 500_001, "under 500 kB"),
        ((HEAD + END).encode(), "no dates"),
        ((HEAD + days("Term", "20260901", "20261219") * 401 + END).encode(), "more than 400"),
        ((HEAD + "BEGIN:VEVENT\r\n" * 2000).encode(), "damaged|no dates|more than"),
        ((HEAD + "BEGIN:VEVENT\r\nDTSTART:soon\r\nEND:VEVENT\r\n" + END).encode(), "no dates|damaged"),
    ],
)
def test_what_is_no_calendar_is_refused_in_plain_words(content: bytes, words: str) -> None:
    with pytest.raises(CalendarRefusedError, match=words):
        read_calendar(content)
