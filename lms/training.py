"""Who must do what: assignments and exemptions; and how far each person has got: attempts and completions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID, uuid4

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from lms.choice_counts import count_choice
from lms.db import APPEND_ONLY, Base, Versioned, connection, one_current, session
from lms.errors import ConflictError
from lms.people import EngagementType
from lms.policies import store
from lms.scenarios import Choice, Module, Outcome, Scene, next_scene, parse_module, shipped_modules

DONE = "end"


class Assignment(Versioned, Base):
    """A policy, with modules or alone, for some engagement types of a school. As it was recorded."""

    __tablename__ = "assignment"
    __table_args__ = (
        one_current("assignment", "id"),
        sa.Index("ix_assignment_organisation_current", "organisation_id", "recorded_to"),
    )

    organisation_id: Mapped[UUID] = mapped_column(sa.ForeignKey("organisation.id"))
    policy_id: Mapped[UUID] = mapped_column(sa.ForeignKey("policy.id"))
    modules: Mapped[list[str]]
    audience: Mapped[list[str]]
    """Engagement types."""
    assigned_on: Mapped[date]
    due_days: Mapped[int | None]
    """Due so many days after the later of starting and being assigned, or …"""
    due_on: Mapped[date | None]
    """… on this day. One of the two is set."""
    months: Mapped[int | None]
    """How long a signature counts; null: until a new version says otherwise."""
    least_days: Mapped[int | None]
    """Only those whose engagement lasts longer than so many days need do it; null: everybody."""


class Exemption(Versioned, Base):
    """Somebody needn't do an assignment, for a reason, until a day or for good. As it was recorded."""

    __tablename__ = "exemption"
    __table_args__ = (one_current("exemption", "assignment_id", "person_id"),)

    organisation_id: Mapped[UUID] = mapped_column(sa.ForeignKey("organisation.id"))
    person_id: Mapped[UUID] = mapped_column(sa.ForeignKey("person.id"), index=True)
    assignment_id: Mapped[UUID] = mapped_column(index=True)
    reason: Mapped[str]
    until: Mapped[date | None]


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


def assign(
    organisation_id: UUID,
    policy_id: UUID,
    *,
    modules: list[str],
    audience: list[EngagementType],
    now: datetime,
    assigned_on: date,
    due_days: int | None = None,
    due_on: date | None = None,
    months: int | None = 12,
    least_days: int | None = None,
    id: UUID | None = None,
) -> Assignment:
    """Put the adults of some engagement types under an obligation. `id` is its own, where it has been given one.

    With `least_days`, only those whose engagement lasts longer than so many days.

    Raises:
        ConflictError: nobody is named, the due day isn't said once, or the days are none.
    """
    if not audience:
        raise ConflictError("Choose at least one group of people who must sign.")
    if (due_days is None) == (due_on is None):
        raise ConflictError("Say when it is due: after a number of days, or on a day.")
    if least_days is not None and least_days < 1:
        raise ConflictError("Say a number of days from 1, or leave it out for everybody.")
    assignment = Assignment(
        id=id or uuid4(),
        recorded_from=now,
        organisation_id=organisation_id,
        policy_id=policy_id,
        modules=modules,
        audience=[str(t) for t in audience],
        assigned_on=assigned_on,
        due_days=due_days,
        due_on=due_on,
        months=months,
        least_days=least_days,
    )
    session.add(assignment)
    session.flush()
    return assignment


def current_assignment(assignment_id: UUID) -> Assignment | None:
    """Return an assignment as it is recorded now; None when it is unknown or has been withdrawn."""
    return session.scalar(
        sa.select(Assignment).where(Assignment.id == assignment_id, Assignment.recorded_to.is_(None))
    )


def required_modules(assignment: Assignment) -> list[str]:
    """Return the modules to be completed before signing: those assigned that Countersign still has.

    A module that a later version of Countersign no longer brings can't be asked of anybody.
    """
    return [slug for slug in assignment.modules if slug in shipped_modules()]


def withdraw(assignment: Assignment, now: datetime) -> None:
    """End an assignment: nobody need do it from now on. What was signed stays; one that has ended stays ended."""
    session.execute(
        sa.update(Assignment)
        .where(Assignment.id == assignment.id, Assignment.recorded_to.is_(None))
        .values(recorded_to=now)
    )


def exempt(
    assignment: Assignment, person_id: UUID, *, reason: str, until: date | None, now: datetime
) -> None:
    """Record that somebody needn't do an assignment, in place of what was recorded before."""
    lift_exemption(assignment.id, person_id, now)
    session.add(
        Exemption(
            id=uuid4(),
            recorded_from=now,
            organisation_id=assignment.organisation_id,
            person_id=person_id,
            assignment_id=assignment.id,
            reason=reason,
            until=until,
        )
    )
    session.flush()


def lift_exemption(assignment_id: UUID, person_id: UUID, now: datetime) -> None:
    """Record that an exemption no longer holds."""
    session.execute(
        sa.update(Exemption)
        .where(Exemption.assignment_id == assignment_id, Exemption.person_id == person_id)
        .where(Exemption.recorded_to.is_(None))
        .values(recorded_to=now)
    )


def find_attempt(person_id: UUID, assignment_id: UUID, module: str, cycle: int) -> Attempt | None:
    """Return the attempt of one person at one module in one cycle."""
    return session.scalar(
        sa.select(Attempt).where(
            Attempt.person_id == person_id,
            Attempt.assignment_id == assignment_id,
            Attempt.module == module,
            Attempt.cycle == cycle,
        )
    )


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
    chosen = session.scalars(
        sa.select(Answer.choice).where(Answer.attempt_id == attempt.id).order_by(Answer.step)
    ).all()
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
    session.add(Answer(id=uuid4(), attempt_id=attempt.id, step=step, scene=asked.scene.id, choice=choice.id))
    count_choice(
        attempt.organisation_id,
        attempt.module_sha256,
        asked.scene.id,
        choice.id,
        engagement_type=attempt.engagement_type,
    )
    if next_scene(asked.scene, choice) == DONE:
        _complete(attempt, now)
    session.flush()


def _is_completed(attempt: Attempt) -> bool:
    return session.scalar(sa.select(Completion.id).where(Completion.attempt_id == attempt.id)) is not None


def _complete(attempt: Attempt, now: datetime) -> None:
    session.add(
        Completion(
            id=uuid4(),
            attempt_id=attempt.id,
            organisation_id=attempt.organisation_id,
            person_id=attempt.person_id,
            assignment_id=attempt.assignment_id,
            module=attempt.module,
            module_sha256=attempt.module_sha256,
            cycle=attempt.cycle,
            completed_at=now,
        )
    )


def completed_modules(person_id: UUID, assignment_id: UUID, cycle: int) -> dict[str, str]:
    """Return the hash of each module that a person has completed for an assignment in this cycle, by slug."""
    wanted = {"person": person_id, "assignment": assignment_id, "cycle": cycle}
    return {module: sha256 for module, sha256 in connection().execute(_COMPLETED, wanted)}


def forget_answers(person_id: UUID, assignment_id: UUID) -> None:
    """Delete what somebody chose: the programme is signed, and practice is private."""
    connection().execute(_FORGET, {"person": person_id, "assignment": assignment_id})


# Everybody who signs runs these two, so they are built once.
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
