"""Whom an assignment is for: engagement types, departments, long enough stays. Told in SQL and in Python."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from lms.assignments import Assignment
from lms.db import is_sqlite
from lms.people import Engagement, EngagementType


def conditions(assignment: Assignment) -> list[sa.ColumnElement[bool]]:
    """Return the conditions that an Engagement is one that an assignment is for."""
    found: list[sa.ColumnElement[bool]] = [
        Engagement.type.in_([EngagementType(t) for t in assignment.audience])
    ]
    if assignment.departments:
        found.append(Engagement.department.in_(assignment.departments))
    if assignment.least_days is not None:
        # From Monday to Friday is four nights, and five days, which is no longer than five days.
        found.append(sa.or_(Engagement.ends.is_(None), _nights() >= assignment.least_days))
    return found


def is_for(assignment: Assignment, engagement: Engagement) -> bool:
    """Say the same of one engagement."""
    least, ends, departments = assignment.least_days, engagement.ends, assignment.departments
    is_long = least is None or ends is None or (ends - engagement.starts).days >= least
    is_theirs = not departments or engagement.department in departments
    return engagement.type in assignment.audience and is_theirs and is_long


def _nights() -> Any:
    first, last = Engagement.starts, Engagement.ends
    if is_sqlite():
        return sa.func.julianday(last) - sa.func.julianday(first)
    return sa.type_coerce(last - first, sa.Integer())
