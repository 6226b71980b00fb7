"""Two records that were found to be one person's. What each signed stays where it is, and counts for the person."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from lms.db import Base, Versioned, session

Moment = datetime | sa.BindParameter[datetime]


class Merge(Versioned, Base):
    """One record was merged into another, as was recorded. Undone, it ends."""

    __tablename__ = "merge"
    __table_args__ = (
        sa.Index(
            "uq_merge_current",
            "merged_id",
            unique=True,
            sqlite_where=sa.text("recorded_to IS NULL"),
            postgresql_where=sa.text("recorded_to IS NULL"),
        ),
    )

    root_id: Mapped[UUID] = mapped_column(sa.ForeignKey("organisation.id"))
    kept_id: Mapped[UUID] = mapped_column(sa.ForeignKey("person.id"), index=True)
    """Whose record goes on."""
    merged_id: Mapped[UUID] = mapped_column(sa.ForeignKey("person.id"))
    """Whose record is at rest: nothing of it is removed."""
    moved: Mapped[dict[str, Any]]
    """The ids of what went over to the record that goes on, by table and column: what undoing it brings back."""
    recorded_by: Mapped[UUID | None]


def is_any(moment: Moment) -> sa.ColumnElement[bool]:
    """Return whether anybody's records had been merged, as one value for a statement."""
    return sa.exists(sa.select(Merge.id).where(Merge.recorded_at(moment)))


def has_several(person_id: sa.ColumnElement[Any], moment: Moment) -> sa.ColumnElement[bool]:
    """Return the condition that somebody has other records beside their own."""
    return person_id.in_(sa.select(Merge.kept_id).where(Merge.recorded_at(moment)))


def is_one_of(
    column: sa.ColumnElement[Any], person_id: sa.ColumnElement[Any], moment: Moment
) -> sa.ColumnElement[bool]:
    """Return the condition that a column names one of somebody's records."""
    others = sa.select(Merge.merged_id).where(Merge.kept_id == person_id, Merge.recorded_at(moment))
    return sa.or_(column == person_id, column.in_(others))


def records_of(person_id: UUID | sa.BindParameter[UUID]) -> sa.CompoundSelect[tuple[UUID]]:
    """Return the statement for the ids of one person's records: their own, and those merged into it."""
    own = sa.select(sa.literal(person_id, sa.Uuid()) if isinstance(person_id, UUID) else person_id)
    return sa.union_all(
        own, sa.select(Merge.merged_id).where(Merge.kept_id == person_id, Merge.recorded_to.is_(None))
    )


def merges_of(person_id: UUID) -> list[Merge]:
    """Return what was merged into or from somebody's record and stands, the latest first."""
    either = sa.or_(Merge.kept_id == person_id, Merge.merged_id == person_id)
    rows = sa.select(Merge).where(either, Merge.recorded_to.is_(None)).order_by(Merge.recorded_from.desc())
    return list(session.scalars(rows))
