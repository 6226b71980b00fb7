"""Mailings: messages that somebody at a school put in the outbox with one press, and how far sending them is.

The messages are all there is of a mailing, so it can't be "being sent" when none of them waits. A message whose worker
was killed is counted as one that may have been sent, also while no other worker is there to write that down.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from lms.audit import AuditEntry, Event
from lms.clock import time_in_words
from lms.db import session
from lms.errors import NotFoundError
from lms.mail import LATE, PERHAPS, UNFINISHED, Message, MessageKind, MessageState, Outcome
from lms.people import Person
from lms.progress import Progress, done_of, share, time_left


@dataclass(frozen=True, slots=True)
class Mailing:
    """How a mailing stood at a moment."""

    id: UUID
    kind: MessageKind
    begun: datetime
    """When it was put in the outbox."""
    sent: int
    perhaps: int
    not_sent: int
    taken_back: int
    sending: int
    due: int
    """How many wait whose time has come."""
    later: int
    """How many wait for their time."""
    first: datetime | None
    """When the first of those that wait was due, or will be."""
    later_from: datetime | None
    """When the first of `later` may leave."""
    reason: str | None
    """Why one that waits could not be sent yet."""
    lately: int
    """How many were done with of those taken up in the last minutes, for the pace."""
    lately_from: datetime | None

    @property
    def counts(self) -> dict[Outcome, int]:
        """How many came to what."""
        return {
            Outcome.SENT: self.sent,
            Outcome.WAITING: self.sending + self.due + self.later,
            Outcome.PERHAPS: self.perhaps,
            Outcome.NOT_SENT: self.not_sent,
            Outcome.TAKEN_BACK: self.taken_back,
        }

    @property
    def total(self) -> int:
        """How many messages it has."""
        return sum(self.counts.values())

    @property
    def waiting(self) -> int:
        """How many are still to go. None: it has ended."""
        return self.counts[Outcome.WAITING]

    @property
    def can_be_taken_back(self) -> bool:
        """Whether any of them isn't in a worker's hands yet."""
        return self.due + self.later > 0

    @property
    def words(self) -> str:
        """How it stands: "12 sent, 11 taken back"."""
        return ", ".join(f"{number:,} {outcome}" for outcome, number in self.counts.items() if number)


@dataclass(frozen=True, slots=True)
class TakenBack:
    """One press that took back what still waited."""

    letters: int
    at: datetime
    by: str


@dataclass(frozen=True, slots=True)
class Presses:
    """Who pressed what, as the audit tells."""

    asked_by: str | None
    """None where the audit doesn't say: a mailing of before it was kept."""
    taken_back: tuple[TakenBack, ...]


def find(organisation_id: UUID, mailing_id: UUID, now: datetime) -> Mailing:
    """Return how a mailing of a school stands. Raises NotFoundError for another school's. One query."""
    row = session.execute(_standing(organisation_id, now).where(Message.mailing_id == mailing_id)).first()
    if row is None:
        raise NotFoundError("There is no such mailing here.")
    return Mailing(**row._asdict())


def recent(organisation_id: UUID, now: datetime, most: int = 5) -> list[Mailing]:
    """Return the latest mailings of a school, the newest first. One query."""
    wanted = _standing(organisation_id, now).where(Message.mailing_id.is_not(None))
    newest = wanted.order_by(sa.func.min(Message.queued_at).desc(), Message.mailing_id)
    return [Mailing(**row._asdict()) for row in session.execute(newest.limit(most))]


def presses(organisation_id: UUID, mailing: Mailing) -> Presses:
    """Return who asked for a school's mailing, and who took any of it back. One query.

    The audit knows: its entry has the moment of the messages, and is found by that.
    """
    when = AuditEntry.at >= mailing.begun if mailing.taken_back else AuditEntry.at == mailing.begun
    rows = session.execute(
        sa.select(AuditEntry.event, AuditEntry.at, AuditEntry.details["people"].as_integer(), Person)
        .outerjoin(Person, Person.id == AuditEntry.actor_id)
        .where(AuditEntry.organisation_id == organisation_id, when, AuditEntry.event.in_(_PRESSED))
        .where(AuditEntry.details["mailing"].as_string() == str(mailing.id))
        .order_by(AuditEntry.at)
    ).all()
    asked = [_called(person) for event, _, _, person in rows if event is not Event.MAILING_TAKEN_BACK]
    taken = (row for row in rows if row[0] is Event.MAILING_TAKEN_BACK)
    return Presses(
        asked_by=asked[0] if asked else None,
        taken_back=tuple(TakenBack(people, at, _called(person)) for _, at, people, person in taken),
    )


