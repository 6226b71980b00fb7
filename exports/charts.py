"""Charts of where people stand: by group, term by term, and the share signed."""

from __future__ import annotations

from openpyxl.chart import BarChart, LineChart, Reference
from openpyxl.chart.marker import Marker
from openpyxl.chart.series import Series
from openpyxl.chart.series_factory import SeriesFactory
from openpyxl.chart.shapes import GraphicalProperties

from exports.row_sheet import RowSheet
from lms.record import CategoryCount
from lms.status import Status

SHOWN: tuple[tuple[Status, str], ...] = (
    (Status.SIGNED, "0D6B4B"),
    (Status.IN_PROGRESS, "2F74C8"),
    (Status.NOT_STARTED, "8290A1"),
    (Status.OVERDUE, "B3261E"),
    (Status.EXPIRED, "E07B6C"),
    (Status.DECLINED, "7A1F3D"),
)
"""The statuses of those who have something to sign, in the order of the columns and of the chart's bars."""

_WIDTH = 30
"""Centimetres: a page of A4 landscape."""
_NAVY = "17365D"


def add_bars(sheet: RowSheet, title: str, total: CategoryCount, heading_row: int, groups: int) -> None:
    """Draw a bar for each group under its table, which has one on each row and the first status in column 4."""
    chart = BarChart(barDir="bar", grouping="stacked", overlap=100, gapWidth=45)
    _dress(chart, title, height=4 + 0.75 * groups)
    chart.x_axis.scaling.orientation = "maxMin"
    chart.y_axis.crosses = "max"
    _draw(sheet, chart, total, heading_row, groups, first_status=4)


def add_terms(sheet: RowSheet, total: CategoryCount, heading_row: int, terms: int) -> None:
    """Draw a column for each term under its table, whose first status is in column 5."""
    chart = BarChart(barDir="col", grouping="stacked", overlap=100, gapWidth=60)
    _dress(chart, "Where everybody stood at the end of each term", height=8.5)
    _draw(sheet, chart, total, heading_row, terms, first_status=5)


def add_shares(sheet: RowSheet, heading_row: int, terms: int, *, column: int) -> None:
    """Draw the line of the share signed, which is in a column of the table above it."""
    chart = LineChart()
    _dress(chart, "Share signed at the end of each term", height=7.5)
    chart.y_axis.title, chart.legend = "Signed", None
    chart.y_axis.number_format, chart.y_axis.scaling.min, chart.y_axis.scaling.max = "0%", 0, 1
    series = _series(sheet, column, heading_row, heading_row + terms)
    series.graphicalProperties.line.solidFill, series.smooth = _NAVY, False
    series.marker = Marker(symbol="circle", spPr=GraphicalProperties(solidFill=_NAVY))
    chart.series.append(series)
    chart.set_categories(Reference(sheet, min_col=1, min_row=heading_row + 1, max_row=heading_row + terms))
    sheet.add_chart(chart, f"A{sheet.next_row + 20}")


def _draw(
    sheet: RowSheet,
    chart: BarChart,
    total: CategoryCount,
    heading_row: int,
    groups: int,
    *,
    first_status: int,
) -> None:
    for number, (status, colour) in enumerate(SHOWN, start=first_status):
        if total.counts[status]:
            series = _series(sheet, number, heading_row, heading_row + groups)
            series.graphicalProperties.solidFill = colour
            series.graphicalProperties.line.noFill = True
            chart.series.append(series)
    if not chart.series:
        return
    chart.set_categories(Reference(sheet, min_col=1, min_row=heading_row + 1, max_row=heading_row + groups))
    sheet.add_chart(chart, f"A{sheet.next_row + 1}")


def _dress(chart: BarChart | LineChart, title: str, height: float) -> None:
    chart.title, chart.style, chart.width, chart.height = title, 2, _WIDTH, height
    chart.y_axis.title = "Number to sign"
    for part in (chart.title, chart.legend, chart.y_axis.title):
        # Recent versions of Excel draw a title over the bars unless they are told not to.
        setattr(part, "overlay", False)  # noqa: B010  (the stubs say that a title may be None)
    if chart.legend is not None:
        chart.legend.position = "b"
    chart.x_axis.delete = chart.y_axis.delete = False
    chart.y_axis.number_format, chart.y_axis.majorGridlines = "0", None


def _series(sheet: RowSheet, column: int, heading_row: int, last_row: int) -> Series:
    values = Reference(sheet, min_col=column, min_row=heading_row, max_row=last_row)
    series: Series = SeriesFactory(values, title_from_data=True)
    return series
