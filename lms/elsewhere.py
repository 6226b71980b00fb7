"""Training done elsewhere, beside the rows of the training record. It is no signature: no status knows of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import islice

from lms import outside_training
from lms.record import RecordRow, Scope

AT_ONCE = 500
"""Rows looked up, and held, at a time."""


def beside(scope: Scope, rows: Iterable[RecordRow]) -> Iterator[RecordRow]:
    """Yield the same rows of a scope's record, with what each adult did elsewhere as was on record at its moment.

    One query where nothing of the kind is on record, and else one more for every 500 rows.
    """
    school_id, moment = scope.school.id, scope.moment
    if not outside_training.is_any(school_id, moment):
        yield from rows
        return
    waiting = iter(rows)
    while some := list(islice(waiting, AT_ONCE)):
        done = outside_training.done_by([row.person_id for row in some], school_id, moment)
        yield from (replace(row, elsewhere=done.get(row.person_id, ())) for row in some)
