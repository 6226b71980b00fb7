"""What a row of a staff list says otherwise than the record, fact by fact. A blank cell says nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from lms.clock import day_in_words
from lms.corrections import PERSON_FACTS
from lms.people import EngagementType
from lms.roster.matching import KnownEngagement, KnownPerson, fold, number_key
from lms.roster.rows import RosterRow

_ENGAGEMENT_FACTS = {
    "type": "Engagement type",
    "job_title": "Job title",
    "agency": "Agency or company",
    "department": "Department",
    "manager_id": "Line manager",
    "starts": "First day",
    "ends": "Last day",
}


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One fact that changes, in words."""

    fact: str
    words: str
    before: str
    after: str


def named(fact: str) -> str:
    """Return a fact as people say it: "First day"."""
    return PERSON_FACTS.get(fact) or _ENGAGEMENT_FACTS[fact]


def person_changes(
    row: RosterRow, person: KnownPerson | None
) -> tuple[dict[str, str | None], tuple[FieldChange, ...]]:
    """Return what is to be put right of a person, and the same in words; of somebody new, all that the row says."""
    said = {fact: getattr(row, fact) for fact in PERSON_FACTS}
    if person is None:
        return said, ()
    changes = {fact: value for fact, value in said.items() if value and _is_other(row, person, fact, value)}
    if person.has_powers:
        changes.pop("email", None)
    fields = tuple(
        FieldChange(fact, named(fact), getattr(person, fact) or "none", value)
        for fact, value in changes.items()
    )
    return changes, fields


def keeps_email(row: RosterRow, person: KnownPerson | None) -> bool:
    """Say whether a row gives somebody with powers another e-mail address, which only a person may do by hand."""
    return bool(person and person.has_powers and row.email and row.email != (person.email or ""))


def new_facts(
    row: RosterRow, manager_id: UUID | None, otherwise: EngagementType, today: date
) -> dict[str, Any]:
    """Return the facts of a new engagement. Without a first day in the file it begins today."""
    starts = row.starts or (min(today, row.ends) if row.ends else today)
    return {
        "type": row.type or otherwise,
        "job_title": row.job_title,
        "agency": row.agency,
        "department": row.department,
        "manager_id": manager_id,
        "starts": starts,
        "ends": row.ends,
    }


def engagement_changes(
    row: RosterRow,
    engagement: KnownEngagement,
    manager_id: UUID | None,
    name_of: Callable[[UUID], str],
) -> tuple[dict[str, Any], tuple[FieldChange, ...]]:
    """Return what is to be put right of an engagement, and the same in words."""
    said = {fact: getattr(row, fact, None) for fact in _ENGAGEMENT_FACTS} | {"manager_id": manager_id}
    if row.type_is_guess:
        # What the record says was said by a person.
        said["type"] = None
    changes = {
        fact: value
        for fact, value in said.items()
        if value is not None and value != getattr(engagement, fact)
    }
    fields = tuple(
        FieldChange(fact, named(fact), _shown(getattr(engagement, fact), name_of), _shown(value, name_of))
        for fact, value in changes.items()
    )
    return changes, fields


def _is_other(row: RosterRow, person: KnownPerson, fact: str, said: str) -> bool:
    recorded: str | None = getattr(person, fact)
    if fact == "staff_no":
        return number_key(recorded) != number_key(said)
    if fact == "known_as" and fold(said) == fold(row.forename):
        # A preferred name that is the forename is no other name.
        return False
    if fact == "forename" and fold(said) == fold(person.known_as or ""):
        # A list that has the known-as name doesn't say what the forename is.
        return False
    recorded = recorded or ""
    if fact != "email" and fold(recorded) == fold(said):
        # Systems that know capitals or plain letters alone don't know a name better than the record does.
        return recorded != said and not row.was_capitals and not (said.isascii() and not recorded.isascii())
    return recorded != said


def _shown(value: Any, name_of: Callable[[UUID], str]) -> str:
    match value:
        case None:
            return "none"
        case EngagementType():
            return value.words
        case date():
            return day_in_words(value)
        case UUID():
            return name_of(value)
        case _:
            return str(value)
