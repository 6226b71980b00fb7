"""One person's whole history at a school, and what people have asked HR for."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from lms import compliance
from lms.absences import Absence, absences_of
from lms.attestations import Attestation, Kind, Signatory
from lms.clock import london_day
from lms.compliance import Item, Obligation, Standing
from lms.corrections import Correction, corrections_of
from lms.db import session
from lms.errors import NotFoundError
from lms.help_requests import HelpRequest
from lms.merges import Merge, merges_of, records_of
from lms.outside_training import OutsideTraining, outside_of
from lms.people import Engagement, Person
from lms.policies import Policy, PolicyVersion
from lms.schools import Organisation
from lms.training import Assignment, Exemption


@dataclass(frozen=True, slots=True)
class Evidence:
    """Something signed or declined. `details` are the personal ones: none once they have been erased."""

    attestation: Attestation
    title: str
    version: str
    details: dict[str, str]

    @property
    def reason(self) -> str | None:
        """Why it was declined, which is HR's alone to see."""
        return self.details.get("reason") if self.attestation.kind is Kind.DECLINED else None

    @property
    def checked_by(self) -> str | None:
        """Who saw the photo ID."""
        return self.details.get("id_seen_by")

    @property
    def witness(self) -> str | None:
        """Who saw a form on paper signed."""
        return self.details.get("witness")


@dataclass(frozen=True, slots=True)
class Excused:
    """An exemption with what it is from."""

    exemption: Exemption
    title: str


@dataclass(frozen=True, slots=True)
class Asked:
    """A request for help with who asked, and about what."""

    request: HelpRequest
    person: Person
    title: str


@dataclass(frozen=True, slots=True)
class History:
    """Everything on record about a person at one school."""

    person: Person
    engagements: list[list[Engagement]]
    """Each engagement with the ways it was recorded, the latest first."""
    obligations: list[tuple[Item, Obligation]]
    evidence: list[Evidence]
    excused: list[Excused]
    asked: list[Asked]
    absences: list[Absence]
    outside: list[OutsideTraining]
    corrections: list[Correction]
    merges: list[Merge]
    """Other records merged into this one; or this one into another."""
    names: dict[UUID, str]
    """Of managers, and of those who recorded or corrected something."""


def person_at(school: Organisation, person_id: UUID) -> Person:
    """Return somebody who is or was engaged at a school. Raises NotFoundError for anybody else."""
    engaged = sa.exists().where(Engagement.person_id == Person.id, Engagement.organisation_id == school.id)
    person = session.scalar(sa.select(Person).where(Person.id == person_id, engaged))
    if person is None:
        raise NotFoundError(f"There is nobody with that record at {school.name}.")
    return person


def history_of(school: Organisation, person: Person, now: datetime) -> History:
    """Return everything on record about a person at a school. Twelve queries."""
    engagements = _engagements(school, person)
    corrected, merged = corrections_of(person.id), merges_of(person.id)
    return History(
        person=person,
        engagements=engagements,
        obligations=obligations_of(school, person, now),
        evidence=_evidence(school, person),
        excused=_excused(school, person),
        asked=_asked(school.id, HelpRequest.person_id == person.id),
        absences=absences_of(person.id, school.id),
        outside=outside_of(person.id, school.id),
        corrections=corrected,
        merges=merged,
        names=_names(_mentioned(engagements, corrected, merged)),
    )


def obligations_of(school: Organisation, person: Person, now: datetime) -> list[tuple[Item, Obligation]]:
    """Return what somebody must sign, or had to when they left."""
    items = compliance.items([school.id], now)
    expected = compliance.of_person(person.id, items, Standing.EXPECTED)
    return expected or compliance.of_person(person.id, items, Standing.LEFT)


def open_requests(school_id: UUID) -> list[Asked]:
    """Return what a school's people have asked for and nobody has dealt with, oldest first. One query."""
    return _asked(school_id, HelpRequest.answered_at.is_(None))


def exemption_of(assignment_id: UUID, person_id: UUID) -> Exemption | None:
    """Return what stands recorded now of somebody's not having to do an assignment."""
    return session.scalar(
        sa.select(Exemption).where(
            Exemption.assignment_id == assignment_id,
            Exemption.person_id == person_id,
            Exemption.recorded_to.is_(None),
        )
    )


def is_over(engagement: Engagement, now: datetime) -> bool:
    """Say whether an engagement's last day has passed."""
    return engagement.ends is not None and engagement.ends < london_day(now)


def _engagements(school: Organisation, person: Person) -> list[list[Engagement]]:
    rows = session.scalars(
        sa.select(Engagement)
        .where(Engagement.person_id == person.id, Engagement.organisation_id == school.id)
        .order_by(Engagement.recorded_from.desc())
    )
    found: dict[UUID, list[Engagement]] = {}
    for row in rows:
        found.setdefault(row.id, []).append(row)
    return sorted(found.values(), key=lambda versions: versions[0].starts)


def _evidence(school: Organisation, person: Person) -> list[Evidence]:
    rows = session.execute(
        sa.select(Attestation, Policy.title, PolicyVersion.label, Signatory.details)
        .join(PolicyVersion, PolicyVersion.id == Attestation.policy_version_id)
        .join(Policy, Policy.id == PolicyVersion.policy_id)
        .outerjoin(Signatory, Signatory.attestation_id == Attestation.id)
        .where(Attestation.person_id.in_(records_of(person.id)), Attestation.organisation_id == school.id)
        .order_by(Attestation.recorded_at, Attestation.id)
    )
    return [Evidence(a, title, label, json.loads(details or b"{}")) for a, title, label, details in rows]


def _excused(school: Organisation, person: Person) -> list[Excused]:
    rows = session.execute(
        sa.select(Exemption, _title(Exemption.assignment_id))
        .where(Exemption.person_id == person.id, Exemption.organisation_id == school.id)
        .order_by(Exemption.recorded_from)
    )
    return [Excused(exemption, title) for exemption, title in rows]


def _asked(school_id: UUID, condition: sa.ColumnElement[bool]) -> list[Asked]:
    rows = session.execute(
        sa.select(HelpRequest, Person, _title(HelpRequest.assignment_id))
        .join(Person, Person.id == HelpRequest.person_id)
        .where(HelpRequest.organisation_id == school_id, condition)
        .order_by(HelpRequest.asked_at, HelpRequest.id)
    )
    return [Asked(request, person, title) for request, person, title in rows]


def _title(
    assignment_id: sa.ColumnElement[UUID] | sa.orm.InstrumentedAttribute[UUID],
) -> sa.ScalarSelect[str]:
    # The policy of an assignment never changes, whichever of its rows is read.
    return (
        sa.select(sa.func.min(Policy.title))
        .join(Assignment, Assignment.policy_id == Policy.id)
        .where(Assignment.id == assignment_id)
        .scalar_subquery()
    )


def _mentioned(
    engagements: list[list[Engagement]], corrected: list[Correction], merged: list[Merge]
) -> set[UUID]:
    by = {one.corrected_by for one in corrected}
    by |= {id for one in merged for id in (one.kept_id, one.merged_id, one.recorded_by)}
    recorded = {id for rows in engagements for e in rows for id in (e.manager_id, e.recorded_by)}
    return {id for id in by | recorded if id}


def _names(person_ids: Collection[UUID]) -> dict[UUID, str]:
    if not person_ids:
        return {}
    return {p.id: p.name for p in session.scalars(sa.select(Person).where(Person.id.in_(person_ids)))}
