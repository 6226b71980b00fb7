"""Who is in a course, as its platform says (NRPS): joins are shown before they are made, leavers are proposed."""

from __future__ import annotations

from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from lms.db import Base, Versioned, one_current


class Membership(Versioned, Base):
    """One user in one course, as it was recorded. A row that has ended says when they were last listed."""

    __tablename__ = "lti_membership"
    __table_args__ = (one_current("lti_membership", "context_id", "sub"),)

    context_id: Mapped[UUID] = mapped_column(sa.ForeignKey("lti_context.id"), index=True)
    sub: Mapped[str]
    """The user_id in the list, which is the `sub` of that user's launches."""
    name: Mapped[str]
    email: Mapped[str | None]
    staff_no: Mapped[str | None]
    roles: Mapped[list[str]]
    is_settled: Mapped[bool] = mapped_column(default=False)
    """For one that has ended: whether HR has said what to do about it."""