_PRESSED = (Event.REMINDED_BY_HAND, Event.LINK_MADE, Event.MAILING_TAKEN_BACK)


def _called(person: Person | None) -> str:
    if person is not None and person.erased_at is not None:
        return "somebody whose personal details have been erased"
    return "somebody whose name is not on record" if person is None or person.is_nameless else person.name


def cancel(organisation_id: UUID, mailing_id: UUID) -> int:
    """Take back what still waits of a school's mailing, and return how many that were.

    One statement, held to what is queued: a worker that takes one at the same moment has it, or doesn't.
    """
    taken = session.scalars(
        sa.update(Message)
        .where(Message.organisation_id == organisation_id, Message.mailing_id == mailing_id)
        .where(Message.state == MessageState.QUEUED)
        # So that the same may be said to them on the same day, it gives up what was its alone.
        .values(state=MessageState.TAKEN_BACK, reason=None, dedupe=sa.cast(Message.id, sa.String))
        .returning(Message.id)
        .execution_options(synchronize_session=False)
    )
    return len(taken.all())


def progress(mailing: Mailing, now: datetime, *, is_late: bool) -> Progress:
    """Return how far a mailing is that hasn't ended. `is_late` says that no worker is running."""
    gone, total = mailing.sent + mailing.perhaps + mailing.not_sent, mailing.total - mailing.taken_back
    so_far = done_of(mailing.sent, total, "sent") if gone else "Nothing has been sent yet."
    troubles = (f"{mailing.counts[one]:,} {one}." for one in _TROUBLES if mailing.counts[one])
    words = (so_far, *troubles, "" if is_late else _rest(mailing, now), _why(mailing))
    return Progress(share(gone, total), " ".join(filter(None, words)))


_TROUBLES = (Outcome.PERHAPS, Outcome.NOT_SENT)


def _rest(mailing: Mailing, now: datetime) -> str:
    """Return how long those take that may leave now, at the pace of the last minutes: a night isn't part of it."""
    if not mailing.due:
        return "" if mailing.later else "The last is being sent."
    if mailing.lately_from is None:
        return "" if mailing.reason else "The worker takes them up within a minute."
    seconds = (now - mailing.lately_from).total_seconds()
    return time_left(mailing.lately, mailing.lately + mailing.due, seconds)


def _why(mailing: Mailing) -> str:
    """Return why some must wait: for another try, or for the school to open."""
    when = f"on {time_in_words(mailing.later_from)}" if mailing.later_from else ""
    if mailing.reason:
        return f"Not all could be sent yet: {mailing.reason.rstrip('.')}. The next try is {when or 'soon'}."
    wait = "waits" if mailing.later == 1 else "wait"
    return f"{mailing.later:,} {wait} until the school opens {when}." if when else ""


def _standing(organisation_id: UUID, now: datetime) -> sa.Select[*tuple[Any, ...]]:
    """Return the statement that counts the messages of a school's mailings, a row each."""
    state, waits = Message.state, Message.state == MessageState.QUEUED
    is_due = Message.next_at <= now
    # Of a message that was taken up, `next_at` is when.
    lost = sa.and_(state == MessageState.SENDING, Message.next_at < now - UNFINISHED)
    perhaps = sa.or_(lost, sa.func.coalesce(Message.reason.startswith(PERHAPS), sa.false()))
    ended = sa.or_(state == MessageState.SENT, state == MessageState.FAILED)
    lately = sa.and_(ended, Message.next_at.between(now - LATE, now))
    counted = {
        "sent": state == MessageState.SENT,
        "perhaps": perhaps,
        "not_sent": sa.and_(state == MessageState.FAILED, ~perhaps),
        "taken_back": state == MessageState.TAKEN_BACK,
        "sending": sa.and_(state == MessageState.SENDING, ~lost),
        "due": sa.and_(waits, is_due),
        "later": sa.and_(waits, ~is_due),
        "lately": lately,
    }
    return (
        sa.select(
            Message.mailing_id.label("id"),
            sa.func.min(Message.kind).label("kind"),
            sa.func.min(Message.queued_at).label("begun"),
            *(sa.func.count().filter(condition).label(name) for name, condition in counted.items()),
            sa.func.min(Message.next_at).filter(waits).label("first"),
            sa.func.min(Message.next_at).filter(sa.and_(waits, ~is_due)).label("later_from"),
            sa.func.max(Message.reason).filter(waits).label("reason"),
            sa.func.min(Message.next_at).filter(lately).label("lately_from"),
        )
        .where(Message.organisation_id == organisation_id)
        .group_by(Message.mailing_id)
    )
