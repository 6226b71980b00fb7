"""Being away: on maternity leave, ill, on sabbatical. Nothing is asked of who is away, and the clock stands still.

Whatever was due moves on by the days away that have passed since its clock began. Why somebody is away is HR's alone
to see, and is in no report.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from lms.clock import day_in_words
from lms.db import Base, Versioned, one_current, session
from lms.errors import ConflictError
from lms.people import Person
from lms.recording import record_anew
from lms.sql_days import earlier, later, nights

Moment = datetime | sa.BindParameter[datetime]


class Absence(Versioned, Base):
    """Somebody is away from a school from a day until another. As it was recorded; no two of a person overlap."""

    __tablename__ = "absence"
    __table_args__ = (
        one_current("absence", "id"),
        sa.Index("ix_absence_organisation_person", "organisation_id", "person_id"),
    )

    organisation_id: Mapped[UUID] = mapped_column(sa.ForeignKey("organisation.id"))
    person_id: Mapped[UUID] = mapped_column(sa.ForeignKey("person.id"), index=True)
    starts: Mapped[date]
    """The first day away."""
    ends: Mapped[date | None]
    """The last day away; null until it is known."""
    reason: Mapped[str | None]
    """HR's alone to see."""
    recorded_by: Mapped[UUID | None]

    def is_on(self, day: date) -> bool:
        """Say whether somebody is away on a day."""
        return Away(self.starts, self.ends).covers(day)

    def overlaps(self, starts: date, ends: date | None) -> bool:
        """Say whether some of these days are others too."""
        return self.starts <= (ends or date.max) and starts <= (self.ends or date.max)


@dataclass(frozen=True, slots=True)
class Away:
    """The days of one absence."""

    first: date
    last: date | None

    def covers(self, day: date) -> bool:
        """Say whether somebody is away on a day."""
        return self.first <= day and (self.last is None or self.last >= day)


def is_away(days: Sequence[Away], day: date) -> bool:
    """Say whether one of these absences is on a day."""
    return any(away.covers(day) for away in days)


def days_away(days: Sequence[Away], since: date, until: date) -> int:
    """Return how many days of these absences lie between two days, both counted."""
    spans = ((max(away.first, since), min(away.last or until, until)) for away in days)
    return sum(max(0, (last - first).days + 1) for first, last in spans)


def away_on(
    person_id: sa.ColumnElement[Any],
    organisation_id: UUID | sa.ColumnElement[UUID],
    day: date,
    moment: Moment,
) -> sa.ColumnElement[bool]:
    """Return the condition that somebody is away from a school on a day, as was recorded at the moment.

    Few are away: one list of them beats a look-up for each person.
    """
    return person_id.in_(
        sa.select(Absence.person_id).where(
            *_begun(organisation_id, day, moment), sa.or_(Absence.ends.is_(None), Absence.ends >= day)
        )
    )


def been_away(
    person_id: sa.ColumnElement[Any],
    organisation_id: UUID | sa.ColumnElement[UUID],
    day: date,
    moment: Moment,
) -> sa.ColumnElement[bool]:
    """Return the condition that somebody is or has been away from a school by a day."""
    return person_id.in_(sa.select(Absence.person_id).where(*_begun(organisation_id, day, moment)))


def days_away_since(
    person_id: Any, since: Any, organisation_id: Any, day: date, moment: Moment
) -> sa.ColumnElement[int]:
    """Return `days_away` as SQL, for a person and a first day that are columns of the statement around it."""
    last = earlier(sa.func.coalesce(Absence.ends, day), sa.literal(day, sa.Date()))
    spent = nights(later(Absence.starts, since), last) + 1
    return (
        sa.select(sa.func.coalesce(sa.func.sum(sa.case((spent > 0, spent), else_=0)), 0))
        .where(Absence.person_id == person_id, *_begun(organisation_id, day, moment))
        .scalar_subquery()
    )


