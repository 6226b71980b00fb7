"""The ledger of a school: one leaf an attestation, a Merkle tree over them (RFC 9162), a signed checkpoint each."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import cast
from uuid import UUID

import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, mapped_column

from lms import checkpoint
from lms.checkpoint import CheckpointError, VerifierKey, sign_checkpoint, tlog_proof
from lms.clock import time_in_words
from lms.db import APPEND_ONLY, Base, connection, is_sqlite, session
from lms.errors import ClockError, CountersignError, NotFoundError
from lms.merkle import Frontier, inclusion_proof, leaf_hash
from lms.schools import Organisation

CLOCK_LEEWAY = timedelta(seconds=60)
"""How far a clock may be set back (as time servers do) before signing stops."""


class LedgerError(CountersignError):
    """The ledger can't be added to: its key or its newest checkpoint isn't the one that belongs to it."""


class Ledger(Base):
    """Where a school's tree stands: its size, and its right-hand frontier, so that appending costs O(log n)."""

    __tablename__ = "ledger"

    organisation_id: Mapped[UUID] = mapped_column(sa.ForeignKey("organisation.id"), primary_key=True)
    size: Mapped[int] = mapped_column(default=0)
    frontier: Mapped[bytes] = mapped_column(default=b"")
    last_at: Mapped[datetime | None]
    """The time of the last entry; a later one can't be earlier."""


class Entry(Base):
    """One leaf of a school's tree."""

    __tablename__ = "entry"
    __table_args__ = ({"info": APPEND_ONLY},)

    organisation_id: Mapped[UUID] = mapped_column(sa.ForeignKey("organisation.id"), primary_key=True)
    index: Mapped[int] = mapped_column(primary_key=True)
    attestation_id: Mapped[UUID] = mapped_column(unique=True)
    hash: Mapped[bytes]


class Checkpoint(Base):
    """The signed statement of the tree's root at one size (C2SP tlog-checkpoint)."""

    __tablename__ = "checkpoint"
    __table_args__ = ({"info": APPEND_ONLY},)

    organisation_id: Mapped[UUID] = mapped_column(sa.ForeignKey("organisation.id"), primary_key=True)
    size: Mapped[int] = mapped_column(primary_key=True)
    note: Mapped[str]


@dataclass(frozen=True, slots=True)
class Held:
    """A ledger that this transaction alone may add to."""

    school: Organisation
    frontier: Frontier
    last_at: datetime | None


# Signing is the busiest write there is: these statements are built once, and run on the session's connection, for
# a session looks each statement through for objects first, and there are none in these.
_ledger, _entry, _checkpoint = (cast(sa.Table, model.__table__) for model in (Ledger, Entry, Checkpoint))
_LOCK = (
    sa.select(_ledger.c.size, _ledger.c.frontier, _ledger.c.last_at)
    .where(_ledger.c.organisation_id == sa.bindparam("school"))
    .with_for_update()
)
_ADD_ENTRY, _ADD_CHECKPOINT = sa.insert(_entry), sa.insert(_checkpoint)
_MOVE = sa.update(_ledger).where(_ledger.c.organisation_id == sa.bindparam("school"))
_NEWEST = (
    sa.select(_checkpoint.c.note)
    .where(_checkpoint.c.organisation_id == sa.bindparam("school"))
    .order_by(_checkpoint.c.size.desc())
    .limit(1)
)


def lock(school: Organisation) -> Held:
    """Return the school's ledger, held by this transaction until it ends: appends go one at a time."""
    execute = connection().execute
    row = execute(_LOCK, {"school": school.id}).one_or_none()
    if row is None:
        insert = sqlite.insert if is_sqlite() else postgresql.insert
        begin = insert(_ledger).values(organisation_id=school.id, size=0, frontier=b"", last_at=None)
        execute(begin.on_conflict_do_nothing())
        row = execute(_LOCK, {"school": school.id}).one()
    size, frontier, last_at = row
    return Held(school, Frontier.from_bytes(size, frontier), last_at)


def tick(held: Held, now: datetime) -> datetime:
    """Return the time that a new entry gets: `now`, and never before the last entry.

    Raises:
        ClockError: the clock is more than a minute behind the last entry.
    """
    if held.last_at is None or now >= held.last_at:
        return now
    if held.last_at - now > CLOCK_LEEWAY:
        raise ClockError(
            "Nothing can be signed just now: this server's clock says "
            f"{time_in_words(now)}, but something was signed at {time_in_words(held.last_at)}. "
            "Nothing was recorded. Ask your administrator to set the clock right."
        )
    return held.last_at


