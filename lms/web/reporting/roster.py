"""Bringing a staff list in: upload it, check the columns, see what would change, apply it, and undo it."""

from __future__ import annotations

import io
from functools import partial
from uuid import UUID, uuid4

import sqlalchemy as sa
from flask import Response, redirect, render_template, request, send_file, url_for
from flask.typing import ResponseReturnValue
from flask_wtf import FlaskForm

from exports.refused_rows import write_refused
from lms import work
from lms.clock import london_day
from lms.db import session
from lms.errors import ConflictError, NotFoundError
from lms.people import EngagementType, Person, folded
from lms.reports import Format
from lms.roster import applying, imports, undo
from lms.roster.applying import ListChanged
from lms.roster.changes import Changes, Choices
from lms.roster.columns import Columns, Field
from lms.roster.found import BadRow
from lms.roster.imports import ImportState, RosterImport
from lms.roster.table import RosterRefused, Table
from lms.web import access, reading
from lms.web.reporting.blueprint import blueprint
from lms.web.reporting.long_work import MIMETYPES
from lms.web.reporting.roster_forms import (
    MOST_SENT,
    ApplyForm,
    UploadForm,
    choices_sent,
    chosen_twice,
    headings_sent,
    otherwise_sent,
    type_words_sent,
)

SHOWN = 25
"""So many of each kind are in the preview itself; the others are on pages of their own."""
A_PAGE = 100
LISTS = {"new": "New", "changed": "Changed", "unchanged": "Unchanged", "refused": "Can’t go in"}


@blueprint.url_value_preprocessor
def allow_a_staff_list(endpoint: str | None, values: dict[str, object] | None) -> None:
    """Let the one page that takes staff lists be sent more than others. It runs before what was sent is read."""
    del values
    if endpoint == "reporting.import_list":
        request.max_content_length = MOST_SENT


@blueprint.route("/schools/<school>/records/import", methods=["GET", "POST"])
def import_list(school: str) -> ResponseReturnValue:
    """Ask for a staff list and read it. It is kept for the next steps, for a day."""
    form, here = UploadForm(), access.school()
    if form.validate_on_submit():
        import_id = uuid4()
        # A large file takes a while to read, and nobody who signs meanwhile waits for that.
        reading.afterwards(
            partial(
                imports.keep,
                here.id,
                form.table,
                file_name=form.file.data.filename or "staff list",
                by=access.user().person.id,
                now=access.request_time(),
                id=import_id,
            )
        )
        return redirect(url_for(".import_columns", school=school, import_id=import_id), 303)
    recent = imports.recent(here.id)
    page = render_template("roster/upload.html", form=form, recent=recent, names=_names(recent))
    return page, 400 if form.errors else 200


@blueprint.route("/schools/<school>/records/import/<uuid:import_id>/columns", methods=["GET", "POST"])
def import_columns(school: str, import_id: UUID) -> ResponseReturnValue:
    """Show what each column was taken for, with cells of it, to be put right; it is remembered for the school."""
    found, table = _open(import_id)
    columns = imports.columns_of(found, table)
    if request.method == "GET":
        return _columns_page(found, table, columns, [])
    headings = headings_sent(columns)
    if problems := chosen_twice(headings):
        return _columns_page(found, table, columns, problems, headings)
    imports.read_as(found, headings, type_words_sent(), otherwise_sent())
    columns = imports.columns_of(found, table)
    if columns.missing:
        missing = [
            f"Choose the column for “{field.words}”, or for the whole name" for field in columns.missing
        ]
        return _columns_page(found, table, columns, missing[:1])
    asked = {folded(word) for word in request.form.getlist("word")}
    unknown = _unknown_types(found, table, columns)
    endpoint = ".import_columns" if any(folded(word) not in asked for word in unknown) else ".import_preview"
    return redirect(url_for(endpoint, school=school, import_id=import_id), 303)


@blueprint.get("/schools/<school>/records/import/<uuid:import_id>")
def import_preview(school: str, import_id: UUID) -> ResponseReturnValue:
    """Show what a staff list would change; once it is applied, what it did."""
    found = imports.import_at(access.school().id, import_id)
    if found.state is not ImportState.OPEN:
        return _done_page(found)
    try:
        return _preview_page(found, applying.changes_of(found, access.school()))
    except RosterRefused:
        # A column is missing: that page says which.
        return redirect(url_for(".import_columns", school=school, import_id=import_id), 303)


