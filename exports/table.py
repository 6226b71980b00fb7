"""A table on a sheet: headings, rows, filters, and what Excel insists on."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Generic

from openpyxl.utils import get_column_letter
from openpyxl.worksheet.filters import AutoFilter
from openpyxl.worksheet.table import Table, TableColumn, TableStyleInfo

from exports.book import Book
from exports.cell_text import escaped
from exports.cells import CellWriter, Draw, text_cell
from exports.columns import Column, Kind, Row, Value, distinct
from exports.row_sheet import RowSheet

LINE_HEIGHT = 15.0
"""Points, for 11-point type."""
TALLEST_ROW = 409.0
"""Points (Microsoft, "Excel specifications and limits")."""
MOST_HEADING_LINES = 6
READABLE_WIDTH = 260
"""Characters across a page of A4 landscape; more would make the print too small to read (under 60 %)."""
_NUMBERS = {Kind.WHOLE, Kind.PERCENT}


class TableSheet(Generic[Row]):
    """A real Excel table, which may start below other rows of its sheet."""

    def __init__(self, book: Book, sheet: RowSheet, name: str, columns: Sequence[Column[Row]]) -> None:
        self.sheet = sheet
        self.count = 0
        """Rows added so far."""
        self._book = book
        self._name = name
        self._columns = columns
        self._headings = distinct(column.heading for column in columns)
        self._letters = [get_column_letter(number) for number in range(1, len(columns) + 1)]
        self._values = [column.value for column in columns]
        self._wrapping = [
            (place, column.width) for place, column in enumerate(columns) if column.kind is Kind.TEXT
        ]
        self._draws = self._drawn_by(book.rows)
        self._heading_row = sheet.next_row
        self._add_headings()

    def add(self, row: Row) -> None:
        """Add one row."""
        self._append(self._draws, row)
        self.count += 1

    def finish(self, when_empty: str) -> None:
        """Close the table; where it has no rows, leave the one blank row Excel needs, and say so beneath."""
        if not self.count:
            self.sheet.append_cells("")
        self.sheet.add_table(self._table(last_row=self.sheet.next_row - 1))
        if not self.count:
            self.sheet.append_cells("")
            self.sheet.append_cells(text_cell(f"A{self.sheet.next_row}", when_empty, self._book.page.line))

    def add_total(self, row: Row) -> None:
        """Add a line under the finished table, which sorting and filtering leave where it is."""
        self._append(self._drawn_by(self._book.totals), row)

    def _append(self, draws: Sequence[Draw], row: Row) -> None:
        number = self.sheet.next_row
        values = [value(row) for value in self._values]
        cells = [
            draw(f"{letter}{number}", value)
            for draw, letter, value in zip(draws, self._letters, values, strict=True)
        ]
        self.sheet.append_cells("".join(cells), self._height(values))

    def _height(self, values: Sequence[Value]) -> float | None:
        """Return the height in points for text that has to wrap; None for a row of one line.

        Excel would find it out by itself; LibreOffice and some viewers would not, and cut the text off.
        """
        lines = 1
        for place, width in self._wrapping:
            text = values[place]
            if isinstance(text, str) and (len(text) > width or "\n" in text):
                lines = max(lines, lines_taken(text, width))
        return min(lines * LINE_HEIGHT, TALLEST_ROW) if lines > 1 else None

    def _drawn_by(self, writer: CellWriter) -> list[Draw]:
        return [writer.drawing(column.kind) for column in self._columns]

    def _add_headings(self) -> None:
        number, page = self.sheet.next_row, self._book.page
        lines = max(
            lines_taken(heading, column.width)
            for heading, column in zip(self._headings, self._columns, strict=True)
        )
        cells = (
            text_cell(
                f"{letter}{number}", heading, page.number_heading if column.kind in _NUMBERS else page.heading
            )
            for letter, heading, column in zip(self._letters, self._headings, self._columns, strict=True)
        )
        self.sheet.append_cells("".join(cells), LINE_HEIGHT * min(max(lines, 2), MOST_HEADING_LINES))

    def _table(self, last_row: int) -> Table:
        reference = f"A{self._heading_row}:{self._letters[-1]}{last_row}"
        table = Table(displayName=self._name, ref=reference, autoFilter=AutoFilter(ref=reference))
        table.tableStyleInfo = TableStyleInfo(name="TableStyleLight1", showRowStripes=False)
        table.tableColumns = [
            TableColumn(id=number, name=escaped(heading))
            for number, heading in enumerate(self._headings, start=1)
        ]
        return table


def data_sheet(book: Book, title: str, columns: Sequence[Column[Row]], names: int = 3) -> TableSheet[Row]:
    """Return a sheet that is one table, its headings and its first columns (the names) always in view.

    On paper both are repeated on every page, and it is as many pages wide as it takes to be readable.
    """
    widths = [column.width for column in columns]
    kept = sum(widths[:names])
    across = math.ceil((sum(widths) - kept) / (READABLE_WIDTH - kept))
    sheet = book.sheet(title, pages_wide=across)
    set_widths(sheet, columns)
    sheet.freeze_panes = f"{get_column_letter(names + 1)}2"
    sheet.print_title_rows = "1:1"
    sheet.print_title_cols = f"A:{get_column_letter(names)}"
    return TableSheet(book, sheet, title.replace(" ", "_"), columns)


def set_widths(sheet: RowSheet, columns: Sequence[Column[Row]]) -> None:
    """Give a sheet's columns their widths; before its first row."""
    for number, column in enumerate(columns, start=1):
        sheet.column_dimensions[get_column_letter(number)].width = column.width


def lines_taken(text: str, width: int) -> int:
    """Return how many lines text will take in a column so many characters wide, about."""
    # Words don't fill their lines to the end: allow a tenth for that.
    if "\n" in text:
        return sum(lines_taken(line, width) for line in text.split("\n"))
    return max(math.ceil(len(text) * 1.1 / width), 1)