def spans(
    person_id: sa.ColumnElement[Any],
    organisation_id: UUID | sa.ColumnElement[UUID],
    day: date,
    moment: Moment,
) -> sa.ColumnElement[str | None]:
    """Return the days that somebody has been away, written in one text that `read_spans` reads; null for most."""
    written = (
        sa.cast(Absence.starts, sa.Text()) + "/" + sa.func.coalesce(sa.cast(Absence.ends, sa.Text()), "")
    )
    theirs = (
        sa.select(sa.func.aggregate_strings(written, " "))
        .where(Absence.person_id == person_id, *_begun(organisation_id, day, moment))
        .scalar_subquery()
    )
    return sa.case((been_away(person_id, organisation_id, day, moment), theirs), else_=sa.null())


def read_spans(text: str | None) -> tuple[Away, ...]:
    """Read what `spans` wrote."""
    pairs = (span.partition("/") for span in (text or "").split())
    return tuple(
        Away(date.fromisoformat(first), date.fromisoformat(last) if last else None)
        for first, _, last in pairs
    )


def _begun(
    organisation_id: UUID | sa.ColumnElement[UUID], day: date, moment: Moment
) -> list[sa.ColumnElement[bool]]:
    return [
        Absence.organisation_id == organisation_id,
        Absence.recorded_at(moment),
        Absence.starts <= day,
    ]


def record_absence(
    person: Person,
    school_id: UUID,
    *,
    starts: date,
    ends: date | None,
    reason: str | None,
    by: UUID | None,
    now: datetime,
) -> Absence:
    """Record that somebody is away from a school from a day; `ends` is the last day, None until it is known.

    Raises:
        ConflictError: the days overlap with another absence, or are the wrong way round.
    """
    _check(person, school_id, None, starts, ends)
    absence = Absence(
        id=uuid4(),
        recorded_from=now,
        organisation_id=school_id,
        person_id=person.id,
        starts=starts,
        ends=ends,
        reason=reason,
        recorded_by=by,
    )
    session.add(absence)
    session.flush()
    return absence


def change_absence(
    absence: Absence, person: Person, changes: Mapping[str, Any], *, by: UUID | None, now: datetime
) -> Absence:
    """Record an absence anew: its days or its reason. Reports of earlier days keep what they said.

    Raises:
        ConflictError: the days overlap with another absence, or are the wrong way round.
    """
    starts, ends = (changes.get(name, getattr(absence, name)) for name in ("starts", "ends"))
    _check(person, absence.organisation_id, absence.id, starts, ends)
    return record_anew([(absence, changes)], by=by, now=now)[0]


def come_back(absence: Absence, person: Person, day: date, *, by: UUID | None, now: datetime) -> None:
    """Record the first day back. Back on the very day on which the absence was to begin, there was none."""
    if day <= absence.starts:
        absence.recorded_to = now
        session.flush()
    else:
        change_absence(absence, person, {"ends": day - timedelta(days=1)}, by=by, now=now)


def absences_of(person_id: UUID, school_id: UUID) -> list[Absence]:
    """Return somebody's absences from a school as they are recorded now, the latest first. For HR alone."""
    return list(
        session.scalars(
            sa.select(Absence)
            .where(Absence.person_id == person_id, Absence.organisation_id == school_id)
            .where(Absence.recorded_to.is_(None))
            .order_by(Absence.starts.desc())
        )
    )


def _check(person: Person, school_id: UUID, but: UUID | None, starts: date, ends: date | None) -> None:
    if ends is not None and ends < starts:
        raise ConflictError("The last day away can't be before the first.")
    # Two officers at once: the second waits here, and then finds what the first recorded.
    session.execute(sa.select(Person.id).where(Person.id == person.id).with_for_update(key_share=True))
    for other in absences_of(person.id, school_id):
        if other.id != but and other.overlaps(starts, ends):
            until = f"to {day_in_words(other.ends)}" if other.ends else "onwards"
            raise ConflictError(
                f"{person.name} is recorded as away from {day_in_words(other.starts)} {until} already. "
                "Change that absence, or choose other days."
            )
