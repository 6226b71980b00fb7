"""Exports: reports as files to keep or send."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from datetime import date
from functools import partial
from typing import Any, BinaryIO, cast
from uuid import uuid4

from flask import Response, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_wtf import FlaskForm
from werkzeug.datastructures import MultiDict
from wtforms import BooleanField, RadioField
from wtforms.validators import AnyOf, ValidationError

from lms import audit, long_exports, reports, work
from lms.audit import Event
from lms.errors import StorageError
from lms.record import Scope
from lms.reports import Format, Report
from lms.schools import Organisation
from lms.web import access, reading
from lms.web.reporting.blueprint import blueprint
from lms.web.reporting.filters import PeopleForm, asked
from lms.web.reporting.long_work import handed_over, lines


class ExportForm(FlaskForm, PeopleForm):  # type: ignore[misc]
    """Which report, as what, about whom and which day."""

    report = RadioField(
        "Report",
        choices={str(report): report.words for report in Report},
        default=str(Report.TRAINING_RECORD),
        validators=[AnyOf(list(Report), message="Choose a report")],
        validate_choice=False,
    )
    format = RadioField(
        "File",
        choices={str(Format.XLSX): "Excel workbook", str(Format.CSV): "CSV"},
        default=str(Format.XLSX),
        validators=[AnyOf(list(Format), message="Choose a kind of file")],
        validate_choice=False,
    )
    with_names = BooleanField(
        "In the governors’ pack, name whoever is late or has declined",
        description="Leave this empty for a meeting: a governor may later sit on a panel about one of them.",
    )

    def validate_format(self, field: RadioField) -> None:
        """Refuse a kind of file that there isn't of a report."""
        is_known = self.report.data in list(Report) and field.data in list(Format)
        if is_known and Format(field.data) not in reports.formats(Report(self.report.data)):
            raise ValidationError(
                f"Choose “Excel workbook”: {_named(self.report.data)} is made as nothing else"
            )

    def scope(self, school: Organisation) -> Scope:
        """Return what the report is about. One query, and one for the departments."""
        return replace(super().scope(school), with_names=self.with_names.data)


def _named(report: str) -> str:
    return f"the {Report(report).words.lower()}"


@blueprint.get("/schools/<school>/records/exports")
def exports(school: str) -> str:
    """Show what can be exported, with the people and the day that were asked for on the page before."""
    del school
    form = ExportForm(formdata=None, data=_from_address(asked()))
    form.scope(access.school())
    return _page(form)


@blueprint.post("/schools/<school>/records/exports")
def export(school: str) -> ResponseReturnValue:
    """Make the report and hand it over; the audit says how many rows, and the file's hash. A long one is left to the
    worker.
    """
    del school
    form = ExportForm()
    is_valid = form.validate()
    scope = form.scope(access.school())
    if not is_valid:
        return _page(form), 400
    return made(Report(form.report.data), Format(form.format.data), scope, form.day)


def made(report: Report, format_: Format, scope: Scope, as_at: date | None) -> ResponseReturnValue:
    """Return the answer that hands over a report, or the way to where the worker makes it.

    `as_at` is the past day asked about; None for now.
    """
    file = _temporary_file()
    try:
        long_exports.refuse_long(report, scope)
        return _written(report, format_, scope, file)
    except long_exports.TooLong:
        file.close()
        return _left_to_the_worker(long_exports.wanted(report, format_, scope, as_at))
    except BaseException:
        file.close()
        raise


def _written(report: Report, format_: Format, scope: Scope, file: BinaryIO) -> Response:
    now, maker = access.request_time(), access.user().person
    written = reports.write_report(
        report,
        scope,
        format=format_,
        file=file,
        made_by=maker.name,
        made_at=now,
        tell=long_exports.only_short,
    )
    # The file is made while others sign; only this line waits for a turn to write.
    reading.afterwards(
        partial(
            audit.record,
            Event.EXPORTED,
            organisation_id=scope.school.id,
            now=now,
            actor_id=maker.id,
            report=report.value,
            rows=written.rows,
            sha256=written.sha256,
        )
    )
    return handed_over(file, reports.file_name(report, scope, format_))


def _left_to_the_worker(params: dict[str, Any]) -> ResponseReturnValue:
    here, by = access.school(), access.user().person.id
    asked_before = work.asked_already(long_exports.KIND.name, organisation_id=here.id, by=by, params=params)
    job_id = asked_before.id if asked_before else uuid4()
    if asked_before is None:
        # Asked for once this transaction, which only reads, is over.
        reading.afterwards(
            partial(long_exports.ask, here.id, params, by=by, now=access.request_time(), id=job_id)
        )
    return redirect(url_for(".work_page", school=here.slug, job_id=job_id), 303)


def _page(form: ExportForm) -> str:
    here, now = access.school(), access.request_time()
    recent = work.recent(here.id)
    is_late = work.is_late(recent, now)
    return render_template("reporting/exports.html", form=form, recent=lines(recent), is_late=is_late)


def _temporary_file() -> BinaryIO:
    """Return a file that is gone when it is closed. Raises StorageError where there is no room for one."""
    try:
        # Without a name: whatever happens, nothing is left.
        return cast(BinaryIO, tempfile.TemporaryFile())
    except OSError as error:
        raise StorageError(
            f"The server has no room for the file ({error.strerror}). No report was made."
        ) from error


def _from_address(query: MultiDict[str, str]) -> dict[str, object]:
    form = PeopleForm(query)
    form.validate()
    return {**form.data, "as_at": form.day}
