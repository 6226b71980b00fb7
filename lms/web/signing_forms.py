"""The forms of signing and of not signing."""

from __future__ import annotations

from dataclasses import dataclass

from flask_wtf import FlaskForm
from wtforms import BooleanField, HiddenField, IntegerField, RadioField, StringField, TextAreaField
from wtforms.validators import AnyOf, DataRequired, InputRequired, Length, NumberRange
from wtforms.widgets import HiddenInput

from lms.help_requests import MOST_CHARACTERS, HelpKind
from lms.people import Person, name_fits

MINE, NOT_MINE = "mine", "not-mine"
LONGEST_NAME = 200


def _one_line(text: str | None) -> str:
    """Return what was typed without line ends, doubled spaces and marks that can't be seen."""
    return " ".join("".join(c if c.isprintable() else " " for c in text or "").split())


def _plain_text(text: str | None) -> str:
    """Return what was typed with line ends of one kind, and without control characters (no database keeps NUL)."""
    lines = "\n".join((text or "").splitlines())
    return "".join(c for c in lines if c == "\n" or c.isprintable()).strip()


_UNREADABLE = "This page couldn’t be read. Look through it again, then press the button."
_CYCLE = [InputRequired(_UNREADABLE), NumberRange(min=0, max=999, message=_UNREADABLE)]


class SignForm(FlaskForm):  # type: ignore[misc]
    """The statement, ticked and signed with a typed name; `cycle` and `text_sha256` say for what."""

    cycle = IntegerField(widget=HiddenInput(), validators=_CYCLE)
    text_sha256 = HiddenField()
    asked_name = HiddenField()
    """The name that "Is this you?" was asked about."""
    statement = BooleanField(
        "I make this statement", validators=[DataRequired("Tick the box to make the statement")]
    )
    typed_name = StringField(
        "Type your full name",
        filters=[_one_line],
        validators=[
            DataRequired("Type your full name"),
            Length(max=LONGEST_NAME, message=f"Type your name in no more than {LONGEST_NAME} characters"),
        ],
    )
    whose_name = RadioField(
        "Is this you?",
        choices={MINE: "Yes, this is how I sign my name", NOT_MINE: "This isn’t me"},
        validate_choice=False,
    )

    def name_is_in_doubt(self, person: Person) -> bool:
        """Say whether a name was typed that isn't one this person goes by."""
        return bool(self.typed_name.data) and not name_fits(self.typed_name.data, person)

    @property
    def is_own_name(self) -> bool:
        """Whether the person was asked about the name as it stands, and said that it is theirs."""
        return bool(self.asked_name.data == self.typed_name.data and self.whose_name.data == MINE)

    @property
    def is_somebody_else(self) -> bool:
        """Whether the person was asked about the name as it stands, and said that this isn't them."""
        return bool(self.asked_name.data == self.typed_name.data and self.whose_name.data == NOT_MINE)

    def check(self, person: Person, *, text_changed: bool) -> bool:
        """Say whether the form can be signed as it stands; the errors say what is missing."""
        is_complete = bool(self.validate_on_submit())
        if text_changed:
            self.statement.data = False
            self.form_errors.append(
                "The policy was changed while you were reading. Read it again, then tick the box."
            )
            return False
        if self.name_is_in_doubt(person) and not self.is_own_name:
            self.whose_name.errors = [
                f"You typed {self.typed_name.data}. Our record says {person.name}. Say whether this is you"
            ]
            self.whose_name.data = None
            return False
        return is_complete


@dataclass(frozen=True, slots=True)
class Way:
    """A way of not signing that asks HR for something."""

    kind: HelpKind
    heading: str
    label: str
    button: str
    is_needed: bool
    """Whether there is nothing to send without words."""


WAYS = {
    "more-time": "I need more time",
    "another-way": "I need it another way",
    "question": "I have a question",
    "not-me": "This isn’t me",
    "decline": "I have read it and choose not to sign",
}
REQUESTS = {
    "another-way": Way(
        HelpKind.ANOTHER_WAY,
        "Get the policy another way",
        "What would help? (optional)",
        "Ask for it another way",
        is_needed=False,
    ),
    "question": Way(HelpKind.QUESTION, "Ask a question", "Your question", "Send my question", is_needed=True),
    "not-me": Way(
        HelpKind.NOT_ME,
        "This isn’t me",
        "Who are you, or what is wrong? (optional)",
        "Tell HR and sign out",
        is_needed=False,
    ),
}


class WayForm(FlaskForm):  # type: ignore[misc]
    """Why somebody isn't ready to sign."""

    way = RadioField(
        "What fits best?",
        choices=WAYS,
        validate_choice=False,
        validators=[AnyOf(WAYS, message="Choose what fits best")],
    )


_NOT_TOO_LONG = Length(
    max=MOST_CHARACTERS,
    message=f"Write no more than {MOST_CHARACTERS:,} characters. You can tell HR the rest when they answer.",
)


class RequestForm(FlaskForm):  # type: ignore[misc]
    """What somebody asks of HR, in their own words."""

    text = TextAreaField(filters=[_plain_text], validators=[_NOT_TOO_LONG])

    def is_complete(self, way: Way) -> bool:
        """Say whether the form was sent with all that its way needs."""
        is_complete = bool(self.validate_on_submit())
        if self.is_submitted() and way.is_needed and not self.text.data:
            self.text.errors = ["Write your question"]
            return False
        return is_complete


class DeclineForm(FlaskForm):  # type: ignore[misc]
    """Choosing not to sign; a reason is optional."""

    cycle = IntegerField(widget=HiddenInput(), validators=_CYCLE)
    reason = TextAreaField(
        "Your reason (optional)",
        description="HR alone sees this. Your manager and reception do not.",
        filters=[_plain_text],
        validators=[_NOT_TOO_LONG],
    )
