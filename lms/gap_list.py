"""Another list of people, pasted or from a file: of each line only the name and the staff number are read."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable
from dataclasses import dataclass

from lms.errors import CountersignError
from lms.people import folded
from lms.roster.columns import Field, find_columns, rows_below
from lms.roster.headings import FIELD_OF
from lms.roster.names import parted
from lms.roster.table import Cell, Row, Table

MOST_LINES = 5_000
LONGEST = 120
"""Characters of a name or a number: what is longer is something else."""
_NUMBER = re.compile(r"[A-Za-z]{0,5}-?\d{1,10}")
_NAMING = {Field.NAME, Field.SURNAME, Field.FORENAME, Field.STAFF_NO}


class ListRefused(CountersignError):
    """No names can be read from the list; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Listed:
    """Somebody on the other list."""

    line: int
    """From 1; of a file, the row as a spreadsheet numbers it."""
    name: str
    staff_no: str
    readings: tuple[str, ...] = ()
    """What the line may mean, the likeliest first: "Ann Lee, Reed" is a name with an agency, or Reed Ann Lee."""

    @property
    def said(self) -> str:
        """The name as it stands, or the number where there is none."""
        return self.name or self.staff_no


def read_pasted(text: str) -> list[Listed]:
    """Read pasted lines: names, with or without a number, or cells of a spreadsheet with their headings.

    Raises ListRefused where there is nobody, or too many.
    """
    rows = [
        Row(number, tuple(cells))
        for number, line in enumerate(text.replace("\0", " ").splitlines(), 1)
        if any(cells := _cells(line))
    ]
    headings = {FIELD_OF.get(_key(cell), (None,))[0] for cell in rows[0].cells} if rows else set()
    if headings == {Field.NAME}:
        # A word above names of which each has its line to itself, comma or not.
        del rows[0]
    elif headings & _NAMING:
        return read_table(Table(tuple(rows)))
    return _bounded(found for row in rows if (found := _unheaded(row)) is not None)


def read_table(table: Table) -> list[Listed]:
    """Read the name and number columns of a table, by their headings; no other column is looked at.

    Raises ListRefused where no column has names or numbers, or there is nobody, or too many.
    """
    columns = find_columns(table)
    of = columns.column_of
    if not of.keys() & _NAMING:
        raise ListRefused(
            "No column of names was found in this list. Put a heading above it, such as “Name”, or “Surname” and "
            "“Forename”."
        )
    found = (_headed(row, of) for row in rows_below(table, columns) if not row.is_blank)
    return _bounded(one for one in found if one is not None)


def _bounded(found: Iterable[Listed]) -> list[Listed]:
    everybody: list[Listed] = []
    for one in found:
        if len(everybody) == MOST_LINES:
            raise ListRefused(f"There are more than {MOST_LINES:,} people on this list. Compare it in parts.")
        everybody.append(one)
    if not everybody:
        raise ListRefused("There is nobody on this list. Put a name on each line.")
    return everybody


def _headed(row: Row, of: dict[Field, int]) -> Listed | None:
    def cell(field: Field) -> str:
        return _words(row.cells[of[field]]) if field in of and of[field] < len(row.cells) else ""

    forename, surname = cell(Field.FORENAME), cell(Field.SURNAME)
    if not (forename or surname):
        forename, surname = parted(cell(Field.NAME))
    name, staff_no = f"{forename} {surname}".strip(), cell(Field.STAFF_NO)
    if not folded(name) and not staff_no:
        return None
    known_as = cell(Field.KNOWN_AS)
    readings = (name, f"{known_as} {surname}") if known_as else (name,)
    return Listed(row.line, name, staff_no, readings)


def _unheaded(row: Row) -> Listed | None:
    """Read a line without headings: its first number is the staff number, its first words are the name."""
    cells = [str(cell) for cell in row.cells if cell]
    staff_no = next((cell for cell in cells if _NUMBER.fullmatch(cell)), "")
    words = [cell for cell in cells if folded(cell) and not any(map(str.isdigit, cell))]
    if not words:
        return Listed(row.line, "", staff_no) if staff_no else None
    first, second = words[0], words[1] if len(words) > 1 else ""
    if not second or " " in first:
        forename, surname = parted(first)
        whole = f"{forename} {surname}".strip()
        return Listed(row.line, whole, staff_no, (whole, f"{second} {first}") if second else (whole,))
    return Listed(row.line, f"{second} {first}", staff_no, (f"{second} {first}",))


def _cells(line: str) -> list[str]:
    parting = next((mark for mark in "\t;" if mark in line), ",")
    return [_words(cell) for cell in next(csv.reader([line], delimiter=parting), [])]


def _words(cell: Cell) -> str:
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)
    text = "" if cell is None or isinstance(cell, bool) else str(cell)
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:LONGEST]


def _key(cell: Cell) -> str:
    return folded(str(cell or "").replace("_", " ")).replace(" ", "")
