"""Forms for what is handed to chosen people and shown once: personal links, and codes for an INSET day."""

from __future__ import annotations

import secrets
from typing import ClassVar
from uuid import UUID

from flask.globals import request
from flask_wtf import FlaskForm
from wtforms import Form, HiddenField, RadioField, SelectField, StringField
from wtforms.validators import InputRequired, Length, Optional, Regexp, ValidationError

from lms import short_codes
from lms.errors import ConflictError
from lms.people import EngagementType
from lms.short_codes import NotACode
from lms.standings import Filters
from lms.web.reporting.fields import one_line
from lms.web.reporting.filters import TYPES

LEAST_SECRET = 32
"""Characters of a page's secret: one that we made has 43."""
EVERYBODY, TICKED = "everybody", "ticked"
_AN_ADDRESS = "Enter an e-mail address, such as name@example.com"


class PeopleForm(Form):  # type: ignore[misc]
    """Which of those who have something to sign. What isn't known is left aside: an old bookmark still opens."""

    name = StringField("Name", filters=[one_line])
    type = SelectField("Engagement type", choices={"": "All types", **TYPES}, validate_choice=False)
    item = SelectField("What to sign", choices={"": "Everything"}, validate_choice=False)

    @property
    def filters(self) -> Filters:
        """The people asked for."""
        type_ = EngagementType(self.type.data) if self.type.data in TYPES else None
        return Filters(name=(self.name.data or "")[:100], type=type_)

    @property
    def query(self) -> dict[str, str]:
        """What was asked for, for an address."""
        return {name: value for name, value in self.data.items() if value}


class PressForm(FlaskForm):  # type: ignore[misc]
    """A button that makes something to be seen once. Its page holds a secret, so that two presses make one thing."""

    press = HiddenField()

    def renew(self) -> None:
        """Give the page a secret of its own, unless it has one."""
        if len(self.press.data or "") < LEAST_SECRET:
            self.press.data = secrets.token_urlsafe(32)

    @property
    def secret(self) -> str:
        """The page's secret. Raises ConflictError where it is missing."""
        if not LEAST_SECRET <= len(self.press.data or "") <= 100:
            raise ConflictError("This page was not sent whole. Open it again.")
        return str(self.press.data)


class ChooseForm(PressForm):
    """Some people of a list, or all of it as it was shown."""

    most: ClassVar[int]

    who = RadioField(
        "Who gets one?",
        choices={TICKED: "Those I tick below", EVERYBODY: "Everybody in this list"},
        default=TICKED,
        validate_choice=False,
    )

    @property
    def chosen(self) -> list[UUID]:
        """Who was chosen, as the page sent it; what isn't an id is left aside."""
        name = "listed" if self.who.data == EVERYBODY else "person"
        found = (id_of(value) for value in request.form.getlist(name)[: self.most])
        return [person_id for person_id in found if person_id]


def code_form(length: int, wanted: str) -> type[FlaskForm]:
    """Return a form that asks for a code of so many letters; `wanted` is said when there is none."""

    class CodeForm(FlaskForm):  # type: ignore[misc]
        """A short code, typed."""

        code = StringField(
            "Your code",
            description="Small letters are fine, and so is leaving out the line between.",
            validators=[InputRequired(wanted), Length(max=40, message="A code is not as long as that")],
        )

        def validate_code(self, field: StringField) -> None:
            """Read the code, or say what no code has in it."""
            try:
                field.data = short_codes.read(field.data, length)
            except NotACode as problem:
                raise ValidationError(str(problem)) from problem

    return CodeForm


def address_field(label: str, description: str) -> StringField:
    """Return a field for an e-mail address that may be left empty."""
    return StringField(
        label,
        description=description,
        filters=[one_line],
        validators=[
            Optional(),
            Length(max=254, message=_AN_ADDRESS),
            Regexp(r"[^@\s]+@[^@\s]+\Z", message=_AN_ADDRESS),
        ],
    )


def id_of(value: str | None) -> UUID | None:
    """Return the id that was sent; None for what isn't one."""
    try:
        return UUID(value or "")
    except ValueError:
        return None
