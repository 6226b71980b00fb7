"""The ledger of a school: one leaf an attestation, a Merkle tree over them (RFC 9162), a signed checkpoint each."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, mapped_column

from lms.checkpoint import sign_checkpoint, tlog_proof
from lms.clock import time_in_words
from lms.db import APPEND_ONLY, Base, is_sqlite, session
from lms.errors import ClockError, NotFoundError
from lms.merkle import Frontier, inclusion_proof, leaf_hash
from lms.schools import Organisation

CLOCK_LEEWAY = timedelta(seconds=60)
"""How far a clock may be set back (as time servers do) before signing stops."""


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
    __table_args__ = (sa.UniqueConstraint("organisation_id", "index"), {"info": APPEND_ONLY})

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    organisation_id: Mapped[UUID] = mapped_column(sa.ForeignKey("organisation.id"))
    index: Mapped[int]
    attestation_id: Mapped[UUID] = mapped_column(unique=True)
    hash: Mapped[bytes]


class Checkpoint(Base):
    """The signed statement of the tree's root at one size (C2SP tlog-checkpoint)."""

    __tablename__ = "checkpoint"
    __table_args__ = (sa.UniqueConstraint("organisation_id", "size"), {"info": APPEND_ONLY})

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    organisation_id: Mapped[UUID] = mapped_column(sa.ForeignKey("organisation.id"))
    size: Mapped[int]
    note: Mapped[str]


def lock(school: Organisation) -> Ledger:
    """Return the school's ledger, held by this transaction until it ends: appends go one at a time."""
    held = _locked(school.id)
    if held is None:
        insert = sqlite.insert if is_sqlite() else postgresql.insert
        session.execute(
            insert(Ledger)
            .values(organisation_id=school.id, size=0, frontier=b"", last_at=None)
            .on_conflict_do_nothing()
        )
        held = _locked(school.id)
    assert held is not None
    return held


def _locked(school_id: UUID) -> Ledger | None:
    return session.get(Ledger, school_id, with_for_update=True, populate_existing=True)


def tick(ledger: Ledger, now: datetime) -> datetime:
    """Return the time that a new entry gets: `now`, and never before the last entry.

    Raises:
        ClockError: the clock is more than a minute behind the last entry.
    """
    if ledger.last_at is None or now >= ledger.last_at:
        return now
    if ledger.last_at - now > CLOCK_LEEWAY:
        raise ClockError(
            "Nothing can be signed just now: this server's clock says "
            f"{time_in_words(now)}, but something was signed at {time_in_words(ledger.last_at)}. "
            "Nothing was recorded. Ask your administrator to set the clock right."
        )
    return ledger.last_at


def append(
    school: Organisation,
    ledger: Ledger,
    attestation_id: UUID,
    leaf: bytes,
    at: datetime,
    key: Ed25519PrivateKey,
) -> None:
    """Append a leaf to a locked ledger, with the checkpoint of the new tree."""
    frontier = Frontier.from_bytes(ledger.size, ledger.frontier).append(leaf_hash(leaf))
    school_id = school.id
    session.execute(
        sa.insert(Entry).values(
            id=uuid4(),
            organisation_id=school_id,
            index=ledger.size,
            attestation_id=attestation_id,
            hash=leaf_hash(leaf),
        )
    )
    note = sign_checkpoint(school.ledger_origin, frontier.size, frontier.root(), key)
    session.execute(
        sa.insert(Checkpoint).values(id=uuid4(), organisation_id=school_id, size=frontier.size, note=note)
    )
    ledger.size, ledger.frontier, ledger.last_at = frontier.size, frontier.to_bytes(), at


def latest_checkpoint(school: Organisation) -> str | None:
    """Return the newest signed checkpoint; None before the first entry."""
    return session.scalar(
        sa.select(Checkpoint.note)
        .where(Checkpoint.organisation_id == school.id)
        .order_by(Checkpoint.size.desc())
        .limit(1)
    )


def state(school: Organisation) -> tuple[int, bytes]:
    """Return (size, root) of the tree as it stands now."""
    row = session.get(Ledger, school.id)
    frontier = Frontier.from_bytes(row.size, row.frontier) if row else Frontier.from_bytes(0, b"")
    return frontier.size, frontier.root()


def entry_of(attestation_id: UUID) -> Entry:
    """Return the ledger entry of an attestation. Raises NotFoundError."""
    entry = session.scalar(sa.select(Entry).where(Entry.attestation_id == attestation_id))
    if entry is None:
        raise NotFoundError("There is no ledger entry for this record.")
    return entry


def prove(school: Organisation, attestation_id: UUID) -> str:
    """Return the proof (C2SP tlog-proof) that an attestation's leaf is in the newest tree."""
    entry = entry_of(attestation_id)
    note = latest_checkpoint(school)
    assert note is not None
    hashes = list(hashes_of(school.id))
    path = inclusion_proof(hashes, entry.index, len(hashes))
    return tlog_proof(entry.index, path, note)


def hashes_of(school_id: UUID) -> Iterator[bytes]:
    """Yield the leaf hashes of a school's tree, in order."""
    yield from session.scalars(
        sa.select(Entry.hash)
        .where(Entry.organisation_id == school_id)
        .order_by(Entry.index)
        .execution_options(yield_per=5000)
    )