def append(held: Held, attestation_id: UUID, leaf: bytes, at: datetime, key: Ed25519PrivateKey) -> None:
    """Append a leaf to a ledger that is held, once, with the checkpoint of the new tree.

    Raises:
        LedgerError: the newest checkpoint isn't signed by this key, or isn't of this tree.
    """
    _check_newest(held, key)
    school, hashed, execute = held.school, leaf_hash(leaf), connection().execute
    after = held.frontier.append(hashed)
    note = sign_checkpoint(school.ledger_origin, after.size, after.root(), key)
    entry = {"organisation_id": school.id, "attestation_id": attestation_id, "hash": hashed}
    execute(_ADD_ENTRY, {**entry, "index": held.frontier.size})
    execute(_ADD_CHECKPOINT, {"organisation_id": school.id, "size": after.size, "note": note})
    moved = {"school": school.id, "size": after.size, "frontier": after.to_bytes(), "last_at": at}
    execute(_MOVE, moved)
    _ours[school.id] = (after, _public(key))


_ours: dict[UUID, tuple[Frontier, bytes]] = {}
"""The last tree of each ledger that this process signed, and by which key. One that was rolled back is no
tree of the ledger, so it matches nothing."""


@lru_cache(maxsize=4)
def _public(key: Ed25519PrivateKey) -> bytes:
    return key.public_key().public_bytes_raw()


def _check_newest(held: Held, key: Ed25519PrivateKey) -> None:
    """Refuse to build on a checkpoint that isn't ours: a lost key file is made anew at start, in silence."""
    if _ours.get(held.school.id) == (held.frontier, _public(key)):
        return
    note = latest_checkpoint(held.school)
    if note is None and held.frontier.size == 0:
        return
    verifier = VerifierKey(held.school.ledger_origin, key.public_key())
    try:
        newest = checkpoint.verify_checkpoint(note or "", verifier)
    except CheckpointError as error:
        raise LedgerError(
            "Nothing can be signed just now: the key that signs this school’s ledger isn’t the one that signed "
            "it until now. Nothing was recorded. Ask your administrator to put back the file ledger-key.pem "
            "from a backup."
        ) from error
    if (newest.size, newest.root) != (held.frontier.size, held.frontier.root()):
        raise LedgerError(
            "Nothing can be signed just now: this school’s ledger doesn’t fit its newest checkpoint. Nothing was "
            "recorded. Ask your administrator to run: countersign ledger verify"
        )


def latest_checkpoint(school: Organisation) -> str | None:
    """Return the newest signed checkpoint; None before the first entry."""
    return session.scalar(_NEWEST, {"school": school.id})


def state(school: Organisation) -> tuple[int, bytes]:
    """Return (size, root) of the tree as it stands now."""
    return states([school.id])[school.id]


def states(school_ids: Collection[UUID]) -> dict[UUID, tuple[int, bytes]]:
    """Return (size, root) of the trees of some schools as they stand now. One query."""
    rows = session.scalars(sa.select(Ledger).where(Ledger.organisation_id.in_(school_ids)))
    found = {row.organisation_id: Frontier.from_bytes(row.size, row.frontier) for row in rows}
    empty = Frontier.from_bytes(0, b"")
    frontiers = {school_id: found.get(school_id, empty) for school_id in school_ids}
    return {school_id: (frontier.size, frontier.root()) for school_id, frontier in frontiers.items()}


def entry_of(attestation_id: UUID) -> Entry:
    """Return the ledger entry of an attestation. Raises NotFoundError."""
    entry = session.scalar(sa.select(Entry).where(Entry.attestation_id == attestation_id))
    if entry is None:
        raise NotFoundError("There is no ledger entry for this record.")
    return entry


def prove(school: Organisation, attestation_id: UUID) -> str:
    """Return the proof (C2SP tlog-proof) that an attestation's leaf is in the newest tree.

    Reads every leaf hash of the school: for 100,000 entries, under a second.
    Raises NotFoundError for an attestation that has no entry.
    """
    entry = entry_of(attestation_id)
    note = latest_checkpoint(school)
    assert note is not None
    # An entry may be added after the checkpoint was read: the path is to that checkpoint's root.
    size = checkpoint.parse_checkpoint(note).size
    path = inclusion_proof(list(hashes_of(school.id, size)), entry.index, size)
    return tlog_proof(entry.index, path, note)


def hashes_of(school_id: UUID, size: int) -> Iterator[bytes]:
    """Yield the first `size` leaf hashes of a school's tree, in order."""
    rows = session.execute(
        sa.select(Entry.hash)
        .where(Entry.organisation_id == school_id, Entry.index < size)
        .order_by(Entry.index)
        .execution_options(yield_per=5000)
    )
    for (hashed,) in rows:
        yield hashed
