"""The reception desk: who is expected and who has come, and what was seen of them before they began.

Where a visit stands is worked out, never kept; that it is signed comes from the evidence alone.
"""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from uuid import UUID, uuid4

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from lms.db import Base


class PhotoId(StrEnum):
    """Which kind of photo ID was seen. Never a number, never a copy."""

    PASSPORT = "passport"
    DRIVING_LICENCE = "driving_licence"
    AGENCY_BADGE = "agency_badge"
    OTHER = "other"


class Place(StrEnum):
    """What a visitor signs on."""

    PHONE = "phone"
    TABLET = "tablet"
    PAPER = "paper"


class Visit(Base):
    """One adult, expected or arrived at one school on one London day."""

    __tablename__ = "visit"
    __table_args__ = (sa.UniqueConstraint("organisation_id", "person_id", "day"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    organisation_id: Mapped[UUID] = mapped_column(sa.ForeignKey("organisation.id"))
    person_id: Mapped[UUID] = mapped_column(sa.ForeignKey("person.id"), index=True)
    engagement_id: Mapped[UUID]
    day: Mapped[date]
    expected_by: Mapped[UUID | None] = mapped_column(sa.ForeignKey("person.id"))
    """Who entered them beforehand; null for a walk-in."""
    changed_at: Mapped[datetime]
    """When anything of this row last changed: what a desk that polls asks for."""
    arrived_at: Mapped[datetime | None]
    agency_confirmed: Mapped[bool] = mapped_column(default=False)
    """The agency's written confirmation of its checks was seen."""
    id_kind: Mapped[PhotoId | None]
    same_person: Mapped[bool] = mapped_column(default=False)
    checked_by: Mapped[UUID | None] = mapped_column(sa.ForeignKey("person.id"))
    code_hash: Mapped[str | None] = mapped_column(sa.String(64), unique=True)
    code_expires: Mapped[datetime | None]
    device_hash: Mapped[str | None] = mapped_column(sa.String(64))
    """Of the secret that the one device that used the code keeps."""
    place: Mapped[Place | None]
    started_at: Mapped[datetime | None]
    assisted_by: Mapped[str | None]
    """Who read it aloud or interpreted it."""
    assisted_how: Mapped[str | None]
    to_class_at: Mapped[datetime | None]
    """When a named senior sent them to class unsigned, …"""
    to_class_by: Mapped[str | None]
    to_class_reason: Mapped[str | None]
    left_at: Mapped[datetime | None]
