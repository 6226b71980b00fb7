"""Which of a person's engagements a row of a staff list is about."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from lms.roster.matching import KnownEngagement, fold
from lms.roster.rows import RosterRow


def pair_up(
    rows: Sequence[RosterRow], engagements: Sequence[KnownEngagement], today: date
) -> dict[int, KnownEngagement | None]:
    """Return the engagement that each row of one person is about, by line; None where a new one is meant.

    The rows go with the engagements that still run, those of now before those that are over, the likest first. A row
    that is left goes with one that is over,
    unless it begins after that: then somebody has come back.
    """
    if not engagements:
        return {row.line: None for row in rows}
    running = [e for e in engagements if not e.is_over(today)]
    over = [e for e in engagements if e.is_over(today)]
    pairs = _likest(rows, running, today)
    left = [row for row in rows if row.line not in pairs]
    if not running:
        for row in left:
            used = set(map(id, pairs.values()))
            if earlier := [e for e in over if id(e) not in used and not _begins_after(row, e)]:
                pairs[row.line] = max(earlier, key=lambda e: (_likeness(row, e), e.starts, str(e.id)))
    return {row.line: pairs.get(row.line) for row in rows}


def _likest(
    rows: Sequence[RosterRow], engagements: Sequence[KnownEngagement], today: date
) -> dict[int, KnownEngagement]:
    is_one_each = len(rows) == len(engagements) == 1
    ranked = sorted(
        (_has_left(row, today), -_likeness(row, engagement), row.line, str(engagement.id), engagement)
        for row in rows
        for engagement in engagements
        if is_one_each or not _is_other_type(row, engagement)
    )
    pairs: dict[int, KnownEngagement] = {}
    used: set[str] = set()
    for _, _, line, _, engagement in ranked:
        if line not in pairs and str(engagement.id) not in used:
            pairs[line] = engagement
            used.add(str(engagement.id))
    return pairs


def _has_left(row: RosterRow, today: date) -> bool:
    return row.ends is not None and row.ends < today


def _is_other_type(row: RosterRow, engagement: KnownEngagement) -> bool:
    return row.type is not None and not row.type_is_guess and row.type is not engagement.type


def _begins_after(row: RosterRow, engagement: KnownEngagement) -> bool:
    return row.starts is not None and engagement.ends is not None and row.starts > engagement.ends


def _likeness(row: RosterRow, engagement: KnownEngagement) -> int:
    alike = 4 * (row.type is engagement.type) + 2 * (row.starts == engagement.starts)
    alike += 2 * (row.ends == engagement.ends)
    for mine, theirs in (
        (row.job_title, engagement.job_title),
        (row.department, engagement.department),
        (row.agency, engagement.agency),
    ):
        alike += fold(mine or "") == fold(theirs or "")
    return alike
