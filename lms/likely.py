"""Who on record in the trust may be the same person: found and asked about, so that nobody is recorded twice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa

from lms.db import session
from lms.people import Engagement, Person, folded, name_fits
from lms.schools import Organisation

MOST_OFFERED = 10


@dataclass(frozen=True, slots=True)
class Likely:
    """Somebody on record who may be meant: what may be shown of them at another school, and no more."""

    person: Person
    alike: tuple[str, ...]
    """What is the same: "name", "e-mail", "staff number"."""
    engagement: Engagement | None
    """The latest, as it is recorded now."""
    school: str | None


def likely(
    root_id: UUID, *, name: str, email: str | None, staff_no: str | None, but: UUID | None = None
) -> list[Likely]:
    """Return who in a trust may be the person of this name, e-mail address or staff number. Two queries.

    `but` leaves out the person whom it is asked about.
    """
    wanted = [
        (person, alike)
        for person in _people_like(root_id, name, email, staff_no)
        if person.id != but and (alike := _alike(person, name, email, staff_no))
    ]
    # A shared office address or a common name may be that of many; who has most in common comes first.
    wanted = sorted(wanted, key=lambda pair: -len(pair[1]))[:MOST_OFFERED]
    latest = _latest_engagements([person.id for person, _ in wanted])
    return [Likely(person, alike, *latest.get(person.id, (None, None))) for person, alike in wanted]


def _people_like(root_id: UUID, name: str, email: str | None, staff_no: str | None) -> Sequence[Person]:
    padded = sa.literal(" ") + Person.sort_name + sa.literal(" ")
    words = folded(name).split()
    may_be = [padded.contains(f" {words[-1]} ", autoescape=True)] if words else []
    if email:
        may_be.append(Person.email == email.strip().lower())
    if staff_no:
        may_be.append(Person.staff_no == staff_no)
    if not may_be:
        return []
    return session.scalars(
        sa.select(Person)
        .where(
            Person.root_id == root_id,
            Person.erased_at.is_(None),
            Person.merged_into.is_(None),
            sa.or_(*may_be),
        )
        .order_by(Person.sort_name, Person.id)
    ).all()


def _alike(person: Person, name: str, email: str | None, staff_no: str | None) -> tuple[str, ...]:
    same = {
        "name": bool(name) and name_fits(name, person),
        "e-mail": bool(email) and person.email == (email or "").strip().lower(),
        "staff number": bool(staff_no) and person.staff_no == staff_no,
    }
    return tuple(what for what, is_same in same.items() if is_same)


def _latest_engagements(people: Sequence[UUID]) -> dict[UUID, tuple[Engagement, str]]:
    if not people:
        return {}
    rows = session.execute(
        sa.select(Engagement, Organisation.name)
        .join(Organisation, Organisation.id == Engagement.organisation_id)
        .where(Engagement.person_id.in_(people), Engagement.recorded_to.is_(None))
        .order_by(Engagement.starts, Engagement.id)
    )
    # The later ones take the place of the earlier.
    return {engagement.person_id: (engagement, school) for engagement, school in rows}
