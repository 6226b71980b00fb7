"""Who is in a course, as its platform says (NRPS): joins are shown before they are made, leavers are proposed.

A list is fetched with no transaction open and recorded in one, whole or not at all. Recording it changes nobody's
engagement: that is HR's to say.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast
from uuid import UUID, uuid4

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from lms.clock import LONDON
from lms.db import Base, Versioned, one_current, session, transaction
from lms.errors import ConflictError, NotFoundError
from lms.lti import identities
from lms.lti.places import Context
from lms.lti.platforms import Deployment, Registration, RegistrationState
from lms.lti.services import Member, ServiceError, Services
from lms.people import folded

WANTED = "sync_wanted"
"""In a session's `info` while it has a course that wants to be read once it is committed."""
NIGHT = range(1, 5)
"""The hours in London in which courses are read by themselves."""
LEASE = timedelta(minutes=30)
"""How long a worker has to read a course; then it is taken to have been killed, and the course is read again."""
ACTIVE = "Active"
EMPTY = (
    "The platform sent an empty list, though people were in this course before. Nothing was changed. Look in the "
    "platform whether the course is really empty."
)


class Membership(Versioned, Base):
    """One user in one course, as it was recorded. A row that has ended says when they were last listed."""

    __tablename__ = "lti_membership"
    __table_args__ = (one_current("lti_membership", "context_id", "sub"),)

    context_id: Mapped[UUID] = mapped_column(sa.ForeignKey("lti_context.id"), index=True)
    sub: Mapped[str]
    """The user_id in the list, which is the `sub` of that user's launches."""
    forename: Mapped[str]
    surname: Mapped[str]
    sort_name: Mapped[str]
    """As `Person.sort_name`."""
    email: Mapped[str | None]
    staff_no: Mapped[str | None]
    roles: Mapped[list[str]]
    is_settled: Mapped[bool] = mapped_column(default=False)
    """For one that has ended: whether HR has said what to do about it, or there is nothing to say."""

    @property
    def name(self) -> str:
        """Forename and surname; empty when the platform doesn't say."""
        return f"{self.forename} {self.surname}".strip()


@dataclass(frozen=True, slots=True)
class Listed:
    """A member as `identities` takes somebody whom a platform describes."""

    sub: str
    name: str
    given_name: str
    family_name: str
    email: str | None
    staff_no: str | None


@dataclass(frozen=True, slots=True)
class Course:
    """A course with the platform that it is in."""

    context: Context
    registration: Registration

    @property
    def title(self) -> str:
        """The course's title; platforms may leave it out."""
        return self.context.title or "A course without a title"


@dataclass(frozen=True, slots=True)
class _Taken:
    """A course that a worker has taken to read. `asked_at` is the moment that its list is of."""

    context_id: UUID
    url: str
    registration: Registration
    asked_at: datetime


def courses(school_id: UUID) -> list[Course]:
    """Return the courses of a school that have launched us, by title."""
    rows = session.execute(_COURSES.where(Context.organisation_id == school_id).order_by(Context.title))
    return [Course(*row) for row in rows]


def course(school_id: UUID, context_id: UUID) -> Course:
    """Return one course of a school. Raises NotFoundError for another's."""
    wanted = _COURSES.where(Context.organisation_id == school_id, Context.id == context_id)
    row = session.execute(wanted).one_or_none()
    if row is None:
        raise NotFoundError("There is no such course at this school.")
    return Course(*row)


def want(found: Course, now: datetime) -> None:
    """Have a course read as soon as the worker can.

    Raises:
        ConflictError: its platform doesn't list members, or is paused.
    """
    if found.context.memberships_url is None:
        raise ConflictError(
            f"{found.registration.name} doesn’t say who is in this course. Its administrator can let it, by allowing "
            "“Names and Roles” for Countersign."
        )
    if found.registration.state is RegistrationState.PAUSED:
        raise ConflictError(f"{found.registration.name} is paused. An administrator can go on with it.")
    found.context.sync_wanted_at = now
    session.info[WANTED] = True


def plan_night(now: datetime) -> None:
    """Have every course that can be read be read in the coming night, spread over its hours."""
    begins = now.astimezone(LONDON).replace(hour=NIGHT.start, minute=0, second=0, microsecond=0)
    lasts = len(NIGHT) * 3600
    for context_id in session.scalars(_READABLE):
        at = begins + timedelta(seconds=context_id.int % lasts)
        session.execute(
            sa.update(Context)
            .where(Context.id == context_id, Context.sync_wanted_at.is_(None))
            .values(sync_wanted_at=at)
        )


def sync_next(services: Services, now: datetime) -> bool:
    """Read the course that has waited longest and record who is in it. Return whether there was one.

    A list that can't be had whole changes nothing, and the course says why. No transaction may be open.
    """
    with transaction():
        taken = _take(now)
    if taken is None:
        return False
    try:
        members = services.members(taken.registration, taken.url, now)
    except ServiceError as error:
        with transaction():
            _settle(taken, sync_problem=error.reason)
    else:
        # Compared before anything is locked: in a large course that takes longer than writing what is new.
        listed = {member.user_id: _row(taken, member) for member in members if member.status == ACTIVE}
        with transaction(write=False):
            changes = _compare(taken, listed)
        with transaction():
            _record(taken, listed, changes)
    return True


def accept_empty(found: Course, now: datetime) -> None:
    """Take an empty list as it is: everybody who was in the course has gone. HR says so, nobody else."""
    if found.context.sync_problem != EMPTY:
        raise ConflictError("The platform’s list has changed since. Look at this page again.")
    _end(_current(found.context.id).values(), now)
    found.context.synced_at, found.context.sync_problem = now, None


