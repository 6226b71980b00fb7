"""What one person has to do, and how far they have got: the learner's page, and the way into modules and signing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from lms import audience, compliance
from lms.attestations import SIGNING_KINDS, Attestation, IdentityAssurance, Signing
from lms.clock import london_day
from lms.compliance import Item, Obligation, Standing
from lms.db import UTCDateTime, session
from lms.errors import NotFoundError
from lms.items import assigned, gathered
from lms.people import Engagement, Person
from lms.policies import Policy, PolicyVersion
from lms.scenarios import Module, shipped_modules
from lms.schools import Organisation
from lms.status import Status
from lms.training import Assignment, Attempt, Completion, required_modules

RENEW_WITHIN = timedelta(days=30)
"""How long before a signature runs out it may be renewed."""


@dataclass(frozen=True, slots=True)
class ModuleState:
    """How far somebody is with one module of a task."""

    module: Module
    attempt_id: UUID | None
    is_completed: bool


@dataclass(frozen=True, slots=True)
class Task:
    """One obligation of one person, with its modules in order."""

    school: Organisation
    engagement: Engagement
    item: Item
    obligation: Obligation
    modules: tuple[ModuleState, ...]
    cycle: int
    is_open: bool
    """Whether there is something to do: not signed yet, declined, run out, or soon to run out."""

    @property
    def id(self) -> UUID:
        """The assignment's id, which is in the address."""
        return self.item.assignment.id

    @property
    def title(self) -> str:
        """The policy's title."""
        return self.item.policy.title

    @property
    def is_ready_to_sign(self) -> bool:
        """Whether every module is completed, or there is none."""
        return self.is_open and all(state.is_completed for state in self.modules)

    @property
    def next_module(self) -> ModuleState | None:
        """The first module that isn't completed."""
        return next((state for state in self.modules if not state.is_completed), None)


def tasks(person: Person, now: datetime) -> list[Task]:
    """Return what a person must do or has done, at every school, the most urgent first. Three queries."""
    asked = _asked(person.id, now)
    held = compliance.of_person(person.id, asked.items, Standing.EXPECTED)
    states = _attempts(person.id)
    found = [_task(asked, item, obligation, states) for item, obligation in held]
    return sorted(
        found, key=lambda task: (not task.is_open, task.obligation.next_due or date.max, task.title)
    )


def task(person: Person, assignment_id: UUID, now: datetime) -> Task:
    """Return one of a person's tasks. Raises NotFoundError when it isn't theirs, or is no more."""
    for found in tasks(person, now):
        if found.id == assignment_id:
            return found
    raise NotFoundError("That isn’t something you have been asked to do, or it has been withdrawn.")


def signing(task: Task, person: Person, assurance: IdentityAssurance, cycle: int) -> Signing:
    """Return what signing (or declining) a task records. `cycle` is the one that the form was shown for."""
    return Signing(
        school=task.school,
        person=person,
        engagement=task.engagement,
        assignment=task.item.assignment,
        policy=task.item.policy,
        version=task.item.version,
        cycle=cycle,
        identity_assurance=assurance,
    )


def signing_now(
    person: Person, assignment_id: UUID, assurance: IdentityAssurance, cycle: int, now: datetime
) -> Signing:
    """Return the same for somebody who presses the button: one query, and not a look at where everybody stands.

    Raises NotFoundError when it isn't theirs to sign, or is no more.
    """
    wanted = {"assignment": assignment_id, "person": person.id, "now": now, "day": london_day(now)}
    rows = session.execute(_SIGNING, wanted)
    obliging = [row for row in rows if audience.is_for(row.Assignment, row.Engagement)]
    if obliging:
        # Sorted here: the rows are few and wide, and a database sorts a copy of all that is in them.
        first = min(obliging, key=lambda row: (row.Engagement.starts, row.Engagement.id))
        assignment, school, policy, version, engagement = first
        return Signing(school, person, engagement, assignment, policy, version, cycle, assurance)
    raise NotFoundError("That isn’t something you have been asked to do, or it has been withdrawn.")


