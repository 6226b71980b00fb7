"""How far long work is, in words."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from lms.progress import progress, time_left
from lms.work import LEASE, Job, JobState
from tests.conftest import NOW


@pytest.mark.parametrize(
    ("done", "total", "seconds", "words"),
    [
        (0, 100, 60, ""),
        (0, 0, 60, ""),
        (50, 100, 1, ""),
        (100, 100, 60, ""),
        (90, 100, 60, "A few seconds left."),
        (75, 100, 60, "About 20 seconds left."),
        (50, 100, 60, "About a minute left."),
        (10, 100, 60, "About 9 minutes left."),
        (1, 100, 60, ""),
        (2, 100, 75, "About 1 hour left."),
        (2, 100, 600, "About 8 hours left."),
    ],
)
def test_the_time_left_is_said_as_people_say_it(done: int, total: int, seconds: float, words: str) -> None:
    assert time_left(done, total, seconds) == words


def running(**values: Any) -> Job:
    facts = {"done": 0, "total": 4000, "words": "rows written", "is_cancel_wanted": False}
    heard = NOW + timedelta(seconds=20)
    held = {"state": JobState.RUNNING, "begun_at": NOW, "lease_until": heard + LEASE}
    return Job(**{**facts, **held, **values})


@pytest.mark.parametrize(
    ("job", "percent", "words"),
    [
        (Job(state=JobState.WAITING), None, "It begins within a minute"),
        (running(), 0, "Just begun."),
        (running(done=1000), 25, "1,000 of 4,000 rows written. About a minute left."),
        (running(done=4000), 99, "4,000 of 4,000 rows written. Nearly finished."),
        (running(done=5000), 99, "5,000 rows written. Nearly finished."),
        (running(done=1000, total=None), None, "1,000 rows written."),
        (running(done=1000, is_cancel_wanted=True), 25, "Stopping: the part in hand is brought to its end"),
        (running(done=1000, lease_until=NOW), 25, "no word since 7 September 2026, 9:28am of the worker"),
        (
            running(done=1000, lease_until=NOW + LEASE - timedelta(seconds=20)),
            25,
            "heard of it for 45 seconds. If the",
        ),
    ],
)
def test_work_says_how_far_it_is_and_never_that_it_is_all_done(
    job: Job, percent: int | None, words: str
) -> None:
    told = progress(job, NOW + timedelta(seconds=25))
    assert told.percent == percent
    assert words in told.words
