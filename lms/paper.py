"""Signed on paper: what was printed for whom, and the scan of what came back."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID, uuid4

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from lms.db import Base


class PaperForm(Base):
    """A form that was printed for one person: the policy version and statement on it, found again by its code."""

    __tablename__ = "paper_form"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    organisation_id: Mapped[UUID] = mapped_column(sa.ForeignKey("organisation.id"), index=True)
    person_id: Mapped[UUID] = mapped_column(sa.ForeignKey("person.id"), index=True)
    assignment_id: Mapped[UUID]
    policy_version_id: Mapped[UUID] = mapped_column(sa.ForeignKey("policy_version.id"))
    cycle: Mapped[int]
    code: Mapped[str] = mapped_column(unique=True)
    """Printed on the form, in two fours; it opens nothing by itself."""
    printed_by: Mapped[UUID] = mapped_column(sa.ForeignKey("person.id"))
    printed_at: Mapped[datetime]
    attestation_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("attestation.id"))


class Scan(Base):
    """A picture of a signed form: a file in the data folder, never served but as a download."""

    __tablename__ = "scan"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    organisation_id: Mapped[UUID] = mapped_column(sa.ForeignKey("organisation.id"), index=True)
    attestation_id: Mapped[UUID] = mapped_column(sa.ForeignKey("attestation.id"), unique=True)
    sha256: Mapped[str] = mapped_column(sa.String(64))
    media_type: Mapped[str]
    size: Mapped[int]
    kept_by: Mapped[UUID] = mapped_column(sa.ForeignKey("person.id"))
    kept_at: Mapped[datetime]
