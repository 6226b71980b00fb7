"""The form by which HR says who must sign what, and by when."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from flask_wtf import FlaskForm
from wtforms import Field, Form, IntegerField, RadioField, SelectField, SelectMultipleField
from wtforms.validators import AnyOf, DataRequired, NumberRange, Optional, StopValidation, ValidationError

from lms.assignments import Assignment, Terms
from lms.clock import day_in_words
from lms.people import EngagementType
from lms.policies import Policy, PolicyVersion
from lms.policy_text import title_of
from lms.scenarios import Programme
from lms.web.reporting.fields import DayField

AFTER_DAYS, ON_A_DAY = "after-days", "on-a-day"
FOR_MONTHS, UNTIL_NEW = "for-months", "until-new"
COUNTS, AGAIN = "counts", "again"
MOST_DAYS, MOST_MONTHS = 365, 60
FURTHEST = timedelta(days=2 * 365)
"""How far off a due day may be: further than this, the year was mistyped."""


class OnlyIf:
    """A validator: the field is looked at only where another one has a value."""

    def __init__(self, other: str, value: str) -> None:
        self.other, self.value = other, value

    def __call__(self, form: Form, field: Field) -> None:
        """Leave the field, with whatever is in it, when it isn't asked for."""
        if form[self.other].data != self.value:
            field.errors = []
            raise StopValidation()


class WholeNumber(IntegerField):  # type: ignore[misc]
    """A number typed in a box. What isn't one is none, and the validators say what is wanted."""

    def process_formdata(self, valuelist: list[str]) -> None:
        """Read what was typed."""
        try:
            super().process_formdata(valuelist)
        except ValueError:
            self.data = None


def _number_of(
    unit: str, when: OnlyIf, *, least: int = 1, most: int, default: int, description: str
) -> WholeNumber:
    bounds = NumberRange(least, most, f"Enter a number of {unit} from {least} to {most}")
    return WholeNumber(
        f"Number of {unit}", description=description, default=default, validators=[when, bounds]
    )


