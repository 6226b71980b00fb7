"""How far long work is, as a share and in words, for whoever waits for it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from lms.clock import time_in_words
from lms.work import LEASE, Job, JobState

TOO_EARLY = 2.0
"""Seconds within which nobody can say how long the rest will take."""
TOO_LITTLE = 0.02
"""The share after which somebody can: what comes before the first of it takes time too."""
SILENT = 30.0
"""Seconds without a word after which people are told so."""
_NEXT = "If the worker was stopped, the next one begins again by itself."


@dataclass(frozen=True, slots=True)
class Progress:
    """`percent` is None where nobody knows of how much; it is 100 only at the end."""

    percent: int | None
    words: str


def progress(job: Job, now: datetime) -> Progress:
    """Return how far a piece of work is that hasn't ended."""
    if job.state is JobState.WAITING:
        return Progress(None, "It begins within a minute, unless other work is before it.")
    percent = share(job.done, job.total)
    if job.is_cancel_wanted:
        return Progress(percent, "Stopping: the part in hand is brought to its end first.")
    heard = job.lease_until - LEASE if job.lease_until else job.asked_at
    if not job.is_held(now):
        return Progress(
            percent, f"There is no word since {time_in_words(heard)} of the worker that did this. {_NEXT}"
        )
    silent = (now - heard).total_seconds()
    rest = (
        _rest(job, heard) if silent < SILENT else f"Nothing was heard of it for {silent:.0f} seconds. {_NEXT}"
    )
    return Progress(percent, " ".join(filter(None, (done_of(job.done, job.total, job.words), rest))))


def share(done: int, total: int | None) -> int | None:
    """Return how much is done in hundredths, never the last of them; None where nobody knows of how much."""
    return min(99, 100 * done // total) if total else None


def done_of(done: int, total: int | None, words: str) -> str:
    """Return how much is done: "500 of 2,000 rows written." `words` is what is counted."""
    if not done:
        return "Just begun."
    of = f" of {total:,}" if total and total >= done else ""
    return f"{done:,}{of} {words}".rstrip() + "."


def time_left(done: int, total: int, seconds: float) -> str:
    """Return how long the rest takes if it goes as what was done in these seconds; empty when it's too early to say."""
    if not TOO_LITTLE * total <= done < total or seconds < TOO_EARLY:
        return ""
    left = seconds * (total - done) / done
    if left < 10:
        return "A few seconds left."
    if left < 55:
        return f"About {round(left / 10) * 10} seconds left."
    if left < 90:
        return "About a minute left."
    if left < 55 * 60:
        return f"About {round(left / 60)} minutes left."
    hours = max(1, round(left / 3600))
    return f"About {hours} hour{'s' if hours > 1 else ''} left."


def _rest(job: Job, heard: datetime) -> str:
    if job.total is None or job.begun_at is None:
        return ""
    if job.done >= job.total:
        return "Nearly finished."
    return time_left(job.done, job.total, (heard - job.begun_at).total_seconds())