_later = aliased(PolicyVersion)
_SIGNING = (
    sa.select(Assignment, Organisation, Policy, PolicyVersion, Engagement)
    .join(Organisation, Organisation.id == Assignment.organisation_id)
    .join(Policy, Policy.id == Assignment.policy_id)
    .join(PolicyVersion, PolicyVersion.policy_id == Policy.id)
    .join(Engagement, Engagement.organisation_id == Assignment.organisation_id)
    .where(Assignment.id == sa.bindparam("assignment"), Assignment.recorded_to.is_(None))
    .where(Engagement.person_id == sa.bindparam("person"), Engagement.recorded_to.is_(None))
    .where(sa.or_(Engagement.ends.is_(None), Engagement.ends >= sa.bindparam("day")))
    .where(PolicyVersion.recorded_at <= sa.bindparam("now"))
    .where(
        ~sa.exists().where(
            _later.policy_id == Policy.id,
            _later.number > PolicyVersion.number,
            _later.recorded_at <= sa.bindparam("now"),
        )
    )
)


@dataclass(frozen=True, slots=True)
class _Asked:
    """What is assigned at the schools where somebody is engaged or will be."""

    items: list[Item]
    schools: dict[UUID, Organisation]
    engagements: dict[UUID, Engagement]
    """In the order in which they oblige."""
    cycles: dict[UUID, int]
    """How often it has been signed already, by assignment."""


def _asked(person_id: UUID, now: datetime) -> _Asked:
    wanted = {"person": person_id, "now": now, "day": london_day(now)}
    rows = session.execute(_ASKED, wanted).all()
    return _Asked(
        items=gathered(((a, p, v, merged) for a, p, v, merged, *_ in rows), now),
        schools={school.id: school for *_, school, _, _ in rows},
        engagements={engagement.id: engagement for *_, engagement, _ in rows},
        cycles={assignment.id: signed for assignment, *_, signed in rows},
    )


# Everybody who comes in runs these two, so they are built once.
_SIGNED = sa.select(sa.func.count()).where(
    Attestation.assignment_id == Assignment.id,
    Attestation.person_id == sa.bindparam("person"),
    Attestation.kind.in_(SIGNING_KINDS),
)
_ASKED = (
    assigned(sa.bindparam("now", type_=UTCDateTime()))
    .add_columns(Organisation, Engagement, _SIGNED.scalar_subquery())
    .join(Organisation, Organisation.id == Assignment.organisation_id)
    .join(Engagement, Engagement.organisation_id == Organisation.id)
    .where(Engagement.person_id == sa.bindparam("person"), Engagement.recorded_to.is_(None))
    .where(sa.or_(Engagement.ends.is_(None), Engagement.ends >= sa.bindparam("day")))
    .order_by(Engagement.starts, Engagement.id)
)
_ATTEMPTS = (
    sa.select(Attempt.assignment_id, Attempt.module, Attempt.cycle, Attempt.id, Completion.id)
    .outerjoin(Completion, Completion.attempt_id == Attempt.id)
    .where(Attempt.person_id == sa.bindparam("person"))
)
_States = dict[tuple[UUID, str, int], tuple[UUID, bool]]


def _attempts(person_id: UUID) -> _States:
    rows = session.execute(_ATTEMPTS, {"person": person_id})
    return {(a, module, cycle): (attempt, done is not None) for a, module, cycle, attempt, done in rows}


def _task(asked: _Asked, item: Item, obligation: Obligation, states: _States) -> Task:
    school, cycle = asked.schools[item.assignment.organisation_id], asked.cycles[item.assignment.id]
    mine = next(
        e
        for e in asked.engagements.values()
        if e.organisation_id == school.id and audience.is_for(item.assignment, e)
    )
    progress = tuple(_state(item, slug, states, cycle) for slug in required_modules(item.assignment))
    return Task(
        school, mine, item, obligation, progress, cycle, _is_open(obligation, london_day(item.moment))
    )


def _state(item: Item, slug: str, states: _States, cycle: int) -> ModuleState:
    attempt_id, is_completed = states.get((item.assignment.id, slug, cycle), (None, False))
    return ModuleState(shipped_modules()[slug], attempt_id, is_completed)


def _is_open(obligation: Obligation, day: date) -> bool:
    if obligation.status is Status.SIGNED:
        return obligation.next_due is not None and obligation.next_due - day <= RENEW_WITHIN
    return obligation.status is not Status.NOT_REQUIRED