class AssignmentForm(FlaskForm):  # type: ignore[misc]
    """A policy, with modules or alone; for whom; by when; and for how long a signature counts."""

    schools = SelectMultipleField(
        "Which schools?",
        description="Each school gets an assignment of its own, of its own policy.",
        validators=[DataRequired("Choose at least one school")],
        invalid_choice_message="Choose schools from the list",
    )
    policy = SelectField(
        "Policy",
        validators=[DataRequired("Choose a policy")],
        invalid_choice_message="Choose a policy from the list",
    )
    modules = SelectMultipleField(
        "Modules to do first",
        description="Tick none for a policy alone, to read and sign.",
        invalid_choice_message="Choose modules from the list",
    )
    audience = SelectMultipleField(
        "Who must sign",
        choices={str(type_): type_.words for type_ in EngagementType},
        description="Everyone who works here as one of these, today or later.",
        validators=[DataRequired("Choose at least one group of people")],
        invalid_choice_message="Choose groups of people from the list",
    )
    departments = SelectMultipleField(
        "Only these departments",
        description="Tick none for all of them, and for people in no department.",
        invalid_choice_message="Choose departments from the list",
    )
    least_days = WholeNumber(
        "Only for those who stay longer than … days",
        description="Leave it empty for everybody. With 5, whoever comes for Monday to Friday is not asked.",
        validators=[
            Optional(),
            NumberRange(1, MOST_DAYS, f"Enter a number of days from 1 to {MOST_DAYS}, or leave it empty"),
        ],
    )
    due = RadioField(
        "When is it due?",
        choices={AFTER_DAYS: "A number of days after they are asked", ON_A_DAY: "On a date"},
        default=AFTER_DAYS,
        validate_choice=False,
        validators=[AnyOf([AFTER_DAYS, ON_A_DAY], message="Choose when it is due")],
    )
    due_days = _number_of(
        "days",
        OnlyIf("due", AFTER_DAYS),
        least=0,
        most=MOST_DAYS,
        default=14,
        description="Counted from today, or from their first day if that is later. 0 is the day itself.",
    )
    due_on = DayField(
        "Due date",
        description="For example, 5 10 2026. Whoever starts later signs on their first day.",
        validators=[OnlyIf("due", ON_A_DAY)],
    )
    valid = RadioField(
        "How long does a signature count?",
        choices={FOR_MONTHS: "A number of months", UNTIL_NEW: "Until a new version asks to be signed again"},
        default=FOR_MONTHS,
        validate_choice=False,
        validators=[AnyOf([FOR_MONTHS, UNTIL_NEW], message="Choose how long a signature counts")],
    )
    months = _number_of(
        "months",
        OnlyIf("valid", FOR_MONTHS),
        most=MOST_MONTHS,
        default=12,
        description="Then they are asked to sign again.",
    )
    earlier = RadioField(
        "What if somebody has signed this policy already?",
        choices={
            COUNTS: "What they signed counts, for as long as it would if they had signed it for this",
            AGAIN: "They sign again",
        },
        default=COUNTS,
        validate_choice=False,
        validators=[
            AnyOf([COUNTS, AGAIN], message="Choose whether what was signed already counts"),
        ],
    )
    today: date
    kept_day: date | None = None
    """The due day that is on record, which may stay though it is over."""

    def offer(
        self,
        policies: Iterable[tuple[Policy, PolicyVersion]],
        programmes: Sequence[Programme],
        departments: Iterable[str],
        today: date,
    ) -> None:
        """Put what there is to choose into the lists; nothing is due before `today`."""
        self.today = today
        self.departments.choices = {name: name for name in departments}
        if not self.departments.choices:
            del self.departments
        titles = {str(policy.id): f"{policy.title}, version {version.label}" for policy, version in policies}
        # Where there is one policy, nobody need choose it.
        self.policy.choices = titles if len(titles) == 1 else {"": "Choose a policy", **titles}
        self.modules.choices = {
            title_of(programme.policy_markdown): {
                slug: f"{module.title} ({module.minutes} minutes)"
                for slug, module in programme.modules.items()
            }
            for programme in programmes
        }

    def validate_due_on(self, field: Field) -> None:
        """Ask for a day to come, and not one years away."""
        if field.errors:
            return
        last = self.today + FURTHEST
        if field.data is None:
            raise ValidationError("Enter the date on which it is due")
        if field.data != self.kept_day and not self.today <= field.data <= last:
            raise ValidationError(f"Enter a date from today to {day_in_words(last)}")

    @property
    def terms(self) -> Terms:
        """What a form without errors asks for, the modules and groups in the order of their lists."""
        return Terms(
            policy_id=UUID(self.policy.data),
            modules=_chosen(self.modules),
            audience=[EngagementType(value) for value in _chosen(self.audience)],
            departments=_chosen(self.departments) if "departments" in self else [],
            due_days=self.due_days.data if self.due.data == AFTER_DAYS else None,
            due_on=self.due_on.data if self.due.data == ON_A_DAY else None,
            months=self.months.data if self.valid.data == FOR_MONTHS else None,
            least_days=self.least_days.data,
        )

    @property
    def counts_earlier(self) -> bool:
        """Whether what was signed for other assignments of the policy counts."""
        return "earlier" in self and self.earlier.data == COUNTS

    @property
    def sent(self) -> list[tuple[str, Any]]:
        """Each name with a value that was sent, so that the next page can send it again."""
        names = [field.name for field in self if field.name != "csrf_token"]
        return [(name, value) for name in names for value in self[name].raw_data or []]


def as_typed(assignment: Assignment) -> dict[str, Any]:
    """Return what the form would hold for an assignment, to change it."""
    return {
        "policy": str(assignment.policy_id),
        "modules": assignment.modules,
        "audience": assignment.audience,
        "departments": assignment.departments,
        "least_days": assignment.least_days,
        "due": ON_A_DAY if assignment.due_on else AFTER_DAYS,
        "due_days": assignment.due_days,
        "due_on": assignment.due_on,
        "valid": FOR_MONTHS if assignment.months else UNTIL_NEW,
        "months": assignment.months,
    }


def _chosen(field: SelectMultipleField) -> list[str]:
    return [choice.value for choice in field.iter_choices() if choice.selected]
