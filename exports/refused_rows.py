"""The rows of a staff list that did not go in, as they were, with the reason in a last column."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any, BinaryIO

from openpyxl import Workbook
from openpyxl.cell import Cell, WriteOnlyCell
from openpyxl.styles import Alignment, Font
from openpyxl.utils import get_column_letter
from openpyxl.worksheet._write_only import WriteOnlyWorksheet

from exports.cell_text import clean

Value = str | int | float | bool | datetime | date | time | timedelta | None
REASON = "Why it did not go in"
_WIDTH, _REASON_WIDTH = 18, 80
"""Characters."""


def write_refused(
    file: BinaryIO, headings: Sequence[Value], rows: Iterable[tuple[Sequence[Value], str]]
) -> int:
    """Write a workbook that can be put right and brought in again; return how many rows it has.

    `rows` are the cells of each row as they were read, with the reason. Text stays text, whatever it begins with.
    """
    book = Workbook(write_only=True)
    sheet = book.create_sheet("Not brought in")
    listed = list(rows)
    width = max([len(headings), *(len(cells) for cells, _ in listed)])
    for number in range(1, width + 1):
        sheet.column_dimensions[get_column_letter(number)].width = _WIDTH
    sheet.column_dimensions[get_column_letter(width + 1)].width = _REASON_WIDTH
    sheet.freeze_panes = "A2"
    sheet.append(_cells(sheet, headings, REASON, width, Font(bold=True)))
    for cells, reason in listed:
        sheet.append(_cells(sheet, cells, reason, width))
    sheet.auto_filter.ref = f"A1:{get_column_letter(width + 1)}{len(listed) + 1}"
    book.save(file)
    return len(listed)


def _cells(
    sheet: WriteOnlyWorksheet, values: Sequence[Value], reason: str, width: int, font: Font | None = None
) -> list[Cell]:
    padded = [*values, *[None] * (width - len(values)), reason]
    cells = [_cell(sheet, value) for value in padded]
    cells[-1].alignment = Alignment(wrap_text=True, vertical="top")
    if font:
        for cell in cells:
            cell.font = font
    return cells


def _cell(sheet: WriteOnlyWorksheet, value: Value) -> Cell:
    # The stubs leave out days and hours.
    kept: Any = clean(value) if isinstance(value, str) else value
    cell = WriteOnlyCell(sheet, value=kept)
    if isinstance(value, str):
        # Text that begins with = would be taken for a formula, here and when somebody edits it.
        cell.data_type = "s"
        cell.quotePrefix = value[:1] in ("=", "+", "-", "@")
    return cell
