"""Personal links for governors, volunteers and contractors: the link by one way, a short code by another."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from uuid import UUID, uuid4

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from lms.db import Base


class CodeWay(StrEnum):
    """How the short code reaches the person, so that whoever finds a forwarded link doesn't have it."""

    SECOND_ADDRESS = "second_address"
    HANDED_OVER = "handed_over"


class PersonalLink(Base):
    """One person's link to what they have to sign at one school."""

    __tablename__ = "personal_link"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    organisation_id: Mapped[UUID] = mapped_column(sa.ForeignKey("organisation.id"), index=True)
    person_id: Mapped[UUID] = mapped_column(sa.ForeignKey("person.id"), index=True)
    hash: Mapped[str | None] = mapped_column(sa.String(64), unique=True)
    """Of the link's secret; null until the letter is written, for the outbox holds the intent alone."""
    code_hash: Mapped[str] = mapped_column(sa.String(64))
    code_way: Mapped[CodeWay]
    made_by: Mapped[UUID] = mapped_column(sa.ForeignKey("person.id"))
    made_at: Mapped[datetime]
    expires: Mapped[datetime]
    opened_at: Mapped[datetime | None]
    """When the code was given rightly for the first time; not when the mail was opened."""
    revoked_at: Mapped[datetime | None]
    message_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("message.id"))
    """Null for a printed letter."""
