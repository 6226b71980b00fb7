"""When things happened in the demo's year: events put in the order of time, and the days people work."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from random import Random

from lms.clock import LONDON

Happening = Callable[[datetime], None]


@dataclass
class Calendar:
    """What is to happen, at moments before `now`: a ledger takes nothing that goes back in time."""

    now: datetime
    chance: Random
    _events: list[tuple[datetime, int, Happening]] = field(default_factory=list)

    def on(self, moment: datetime, happening: Happening) -> None:
        """Plan something; what lies in the future doesn't happen."""
        if moment < self.now:
            self._events.append((moment, len(self._events), happening))

    def live(self) -> None:
        """Let everything happen, earliest first; of the same moment in the order it was planned."""
        for moment, _, happening in sorted(self._events, key=lambda event: event[:2]):
            happening(moment)

    def some_time(self, day: date) -> datetime:
        """Return a moment on a day, or on the next working day, before school, in a break or after."""
        hour = self.chance.choice((7, 8, 8, 11, 12, 15, 15, 16, 16, 17, 20))
        moment = time(hour, self.chance.randint(0, 59), self.chance.randint(0, 59))
        return datetime.combine(_working(day), moment, LONDON)


def at(day: date, hour: int, minute: int = 0) -> datetime:
    """Return a time of a day in London."""
    return datetime.combine(day, time(hour, minute), LONDON)


def _working(day: date) -> date:
    while day.weekday() > 4 or (day.month, day.day) >= (12, 22) or (day.month, day.day) <= (1, 2):
        day += timedelta(days=1)
    return day
