"""Who a platform's user is here: kept by (registration, sub), and never merged with anybody by e-mail alone."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID, uuid4

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from lms.db import Base


class Identity(Base):
    """One user of one platform. Names and addresses may be missing, and may change at any launch."""

    __tablename__ = "lti_identity"
    __table_args__ = (sa.UniqueConstraint("registration_id", "sub"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    registration_id: Mapped[UUID] = mapped_column(sa.ForeignKey("lti_registration.id"))
    sub: Mapped[str]
    person_id: Mapped[UUID] = mapped_column(sa.ForeignKey("person.id"), index=True)
    name: Mapped[str]
    """As the platform last said it; empty when it never did."""
    email: Mapped[str | None]
    """Lower case, as the platform last said it."""
    staff_no: Mapped[str | None]
    """lis.person_sourcedid, where it isn't empty."""
    first_seen_at: Mapped[datetime]
    made_person: Mapped[bool]
    """Whether the person was made at the first launch, so that somebody on HR's list may be the same adult."""
    match_settled_at: Mapped[datetime | None]
    """When HR said whether this is somebody on their list."""