_COURSES = (
    sa.select(Context, Registration)
    .join(Deployment, Deployment.id == Context.deployment_id)
    .join(Registration, Registration.id == Deployment.registration_id)
)
_READABLE = (
    sa.select(Context.id)
    .join(Deployment, Deployment.id == Context.deployment_id)
    .join(Registration, Registration.id == Deployment.registration_id)
    .where(Context.memberships_url.is_not(None), Registration.state == RegistrationState.ACTIVE)
)
_Row = Mapping[str, object]
_membership = cast(sa.Table, Membership.__table__)


def _take(now: datetime) -> _Taken | None:
    oldest = _READABLE.where(Context.sync_wanted_at <= now).order_by(Context.sync_wanted_at).limit(1)
    context_id = session.scalar(
        sa.update(Context)
        .where(Context.id == oldest.scalar_subquery(), Context.sync_wanted_at <= now)
        .values(sync_wanted_at=now + LEASE)
        .returning(Context.id)
        .execution_options(synchronize_session=False)
    )
    if context_id is None:
        return None
    url, registration = session.execute(
        _COURSES.with_only_columns(Context.memberships_url, Registration).where(Context.id == context_id)
    ).one()
    assert url is not None
    return _Taken(context_id, url, registration, now)


def _settle(taken: _Taken, **values: object) -> None:
    session.execute(
        sa.update(Context)
        .where(Context.id == taken.context_id)
        .values(**values)
        .execution_options(synchronize_session=False)
    )
    # Unless it was asked for again meanwhile.
    session.execute(
        sa.update(Context)
        .where(Context.id == taken.context_id, Context.sync_wanted_at == taken.asked_at + LEASE)
        .values(sync_wanted_at=None)
        .execution_options(synchronize_session=False)
    )


@dataclass(frozen=True, slots=True)
class _Changes:
    """What a list says that isn't recorded. `since` is when the list was read that it was compared with."""

    since: datetime | None
    gone: list[_Row]
    changed: list[_Row]
    added: list[_Row]
    is_emptied: bool


def _compare(taken: _Taken, listed: Mapping[str, _Row]) -> _Changes:
    since = session.scalar(sa.select(Context.synced_at).where(Context.id == taken.context_id))
    known = _current(taken.context_id)
    changed = [row for sub, row in known.items() if sub in listed and _differs(row, listed[sub])]
    ids = {row["sub"]: row["id"] for row in changed}
    return _Changes(
        since=since,
        gone=[row for sub, row in known.items() if sub not in listed],
        changed=changed,
        added=[
            {**row, "id": ids.get(sub, uuid4())}
            for sub, row in listed.items()
            if sub in ids or sub not in known
        ],
        is_emptied=bool(known) and not listed,
    )


def _record(taken: _Taken, listed: Mapping[str, _Row], changes: _Changes) -> None:
    """Write down who is in a course: those who came, those who changed, and those who are there no more."""
    held = sa.select(Context.synced_at).where(Context.id == taken.context_id).with_for_update()
    since = session.scalar(held)
    if since != changes.since or (since is not None and since >= taken.asked_at):
        return  # another list was here first; a worker looks again when the lease is over
    if changes.is_emptied:
        _settle(taken, sync_problem=EMPTY)
        return
    _end(changes.gone, taken.asked_at)
    _end(changes.changed, taken.asked_at, is_settled=True)
    if changes.added:
        session.execute(sa.insert(_membership), changes.added)
    _forget_proposals(taken.context_id, listed)
    _settle(taken, synced_at=taken.asked_at, sync_problem=None)


def _row(taken: _Taken, member: Member) -> dict[str, object]:
    said = Listed(member.user_id, member.name, member.given, member.family, member.email, member.staff_no)
    forename, surname = identities.names_of(said)
    return {
        "context_id": taken.context_id,
        "recorded_from": taken.asked_at,
        "sub": member.user_id,
        "forename": forename,
        "surname": surname,
        "sort_name": folded(f"{surname} {forename}"),
        "email": member.email,
        "staff_no": member.staff_no,
        "roles": list(member.roles),
        "is_settled": False,
    }


def _current(context_id: UUID) -> dict[str, _Row]:
    rows = session.execute(
        sa.select(_membership).where(
            _membership.c.context_id == context_id, _membership.c.recorded_to.is_(None)
        )
    )
    return {row["sub"]: dict(row) for row in rows.mappings()}


def _differs(known: _Row, listed: _Row) -> bool:
    return any(known[key] != listed[key] for key in ("forename", "surname", "email", "staff_no", "roles"))


def _end(rows: Iterable[_Row], now: datetime, *, is_settled: bool = False) -> None:
    keys = [{"row_id": row["id"], "since": row["recorded_from"]} for row in rows]
    if keys:
        session.execute(
            sa.update(_membership)
            .where(_membership.c.id == sa.bindparam("row_id"))
            .where(_membership.c.recorded_from == sa.bindparam("since"))
            .values(recorded_to=now, is_settled=is_settled),
            keys,
        )


def _forget_proposals(context_id: UUID, listed: Mapping[str, _Row]) -> None:
    """Take back that somebody may have left who is in the course again."""
    open_ = session.execute(
        sa.select(_membership.c.id, _membership.c.recorded_from, _membership.c.sub)
        .where(_membership.c.context_id == context_id, _membership.c.recorded_to.is_not(None))
        .where(_membership.c.is_settled.is_(False))
    )
    for id, since, sub in open_.all():
        if sub in listed:
            session.execute(
                sa.update(_membership)
                .where(_membership.c.id == id, _membership.c.recorded_from == since)
                .values(is_settled=True)
            )
