"""The forms by which HR puts people and their engagements on record, and puts them right."""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from flask_wtf import FlaskForm
from wtforms import SelectField, StringField, TextAreaField
from wtforms.validators import DataRequired, Length, ValidationError

from lms.clock import london_day
from lms.db import session
from lms.people import Engagement, EngagementType, Person, colleagues, folded
from lms.web import access
from lms.web.reporting.fields import DayField, one_line, plain_text

LONGEST_WORDS, LONGEST_REASON = 120, 500
FURTHEST = timedelta(days=2 * 365)
"""How far off a first or last day may be: further than this, the year was mistyped."""
_ADDRESS = re.compile(r"[^\s@]+@[^\s@]+\.[^\s@]+")


def words(label: str, hint: str = "") -> StringField:
    """Return a field for a few words on one line, which may be left empty."""
    too_long = Length(max=LONGEST_WORDS, message=f"Use no more than {LONGEST_WORDS} characters")
    return StringField(label, description=hint, filters=[one_line], validators=[too_long])


def reason(label: str, hint: str, *, missing: str | None = None) -> TextAreaField:
    """Return a field for a reason, which must be given where the words for a missing one are."""
    limit = Length(max=LONGEST_REASON, message=f"Use no more than {LONGEST_REASON} characters")
    needed = [DataRequired(missing)] if missing else []
    return TextAreaField(label, description=hint, filters=[plain_text], validators=[*needed, limit])


class PersonForm(FlaskForm):  # type: ignore[misc]
    """What is on record of a person, wherever they work."""

    forename = words("First name")
    surname = words("Surname", "For somebody with one name, put it here.")
    known_as = words("Known as", "If people call them something else.")
    email = words("Work e-mail", "Leave it empty if they have none. A shared address signs nobody in.")
    staff_no = words("Staff number")

    def validate_surname(self, field: StringField) -> None:
        """Ask for a name with a letter in it."""
        if not folded(field.data or ""):
            raise ValidationError("Enter the surname")

    def validate_email(self, field: StringField) -> None:
        """Refuse what no letter would reach."""
        if field.data and not _ADDRESS.fullmatch(field.data):
            raise ValidationError("Enter an e-mail address with an @, such as name@school.org")

    @property
    def person(self) -> dict[str, str | None]:
        """The facts of a person that were entered, as `corrections.PERSON_FACTS` names them."""
        named = ("forename", "surname", "known_as", "email", "staff_no")
        return {name: self[name].data or None for name in named}


class EngagementForm(FlaskForm):  # type: ignore[misc]
    """What somebody is to this school, and from when until when. `standing` is what is recorded of it now."""

    type = SelectField(
        "What are they here as?",
        choices={"": "Choose one", **{type_.value: type_.words for type_ in EngagementType}},
        validators=[DataRequired("Choose what they are here as")],
    )
    job_title = words("Job title", "For example, Teacher of maths")
    agency = words("Agency or company", "An agency worker needs one.")
    department = words("Department", "Write it as for the others in it, so that they are found together.")
    manager = words(
        "Line manager", "Their name, staff number or e-mail. They see who has signed, and no more."
    )
    starts = DayField("First day", description="For example, 1 9 2026")
    ends = DayField("Last day", description="Leave it empty if none is known.")
    standing: Engagement | None = None
    manager_id: UUID | None = None

    def validate_agency(self, field: StringField) -> None:
        """Ask for an agency worker's agency."""
        if self.type.data == EngagementType.AGENCY_WORKER and not field.data:
            raise ValidationError("Enter the agency that sent them")

    def validate_manager(self, field: StringField) -> None:
        """Find who is meant, and no other."""
        self.manager_id = self.standing.manager_id if self.standing else None
        if field.data == shown_manager(self.manager_id):
            return
        found = colleagues(access.school().id, field.data, access.request_time()) if field.data else []
        if field.data and not found:
            raise ValidationError(f"Nobody who works here has the name, number or e-mail “{field.data}”")
        if len(found) > 1:
            raise ValidationError(
                f"{len(found)} people who work here fit “{field.data}”: enter a staff number or e-mail"
            )
        self.manager_id = found[0].id if found else None

    def validate_starts(self, field: DayField) -> None:
        """Ask for a first day that can be meant."""
        if field.errors:
            return
        if field.data is None:
            raise ValidationError("Enter the first day")
        if field.data > london_day(access.request_time()) + FURTHEST:
            raise ValidationError("Enter a first day within two years")

    def validate_ends(self, field: DayField) -> None:
        """Refuse a last day before the first."""
        if field.data is not None and self.starts.data is not None and field.data < self.starts.data:
            raise ValidationError("The last day can’t be before the first")

    @property
    def engagement(self) -> dict[str, Any]:
        """The facts of an engagement that were entered."""
        texts = {name: self[name].data or None for name in ("job_title", "agency", "department")}
        days = {"starts": self.starts.data, "ends": self.ends.data}
        return {"type": EngagementType(self.type.data), **texts, "manager_id": self.manager_id, **days}


class AddForm(PersonForm, EngagementForm):
    """Somebody new, and what they are to this school."""


class EndForm(FlaskForm):  # type: ignore[misc]
    """The last day of an engagement. `begins` is its first."""

    ends = DayField("Last day", description="For example, 31 8 2026")
    begins: date

    def validate_ends(self, field: DayField) -> None:
        """Ask for a day that isn't before the first."""
        if field.errors:
            return
        if field.data is None:
            raise ValidationError("Enter the last day")
        if field.data < self.begins:
            raise ValidationError("The last day can’t be before the first")


def shown_manager(manager_id: UUID | None) -> str:
    """Return how a form shows who manages somebody."""
    manager = session.get(Person, manager_id) if manager_id else None
    return manager.name if manager else ""


def as_sent(values: dict[str, object]) -> list[tuple[str, str]]:
    """Return what the next form carries along, days as a link writes them."""
    kept = {name: value for name, value in values.items() if name != "csrf_token" and value is not None}
    return [
        (name, value.isoformat() if isinstance(value, date) else str(value)) for name, value in kept.items()
    ]
