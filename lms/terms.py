"""The ends of terms: the days on which a trend is measured."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from dateutil.easter import easter

from lms.reminder_settings import school_days
from lms.school_days import DaysKind

USUAL = "Where term dates are not entered, terms are taken to end on 31 December, before Good Friday and on 31 July."


@dataclass(frozen=True, slots=True)
class Term:
    """A term that is over, by its last day."""

    words: str
    last: date


def ended(school_ids: Collection[UUID], day: date, most: int) -> tuple[list[Term], bool]:
    """Return the last terms that were over before a day, the earliest first, and whether all their dates were entered.

    Before the first that was entered the usual ones stand: whoever enters this year's keeps last year's trend. Where
    several schools entered theirs, the dates are those of the school with the most. One query.
    """
    by_school = (
        [days for days in found.entered if days.kind is DaysKind.TERM]
        for found in school_days(school_ids).values()
    )
    entered = max(by_school, key=len, default=[])
    known = [Term(f"{days.words}, to {days.last:%B %Y}", days.last) for days in entered]
    until = min((days.first for days in entered), default=day)
    usual = (term for year in range(day.year - 4, day.year + 1) for term in _usual(year))
    terms = [*(term for term in usual if term.last < until), *known]
    over = sorted((term for term in terms if term.last < day), key=lambda term: term.last)[-most:]
    return over, bool(over) and all(term in known for term in over)


def _usual(year: int) -> Iterator[Term]:
    yield Term(f"Spring term {year}", easter(year) - timedelta(days=3))
    yield Term(f"Summer term {year}", date(year, 7, 31))
    yield Term(f"Autumn term {year}", date(year, 12, 31))
