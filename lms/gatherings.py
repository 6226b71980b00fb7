"""An INSET day: a hall of people who sign in by one code on the screen, each as themselves."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID, uuid4

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from lms.db import Base


class Gathering(Base):
    """A session that a host opened at a school, until it closes."""

    __tablename__ = "gathering"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    organisation_id: Mapped[UUID] = mapped_column(sa.ForeignKey("organisation.id"), index=True)
    title: Mapped[str]
    host_id: Mapped[UUID] = mapped_column(sa.ForeignKey("person.id"))
    code_hash: Mapped[str] = mapped_column(sa.String(64), unique=True)
    opens: Mapped[datetime]
    closes: Mapped[datetime]


class Attendee(Base):
    """Somebody on the host's list."""

    __tablename__ = "gathering_attendee"
    __table_args__ = (sa.UniqueConstraint("gathering_id", "person_id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    gathering_id: Mapped[UUID] = mapped_column(sa.ForeignKey("gathering.id"))
    person_id: Mapped[UUID] = mapped_column(sa.ForeignKey("person.id"))
    code_hash: Mapped[str | None] = mapped_column(sa.String(64), unique=True)
    """Of the code on the host's list, for somebody who has no work address to hand."""
    joined_at: Mapped[datetime | None]
