"""Long work: what somebody asked for that takes longer than a page may, and how it stands. lms/worker.py does it.

The row is the truth: whoever does the work holds it by a lease and by the number of the attempt. A worker that is
killed lets its lease run out; then the work is begun again, or said to have failed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID, uuid4

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from lms.db import Base, session
from lms.errors import NotFoundError
from lms.kept_files import Folder

WANTED = "work_wanted"
"""In a session's `info` while it has work that may begin after the commit."""
LEASE = timedelta(minutes=2)
"""How long a worker may be silent; then it is taken to have been killed."""
REMEMBERED = timedelta(days=90)
"""How long ended work is listed: what was asked for may hold a name."""
LATE = timedelta(seconds=90)
"""Work that nobody has taken up for so long, while no other is being done, says that no worker is running."""


class JobState(StrEnum):
    """Where a piece of work is."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


OPEN = (JobState.WAITING, JobState.RUNNING)


class Job(Base):
    """One piece of work that somebody at a school asked for."""

    __tablename__ = "job"
    __table_args__ = (
        sa.Index("ix_job_state_asked_at", "state", "asked_at"),
        sa.Index("ix_job_organisation_asked_at", "organisation_id", "asked_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    organisation_id: Mapped[UUID] = mapped_column(sa.ForeignKey("organisation.id"))
    kind: Mapped[str]
    title: Mapped[str]
    """What it is, as people read it: "Training record, Excel workbook"."""
    asked_by: Mapped[UUID] = mapped_column(sa.ForeignKey("person.id"))
    asked_at: Mapped[datetime]
    params: Mapped[dict[str, Any]] = mapped_column(default=dict)
    state: Mapped[JobState] = mapped_column(default=JobState.WAITING)
    done: Mapped[int] = mapped_column(default=0)
    total: Mapped[int | None]
    """Of how many; null while nobody knows."""
    words: Mapped[str] = mapped_column(default="")
    """While it runs, what `done` counts ("rows written"); afterwards, what came of it in a sentence or two."""
    attempts: Mapped[int] = mapped_column(default=0)
    """How often it was begun, which is also the number of the attempt that holds it."""
    begun_at: Mapped[datetime | None]
    lease_until: Mapped[datetime | None]
    is_cancel_wanted: Mapped[bool] = mapped_column(default=False)
    ended_at: Mapped[datetime | None]
    file: Mapped[str | None]
    """The file's name in the folder of kept files; null where there is none, or none any more."""
    file_name: Mapped[str | None]
    """What the file is called when it is fetched."""
    sha256: Mapped[str | None] = mapped_column(sa.String(64))
    kept_until: Mapped[datetime | None]

    @property
    def has_ended(self) -> bool:
        """Whether nothing more will happen to it."""
        return self.state not in OPEN

    def is_held(self, now: datetime) -> bool:
        """Say whether a worker is at it, as far as anybody knows."""
        return self.state is JobState.RUNNING and self.lease_until is not None and self.lease_until >= now


def ask(
    kind: str,
    *,
    title: str,
    organisation_id: UUID,
    by: UUID,
    now: datetime,
    id: UUID | None = None,
    **params: Any,
) -> Job:
    """Have work of a kind (its name in `lms.jobs.KINDS`) done; it begins after the commit.

    `params` is what JSON can hold, and what the kind's `run` is given. `by` is the person who asks. Somebody who asks
    for the same again while it isn't done (a second press of the button) gets the first.
    """
    if same := asked_already(kind, organisation_id=organisation_id, by=by, params=params):
        return same
    job = Job(
        id=id or uuid4(),
        organisation_id=organisation_id,
        kind=kind,
        title=title,
        asked_by=by,
        asked_at=now,
        params=params,
        state=JobState.WAITING,
    )
    session.add(job)
    session.flush()
    session.info[WANTED] = True
    return job


def asked_already(kind: str, *, organisation_id: UUID, by: UUID, params: Mapping[str, Any]) -> Job | None:
    """Return the work that somebody has asked for in the same words and that isn't done yet."""
    ours = sa.and_(Job.organisation_id == organisation_id, Job.kind == kind, Job.asked_by == by)
    rows = session.scalars(sa.select(Job).where(ours, Job.state.in_(OPEN), ~Job.is_cancel_wanted))
    return next((job for job in rows if job.params == params), None)


def find(organisation_id: UUID, job_id: UUID) -> Job:
    """Return a piece of work of a school. Raises NotFoundError for another's, and for what is long forgotten."""
    job = session.get(Job, job_id)
    if job is None or job.organisation_id != organisation_id:
        raise NotFoundError(
            "There is no such work here. What ended more than 90 days ago isn't listed any more."
        )
    return job


def recent(organisation_id: UUID, most: int = 10) -> list[Job]:
    """Return the latest work of a school, the newest first. One query."""
    ours = sa.select(Job).where(Job.organisation_id == organisation_id)
    return list(session.scalars(ours.order_by(Job.asked_at.desc(), Job.id).limit(most)))


def is_late(jobs: Sequence[Job], now: datetime) -> bool:
    """Say whether any of these waits though nothing is being done, so that no worker can be running."""
    if not any(_waits_since(job, now) < now - LATE for job in jobs if not job.has_ended):
        return False
    # A worker that does one long piece of work lets the others wait.
    held = sa.select(Job.id).where(Job.state == JobState.RUNNING, Job.lease_until >= now - LATE)
    return session.scalar(held.limit(1)) is None


def cancel(job: Job, now: datetime, words: str) -> None:
    """Cancel work: at once where nobody is at it, else after the part in hand. What has ended stays as it is.

    `words` says what is left where it ends at once: the kind's `when_cancelled`.
    """
    # Locked, where a database knows that: a worker may be taking it up at this moment.
    session.refresh(job, with_for_update=True)
    if job.has_ended:
        return
    job.is_cancel_wanted = True
    if not job.is_held(now):
        job.state, job.ended_at, job.words, job.lease_until = JobState.CANCELLED, now, words, None


def sweep(folder: Folder, now: datetime) -> None:
    """Let go of files whose time is over, of files that no work has, and of work that ended long ago.

    In a transaction of the caller's. A file that is removed though that is undone was of no more use.
    """
    # Listed first: the file of work that begins after this isn't among them.
    there = folder.names()
    session.execute(sa.update(Job).where(Job.file.is_not(None), Job.kept_until < now).values(file=None))
    session.execute(sa.delete(Job).where(Job.ended_at < now - REMEMBERED))
    with_file = sa.or_(Job.file.is_not(None), Job.state == JobState.RUNNING)
    rows = session.execute(sa.select(Job.id, Job.attempts, Job.file).where(with_file))
    folder.remove(there - {file or draft_name(job_id, attempt) for job_id, attempt, file in rows})


def draft_name(job_id: UUID, attempt: int) -> str:
    """Return what the file of one attempt is called in the folder: two attempts never write the same."""
    return f"{job_id}-{attempt}"


def _waits_since(job: Job, now: datetime) -> datetime:
    return (job.lease_until or now) if job.state is JobState.RUNNING else job.asked_at
