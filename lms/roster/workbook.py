"""A staff list as an .xlsx workbook: what it may cost to open is counted before it is opened."""

from __future__ import annotations

import io
import re
import warnings
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from html import unescape
from typing import Any

import openpyxl
from openpyxl.utils.cell import column_index_from_string

from lms.roster.sheet import TooLongError, TooWideError, sheet_rows
from lms.roster.table import MOST_COLUMNS, MOST_ROWS, Cell, RosterRefused, Row, Table

_MOST_PARTS = 2_000
_MOST_UNPACKED = 64_000_000
"""Bytes of everything in the workbook together, unpacked."""
_MOST_MARKS = 3_000_000
"""XML tags in it all: 15,000 adults by 40 columns with room to spare."""
_MOST_MARKS_ASIDE = 200_000
"""XML tags in a part that holds no cells: its styles, names and settings."""
_MOST_TEXTS = 400_000
_MOST_FILLED = 200_000
"""Cells that merged cells may stand for."""
_LARGE_PART = re.compile(r"xl/(?:worksheets/.*|sharedStrings\.xml)", re.IGNORECASE)
# No pattern may look past the next tag, or go back over spaces: a hostile part would take the square of its length.
_ROW = re.compile(rb"<(?:\w+:)?row[\s/>]")
_TEXT = re.compile(rb"<(?:\w+:)?si[\s/>]")
_VALUE = re.compile(rb"<(?:\w+:)?(?:v|is)>")
_MERGED = re.compile(rb'<(?:\w+:)?mergeCell\s[^<>]*?ref="([A-Z]{1,3})(\d{1,7}):[A-Z]{1,3}(\d{1,7})"')
_UNWORKED = re.compile(
    rb"<(?:\w+:)?c\s([^<>]*+)>\s*+<(?:\w+:)?f\b[^<>]*+>(?:([^<]*+)</(?:\w+:)?f>)?\s*+"
    rb"(?:<(?:\w+:)?v\s*+/>|<(?:\w+:)?v></(?:\w+:)?v>)?\s*+</(?:\w+:)?c>"
)
"""A cell with a formula whose result isn't stored."""
_PLACE = re.compile(rb'\br="([A-Z]{1,3})(\d{1,7})"')
_SAVE_AS = "Open it in Excel, choose Save As, pick “Excel Workbook (.xlsx)”, and bring that."
_DAMAGED = f"This workbook is damaged, or wasn't written as a workbook should be. {_SAVE_AS}"
_FEWER = "Copy the rows that have people in them into a new workbook, and bring that."
MACROS = f"This workbook can hold macros, which are never let in. {_SAVE_AS}"


@dataclass(frozen=True, slots=True)
class _Part:
    """What one part of a workbook holds, counted without parsing it."""

    rows: int = 0
    values: int = 0
    marks: int = 0
    unworked: tuple[tuple[int, int, str], ...] = ()
    """Formulas without a result: row and column from 0, and the formula."""
    merged: tuple[tuple[int, int, int], ...] = ()
    """Column, first and last row of each merged cell, from 0."""


def read_workbook(content: bytes, sheet: str | None) -> Table:
    """Read one sheet: the one named, or the fullest of those that can be seen.

    Raises RosterRefused for one that is hostile, damaged, locked, of another kind, or larger than a staff list is.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive, warnings.catch_warnings():
            # openpyxl warns of each thing that it leaves out: pictures, checks on cells. None is ours.
            warnings.simplefilter("ignore")
            return _Opened(archive).table(sheet)
    except RosterRefused:
        raise
    except Exception as error:
        # zipfile, expat, lxml and openpyxl raise whatever they stumble on: there is no list of it.
        raise RosterRefused(_DAMAGED) from error


class _Opened:
    """A workbook that was found fit to open."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        _refuse_kinds(archive)
        _refuse_sizes(archive)
        self._xml = {part.filename: _unpacked(archive, part) for part in archive.infolist()}
        self._parts = {name: _counted(name, xml) for name, xml in self._xml.items()}
        if sum(part.marks for part in self._parts.values()) > _MOST_MARKS:
            raise _too_much()
        # openpyxl gets what was counted and not the archive itself, whose sizes may be a lie.
        self._safe = _packed(self._xml)

    def table(self, wanted: str | None) -> Table:
        book = openpyxl.load_workbook(self._safe, read_only=True, data_only=True, keep_links=False)
        seen = [sheet for sheet in book.worksheets if sheet.sheet_state == "visible"]
        if not seen:
            raise RosterRefused(f"No sheet of this workbook can be seen. {_SAVE_AS}")
        chosen = self._chosen(seen, wanted)
        part = self._parts[_place(chosen)]
        if part.rows > MOST_ROWS:
            raise _too_long(chosen.title)
        rows = _rows(self._xml[_place(chosen)], chosen)
        _show_formulas(rows, part)
        _fill_merged(rows, part)
        return Table(tuple(rows), chosen.title, tuple(sheet.title for sheet in seen))

    def _chosen(self, seen: list[Any], wanted: str | None) -> Any:
        for sheet in seen:
            if sheet.title == wanted:
                return sheet
        if wanted is not None:
            raise RosterRefused(f"There is no sheet “{wanted[:60]}” to be seen in this workbook.")
        return max(seen, key=lambda sheet: self._parts[_place(sheet)].values)


