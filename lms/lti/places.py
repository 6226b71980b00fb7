"""Where in a platform we are: courses (contexts), and the links in them that open us."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID, uuid4

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from lms.db import Base

PROGRAMME = "programme"
"""The target of a link that opens everything there is to do: every module, then signing."""


class Context(Base):
    """A course, as a platform names it."""

    __tablename__ = "lti_context"
    __table_args__ = (sa.UniqueConstraint("deployment_id", "value"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    deployment_id: Mapped[UUID] = mapped_column(sa.ForeignKey("lti_deployment.id"))
    organisation_id: Mapped[UUID] = mapped_column(sa.ForeignKey("organisation.id"), index=True)
    value: Mapped[str]
    title: Mapped[str]
    memberships_url: Mapped[str | None]
    """Where its members are listed (NRPS), when the platform offers that."""
    sync_wanted_at: Mapped[datetime | None]
    synced_at: Mapped[datetime | None]
    """When its members were last read whole."""
    sync_problem: Mapped[str | None]
    """Why they could not be read the last time it was tried, in words."""


class ResourceLink(Base):
    """A link in a course that opens us, and the line item where its scores go."""

    __tablename__ = "lti_resource_link"
    __table_args__ = (sa.UniqueConstraint("deployment_id", "value"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    deployment_id: Mapped[UUID] = mapped_column(sa.ForeignKey("lti_deployment.id"))
    context_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("lti_context.id"), index=True)
    value: Mapped[str]
    title: Mapped[str]
    target: Mapped[str]
    """`programme`, or a module's slug."""
    lineitem: Mapped[str | None]
    """The address of its line item (AGS), when the platform keeps a grade for it and lets us write one."""
    first_seen_at: Mapped[datetime]


class LinkUse(Base):
    """Somebody has opened a link, so its grade book wants to hear about them."""

    __tablename__ = "lti_link_use"
    __table_args__ = (sa.UniqueConstraint("identity_id", "resource_link_id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    resource_link_id: Mapped[UUID] = mapped_column(sa.ForeignKey("lti_resource_link.id"))
    identity_id: Mapped[UUID] = mapped_column(sa.ForeignKey("lti_identity.id"))
    since: Mapped[datetime]
