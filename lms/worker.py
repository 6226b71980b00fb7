"""How long work is done: taken up by a lease, told of while it goes on, and ended once, whatever is killed when.

A kind of work does what it does in as many transactions as it likes, says between them how far it is
(`Running.report`), and in the transaction of the last of it says that it is done (`Running.settle`). So what was done
and that it is done are kept together, and a worker that was overtaken keeps neither.
"""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, BinaryIO, NamedTuple
from uuid import UUID

import sqlalchemy as sa

from lms.db import session, transaction
from lms.errors import CountersignError, StorageBusyError
from lms.kept_files import Folder
from lms.work import LEASE, Job, JobState, draft_name

log = logging.getLogger("countersign")

MOST_ATTEMPTS = 3
"""How often work is begun before it has failed."""
KEPT = timedelta(days=7)
"""How long a finished file is kept."""
EVERY = 1.0
"""Seconds between two notes of how far the work is."""
UNEXPECTED = "Something went wrong that should not have. Tell your administrator the reference"


class Stopped(Exception):
    """The work must not go on, and what isn't committed is undone. A kind never catches it."""


class Cancelled(Stopped):
    """Somebody cancelled the work."""


class Overtaken(Stopped):
    """The lease ran out, and the work isn't ours any more."""


class PutBack(Stopped):
    """The worker is told to stop, and leaves the work to the next."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of long work; lms/jobs.py lists them all in KINDS.

    `run` is called with no transaction open. An error of the domain (CountersignError) that it raises is shown to
    whoever asked, and ends the work. `when_cancelled` says what a piece leaves that didn't get to its end: "No file
    was made." `when_killed` is for work that must not be begun again once it was begun: it says what to do instead.
    """

    name: str
    run: Callable[[Running], None]
    when_cancelled: str
    when_killed: str | None = None


class Kept(NamedTuple):
    """A finished file: its name in the folder, what it is called when it is fetched, and its SHA-256 in hex."""

    file: str
    file_name: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Worker:
    """What doing work needs: the time, a place for files, another session, and whether to stop soon."""

    now: Callable[[], datetime]
    folder: Folder
    apart: Callable[[], AbstractContextManager[Any]]
    """Opens a context whose session is another than the work's own."""
    must_stop: Callable[[], bool]


class Running:
    """One attempt at a piece of work, for its kind to work with."""

    def __init__(self, job: Job, kind: Kind, worker: Worker) -> None:
        self.job_id: UUID = job.id
        self.organisation_id: UUID = job.organisation_id
        self.asked_by: UUID = job.asked_by
        self.asked_at: datetime = job.asked_at
        self.params: dict[str, Any] = dict(job.params)
        self.is_settled = False
        self._attempt, self._kind, self._worker = job.attempts, kind, worker
        self._next_note = time.monotonic()

    def now(self) -> datetime:
        """Return the present moment."""
        return self._worker.now()

    def report(self, done: int, total: int | None = None, words: str = "") -> None:
        """Say how far the work is, and keep the lease. Call it between batches, at least twice a minute.

        `words` is what is counted, such as "rows written". Cheap: it writes once a second at most, in a transaction of
        its own. So it may be called while a transaction reads, but not in one that writes.

        Raises:
            Stopped: the work must not go on.
        """
        if time.monotonic() < self._next_note:
            return
        if _is_writing():
            raise RuntimeError("how far work is can be noted between transactions that write, not in one")
        if self._worker.must_stop() and self._kind.when_killed is None:
            raise PutBack
        try:
            with self._worker.apart(), transaction():
                now = self.now()
                self._hold({"done": done, "total": total, "words": words, "lease_until": now + LEASE})
        except StorageBusyError:
            # The next note will get through, or the lease runs out.
            log.warning("how far work %s is could not be noted", self.job_id)
        self._next_note = time.monotonic() + EVERY

    def draft(self) -> AbstractContextManager[BinaryIO]:
        """Give a new file to write and read, which only the server's user may open; kept if `settle` has it.

        Raises:
            StorageError: there is no room, or the folder can't be written to.
        """
        return self._worker.folder.draft(draft_name(self.job_id, self._attempt))

    def kept(self, file_name: str, sha256: str) -> Kept:
        """Return for `settle` the file that `draft` gave, with what it will be called and its SHA-256 in hex."""
        return Kept(draft_name(self.job_id, self._attempt), file_name, sha256)

    def settle(self, words: str, *, done: int, file: Kept | None = None) -> None:
        """Say, in the transaction of the last of it, that the work is done. `words` says what came of it.

        Raises:
            Stopped: it was cancelled, or taken up by another worker: let it pass, so that nothing of this is kept.
        """
        now = self.now()
        values: dict[str, Any] = {"state": JobState.DONE, "words": words, "done": done, "total": done}
        if file:
            values |= {**file._asdict(), "kept_until": now + KEPT}
        self._hold({**values, "ended_at": now, "lease_until": None})
        self.is_settled = True

    def _hold(self, values: dict[str, Any]) -> None:
        is_cancelled = _change_held(self.job_id, self._attempt, values)
        if is_cancelled is None:
            raise Overtaken
        if is_cancelled:
            raise Cancelled

    def end(self, state: JobState, words: str) -> None:
        """Write down that the work ended in another way; nothing where another worker has it by now."""
        self._leave({"state": state, "words": words, "ended_at": self.now()})

    def put_back(self) -> None:
        """Leave the work to the next worker: this attempt doesn't count."""
        self._leave({"state": JobState.WAITING, "attempts": self._attempt - 1})

    def _leave(self, values: dict[str, Any]) -> None:
        with transaction():
            _change_held(self.job_id, self._attempt, {**values, "lease_until": None})


