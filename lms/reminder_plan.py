"""Which of the things somebody must sign they are to be reminded of today. Pure: no database, no clock.

A schedule is days before, on and after the day it is due. The newest of these days that has come counts, and one
reminder on or after it settles it: so whoever couldn't be written to for a week is written to once, and not five
times.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from lms.errors import ConflictError
from lms.status import Status

USUAL = (-7, -1, 0, 7, 14)
"""The schedule of what has none of its own."""
RENEW_WITHIN = timedelta(days=30)
"""How long before a signature runs out it can be given again: nobody is reminded of what they can't do yet."""
MOST_BEFORE, MOST_AFTER, MOST_DAYS = RENEW_WITHIN.days, 180, 12
_CHASED = frozenset({Status.NOT_STARTED, Status.IN_PROGRESS, Status.OVERDUE, Status.EXPIRED})


@dataclass(frozen=True, slots=True)
class Open:
    """Something that somebody must sign, as far as reminders go."""

    organisation_id: UUID
    person_id: UUID
    assignment_id: UUID
    title: str
    status: Status
    due: date | None
    """When it must be signed, or signed again; None where nothing is asked, as of who is away."""
    modules: tuple[str, ...] = ()
    """The slugs of what goes before signing: what tells two of one title apart."""

    def can_be_done(self, day: date) -> bool:
        """Say whether it is theirs to do on a day: not declined, exempt or away; or signed, and soon to run out."""
        if self.due is None:
            return False
        if self.status is Status.SIGNED:
            return self.due - day <= RENEW_WITHIN
        return self.status in _CHASED

    def days_late(self, day: date) -> int:
        """Return the days since it was due; 0 or less while there is time."""
        return (day - self.due).days if self.due else 0


def is_wanted(
    open_: Open, offsets: Iterable[int], last: date | None, day: date, school_day_by: Callable[[date], date]
) -> bool:
    """Say whether a schedule asks for a reminder today. `last` is the day of the latest one, if any.

    `school_day_by` gives the last school day up to a day: what is to come while there is time comes before the
    holidays and not after them.
    """
    if open_.due is None or not open_.can_be_done(day):
        return False
    points = ((n, open_.due + timedelta(days=n)) for n in offsets)
    moved = (school_day_by(point) if n <= 0 else point for n, point in points)
    passed = [point for point in moved if point <= day]
    return bool(passed) and (last is None or last < max(passed))


def is_to_escalate(open_: Open, after: int | None, last: date | None, day: date) -> bool:
    """Say whether the head is to hear of it: so many days late, and not told since it last became due."""
    if after is None or open_.due is None or open_.status not in (Status.OVERDUE, Status.EXPIRED):
        return False
    return open_.days_late(day) >= after and (last is None or last <= open_.due)


def read_offsets(before: str, *, on_day: bool, after: str) -> tuple[int, ...]:
    """Read a schedule as people type it: days before and after, such as "7, 1".

    Raises:
        ConflictError: something typed is no such number, or there are too many; the sentence says what.
    """
    earlier = [-n for n in _days(before, "before", MOST_BEFORE)]
    found = sorted({*earlier, *([0] if on_day else []), *_days(after, "after", MOST_AFTER)})
    if len(found) > MOST_DAYS:
        raise ConflictError(f"Choose no more than {MOST_DAYS} days: more is read by nobody")
    return tuple(found)


def _days(typed: str, side: str, most: int) -> list[int]:
    words = [word for word in re.split(r"[\s,;]+", typed) if word]
    if not all(re.fullmatch(r"[0-9]{1,3}", word) and 1 <= int(word) <= most for word in words):
        raise ConflictError(f"Enter the days {side} as numbers from 1 to {most}, for example 7, 1")
    return [int(word) for word in words]


def offsets_in_words(offsets: Iterable[int]) -> str:
    """Return a schedule in words: "7 and 1 days before, on the day, 7 days after"."""
    there = sorted(offsets)
    before, after = [-n for n in there if n < 0], [n for n in there if n > 0]
    parts = [
        _side(before, "before"),
        "on the day it is due" if 0 in there else "",
        _side(after, "after"),
    ]
    return ", ".join(part for part in parts if part) or "never"


def _side(days: list[int], side: str) -> str:
    if not days:
        return ""
    listed = " and ".join(filter(None, (", ".join(map(str, days[:-1])), str(days[-1]))))
    return f"{listed} {'day' if days == [1] else 'days'} {side}"
