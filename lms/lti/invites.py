"""One-use addresses for Dynamic Registration: whoever holds one may connect one platform to one organisation."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from lms.db import Base, session

LASTS = timedelta(days=3)
"""Long enough to be sent to whoever looks after the LMS and to be used over a weekend."""


class Invite(Base):
    """An invitation to a platform. Only its hash is kept."""

    __tablename__ = "lti_invite"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    hash: Mapped[str] = mapped_column(sa.String(64), unique=True)
    organisation_id: Mapped[UUID] = mapped_column(sa.ForeignKey("organisation.id"), index=True)
    invited_by: Mapped[UUID | None] = mapped_column(sa.ForeignKey("person.id"))
    """Null for one made at the command line."""
    made_at: Mapped[datetime]
    expires: Mapped[datetime]
    used_at: Mapped[datetime | None]
    confirmed: Mapped[dict[str, Any] | None] = mapped_column(sa.JSON)
    """The platform's configuration as it was read and shown, so that what is confirmed is what was shown."""
    registration_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("lti_registration.id"))

    def is_open(self, now: datetime) -> bool:
        """Say whether it could still be used."""
        return self.used_at is None and self.expires > now


def invite(organisation_id: UUID, *, invited_by: UUID | None, now: datetime) -> tuple[str, Invite]:
    """Invite one platform to an organisation. Returns the address's secret part, which can't be had again."""
    secret = secrets.token_urlsafe(32)
    made = Invite(
        id=uuid4(),
        hash=_hash(secret),
        organisation_id=organisation_id,
        invited_by=invited_by,
        made_at=now,
        expires=now + LASTS,
    )
    session.add(made)
    session.flush()
    return secret, made


def find(secret: str) -> Invite | None:
    """Return an invitation, used and expired ones included. Uses nothing up."""
    return session.scalar(sa.select(Invite).where(Invite.hash == _hash(secret)))


def lock(secret: str) -> Invite | None:
    """Return an invitation as it is now, and let nobody else use it until the transaction ends."""
    wanted = sa.select(Invite).where(Invite.hash == _hash(secret)).with_for_update()
    return session.scalar(wanted.execution_options(populate_existing=True))


def give_back(invite_id: UUID) -> None:
    """Let an invitation be used again that led to no registration."""
    session.execute(
        sa.update(Invite).where(Invite.id == invite_id, Invite.registration_id.is_(None)).values(used_at=None)
    )


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
