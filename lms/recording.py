"""Recording a fact anew, so that what was recorded before stays as it was said."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

import sqlalchemy as sa

from lms.db import Versioned, session

Row = TypeVar("Row", bound=Versioned)


def record_anew(
    changes: Iterable[tuple[Row, Mapping[str, Any]]], *, by: UUID | None, now: datetime
) -> list[Row]:
    """Record rows that hold now anew with some facts otherwise. Two statements, however many there are.

    `by` is who says so: the table has a column `recorded_by`. Returned are the rows that hold now, in the same order:
    the same row where nothing is otherwise, and where it was recorded at this very instant (or later: a clock may go
    back), because no report has seen it.
    """
    current: list[Row] = []
    later: list[Row] = []
    for row, wanted in changes:
        different = {name: value for name, value in wanted.items() if getattr(row, name) != value}
        kept = _changed(row, {**different, "recorded_by": by}, now) if different else row
        current.append(kept)
        if kept is not row:
            row.recorded_to = now
            later.append(kept)
    # The old rows end before the new ones come: there is one current row of each.
    session.flush()
    session.add_all(later)
    session.flush()
    return current


def _changed(row: Row, different: Mapping[str, Any], now: datetime) -> Row:
    if now <= row.recorded_from:
        for name, value in different.items():
            setattr(row, name, value)
        return row
    facts = {c.key: getattr(row, c.key) for c in sa.inspect(type(row)).column_attrs}
    return type(row)(**{**facts, **different, "recorded_from": now, "recorded_to": None})
