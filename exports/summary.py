"""The sheet Summary: how many stand where, by engagement type, with a chart."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from openpyxl.chart import BarChart, Reference
from openpyxl.chart.series import Series
from openpyxl.chart.series_factory import SeriesFactory

from exports.book import Book
from exports.cells import text_cell
from exports.columns import Column, Kind, status_in_words
from exports.row_sheet import RowSheet
from exports.table import TableSheet, set_widths
from lms.clock import day_in_words
from lms.record import CategoryCount
from lms.status import Status

_SHOWN: tuple[tuple[Status, str], ...] = (
    (Status.SIGNED, "0D6B4B"),
    (Status.IN_PROGRESS, "2F74C8"),
    (Status.NOT_STARTED, "8290A1"),
    (Status.OVERDUE, "B3261E"),
    (Status.EXPIRED, "E07B6C"),
    (Status.DECLINED, "7A1F3D"),
)
"""The statuses of those who have something to sign, in the order of the columns and of the chart's bars."""


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


def _counted(status: Status) -> Callable[[CategoryCount], int]:
    return lambda row: row.counts.get(status, 0)


COLUMNS: tuple[Column[CategoryCount], ...] = (
    Column("Category", 30, Kind.TEXT, lambda row: row.category),
    Column("Adults", 11, Kind.WHOLE, lambda row: row.people),
    Column("To sign", 11, Kind.WHOLE, required),
    *(Column(status_in_words(status), 13, Kind.WHOLE, _counted(status)) for status, _ in _SHOWN),
    Column("Not required", 13, Kind.WHOLE, _counted(Status.NOT_REQUIRED)),
    Column("% signed", 12, Kind.PERCENT, share_signed),
)
_FIRST_STATUS_COLUMN = 4


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
        _add_chart(sheet, total, heading_row, len(summary))


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


def _add_chart(sheet: RowSheet, total: CategoryCount, heading_row: int, categories: int) -> None:
    last_row = heading_row + categories
    chart = _bars("Where each group stands", height=4 + 0.75 * categories)
    for number, (status, colour) in enumerate(_SHOWN, start=_FIRST_STATUS_COLUMN):
        if total.counts[status]:
            chart.series.append(_series(sheet, number, heading_row, last_row, colour))
    if not chart.series:
        return
    chart.set_categories(Reference(sheet, min_col=1, min_row=heading_row + 1, max_row=last_row))
    sheet.add_chart(chart, f"A{sheet.next_row + 1}")


def _bars(title: str, height: float) -> BarChart:
    """Return an empty chart of stacked bars, the first group at the top; sizes in centimetres."""
    chart = BarChart(barDir="bar", grouping="stacked", overlap=100, gapWidth=45)
    chart.title, chart.style, chart.width, chart.height = title, 2, 30, height
    chart.y_axis.title = "Number to sign"
    for part in (chart.title, chart.legend, chart.y_axis.title):
        # Recent versions of Excel draw a title over the bars unless they are told not to.
        setattr(part, "overlay", False)  # noqa: B010  (the stubs say that a title may be None)
    chart.legend.position = "b"
    chart.x_axis.scaling.orientation = "maxMin"
    chart.x_axis.delete = chart.y_axis.delete = False
    chart.y_axis.crosses = "max"
    chart.y_axis.number_format, chart.y_axis.majorGridlines = "0", None
    return chart


def _series(sheet: RowSheet, column: int, heading_row: int, last_row: int, colour: str) -> Series:
    values = Reference(sheet, min_col=column, min_row=heading_row, max_row=last_row)
    series: Series = SeriesFactory(values, title_from_data=True)
    series.graphicalProperties.solidFill = colour
    series.graphicalProperties.line.noFill = True
    return series
