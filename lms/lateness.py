"""Who is late with an item, told in SQL. In Python, `items.deadlines` tells the same of one person."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from lms import absences
from lms.items import Item
from lms.sql_days import later, nights, plus_days


def is_overdue(
    item: Item, engaged: sa.Subquery, moment: sa.BindParameter[datetime]
) -> sa.ColumnElement[bool]:
    """Return the condition that an item was due before its day; `engaged` has the columns person_id and starts."""
    assignment = item.assignment
    if assignment.due_on is not None:
        latest_start, is_past = item.day, assignment.due_on < item.day
    else:
        latest_start = item.day - timedelta(days=assignment.due_days or 0)
        is_past = assignment.assigned_on < latest_start
    if not is_past:
        return sa.false()
    been_away = absences.been_away(engaged.c.person_id, school_of(item, engaged), item.day, moment)
    # Few have been away: the others are spared the counting.
    return sa.and_(
        engaged.c.starts < latest_start, sa.or_(~been_away, _is_late_after_absence(item, engaged, moment))
    )


def _is_late_after_absence(
    item: Item, engaged: sa.Subquery, moment: sa.BindParameter[datetime]
) -> sa.ColumnElement[bool]:
    """Return the condition that somebody is back, and late by more than the days that they were away."""
    then = (school_of(item, engaged), item.day, moment)
    due, begins = first_due(item, engaged.c.starts)
    late = nights(due, _literal(item.day))
    away_for = absences.days_away_since(engaged.c.person_id, begins, *then)
    return sa.and_(~absences.away_on(engaged.c.person_id, *then), late > away_for)


def school_of(item: Item, engaged: sa.Subquery) -> Any:
    """Return the id of the item's school: where items are told together, the column that says whose."""
    return engaged.c.organisation_id if item.alike else item.assignment.organisation_id


def first_due(
    item: Item, starts: sa.ColumnElement[Any]
) -> tuple[sa.ColumnElement[Any], sa.ColumnElement[Any]]:
    """Return `Item.due` and `Item.clock_begins` as SQL."""
    assignment = item.assignment
    begins = later(starts, _literal(assignment.assigned_on))
    if assignment.due_on is not None:
        return later(starts, _literal(assignment.due_on)), begins
    return plus_days(begins, assignment.due_days or 0), begins


def _literal(day: date) -> sa.ColumnElement[date]:
    return sa.literal(day, sa.Date())
