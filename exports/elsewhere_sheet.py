"""The sheet Done elsewhere: training that HR was told of. It stands beside what was signed, and is none of it."""

from __future__ import annotations

from dataclasses import dataclass

from exports.book import Book
from exports.columns import Column, Kind
from exports.table import TableSheet, data_sheet
from lms.outside_training import DoneElsewhere
from lms.record import RecordRow

NOTE = (
    "Done elsewhere",
    "Training that people did elsewhere, according to whoever says so. It is no signature: nothing in the other "
    "sheets counts it.",
)
"""For the sheet About, which says how to read each."""


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that one adult did elsewhere."""

    person: RecordRow
    done: DoneElsewhere


ELSEWHERE_COLUMNS: tuple[Column[Line], ...] = (
    Column("Staff no.", 10, Kind.TEXT, lambda line: line.person.staff_no),
    Column("Surname", 17, Kind.TEXT, lambda line: line.person.surname),
    Column("Forename", 14, Kind.TEXT, lambda line: line.person.forename),
    Column("Training", 40, Kind.TEXT, lambda line: line.done.title),
    Column("Done on", 12, Kind.DATE, lambda line: line.done.done_on),
    Column("Who says so", 32, Kind.TEXT, lambda line: line.done.said_by),
    Column("Recorded on", 14, Kind.DATE, lambda line: line.done.recorded_on),
)


class ElsewhereSheet:
    """The sheet, which a workbook has from its first row on and not before."""

    def __init__(self, book: Book) -> None:
        self._book = book
        self._table: TableSheet[Line] | None = None

    def add(self, person: RecordRow) -> None:
        """Add a row for everything that somebody did elsewhere."""
        for done in person.elsewhere:
            if self._table is None:
                self._table = data_sheet(self._book, "Done elsewhere", ELSEWHERE_COLUMNS)
            self._table.add(Line(person, done))

    def finish(self) -> TableSheet[Line] | None:
        """Close the table and return it; None where there was nothing to show, and there is no sheet."""
        if self._table is not None:
            self._table.finish(when_empty="")
        return self._table
