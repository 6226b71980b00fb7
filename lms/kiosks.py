"""A school's shared tablet: opened for visitors by reception, and left with the PIN that reception chose.

The PIN's hash stays on the server. Four digits have 10,000 values: whoever held a hash of them would soon have the PIN.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import Enum
from uuid import UUID, uuid4

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from lms import credentials, tokens
from lms.db import Base, session

PIN = r"[0-9]{4,8}\Z"
TRIES = 5
"""PINs that may be tried on one tablet in `TRIES_WITHIN`."""
TRIES_WITHIN = timedelta(minutes=15)
FORGOTTEN_AFTER = timedelta(days=90)
"""A tablet that was lost or wiped never says so: a term later its row goes."""


class Kiosk(Base):
    """One tablet that is open for visitors."""

    __tablename__ = "kiosk"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    organisation_id: Mapped[UUID] = mapped_column(sa.ForeignKey("organisation.id"), index=True)
    pin_hash: Mapped[str]
    opened_by: Mapped[UUID] = mapped_column(sa.ForeignKey("person.id"))
    opened_at: Mapped[datetime]


class Leaving(Enum):
    """What came of a PIN that was typed."""

    LEFT = "it was right"
    WRONG = "it was wrong"
    LOCKED = "too many were tried: it wasn't looked at"


def open_at(school_id: UUID, pin: str, *, by: UUID, now: datetime) -> Kiosk:
    """Open a tablet for a school's visitors, to be left with a PIN of four to eight digits."""
    session.execute(
        sa.delete(Kiosk).where(Kiosk.organisation_id == school_id, Kiosk.opened_at < now - FORGOTTEN_AFTER)
    )
    kiosk = Kiosk(
        id=uuid4(),
        organisation_id=school_id,
        pin_hash=credentials.hashed(pin),
        opened_by=by,
        opened_at=now,
    )
    session.add(kiosk)
    session.flush()
    return kiosk


def leave(kiosk: Kiosk, pin: str, now: datetime) -> Leaving:
    """Close a tablet if this is its PIN. Each try is counted before it is looked at, so that none slips through."""
    if not tokens.allow(f"PINs of kiosk {kiosk.id}", most=TRIES, within=TRIES_WITHIN, now=now):
        return Leaving.LOCKED
    if not credentials.matches(kiosk.pin_hash, pin):
        return Leaving.WRONG
    session.delete(kiosk)
    session.flush()
    return Leaving.LEFT
