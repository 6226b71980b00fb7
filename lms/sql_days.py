"""Reckoning with days in SQL, in the words of each database."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from lms.db import is_sqlite


def later(first: Any, second: Any) -> sa.ColumnElement[Any]:
    """Return the later of two days."""
    return sa.func.max(first, second) if is_sqlite() else sa.func.greatest(first, second)


def earlier(first: Any, second: Any) -> sa.ColumnElement[Any]:
    """Return the earlier of two days."""
    return sa.func.min(first, second) if is_sqlite() else sa.func.least(first, second)


def plus_days(day: Any, days: Any) -> sa.ColumnElement[Any]:
    """Return the day so many days after another. The days may be an expression."""
    if not is_sqlite():
        return sa.cast(day, sa.Date()) + sa.cast(days, sa.Integer())
    return sa.func.date(day, sa.cast(days, sa.Text()) + " days")


def nights(first: Any, last: Any) -> sa.ColumnElement[int]:
    """Return how many days lie between two: from a Monday to the Friday, four."""
    if is_sqlite():
        return sa.cast(sa.func.julianday(last) - sa.func.julianday(first), sa.Integer())
    return sa.type_coerce(sa.cast(last, sa.Date()) - sa.cast(first, sa.Date()), sa.Integer())
