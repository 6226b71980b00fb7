"""A sheet at the front of a workbook: what it is, one sentence, and a table of counts with a total."""

from __future__ import annotations

from collections.abc import Sequence

from exports.book import Book
from exports.cells import text_cell
from exports.columns import Column, Row
from exports.row_sheet import RowSheet
from exports.table import TableSheet, set_widths
from lms.clock import day_in_words


def counted_sheet(book: Book, title: str, columns: Sequence[Column[Row]]) -> RowSheet:
    """Add a sheet to be filled once the rows of the others have been counted."""
    sheet = book.sheet(title)
    set_widths(sheet, columns)
    return sheet


def fill_counted(
    book: Book,
    sheet: RowSheet,
    columns: Sequence[Column[Row]],
    rows: Sequence[Row],
    headline: str,
    total: Row | None = None,
) -> int:
    """Write a title, a sentence and a table of counts; return the row of the table's headings."""
    add_title(book, sheet, book.about.report, headline)
    heading_row = sheet.next_row
    table = TableSheet(book, sheet, sheet.title.replace(" ", "_"), columns)
    for row in rows:
        table.add(row)
    table.finish("There is nothing to count.")
    if rows and total is not None:
        table.add_total(total)
    sheet.print_title_rows = f"{heading_row}:{heading_row}"
    return heading_row


def add_title(book: Book, sheet: RowSheet, title: str, *lines: str) -> None:
    """Write a title, the place and the day, some lines, and an empty row."""
    about = book.about
    sheet.append_cells(text_cell(f"A{sheet.next_row}", title, book.page.title), height=28)
    for line in (f"{about.school}, as at {day_in_words(about.as_at)}", *lines):
        sheet.append_cells(text_cell(f"A{sheet.next_row}", line, book.page.line), height=18)
    sheet.append_cells("")
