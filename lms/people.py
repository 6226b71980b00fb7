"""People, what they are engaged as, and what they may do."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping
from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID, uuid4

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from lms.clock import london_day
from lms.db import Base, Versioned, one_current, session
from lms.recording import record_anew

NAMELESS = "Name not given"
"""What stands for the name of somebody whose platform sent none, until they type one."""


class EngagementType(StrEnum):
    """What an adult is to a school (policy clause 2.2: paid or not, governors and agency workers included)."""

    TEACHER = "teacher"
    SUPPORT_STAFF = "support_staff"
    SENIOR_LEADER = "senior_leader"
    GOVERNOR = "governor"
    TRUSTEE = "trustee"
    AGENCY_WORKER = "agency_worker"
    CONTRACTOR = "contractor"
    VOLUNTEER = "volunteer"
    TRAINEE = "trainee"
    PERIPATETIC_TEACHER = "peripatetic_teacher"

    @property
    def words(self) -> str:
        """The type as people say it: "Agency worker"."""
        return "Trustee or member" if self is EngagementType.TRUSTEE else self.replace("_", " ").capitalize()


class RoleName(StrEnum):
    """What somebody may do at an organisation. Everyone engaged is a learner; the others are given."""

    LEARNER = "learner"
    RECEPTIONIST = "receptionist"
    MANAGER = "manager"
    HR = "hr"
    ADMIN = "admin"


class Person(Base):
    """An adult. Belongs to the root of the organisation tree; an e-mail address need not be theirs alone."""

    __tablename__ = "person"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    root_id: Mapped[UUID] = mapped_column(sa.ForeignKey("organisation.id"), index=True)
    surname: Mapped[str]
    forename: Mapped[str]
    known_as: Mapped[str | None]
    sort_name: Mapped[str] = mapped_column(index=True)
    """Surname, forename and known-as without case or accents: what lists are ordered and searched by."""
    email: Mapped[str | None] = mapped_column(index=True)
    """Lower case."""
    staff_no: Mapped[str | None]
    sign_in_epoch: Mapped[int] = mapped_column(default=0)
    """Raised to end every session that this person has open."""
    erased_at: Mapped[datetime | None]
    merged_into: Mapped[UUID | None]
    """The record that goes on, where this one was found to be the same person's."""

    @property
    def name(self) -> str:
        """Forename and surname; some people have one name, and words say so where none was given."""
        return full_name(self.forename, self.surname)

    @property
    def is_nameless(self) -> bool:
        """Whether no name is on record: a platform may send somebody without one."""
        return not (self.forename or self.surname)


class Engagement(Versioned, Base):
    """A person's engagement at a school, as it was recorded."""

    __tablename__ = "engagement"
    __table_args__ = (
        one_current("engagement", "id"),
        sa.Index("ix_engagement_organisation_current", "organisation_id", "recorded_to", "person_id"),
    )

    organisation_id: Mapped[UUID] = mapped_column(sa.ForeignKey("organisation.id"))
    person_id: Mapped[UUID] = mapped_column(sa.ForeignKey("person.id"), index=True)
    type: Mapped[EngagementType]
    job_title: Mapped[str | None]
    agency: Mapped[str | None]
    """The agency of an agency worker, the company of a contractor."""
    department: Mapped[str | None]
    manager_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("person.id"), index=True)
    starts: Mapped[date]
    ends: Mapped[date | None]
    """The last day."""
    recorded_by: Mapped[UUID | None]
    """Who recorded it so; null for the command line, and for what was recorded before this was kept."""