def do_next(kinds: Mapping[str, Kind], worker: Worker) -> bool:
    """Do the next piece of work, and say whether there was one. Called with no transaction open.

    Raises:
        StorageError: the database is out of reach. The work is taken up again once its lease has run out.
    """
    if worker.must_stop():
        return False
    with transaction():
        job = take(kinds, worker.now())
    if job is None:
        return False
    kind = kinds[job.kind]
    _do(kind, Running(job, kind, worker))
    return True


def _do(kind: Kind, running: Running) -> None:
    try:
        kind.run(running)
        if not running.is_settled:
            raise RuntimeError(f"work of the kind {kind.name} ended without saying so")
    except Cancelled:
        running.end(JobState.CANCELLED, kind.when_cancelled)
    except PutBack:
        running.put_back()
    except (Overtaken, StorageBusyError) as error:
        # Another has it, or will have it when the lease has run out.
        log.warning("work %s was left: %s", running.job_id, type(error).__name__)
    except CountersignError as error:
        running.end(JobState.FAILED, str(error))
    except Exception:
        reference = secrets.token_hex(4)
        log.exception("reference %s: work %s of the kind %s failed", reference, running.job_id, kind.name)
        running.end(JobState.FAILED, f"{UNEXPECTED} {reference}. {kind.when_cancelled}")


def take(kinds: Mapping[str, Kind], now: datetime) -> Job | None:
    """Begin the work that was asked for first and that nobody holds; None when there is none. The caller commits."""
    lost = sa.and_(Job.state == JobState.RUNNING, Job.lease_until < now)
    free = sa.select(Job).where(sa.or_(Job.state == JobState.WAITING, lost)).order_by(Job.asked_at, Job.id)
    for job in session.scalars(free.limit(50).execution_options(populate_existing=True)).all():
        if ending := _must_end(job, kinds):
            _change_seen(job, {**ending, "ended_at": now, "lease_until": None})
        elif _change_seen(job, _beginning(job, now)):
            session.refresh(job)
            return job
    return None


def _must_end(job: Job, kinds: Mapping[str, Kind]) -> dict[str, Any] | None:
    """Return how work ends that must not be begun (again); None for what may."""
    kind = kinds.get(job.kind)
    if kind is None:
        return _failed("This version of Countersign can’t do this. Ask for it again.")
    if job.is_cancel_wanted:
        return {"state": JobState.CANCELLED, "words": kind.when_cancelled}
    if job.attempts and kind.when_killed:
        return _failed(f"The server stopped while this was being done. {kind.when_killed}")
    if job.attempts >= MOST_ATTEMPTS:
        return _failed(
            f"It was begun {job.attempts} times, and each time the server stopped before the end. "
            f"{kind.when_cancelled} Ask for less at a time, or tell your administrator."
        )
    return None


def _failed(words: str) -> dict[str, Any]:
    return {"state": JobState.FAILED, "words": words}


def _beginning(job: Job, now: datetime) -> dict[str, Any]:
    afresh = {"done": 0, "total": None, "words": "", "begun_at": now, "lease_until": now + LEASE}
    return {**afresh, "state": JobState.RUNNING, "attempts": job.attempts + 1}


def _change_seen(job: Job, values: dict[str, Any]) -> bool:
    """Change work as it was seen; False where another worker was quicker."""
    seen = (Job.id == job.id, Job.state == job.state, Job.attempts == job.attempts)
    changed = session.scalar(
        sa.update(Job)
        .where(*seen, Job.lease_until.is_not_distinct_from(job.lease_until))
        .values(values)
        .returning(Job.id)
        .execution_options(synchronize_session=False)
    )
    return changed is not None


def _change_held(job_id: UUID, attempt: int, values: dict[str, Any]) -> bool | None:
    """Change work that this attempt holds; say whether it is to be cancelled, or None where it isn't held."""
    held = (Job.id == job_id, Job.state == JobState.RUNNING, Job.attempts == attempt)
    is_cancelled: bool | None = session.scalar(
        sa.update(Job)
        .where(*held)
        .values(values)
        .returning(Job.is_cancel_wanted)
        .execution_options(synchronize_session=False)
    )
    return is_cancelled


def _is_writing() -> bool:
    if not session().in_transaction():
        return False
    begun = session.connection().get_execution_options()
    return not (begun.get("write") is False or begun.get("postgresql_readonly"))
