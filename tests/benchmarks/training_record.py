"""How fast the training record is written, against openpyxl's own write-only mode, and in how much memory."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Callable, Iterable, Sequence
from datetime import date
from tempfile import TemporaryFile
from time import perf_counter

from openpyxl import Workbook

from exports import training_record
from exports.action_needed import ACTION_COLUMNS, actions
from exports.columns import Column, Row, Value, status_in_words
from lms.record import RecordRow
from lms.status import Status
from tests.benchmarks.figure import Figure
from tests.exports.samples import ABOUT, SUMMARY, items, people

PEOPLE = 10_000
ITEMS = 8
FEW, MANY = 2_000, 20_000

Plain = str | date | int | float | None
RowSource = Callable[[int, int], Iterable[RecordRow]]
"""Takes a number of people and of items; its rows are read while the clock runs."""


def run(source: RowSource = people) -> list[Figure]:
    """Return the time as a share of openpyxl's, and how the peak of memory grows with ten times the rows."""
    cells = _cells(source)
    own = min(_timed(lambda: _openpyxl_alone(cells)) for _ in range(2))
    ours = min(_timed(lambda: _write(source, PEOPLE)) for _ in range(2))
    growth = _peak(source, MANY) / _peak(source, FEW)
    size = f"{PEOPLE:,} adults × {ITEMS} items"
    return [
        Figure(f"training record, {size}, time", ours / own, 0.9, "× openpyxl's write-only mode"),
        Figure(f"training record, memory of {MANY:,} rows", growth, 1.2, f"× that of {FEW:,}"),
    ]


def _write(source: RowSource, count: int) -> None:
    with TemporaryFile() as file:
        training_record.write(file, items(ITEMS), source(count, ITEMS), (), SUMMARY, ABOUT)


def _cells(source: RowSource) -> list[list[list[Plain]]]:
    """Return the values of the sheets Record and Action needed, ready to write."""
    wanted = items(ITEMS)
    rows = list(source(PEOPLE, ITEMS))
    needed = [action for row in rows for action in actions(row, wanted, ABOUT.as_at)]
    return [_values(training_record.record_columns(wanted), rows), _values(ACTION_COLUMNS, needed)]


def _values(columns: Sequence[Column[Row]], rows: Sequence[Row]) -> list[list[Plain]]:
    return [[_plain(column.value(row)) for column in columns] for row in rows]


def _plain(value: Value) -> Plain:
    return status_in_words(value) if isinstance(value, Status) else value


def _openpyxl_alone(cells: list[list[list[Plain]]]) -> None:
    """Write the cells and nothing else: no colours, widths, tables or chart."""
    book = Workbook(write_only=True)
    for rows in cells:
        sheet = book.create_sheet()
        for row in rows:
            sheet.append(row)
    with TemporaryFile() as file:
        book.save(file)


def _timed(work: Callable[[], None]) -> float:
    gc.collect()
    started = perf_counter()
    work()
    return perf_counter() - started


def _peak(source: RowSource, count: int) -> int:
    """Return the peak of Python's memory in bytes while so many rows are written."""
    gc.collect()
    tracemalloc.start()
    try:
        _write(source, count)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


if __name__ == "__main__":
    for figure in run():
        print(f"{figure.name}: {figure.value:.3f} {figure.unit} (limit {figure.limit}): {figure.ok}")
