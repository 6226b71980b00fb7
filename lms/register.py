"""The attestation register: every obligation and what became of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import NamedTuple
from uuid import UUID

import sqlalchemy as sa

from lms import compliance, reminders
from lms.absences import is_away, read_spans
from lms.attestations import Attestation, IdentityAssurance, Kind, Signatory
from lms.clock import london_day
from lms.compliance import Item, Standing
from lms.db import session
from lms.items import deadlines
from lms.people import EngagementType
from lms.policies import PolicyVersion
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
        for place, _, *values in compliance.stream(scope.wanted, standing, _Found._fields):
            found = _Found(*values)
            if scope.is_whole or _fits(scope.filters, found):
                yield read[place](found)


class _Found(NamedTuple):
    """What the register needs of an obligation, by the names that `compliance.stream` knows."""

    person_id: UUID
    surname: str
    forename: str
    sort_name: str
    type: EngagementType
    job_title: str | None
    agency: str | None
    department: str | None
    starts: date
    ends: date | None
    status: str
    signed_at: datetime | None
    signed_kind: Kind | None
    signed_number: int | None
    signed_cycle: int | None
    identity_assurance: IdentityAssurance | None
    attestation_id: UUID | None
    absences: str | None


class _Asked(NamedTuple):
    """What somebody is asked to sign, or has signed: a version of a policy."""

    policy: str
    version: str
    hash_prefix: str
    assigned: date


class _Standing(NamedTuple):
    """What follows from a status and its dates; thousands of people share one."""

    status: Status
    due: date | None
    next_due: date | None


_METHODS = {Kind.SIGNED: "Typed name", Kind.ON_PAPER: "On paper", Kind.CONFIRMED: "Confirmed"}


def _fits(filters: Filters, found: _Found) -> bool:
    return (
        filters.fit_name(found.sort_name)
        and filters.fit_engagement(found.type, found.department)
        and filters.status in (None, Status(found.status))
    )


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
) -> Callable[[_Found], RegisterRow]:
    school, item_id, standing_of = scope.school.name, item.assignment.id, _standings(item, standing)
    asked: dict[int | None, _Asked] = {version.number: _asked(item, version) for version in item.versions}
    newest = asked[item.version.number]

    def read(found: _Found) -> RegisterRow:
        signed_on = london_day(found.signed_at) if found.signed_at else None
        return _row(
            found,
            asked.get(found.signed_number, newest),
            standing_of(
                found.status, found.starts, signed_on, found.signed_number, found.signed_cycle, found.absences
            ),
            school,
            checkers.get(found.attestation_id) if found.attestation_id else None,
            reminded.get((found.person_id, item_id), 0),
        )

    return read


def _asked(item: Item, version: PolicyVersion) -> _Asked:
    return _Asked(item.policy.title, version.label, version.source_sha256[:12], item.assignment.assigned_on)


def _standings(
    item: Item, standing: Standing
) -> Callable[[str, date, date | None, int | None, int | None, str | None], _Standing]:
    @lru_cache(maxsize=1024)
    def standing_of(
        word: str,
        starts: date,
        signed_on: date | None,
        number: int | None,
        cycle: int | None,
        absences: str | None,
    ) -> _Standing:
        status, away = Status(word), read_spans(absences)
        dates = deadlines(item, status, starts, signed_on, number, away)
        # The day that the first signature was due says nothing of a later one, and would make it look late.
        is_renewed = status is Status.SIGNED and bool(cycle)
        has_no_day = status is Status.NOT_REQUIRED or is_renewed or is_away(away, item.day)
        next_due = None if standing is Standing.LEFT else dates.next_due
        return _Standing(status, None if has_no_day else dates.due, next_due)

    return standing_of


def _row(
    found: _Found, asked: _Asked, standing: _Standing, school: str, checked_by: str | None, reminded: int
) -> RegisterRow:
    return RegisterRow(
        person_id=found.person_id,
        surname=found.surname,
        forename=found.forename,
        category=found.type.words,
        role=found.job_title or found.type.words,
        agency=found.agency,
        school=school,
        start=found.starts,
        end=found.ends,
        policy=asked.policy,
        version=asked.version,
        hash_prefix=asked.hash_prefix,
        assigned=asked.assigned,
        due=standing.due,
        status=standing.status,
        signed_at=found.signed_at,
        method=_METHODS.get(found.signed_kind) if found.signed_kind else None,
        identity_check=found.identity_assurance.words if found.identity_assurance else None,
        identity_checked_by=checked_by,
        reminders=reminded,
        next_due=standing.next_due,
        receipt_id=found.attestation_id,
    )


def counted(tally: Tally, rows: Iterable[RegisterRow]) -> Iterator[RegisterRow]:
    """Yield rows of the register, counting each as it goes by; a person's rows come together."""
    person_id, categories = None, set[str]()
    for row in rows:
        if row.person_id != person_id:
            person_id, categories = row.person_id, set()
        tally.add(row.category, [row.status], people=int(row.category not in categories))
        categories.add(row.category)
        yield row
