"""What the grade book is told, through an outbox: begun, and signed. Never how the scenarios went.

The ledger is the record and the score a courtesy: a platform that refuses one changes nothing here. A link to a module
is completed when a policy that asks for the module is signed; a link to the whole programme, when nothing that the
school asks of the person is left to sign. A completed grade is never taken back, also when it is time to sign again.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import cast
from uuid import UUID, uuid4

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, mapped_column

from lms import compliance
from lms.attestations import Attestation
from lms.compliance import Obligation, Standing
from lms.db import Base, connection, is_sqlite, session
from lms.lti.identities import Identity
from lms.lti.places import PROGRAMME, LinkUse, ResourceLink
from lms.lti.platforms import Deployment
from lms.status import Status
from lms.training import Assignment

WAITING = "scores_waiting"
"""In a session's `info` while it has a score that waits for the commit."""


class ActivityProgress(StrEnum):
    """What a score says (AGS 2.0, section 3.4.7)."""

    IN_PROGRESS = "InProgress"
    COMPLETED = "Completed"


class ScoreState(StrEnum):
    """Where a score is."""

    QUEUED = "queued"
    SENT = "sent"
    REFUSED = "refused"
    SUPERSEDED = "superseded"


class Score(Base):
    """One thing to tell one grade book about one person. Sending it twice leaves the same grade."""

    __tablename__ = "lti_score"
    __table_args__ = (
        sa.UniqueConstraint("resource_link_id", "identity_id", "assignment_id", "cycle", "progress"),
        sa.Index("ix_lti_score_state_next_at", "state", "next_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    organisation_id: Mapped[UUID] = mapped_column(sa.ForeignKey("organisation.id"), index=True)
    resource_link_id: Mapped[UUID] = mapped_column(sa.ForeignKey("lti_resource_link.id"))
    identity_id: Mapped[UUID] = mapped_column(sa.ForeignKey("lti_identity.id"))
    assignment_id: Mapped[UUID]
    cycle: Mapped[int]
    progress: Mapped[ActivityProgress]
    state: Mapped[ScoreState] = mapped_column(default=ScoreState.QUEUED)
    happened_at: Mapped[datetime]
    """The score's timestamp: when it was begun or signed; a platform refuses an older one than it has."""
    attempts: Mapped[int] = mapped_column(default=0)
    next_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
    reason: Mapped[str | None]
    """What went wrong the last time, in words that HR can read."""


@dataclass(frozen=True, slots=True)
class _Use:
    """A link that somebody has opened at a school, and as whom."""

    identity_id: UUID
    link_id: UUID
    target: str
    organisation_id: UUID


@dataclass(frozen=True, slots=True)
class _Event:
    """What there is to tell, and since when it is so."""

    assignment_id: UUID
    cycle: int
    progress: ActivityProgress
    at: datetime


def begun(person_id: UUID, assignment: Assignment, cycle: int, module: str, now: datetime) -> None:
    """Have the grade books of the links that somebody has opened told that they have begun a module.

    One query for somebody who has opened none.
    """
    uses = _uses(person_id, assignment.organisation_id)
    event = _Event(assignment.id, cycle, ActivityProgress.IN_PROGRESS, now)
    _queue([(use, event) for use in uses if use.target in (PROGRAMME, module)], now)


def signed(person_id: UUID, assignment: Assignment, cycle: int, now: datetime) -> None:
    """Have the grade books of the links that somebody has opened told that they have signed an assignment.

    One query for somebody who has opened none.
    """
    uses = _uses(person_id, assignment.organisation_id)
    done = _Event(assignment.id, cycle, ActivityProgress.COMPLETED, now)
    told = [(use, done) for use in uses if use.target in assignment.modules]
    if programmes := [use for use in uses if use.target == PROGRAMME]:
        held = _held(person_id, assignment.organisation_id, now)
        others = [one for one in held if one.assignment_id != assignment.id]
        event = done if all(map(_is_settled, others)) else _in_progress(done)
        told += [(use, event) for use in programmes]
    _queue(told, now)


def catch_up(identity: Identity, now: datetime) -> None:
    """Have the grade books told what was done before their links were opened, or under another identity.

    For when a link is opened for the first time (`places.note_use`), and when an identity becomes another person's.
    """
    uses = [use for use in _uses(identity.person_id) if use.identity_id == identity.id]
    for school_id in {use.organisation_id for use in uses}:
        items = compliance.items([school_id], now)
        found = compliance.of_person(identity.person_id, items, Standing.EXPECTED)
        held = [(item.assignment.modules, obligation) for item, obligation in found]
        cycles = _cycles([one.attestation_id for _, one in held if one.attestation_id])
        here = [use for use in uses if use.organisation_id == school_id]
        events = ((use, _done_already(use.target, held, cycles, now)) for use in here)
        _queue([(use, event) for use, event in events if event is not None], now)


def resend(score: Score, now: datetime) -> None:
    """Put a score that was refused back in the outbox, as if it were new. Any other is left as it is."""
    if score.state is ScoreState.REFUSED:
        score.state, score.attempts, score.reason, score.next_at = ScoreState.QUEUED, 0, None, now
        _send_after_commit()


# Everybody who signs runs this one, whether a platform is connected or not, so it is built once.
_USES = (
    sa.select(LinkUse.identity_id, ResourceLink.id, ResourceLink.target, Deployment.organisation_id)
    .join(Identity, Identity.id == LinkUse.identity_id)
    .join(ResourceLink, ResourceLink.id == LinkUse.resource_link_id)
    .join(Deployment, Deployment.id == ResourceLink.deployment_id)
    .where(Identity.person_id == sa.bindparam("person"))
)


def _uses(person_id: UUID, school_id: UUID | None = None) -> list[_Use]:
    found = [_Use(*row) for row in connection().execute(_USES, {"person": person_id})]
    return [use for use in found if school_id in (None, use.organisation_id)]


def _held(person_id: UUID, school_id: UUID, now: datetime) -> list[Obligation]:
    found = compliance.of_person(person_id, compliance.items([school_id], now), Standing.EXPECTED)
    return [obligation for _, obligation in found]


def _is_settled(obligation: Obligation) -> bool:
    return obligation.status in (Status.SIGNED, Status.NOT_REQUIRED)


def _in_progress(event: _Event) -> _Event:
    return _Event(event.assignment_id, event.cycle, ActivityProgress.IN_PROGRESS, event.at)


def _cycles(attestation_ids: Collection[UUID]) -> dict[UUID, int]:
    rows = session.execute(
        sa.select(Attestation.id, Attestation.cycle).where(Attestation.id.in_(attestation_ids))
    )
    return {id: cycle for id, cycle in rows}


def _done_already(
    target: str, held: Sequence[tuple[list[str], Obligation]], cycles: dict[UUID, int], now: datetime
) -> _Event | None:
    """Return what a link's grade book should say of somebody; None where there is nothing to say."""
    asked = [one for modules, one in held if target == PROGRAMME or target in modules]
    signings = [one for one in asked if one.status is Status.SIGNED and one.attestation_id]
    if signings:
        last = max(signings, key=lambda one: one.signed_at or now)
        assert last.attestation_id is not None
        event = _Event(
            last.assignment_id, cycles[last.attestation_id], ActivityProgress.COMPLETED, last.signed_at or now
        )
        return event if target != PROGRAMME or all(map(_is_settled, asked)) else _in_progress(event)
    begun = next((one for one in asked if one.status is Status.IN_PROGRESS), None)
    if begun is None or target != PROGRAMME:
        return None
    return _Event(begun.assignment_id, 0, ActivityProgress.IN_PROGRESS, now)


def _queue(told: Sequence[tuple[_Use, _Event]], now: datetime) -> None:
    """Add what isn't in the outbox already. Nothing is said of having begun where more was said before."""
    if not told:
        return
    said = _said({use.identity_id for use, _ in told})
    rows = [
        _row(use, event, now)
        for use, event in told
        if event.progress is ActivityProgress.COMPLETED or (use.identity_id, use.link_id) not in said
    ]
    if not rows:
        return
    insert = sqlite.insert if is_sqlite() else postgresql.insert
    session.execute(insert(_score).values(rows).on_conflict_do_nothing())
    for use, event in told:
        if event.progress is ActivityProgress.COMPLETED:
            _supersede(use)
    _send_after_commit()


def _said(identity_ids: Collection[UUID]) -> set[tuple[UUID, UUID]]:
    rows = session.execute(
        sa.select(Score.identity_id, Score.resource_link_id).where(Score.identity_id.in_(identity_ids))
    )
    return {(identity, link) for identity, link in rows}


def _row(use: _Use, event: _Event, now: datetime) -> dict[str, object]:
    return {
        "id": uuid4(),
        "organisation_id": use.organisation_id,
        "resource_link_id": use.link_id,
        "identity_id": use.identity_id,
        "assignment_id": event.assignment_id,
        "cycle": event.cycle,
        "progress": event.progress,
        "state": ScoreState.QUEUED,
        "happened_at": event.at,
        "attempts": 0,
        "next_at": now,
    }


def _supersede(use: _Use) -> None:
    """Leave unsaid that somebody has begun, where it is now to be said that they are done."""
    session.execute(
        sa.update(Score)
        .where(Score.identity_id == use.identity_id, Score.resource_link_id == use.link_id)
        .where(Score.progress == ActivityProgress.IN_PROGRESS)
        .where(Score.state.in_((ScoreState.QUEUED, ScoreState.REFUSED)))
        .values(state=ScoreState.SUPERSEDED)
    )


def _send_after_commit() -> None:
    session.info[WAITING] = True


_score = cast(sa.Table, Score.__table__)
