"""What was recorded of a person before it was put right: who changed it, when, and from what to what.

A changed name is the person's name from then on, everywhere and in every report: the old one is kept here, where HR
alone sees it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID, uuid4

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from lms.db import Base, session
from lms.people import Person, folded

PERSON_FACTS = {
    "surname": "Surname",
    "forename": "First name",
    "known_as": "Known as",
    "email": "Work e-mail",
    "staff_no": "Staff number",
}
"""What of a person can be corrected, in words."""


class Correction(Base):
    """One fact of a person that was put right. What it was before is HR's alone to see."""

    __tablename__ = "correction"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    root_id: Mapped[UUID] = mapped_column(sa.ForeignKey("organisation.id"))
    person_id: Mapped[UUID] = mapped_column(sa.ForeignKey("person.id"), index=True)
    fact: Mapped[str]
    """One of `PERSON_FACTS`."""
    before: Mapped[str | None]
    after: Mapped[str | None]
    corrected_at: Mapped[datetime] = mapped_column(index=True)
    corrected_by: Mapped[UUID | None]
    """Null for the command line."""

    @property
    def words(self) -> str:
        """What was put right, as people say it: "Surname"."""
        return PERSON_FACTS[self.fact]


def correct_person(
    person: Person, changes: Mapping[str, str | None], *, by: UUID | None, now: datetime
) -> list[Correction]:
    """Put facts of a person right, and keep what they were. Nothing is asked of the database: it goes with the flush.

    So a thousand people are corrected in two statements, if nothing is flushed between them.

    Args:
        person: whom it is about.
        changes: the new value of some of `PERSON_FACTS`; None or empty where there is none.
        by: who says so; None for the command line.
        now: when.

    Returns:
        One row a fact that is otherwise than it was; none where nothing is.
    """
    made = []
    for fact, value in changes.items():
        before, after = getattr(person, fact), _cleaned(fact, value)
        if (before or None) != (after or None):
            setattr(person, fact, after)
            made.append(_correction(person, fact, before or None, after or None, by, now))
    if made:
        person.sort_name = folded(" ".join(filter(None, (person.surname, person.forename, person.known_as))))
        session.add_all(made)
    return made


def corrections_of(person_id: UUID) -> list[Correction]:
    """Return what was put right of a person, the latest first. For HR alone."""
    return list(
        session.scalars(
            sa.select(Correction)
            .where(Correction.person_id == person_id)
            .order_by(Correction.corrected_at.desc(), Correction.fact)
        )
    )


def _cleaned(fact: str, value: str | None) -> str | None:
    text = " ".join((value or "").split())
    if fact in ("surname", "forename"):
        return text
    return (text.lower() if fact == "email" else text) or None


def _correction(
    person: Person, fact: str, before: str | None, after: str | None, by: UUID | None, now: datetime
) -> Correction:
    return Correction(
        id=uuid4(),
        root_id=person.root_id,
        person_id=person.id,
        fact=fact,
        before=before,
        after=after,
        corrected_at=now,
        corrected_by=by,
    )
