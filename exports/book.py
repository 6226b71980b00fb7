"""A workbook in the making: its sheets, how they print, what it says of itself, and saving it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO
from zipfile import ZIP_DEFLATED, ZipFile

from openpyxl import Workbook
from openpyxl.worksheet.header_footer import HeaderFooterItem
from openpyxl.worksheet.properties import PageSetupProperties
from openpyxl.worksheet.worksheet import Worksheet
from openpyxl.writer.excel import ExcelWriter

from exports.cell_text import clean
from exports.cells import CellWriter
from exports.formats import FormatRegister
from exports.row_sheet import RowSheet
from lms.clock import day_in_words, time_in_words
from lms.record import About

_MARGIN = 0.4
"""Inches, left and right."""


class Book:
    """A workbook whose sheets are written in step, each into a file of its own, until it is saved."""

    def __init__(self, folder: Path, about: About) -> None:
        self.about = about
        self._folder = folder
        self._workbook = Workbook(write_only=True)
        self._sheets: list[RowSheet] = []
        register = FormatRegister(self._workbook)
        self.rows = CellWriter(register.rows())
        self.totals = CellWriter(register.rows(total=True))
        self.page = register.page()
        self._describe()

    def sheet(self, title: str, *, pages_wide: int = 1, pages_tall: int = 0) -> RowSheet:
        """Add a sheet that prints on A4 landscape, so many pages wide and tall (0: as many as it takes)."""
        sheet = RowSheet(self._workbook, title, self._folder / f"{len(self._sheets)}.xml")
        self._workbook._add_sheet(sheet)  # type: ignore[attr-defined]  # not in the stubs
        self._sheets.append(sheet)
        self._set_up_page(sheet, pages_wide, pages_tall)
        self._head_and_foot(sheet)
        return sheet

    def save(self, file: BinaryIO) -> None:
        """Write the workbook to `file`."""
        # Not Workbook.save, which would put the time of saving in place of the time the report was made.
        with ZipFile(file, "w", ZIP_DEFLATED) as archive:
            ExcelWriter(self._workbook, archive).write_data()

    def discard(self) -> None:
        """Let go of every file; harmless after saving."""
        for sheet in self._sheets:
            sheet.discard()

    def _describe(self) -> None:
        made_at = self.about.made_at.astimezone(UTC).replace(tzinfo=None)
        properties = self._workbook.properties
        properties.title = clean(f"{self.about.report}, {self.about.school}")
        properties.subject = f"As at {day_in_words(self.about.as_at)}"
        properties.creator = properties.lastModifiedBy = clean(self.about.made_by)
        properties.created = properties.modified = made_at

    def _set_up_page(self, sheet: RowSheet, pages_wide: int, pages_tall: int) -> None:
        sheet.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)
        sheet.page_setup.orientation = Worksheet.ORIENTATION_LANDSCAPE
        sheet.page_setup.paperSize = Worksheet.PAPERSIZE_A4
        sheet.page_setup.fitToWidth = pages_wide
        sheet.page_setup.fitToHeight = pages_tall
        sheet.page_setup.pageOrder = "overThenDown"
        sheet.page_margins.left = sheet.page_margins.right = _MARGIN
        sheet.page_margins.top = sheet.page_margins.bottom = 0.75
        sheet.sheet_view.showGridLines = False

    def _head_and_foot(self, sheet: RowSheet) -> None:
        about = self.about
        header, footer = HeaderFooterItem(), HeaderFooterItem()
        header.left.text = _printed(f"{about.report}: {sheet.title}", 60)
        header.right.text = _printed(about.school, 80)
        footer.left.text = _printed(f"As at {day_in_words(about.as_at)}", 60)
        footer.center.text = "Page &P of &N"
        footer.right.text = _printed(f"Made {time_in_words(about.made_at)}", 60)
        sheet.oddHeader, sheet.oddFooter = header, footer


@contextmanager
def new_book(file: BinaryIO, about: About) -> Iterator[Book]:
    """Give a workbook to fill, then save it to `file`; leave nothing behind in the temporary folder.

    An error while it is being filled leaves `file` untouched.
    """
    with TemporaryDirectory(prefix="countersign-") as folder:
        book = Book(Path(folder), about)
        try:
            yield book
            book.save(file)
        finally:
            book.discard()


def _printed(text: str, longest: int) -> str:
    """Return text for a page's header: one line, and an ampersand (which starts a code there) doubled."""
    return " ".join(clean(text).split())[:longest].replace("&", "&&")
