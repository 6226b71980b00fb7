"""A worksheet that takes each row as ready-made XML.

openpyxl's own write-only sheet makes a cell object and several elements for each cell, which is where nearly
all its time goes. Here a row is one string, put straight into the file between the parts that openpyxl
writes; so the sheet keeps tables, charts, print set-up, frozen panes and column widths, and memory does not
grow with the rows.
"""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from openpyxl import Workbook
from openpyxl.chart._chart import ChartBase
from openpyxl.worksheet._write_only import WriteOnlyWorksheet
from openpyxl.worksheet._writer import WorksheetWriter
from openpyxl.worksheet.dimensions import DimensionHolder
from openpyxl.worksheet.page import PageMargins, PrintPageSetup
from openpyxl.worksheet.properties import WorksheetProperties
from openpyxl.worksheet.table import Table, TableList

from lms.errors import CountersignError

MOST_ROWS = 1_048_576
"""Rows in one sheet (Microsoft, "Excel specifications and limits")."""


class TooManyRowsError(CountersignError):
    """There is more than a spreadsheet can hold."""


class _RowWriter(WorksheetWriter):
    """openpyxl's writer of a sheet, into a file of our choosing, which rows can be put into as well."""

    def __init__(self, sheet: RowSheet, path: Path) -> None:
        self._path = path
        self.file = path.open("wb")
        super().__init__(sheet, out=self.file)

    def close(self) -> None:
        super().close()
        self.file.close()
        self.out = str(self._path)

    def cleanup(self) -> None:
        self._path.unlink()


class RowSheet(WriteOnlyWorksheet):
    """A write-only sheet whose rows are strings of XML. Set widths and panes before the first row."""

    _writer: Any
    _rows: Any

    if (
        TYPE_CHECKING
    ):  # openpyxl's type stubs leave out what its write-only sheet borrows from the ordinary one
        _tables: TableList
        column_dimensions: DimensionHolder[str, Any]
        page_margins: PageMargins
        page_setup: PrintPageSetup
        sheet_properties: WorksheetProperties

        def add_chart(self, chart: ChartBase, anchor: str | None = None) -> None: ...

    def __init__(self, workbook: Workbook, title: str, path: Path) -> None:
        super().__init__(workbook, title)
        self._row_path = path
        self.next_row = 1
        """The number that the next row will have."""

    def add_table(self, table: Table) -> None:
        """Add a table whose columns are given; openpyxl's own method warns that they must be."""
        self._tables.add(table)

    def append_cells(self, cells: str, height: float | None = None) -> None:
        """Add a row of `<c>` elements that carry their own references; height in points.

        The height is where the row starts from: it still fits itself to its text when that is edited.

        Raises TooManyRowsError beyond what Excel can open.
        """
        if self.next_row > MOST_ROWS:
            raise TooManyRowsError(
                f"A spreadsheet holds {MOST_ROWS:,} rows and there are more. Use the filters to choose fewer."
            )
        if self._rows is None:
            self._get_writer()
            self._rows = self._stream_rows()
            next(self._rows)
        tall = f' ht="{height}"' if height else ""
        self._rows.send(f'<row r="{self.next_row}"{tall}>{cells}</row>')
        self.next_row += 1

    def discard(self) -> None:
        """Let go of the sheet's file where the workbook was not saved."""
        if self._rows is not None and not self.closed:
            self.close()

    def _get_writer(self) -> None:
        if self._writer is None:
            self._writer = _RowWriter(self, self._row_path)
            self._writer.write_top()

    def _stream_rows(self) -> Generator[None, str, None]:
        xml = self._writer.xf.send(True)
        with xml.element("sheetData"):
            # lxml holds back what it has written; it must reach the file before the first row does.
            xml.flush()
            try:
                while True:
                    self._writer.file.write((yield).encode())
            except GeneratorExit:
                pass
        self._writer.xf.send(None)
