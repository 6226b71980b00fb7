"""What people ask for instead of signing: another way, an answer, or "this isn't me"."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID, uuid4

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from lms import mail, tokens
from lms.db import Base, session
from lms.mail import MessageKind
from lms.people import Person, Role, RoleName
from lms.schools import Organisation

MOST_CHARACTERS = 2000
"""How long a question or a reason may be."""
MOST_ANNOUNCED = 5
"""How many times an hour one person's requests are announced to HR by mail."""


class HelpKind(StrEnum):
    """Why somebody stopped before signing (DOMAIN: not signing). Needing time is no request; declining is evidence."""

    ANOTHER_WAY = "another_way"
    QUESTION = "question"
    NOT_ME = "not_me"

    @property
    def words(self) -> str:
        """The request in words, as HR reads it."""
        return _WORDS[self]


_WORDS = {
    HelpKind.ANOTHER_WAY: "Needs it another way",
    HelpKind.QUESTION: "Has a question",
    HelpKind.NOT_ME: "Says “This isn’t me”",
}


class HelpRequest(Base):
    """One request to HR, open until somebody deals with it."""

    __tablename__ = "help_request"
    __table_args__ = (sa.Index("ix_help_request_open", "organisation_id", "answered_at"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    organisation_id: Mapped[UUID] = mapped_column(sa.ForeignKey("organisation.id"))
    person_id: Mapped[UUID] = mapped_column(sa.ForeignKey("person.id"), index=True)
    assignment_id: Mapped[UUID]
    kind: Mapped[HelpKind]
    text: Mapped[str]
    asked_at: Mapped[datetime]
    answered_at: Mapped[datetime | None]
    answered_by: Mapped[UUID | None]


def ask(
    school: Organisation, person_id: UUID, assignment_id: UUID, kind: HelpKind, text: str, now: datetime
) -> HelpRequest:
    """Put a request before HR; the same one, still open, isn't doubled but gets the newest words."""
    request = open_request(person_id, assignment_id, kind)
    if request is None:
        request = HelpRequest(id=uuid4(), organisation_id=school.id, person_id=person_id)
        request.assignment_id, request.kind = assignment_id, kind
        session.add(request)
    request.text, request.asked_at = text, now
    session.flush()
    return request


def tell_hr(school: Organisation, asker: Person, request: HelpRequest, now: datetime) -> None:
    """Queue a message to each of the school's HR people (its own and its trust's) that have an address.

    It says who asked for what kind of help, never what they wrote. The same words twice are one message, and
    somebody who keeps changing them is kept on record but not announced more than `MOST_ANNOUNCED` times an hour.
    """
    announced = f"help requests of {asker.id}"
    if not tokens.allow(announced, most=MOST_ANNOUNCED, within=timedelta(hours=1), now=now):
        return
    words = hashlib.sha256(request.text.encode()).hexdigest()[:16]
    for person in hr_people(school):
        mail.queue(
            MessageKind.HELP_REQUEST,
            organisation_id=school.id,
            address=person.email or "",
            person_id=person.id,
            dedupe=f"help_request:{request.id}:{person.id}:{words}",
            now=now,
            person=str(asker.id),
            name=asker.name,
            asked=request.kind.words,
        )


def hr_people(school: Organisation) -> list[Person]:
    """Return a school's HR people, its own and its trust's, that have an address."""
    places = [school.id] + ([school.parent_id] if school.parent_id else [])
    rows = session.scalars(
        sa.select(Person)
        .join(Role, Role.person_id == Person.id)
        .where(Role.organisation_id.in_(places), Role.name == RoleName.HR)
        .where(Person.email.is_not(None), Person.erased_at.is_(None))
        .order_by(Person.id)
    )
    return list(dict.fromkeys(rows))


def open_request(person_id: UUID, assignment_id: UUID, kind: HelpKind) -> HelpRequest | None:
    """Return what somebody asked about an assignment and nobody has dealt with yet."""
    return session.scalar(
        sa.select(HelpRequest).where(
            HelpRequest.person_id == person_id,
            HelpRequest.assignment_id == assignment_id,
            HelpRequest.kind == kind,
            HelpRequest.answered_at.is_(None),
        )
    )


def settle(request: HelpRequest, actor_id: UUID, now: datetime) -> None:
    """Write down that somebody has dealt with a request."""
    request.answered_at, request.answered_by = now, actor_id


def open_requests(organisation_id: UUID) -> list[HelpRequest]:
    """Return what a school's people have asked for and nobody has dealt with, oldest first."""
    return list(
        session.scalars(
            sa.select(HelpRequest)
            .where(HelpRequest.organisation_id == organisation_id, HelpRequest.answered_at.is_(None))
            .order_by(HelpRequest.asked_at)
        )
    )
