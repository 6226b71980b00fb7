"""Long work as HR sees it: how far it is, how to stop it, and the file that came of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import BinaryIO
from uuid import UUID

import sqlalchemy as sa
from flask import Response, make_response, redirect, render_template, send_file, url_for
from flask.typing import ResponseReturnValue

from lms import audit, jobs, work
from lms.audit import Event
from lms.db import session
from lms.kept_files import FileRefused
from lms.people import Person
from lms.progress import progress
from lms.reports import Format
from lms.web import access, reading
from lms.web.reporting.blueprint import blueprint
from lms.work import Job, JobState

MIMETYPES = {
    Format.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    Format.CSV: "text/csv",
}
STATES = {
    JobState.WAITING: "Waiting",
    JobState.RUNNING: "Being done",
    JobState.DONE: "Done",
    JobState.FAILED: "Failed",
    JobState.CANCELLED: "Cancelled",
}


def _staff_list(job: Job) -> str:
    import_id = UUID(job.params["roster_import"])
    return url_for("reporting.import_preview", school=access.school().slug, import_id=import_id)


WAYS_ON: dict[str, tuple[str, Callable[[Job], str]]] = {
    "roster": ("Go to the staff list", _staff_list),
}
"""By the kind's name: where to go on from work that has ended, in words, and the address."""


@dataclass(frozen=True, slots=True)
class Line:
    """A piece of work in a list."""

    job: Job
    asked_by: str
    state: str


@blueprint.get("/schools/<school>/records/work/<uuid:job_id>")
def work_page(school: str, job_id: UUID) -> str:
    """Show a piece of work: how far it is, or what came of it."""
    del school
    return _page(work.find(access.school().id, job_id))


@blueprint.get("/schools/<school>/records/work/<uuid:job_id>/progress")
def work_progress(school: str, job_id: UUID) -> Response:
    """Return how far it is, alone; nothing (204) when it has ended, so that the whole page is wanted."""
    del school
    job = work.find(access.school().id, job_id)
    if job.has_ended:
        return make_response("", 204)
    response = make_response(render_template("reporting/_work_progress.html", **_standing(job)))
    # Part of a page: opened by itself it is text and nothing that a browser runs.
    response.mimetype = "text/plain"
    return response


@blueprint.post("/schools/<school>/records/work/<uuid:job_id>/cancel")
def cancel_work(school: str, job_id: UUID) -> ResponseReturnValue:
    """Have a piece of work stopped."""
    job, now = work.find(access.school().id, job_id), access.request_time()
    kind = jobs.KINDS.get(job.kind)
    work.cancel(job, now, kind.when_cancelled if kind else "")
    if job.is_cancel_wanted:
        audit.record(
            Event.WORK_CANCELLED,
            organisation_id=job.organisation_id,
            now=now,
            actor_id=access.user().person.id,
            job=str(job.id),
        )
    return redirect(url_for(".work_page", school=school, job_id=job_id), 303)


@blueprint.post("/schools/<school>/records/work/<uuid:job_id>/file")
def fetch_work(school: str, job_id: UUID) -> ResponseReturnValue:
    """Hand over the file, if it is what was made; the audit says who fetched it."""
    job = work.find(access.school().id, job_id)
    if not _is_kept(job) or job.file is None or job.file_name is None or job.sha256 is None:
        return redirect(url_for(".work_page", school=school, job_id=job_id), 303)
    try:
        file = jobs.kept_files(access.settings()).open_checked(job.file, job.sha256)
    except FileRefused as refusal:
        return _page(job, str(refusal)), 409
    reading.afterwards(partial(_audit_fetched, job, access.user().person.id))
    return handed_over(file, job.file_name)


def handed_over(file: BinaryIO, name: str) -> Response:
    """Return the answer that hands over an open file under a name that ends as a Format does."""
    size = file.seek(0, 2)
    file.seek(0)
    mimetype = MIMETYPES[Format(name.rpartition(".")[2])]
    response = send_file(file, mimetype=mimetype, as_attachment=True, download_name=name)
    response.content_length = size
    return response


def lines(jobs_: list[Job]) -> list[Line]:
    """Return pieces of work as a list shows them. One query."""
    ids = {job.asked_by for job in jobs_}
    people = session.scalars(sa.select(Person).where(Person.id.in_(ids))) if ids else ()
    names = {person.id: person.name for person in people}
    return [Line(job, names[job.asked_by], STATES[job.state]) for job in jobs_]


def _page(job: Job, refusal: str | None = None) -> str:
    (line,) = lines([job])
    way_on = WAYS_ON.get(job.kind)
    return render_template(
        "reporting/work.html",
        line=line,
        way_on=(way_on[0], way_on[1](job)) if way_on else None,
        refusal=refusal,
        **_standing(job),
    )


def _standing(job: Job) -> dict[str, object]:
    now = access.request_time()
    return {
        "job": job,
        "progress": None if job.has_ended else progress(job, now),
        "is_late": work.is_late([job], now),
        "is_kept": _is_kept(job),
    }


def _is_kept(job: Job) -> bool:
    return job.file is not None and job.kept_until is not None and job.kept_until >= access.request_time()


def _audit_fetched(job: Job, actor_id: UUID) -> None:
    audit.record(
        Event.EXPORT_FETCHED,
        organisation_id=job.organisation_id,
        now=access.request_time(),
        actor_id=actor_id,
        report=str(job.params.get("report", job.kind)),
        rows=job.done,
        sha256=job.sha256 or "",
    )
