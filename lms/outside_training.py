"""Training that somebody did elsewhere: what, when, and who says so. It is no signature and never counts as one."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID, uuid4

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

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
