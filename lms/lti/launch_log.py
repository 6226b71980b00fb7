"""What became of each launch, for the administrator: an outcome in words, and the reference that the learner saw.

It names nobody: no subject, no name, no address.
"""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from typing import cast
from uuid import UUID, uuid4

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from lms.db import Base, session

ACCEPTED = "accepted"
LONGEST = 300
KEPT = timedelta(days=90)
"""How long a launch can be looked up by its reference. Anybody can have one written, so none is kept for ever."""


class Launch(Base):
    """One launch, or one that was refused."""

    __tablename__ = "launch_log"
    __table_args__ = (sa.Index("ix_launch_log_registration_at", "registration_id", "at"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    registration_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("lti_registration.id"))
    organisation_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("organisation.id"))
    at: Mapped[datetime] = mapped_column(index=True)
    reference: Mapped[str]
    outcome: Mapped[str]
    """`accepted`, or the code of a refusal."""
    detail: Mapped[str]
    """What was found and what was wanted, for the administrator; cut at `LONGEST` characters."""


# Every launch runs this. On the table and not the class: nothing asks for the row as an object.
_INSERT = sa.insert(cast(sa.Table, Launch.__table__))


def record(
    outcome: str,
    *,
    now: datetime,
    registration_id: UUID | None = None,
    organisation_id: UUID | None = None,
    detail: str = "",
) -> str:
    """Write one launch down and return its reference (eight hex digits)."""
    reference = secrets.token_hex(4)
    plain = "".join(c if c.isprintable() else " " for c in detail)[:LONGEST]
    values = {
        "id": uuid4(),
        "registration_id": registration_id,
        "organisation_id": organisation_id,
        "at": now,
        "reference": reference,
        "outcome": outcome,
        "detail": plain,
    }
    session.execute(_INSERT, values)
    return reference


def latest(registration_id: UUID) -> Launch | None:
    """Return a registration's last launch that was accepted."""
    return _newest(registration_id, Launch.outcome == ACCEPTED)


def latest_refusal(registration_id: UUID) -> Launch | None:
    """Return a registration's last launch that was refused."""
    return _newest(registration_id, Launch.outcome != ACCEPTED)


def _newest(registration_id: UUID, wanted: sa.ColumnElement[bool]) -> Launch | None:
    return session.scalar(
        sa.select(Launch)
        .where(Launch.registration_id == registration_id, wanted)
        .order_by(Launch.at.desc())
        .limit(1)
    )


def sweep(now: datetime) -> None:
    """Forget launches that nobody asks about any more."""
    session.execute(sa.delete(Launch).where(Launch.at < now - KEPT))