def _place(sheet: Any) -> str:
    """Return the name of a sheet's part: openpyxl has it in private alone, and the parts may be in any order."""
    name: str = sheet._worksheet_path
    return name


def _refuse_kinds(archive: zipfile.ZipFile) -> None:
    names = {part.filename for part in archive.infolist()}
    if any(part.flag_bits & 1 for part in archive.infolist()):
        raise RosterRefused(f"This file is locked with a password. Take the password off. {_SAVE_AS}")
    if any(name.lower().endswith(("vbaproject.bin", ".xlsb")) for name in names):
        raise RosterRefused(MACROS)
    if "[Content_Types].xml" not in names or not any(name.startswith("xl/") for name in names):
        raise RosterRefused(f"This file is packed (zip) and isn't an Excel workbook. {_SAVE_AS}")


def _refuse_sizes(archive: zipfile.ZipFile) -> None:
    """Go by the sizes that the archive declares: no byte beyond them will be unpacked."""
    parts = archive.infolist()
    if len(parts) > _MOST_PARTS or sum(part.file_size for part in parts) > _MOST_UNPACKED:
        raise RosterRefused(
            "Unpacked, this workbook is far larger than a staff list is, so it was not opened. " + _FEWER
        )


def _unpacked(archive: zipfile.ZipFile, part: zipfile.ZipInfo) -> bytes:
    # Without a number, read() unpacks all there is before it looks at the declared size.
    with archive.open(part) as file:
        return file.read(part.file_size)


def _packed(parts: dict[str, bytes]) -> io.BytesIO:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return file


def _counted(name: str, xml: bytes) -> _Part:
    """Count what is in one part, and refuse what no spreadsheet program writes or what would take long to parse."""
    if xml[:2] in (b"\xff\xfe", b"\xfe\xff", b"<\0", b"\0<") or b"<!DOCTYPE" in xml or b"<!ENTITY" in xml:
        raise RosterRefused(
            f"This workbook has something in it that no staff list needs (XML entities). {_SAVE_AS}"
        )
    if b"macroEnabled" in xml:
        raise RosterRefused(MACROS)
    if b"purl.oclc.org/ooxml/spreadsheetml" in xml:
        raise RosterRefused(f"This workbook was saved as “Strict Open XML Spreadsheet”. {_SAVE_AS}")
    is_large = _LARGE_PART.fullmatch(name)
    marks = xml.count(b"<")
    if marks > (_MOST_MARKS if is_large else _MOST_MARKS_ASIDE) or _count(_TEXT, xml) > _MOST_TEXTS:
        raise _too_much()
    if not is_large:
        return _Part(marks=marks)
    return _Part(_count(_ROW, xml), _count(_VALUE, xml), marks, tuple(_unworked(xml)), tuple(_merged(xml)))


def _unworked(xml: bytes) -> Iterator[tuple[int, int, str]]:
    for found in _UNWORKED.finditer(xml):
        place = _PLACE.search(found[1])
        # A formula whose result is an empty text says so (t="str"): nothing is lost there.
        if place and b't="str"' not in found[1]:
            formula = "=" + unescape((found[2] or b"").decode(errors="replace"))
            yield int(place[2]) - 1, column_index_from_string(place[1].decode()) - 1, formula


def _merged(xml: bytes) -> Iterator[tuple[int, int, int]]:
    for column, top, bottom in _MERGED.findall(xml):
        yield column_index_from_string(column.decode()) - 1, int(top) - 1, int(bottom) - 1


def _too_much() -> RosterRefused:
    return RosterRefused("This workbook has far more in it than a staff list has. " + _FEWER)


def _count(pattern: re.Pattern[bytes], xml: bytes) -> int:
    return sum(1 for _ in pattern.finditer(xml))


def _too_long(title: str) -> RosterRefused:
    return RosterRefused(
        f"The sheet “{title}” has more than {MOST_ROWS:,} rows; most of them may be empty ones. {_FEWER}"
    )


def _rows(xml: bytes, sheet: Any) -> list[Row]:
    try:
        return sheet_rows(xml, sheet)
    except TooLongError:
        raise _too_long(sheet.title) from None
    except TooWideError as row:
        raise RosterRefused(
            f"Row {row} of “{sheet.title}” has more than {MOST_COLUMNS} cells. {_FEWER}"
        ) from None


def _show_formulas(rows: list[Row], part: _Part) -> None:
    """Put a formula where its result was not stored: read as empty, what it stands for would be lost unseen."""
    for number, column, formula in part.unworked:
        if number < len(rows) and column < MOST_COLUMNS:
            rows[number] = _with_cell(rows[number], column, formula)


def _fill_merged(rows: list[Row], part: _Part) -> None:
    """Give the rows below the first of a merged cell its value, as people see it there."""
    left = _MOST_FILLED
    for column, top, bottom in part.merged:
        below = range(top + 1, min(bottom + 1, len(rows)))
        left -= len(below)
        if left < 0:
            raise RosterRefused(f"This workbook has too many merged cells. {_SAVE_AS}")
        if top >= len(rows) or column >= len(rows[top].cells):
            continue
        for number in below:
            if not rows[number].is_blank:
                rows[number] = _with_cell(rows[number], column, rows[top].cells[column])


def _with_cell(row: Row, column: int, value: Cell) -> Row:
    cells = [*row.cells, *[None] * (column + 1 - len(row.cells))]
    cells[column] = value if cells[column] is None else cells[column]
    return replace(row, cells=tuple(cells))
