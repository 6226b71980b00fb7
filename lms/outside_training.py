"""Training that somebody did elsewhere: what, when, and who says so. It is no signature and never counts as one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID, uuid4

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, aliased, mapped_column

from lms.clock import london_day
from lms.db import Base, Versioned, one_current, session


class OutsideTraining(Versioned, Base):
    """One thing that somebody did elsewhere, as it was recorded at a school."""

    __tablename__ = "outside_training"
    __table_args__ = (
        one_current("outside_training", "id"),
        sa.Index("ix_outside_training_organisation_person", "organisation_id", "person_id"),
    )

    organisation_id: Mapped[UUID] = mapped_column(sa.ForeignKey("organisation.id"))
    person_id: Mapped[UUID] = mapped_column(sa.ForeignKey("person.id"), index=True)
    title: Mapped[str]
    done_on: Mapped[date]
    said_by: Mapped[str]
    """Who says so: "a certificate of Tandem Education", "she herself"."""
    recorded_by: Mapped[UUID | None]


def record_outside(
    person_id: UUID,
    school_id: UUID,
    *,
    title: str,
    done_on: date,
    said_by: str,
    by: UUID | None,
    now: datetime,
) -> OutsideTraining:
    """Record that somebody did some training elsewhere, and who says so."""
    training = OutsideTraining(
        id=uuid4(),
        recorded_from=now,
        organisation_id=school_id,
        person_id=person_id,
        title=title,
        done_on=done_on,
        said_by=said_by,
        recorded_by=by,
    )
    session.add(training)
    session.flush()
    return training


def withdraw_outside(training: OutsideTraining, now: datetime) -> None:
    """Take back what was recorded by mistake; reports of the days between keep it."""
    training.recorded_to = max(now, training.recorded_from)
    session.flush()


def outside_of(person_id: UUID, school_id: UUID) -> list[OutsideTraining]:
    """Return what somebody did elsewhere as it is recorded now, the latest first."""
    return list(
        session.scalars(
            sa.select(OutsideTraining)
            .where(OutsideTraining.person_id == person_id, OutsideTraining.organisation_id == school_id)
            .where(OutsideTraining.recorded_to.is_(None))
            .order_by(OutsideTraining.done_on.desc(), OutsideTraining.id)
        )
    )


@dataclass(frozen=True, slots=True)
class DoneElsewhere:
    """One thing that somebody did elsewhere, as a report tells of it."""

    title: str
    done_on: date
    said_by: str
    recorded_on: date
    """The London day on which it was first recorded: a merge of two records records it anew."""


def is_any(school_id: UUID, moment: datetime) -> bool:
    """Say whether anything done elsewhere was on record at a school at a moment. One query."""
    found = sa.select(OutsideTraining.id).where(*_on_record(school_id, moment)).limit(1)
    return session.scalar(found) is not None


def done_by(
    people: Sequence[UUID], school_id: UUID, moment: datetime
) -> dict[UUID, tuple[DoneElsewhere, ...]]:
    """Return what each of some people did elsewhere, as on record at a moment, the latest first. One query."""
    rows = session.execute(
        sa.select(
            *(
                OutsideTraining.person_id,
                OutsideTraining.title,
                OutsideTraining.done_on,
                OutsideTraining.said_by,
            ),
            _first_recorded(),
        )
        .where(*_on_record(school_id, moment), OutsideTraining.person_id.in_(people))
        .order_by(OutsideTraining.done_on.desc(), OutsideTraining.id)
    )
    found: dict[UUID, tuple[DoneElsewhere, ...]] = {}
    for person_id, title, done_on, said_by, recorded in rows:
        found[person_id] = (
            *found.get(person_id, ()),
            DoneElsewhere(title, done_on, said_by, london_day(recorded)),
        )
    return found


def _on_record(school_id: UUID, moment: datetime) -> tuple[sa.ColumnElement[bool], ...]:
    return OutsideTraining.organisation_id == school_id, OutsideTraining.recorded_at(moment)


def _first_recorded() -> sa.ScalarSelect[datetime]:
    version = aliased(OutsideTraining)
    first = sa.select(sa.func.min(version.recorded_from)).where(version.id == OutsideTraining.id)
    return first.scalar_subquery()
