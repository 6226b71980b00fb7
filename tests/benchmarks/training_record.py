"""The training record, query and all, against openpyxl's own write-only mode for the same cells alone."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Callable, Sequence
from tempfile import TemporaryFile
from time import perf_counter

from flask import Flask
from openpyxl import Workbook

from exports import training_record
from exports.action_needed import ACTION_COLUMNS, actions
from exports.columns import Column, Row, Value, status_in_words
from lms import clock, record
from lms.db import transaction
from lms.record import Scope
from lms.reports import Format, Report, write_report
from lms.status import Status
from tests.benchmarks.figure import Figure
from tests.benchmarks.population import large_school
from tests.learners import Classroom

PEOPLE, ITEMS = 10_000, 8
FEW = 1_000

Plain = str | object | None


def run() -> list[Figure]:
    """Return the time as a share of openpyxl's, and how the peak of memory grows with ten times the rows."""
    with large_school(FEW, ITEMS) as few:
        small = _peak(*few)
    with large_school(PEOPLE, ITEMS) as many:
        large = _peak(*many)
        cells = _cells(*many)
        own = min(_timed(lambda: _openpyxl_alone(cells)) for _ in range(2))
        ours = min(_timed(lambda: _export(*many)) for _ in range(2))
    size = f"{PEOPLE:,} adults × {ITEMS} items"
    return [
        Figure(f"training record, {size}, query and all", ours / own, 0.9, "× openpyxl's write-only mode"),
        Figure(
            f"training record, peak memory of {PEOPLE:,} adults", large / small, 1.2, f"× that of {FEW:,}"
        ),
    ]


def _scope(classroom: Classroom) -> Scope:
    return record.scope_of(classroom.school, clock.now())


def _export(app: Flask, classroom: Classroom) -> None:
    with app.app_context(), transaction(write=False), TemporaryFile() as file:
        write_report(
            Report.TRAINING_RECORD,
            _scope(classroom),
            format=Format.XLSX,
            file=file,
            made_by="Benchmark",
            made_at=clock.now(),
        )


def _cells(app: Flask, classroom: Classroom) -> list[list[list[Plain]]]:
    """Return the values of the sheets Record and Action needed, ready to write."""
    with app.app_context(), transaction(write=False):
        scope = _scope(classroom)
        wanted, rows = record.items(scope), list(record.rows(scope))
    needed = [action for row in rows for action in actions(row, wanted, clock.london_day(scope.moment))]
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


def _peak(app: Flask, classroom: Classroom) -> int:
    """Return the peak of Python's memory in bytes while the report is made; what is made once is made before."""
    _export(app, classroom)
    gc.collect()
    tracemalloc.start()
    try:
        _export(app, classroom)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
