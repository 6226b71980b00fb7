"""The passport: what a visitor signed at another school of the trust may be confirmed at this one with one tap.

It is the same policy version where the other school's policy has the same slug and its text as written the same hash
as the version in force here. (The text as shown differs: it names each school's people, which is why the card is always
shown.) It is within its validity while neither school's months have run out. Only what was signed itself counts, not a
confirmation of it, so that no signature is carried on from school to school for ever.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy.orm import aliased

from lms import attestations, audit, ledger, my_training, training
from lms.attestations import SIGNING_KINDS, Act, Attestation, Kind, Signing
from lms.audit import Event
from lms.clock import add_months, day_in_words, london_day
from lms.db import session
from lms.errors import ConflictError
from lms.items import Item, items
from lms.my_training import Task
from lms.people import Engagement, Person
from lms.policies import Policy, PolicyVersion
from lms.schools import Organisation
from lms.status import Status
from lms.wording import PASSPORT_STATEMENT

_withdrawal = aliased(Attestation)


@dataclass(frozen=True, slots=True)
class Passport:
    """What somebody signed elsewhere in the trust, as another school's desk may see it, and what it is good for."""

    task: Task
    first: Attestation
    name: str
    agency: str | None
    school: Organisation

    @property
    def signed_on(self) -> date:
        """The London day of signing."""
        return london_day(self.first.recorded_at)


def of_person(person: Person, school: Organisation, now: datetime) -> list[Passport]:
    """Return what somebody need only confirm at a school, as they signed it elsewhere; nothing where it is off."""
    if not school.accepts_passports or school.parent_id is None:
        return []
    here = [
        task for task in my_training.tasks(person, now) if task.school.id == school.id and _is_asked(task)
    ]
    found = (_passport(person, task, now) for task in here)
    return [passport for passport in found if passport is not None]


def for_task(person: Person, task: Task, now: datetime) -> Passport | None:
    """Return the passport that one task may be confirmed with, if there is one."""
    return next((p for p in of_person(person, task.school, now) if p.task.id == task.id), None)


def _is_asked(task: Task) -> bool:
    return task.is_open and task.obligation.status not in (Status.SIGNED, Status.DECLINED)


def _passport(person: Person, task: Task, now: datetime) -> Passport | None:
    for first, version, school in session.execute(_signed_elsewhere(person, task)):
        if _is_valid(first, version, task, now) and _is_as_long(first, task):
            return Passport(task, first, person.name, _agency(first, task), school)
    return None


def _signed_elsewhere(person: Person, task: Task) -> sa.Select[*tuple[Any, ...]]:
    """Return the statement for what somebody signed of the same policy version elsewhere, the newest first."""
    return (
        sa.select(Attestation, PolicyVersion, Organisation)
        .join(PolicyVersion, PolicyVersion.id == Attestation.policy_version_id)
        .join(Policy, Policy.id == PolicyVersion.policy_id)
        .join(Organisation, Organisation.id == Attestation.organisation_id)
        .where(Attestation.person_id == person.id, Attestation.kind.in_((Kind.SIGNED, Kind.ON_PAPER)))
        .where(Organisation.parent_id == task.school.parent_id, Organisation.id != task.school.id)
        .where(Policy.slug == task.item.policy.slug)
        .where(PolicyVersion.source_sha256 == task.item.version.source_sha256)
        .where(
            ~sa.exists().where(_withdrawal.refers_to == Attestation.id, _withdrawal.kind == Kind.WITHDRAWN)
        )
        .order_by(Attestation.recorded_at.desc(), Attestation.id)
    )


def _is_valid(first: Attestation, version: PolicyVersion, task: Task, now: datetime) -> bool:
    signed_on, today = london_day(first.recorded_at), london_day(now)
    months, there = task.item.assignment.months, _item_of(first, now)
    ends = [add_months(signed_on, months)] if months is not None else []
    if there is not None and (end := there.signature_ends(signed_on, version.number)) is not None:
        ends.append(end)
    return all(end > today for end in ends)


def _item_of(first: Attestation, now: datetime) -> Item | None:
    found = (
        item for item in items([first.organisation_id], now) if item.assignment.id == first.assignment_id
    )
    return next(found, None)


def _is_as_long(first: Attestation, task: Task) -> bool:
    """Say whether what was done there is enough here: a longer programme, for longer stays, needs its modules done."""
    if task.item.assignment.least_days is None:
        return True
    asked = sa.select(training.Assignment.modules).where(
        training.Assignment.id == first.assignment_id, training.Assignment.recorded_at(first.recorded_at)
    )
    return {state.module.slug for state in task.modules} <= set(session.scalar(asked) or ())


def _agency(first: Attestation, task: Task) -> str | None:
    there = sa.select(Engagement.agency).where(
        Engagement.person_id == first.person_id,
        Engagement.organisation_id == first.organisation_id,
        Engagement.agency.is_not(None),
    )
    return session.scalar(there.order_by(Engagement.recorded_from.desc()).limit(1)) or task.engagement.agency


def record_look_up(passport: Passport, by: UUID, now: datetime) -> None:
    """Write down, at both schools, that a desk was shown what somebody signed at the other."""
    here = passport.task.school
    for organisation_id in (here.id, passport.school.id):
        audit.record(
            Event.PASSPORT_SHOWN,
            organisation_id=organisation_id,
            now=now,
            actor_id=by,
            subject_id=passport.first.person_id,
            at=here.slug,
            attestation=str(passport.first.id),
        )


def statement(passport: Passport) -> str:
    """Return the exact words that are confirmed."""
    task = passport.task
    return PASSPORT_STATEMENT.format(
        policy=task.title,
        version=task.item.version.label,
        school=passport.school.name,
        day=day_in_words(passport.signed_on),
        here=task.school.name,
    )


def confirm(
    signing: Signing, passport: Passport, *, shown_sha256: str, key: Ed25519PrivateKey, now: datetime
) -> Attestation:
    """Record that a visitor confirms here what they signed elsewhere. A second tap returns the first record.

    Raises:
        ConflictError: the policy was changed since it was shown.
        ClockError, LedgerError: as for `attestations.sign`.
    """
    held = ledger.lock(signing.school)
    if (earlier := attestations.earlier_of(signing, SIGNING_KINDS)) is not None:
        return earlier
    if shown_sha256 != signing.text_sha256:
        raise ConflictError("The policy was changed meanwhile. Open this page again.")
    act = Act(
        kind=Kind.CONFIRMED,
        method="button",
        statement=statement(passport),
        modules=[],
        details={},
        refers_to=passport.first.id,
        more={
            "signed": attestations.written(passport.first.recorded_at),
            "signed_at_school": passport.school.ledger_origin,
        },
    )
    attestation = attestations.append(signing, held, act, key, now)
    training.forget_answers(signing.person.id, signing.assignment.id)
    return attestation
