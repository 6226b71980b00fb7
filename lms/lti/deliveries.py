"""Sending scores: each is taken (commit), sent with no transaction open, and settled (commit).

A worker that is killed between sending and settling leaves a score taken; it is sent again later, with the same
timestamp, and the grade is the same. Source: AGS 2.0, section 3.4.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

import sqlalchemy as sa

from lms.db import session, transaction
from lms.lti.identities import Identity
from lms.lti.places import ResourceLink
from lms.lti.platforms import Registration, RegistrationState
from lms.lti.scores import ActivityProgress, Score, ScoreState
from lms.lti.services import ServiceError, Services

_MINUTES = (1, 5, 15, 60, 120, 240, 480, *(720,) * 5)
BACK_OFF = tuple(timedelta(minutes=minutes) for minutes in _MINUTES)
"""How long to wait after the first, second … failure: just over three days in all, and then it has failed."""
REST = timedelta(minutes=1)
"""How long a platform is left alone after a failure, whatever else there is to tell it."""
LONGEST_REST = timedelta(days=1)
"""The most that a platform can make us wait."""
LEASE = timedelta(minutes=10)
"""How long a worker has for a score that it has taken; then it is taken to have been killed."""
AT_ONCE = 10
TICK = timedelta(milliseconds=1)
CONFLICT = 409


@dataclass(frozen=True, slots=True)
class Taken:
    """A score that a worker has taken, with where it goes. Read and no more: it is settled by its id."""

    id: UUID
    progress: ActivityProgress
    happened_at: datetime
    attempts: int
    lineitem: str
    sub: str
    registration: Registration


def deliver(services: Services, now: datetime) -> bool:
    """Send the scores whose time has come, a few at most. Return whether there may be more.

    A platform that fails is left alone for a while, and doesn't keep the others waiting. No transaction may be open.
    """
    with transaction(write=False):
        waiting = due(now)
    for score_id in waiting:
        with transaction():
            taken = take(score_id, now)
        if taken is not None:
            _deliver_one(taken, services, now)
    return bool(waiting)


def due(now: datetime) -> list[UUID]:
    """Return the scores whose time has come: those that failed least before the others, then the oldest.

    Those of a paused platform wait, and so do those of a link that has no line item (yet).
    """
    rows = session.scalars(
        sa.select(Score.id)
        .join(ResourceLink, ResourceLink.id == Score.resource_link_id)
        .join(Identity, Identity.id == Score.identity_id)
        .join(Registration, Registration.id == Identity.registration_id)
        .where(Score.state == ScoreState.QUEUED, Score.next_at <= now)
        .where(ResourceLink.lineitem.is_not(None), Registration.state == RegistrationState.ACTIVE)
        .order_by(Score.attempts, Score.next_at, Score.happened_at)
        .limit(AT_ONCE)
    )
    return list(rows)


def take(score_id: UUID, now: datetime) -> Taken | None:
    """Take a score to send it; None when another worker has it, or its platform is to be left alone for now."""
    score = session.scalar(
        sa.update(Score)
        .where(Score.id == score_id, Score.state == ScoreState.QUEUED, Score.next_at <= now)
        .values(attempts=Score.attempts + 1, next_at=now + LEASE)
        .returning(Score)
        .execution_options(populate_existing=True)
    )
    if score is None:
        return None
    link, sub, registration = session.execute(
        sa.select(ResourceLink, Identity.sub, Registration)
        .select_from(ResourceLink)
        .join(Identity, Identity.id == score.identity_id)
        .join(Registration, Registration.id == Identity.registration_id)
        .where(ResourceLink.id == score.resource_link_id)
    ).one()
    assert link.lineitem is not None
    score.happened_at = _later_than_sent(score, link.lineitem)
    return Taken(
        score.id, score.progress, score.happened_at, score.attempts, link.lineitem, sub, registration
    )


def settle(taken: Taken, now: datetime, problem: ServiceError | None) -> None:
    """Write down what became of a score: sent, to be tried again later, or refused with the reason."""
    if problem is None:
        _write(taken, state=ScoreState.SENT, sent_at=now, reason=None)
    elif problem.status == CONFLICT and taken.progress is ActivityProgress.IN_PROGRESS:
        # The grade book knows something newer, and nothing is older than having begun.
        _write(taken, state=ScoreState.SUPERSEDED, reason=problem.reason)
    elif problem.final and not _may_be_told_anew(taken, problem):
        _write(taken, state=ScoreState.REFUSED, reason=problem.reason)
    elif taken.attempts > len(BACK_OFF):
        reason = f"{problem.reason} It was tried {taken.attempts} times, over three days."
        _write(taken, state=ScoreState.REFUSED, reason=reason)
    else:
        _try_later(taken, now, problem)


def _deliver_one(taken: Taken, services: Services, now: datetime) -> None:
    problem = None
    try:
        services.send_score(taken.registration, taken.lineitem, payload(taken), now)
    except ServiceError as error:
        problem = error
    with transaction():
        settle(taken, now, problem)


def payload(taken: Taken) -> dict[str, object]:
    """Return the score as AGS writes it. What is only begun has no `scoreGiven`: 0 would count as done in Moodle."""
    at = taken.happened_at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    said: dict[str, object] = {
        "userId": taken.sub,
        "timestamp": at,
        "activityProgress": taken.progress.value,
        "gradingProgress": "NotReady",
    }
    if taken.progress is ActivityProgress.COMPLETED:
        said |= {"gradingProgress": "FullyGraded", "scoreGiven": 1, "scoreMaximum": 1}
    return said


def _later_than_sent(score: Score, lineitem: str) -> datetime:
    """Return the score's time in whole milliseconds, later than any that this grade book was told of the person."""
    said = session.scalar(
        sa.select(sa.func.max(Score.happened_at))
        .join(ResourceLink, ResourceLink.id == Score.resource_link_id)
        .where(ResourceLink.lineitem == lineitem, Score.identity_id == score.identity_id)
        .where(Score.id != score.id, Score.attempts > 0)
    )
    own = score.happened_at.replace(microsecond=score.happened_at.microsecond // 1000 * 1000)
    return max(own, said + TICK) if said else own


def _may_be_told_anew(taken: Taken, problem: ServiceError) -> bool:
    # The platform has the same time, or a later one: ours of a worker that was killed, or its clock's. The grade
    # is the same when it is said again, so it is said with the time it is then.
    return problem.status == CONFLICT and taken.attempts <= 2


def _try_later(taken: Taken, now: datetime, problem: ServiceError) -> None:
    asked = min(timedelta(seconds=problem.retry_after or 0), LONGEST_REST)
    wait = max(BACK_OFF[taken.attempts - 1], asked)
    is_conflict = problem.status == CONFLICT
    at = max(now, taken.happened_at + TICK) if is_conflict else taken.happened_at
    _write(taken, next_at=now + wait, happened_at=at, reason=problem.reason)
    if not is_conflict:
        _leave_alone(taken.registration.id, now, max(REST, asked))


def _leave_alone(registration_id: UUID, now: datetime, rest: timedelta) -> None:
    its_own = sa.select(Identity.id).where(Identity.registration_id == registration_id)
    session.execute(
        sa.update(Score)
        .where(Score.state == ScoreState.QUEUED, Score.next_at <= now, Score.identity_id.in_(its_own))
        .values(next_at=now + rest)
        .execution_options(synchronize_session=False)
    )


def _write(taken: Taken, **values: object) -> None:
    """Write what became of a score, unless it isn't to be said any more: it was completed meanwhile."""
    session.execute(
        sa.update(Score)
        .where(Score.id == taken.id, Score.state == ScoreState.QUEUED)
        .values(**values)
        .execution_options(synchronize_session=False)
    )
