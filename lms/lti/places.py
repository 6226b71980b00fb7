"""Where in a platform we are: courses (contexts), and the links in them that open us."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any, cast
from urllib.parse import unquote, urlsplit
from uuid import UUID, uuid4

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, mapped_column

from lms.db import Base, is_sqlite, session
from lms.lti.claims import CONTEXT_HISTORY, LINK_HISTORY, Claims, identifier
from lms.lti.platforms import Deployment

PROGRAMME = "programme"
"""The target of a link that opens everything there is to do: every module, then signing."""

TARGET = "countersign"
"""The custom parameter that says what a link opens."""

_SCORE = "https://purl.imsglobal.org/spec/lti-ags/scope/score"
_SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_MODULE_PATH = re.compile(r"/modules/([^/]+)/?$")
LONGEST_SLUG = 100
_MOST_ANCESTORS = 20


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


def make_context(deployment: Deployment, claims: Claims) -> Context:
    """Write a course down at its first launch, once. The claims must name one."""
    assert claims.context_id is not None
    values = {
        "deployment_id": deployment.id,
        "organisation_id": deployment.organisation_id,
        "value": claims.context_id,
        "title": claims.context_title,
        "memberships_url": claims.memberships_url,
    }
    _insert_once(Context, values)
    return session.scalars(
        sa.select(Context).where(Context.deployment_id == deployment.id, Context.value == claims.context_id)
    ).one()


def refresh_context(context: Context, claims: Claims) -> None:
    """Keep what the platform says now of a course. What it leaves out stays as it was. No query by itself."""
    _keep(
        context,
        title=claims.context_title or context.title,
        memberships_url=claims.memberships_url or context.memberships_url,
    )


def make_link(
    deployment: Deployment, context: Context | None, claims: Claims, target: str, now: datetime
) -> ResourceLink:
    """Write a link down at its first launch, once. The claims must name one."""
    assert claims.link_id is not None
    values = {
        "deployment_id": deployment.id,
        "context_id": context.id if context else None,
        "value": claims.link_id,
        "title": claims.link_title,
        "target": target,
        "lineitem": lineitem_of(claims),
        "first_seen_at": now,
    }
    _insert_once(ResourceLink, values)
    return session.scalars(
        sa.select(ResourceLink).where(
            ResourceLink.deployment_id == deployment.id, ResourceLink.value == claims.link_id
        )
    ).one()


def refresh_link(link: ResourceLink, context: Context | None, claims: Claims, target: str) -> None:
    """Keep what the platform says now of a link. What it leaves out stays as it was. No query by itself."""
    _keep(
        link,
        title=claims.link_title or link.title,
        lineitem=lineitem_of(claims) or link.lineitem,
        target=target,
        context_id=context.id if context is not None else link.context_id,
    )


def _keep(row: Base, **values: object) -> None:
    """Write only what is new: a row that was written to is looked through before the next query, changed or not."""
    for name, value in values.items():
        if getattr(row, name) != value:
            setattr(row, name, value)


def lineitem_of(claims: Claims) -> str | None:
    """Return where the link's scores go, when the platform lets us send them."""
    return claims.lineitem if claims.lineitem and _SCORE in claims.ags_scopes else None


def note_use(link: ResourceLink, identity_id: UUID, now: datetime) -> bool:
    """Remember that somebody has opened a link. Return whether this is the first time."""
    return _insert_once(LinkUse, {"resource_link_id": link.id, "identity_id": identity_id, "since": now})


def target_of(claims: Claims, link: ResourceLink | None, registration_id: UUID) -> str:
    """Return what a launch is meant to open: `programme`, or a module's slug (which we may have no more).

    In this order: our custom parameter; the signed target_link_uri, where it is a module's page; what the link had;
    what the link had that it was copied from; the programme. Asks no query but for a link that is new and says nothing.
    """
    said = _named(claims.custom.get(TARGET)) or _from_address(claims.target_link_uri)
    if said is not None:
        return said
    if link is not None:
        return link.target
    return _copied_from(claims, registration_id) or PROGRAMME


def custom(target: str) -> dict[str, str]:
    """Return the custom parameters of a link that opens `target`; the platform fills in what it was copied from.

    Source: LTI 1.3 core, appendix B, for the variables. Values hold no `=`, which Moodle would stumble over.
    """
    return {TARGET: target, LINK_HISTORY: "$ResourceLink.id.history", CONTEXT_HISTORY: "$Context.id.history"}


def _named(value: str | None) -> str | None:
    return value if value and len(value) <= LONGEST_SLUG and _SLUG.fullmatch(value) else None


def _from_address(address: str | None) -> str | None:
    found = _MODULE_PATH.search(urlsplit(address or "").path)
    return _named(found[1]) if found else None


def _copied_from(claims: Claims, registration_id: UUID) -> str | None:
    links, courses = _ids(claims.link_history), _ids(claims.context_history)
    found = _target_of_link(links, registration_id) if links else None
    if found is None and courses:
        found = _target_in_course(courses, claims.link_title, registration_id)
    return found


def _ids(history: tuple[str, ...]) -> list[str]:
    # In a history each id is in percent-encoding, because commas part them.
    ids = (identifier(unquote(part)) for part in history[:_MOST_ANCESTORS])
    return [found for found in ids if found is not None]


def _target_of_link(values: list[str], registration_id: UUID) -> str | None:
    rows = session.execute(
        sa.select(ResourceLink.value, ResourceLink.target)
        .join(Deployment, Deployment.id == ResourceLink.deployment_id)
        .where(Deployment.registration_id == registration_id, ResourceLink.value.in_(values))
    )
    targets = {value: target for value, target in rows}
    return next((targets[value] for value in values if value in targets), None)


def _target_in_course(values: list[str], title: str, registration_id: UUID) -> str | None:
    """Return what the link of the same title opened in the newest course this one was copied from."""
    rows = session.execute(
        sa.select(Context.value, ResourceLink.target)
        .join(ResourceLink, ResourceLink.context_id == Context.id)
        .join(Deployment, Deployment.id == Context.deployment_id)
        .where(Deployment.registration_id == registration_id, Context.value.in_(values))
        .where(ResourceLink.title == title)
    )
    found: dict[str, set[str]] = {}
    for value, target in rows:
        found.setdefault(value, set()).add(target)
    newest = next((found[value] for value in values if value in found), set())
    # Two links of one title that open different things say nothing.
    return newest.pop() if len(newest) == 1 else None


def _insert_once(model: type[Base], values: dict[str, Any]) -> bool:
    table = cast(sa.Table, model.__table__)
    insert = sqlite.insert(table) if is_sqlite() else postgresql.insert(table)
    statement = insert.values(id=uuid4(), **values).on_conflict_do_nothing()
    return session.execute(statement.returning(table.c.id)).first() is not None
