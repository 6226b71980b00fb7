"""The codes that reception hands out: one person, one device, two hours; and what wrong guesses cost.

Only hashes are kept. 30 letters in eight places are 6.56 × 10¹¹ codes, so limits wide enough for a hall of people
who mistype still leave a guesser nothing to hope for: `tests/test_desk_codes.py` works the chance out.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import Enum
from uuid import UUID

import sqlalchemy as sa

from lms import short_codes, tokens
from lms.db import UTCDateTime, session
from lms.desk import Place, Visit, hold, must_be_today, sign_device_out
from lms.errors import ConflictError

LENGTH = 8
LASTS = timedelta(hours=2)

SOON = timedelta(minutes=1)
WRONG_SOON = 40
"""From one address in a minute: past this it must wait for the next one."""
WHILE = timedelta(minutes=15)
WRONG_IN_A_WHILE = 200
"""From one address in a quarter of an hour: a hall of 150 has one address, and every one of them may mistype."""
HOUR = timedelta(hours=1)
WRONG_TO_TELL = 300
"""From anywhere in an hour: past this, reception is told that somebody is guessing."""
WRONG_IN_ALL = 10_000
"""From anywhere in an hour: past this no code is taken, but on a tablet that staff opened."""

_EVERYWHERE = "wrong desk codes from anywhere"


class Refusal(Enum):
    """Why a code that was read opens nothing."""

    UNKNOWN = "no visit has it: mistyped, or replaced by a new one"
    EXPIRED = "its two hours are over"
    LEFT = "the visitor has left"
    OTHER_DEVICE = "another device uses it"
    OTHER_SCHOOL = "it is for another school than this tablet's"


class Pause(Enum):
    """How long nobody's code is looked at, because of wrong guesses."""

    A_MINUTE = "this address guessed too fast"
    A_WHILE = "this address guessed too often"
    AN_HOUR = "too many wrong guesses came from everywhere"


def issue(visit: Visit, now: datetime) -> str:
    """Return a new code for somebody who has arrived, in two fours: "K7QM-2XWD". It can't be had again.

    The code before it stops working, and the device that had used that one is signed out.

    Raises:
        ConflictError: they have not arrived, or have left, or came on another day.
    """
    hold(visit)
    if visit.arrived_at is None or visit.left_at is not None:
        raise ConflictError("A code is for somebody who has arrived and hasn’t left.")
    must_be_today(visit, now)
    sign_device_out(visit)
    code = short_codes.new(LENGTH)
    visit.code_hash, visit.code_expires, visit.device_hash = _hash(code), now + LASTS, None
    visit.changed_at = now
    session.flush()
    return short_codes.in_halves(code)


def read(typed: str) -> str:
    """Return the eight letters of a code, typed in any case, with spaces or hyphens or none. Raises NotACode."""
    return short_codes.read(typed, LENGTH)


def use(
    code: str, device: str, place: Place, now: datetime, *, only_at: UUID | None = None
) -> Visit | Refusal:
    """Bind a visit to the device that holds the secret `device`, or find it bound to that already.

    `only_at` is the school of a tablet that takes its own school's codes alone. Two devices at once: the first has it.
    """
    visit = session.scalar(sa.select(Visit).where(Visit.code_hash == _hash(code)))
    if visit is None or visit.code_expires is None:
        return Refusal.UNKNOWN
    if visit.code_expires <= now:
        return Refusal.EXPIRED
    if visit.left_at is not None:
        return Refusal.LEFT
    if only_at not in (None, visit.organisation_id):
        return Refusal.OTHER_SCHOOL
    return visit if _bind(visit, _hash(device), place, now) else Refusal.OTHER_DEVICE


def _bind(visit: Visit, device_hash: str, place: Place, now: datetime) -> bool:
    bound = session.execute(
        sa.update(Visit)
        .where(Visit.id == visit.id, Visit.code_hash == visit.code_hash)
        .where(sa.or_(Visit.device_hash.is_(None), Visit.device_hash == device_hash))
        .values(
            device_hash=device_hash,
            place=place,
            started_at=sa.func.coalesce(Visit.started_at, sa.literal(now, UTCDateTime())),
            changed_at=now,
        )
        .returning(Visit.id)
        .execution_options(synchronize_session=False)
    ).first()
    session.refresh(visit)
    return bound is not None


def is_bound(code: str, device: str) -> bool:
    """Say whether a code is bound to the device that holds this secret."""
    return (
        session.scalar(
            sa.select(Visit.id).where(Visit.code_hash == _hash(code), Visit.device_hash == _hash(device))
        )
        is not None
    )


def finish(visit_id: UUID, now: datetime) -> None:
    """End a visitor's code: whoever picks up their device next gets nowhere with it."""
    session.execute(
        sa.update(Visit).where(Visit.id == visit_id).values(code_hash=None, code_expires=None, changed_at=now)
    )


def pause(address: str | None, now: datetime, *, is_ours: bool = False) -> Pause | None:
    """Return why codes from an address aren't looked at now, be they right or wrong; None when they are.

    `is_ours` says that staff opened the device: what others guess elsewhere doesn't stop it.
    """
    network = _network(address)
    if tokens.used(network, within=WHILE, now=now) >= WRONG_IN_A_WHILE:
        return Pause.A_WHILE
    if not is_ours and tokens.used(_EVERYWHERE, within=HOUR, now=now) >= WRONG_IN_ALL:
        return Pause.AN_HOUR
    if tokens.used(f"{network}, soon", within=SOON, now=now) >= WRONG_SOON:
        return Pause.A_MINUTE
    return None


def count_wrong(address: str | None, now: datetime) -> None:
    """Count a wrong guess against its address and over all. A right code costs nothing."""
    network = _network(address)
    tokens.allow(f"{network}, soon", most=WRONG_SOON, within=SOON, now=now)
    tokens.allow(network, most=WRONG_IN_A_WHILE, within=WHILE, now=now)
    tokens.allow(_EVERYWHERE, most=WRONG_IN_ALL, within=HOUR, now=now)


def is_guessed(now: datetime) -> bool:
    """Say whether more wrong codes came this hour than people mistype: reception is told."""
    return tokens.used(_EVERYWHERE, within=HOUR, now=now) >= WRONG_TO_TELL


def _network(address: str | None) -> str:
    return f"wrong desk codes from {short_codes.network_of(address)}"


def _hash(secret: str) -> str:
    return short_codes.hashed(secret, "visit")
