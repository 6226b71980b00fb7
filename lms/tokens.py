"""One-use links, and the rate limits that hold across processes. Only hashes are kept."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID, uuid4

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, mapped_column

from lms.db import Base, is_sqlite, session


class Purpose(StrEnum):
    """What a link is good for."""

    SIGN_IN = "sign_in"
    PERSONAL_LINK = "personal_link"
    LTI_WINDOW = "lti_window"
    """To go on in a window of its own, from a frame that keeps no cookies."""


class Token(Base):
    """A link that somebody may use once, until it expires."""

    __tablename__ = "token"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    hash: Mapped[str] = mapped_column(sa.String(64), unique=True)
    purpose: Mapped[Purpose]
    person_id: Mapped[UUID] = mapped_column(sa.ForeignKey("person.id"))
    expires: Mapped[datetime]
    used_at: Mapped[datetime | None]


class Rate(Base):
    """How often something was done in one window of time."""

    __tablename__ = "rate"

    key: Mapped[str] = mapped_column(primary_key=True)
    window: Mapped[datetime] = mapped_column(primary_key=True)
    count: Mapped[int] = mapped_column(default=0)


def mint(person_id: UUID, purpose: Purpose, *, lasts: timedelta, now: datetime) -> str:
    """Make a link's secret part (256 bits) and keep its hash. The secret can't be had again."""
    secret = secrets.token_urlsafe(32)
    session.add(
        Token(id=uuid4(), hash=_hash(secret), purpose=purpose, person_id=person_id, expires=now + lasts)
    )
    session.flush()
    return secret


def owner(secret: str, purpose: Purpose) -> UUID | None:
    """Return whose link it is or was, spent and expired ones included."""
    return session.scalar(
        sa.select(Token.person_id).where(Token.hash == _hash(secret), Token.purpose == purpose)
    )


def peek(secret: str, purpose: Purpose, now: datetime) -> Token | None:
    """Return the token if it could be spent now. Spends nothing: mail scanners open links."""
    token = session.scalar(sa.select(Token).where(Token.hash == _hash(secret), Token.purpose == purpose))
    return token if token is not None and token.used_at is None and token.expires > now else None


def spend(secret: str, purpose: Purpose, now: datetime) -> UUID | None:
    """Use a link up and return whose it was; None when it is unknown, spent or too old. Atomic."""
    return session.scalar(
        sa.update(Token)
        .where(Token.hash == _hash(secret), Token.purpose == purpose)
        .where(Token.used_at.is_(None), Token.expires > now)
        .values(used_at=now)
        .returning(Token.person_id)
    )


def allow(key: str, *, most: int, within: timedelta, now: datetime) -> bool:
    """Count one more use of `key`, and say whether that is still within `most` in this window of time."""
    insert = _insert().values(key=_hash(key), window=_window(within, now), count=1)
    counted = insert.on_conflict_do_update(
        index_elements=[Rate.key, Rate.window], set_={"count": Rate.count + 1}
    ).returning(Rate.count)
    return (session.scalar(counted) or 0) <= most


def used(key: str, *, within: timedelta, now: datetime) -> int:
    """Return how often `key` was counted in this window of time."""
    counted = sa.select(Rate.count).where(Rate.key == _hash(key), Rate.window == _window(within, now))
    return session.scalar(counted) or 0


def sweep(now: datetime) -> None:
    """Forget links that ran out over a week ago, and counts of windows that are long over."""
    session.execute(sa.delete(Token).where(Token.expires < now - timedelta(days=7)))
    session.execute(sa.delete(Rate).where(Rate.window < now - timedelta(days=1)))


def _window(within: timedelta, now: datetime) -> datetime:
    seconds = int(within.total_seconds())
    return datetime.fromtimestamp(int(now.timestamp()) // seconds * seconds, tz=now.tzinfo)


def _insert() -> postgresql.Insert | sqlite.Insert:
    return sqlite.insert(Rate) if is_sqlite() else postgresql.insert(Rate)


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
