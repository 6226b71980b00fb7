"""How far each person has got with what they are assigned: attempts and completions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import cast
from uuid import UUID, uuid4

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from lms.assignments import Assignment as Assignment
from lms.assignments import Exemption as Exemption
from lms.assignments import assign as assign
from lms.assignments import current_assignment as current_assignment
from lms.assignments import exempt as exempt
from lms.assignments import lift_exemption as lift_exemption
from lms.assignments import withdraw as withdraw
from lms.choice_counts import count_choice
from lms.db import APPEND_ONLY, Base, connection, session
from lms.errors import ConflictError
from lms.people import EngagementType
from lms.policies import store
from lms.scenarios import Choice, Module, Outcome, Scene, next_scene, parse_module, shipped_modules

DONE = "end"


class Attempt(Base):
    """One go at a module, on the exact content it began with.

    `cycle` counts the times this person has signed this assignment: a renewal starts afresh.
    """

    __tablename__ = "attempt"
    __table_args__ = (sa.UniqueConstraint("person_id", "assignment_id", "module", "cycle"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    organisation_id: Mapped[UUID] = mapped_column(sa.ForeignKey("organisation.id"))
    person_id: Mapped[UUID] = mapped_column(sa.ForeignKey("person.id"))
    assignment_id: Mapped[UUID] = mapped_column(index=True)
    module: Mapped[str]
    module_sha256: Mapped[str] = mapped_column(sa.ForeignKey("document.sha256"))
    cycle: Mapped[int]
    engagement_type: Mapped[EngagementType]
    started_at: Mapped[datetime]


class Answer(Base):
    """What somebody chose, kept only to resume, and deleted when the programme is signed."""

    __tablename__ = "answer"
    __table_args__ = (sa.UniqueConstraint("attempt_id", "step"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    attempt_id: Mapped[UUID] = mapped_column(sa.ForeignKey("attempt.id"))
    step: Mapped[int]
    scene: Mapped[str]
    choice: Mapped[str]


class Completion(Base):
    """A module was completed; how it went is nobody's business."""

    __tablename__ = "completion"
    __table_args__ = (
        sa.Index("ix_completion_person_assignment", "person_id", "assignment_id"),
        {"info": APPEND_ONLY},
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    attempt_id: Mapped[UUID] = mapped_column(sa.ForeignKey("attempt.id"), unique=True)
    organisation_id: Mapped[UUID] = mapped_column(sa.ForeignKey("organisation.id"))
    person_id: Mapped[UUID] = mapped_column(sa.ForeignKey("person.id"))
    assignment_id: Mapped[UUID]
    module: Mapped[str]
    module_sha256: Mapped[str] = mapped_column(sa.String(64))
    cycle: Mapped[int]
    completed_at: Mapped[datetime]


@dataclass(frozen=True, slots=True)
class Step:
    """One decision in an attempt: the scene, and what was chosen if it has been."""

    number: int
    """From 1, repeated tries included."""
    scene: Scene
    choice: Choice | None
    question: int
    """Which question this is to the learner, from 1: a repeated try is the same question."""
    questions: int
    """How many there are, on the way she has taken."""


@dataclass(frozen=True, slots=True)
class Progress:
    """An attempt with the content it began with, and every step so far; the last is unanswered unless done."""

    attempt: Attempt
    module: Module
    steps: tuple[Step, ...]
    is_done: bool

    @property
    def next_number(self) -> int:
        """The step that comes next (one past the last when the module is done)."""
        return len(self.steps) + 1 if self.is_done else len(self.steps)


def required_modules(assignment: Assignment) -> list[str]:
    """Return the modules to be completed before signing: those assigned that Countersign still has.

    A module that a later version of Countersign no longer brings can't be asked of anybody.
    """
    return [slug for slug in assignment.modules if slug in shipped_modules()]


def find_attempt(person_id: UUID, assignment_id: UUID, module: str, cycle: int) -> Attempt | None:
    """Return the attempt of one person at one module in one cycle."""
    wanted = {"person": person_id, "assignment": assignment_id, "module": module, "cycle": cycle}
    return session.scalar(_ATTEMPT, wanted)


def start(
    assignment: Assignment,
    person_id: UUID,
    module: Module,
    *,
    cycle: int,
    engagement_type: EngagementType,
    now: datetime,
) -> Attempt:
    """Begin a module, or return the attempt that was begun already (a second tab, a second press)."""
    begun = find_attempt(person_id, assignment.id, module.slug, cycle)
    if begun is not None:
        return begun
    attempt = Attempt(
        id=uuid4(),
        organisation_id=assignment.organisation_id,
        person_id=person_id,
        assignment_id=assignment.id,
        module=module.slug,
        module_sha256=store(module.content),
        cycle=cycle,
        engagement_type=engagement_type,
        started_at=now,
    )
    session.add(attempt)
    session.flush()
    return attempt


def progress(attempt: Attempt, content: bytes) -> Progress:
    """Return how far an attempt has got. `content` is the module as it was when the attempt began."""
    chosen = connection().scalars(_CHOSEN, {"attempt": attempt.id}).all()
    return _replay(attempt, parse_module(content), chosen)


def _replay(attempt: Attempt, module: Module, chosen: Sequence[str]) -> Progress:
    steps: list[Step] = []
    scene_id, passed = module.start, 0
    for choice_id in chosen:
        scene = module.scene(scene_id)
        choice = scene.choice(choice_id)
        steps.append(_step(module, scene, choice, len(steps) + 1, passed))
        passed += choice.outcome is not Outcome.UNSAFE
        scene_id = next_scene(scene, choice)
    is_done = scene_id == DONE
    if not is_done:
        steps.append(_step(module, module.scene(scene_id), None, len(steps) + 1, passed))
    return Progress(attempt, module, tuple(steps), is_done)


def _step(module: Module, scene: Scene, choice: Choice | None, number: int, passed: int) -> Step:
    return Step(number, scene, choice, passed + 1, passed + module.steps_left(scene.id))


def answer(progress: Progress, step: int, choice_id: str, now: datetime) -> None:
    """Record a choice at a step; when it is the last, record that the module is completed.

    A step that has been answered is left as it is: Back, a second tab and a second press harm nothing. So is a
    module that was completed: its answers are gone when the programme is signed, and none may come after that.

    Raises:
        UnknownChoice: the choice isn't in the scene.
        ConflictError: the step hasn't been reached.
    """
    if step > len(progress.steps) or step < 1:
        raise ConflictError("You haven't reached that question yet.")
    asked = progress.steps[step - 1]
    choice = asked.scene.choice(choice_id)
    attempt = progress.attempt
    if asked.choice is not None or _is_completed(attempt):
        return
    chosen = {"attempt_id": attempt.id, "step": step, "scene": asked.scene.id, "choice": choice.id}
    connection().execute(_ADD_ANSWER, {"id": uuid4(), **chosen})
    count_choice(
        attempt.organisation_id,
        attempt.module_sha256,
        asked.scene.id,
        choice.id,
        engagement_type=attempt.engagement_type,
    )
    if next_scene(asked.scene, choice) == DONE:
        _complete(attempt, now)


def _is_completed(attempt: Attempt) -> bool:
    return connection().scalar(_IS_COMPLETED, {"attempt": attempt.id}) is not None


def _complete(attempt: Attempt, now: datetime) -> None:
    completion = {
        "id": uuid4(),
        "attempt_id": attempt.id,
        "organisation_id": attempt.organisation_id,
        "person_id": attempt.person_id,
        "assignment_id": attempt.assignment_id,
        "module": attempt.module,
        "module_sha256": attempt.module_sha256,
        "cycle": attempt.cycle,
        "completed_at": now,
    }
    connection().execute(_ADD_COMPLETION, completion)


def completed_modules(person_id: UUID, assignment_id: UUID, cycle: int) -> dict[str, str]:
    """Return the hash of each module that a person has completed for an assignment in this cycle, by slug."""
    wanted = {"person": person_id, "assignment": assignment_id, "cycle": cycle}
    return {module: sha256 for module, sha256 in connection().execute(_COMPLETED, wanted)}


def forget_answers(person_id: UUID, assignment_id: UUID) -> None:
    """Delete what somebody chose: the programme is signed, and practice is private."""
    connection().execute(_FORGET, {"person": person_id, "assignment": assignment_id})


# Everybody who learns or signs runs these, so they are built once, and no objects are made to be written.
_answer, _completion = (cast(sa.Table, model.__table__) for model in (Answer, Completion))
_ADD_ANSWER, _ADD_COMPLETION = sa.insert(_answer), sa.insert(_completion)
_CHOSEN = (
    sa.select(_answer.c.choice)
    .where(_answer.c.attempt_id == sa.bindparam("attempt"))
    .order_by(_answer.c.step)
)
_IS_COMPLETED = sa.select(_completion.c.id).where(_completion.c.attempt_id == sa.bindparam("attempt"))
_ATTEMPT = sa.select(Attempt).where(
    Attempt.person_id == sa.bindparam("person"),
    Attempt.assignment_id == sa.bindparam("assignment"),
    Attempt.module == sa.bindparam("module"),
    Attempt.cycle == sa.bindparam("cycle"),
)
_COMPLETED = sa.select(Completion.module, Completion.module_sha256).where(
    Completion.person_id == sa.bindparam("person"),
    Completion.assignment_id == sa.bindparam("assignment"),
    Completion.cycle == sa.bindparam("cycle"),
)
_FORGET = (
    sa.delete(Answer)
    .where(
        Answer.attempt_id.in_(
            sa.select(Attempt.id).where(
                Attempt.person_id == sa.bindparam("person"),
                Attempt.assignment_id == sa.bindparam("assignment"),
            )
        )
    )
    .execution_options(synchronize_session=False)
)
