"""Reading term dates from a calendar file (iCalendar, RFC 5545), as councils and trusts publish them.

Nothing in it is followed or fetched: only names and days are read. What repeats isn't unrolled, because a rule can ask
for a million days.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from icalendar import Calendar

from lms.clock import LONDON
from lms.errors import CountersignError
from lms.school_days import Days, DaysKind

LARGEST, MOST_EVENTS, LONGEST_NAME = 500_000, 400, 80
EARLIEST, LATEST = date(2000, 1, 1), date(2100, 12, 31)
_CLOSED = re.compile(r"holiday|half[ -]?term|break|vacation|closed|closure|bank|gwyliau|hanner tymor", re.I)
_TERM = re.compile(r"\bterm\b|\btymor\b|semester", re.I)
_ZONES = re.compile(rb"^BEGIN:VTIMEZONE.*?^END:VTIMEZONE\r?\n?", re.I | re.S | re.M)
_EDGE = re.compile(r"\b(start|begin|end)", re.I)
LONGEST_HOLIDAY, LONGEST_SPAN = timedelta(days=70), timedelta(days=366)


class CalendarRefusedError(CountersignError):
    """The file can't be read as a calendar; the sentence says why, and what to do."""


@dataclass(frozen=True, slots=True)
class Found:
    """Days in a file, and what they seem to be; None where the name doesn't tell."""

    first: date
    last: date
    words: str
    kind: DaysKind | None

    def as_days(self, kind: DaysKind) -> Days:
        """Return them as days of a kind."""
        return Days(kind, self.first, self.last, self.words)


def read_calendar(content: bytes) -> tuple[list[Found], int]:
    """Return the days in a calendar file in order, and how many events were passed over because they repeat.

    Raises:
        CalendarRefusedError: it is too large, no calendar, or has nothing in it.
    """
    if len(content) > LARGEST:
        raise CalendarRefusedError(
            "That file is too large for a calendar of term dates. Choose one under 500 kB"
        )
    if b"BEGIN:VCALENDAR" not in content[:1000].upper():
        raise CalendarRefusedError(
            "That file is no calendar. Choose one that ends in .ics, or enter the dates by hand"
        )
    try:
        events = _events(content)
    except (ValueError, KeyError, IndexError, AttributeError, TypeError, RecursionError) as error:
        raise CalendarRefusedError(
            "That calendar is damaged and can’t be read. Enter the dates by hand"
        ) from error
    if len(events) > MOST_EVENTS:
        raise CalendarRefusedError(
            f"That calendar has more than {MOST_EVENTS} events in it. Choose one with term dates alone"
        )
    single = [event for event in events if "RRULE" not in event and "RDATE" not in event]
    found = sorted(
        {one for event in single if (one := _read(event))}, key=lambda one: (one.first, one.last, one.words)
    )
    if not found:
        raise CalendarRefusedError("There are no dates in that calendar. Enter them by hand")
    return found, len(events) - len(single)


def _events(content: bytes) -> list[Any]:
    # A file's own time zones are rules too, and are unrolled while it is read; the names of the usual ones are known.
    calendars = Calendar.from_ical(_ZONES.sub(b"", content), multiple=True)
    return [event for calendar in calendars for event in calendar.walk("VEVENT")]


def _read(event: Any) -> Found | None:
    """Return an event's days; None where it has none that can be meant."""
    try:
        starts = event.decoded("DTSTART")
        ends = event.decoded("DTEND") if "DTEND" in event else None
        lasts = event.decoded("DURATION") if "DURATION" in event else None
        first, last = _span(starts, ends, lasts)
        if not EARLIEST <= first <= last <= LATEST or last - first > LONGEST_SPAN:
            return None
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError):
        return None
    words = _name(str(event.get("SUMMARY", "")))
    return Found(first, last, words, _kind(words, last - first))


def _span(starts: Any, ends: Any, lasts: Any) -> tuple[date, date]:
    if isinstance(lasts, timedelta) and ends is None:
        ends = starts + lasts
    if isinstance(starts, datetime):
        last = _london(ends - timedelta(microseconds=1)) if isinstance(ends, datetime) else _london(starts)
        return _london(starts), max(last, _london(starts))
    # The end of whole days is the day after the last (RFC 5545, section 3.6.1).
    last = ends - timedelta(days=1) if ends is not None else starts
    return starts, max(starts, last)


def _london(moment: datetime) -> date:
    return (moment.astimezone(LONDON) if moment.tzinfo else moment).date()


def _name(summary: str) -> str:
    shown = "".join(c if c.isprintable() else " " for c in summary)
    return " ".join(shown.split())[:LONGEST_NAME] or "No name"


def _kind(words: str, length: timedelta) -> DaysKind | None:
    if _CLOSED.search(words) and length <= LONGEST_HOLIDAY and not _EDGE.search(words):
        return DaysKind.HOLIDAY
    if _TERM.search(words) and length > timedelta(days=13):
        return DaysKind.TERM
    return None
