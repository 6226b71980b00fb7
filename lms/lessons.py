"""One go at a module, with all that its pages need, fetched at once; and how one is begun."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from lms import policies, training
from lms.attestations import SIGNING_KINDS, Attestation
from lms.db import session
from lms.errors import NotFoundError
from lms.people import EngagementType, Person
from lms.policies import Policy, PolicyVersion
from lms.scenarios import Module, parse_module
from lms.schools import Organisation
from lms.training import Assignment, Attempt, Completion, Progress


@dataclass(frozen=True, slots=True)
class Lesson:
    """An attempt, the module as it was when the attempt began, and the policy that is in force."""

    attempt: Attempt
    school: Organisation
    assignment: Assignment
    policy: Policy
    version: PolicyVersion
    attestation_id: UUID | None
    """What was signed after this attempt; from then on the answers are gone."""

    @property
    def module(self) -> Module:
        """The content that this attempt began with, whatever the module says today."""
        return _begun_with(self.attempt.module_sha256)

    def progress(self) -> Progress:
        """Return every step so far. One query."""
        return training.progress(self.attempt, self.module.content)

    def modules_left(self) -> list[str]:
        """Return the slugs of the programme's modules that aren't completed yet, in order. One query."""
        done = session.scalars(
            sa.select(Completion.module).where(
                Completion.person_id == self.attempt.person_id,
                Completion.assignment_id == self.assignment.id,
                Completion.cycle == self.attempt.cycle,
            )
        ).all()
        return [slug for slug in self.assignment.modules if slug not in done]


@functools.lru_cache(maxsize=64)
def _begun_with(sha256: str) -> Module:
    # A hash names one text for ever, so a process needs to fetch it once.
    return parse_module(policies.document(sha256))


def lesson(person_id: UUID, slug: str, attempt_id: UUID, *, to_answer: bool = False) -> Lesson:
    """Return one of a person's own attempts at a module. One query.

    With `to_answer` a second press on PostgreSQL waits here for the first, and finds its answer recorded.

    Raises:
        NotFoundError: it is another person's, of another module, or its assignment has been withdrawn.
    """
    statement = (
        sa.select(Attempt, Organisation, Assignment, Policy, PolicyVersion, Attestation.id)
        .join(Organisation, Organisation.id == Attempt.organisation_id)
        .outerjoin(Assignment, _IS_CURRENT)
        .outerjoin(Policy, Policy.id == Assignment.policy_id)
        .outerjoin(PolicyVersion, PolicyVersion.policy_id == Policy.id)
        .outerjoin(Attestation, _IS_ITS_SIGNING)
        .where(Attempt.id == attempt_id, Attempt.person_id == person_id, Attempt.module == slug)
        .order_by(PolicyVersion.number.desc())
        .limit(1)
    )
    if to_answer:
        statement = statement.with_for_update(of=Attempt)
    row = session.execute(statement).one_or_none()
    if row is None:
        raise NotFoundError("There is no practice of yours at this address.")
    if row[2] is None:
        raise NotFoundError("You need not do this any more: it has been withdrawn.")
    return Lesson(*row)


_IS_CURRENT = sa.and_(Assignment.id == Attempt.assignment_id, Assignment.recorded_to.is_(None))
_IS_ITS_SIGNING = sa.and_(
    Attestation.person_id == Attempt.person_id,
    Attestation.assignment_id == Attempt.assignment_id,
    Attestation.cycle == Attempt.cycle,
    Attestation.kind.in_(SIGNING_KINDS),
)


def begin(
    assignment: Assignment,
    person: Person,
    module: Module,
    *,
    cycle: int,
    engagement_type: EngagementType,
    now: datetime,
) -> Attempt:
    """Begin a module, or return the attempt that was begun already.

    Two presses at once wait for each other, so that the second finds what the first began.
    """
    session.execute(sa.select(Person.id).where(Person.id == person.id).with_for_update(key_share=True))
    return training.start(
        assignment, person.id, module, cycle=cycle, engagement_type=engagement_type, now=now
    )
