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
from lms.roster.changes import Choices
from lms.roster.columns import Columns, Field
from lms.roster.file import read_table
from lms.roster.table import MOST_BYTES, RosterRefused, Table
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

    def check_last_day(self, latest: date | None) -> bool:
        """Say whether the last day fits everybody who is ticked, of whom the last began on `latest` (None: nobody is).

        What is wrong is said beside the field.
        """
        day: date | None = self.last_day.data
        if latest is None:
            self.last_day.errors = []
        elif not self.last_day.errors and day is None:
            self.last_day.errors = ["Enter the last day of those who are ticked"]
        elif day is not None and day < latest:
            self.last_day.errors = ["Somebody who is ticked began after that day. Enter a later day"]
        return not self.last_day.errors


def choices_sent(last_day: date | None) -> Choices:
    """Return what was chosen in a preview; what can't be read is passed over, and what wasn't in it does nothing."""
    sent = request.form
    answers = (
        (name.removeprefix("same-"), answer) for name, answer in sent.items() if name.startswith("same-")
    )
    return Choices(
        {
            int(line): None if answer == SOMEBODY_ELSE else UUID(answer)
            for line, answer in answers
            if line.isdecimal() and (answer == SOMEBODY_ELSE or _is_id(answer))
        },
        frozenset(int(line) for line in sent.getlist("back") if line.isdecimal()),
        frozenset(UUID(id) for id in sent.getlist("left") if _is_id(id)),
        last_day,
    )


def _is_id(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True


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
