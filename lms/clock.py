"""Time: the one caller of datetime.now, and the London calendar that schools live by."""

from __future__ import annotations

import calendar
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

LONDON = ZoneInfo("Europe/London")


def now() -> datetime:
    """Return the present moment, aware, in UTC."""
    return datetime.now(UTC)


def london_day(moment: datetime) -> date:
    """Return the day it is in London at an aware moment."""
    return moment.astimezone(LONDON).date()


def start_of_day(day: date) -> datetime:
    """Return the first moment of a London day, in UTC."""
    return datetime.combine(day, time.min, LONDON).astimezone(UTC)


def end_of_day(day: date) -> datetime:
    """Return the last microsecond of a London day, in UTC."""
    return start_of_day(day + timedelta(days=1)) - timedelta(microseconds=1)


def add_months(day: date, months: int) -> date:
    """Return the same day of the month `months` later (or earlier), clamped to the month's end."""
    index = day.year * 12 + day.month - 1 + months
    year, month = divmod(index, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def day_in_words(day: date) -> str:
    """Return a day as people write it: "5 September 2026"."""
    return f"{day.day} {day:%B %Y}"


def time_in_words(moment: datetime) -> str:
    """Return an aware moment in London, as people write it: "5 September 2026, 2:51pm"."""
    local = moment.astimezone(LONDON)
    return (
        f"{day_in_words(local.date())}, {local.hour % 12 or 12}:{local:%M}{'am' if local.hour < 12 else 'pm'}"
    )