@blueprint.get("/schools/<school>/records/import/<uuid:import_id>/rows/<kind>")
def import_rows(school: str, import_id: UUID, kind: str) -> ResponseReturnValue:
    """Show all the rows of one kind, a page at a time."""
    found, _ = _open(import_id)
    if kind not in LISTS:
        raise NotFoundError("There is no such list.")
    rows = getattr(applying.changes_of(found, access.school()), kind)
    pages = max(-(-len(rows) // A_PAGE), 1)
    number = min(max(request.args.get("page", 1, type=int), 1), pages)
    return render_template(
        "roster/rows.html",
        found=found,
        kind=kind,
        title=LISTS[kind],
        total=len(rows),
        rows=rows[(number - 1) * A_PAGE : number * A_PAGE],
        number=number,
        pages=pages,
        link=lambda n: url_for(".import_rows", school=school, import_id=import_id, kind=kind, page=n),
    )


@blueprint.get("/schools/<school>/records/import/<uuid:import_id>/refused")
def import_refused(school: str, import_id: UUID) -> Response:
    """Hand over the rows that can't go in (or didn't), with the reason in a last column, to be put right."""
    del school
    found = imports.import_at(access.school().id, import_id)
    table = imports.table_of(found)
    if table is None:
        raise NotFoundError("The file was kept for a day and is gone. Upload it again.")
    refused = applying.changes_of(found, access.school(), imports.choices_of(found)).refused
    cells = {row.line: row.cells for row in table.rows}
    headings = cells[imports.columns_of(found, table).line]
    file = io.BytesIO()
    write_refused(file, headings, [(cells[bad.line], _reason(bad)) for bad in refused])
    file.seek(0)
    return send_file(
        file, mimetype=MIMETYPES[Format.XLSX], as_attachment=True, download_name="rows-to-put-right.xlsx"
    )


@blueprint.post("/schools/<school>/records/import/<uuid:import_id>/apply")
def apply_import(school: str, import_id: UUID) -> ResponseReturnValue:
    """Apply what was shown, with what was chosen; show it anew where the records have changed meanwhile."""
    here, now = access.school(), access.request_time()
    found = imports.import_at(here.id, import_id)
    if found.state is not ImportState.OPEN:
        return redirect(url_for(".import_preview", school=school, import_id=import_id), 303)
    form = ApplyForm(london_day(now))
    form.validate()
    choices = choices_sent(form.last_day.data)
    if not form.check_last_day(applying.latest_start(here, choices.leavers)):
        return _preview_page(found, applying.changes_of(found, here), form)
    if imports.is_long(found):
        return _leave_to_the_worker(found, choices, form.fingerprint.data)
    by = access.user().person.id
    try:
        applying.apply(found, here, choices, fingerprint=form.fingerprint.data or "", by=by, now=now)
    except ListChanged:
        return _preview_page(found, applying.changes_of(found, here), form, is_changed=True)
    return redirect(url_for(".import_preview", school=school, import_id=import_id), 303)


@blueprint.post("/schools/<school>/records/import/<uuid:import_id>/undo")
def undo_import(school: str, import_id: UUID) -> ResponseReturnValue:
    """Undo an import, or show why it can't be."""
    found = imports.import_at(access.school().id, import_id)
    if found.state is ImportState.APPLIED and not undo.obstacles(found):
        undo.undo(found, by=access.user().person.id, now=access.request_time())
    return redirect(url_for(".import_preview", school=school, import_id=import_id), 303)


def _open(import_id: UUID) -> tuple[RosterImport, Table]:
    found = imports.import_at(access.school().id, import_id)
    table = imports.table_of(found)
    if found.state is not ImportState.OPEN or table is None:
        raise ConflictError("This list was applied already. To change something, upload it again.")
    return found, table


def _columns_page(
    found: RosterImport,
    table: Table,
    columns: Columns,
    errors: list[str],
    headings: dict[str, str] | None = None,
) -> ResponseReturnValue:
    page = render_template(
        "roster/columns.html",
        found=found,
        table=table,
        columns=columns,
        chosen=headings or columns.remembered,
        fields=list(Field),
        types=list(EngagementType),
        unknown=_unknown_types(found, table, columns),
        errors=errors,
        form=FlaskForm(),
    )
    return page, 400 if errors else 200


def _unknown_types(found: RosterImport, table: Table, columns: Columns) -> tuple[str, ...]:
    if columns.missing:
        return ()
    return imports.rows_of(found, table, london_day(found.uploaded_at)).unknown_types


def _preview_page(
    found: RosterImport, changes: Changes, form: ApplyForm | None = None, *, is_changed: bool = False
) -> ResponseReturnValue:
    form = form or ApplyForm(london_day(access.request_time()))
    form.fingerprint.data = changes.fingerprint
    errors = form.last_day.errors
    page = render_template(
        "roster/preview.html",
        found=found,
        changes=changes,
        form=form,
        shown=SHOWN,
        errors=errors,
        is_changed=is_changed,
        is_long=imports.is_long(found),
        sent=request.form,
        reason=_reason,
        today=london_day(found.uploaded_at),
    )
    return page, 409 if is_changed else 400 if errors else 200


def _leave_to_the_worker(found: RosterImport, choices: Choices, fingerprint: str) -> ResponseReturnValue:
    here = access.school()
    found.choices = imports.packed_choices(choices)
    job = work.ask(
        applying.KIND.name,
        title=f"Staff list {found.file_name}",
        organisation_id=here.id,
        by=access.user().person.id,
        now=access.request_time(),
        roster_import=str(found.id),
        fingerprint=fingerprint,
    )
    return redirect(url_for(".work_page", school=here.slug, job_id=job.id), 303)


def _done_page(found: RosterImport) -> str:
    return render_template(
        "roster/done.html",
        found=found,
        obstacles=undo.obstacles(found) if found.state is ImportState.APPLIED else [],
        names=_names([found]),
        is_kept=session.scalar(
            sa.select(RosterImport.packed.is_not(None)).where(RosterImport.id == found.id)
        ),
        form=FlaskForm(),
    )


def _names(imports: list[RosterImport]) -> dict[UUID | None, str]:
    """Return who applied and undid some imports, by id; the command line has no name."""
    ids = {by for found in imports for by in (found.applied_by, found.undone_by) if by}
    names: dict[UUID | None, str] = {None: "the command line"}
    if ids:
        people = session.scalars(sa.select(Person).where(Person.id.in_(ids)))
        names |= {person.id: person.name for person in people}
    return names


def _reason(bad: BadRow) -> str:
    """Return all that is wrong in a row, as sentences, with the cell of each."""
    parts = []
    for fault in bad.faults:
        where = " ".join(filter(None, (fault.cell, fault.heading)))
        said = f"{where}: {fault.reason}" if where else fault.reason[:1].upper() + fault.reason[1:]
        parts.append(said.rstrip(".") + ".")
    return " ".join(parts)
