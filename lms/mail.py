"""The outbox: what is to be said to whom, kept with the change that caused it and sent by the worker."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, cast
from uuid import UUID, uuid4

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, mapped_column

from lms.db import Base, connection, session

BACK_OFF = (timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=30), timedelta(hours=4))
"""How long to wait after the first, second … failure; after the last of them the message has failed."""
LATE = timedelta(minutes=5)
"""Mail that has been due for longer than this, while none was taken up, says that no worker is running."""
UNFINISHED = timedelta(minutes=10)
"""How long a message may be `sending`; then whoever sent it is taken to have been killed."""
PERHAPS = "may have been sent"
"""How the reason begins of a message that failed, and perhaps went all the same."""
LEAVING = "mail_leaving"
"""In a session's `info` while it has a message that waits for the commit."""


class MessageKind(StrEnum):
    """What a message is for, and the keys of its payload; each has a template in templates/mail."""

    SIGN_IN_LINK = "sign_in_link"  # next (the page to open afterwards)
    SHARED_ADDRESS = "shared_address"  #
    RECEIPT = "receipt"  # receipt (its id), policy (title), version (label), signed (the time in words)
    HELP_REQUEST = "help_request"  # person (their id), name, asked (HelpKind.words): never what they wrote
    PERSONAL_LINK = "personal_link"  # link (its id), made (when, as ISO), until (the day in words)
    LINK_CODE = "link_code"  # link, made, until
    LINK_LOCKED = "link_locked"  # of (the name of whose link it is)
    REMINDER = "reminder"  # assignments (their ids, parted by spaces), again (yes: though they had one today), by_hand
    TEAM_DIGEST = "team_digest"  #
    ESCALATION = "escalation"  #


class MessageState(StrEnum):
    """Where a message is. `sending` is written before it goes, so that a crash can't send it twice unseen."""

    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    TAKEN_BACK = "taken_back"


class Outcome(StrEnum):
    """What became of a message, as people read it."""

    WAITING = "waiting"
    SENT = "sent"
    PERHAPS = "may have been sent"
    NOT_SENT = "not sent"
    TAKEN_BACK = "taken back"


