"""What the grade book is told, through an outbox: begun, and signed. Never how the scenarios went.

The ledger is the record and the score a courtesy: a platform that refuses one changes nothing here.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from uuid import UUID, uuid4

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from lms.db import Base


class ActivityProgress(StrEnum):
    """What a score says (AGS 2.0, section 3.4.7)."""

    IN_PROGRESS = "InProgress"
    COMPLETED = "Completed"


class ScoreState(StrEnum):
    """Where a score is."""

    QUEUED = "queued"
    SENT = "sent"
    REFUSED = "refused"
    SUPERSEDED = "superseded"


class Score(Base):
    """One thing to tell one grade book about one person. Sending it twice leaves the same grade."""

    __tablename__ = "lti_score"
    __table_args__ = (
        sa.UniqueConstraint("resource_link_id", "identity_id", "assignment_id", "cycle", "progress"),
        sa.Index("ix_lti_score_state_next_at", "state", "next_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    organisation_id: Mapped[UUID] = mapped_column(sa.ForeignKey("organisation.id"), index=True)
    resource_link_id: Mapped[UUID] = mapped_column(sa.ForeignKey("lti_resource_link.id"))
    identity_id: Mapped[UUID] = mapped_column(sa.ForeignKey("lti_identity.id"))
    assignment_id: Mapped[UUID]
    cycle: Mapped[int]
    progress: Mapped[ActivityProgress]
    state: Mapped[ScoreState] = mapped_column(default=ScoreState.QUEUED)
    happened_at: Mapped[datetime]
    """The score's timestamp: when it was begun or signed; a platform refuses an older one than it has."""
    attempts: Mapped[int] = mapped_column(default=0)
    next_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
    reason: Mapped[str | None]
    """What went wrong the last time, in words that HR can read."""
