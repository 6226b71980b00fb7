"""Who a platform's user is here: kept by (registration, sub), and never merged with anybody by e-mail alone."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol
from uuid import UUID, uuid4

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, mapped_column

from lms.db import Base, is_sqlite, session
from lms.lti.claims import Claims
from lms.lti.platforms import Registration
from lms.people import Person, add_person, name_person, people_with_email, split_name
from lms.schools import Organisation


class Described(Protocol):
    """Somebody as a platform describes them: in a launch, or in the list of a course's members."""

    @property
    def sub(self) -> str:
        """What the platform knows them by."""

    @property
    def name(self) -> str:
        """The whole name."""

    @property
    def given_name(self) -> str:
        """The forename."""

    @property
    def family_name(self) -> str:
        """The surname."""

    @property
    def email(self) -> str | None:
        """An address, in any case."""

    @property
    def staff_no(self) -> str | None:
        """lis.person_sourcedid, or its like in a list."""


LONGEST = 200
"""Characters of a name that are kept."""


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


def make(registration: Registration, school: Organisation, claims: Described, now: datetime) -> Identity:
    """Make a person for a user whom nobody has seen before; return the identity that two launches at once share."""
    forename, surname = names_of(claims)
    email = _address(claims)
    person = add_person(
        school.root_id,
        forename=forename,
        surname=surname,
        email=_free_address(email),
        staff_no=_free_staff_no(claims.staff_no, school.root_id),
    )
    values = {
        "id": uuid4(),
        "registration_id": registration.id,
        "sub": claims.sub,
        "person_id": person.id,
        "name": f"{forename} {surname}".strip(),
        "email": email,
        "staff_no": claims.staff_no,
        "first_seen_at": now,
        "made_person": True,
    }
    insert = sqlite.insert(Identity) if is_sqlite() else postgresql.insert(Identity)
    is_first = session.execute(insert.values(values).on_conflict_do_nothing().returning(Identity.id)).first()
    if is_first is None:
        # The other launch, of the same click in another tab, was there first.
        session.delete(person)
        session.flush()
    identity = of(registration.id, claims.sub)
    assert identity is not None
    return identity


def of(registration_id: UUID, sub: str) -> Identity | None:
    """Return who a user of a platform is here; None for one who hasn't been seen."""
    return session.scalar(
        sa.select(Identity).where(Identity.registration_id == registration_id, Identity.sub == sub)
    )


def refresh(identity: Identity, person: Person, claims: Claims) -> None:
    """Keep what the platform says now of somebody, where it says it and it has changed.

    The person's own name and address follow only where the identity made that person, and never what HR wrote: what
    the platform says for the second time changes nothing. Asks no query where nothing is new.
    """
    _rename(identity, person, claims)
    email = _address(claims)
    if email is not None and email != identity.email:
        identity.email = email
        if identity.made_person:
            person.email = _free_address(email, person.id)
    if claims.staff_no is not None and claims.staff_no != identity.staff_no:
        identity.staff_no = claims.staff_no
        if identity.made_person:
            person.staff_no = _free_staff_no(claims.staff_no, person.root_id, person.id)


def release(person: Person) -> None:
    """Give up an address or staff number that somebody else has: HR's list goes before what a platform says."""
    person.email = _free_address(person.email, person.id)
    person.staff_no = _free_staff_no(person.staff_no, person.root_id, person.id)


def _rename(identity: Identity, person: Person, claims: Claims) -> None:
    forename, surname = names_of(claims)
    name = f"{forename} {surname}".strip()
    if not name or name == identity.name:
        return
    identity.name = name
    if identity.made_person:
        name_person(person, forename, surname)


def names_of(claims: Described) -> tuple[str, str]:
    """Return (forename, surname) as far as a launch says them: two parts, a full name taken apart, one, or none."""
    given, family = _plain(claims.given_name), _plain(claims.family_name)
    if given and family:
        return given, family
    return split_name(_plain(claims.name)) if _plain(claims.name) else (given, family)


def _plain(name: str | None) -> str:
    return " ".join("".join(c if c.isprintable() else " " for c in name or "").split())[:LONGEST].strip()


def _address(claims: Described) -> str | None:
    address = _plain(claims.email).lower()
    return address if "@" in address else None


def _free_address(email: str | None, person_id: UUID | None = None) -> str | None:
    """Return an address that is nobody else's, else None.

    On most platforms people may change their own address. An address that two people have signs nobody in, so
    whoever put another's there would lock them out.
    """
    if email is None or any(other.id != person_id for other in people_with_email(email)):
        return None
    return email


def _free_staff_no(staff_no: str | None, root_id: UUID, person_id: UUID | None = None) -> str | None:
    """Return a staff number that is nobody else's, else None: HR's lists find people by it."""
    if staff_no is None:
        return None
    holders = sa.select(Person.id).where(Person.root_id == root_id, Person.staff_no == staff_no)
    return None if any(holder != person_id for holder in session.scalars(holders)) else staff_no
