"""Staff lists on their way in: the file between the steps, what was chosen, what it did, and how a school's is read."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID, uuid4

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, deferred, mapped_column

from lms.db import Base, session
from lms.errors import NotFoundError
from lms.people import EngagementType
from lms.roster.changes import Choices
from lms.roster.columns import Columns, find_columns
from lms.roster.rows import Rows, read_rows
from lms.roster.table import Cell, Row, Table

KEPT = timedelta(days=1)
"""How long an uploaded file is kept: until it is applied, and for fetching the rows that were refused."""
MOST_AT_ONCE = 1_000
"""A list of more rows, blank ones included, is applied by the worker."""


class ImportState(StrEnum):
    """Where an import is."""

    OPEN = "open"
    APPLIED = "applied"
    UNDONE = "undone"


class RosterImport(Base):
    """One staff list that was uploaded for a school."""

    __tablename__ = "roster_import"
    __table_args__ = (
        sa.Index("ix_roster_import_organisation_uploaded_at", "organisation_id", "uploaded_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    organisation_id: Mapped[UUID] = mapped_column(sa.ForeignKey("organisation.id"))
    uploaded_by: Mapped[UUID | None] = mapped_column(sa.ForeignKey("person.id"))
    """Null for the command line."""
    uploaded_at: Mapped[datetime]
    file_name: Mapped[str]
    state: Mapped[ImportState] = mapped_column(default=ImportState.OPEN)
    packed: Mapped[bytes | None] = deferred(mapped_column(sa.LargeBinary))
    """The table that was read, packed; null once it is swept."""
    headings: Mapped[dict[str, str]] = mapped_column(default=dict)
    """What somebody said the columns are (`Columns.remembered`)."""
    type_words: Mapped[dict[str, str]] = mapped_column(default=dict)
    """What the school's own words for a type mean, by folded word."""
    otherwise: Mapped[EngagementType] = mapped_column(default=EngagementType.SUPPORT_STAFF)
    """What somebody new is, where the file doesn't say."""
    choices: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """What was chosen in the preview, for the worker; see `packed_choices`."""
    applied_by: Mapped[UUID | None] = mapped_column(sa.ForeignKey("person.id"))
    applied_at: Mapped[datetime | None]
    undone_by: Mapped[UUID | None] = mapped_column(sa.ForeignKey("person.id"))
    undone_at: Mapped[datetime | None]
    new: Mapped[int | None]
    changed: Mapped[int | None]
    unchanged: Mapped[int | None]
    refused: Mapped[int | None]
    ended: Mapped[int | None]
    """How many engagements it ended, of those absent from the file."""


class RosterReading(Base):
    """How a school's staff lists are read: remembered from the last one that somebody looked at."""

    __tablename__ = "roster_reading"

    organisation_id: Mapped[UUID] = mapped_column(sa.ForeignKey("organisation.id"), primary_key=True)
    headings: Mapped[dict[str, str]] = mapped_column(default=dict)
    type_words: Mapped[dict[str, str]] = mapped_column(default=dict)
    otherwise: Mapped[EngagementType]


class Done(StrEnum):
    """What an import did to somebody."""

    ADDED = "added"
    """The person is new to the trust."""
    ENGAGED = "engaged"
    CHANGED = "changed"
    """An engagement, an ended one included."""
    CORRECTED = "corrected"


class RosterEffect(Base):
    """One thing that an import did, so that it can be undone. What was before is in the engagement and correction."""

    __tablename__ = "roster_effect"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    import_id: Mapped[UUID] = mapped_column(sa.ForeignKey("roster_import.id"), index=True)
    person_id: Mapped[UUID] = mapped_column(sa.ForeignKey("person.id"))
    done: Mapped[Done]
    engagement_id: Mapped[UUID | None]
    correction_id: Mapped[UUID | None]


def keep(
    school_id: UUID, table: Table, *, file_name: str, by: UUID | None, now: datetime, id: UUID | None = None
) -> RosterImport:
    """Keep a table for the next steps, to be read as the school's last one was. It takes the place of the same
    person's earlier one that went no further.
    """
    session.execute(
        sa.delete(RosterImport).where(
            RosterImport.organisation_id == school_id,
            RosterImport.uploaded_by == by,
            RosterImport.state == ImportState.OPEN,
        )
    )
    found = new_import(school_id, table, file_name=file_name, by=by, now=now, id=id)
    session.add(found)
    session.flush()
    return found


def new_import(
    school_id: UUID, table: Table, *, file_name: str, by: UUID | None, now: datetime, id: UUID | None = None
) -> RosterImport:
    """Return an import that isn't kept, to be read as the school's last one was."""
    reading = session.get(RosterReading, school_id)
    return RosterImport(
        id=id or uuid4(),
        organisation_id=school_id,
        uploaded_by=by,
        uploaded_at=now,
        file_name=file_name[:200],
        state=ImportState.OPEN,
        packed=packed(table),
        headings=dict(reading.headings) if reading else {},
        type_words=dict(reading.type_words) if reading else {},
        otherwise=reading.otherwise if reading else EngagementType.SUPPORT_STAFF,
    )


