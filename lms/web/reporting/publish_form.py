"""The form by which HR publishes a version of a policy: its text, its label, and whether it is signed again."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from textwrap import shorten
from typing import Any
from uuid import UUID

from flask_wtf import FlaskForm
from flask_wtf.file import FileField
from wtforms import Field, HiddenField, RadioField, SelectField, StringField
from wtforms.validators import AnyOf, DataRequired, Length, ValidationError

from lms import policies
from lms.clock import day_in_words
from lms.errors import ConflictError, CountersignError
from lms.policies import Policy
from lms.policy_import import ImportedPolicy, read_policy
from lms.policy_text import title_of
from lms.schools import Organisation
from lms.web.reporting.fields import DayField, one_line

NEW = "new"
AGAIN, COUNTS = "again", "counts"
LONGEST_LABEL = 60
LONGEST_QUOTE = 120
LONGEST_TEXT = 250_000
"""Characters that a page carries from one step to the next."""
FURTHEST = timedelta(days=2 * 365)


@dataclass(frozen=True, slots=True)
class Draft:
    """A version that isn't published."""

    title: str
    label: str
    markdown: str
    resign_by: date | None


class CarriedText(HiddenField):  # type: ignore[misc]
    """A text on the way from one step to the next, as it is to the last byte: browsers change the ends of lines."""

    def _value(self) -> str:
        return b64encode((self.data or "").encode()).decode()

    def process_formdata(self, valuelist: list[str]) -> None:
        """Read what an earlier step wrote; anything else is none."""
        try:
            self.data = b64decode(valuelist[0], validate=True).decode() if valuelist else ""
        except ValueError:
            self.data = ""


class PublishForm(FlaskForm):  # type: ignore[misc]
    """Which policy, its text, what the version is called, and who signs it."""

    policy = SelectField("Which policy?", invalid_choice_message="Choose a policy from the list")
    file = FileField(
        "Its text",
        description="A text file (.txt) or Markdown (.md), at most 1 MB. From Word: Save As, Plain Text. The words are "
        "taken as they stand.",
    )
    text = CarriedText(validators=[Length(max=LONGEST_TEXT)])
    """What was read of the file, on the way from one step to the next."""
    remarks = CarriedText(validators=[Length(max=LONGEST_TEXT)])
    """What its owner should look at in the file, a sentence a line, on the same way."""
    label = StringField(
        "What is this version called?",
        description="People see it. For example, December 2026 or 4.1.",
        filters=[one_line],
        validators=[
            DataRequired("Say what this version is called"),
            Length(max=LONGEST_LABEL, message=f"Use no more than {LONGEST_LABEL} characters"),
        ],
    )
    resign = RadioField(
        "Must those who signed an earlier version sign again?",
        choices={AGAIN: "Yes, by a day", COUNTS: "No: what they signed goes on counting"},
        validate_choice=False,
    )
    resign_by = DayField(
        "The last day to sign again",
        description="For example, 31 1 2027. Until then the earlier signature counts.",
    )
    today: date

    def offer(self, known: Sequence[Policy], today: date) -> None:
        """Put the school's policies into the list; nobody signs again before `today`."""
        self.today = today
        titles = {str(policy.id): policy.title for policy in known}
        self.policy.choices = {"": "Choose a policy", **titles, NEW: "A policy that isn’t here yet"}
        if not titles:
            self.policy.choices = {NEW: "A policy that isn’t here yet"}

    def validate_policy(self, field: Field) -> None:
        """Ask for one."""
        if not field.data:
            raise ValidationError("Choose a policy")

    def validate_file(self, field: Field) -> None:
        """Read the file, or say why it can't be; what an earlier step read is taken instead."""
        if self.text.data and not field.data:
            return
        if not field.data:
            raise ValidationError("Choose the file with the policy’s text")
        content = field.data.read()
        field.data.close()
        try:
            found = read_policy(content, field.data.filename or "policy.txt")
        except CountersignError as error:
            raise ValidationError(str(error)) from error
        self.text.data, self.remarks.data = found.markdown, "\n".join(_remarks(found))
        if len(self.text.data) > LONGEST_TEXT:
            self.text.data = ""
            raise ValidationError(
                "This policy is too long for the page. Whoever runs the server can publish it with “countersign policy "
                "import”."
            )

    def validate_resign(self, field: Field) -> None:
        """Ask it of a policy that is here already: of a new one nobody has signed an earlier version."""
        if self.policy.data != NEW:
            AnyOf([AGAIN, COUNTS], message="Choose whether they sign again")(self, field)

    def validate_resign_by(self, field: Field) -> None:
        """Ask for a day to come, and not one years away, where they sign again."""
        if not self.asks_again or field.errors:
            return
        last = self.today + FURTHEST
        if field.data is None:
            raise ValidationError("Enter the last day to sign again")
        if not self.today <= field.data <= last:
            raise ValidationError(f"Enter a day from today to {day_in_words(last)}")

    @property
    def asks_again(self) -> bool:
        """Whether those who signed an earlier version are to sign again."""
        return bool(self.policy.data != NEW and self.resign.data == AGAIN)

    @property
    def draft(self) -> Draft:
        """What a form without errors asks for."""
        text: str = self.text.data
        return Draft(title_of(text), self.label.data, text, self.resign_by.data if self.asks_again else None)

    def is_new(self, school: Organisation) -> bool:
        """Say whether there is no such version or policy at a school yet; put on the form what there is."""
        draft = self.draft
        try:
            self._refuse_taken(school, draft)
        except ConflictError as error:
            self.file.errors = [str(error)]
        return not self.errors

    def _refuse_taken(self, school: Organisation, draft: Draft) -> None:
        if self.policy.data != NEW:
            policies.refuse_known(UUID(self.policy.data), draft.label, draft.markdown)
        else:
            policies.refuse_title(school, draft.title)

    @property
    def sent(self) -> list[tuple[str, Any]]:
        """Each name with a value for the next page to send again; the day in one."""
        by = self.draft.resign_by
        names = ("policy", "label", "resign")
        typed = [(name, self[name].data or "") for name in names]
        carried = [("text", self.text._value()), ("remarks", self.remarks._value())]
        return [*typed, *carried, ("resign_by", by.isoformat() if by else "")]


def _remarks(found: ImportedPolicy) -> Iterator[str]:
    """Yield what the owner of a text should look at, each by its line."""
    for flag in found.flags:
        yield f"Line {flag.line}, “{_one_line(flag.text)}”: {flag.advice}"
    for left in found.unplaced:
        yield f"Line {left.line}, “{_one_line(left.text)}” is not part of what people sign. {left.reason}"


def _one_line(text: str) -> str:
    return shorten(text, LONGEST_QUOTE, placeholder="…")
