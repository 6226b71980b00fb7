"""What HR chooses about reminders."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any, cast

from flask_wtf import FlaskForm
from wtforms import BooleanField, Field, HiddenField, IntegerField, SelectField, StringField, TextAreaField
from wtforms.validators import InputRequired, Length, NumberRange, Optional, Regexp, ValidationError

from lms.errors import ConflictError
from lms.reminder_plan import read_offsets
from lms.reminder_texts import LetterKind, faults
from lms.school_days import Days, DaysKind
from lms.web.reporting.fields import DayField, one_line, plain_text

SOONEST, LATEST = 1, 180


class SettingsForm(FlaskForm):  # type: ignore[misc]
    """Whether people are reminded, and who else hears."""

    is_on = BooleanField(
        "Remind people by e-mail",
        description="Between 8am and 6pm on school days, one letter a person a day at most.",
    )
    managers_weekly = BooleanField(
        "Tell each line manager once a week who of their team is done",
        description="Done or not done, and nothing else: never that somebody declined, and never why.",
    )
    head_email = StringField(
        "The head’s e-mail address (optional)",
        description="Gets a list of who is long overdue. Leave it empty and no list is sent.",
        filters=[one_line],
        validators=[
            Optional(),
            Length(max=200, message="The address must be 200 characters or fewer"),
            Regexp(r"[^@\s,;<>]+@[^@\s,;<>]+\Z", message="Enter an address like head@school.sch.uk"),
        ],
    )
    escalate_after = IntegerField(
        "Days overdue after which the head is told",
        validators=[
            InputRequired("Enter a number of days"),
            NumberRange(SOONEST, LATEST, f"Enter a number of days from {SOONEST} to {LATEST}"),
        ],
    )


class ScheduleForm(FlaskForm):  # type: ignore[misc]
    """On which days around the day it is due."""

    before = StringField("Days before it is due", description="For example 7, 1. At most 30.")
    on_day = BooleanField("On the day it is due")
    after = StringField("Days after it was due", description="For example 7, 14. At most 180.")
    offsets: tuple[int, ...]

    @classmethod
    def of(cls, offsets: Sequence[int]) -> ScheduleForm:
        """Return the form with a schedule in it."""
        before = ", ".join(str(-n) for n in sorted(offsets) if n < 0)
        after = ", ".join(str(n) for n in sorted(offsets) if n > 0)
        return cls(data={"before": before, "on_day": 0 in offsets, "after": after})

    def validate_before(self, field: Field) -> None:
        """Read the days before."""
        self._read(field, before=field.data or "", after="")

    def validate_after(self, field: Field) -> None:
        """Read the days after; and then all of them."""
        self._read(field, before="", after=field.data or "")
        if not self.before.errors:
            self._read(field, before=self.before.data or "", after=field.data or "")

    def _read(self, field: Field, *, before: str, after: str) -> None:
        del field
        try:
            self.offsets = read_offsets(before, on_day=self.on_day.data, after=after)
        except ConflictError as error:
            raise ValidationError(str(error)) from error


class TextForm(FlaskForm):  # type: ignore[misc]
    """A letter's subject and text."""

    subject = StringField("Subject", filters=[one_line])
    body = TextAreaField("Text", filters=[plain_text])
    kind: LetterKind

    def validate(self, *args: Any, **kwargs: Any) -> bool:
        """Check both, and say what is wrong with each."""
        found = (
            faults(self.kind, self.subject.data, self.body.data) if super().validate(*args, **kwargs) else {}
        )
        for name, sentence in found.items():
            self[name].errors = [sentence]
        return not self.errors

    @property
    def text(self) -> str:
        """The subject, and the text under it."""
        return f"{self.subject.data}\n{self.body.data}".rstrip() + "\n"


class SureForm(FlaskForm):  # type: ignore[misc]
    """Whom the page was about when it was shown."""

    seen = HiddenField()


class DaysForm(FlaskForm):  # type: ignore[misc]
    """A term, or days on which the school is closed."""

    words = StringField(
        "Name",
        description="For example, Autumn term, or Half-term.",
        filters=[one_line],
        validators=[
            InputRequired("Enter a name, such as Autumn term"),
            Length(max=80, message="The name must be 80 characters or fewer"),
        ],
    )
    kind = SelectField("What it is", choices={kind.value: kind.words for kind in DaysKind})
    first = DayField("First day", description="For example, 1 9 2026")
    last = DayField("Last day", description="For example, 18 12 2026. The same day for a single one.")

    def validate_first(self, field: DayField) -> None:
        """Ask for a day."""
        if field.data is None and not field.errors:
            raise ValidationError("Enter the first day")

    def validate_last(self, field: DayField) -> None:
        """Ask for a day that isn't before the first, and within a year of it."""
        if field.errors:
            return
        if field.data is None:
            raise ValidationError("Enter the last day")
        if self.first.data is None:
            return
        if field.data < self.first.data:
            raise ValidationError("The last day can’t be before the first")
        if (field.data - self.first.data).days > 366:
            raise ValidationError("The last day must be within a year of the first")

    @property
    def days(self) -> Days:
        """The days, of a form that is without fault."""
        first, last = cast(date, self.first.data), cast(date, self.last.data)
        return Days(DaysKind(self.kind.data), first, last, self.words.data)
