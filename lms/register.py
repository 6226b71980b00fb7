"""The attestation register: every obligation and what became of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from lms import compliance, reminders
from lms.absences import is_away, read_spans
from lms.attestations import Attestation, IdentityAssurance, Kind, Signatory
from lms.clock import london_day
from lms.compliance import Item, Standing
from lms.db import session
from lms.items import deadlines
from lms.record import Scope, Tally
from lms.standings import Filters
from lms.status import Status


@dataclass(frozen=True, slots=True)
class RegisterRow:
    """One obligation of one adult, with the evidence for it where there is any.

    Never holds what anyone chose in a scenario.
    """

    person_id: UUID
    surname: str
    forename: str
    category: str
    role: str
    agency: str | None
    school: str
    start: date
    end: date | None
    policy: str
    version: str
    hash_prefix: str
    """The first 12 hex digits of the SHA-256 of the policy version's source."""
    assigned: date
    due: date | None
    status: Status
    signed_at: datetime | None
    """Aware UTC; the register shows it in UTC and in London time."""
    method: str | None
    identity_check: str | None
    identity_checked_by: str | None
    reminders: int
    next_due: date | None
    receipt_id: UUID | None


def rows(scope: Scope) -> Iterator[RegisterRow]:
    """Yield every obligation of everybody engaged on the day, by name; then those of people who have left."""
    checkers = _checkers(scope.school.id)
    reminded = reminders.numbers([scope.school.id], london_day(scope.moment))
    for standing in (Standing.ENGAGED, Standing.LEFT):
        read = [_reading(scope, item, standing, checkers, reminded) for item in scope.wanted]
        for place, _, *values in compliance.stream(scope.wanted, standing, _NEEDED):
            found = dict(zip(_NEEDED, values, strict=True))
            if scope.is_whole or _fits(scope.filters, found):
                yield read[place](found)


_NEEDED = (
    *("person_id", "surname", "forename", "sort_name", "type", "job_title", "agency", "department"),
    *("starts", "ends", "status", "signed_at", "signed_kind", "signed_number", "identity_assurance"),
    *("attestation_id", "signed_cycle", "absences"),
)
_METHODS = {Kind.SIGNED: "Typed name", Kind.ON_PAPER: "On paper", Kind.CONFIRMED: "Confirmed"}


def _fits(filters: Filters, found: dict[str, Any]) -> bool:
    return (
        filters.fit_name(found["sort_name"])
        and filters.fit_engagement(found["type"], found["department"])
        and filters.status in (None, Status(found["status"]))
    )


def _is_renewed(status: Status, found: dict[str, Any]) -> bool:
    # The day that the first signature was due says nothing of a later one, and would make it look late.
    return status is Status.SIGNED and bool(found["signed_cycle"])


def _checkers(school_id: UUID) -> dict[UUID, str]:
    """Return who saw the photo ID, by the attestation; nobody once the personal details have been erased."""
    rows = session.execute(
        sa.select(Signatory.attestation_id, Signatory.details)
        .join(Attestation, Attestation.id == Signatory.attestation_id)
        .where(Attestation.organisation_id == school_id, Signatory.details.is_not(None))
        .where(Attestation.identity_assurance == IdentityAssurance.PHOTO_ID)
    )
    found = ((identity, json.loads(details or b"{}").get("id_seen_by")) for identity, details in rows)
    return {identity: name for identity, name in found if name}


def _reading(
    scope: Scope,
    item: Item,
    standing: Standing,
    checkers: dict[UUID, str],
    reminded: dict[tuple[UUID, UUID], int],
) -> Callable[[dict[str, Any]], RegisterRow]:
    school, policy, assigned = scope.school.name, item.policy.title, item.assignment.assigned_on
    versions = {version.number: version for version in item.versions}

    def read(found: dict[str, Any]) -> RegisterRow:
        status, signed_at, assurance = (
            Status(found["status"]),
            found["signed_at"],
            found["identity_assurance"],
        )
        signed_on = london_day(signed_at) if signed_at else None
        away = read_spans(found["absences"])
        dates = deadlines(item, status, found["starts"], signed_on, found["signed_number"], away)
        has_no_day = status is Status.NOT_REQUIRED or _is_renewed(status, found) or is_away(away, item.day)
        version = versions.get(found["signed_number"], item.version)
        return RegisterRow(
            person_id=found["person_id"],
            surname=found["surname"],
            forename=found["forename"],
            category=found["type"].words,
            role=found["job_title"] or found["type"].words,
            agency=found["agency"],
            school=school,
            start=found["starts"],
            end=found["ends"],
            policy=policy,
            version=version.label,
            hash_prefix=version.source_sha256[:12],
            assigned=assigned,
            due=None if has_no_day else dates.due,
            status=status,
            signed_at=signed_at,
            method=_METHODS.get(found["signed_kind"]),
            identity_check=assurance.words if assurance else None,
            identity_checked_by=checkers.get(found["attestation_id"]),
            reminders=reminded.get((found["person_id"], item.assignment.id), 0),
            next_due=None if standing is Standing.LEFT else dates.next_due,
            receipt_id=found["attestation_id"],
        )

    return read


def counted(tally: Tally, rows: Iterable[RegisterRow]) -> Iterator[RegisterRow]:
    """Yield rows of the register, counting each as it goes by; a person's rows come together."""
    person_id, categories = None, set[str]()
    for row in rows:
        if row.person_id != person_id:
            person_id, categories = row.person_id, set()
        tally.add(row.category, [row.status], people=int(row.category not in categories))
        categories.add(row.category)
        yield row