class Message(Base):
    """One message to one address. Holds the intent: links are minted when it is sent."""

    __tablename__ = "message"
    __table_args__ = (sa.Index("ix_message_state_next_at", "state", "next_at"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    organisation_id: Mapped[UUID] = mapped_column(sa.ForeignKey("organisation.id"))
    person_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("person.id"))
    address: Mapped[str]
    kind: Mapped[MessageKind]
    dedupe: Mapped[str] = mapped_column(unique=True)
    payload: Mapped[dict[str, Any]] = mapped_column(default=dict)
    state: Mapped[MessageState] = mapped_column(default=MessageState.QUEUED)
    attempts: Mapped[int] = mapped_column(default=0)
    queued_at: Mapped[datetime]
    next_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
    reason: Mapped[str | None]
    mailing_id: Mapped[UUID | None] = mapped_column(index=True)
    """What it went out with, where somebody sent many at once (lms/mailings.py)."""

    @property
    def outcome(self) -> Outcome:
        """What became of it."""
        if self.state is MessageState.FAILED and (self.reason or "").startswith(PERHAPS):
            return Outcome.PERHAPS
        return OUTCOMES[self.state]


OUTCOMES = {
    MessageState.QUEUED: Outcome.WAITING,
    MessageState.SENDING: Outcome.WAITING,
    MessageState.SENT: Outcome.SENT,
    MessageState.FAILED: Outcome.NOT_SENT,
    MessageState.TAKEN_BACK: Outcome.TAKEN_BACK,
}
"""What became of a message that surely went, or surely didn't, by its state."""

# Everybody who signs with an address of their own queues a message, so the statement is built once.
_message = cast(sa.Table, Message.__table__)
_ONCE = {
    dialect: insert(_message).on_conflict_do_nothing(index_elements=["dedupe"]).returning(_message.c.id)
    for dialect, insert in (("sqlite", sqlite.insert), ("postgresql", postgresql.insert))
}


def queue(
    kind: MessageKind,
    *,
    organisation_id: UUID,
    address: str,
    now: datetime,
    person_id: UUID | None = None,
    dedupe: str | None = None,
    can_wait: bool = False,
    mailing_id: UUID | None = None,
    **payload: str,
) -> UUID | None:
    """Put a message in the outbox and return its id; it leaves after the commit.

    The same `dedupe` twice is one message: the second time nothing is added, and None is returned. With `can_wait`
    nobody is woken for it: the worker looks once a minute.
    """
    identity = uuid4()
    row = {
        "id": identity,
        "organisation_id": organisation_id,
        "person_id": person_id,
        "address": address,
        "kind": kind,
        "dedupe": dedupe or str(identity),
        "payload": payload,
        "queued_at": now,
        "next_at": now,
        "mailing_id": mailing_id,
    }
    current = connection()
    queued: UUID | None = current.scalar(_ONCE[current.dialect.name], row)
    if not can_wait:
        leave_after_commit()
    return queued


@dataclass(frozen=True, slots=True)
class Draft:
    """A message that isn't in the outbox yet. `id` is made beforehand, so that other rows can name it."""

    id: UUID
    kind: MessageKind
    organisation_id: UUID
    address: str
    person_id: UUID | None
    dedupe: str
    payload: dict[str, str]
    leaves: datetime
    """Not before this moment."""
    mailing_id: UUID | None = None


def queue_all(drafts: Sequence[Draft], now: datetime) -> None:
    """Put many messages in the outbox, all or none of them. One query.

    Raises:
        DBAPIError: one with the same `dedupe` is there already.
    """
    if not drafts:
        return
    rows = [
        {
            "id": draft.id,
            "organisation_id": draft.organisation_id,
            "person_id": draft.person_id,
            "address": draft.address,
            "kind": draft.kind,
            "dedupe": draft.dedupe,
            "payload": draft.payload,
            "queued_at": now,
            "next_at": draft.leaves,
            "mailing_id": draft.mailing_id,
        }
        for draft in drafts
    ]
    connection().execute(sa.insert(_message), rows)
    leave_after_commit()


def hold(message: Message, until: datetime) -> None:
    """Put a message that was taken back in the outbox, as if it hadn't been: it may not leave before then."""
    message.state, message.next_at = MessageState.QUEUED, until
    message.attempts -= 1


def leave_after_commit() -> None:
    """Have the worker woken once this transaction is committed."""
    session.info[LEAVING] = True


def due(now: datetime, most: int = 50) -> list[UUID]:
    """Return the messages whose time has come, oldest first, without those left in `sending`."""
    rows = session.scalars(
        sa.select(Message.id)
        .where(Message.state == MessageState.QUEUED, Message.next_at <= now)
        .order_by(Message.next_at)
        .limit(most)
    )
    return list(rows)


def take(message_id: UUID, now: datetime) -> Message | None:
    """Mark a message as being sent and return it; None when another worker has it. The caller commits."""
    taken = session.scalar(
        sa.update(Message)
        .where(Message.id == message_id, Message.state == MessageState.QUEUED)
        .values(state=MessageState.SENDING, attempts=Message.attempts + 1, next_at=now)
        .returning(Message.id)
    )
    return session.get(Message, taken, populate_existing=True) if taken else None


def settle(message: Message, now: datetime, problem: str | None = None, *, final: bool = False) -> None:
    """Write down what became of a message: sent, to be tried again later, or failed with the reason."""
    message.reason = problem
    if problem is None:
        message.state, message.sent_at = MessageState.SENT, now
    elif final or message.attempts > len(BACK_OFF):
        message.state = MessageState.FAILED
    else:
        message.state, message.next_at = MessageState.QUEUED, now + BACK_OFF[message.attempts - 1]


def resend(message: Message, now: datetime) -> None:
    """Put a failed message back in the outbox, as if it were new. Any other is left as it is."""
    if message.state is MessageState.FAILED:
        message.state, message.attempts, message.reason = MessageState.QUEUED, 0, None
        message.queued_at = message.next_at = now
        leave_after_commit()


@dataclass(frozen=True)
class Outbox:
    """How the mail of some organisations stands."""

    waiting: int
    is_late: bool
    """Whether something has been due for so long that no worker can be running."""
    sent_today: int
    """In the last 24 hours."""
    failed: list[Message]
    """The newest failures first, at most fifty."""


def outbox(organisation_ids: Collection[UUID], now: datetime) -> Outbox:
    """Return how the mail of these organisations stands."""
    ours = Message.organisation_id.in_(organisation_ids)
    queued = Message.state == MessageState.QUEUED
    counts = sa.select(
        sa.func.count().filter(Message.state.in_((MessageState.QUEUED, MessageState.SENDING))),
        sa.func.min(Message.next_at).filter(queued),
        sa.func.count().filter(Message.sent_at > now - timedelta(days=1)),
    ).where(ours)
    waiting, first, sent = session.execute(counts).one()
    failed = sa.select(Message).where(ours, Message.state == MessageState.FAILED)
    newest = session.scalars(failed.order_by(Message.queued_at.desc()).limit(50))
    return Outbox(waiting=waiting, is_late=is_late(first, now), sent_today=sent, failed=list(newest))


def is_late(first: datetime | None, now: datetime) -> bool:
    """Say whether mail that was due at a moment has waited so long that no worker can be running."""
    return first is not None and first < now - LATE and not _is_at_work(now)


def _is_at_work(now: datetime) -> bool:
    """Say whether any mail was taken up lately. A worker that sends hundreds lets the last of them wait."""
    since = now - LATE
    ended = Message.state.in_((MessageState.SENDING, MessageState.SENT, MessageState.FAILED))
    lately = [sa.and_(ended, Message.next_at.between(since, now))]
    lately += [
        sa.and_(
            Message.state == MessageState.QUEUED,
            Message.attempts == attempts,
            Message.next_at.between(since + wait, now + wait),
        )
        for attempts, wait in enumerate(BACK_OFF, 1)
    ]
    return session.scalar(sa.select(Message.id).where(sa.or_(*lately)).limit(1)) is not None


def has_gone() -> sa.ColumnElement[bool]:
    """Return the condition that a message was sent, or perhaps was."""
    return sa.or_(Message.state == MessageState.SENT, Message.reason.startswith(PERHAPS))


def give_up_unfinished(now: datetime, older_than: timedelta = UNFINISHED) -> int:
    """Fail what a killed worker left half-way, saying that it may have gone; return how many."""
    result = session.execute(
        sa.update(Message)
        .where(Message.state == MessageState.SENDING, Message.next_at < now - older_than)
        .values(state=MessageState.FAILED, reason=f"{PERHAPS}: the worker stopped while sending it")
    )
    return int(result.rowcount)  # type: ignore[attr-defined]
