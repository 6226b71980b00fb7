"""A day in a cell of a staff list: Excel's own dates, and every way that people here write one."""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta

from lms.roster.table import Cell
from lms.roster.words import UnusableError, optional_words, shown

EARLIEST = date(1940, 1, 1)
_NO_END_FROM = date(2099, 1, 1)
"""Programs write a day as far off as this for "no last day"."""
_EXCEL_ZERO = date(1899, 12, 30)
"""The day that Excel's numbers count from, for every day after February 1900."""
_EXCEL_DAYS = range(14_611, 73_051)
"""Excel's numbers for 1940 to 2099."""
_MONTHS = dict(jan=1, feb=2, mar=3, apr=4, may=5, jun=6, jul=7, aug=8, sep=9, oct=10, nov=11, dec=12)
_CLOCK = r"(?:[T ,]+\d{1,2}:\d{2}(?::\d{2})?(?:\.\d+)?(?: ?[AaPp][Mm])?Z?)?"
_DAY_FIRST = re.compile(rf"(\d{{1,2}})[/. -](\d{{1,2}})[/. -](\d{{4}}|\d{{2}}){_CLOCK}")
_YEAR_FIRST = re.compile(rf"(\d{{4}})[-/.](\d{{1,2}})[-/.](\d{{1,2}}){_CLOCK}")
_MONTH_IN_WORDS = re.compile(
    rf"(?:[A-Za-z]{{3,9}},? )?(\d{{1,2}})(?:st|nd|rd|th)?[ -]([A-Za-z]{{3,9}})\.?,?[ -](\d{{4}}|\d{{2}}){_CLOCK}"
)


def first_day(cell: Cell, today: date) -> date | None:
    """Return a first day, None for an empty cell. Raises UnusableError for what is no day."""
    return _plausible(day(cell, today))


def last_day(cell: Cell, today: date) -> date | None:
    """Return a last day, None for an empty cell and for the far-off days that mean no end."""
    found = day(cell, today)
    return None if found and found >= _NO_END_FROM else _plausible(found)


def _plausible(found: date | None) -> date | None:
    if found and not EARLIEST <= found < _NO_END_FROM:
        raise UnusableError(f"{found:%d/%m/%Y} is too long ago or too far off")
    return found


def day(cell: Cell, today: date) -> date | None:
    """Return the day in a cell. Days come before months; a year of two digits is at most ten years ahead of `today`."""
    if isinstance(cell, datetime):
        return cell.date()
    if isinstance(cell, date):
        return cell
    if isinstance(cell, int | float) and not isinstance(cell, bool):
        return _excel_day(cell)
    if isinstance(cell, time | timedelta):
        raise UnusableError("it is a time, not a day: write it as 23/11/2026")
    text = optional_words(cell)
    if text is None:
        return None
    if re.fullmatch(r"\d{5}(?:\.\d+)?", text):
        return _excel_day(float(text))
    try:
        year, month, number = _reading(text)
        return date(_full_year(year, today), month, number)
    except ValueError:
        raise UnusableError(f"“{shown(text)}” is not a day: write it as 23/11/2026") from None


def _reading(text: str) -> tuple[str, int, int]:
    """Return year, month and day. Raises ValueError."""
    if found := _DAY_FIRST.fullmatch(text):
        return found[3], int(found[2]), int(found[1])
    if found := _YEAR_FIRST.fullmatch(text):
        return found[1], int(found[2]), int(found[3])
    if found := _MONTH_IN_WORDS.fullmatch(text):
        return found[3], _MONTHS.get(found[2][:3].lower(), 0), int(found[1])
    raise ValueError(text)


def _full_year(year: str, today: date) -> int:
    if len(year) == 4:
        return int(year)
    number = today.year // 100 * 100 + int(year)
    return number if number <= today.year + 10 else number - 100


def _excel_day(number: float) -> date:
    if not _EXCEL_DAYS.start <= number < _EXCEL_DAYS.stop:
        raise UnusableError(f"“{shown(str(number))}” is not a day: write it as 23/11/2026")
    return _EXCEL_ZERO + timedelta(days=int(number))
