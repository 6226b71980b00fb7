"""Who is expected, as people paste it: a line each, from an agency's e-mail or a spreadsheet."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from lms.people import EngagementType, folded

MOST_LINES = 200
LONGEST_WORDS = 120
"""How many characters a name or an agency may have."""
LONGEST_BOOKING = timedelta(days=120)
FURTHEST = timedelta(days=365)
"""How far ahead somebody may be expected: further than this, the year was mistyped."""
_HEADINGS = {"name", "full name", "worker", "worker name", "visitor", "who", "candidate", "staff"}
_DAY_FIRST = re.compile(r"(\d{1,2})[/. -](\d{1,2})[/. -](\d{4}|\d{2})")
_YEAR_FIRST = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})")


@dataclass(frozen=True, slots=True)
class Booking:
    """One adult who is expected at a school from a day to a day, both included."""

    number: int
    """The line that it was read from, from 1."""
    name: str
    agency: str
    type: EngagementType
    starts: date
    ends: date

    @property
    def key(self) -> tuple[str, str]:
        """Name and agency without case, accents and punctuation: what two lines of one person share."""
        return folded(self.name), folded(self.agency)

    def days_from(self, today: date) -> list[date]:
        """Return the days left on which they are expected, at least one.

        They are Mondays to Fridays, and the first day whichever it is; the last, where nothing else is left.
        """
        span = (self.starts + timedelta(days=n) for n in range((self.ends - self.starts).days + 1))
        days = [day for day in span if day == self.starts or day.weekday() < 5]
        return [day for day in days if day >= today] or [self.ends]


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line that can't be used, with the reason in words."""

    number: int
    text: str
    reason: str


@dataclass(frozen=True, slots=True)
class Pasted:
    """What was pasted, read: the lines that are ready and those that are not."""

    ready: list[Booking]
    bad: list[BadLine]


class _UnusableError(Exception):
    """Why one line can't be used."""


def read_lines(text: str, today: date) -> Pasted:
    """Read pasted lines: name, agency, from, to and, if wished, the engagement type.

    Cells are parted by tabs, semicolons or commas. A line of headings and empty lines are passed over. A day is
    "today", "tomorrow", 23/11/2026, 23.11.26 or 2026-11-23; without a last day, somebody comes for the first alone.
    """
    found = Pasted([], [])
    for number, line in enumerate(text.splitlines(), 1):
        cells = _cells(line)
        if not any(cells) or (not found.ready and not found.bad and folded(cells[0]) in _HEADINGS):
            continue
        try:
            if len(found.ready) + len(found.bad) >= MOST_LINES:
                raise _UnusableError(f"no more than {MOST_LINES} lines can be read at once")
            booking = _booking(number, cells, today)
            _check_twice(booking, found.ready)
            found.ready.append(booking)
        except _UnusableError as error:
            found.bad.append(BadLine(number, " ".join(line.split()), str(error)))
    return found


def _cells(line: str) -> list[str]:
    parting = next((mark for mark in "\t;" if mark in line), ",")
    cells = next(csv.reader([line.replace("\0", " ")], delimiter=parting), [])
    printable = ("".join(c if c.isprintable() else " " for c in cell) for cell in cells)
    return [" ".join(cell.split()) for cell in printable]


def _booking(number: int, cells: list[str], today: date) -> Booking:
    if len(cells) > 5:
        raise _UnusableError("it has more than name, agency, from, to and type")
    name, agency, starts_text, ends_text, type_text = (*cells, *[""] * (5 - len(cells)))
    name = _in_order(name)
    _check_words(name, agency)
    type_ = _type(type_text)
    if type_ is EngagementType.AGENCY_WORKER and not agency:
        raise _UnusableError("the agency is missing")
    if not starts_text:
        raise _UnusableError("the first day is missing")
    starts = _day(starts_text, today)
    ends = _day(ends_text, today) if ends_text else starts
    _check_days(starts, ends, today)
    return Booking(number, name, agency, type_, starts, ends)


def _in_order(name: str) -> str:
    surname, comma, forename = name.partition(",")
    return f"{forename} {surname}".strip() if comma else name


def _check_words(name: str, agency: str) -> None:
    if not folded(name):
        raise _UnusableError("the name is missing")
    for words, what in ((name, "name"), (agency, "agency")):
        if len(words) > LONGEST_WORDS:
            raise _UnusableError(f"the {what} is longer than {LONGEST_WORDS} characters")


def _type(text: str) -> EngagementType:
    if not text:
        return EngagementType.AGENCY_WORKER
    for type_ in EngagementType:
        if folded(text) in (folded(type_.words), folded(type_.value.replace("_", " "))):
            return type_
    raise _UnusableError(f"“{text[:40]}” is not a type that Countersign knows")


def _check_days(starts: date, ends: date, today: date) -> None:
    if ends < starts:
        raise _UnusableError("the last day comes before the first")
    if ends < today:
        raise _UnusableError("the last day is over")
    if starts > today + FURTHEST:
        raise _UnusableError("the first day is more than a year away")
    if ends - starts > LONGEST_BOOKING:
        raise _UnusableError(f"it is longer than {LONGEST_BOOKING.days} days")


def _check_twice(booking: Booking, ready: list[Booking]) -> None:
    for other in ready:
        if other.key == booking.key and booking.starts <= other.ends and other.starts <= booking.ends:
            raise _UnusableError(f"line {other.number} has the same name, agency and days")


def _day(text: str, today: date) -> date:
    if (word := folded(text)) in ("today", "tomorrow"):
        return today + timedelta(days=word == "tomorrow")
    for year, month, day in _readings(text):
        try:
            return date(year if year > 99 else 2000 + year, month, day)
        except ValueError:
            break
    raise _UnusableError(f"“{text[:40]}” is not a day: write it as 23/11/2026")


def _readings(text: str) -> Iterator[tuple[int, int, int]]:
    if found := _YEAR_FIRST.fullmatch(text):
        year, month, day = map(int, found.groups())
        yield year, month, day
    elif found := _DAY_FIRST.fullmatch(text):
        day, month, year = map(int, found.groups())
        yield year, month, day
