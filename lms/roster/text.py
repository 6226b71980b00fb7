"""A staff list as text: its encoding, what parts its cells, and its lines."""

from __future__ import annotations

import codecs
import csv
import re
from collections import Counter
from collections.abc import Iterator

from lms.roster.headings import FIELD_OF
from lms.roster.table import LONGEST_CELL, MOST_COLUMNS, MOST_ROWS, Cell, RosterRefused, Row, Table

_PARTINGS = ",;\t|"
_LOOKED_AT = 60
"""Rows from which what parts the cells is told, among the first lines."""
_FIRST_LINES = 1_000
_LINES_IN_A_CELL = 20
"""A cell may hold an address; one of more lines has a quotation mark that was never closed."""
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_SEPARATOR_LINE = re.compile(r"sep=(.)", re.IGNORECASE)
_QUOTES = "the quotation marks in this line don't match, so its cells can't be told apart"


def read_text(content: bytes) -> Table:
    """Read a CSV file: UTF-8 or UTF-16, with or without a mark, or Windows' cp1252.

    Cells are parted by commas, semicolons, tabs or bars. Raises RosterRefused for what isn't text, or is too long.
    """
    lines = re.split(r"\r\n|\r|\n", decode(content))
    first = 0
    parting = None
    if said := _SEPARATOR_LINE.fullmatch(lines[0].strip()):
        first, parting = 1, said[1]
    rows = tuple(_bounded(_rows(lines, first, parting or _parting(lines))))
    return Table(rows[:-1] if lines[-1] == "" and rows and rows[-1].is_blank else rows)


def decode(content: bytes) -> str:
    """Return the text of a file without the marks that don't belong in one. Raises RosterRefused if it is none."""
    try:
        text = content.decode(_encoding(content))
    except UnicodeDecodeError:
        text = _windows(content)
    if len(_CONTROL.findall(text[:100_000])) > min(len(text), 100_000) // 100:
        raise RosterRefused(
            "This file is neither a workbook nor text, whatever its name says. Open the staff list in Excel, choose "
            "Save As, pick “Excel Workbook (.xlsx)”, and bring that."
        )
    return _CONTROL.sub(" ", text)


def _windows(content: bytes) -> str:
    try:
        return content.decode("cp1252")
    except UnicodeDecodeError:
        raise RosterRefused(
            "Some letters in this file can't be read. Open it in Excel, choose Save As, pick “CSV UTF-8” or “Excel "
            "Workbook (.xlsx)”, and bring that."
        ) from None


def _encoding(content: bytes) -> str:
    """Tell from the mark at the start or, for UTF-16 without one, from where its zero bytes fall."""
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    sample = content[:2000]
    zeros = [sample[0::2].count(0), sample[1::2].count(0)]
    if len(content) % 2 == 0 and max(zeros) > len(sample) // 5 and min(zeros) <= len(sample) // 20:
        return "utf-16-be" if zeros[0] > zeros[1] else "utf-16-le"
    return "utf-8-sig"


def _parting(lines: list[str]) -> str:
    """Return the mark that brings out headings which are known, with the most rows that are no wider than those.

    Where none does, it is the one with which most rows fall into the same number of cells, the more the better.
    """

    def worth(mark: str) -> tuple[int, int, int]:
        rows = [row for row in _rows(lines[:_FIRST_LINES], 0, mark) if not row.is_blank][:_LOOKED_AT]
        known, width = max(((_headings(row), len(row.cells)) for row in rows), default=(0, 0))
        if known:
            return known, sum(len(row.cells) <= width for row in rows), 0
        widths = Counter(len(row.cells) for row in rows if len(row.cells) > 1)
        return 0, *max(((count, width) for width, count in widths.items()), default=(0, 0))

    return max(_PARTINGS, key=worth)


def _headings(row: Row) -> int:
    cells = (cell for cell in row.cells if isinstance(cell, str))
    return sum("".join(filter(str.isalnum, cell.casefold())) in FIELD_OF for cell in cells)


def _bounded(rows: Iterator[Row]) -> Iterator[Row]:
    for number, row in enumerate(rows, 1):
        if number > MOST_ROWS:
            raise RosterRefused(
                f"This file has more than {MOST_ROWS:,} lines, which may be empty ones. Copy the rows that have "
                "people in them into a new file, and bring that."
            )
        if len(row.cells) > MOST_COLUMNS:
            raise RosterRefused(f"Line {row.line:,} of this file has more than {MOST_COLUMNS} cells.")
        yield row


class _UnclosedError(Exception):
    """A cell goes on over more lines than any cell has."""


def _rows(lines: list[str], first: int, parting: str) -> Iterator[Row]:
    """Read the lines from `first` on. Where quotation marks fail, one line alone is at fault, not all that follow."""
    at = first
    while at < len(lines):
        taken = _Lines(lines, at)
        reader = csv.reader(taken, delimiter=parting, skipinitialspace=True, strict=True)
        try:
            for cells in reader:
                yield Row(at + 1, _trimmed(cells))
                at = taken.next_record()
        except (csv.Error, _UnclosedError):
            yield Row(at + 1, _trimmed(lines[at][:LONGEST_CELL].split(parting)), _QUOTES)
            at += 1


class _Lines:
    """The lines for one reader, which knows how far it has come."""

    def __init__(self, lines: list[str], first: int) -> None:
        self._lines, self._at, self._began = lines, first, first

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        if self._at >= len(self._lines):
            raise StopIteration
        if self._at - self._began > _LINES_IN_A_CELL:
            raise _UnclosedError
        self._at += 1
        return self._lines[self._at - 1] + "\n"

    def next_record(self) -> int:
        """Begin a record where the last ended, and return that line."""
        self._began = self._at
        return self._at


def _trimmed(cells: list[str]) -> tuple[Cell, ...]:
    kept: list[Cell] = [cell or None for cell in cells]
    while kept and kept[-1] is None:
        kept.pop()
    return tuple(kept)
