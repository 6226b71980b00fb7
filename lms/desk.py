"""The reception desk: who is expected and who has come, and what was seen of them before they began.

Where a visit stands is worked out, never kept; that it is signed comes from the evidence alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID, uuid4

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from lms.clock import london_day
from lms.db import Base, session
from lms.errors import ConflictError, NotFoundError
from lms.people import Person


class PhotoId(StrEnum):
    """Which kind of photo ID was seen. Never a number, never a copy."""

    PASSPORT = "passport"
    DRIVING_LICENCE = "driving_licence"
    AGENCY_BADGE = "agency_badge"
    OTHER = "other"

    @property
    def words(self) -> str:
        """The kind as people say it: "Driving licence"."""
        return "Other photo ID" if self is PhotoId.OTHER else self.replace("_", " ").capitalize()


class Assistance(StrEnum):
    """How somebody was helped to read and understand."""

    READ_ALOUD = "read_aloud"
    INTERPRETED = "interpreted"

    @property
    def words(self) -> str:
        """The help as people say it: "Read aloud"."""
        return self.replace("_", " ").capitalize()


class Place(StrEnum):
    """What a visitor signs on."""

    PHONE = "phone"
    TABLET = "tablet"
    PAPER = "paper"


class Visit(Base):
    """One adult, expected or arrived at one school on one London day."""

    __tablename__ = "visit"
    __table_args__ = (
        sa.UniqueConstraint("organisation_id", "person_id", "day"),
        sa.Index("ix_visit_organisation_day", "organisation_id", "day"),
    )

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


@dataclass(frozen=True, slots=True)
class Checks:
    """The three ticks of arriving, as reception made them."""

    id_kind: PhotoId | None
    same_person: bool
    agency_confirmed: bool


def visit_at(school_id: UUID, visit_id: UUID) -> Visit:
    """Return a visit to a school. Raises NotFoundError for one that is unknown or another school's."""
    visit = session.get(Visit, visit_id)
    if visit is None or visit.organisation_id != school_id:
        raise NotFoundError("There is no such visit at this school.")
    return visit


def visit_on(school_id: UUID, person_id: UUID, day: date) -> Visit | None:
    """Return somebody's visit to a school on a London day."""
    return session.scalar(
        sa.select(Visit).where(
            Visit.organisation_id == school_id, Visit.person_id == person_id, Visit.day == day
        )
    )


def seen(school_id: UUID, person_id: UUID, day: date) -> dict[str, str]:
    """Return what a visitor's record says of that morning: which ID was seen and by whom, and who helped to read."""
    visit = visit_on(school_id, person_id, day)
    if visit is None or visit.id_kind is None or visit.checked_by is None:
        return {}
    found = {"id_seen": visit.id_kind.words, "id_seen_by": session.get_one(Person, visit.checked_by).name}
    if visit.assisted_by and visit.assisted_how:
        found |= {"assisted_by": visit.assisted_by, "assisted_how": Assistance(visit.assisted_how).words}
    return found


def arrive(visit: Visit, checks: Checks, *, from_agency: bool, by: UUID, now: datetime) -> None:
    """Record that somebody is here and who checked it. Of somebody who has arrived already nothing changes.

    Raises:
        ConflictError: one of the ticks is missing (the agency's counts for agency workers alone), or it is another day.
    """
    hold(visit)
    if visit.arrived_at is not None:
        return
    must_be_today(visit, now)
    if not checks.same_person or checks.id_kind is None or (from_agency and not checks.agency_confirmed):
        raise ConflictError("Nobody has arrived until every check is ticked.")
    visit.id_kind, visit.same_person = checks.id_kind, True
    visit.agency_confirmed = from_agency and checks.agency_confirmed
    visit.checked_by, visit.arrived_at = by, now
    _changed(visit, now)


def send_to_class(visit: Visit, *, senior: str, reason: str, now: datetime) -> None:
    """Record that a named senior sent somebody to class before they signed. The first decision stands.

    Raises:
        ConflictError: they have not arrived, so nobody has checked who they are.
    """
    _must_be_here(visit)
    if visit.to_class_at is None:
        visit.to_class_at, visit.to_class_by, visit.to_class_reason = now, senior, reason
        _changed(visit, now)


def assist(visit: Visit, *, by: str, how: Assistance, now: datetime) -> None:
    """Record who reads it aloud to somebody, or interprets it.

    Raises:
        ConflictError: they have not arrived.
    """
    _must_be_here(visit)
    visit.assisted_by, visit.assisted_how = by, how.value
    _changed(visit, now)


def leave(visit: Visit, now: datetime) -> None:
    """Record that somebody has left, and sign out the device that used their code. A second press changes nothing.

    Raises:
        ConflictError: they have not arrived.
    """
    hold(visit)
    _must_be_here(visit)
    if visit.left_at is None:
        visit.left_at = now
        sign_device_out(visit)
        _changed(visit, now)


def hold(visit: Visit) -> None:
    """Read a visit again and let no other request change it meanwhile: two desks, or a desk and a phone, at once."""
    session.refresh(visit, with_for_update=True)


def sign_device_out(visit: Visit) -> None:
    """End the sessions of whoever is here, if a device has begun one with their code."""
    if visit.device_hash is not None:
        session.get_one(Person, visit.person_id).sign_in_epoch += 1


def must_be_today(visit: Visit, now: datetime) -> None:
    """Raise ConflictError where a visit is another day's: who somebody is gets checked on every day they come."""
    if visit.day != london_day(now):
        raise ConflictError(
            "This page is of another day. Go to Reception: who comes today is on today’s list, or can be added to it."
        )


def _must_be_here(visit: Visit) -> None:
    if visit.arrived_at is None:
        raise ConflictError("They have not arrived yet. Check who they are first.")


def _changed(visit: Visit, now: datetime) -> None:
    visit.changed_at = now
    session.flush()
