"""An assignment in words, as the pages for HR say it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from lms import scenarios, training
from lms.assignments import Assignment
from lms.clock import day_in_words
from lms.compliance import Item
from lms.effects import Effect
from lms.people import EngagementType

_MANY = {
    EngagementType.SUPPORT_STAFF: "support staff",
    EngagementType.TRUSTEE: "trustees or members",
}


@dataclass(frozen=True, slots=True)
class Line:
    """An assignment as HR reads it, with what it does today."""

    item: Item
    modules: list[str]
    audience: str
    due: str
    valid: str
    effect: Effect


def line(item: Item, effect: Effect) -> Line:
    """Put an assignment into words."""
    assignment = item.assignment
    return Line(
        item=item,
        modules=[scenarios.shipped_modules()[slug].title for slug in training.required_modules(assignment)],
        audience=audience(assignment),
        due=_due(assignment),
        valid=_number(assignment.months, "month") if assignment.months else "Until a new version asks",
        effect=effect,
    )


def audience(assignment: Assignment) -> str:
    """Return whom it is for: "Teachers and governors in Maths, if they stay longer than 5 days"."""
    types = [EngagementType(value) for value in assignment.audience]
    everyone = set(types) == set(EngagementType)
    words = "Everyone" if everyone else joined(_many(type_) for type_ in types).capitalize()
    if assignment.departments:
        words += f" in {joined(assignment.departments)}"
    if assignment.least_days:
        words += f", if they stay longer than {_number(assignment.least_days, 'day')}"
    return words


def groups(counts: Counter[EngagementType]) -> str:
    """Return how many of each: "80 teachers, 12 governors and 1 volunteer"."""
    present = [(type_, counts[type_]) for type_ in EngagementType if counts[type_]]
    return joined(f"{n:,} {type_.words.lower() if n == 1 else _many(type_)}" for type_, n in present)


def joined(words: Iterable[str]) -> str:
    """Return some words as a list in a sentence: "a, b and c"."""
    *most, last = [*words] or [""]
    return f"{', '.join(most)} and {last}" if most else last


def _due(assignment: Assignment) -> str:
    if assignment.due_on is not None:
        return f"{day_in_words(assignment.due_on)}. Whoever starts later: on their first day."
    days = assignment.due_days or 0
    first = day_in_words(assignment.assigned_on + timedelta(days=days))
    return f"{first}. Whoever starts later: {_number(days, 'day')} after their first day."


def _many(type_: EngagementType) -> str:
    return _MANY.get(type_, f"{type_.words.lower()}s")


def _number(number: int, thing: str) -> str:
    return f"1 {thing}" if number == 1 else f"{number} {thing}s"
