"""The gap: another list held beside the record. Nothing of it is kept: not in the database, the cookie or a log."""

from __future__ import annotations

from functools import partial
from io import BytesIO

from flask import Response, render_template, request
from flask.typing import ResponseReturnValue
from flask_wtf import FlaskForm
from flask_wtf.file import FileField
from wtforms import TextAreaField
from wtforms.validators import Length, ValidationError

from exports import gap as workbook
from lms import audit, record
from lms.audit import Event
from lms.clock import london_day
from lms.errors import CountersignError
from lms.gap import known_at
from lms.gap_list import Listed, read_pasted, read_table
from lms.gap_matching import Gap, compare
from lms.roster.file import read_table as read_file
from lms.roster.table import MOST_BYTES
from lms.web import access, reading
from lms.web.reporting.blueprint import blueprint
from lms.web.reporting.long_work import handed_over

PAGE, WORKBOOK = "page", "workbook"
LONGEST_PASTE = 400_000
MOST_SHOWN = 200
"""Names of each list on the page; the workbook has all."""
ROOM_FOR_THE_REST = 4 * LONGEST_PASTE
"""Bytes of a request besides its file."""


class CompareForm(FlaskForm):  # type: ignore[misc]
    """Another list: pasted, or a file."""

    names = TextAreaField(
        "Paste the list, a name on each line",
        description="For example Smith, Jane or Jane Smith, with the staff number if you have it. Cells copied from a "
        "spreadsheet do too.",
        validators=[Length(max=LONGEST_PASTE, message="This is too long to paste: bring it as a file")],
    )
    file = FileField(
        "Or choose a file", description="An Excel workbook (.xlsx) or a CSV file, at most 10 MB."
    )
    listed: list[Listed]

    def validate_file(self, field: FileField) -> None:
        """Read the list, of which there is one, or say why it can't be."""
        pasted = (self.names.data or "").strip()
        if field.data and pasted:
            raise ValidationError("Paste a list or choose a file, not both")
        if not field.data and not pasted:
            self.names.errors = ["Paste a list, or choose a file"]
            return
        try:
            if field.data:
                content = field.data.read(MOST_BYTES + 1)
                field.data.close()
                self.listed = read_table(read_file(content, field.data.filename or ""))
            else:
                self.listed = read_pasted(pasted)
        except CountersignError as error:
            (field if field.data else self.names).errors = [str(error)]


@blueprint.url_value_preprocessor
def allow_a_list(endpoint: str | None, values: dict[str, object] | None) -> None:
    """Let the page that takes a list be sent a file. It runs before anything reads what was sent."""
    del values
    if endpoint == "reporting.compare_list":
        request.max_content_length = MOST_BYTES + ROOM_FOR_THE_REST
        request.max_form_memory_size = 4 * LONGEST_PASTE


@blueprint.route("/schools/<school>/records/compare", methods=["GET", "POST"])
def compare_list(school: str) -> ResponseReturnValue:
    """Ask for another list; show who is on one and not on the other, or hand that over as a workbook."""
    del school
    form = CompareForm()
    if not (form.validate_on_submit() and not form.errors):
        page = render_template(
            "reporting/compare.html", form=form, contacts=access.school().placeholder_values
        )
        return page, 400 if form.errors else 200
    gap = compare(form.listed, known_at(access.school().id, access.request_time()))
    way = WORKBOOK if request.form.get("as") == WORKBOOK else PAGE
    reading.afterwards(partial(_write_down, gap, way))
    if way == WORKBOOK:
        return _workbook(gap)
    return render_template(
        "reporting/compared.html", form=form, gap=gap, most=MOST_SHOWN, again=_as_text(form.listed)
    )


def _as_text(listed: list[Listed]) -> str:
    """Return what was read as lines to send again: the page itself is the one place where the list is."""
    rows = (f"{one.staff_no}\t{reading}" for one in listed for reading in one.readings[:1] or [""])
    return "\n".join(["Staff number\tName", *rows])


def _write_down(gap: Gap, way: str) -> None:
    audit.record(
        Event.LIST_COMPARED,
        organisation_id=access.school().id,
        now=access.request_time(),
        actor_id=access.user().person.id,
        way=way,
        lines=gap.lines,
        not_here=len(gap.not_here),
        not_listed=len(gap.not_listed),
        unassigned=len(gap.unassigned),
    )


def _workbook(gap: Gap) -> Response:
    school, now = access.school(), access.request_time()
    scope = record.scope_of(school, now)
    about = record.about(scope, report="Gap", made_at=now, made_by=access.user().person.name)
    file = BytesIO()
    workbook.write(file, gap, about)
    return handed_over(file, f"gap-{school.slug}-{london_day(now).isoformat()}.xlsx")
