"""One-use addresses for Dynamic Registration: whoever holds one may connect one platform to one organisation."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID, uuid4

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from lms.db import Base


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
    confirmed: Mapped[dict[str, object] | None] = mapped_column(sa.JSON)
    """The platform's configuration as it was read and shown, so that what is confirmed is what was shown."""
    registration_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("lti_registration.id"))
