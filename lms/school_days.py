"""When a school may be written to: between eight and six on a school day, in London. Pure: no database.

Bank holidays are those of England and Wales (Banking and Financial Dealings Act 1971, schedule 1, with the two that
are kept by custom and the early May one by proclamation). A day given once, as for a coronation, is entered by hand.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from functools import lru_cache

from dateutil.easter import easter

from lms.clock import LONDON, london_day

OPENS, CLOSES = time(8), time(18)
"""Nothing leaves before the one, or from the other on."""
LOOK_AHEAD = 200
"""Days within which a school must open again for its next open moment to be known."""

LOOK_BACK = 50
"""Days within which a reminder may be moved to an earlier school day: the summer holidays and a week."""


class DaysKind(StrEnum):
    """What some days are."""

    TERM = "term"
    HOLIDAY = "holiday"

    @property
    def words(self) -> str:
        """As people say it."""
        return "Term" if self is DaysKind.TERM else "Holiday, or closed"


@dataclass(frozen=True, slots=True)
class Days:
    """Some days that belong together: a term, half-term, the summer holidays. Both ends are in it."""

    kind: DaysKind
    first: date
    last: date
    words: str

    def has(self, day: date) -> bool:
        """Say whether a day is one of them."""
        return self.first <= day <= self.last


@dataclass(frozen=True, slots=True)
class SchoolDays:
    """What a school has entered. With terms, only days in one are school days; without, all weekdays are."""

    entered: tuple[Days, ...] = ()

    @property
    def known_until(self) -> date | None:
        """The last day of the last term, after which no day is known to be a school day; None without terms."""
        return max((days.last for days in self._of(DaysKind.TERM)), default=None)

    def is_school_day(self, day: date) -> bool:
        """Say whether a day is no weekend, no bank holiday, in no holiday, and in a term where any is entered."""
        if day.isoweekday() > 5 or day in bank_holidays(day.year):
            return False
        if any(days.has(day) for days in self._of(DaysKind.HOLIDAY)):
            return False
        terms = self._of(DaysKind.TERM)
        return not terms or any(days.has(day) for days in terms)

    def is_open(self, moment: datetime) -> bool:
        """Say whether somebody may be written to at an aware moment."""
        local = moment.astimezone(LONDON)
        return OPENS <= local.time() < CLOSES and self.is_school_day(local.date())

    def opens_at(self, moment: datetime) -> datetime | None:
        """Return the next moment, from this one on, at which somebody may be written to; None where none is known."""
        if self.is_open(moment):
            return moment
        today = london_day(moment)
        for number in range(LOOK_AHEAD):
            day = today + timedelta(days=number)
            opens = datetime.combine(day, OPENS, LONDON).astimezone(UTC)
            if opens > moment and self.is_school_day(day):
                return opens
        return None

    def school_day_by(self, day: date) -> date:
        """Return the last school day up to a day; the day itself where none is near."""
        near = (day - timedelta(days=number) for number in range(LOOK_BACK))
        return next((one for one in near if self.is_school_day(one)), day)

    def _of(self, kind: DaysKind) -> Sequence[Days]:
        return [days for days in self.entered if days.kind is kind]


@lru_cache(maxsize=64)
def bank_holidays(year: int) -> frozenset[date]:
    """Return the bank holidays of a year in England and Wales, with the days kept in place of those at a weekend."""
    sunday = easter(year)
    christmas = date(year, 12, 25)
    # What falls at a weekend is kept on the next weekdays that aren't bank holidays themselves.
    at_christmas = {5: (27, 28), 6: (26, 27), 4: (25, 28)}.get(christmas.weekday(), (25, 26))
    return frozenset(
        {
            _past_weekend(date(year, 1, 1)),
            sunday - timedelta(days=2),
            sunday + timedelta(days=1),
            _first_monday(year, 5),
            _last_monday(year, 5),
            _last_monday(year, 8),
            *(date(year, 12, day) for day in at_christmas),
        }
    )


def _past_weekend(day: date) -> date:
    return day + timedelta(days=max(0, 7 - day.weekday()) if day.weekday() > 4 else 0)


def _first_monday(year: int, month: int) -> date:
    first = date(year, month, 1)
    return first + timedelta(days=-first.weekday() % 7)


def _last_monday(year: int, month: int) -> date:
    last = date(year, month, 31)
    return last - timedelta(days=last.weekday())
