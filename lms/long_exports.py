"""Exports that take longer than a page may: made by the worker, from what was recorded when they were asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from lms import audit, compliance, governors, reports, tallies, work
from lms.audit import Event
from lms.db import session, transaction
from lms.people import Engagement, EngagementType, Person, folded
from lms.record import Scope
from lms.reports import Format, Report
from lms.schools import Organisation
from lms.standings import Filters
from lms.status import Status
from lms.work import Job
from lms.worker import Kind, Running

MOST_AT_ONCE = 2_000
"""A report of more rows isn't made while somebody waits for the page."""
_FILES = {Format.XLSX: "Excel workbook", Format.CSV: "CSV"}


class TooLong(Exception):
    """A report is of more than is made while somebody waits."""


def refuse_long(report: Report, scope: Scope) -> None:
    """Raise TooLong for a governors' pack of many people: it reads them all, however few rows it has. One query."""
    if report is not Report.GOVERNORS_PACK:
        return
    schools = [school.id for school in governors.schools_of(scope.school)]
    if sum(each.people for each in tallies.adults(schools, scope.moment)) > MOST_AT_ONCE:
        raise TooLong


def only_short(rows: int) -> None:
    """Raise TooLong where a report has more rows so far than are made at once; for `reports.write_report`."""
    if rows > MOST_AT_ONCE:
        raise TooLong


def wanted(report: Report, format: Format, scope: Scope, as_at: date | None) -> dict[str, Any]:
    """Return what is asked for, as `lms.work` keeps it. `as_at` is the past day asked about; None for now."""
    filters = scope.filters
    return {
        "report": report.value,
        "format": format.value,
        "as_at": as_at.isoformat() if as_at else None,
        "item": str(scope.item.assignment.id) if scope.item else None,
        "name": filters.name,
        "type": filters.type.value if filters.type else None,
        "department": filters.department,
        "status": filters.status.value if filters.status else None,
        "with_names": scope.with_names,
    }


def ask(school_id: UUID, params: dict[str, Any], *, by: UUID, now: datetime, id: UUID | None = None) -> Job:
    """Have the worker make the export that `wanted` told of."""
    title = f"{Report(params['report']).words}, {_FILES[Format(params['format'])]}"
    return work.ask(KIND.name, title=title, organisation_id=school_id, by=by, now=now, id=id, **params)


def _make(running: Running) -> None:
    report, format = Report(running.params["report"]), Format(running.params["format"])
    with transaction(write=False), running.draft() as file:
        scope, maker = _scope(running), session.get_one(Person, running.asked_by)
        written = reports.write_report(
            report,
            scope,
            format=format,
            file=file,
            made_by=maker.name,
            made_at=running.now(),
            tell=_telling(running, _most_rows(report, scope)),
        )
        name = reports.file_name(report, scope, format)
    with transaction():
        audit.record(
            Event.EXPORTED,
            organisation_id=running.organisation_id,
            now=running.now(),
            actor_id=running.asked_by,
            report=report.value,
            rows=written.rows,
            sha256=written.sha256,
        )
        running.settle(
            f"The file has {written.rows:,} row{'' if written.rows == 1 else 's'}.",
            done=written.rows,
            file=running.kept(name, written.sha256),
        )


def _scope(running: Running) -> Scope:
    asked = running.params
    day = date.fromisoformat(asked["as_at"]) if asked["as_at"] else None
    moment = compliance.moment_of(day, running.asked_at)
    filters = Filters(
        name=asked["name"],
        type=EngagementType(asked["type"]) if asked["type"] else None,
        department=asked["department"],
        status=Status(asked["status"]) if asked["status"] else None,
    )
    everything = governors.scope_of(session.get_one(Organisation, running.organisation_id), moment)
    item = next((item for item in everything.items if str(item.assignment.id) == asked["item"]), None)
    return replace(everything, filters=filters, item=item, with_names=asked["with_names"])


_ROWS_A_PERSON: dict[Report, Callable[[Scope], int]] = {
    Report.TRAINING_RECORD: lambda _: 1,
    Report.ATTESTATION_REGISTER: lambda scope: len(scope.wanted),
}


def _most_rows(report: Report, scope: Scope) -> int | None:
    """Return how many rows there will be at most, by which the bar is measured; None where nobody knows. One query."""
    if report not in _ROWS_A_PERSON:
        return None
    filters = scope.filters
    people = (
        sa.select(sa.func.count(sa.distinct(Engagement.person_id)))
        .join(Person, Person.id == Engagement.person_id)
        .where(Engagement.organisation_id == scope.school.id, Engagement.recorded_at(scope.moment))
        .where(*(Person.sort_name.contains(word, autoescape=True) for word in folded(filters.name).split()))
    )
    if filters.type:
        people = people.where(Engagement.type == filters.type)
    if filters.department:
        people = people.where(Engagement.department == filters.department)
    return (session.scalar(people) or 0) * _ROWS_A_PERSON[report](scope)


def _telling(running: Running, most: int | None) -> Callable[[int], None]:
    running.report(0, most)
    return lambda rows: running.report(rows, most, "rows written")


KIND = Kind("export", _make, when_cancelled="No file was made.")
