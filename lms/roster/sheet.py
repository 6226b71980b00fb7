"""The cells of one sheet of a workbook (ECMA-376 part 1, 18.3.1): openpyxl's way of reading them, at half its cost.

openpyxl opens the workbook, its texts and its styles. Only the cells are read here, because bringing a large staff
list in is mostly reading them.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import Any

from lxml import etree
from openpyxl.utils.cell import column_index_from_string
from openpyxl.utils.datetime import from_excel, from_ISO8601
from openpyxl.xml.constants import SHEET_MAIN_NS

from lms.roster.table import MOST_COLUMNS, MOST_ROWS, Cell, Row

_ROW, _CELL, _VALUE, _INLINE, _RUN, _TEXT = (
    f"{{{SHEET_MAIN_NS}}}{name}" for name in ("row", "c", "v", "is", "r", "t")
)
_FIRST_OWN_FORMAT = 164
"""The numbers below it are Excel's own formats; none of them is a row of noughts."""


class TooLongError(Exception):
    """The sheet goes further down than a staff list does."""


class TooWideError(Exception):
    """A row has more cells than a staff list has columns; the message is its number."""


def sheet_rows(xml: bytes, sheet: Any) -> list[Row]:
    """Return every row of a sheet, those that the file leaves out between others too.

    Args:
        xml: the sheet's part, known to have no document type and so no entities.
        sheet: openpyxl's read-only sheet, for its texts and styles.

    Raises:
        TooLongError, TooWideError: it is larger than a staff list is.
        ValueError, KeyError, IndexError, SyntaxError: it isn't as the standard says.
    """
    reader = _Reader(sheet)
    found: dict[int, tuple[Cell, ...]] = {}
    for number, row in _numbered(xml):
        if number in found:
            raise ValueError(f"row {number} is there twice")
        found[number] = reader.cells(row, number)
    return [Row(number, found.get(number, ())) for number in range(1, max(found, default=0) + 1)]


def _numbered(xml: bytes) -> Iterator[tuple[int, etree._Element]]:
    number = 0
    for _, row in etree.iterparse(io.BytesIO(xml), tag=_ROW, resolve_entities=False, no_network=True):
        number = int(row.get("r") or number + 1)
        if not 1 <= number <= MOST_ROWS:
            raise TooLongError
        yield number, row
        _let_go(row)


def _let_go(row: etree._Element) -> None:
    """Free a row and those before it, which the tree would keep until the end."""
    row.clear()
    parent = row.getparent()
    while parent is not None and row.getprevious() is not None:
        del parent[0]


class _Reader:
    """Reads cells by the workbook's texts and styles."""

    def __init__(self, sheet: Any) -> None:
        book = sheet.parent
        self._texts: list[str] = sheet._shared_strings
        self._epoch = book.epoch
        self._days: set[int] = set(book._date_formats)
        self._spans: set[int] = set(book._timedelta_formats)
        self._noughts = _noughts(book)
        self._columns: dict[str, int] = {}

    def cells(self, row: etree._Element, number: int) -> tuple[Cell, ...]:
        """Return the cells of a row, up to the last that has something in it."""
        found: dict[int, Cell] = {}
        column = -1
        for cell in row.iterchildren(_CELL):
            place = cell.get("r")
            column = self._column(place) if place else column + 1
            value = self._value(cell)
            if value is not None and value != "":
                found[column] = value
        width = max(found, default=-1) + 1
        if width > MOST_COLUMNS:
            raise TooWideError(f"{number:,}")
        return tuple(map(found.get, range(width)))

    def _column(self, place: str) -> int:
        letters = place.rstrip("0123456789")
        if letters not in self._columns:
            self._columns[letters] = column_index_from_string(letters) - 1
        return self._columns[letters]

    def _value(self, cell: etree._Element) -> Cell:
        kind = cell.get("t", "n")
        if kind == "inlineStr":
            inline = cell.find(_INLINE)
            return None if inline is None else _inline_text(inline)
        text = cell.findtext(_VALUE)
        if not text:
            return None
        if kind == "n":
            return self._number(text, int(cell.get("s") or 0))
        if kind == "s":
            return self._texts[int(text)]
        if kind == "b":
            return bool(int(text))
        return _iso_day(text) if kind == "d" else text

    def _number(self, text: str, style: int) -> Cell:
        """Return a number, or what its format makes of it: a day, or the noughts before it that people see."""
        number = int(text) if text.removeprefix("-").isdecimal() else float(text)
        if style in self._days:
            return self._day(number, style)
        if style in self._noughts and number >= 0 and float(number).is_integer():
            return f"{int(number):0{self._noughts[style]}d}"
        return number

    def _day(self, number: float, style: int) -> Cell:
        try:
            found: datetime | date | time | timedelta = from_excel(
                number, self._epoch, timedelta=style in self._spans
            )
        except (OverflowError, ValueError):
            # What Excel shows for a day before 1900 or after 9999.
            return "#VALUE!"
        return found


def _inline_text(inline: etree._Element) -> str:
    """Return the words of a cell that holds its own, without the readings (rPh) that Japanese has beside them."""
    if len(inline) == 1 and inline[0].tag == _TEXT:
        return inline[0].text or ""
    runs = (part.find(_TEXT) if part.tag == _RUN else part for part in inline.iterchildren(_RUN, _TEXT))
    return "".join(part.text or "" for part in runs if part is not None)


def _iso_day(text: str) -> Cell:
    found: datetime | date | time | timedelta = from_ISO8601(text)  # type: ignore[no-untyped-call]
    return found


def _noughts(book: Any) -> dict[int, int]:
    """Return how many digits each style shows that writes noughts before a number ("00000")."""
    own = dict(enumerate(book._number_formats, _FIRST_OWN_FORMAT))
    formats = ((n, own.get(style.numFmtId, "")) for n, style in enumerate(book._cell_styles))
    return {n: len(shape) for n, shape in formats if 1 < len(shape) < 20 and not shape.strip("0")}