class Role(Base):
    """A power that somebody has at one organisation, and over the schools below it."""

    __tablename__ = "role"
    __table_args__ = (sa.UniqueConstraint("person_id", "organisation_id", "name"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    organisation_id: Mapped[UUID] = mapped_column(sa.ForeignKey("organisation.id"))
    person_id: Mapped[UUID] = mapped_column(sa.ForeignKey("person.id"))
    name: Mapped[RoleName]


def add_person(
    root_id: UUID,
    *,
    forename: str,
    surname: str,
    known_as: str | None = None,
    email: str | None = None,
    staff_no: str | None = None,
    id: UUID | None = None,
) -> Person:
    """Add somebody to an organisation tree. Two people may share a name or an address.

    `id` is their own, where it has been given one.
    """
    surname, forename = " ".join(surname.split()), " ".join(forename.split())
    person = Person(
        id=id or uuid4(),
        root_id=root_id,
        surname=surname,
        forename=forename,
        known_as=known_as,
        sort_name=folded(" ".join(filter(None, (surname, forename, known_as)))),
        email=(email or "").strip().lower() or None,
        staff_no=staff_no,
    )
    session.add(person)
    session.flush()
    return person


def full_name(forename: str, surname: str) -> str:
    """Return a name as people read it, or words where none was given."""
    return f"{forename} {surname}".strip() or NAMELESS


def name_person(person: Person, forename: str, surname: str) -> None:
    """Put a name on record for somebody, with what lists are ordered by."""
    person.forename, person.surname = forename, surname
    person.sort_name = folded(" ".join(filter(None, (surname, forename, person.known_as))))


def split_name(name: str) -> tuple[str, str]:
    """Return (forename, surname) of a full name: the last word is the surname, and so is a name of one word."""
    forename, _, surname = name.rpartition(" ")
    return forename, surname


def engage(
    person: Person,
    school_id: UUID,
    type: EngagementType,
    *,
    starts: date,
    now: datetime,
    ends: date | None = None,
    job_title: str | None = None,
    agency: str | None = None,
    department: str | None = None,
    manager_id: UUID | None = None,
    by: UUID | None = None,
) -> Engagement:
    """Record that a person is engaged at a school from a day, until `ends` (the last day) if it is known.

    `by` is who says so; None for the command line.
    """
    engagement = Engagement(
        id=uuid4(),
        recorded_from=now,
        organisation_id=school_id,
        person_id=person.id,
        type=type,
        job_title=job_title,
        agency=agency,
        department=department,
        manager_id=manager_id,
        starts=starts,
        ends=ends,
        recorded_by=by,
    )
    session.add(engagement)
    session.flush()
    return engagement


def end_engagement(
    engagement: Engagement, *, ends: date | None, now: datetime, by: UUID | None = None
) -> Engagement:
    """Record the last day of an engagement, or that it has none: see `correct_engagements`."""
    return correct_engagement(engagement, {"ends": ends}, by=by, now=now)


def correct_engagement(
    engagement: Engagement, changes: Mapping[str, Any], *, by: UUID | None, now: datetime
) -> Engagement:
    """Record an engagement anew with some of its facts changed: see `correct_engagements`."""
    return correct_engagements([(engagement, changes)], by=by, now=now)[0]


def correct_engagements(
    changes: Iterable[tuple[Engagement, Mapping[str, Any]]], *, by: UUID | None, now: datetime
) -> list[Engagement]:
    """Record current engagements anew with some facts changed, so that earlier reports keep what they said.

    Args:
        changes: each engagement, as it is recorded now, with what is to be otherwise (names of `ENGAGEMENT_FACTS`).
        by: who says so; None for the command line.

    Returns:
        The rows that hold now, in the same order: the same row where nothing is otherwise, and where it was recorded
        at this very instant (or later: a clock may go back), because no report has seen it. Two statements for all.
    """
    return record_anew(changes, by=by, now=now)


ENGAGEMENT_FACTS = frozenset(
    {"person_id", "type", "job_title", "agency", "department", "manager_id", "starts", "ends"}
)
"""What of an engagement can be corrected. The person changes when two records are found to be one person's."""


def give_role(person: Person, organisation_id: UUID, name: RoleName) -> None:
    """Give somebody a role at an organisation; a second time changes nothing."""
    held = sa.select(Role.id).where(
        Role.person_id == person.id, Role.organisation_id == organisation_id, Role.name == name
    )
    if session.scalar(held) is None:
        session.add(Role(id=uuid4(), organisation_id=organisation_id, person_id=person.id, name=name))
        session.flush()


def roles_of(person_id: UUID) -> dict[UUID, frozenset[RoleName]]:
    """Return the roles of a person by organisation."""
    return roles_by_organisation(session.scalars(sa.select(Role).where(Role.person_id == person_id)))


def roles_by_organisation(roles: Iterable[Role]) -> dict[UUID, frozenset[RoleName]]:
    """Return the names of some roles by the organisation they are held at."""
    held: dict[UUID, set[RoleName]] = {}
    for role in roles:
        held.setdefault(role.organisation_id, set()).add(role.name)
    return {organisation_id: frozenset(names) for organisation_id, names in held.items()}


def is_current(engagement: Engagement, now: datetime) -> bool:
    """Say whether an engagement has not ended (it may begin later: a new starter learns before day one)."""
    return engagement.ends is None or engagement.ends >= london_day(now)


def works_at(person_id: UUID, organisation_id: UUID, now: datetime) -> bool:
    """Say whether somebody is engaged at a school, or will be. One query."""
    found = session.scalar(
        sa.select(Engagement.id)
        .where(Engagement.person_id == person_id, Engagement.organisation_id == organisation_id)
        .where(Engagement.recorded_to.is_(None))
        .where(sa.or_(Engagement.ends.is_(None), Engagement.ends >= london_day(now)))
        .limit(1)
    )
    return found is not None


def last_day_at(person_id: UUID, organisation_id: UUID, now: datetime) -> date | None:
    """Return the last day of somebody who has left a school; None for whoever never worked there. One query."""
    return session.scalar(
        sa.select(sa.func.max(Engagement.ends))
        .where(Engagement.person_id == person_id, Engagement.organisation_id == organisation_id)
        .where(Engagement.recorded_to.is_(None), Engagement.ends < london_day(now))
    )


def people_with_email(email: str) -> list[Person]:
    """Return everybody with this work address: none, one, or the several who share an office's."""
    wanted = email.strip().lower()
    return list(session.scalars(sa.select(Person).where(Person.email == wanted, Person.erased_at.is_(None))))


def with_the_same(person: Person) -> list[tuple[Person, bool]]:
    """Return who else in the tree has somebody's e-mail address (True), or only their staff number. One query."""
    same = [Person.email == person.email] if person.email else []
    same += [Person.staff_no == person.staff_no] if person.staff_no else []
    found = (
        sa.select(Person)
        .where(Person.root_id == person.root_id, Person.id != person.id, sa.or_(sa.false(), *same))
        .where(Person.erased_at.is_(None), Person.merged_into.is_(None))
        .order_by(Person.sort_name, Person.id)
    )
    return [(one, bool(person.email) and one.email == person.email) for one in session.scalars(found)]


def ever_at(school_id: UUID, name: str, but: Collection[UUID], most: int) -> list[Person]:
    """Return who is, was or will be engaged at a school by words of their name; no more than `most`. One query."""
    engaged = sa.exists().where(
        Engagement.person_id == Person.id,
        Engagement.organisation_id == school_id,
        Engagement.recorded_to.is_(None),
    )
    fits = [Person.sort_name.contains(word, autoescape=True) for word in folded(name).split()]
    found = (
        sa.select(Person)
        .where(
            engaged, *fits, Person.id.not_in(but), Person.erased_at.is_(None), Person.merged_into.is_(None)
        )
        .order_by(Person.sort_name, Person.id)
        .limit(most)
    )
    return list(session.scalars(found)) if fits else []


def colleagues(school_id: UUID, words: str, now: datetime) -> list[Person]:
    """Return who works at a school, or will, by this staff number, e-mail address or name. One query."""
    wanted, name = words.strip(), folded(words).split()
    if not name:
        return []
    works_here = sa.exists().where(
        Engagement.person_id == Person.id,
        Engagement.organisation_id == school_id,
        Engagement.recorded_to.is_(None),
        sa.or_(Engagement.ends.is_(None), Engagement.ends >= london_day(now)),
    )
    may_be = sa.or_(
        Person.staff_no == wanted, Person.email == wanted.lower(), Person.sort_name.contains(name[-1])
    )
    found = session.scalars(
        sa.select(Person).where(works_here, may_be).order_by(Person.sort_name, Person.id)
    ).all()
    exact = [p for p in found if wanted == p.staff_no or wanted.lower() == p.email]
    return exact or [p for p in found if name_fits(wanted, p)]


def name_fits(typed: str, person: Person) -> bool:
    """Say whether a typed name is one that this person goes by, in a forgiving way.

    Case, accents, hyphens, order and middle names don't matter, and the known-as name stands for the forename.
    The whole surname is needed, and one forename when they have any.
    """
    given = set(folded(typed).split())
    surname = set(folded(person.surname).split())
    forenames = set(folded(f"{person.forename} {person.known_as or ''}").split())
    has_forename = bool(given & forenames) or not forenames
    return bool(given) and surname <= given and has_forename


def folded(name: str) -> str:
    """Return a name without case, accents or punctuation, its words parted by one space."""
    if name.isascii():
        return " ".join(re.findall(r"\w+", name.translate(_APOSTROPHES).lower()))
    # Apostrophes go first: taken apart, an accent that stands alone would part the word.
    text = unicodedata.normalize("NFKD", name.translate(_APOSTROPHES)).casefold()
    plain = "".join(c for c in text if not unicodedata.combining(c)).translate(_PLAIN_LETTERS)
    return " ".join(re.findall(r"\w+", plain))


_APOSTROPHES = str.maketrans("", "", "'’‘`´ʼʻ′")
_PLAIN_LETTERS = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ħ": "h", "ı": "i", "æ": "ae", "œ": "oe"}
)
