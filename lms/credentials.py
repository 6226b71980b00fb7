"""Passwords of HR and admins: argon2id, a lock-out, and one answer whatever was wrong."""

from __future__ import annotations

import unicodedata
from datetime import datetime, timedelta
from functools import cache
from uuid import UUID

import sqlalchemy as sa
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy.orm import Mapped, mapped_column

from lms.db import Base, session
from lms.errors import ConflictError
from lms.people import Person, people_with_email

LOCK_AFTER = 10
LOCK_FOR = timedelta(minutes=15)
SHORTEST_PASSWORD = 12

# OWASP's first choice of argon2id (19 MiB, 2 rounds) and not the library's dearer one: a password is checked while the
# request has its turn to write, and on SQLite everybody who signs waits for that turn.
_hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)


class Credential(Base):
    """One person's password, hashed, with the wrong guesses since the last right one."""

    __tablename__ = "credential"

    person_id: Mapped[UUID] = mapped_column(sa.ForeignKey("person.id"), primary_key=True)
    password_hash: Mapped[str]
    failures: Mapped[int] = mapped_column(default=0)
    locked_until: Mapped[datetime | None]


def set_password(person: Person, password: str) -> None:
    """Give somebody a password, and end the sessions they had. Raises ConflictError when it is too short."""
    if len(password) < SHORTEST_PASSWORD:
        raise ConflictError(f"Choose a password of at least {SHORTEST_PASSWORD} characters.")
    credential = session.get(Credential, person.id) or Credential(person_id=person.id)
    credential.password_hash = hashed(password)
    credential.failures, credential.locked_until = 0, None
    person.sign_in_epoch = (person.sign_in_epoch or 0) + 1
    session.add(credential)
    session.flush()


def check_password(email: str, password: str, now: datetime) -> Person | None:
    """Return the person with this address and password, or None: never which of the two was wrong.

    The wrong guess is counted on the row (so it holds across processes); ten lock the account for a quarter
    of an hour, in which nothing is counted. The caller commits, also after a refusal.
    """
    people = people_with_email(email)
    credential = session.get(Credential, people[0].id, with_for_update=True) if len(people) == 1 else None
    fits = matches(credential.password_hash if credential else _no_ones_hash(), password)
    if credential is None or (credential.locked_until is not None and credential.locked_until > now):
        return None
    if not fits:
        _count_failure(credential, now)
        return None
    credential.failures, credential.locked_until = 0, None
    return people[0]


def _count_failure(credential: Credential, now: datetime) -> None:
    credential.failures += 1
    if credential.failures >= LOCK_AFTER:
        credential.failures, credential.locked_until = 0, now + LOCK_FOR


def hashed(password: str) -> str:
    """Return what is kept of a password or PIN (argon2id, with a salt of its own)."""
    return _hasher.hash(_composed(password))


def matches(password_hash: str, password: str) -> bool:
    """Say whether a password or PIN is the one that was hashed."""
    try:
        return _hasher.verify(password_hash, _composed(password))
    except (VerificationError, InvalidHashError):
        return False


def _composed(password: str) -> str:
    # Keyboards differ in how they write é: as one character or as two.
    return unicodedata.normalize("NFKC", password)


@cache
def _no_ones_hash() -> str:
    # An unknown address costs the same time as a known one.
    return _hasher.hash("no one has this password")
