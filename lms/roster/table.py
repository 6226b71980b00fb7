"""What is read from a staff list before anybody knows what its columns mean: rows of cells, as they stand."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from lms.errors import CountersignError

MOST_BYTES = 10_000_000
"""How large a file may be."""
MOST_ROWS = 30_000
MOST_COLUMNS = 250
LONGEST_CELL = 32_767
"""Characters in one cell: what Excel holds."""

Cell = str | int | float | bool | datetime | date | time | timedelta | None
"""What a cell holds. Text from a CSV file is always a string; None is an empty cell."""


class RosterRefused(CountersignError):
    """The file can't be read as a staff list; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the file, with nothing changed: the empty cells at its end are left out."""

    line: int
    """Where it begins, from 1: the row of a workbook, the line of a CSV file."""
    cells: tuple[Cell, ...]
    fault: str = ""
    """Why the cells of this row can't be told apart; empty where they can."""

    @property
    def is_blank(self) -> bool:
        """Whether nothing but spaces is in it."""
        return not any(c is not None and (not isinstance(c, str) or c.strip()) for c in self.cells)


@dataclass(frozen=True, slots=True)
class Table:
    """Every row of one sheet, the blank ones too, in the file's order."""

    rows: tuple[Row, ...]
    sheet: str = ""
    """The sheet that was read; empty for a CSV file."""
    sheets: tuple[str, ...] = ()
    """All the sheets that can be seen in the workbook, to choose another from."""


def letters(column: int) -> str:
    """Return a column's letters as a spreadsheet shows them: 0 is "A", 26 is "AA"."""
    text = ""
    number = column + 1
    while number:
        number, left = divmod(number - 1, 26)
        text = chr(65 + left) + text
    return text
