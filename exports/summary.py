"""The sheet Summary: how many stand where, by engagement type, with a chart."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from exports.book import Book
from exports.cells import text_cell
from exports.charts import SHOWN, add_bars
from exports.columns import Column, Kind, Row, status_in_words
from exports.row_sheet import RowSheet
from exports.table import TableSheet, set_widths
from lms.clock import day_in_words
from lms.record import CategoryCount
from lms.status import Status


def required(row: CategoryCount) -> int:
    """Return how many obligations there are to sign for, signed or not."""
    return sum(number for status, number in row.counts.items() if status is not Status.NOT_REQUIRED)


def share_signed(row: CategoryCount) -> float | None:
    """Return the share signed, from 0 to 1, to a tenth of a percent; None where nobody has to sign.

    It is rounded down, so that 100 % always means everybody.
    """
    whole = required(row)
    return math.floor(row.counts.get(Status.SIGNED, 0) * 1000 / whole) / 1000 if whole else None


def total_of(summary: Sequence[CategoryCount]) -> CategoryCount:
    """Return all the engagement types together."""
    counts = {status: sum(row.counts.get(status, 0) for row in summary) for status in Status}
    return CategoryCount("Total", sum(row.people for row in summary), counts)


def count_columns(
    heading: str, count_of: Callable[[Row], CategoryCount], width: int = 30
) -> tuple[Column[Row], ...]:
    """Return the columns that say what is counted, and where those counted stand; `count_of` finds it in a row."""

    def number(status: Status) -> Callable[[Row], int]:
        return lambda row: count_of(row).counts.get(status, 0)

    return (
        Column(heading, width, Kind.TEXT, lambda row: count_of(row).category),
        Column("Adults", 11, Kind.WHOLE, lambda row: count_of(row).people),
        Column("To sign", 11, Kind.WHOLE, lambda row: required(count_of(row))),
        *(Column(status_in_words(status), 13, Kind.WHOLE, number(status)) for status, _ in SHOWN),
        Column("Not required", 13, Kind.WHOLE, number(Status.NOT_REQUIRED)),
        Column("% signed", 12, Kind.PERCENT, lambda row: share_signed(count_of(row))),
    )


COLUMNS: tuple[Column[CategoryCount], ...] = count_columns("Category", lambda row: row)


def summary_sheet(book: Book) -> RowSheet:
    """Add the sheet Summary to a workbook, to be filled once the rows have been counted."""
    sheet = book.sheet("Summary", pages_tall=1)
    set_widths(sheet, COLUMNS)
    return sheet


def fill_summary(book: Book, sheet: RowSheet, summary: Sequence[CategoryCount]) -> None:
    """Write the counts and their chart on the sheet Summary."""
    total = total_of(summary)
    _add_title(book, sheet, total)
    heading_row = sheet.next_row
    table = TableSheet(book, sheet, "Summary", COLUMNS)
    for row in summary:
        table.add(row)
    table.finish("There is nobody to count.")
    if summary:
        table.add_total(total)
        add_bars(sheet, "Where each group stands", total, heading_row, len(summary))


def _add_title(book: Book, sheet: RowSheet, total: CategoryCount) -> None:
    about = book.about
    sheet.append_cells(text_cell("A1", about.report, book.page.title), height=28)
    place_and_day = f"{about.school}, as at {day_in_words(about.as_at)}"
    sheet.append_cells(text_cell("A2", place_and_day, book.page.line), height=18)
    sheet.append_cells(text_cell("A3", _headline(total), book.page.line), height=18)
    sheet.append_cells("")


def _headline(total: CategoryCount) -> str:
    share = share_signed(total)
    if share is None:
        return "Nobody has anything to sign."
    return f"{total.counts[Status.SIGNED]:,} of {required(total):,} signed ({share:.1%})."
