"""Expecting people: those whom the trust knows are found and offered, and nobody is put on record twice unasked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID, uuid5

import sqlalchemy as sa

from lms import audit
from lms.audit import Event
from lms.booking_lines import Booking
from lms.clock import london_day
from lms.db import session
from lms.desk import Visit
from lms.people import Engagement, Person, add_person, end_engagement, engage, folded, name_fits, split_name
from lms.schools import Organisation

STILL_ONE_BOOKING = timedelta(days=4)
"""Who comes back so soon after their last day (a weekend lies between) stays on the same engagement, made longer."""


@dataclass(frozen=True, slots=True)
class Known:
    """Somebody on record in the trust who may be the one that is expected: name, agency, school, dates and no more."""

    person: Person
    agency: str | None
    school: str | None
    starts: date | None
    ends: date | None
    same_agency: bool


def known(school: Organisation, bookings: Sequence[Booking]) -> dict[int, list[Known]]:
    """Return whom the trust knows by the name in each booking, by its line number; those of the same agency first.

    Two queries, however many bookings there are.
    """
    people = _people_like(school.root_id, [booking.name for booking in bookings])
    latest = _latest_engagements([person.id for person in people])
    found: dict[int, list[Known]] = {}
    for booking in bookings:
        fitting = [person for person in people if name_fits(booking.name, person)]
        if fitting:
            offered = [_known(person, latest.get(person.id), booking) for person in fitting]
            found[booking.number] = sorted(offered, key=lambda k: (not k.same_agency, k.person.sort_name))
    return found


def record_look_up(school: Organisation, shown: Iterable[Known], by: UUID, now: datetime) -> None:
    """Write down whose earlier work in the trust was shown to a school's desk."""
    for person_id in {offered.person.id for offered in shown}:
        audit.record(
            Event.KNOWN_VISITOR_SHOWN,
            organisation_id=school.id,
            now=now,
            actor_id=by,
            subject_id=person_id,
        )


def expect(
    school: Organisation,
    bookings: Sequence[Booking],
    same: dict[int, UUID],
    *,
    batch: UUID,
    by: UUID | None,
    now: datetime,
) -> list[Visit]:
    """Put visits on record for some bookings and return them; a second time with the same `batch` makes none anew.

    `same` names the person on record for a booking's line number; the others are new to the trust, one person for
    all the lines that share name and agency. `by` is who expects them; None for a walk-in.
    """
    # Two presses at once: the second waits here, and then finds what the first made.
    session.execute(
        sa.select(Organisation.id).where(Organisation.id == school.id).with_for_update(key_share=True)
    )
    if made_before := made(school, bookings, batch, now):
        return made_before
    people: dict[tuple[str, str], Person] = {}
    visits: list[Visit] = []
    for booking in bookings:
        person = _person(school, booking, same, people)
        engagement = _engagement(school, person, booking, now)
        visits += _visits(school, person, engagement, booking, batch, by, now)
    session.flush()
    return visits


def made(school: Organisation, bookings: Sequence[Booking], batch: UUID, now: datetime) -> list[Visit]:
    """Return what an earlier press of the same button put on record: the first day of each booking, or nothing."""
    today = london_day(now)
    wanted = [_visit_id(school, batch, booking, booking.days_from(today)[0]) for booking in bookings]
    return list(session.scalars(sa.select(Visit).where(Visit.id.in_(wanted))))


def _people_like(root_id: UUID, names: Sequence[str]) -> list[Person]:
    surnames = {folded(name).split()[-1] for name in names}
    if not surnames:
        return []
    padded = sa.literal(" ") + Person.sort_name + sa.literal(" ")
    return list(
        session.scalars(
            sa.select(Person)
            .where(Person.root_id == root_id, Person.erased_at.is_(None), Person.merged_into.is_(None))
            .where(sa.or_(*(padded.contains(f" {name} ", autoescape=True) for name in sorted(surnames))))
            .order_by(Person.sort_name, Person.id)
        )
    )


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


def _known(person: Person, latest: tuple[Engagement, str] | None, booking: Booking) -> Known:
    if latest is None:
        return Known(person, None, None, None, None, same_agency=False)
    engagement, school = latest
    same_agency = bool(booking.agency) and folded(engagement.agency or "") == folded(booking.agency)
    return Known(person, engagement.agency, school, engagement.starts, engagement.ends, same_agency)


def _visit_id(school: Organisation, batch: UUID, booking: Booking, day: date) -> UUID:
    # With the name in it: a page that the browser kept may be sent again for somebody else.
    return uuid5(batch, f"{school.id} {booking.number} {booking.key} {day.isoformat()}")


def _person(
    school: Organisation, booking: Booking, same: dict[int, UUID], people: dict[tuple[str, str], Person]
) -> Person:
    if booking.number in same:
        return session.get_one(Person, same[booking.number])
    if booking.key not in people:
        forename, surname = split_name(booking.name)
        people[booking.key] = add_person(school.root_id, forename=forename, surname=surname)
    return people[booking.key]


def _engagement(school: Organisation, person: Person, booking: Booking, now: datetime) -> Engagement:
    """Return the engagement that covers a booking: one on record, one made longer, or a new one."""
    for engagement in session.scalars(
        sa.select(Engagement)
        .where(Engagement.person_id == person.id, Engagement.organisation_id == school.id)
        .where(Engagement.recorded_to.is_(None), Engagement.type == booking.type)
        .where(Engagement.starts <= booking.starts)
        .order_by(Engagement.starts.desc())
    ):
        if folded(engagement.agency or "") != folded(booking.agency):
            continue
        if engagement.ends is None or engagement.ends >= booking.ends:
            return engagement
        if booking.starts - engagement.ends <= STILL_ONE_BOOKING:
            return end_engagement(engagement, ends=booking.ends, now=now)
    return engage(
        person,
        school.id,
        booking.type,
        starts=booking.starts,
        ends=booking.ends,
        agency=booking.agency or None,
        now=now,
    )


def _visits(
    school: Organisation,
    person: Person,
    engagement: Engagement,
    booking: Booking,
    batch: UUID,
    by: UUID | None,
    now: datetime,
) -> list[Visit]:
    """Return one visit a day from today on; those that were expected already are left as they are."""
    days = booking.days_from(london_day(now))
    there = session.scalars(
        sa.select(Visit).where(
            Visit.organisation_id == school.id, Visit.person_id == person.id, Visit.day.in_(days)
        )
    )
    held = {visit.day: visit for visit in there}
    for day in days:
        if day not in held:
            held[day] = Visit(
                id=_visit_id(school, batch, booking, day),
                organisation_id=school.id,
                person_id=person.id,
                engagement_id=engagement.id,
                day=day,
                expected_by=by,
                changed_at=now,
            )
            session.add(held[day])
    session.flush()
    return [held[day] for day in days]