def import_at(school_id: UUID, import_id: UUID) -> RosterImport:
    """Return an import of a school. Raises NotFoundError for another's, and for a file that was swept."""
    found = session.get(RosterImport, import_id)
    if found is None or found.organisation_id != school_id:
        raise NotFoundError(
            "There is no such import here. A file that isn’t applied is kept for a day: upload it again."
        )
    return found


def recent(school_id: UUID, most: int = 10) -> list[RosterImport]:
    """Return the latest imports of a school that were applied, the newest first."""
    return list(
        session.scalars(
            sa.select(RosterImport)
            .where(RosterImport.organisation_id == school_id, RosterImport.state != ImportState.OPEN)
            .order_by(RosterImport.applied_at.desc(), RosterImport.id)
            .limit(most)
        )
    )


def sweep(now: datetime) -> None:
    """Let go of the files that are kept no longer, and of the imports that went no further."""
    old = RosterImport.uploaded_at < now - KEPT
    session.execute(sa.delete(RosterImport).where(old, RosterImport.state == ImportState.OPEN))
    session.execute(
        sa.update(RosterImport).where(old, RosterImport.packed.is_not(None)).values(packed=None, choices={})
    )


def is_long(found: RosterImport) -> bool:
    """Say whether a list has so many rows that the worker applies it."""
    table = table_of(found)
    return table is not None and len(table.rows) > MOST_AT_ONCE


def table_of(found: RosterImport) -> Table | None:
    """Return the table that was uploaded; None once it was swept."""
    return unpacked(found.packed) if found.packed is not None else None


def columns_of(found: RosterImport, table: Table) -> Columns:
    """Return the table's columns, with what was corrected by hand or remembered."""
    return find_columns(table, found.headings)


def rows_of(found: RosterImport, table: Table, today: date) -> Rows:
    """Return the table's rows, read. Raises RosterRefused where a column is missing."""
    return read_rows(table, columns_of(found, table), today, found.type_words)


def read_as(
    found: RosterImport, headings: dict[str, str], type_words: dict[str, str], otherwise: EngagementType
) -> None:
    """Say how a file is read, and remember it for the school's next ones."""
    reading = session.get(RosterReading, found.organisation_id)
    if reading is None:
        reading = RosterReading(organisation_id=found.organisation_id, headings={}, type_words={})
        session.add(reading)
    found.headings = headings
    found.type_words = {**found.type_words, **type_words}
    found.otherwise = otherwise
    # Another file has other headings; what was said of them stays.
    reading.headings = {**reading.headings, **headings}
    reading.type_words = {**reading.type_words, **type_words}
    reading.otherwise = otherwise
    session.flush()


def packed_choices(choices: Choices) -> dict[str, Any]:
    """Return what was chosen as JSON can hold it."""
    return {
        "same": {str(line): str(person_id or "") for line, person_id in choices.same.items()},
        "returned": sorted(choices.returned),
        "leavers": sorted(map(str, choices.leavers)),
        "last_day": choices.last_day.isoformat() if choices.last_day else None,
    }


def choices_of(found: RosterImport) -> Choices:
    """Return what was chosen in the preview."""
    kept = found.choices
    if not kept:
        return Choices()
    return Choices(
        {int(line): UUID(person_id) if person_id else None for line, person_id in kept["same"].items()},
        frozenset(kept["returned"]),
        frozenset(map(UUID, kept["leavers"])),
        date.fromisoformat(kept["last_day"]) if kept["last_day"] else None,
    )


def packed(table: Table) -> bytes:
    """Return a table as bytes."""
    rows = [(row.line, row.fault, row.cells) for row in table.rows]
    text = json.dumps([table.sheet, table.sheets, rows], default=_plain, ensure_ascii=False)
    return zlib.compress(text.encode("utf-8", "surrogatepass"), 1)


def unpacked(content: bytes) -> Table:
    """Return the table that `packed` was given."""
    text = zlib.decompress(content).decode("utf-8", "surrogatepass")
    sheet, sheets, rows = json.loads(text, object_hook=_moment)
    return Table(tuple(Row(line, tuple(cells), fault) for line, fault, cells in rows), sheet, tuple(sheets))


_READ: dict[str, Callable[[str], Cell]] = {
    "datetime": datetime.fromisoformat,
    "date": date.fromisoformat,
    "time": time.fromisoformat,
}


def _plain(value: Any) -> dict[str, str | float]:
    if isinstance(value, timedelta):
        return {"timedelta": value.total_seconds()}
    return {type(value).__name__: value.isoformat()}


def _moment(tagged: dict[str, Any]) -> Cell:
    ((kind, value),) = tagged.items()
    if kind == "timedelta":
        return timedelta(seconds=value)
    return _READ[kind](value)
