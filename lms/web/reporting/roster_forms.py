"""What is sent by the pages that bring a staff list in."""

from __future__ import annotations

from collections import Counter
from datetime import date
from uuid import UUID

from flask import request
from flask_wtf import FlaskForm
from flask_wtf.file import FileField
from wtforms import HiddenField, StringField
from wtforms.validators import ValidationError

from lms.people import EngagementType, folded
from lms.roster_changes import Changes, Choices
from lms.roster_columns import Columns, Field
from lms.roster_file import read_table
from lms.roster_table import MOST_BYTES, RosterRefused, Table
from lms.web.reporting.fields import DayField, one_line

MOST_SENT = MOST_BYTES + 512 * 1024
"""Bytes of a whole request that brings a staff list: the rest of the form, and room to say that it is too large."""
SOMEBODY_ELSE = "new"


class UploadForm(FlaskForm):  # type: ignore[misc]
    """A staff list as a file."""

    file = FileField(
        "Staff list",
        description="An Excel workbook (.xlsx) or a CSV file, up to 10 MB, as your MIS exports it. "
        "The headings may be in any order, and below a title.",
    )
    sheet = StringField(
        "Which sheet?",
        description="Only where a workbook has several. Left empty, the fullest is read.",
        filters=[one_line],
    )
    table: Table

    def validate_file(self, field: FileField) -> None:
        """Read the file, or say why it can't be."""
        if not field.data:
            raise ValidationError("Choose the file with the staff list")
        content = field.data.read(MOST_BYTES + 1)
        field.data.close()
        try:
            self.table = read_table(content, field.data.filename or "", self.sheet.data or None)
        except RosterRefused as problem:
            raise ValidationError(str(problem)) from problem


class ApplyForm(FlaskForm):  # type: ignore[misc]
    """What goes along with the choices of a preview."""

    fingerprint = HiddenField()
    last_day = DayField(
        "The last day of those who are ticked", description="For example, 31 8 2026. It may be today."
    )

    def __init__(self, today: date) -> None:
        super().__init__(data={"last_day": today})

    def check_last_day(self, changes: Changes) -> bool:
        """Say whether the last day fits everybody who is ticked; what is wrong is said beside the field."""
        ticked = set(request.form.getlist("left"))
        starts = [a.engagement.starts for a in changes.absent if str(a.engagement.id) in ticked]
        if not starts or self.last_day.errors:
            return not (starts and self.last_day.errors)
        if self.last_day.data is None:
            self.last_day.errors = ["Enter the last day of those who are ticked"]
        elif self.last_day.data < max(starts):
            self.last_day.errors = ["Somebody who is ticked began after that day. Enter a later day"]
        return not self.last_day.errors


def choices_sent(changes: Changes, last_day: date | None) -> Choices:
    """Return what was chosen in a preview; what isn't in it is passed over."""
    sent = request.form
    same: dict[int, UUID | None] = {}
    for question in changes.questions:
        answer = sent.get(f"same-{question.row.line}", "")
        if answer == SOMEBODY_ELSE:
            same[question.row.line] = None
        elif answer in {str(person.id) for person in question.candidates}:
            same[question.row.line] = UUID(answer)
    back, left = set(sent.getlist("back")), set(sent.getlist("left"))
    return Choices(
        same,
        frozenset(change.row.line for change in changes.returned if str(change.row.line) in back),
        frozenset(a.engagement.id for a in changes.absent if str(a.engagement.id) in left),
        last_day,
    )


def headings_sent(columns: Columns) -> dict[str, str]:
    """Return what was chosen for each column, by heading; "" for one that isn't read."""
    known = set(Field)
    chosen = {h.key: request.form.get(f"column-{h.column}", "") for h in columns.headings}
    return {key: field if field in known else "" for key, field in chosen.items()}


def chosen_twice(headings: dict[str, str]) -> list[str]:
    """Return a sentence for each field that was chosen for several columns."""
    counts = Counter(field for field in headings.values() if field)
    return [
        f"Choose one column for “{Field(field).words}”: you chose {count}"
        for field, count in counts.items()
        if count > 1
    ]


def type_words_sent() -> dict[str, str]:
    """Return what the school's own words for a type were said to mean; those left out aren't there."""
    known = set(EngagementType)
    pairs = zip(request.form.getlist("word"), request.form.getlist("means"), strict=False)
    return {folded(word): type_ for word, type_ in pairs if type_ in known}


def otherwise_sent() -> EngagementType:
    """Return what somebody new is, where the file doesn't say."""
    sent = request.form.get("otherwise", "")
    return EngagementType(sent) if sent in set(EngagementType) else EngagementType.SUPPORT_STAFF
