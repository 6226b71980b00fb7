"""The same rows as CSV: UTF-8 with a byte order mark for Excel, and ISO 8601 dates."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from io import TextIOWrapper
from typing import BinaryIO

from exports.agency_register import VISIT_COLUMNS
from exports.attestation_register import REGISTER_COLUMNS
from exports.cell_text import clean
from exports.columns import Column, Row, Value, distinct, status_in_words
from exports.outstanding import OUTSTANDING_COLUMNS
from exports.training_record import record_columns
from lms.agency_days import VisitRow
from lms.outstanding import OutstandingRow
from lms.record import RecordItem, RecordRow
from lms.register import RegisterRow
from lms.status import Status

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""What makes a spreadsheet take a CSV cell for a formula (OWASP, "CSV Injection")."""


def write_record_csv(file: BinaryIO, items: Sequence[RecordItem], rows: Iterable[RecordRow]) -> int:
    """Write the training record to `file`; return the number of rows."""
    return _write(file, record_columns(items), rows)


def write_register_csv(file: BinaryIO, rows: Iterable[RegisterRow]) -> int:
    """Write the attestation register to `file`; return the number of rows."""
    return _write(file, REGISTER_COLUMNS, rows)


def write_outstanding_csv(file: BinaryIO, rows: Iterable[OutstandingRow]) -> int:
    """Write what is outstanding to `file`; return the number of rows."""
    return _write(file, OUTSTANDING_COLUMNS, rows)


def write_visits_csv(file: BinaryIO, rows: Iterable[VisitRow]) -> int:
    """Write the agency register's days to `file`; return the number of rows."""
    return _write(file, VISIT_COLUMNS, rows)


def guarded(text: str) -> str:
    """Return clean text, with an apostrophe before what a spreadsheet would take for a formula."""
    text = clean(text)
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text


def _write(file: BinaryIO, columns: Sequence[Column[Row]], rows: Iterable[Row]) -> int:
    text = TextIOWrapper(file, encoding="utf-8-sig", newline="")
    try:
        lines = csv.writer(text)
        lines.writerow([guarded(heading) for heading in distinct(column.heading for column in columns)])
        count = 0
        for row in rows:
            lines.writerow([_field(column.value(row)) for column in columns])
            count += 1
        return count
    finally:
        # The file belongs to the caller: it must not be closed along with the wrapper.
        text.detach()


def _field(value: Value) -> str:
    match value:
        case None:
            return ""
        case Status():
            return status_in_words(value)
        case str():
            return guarded(value)
        case datetime():
            return value.isoformat(timespec="seconds")
        case date():
            return value.isoformat()
        case _:
            return str(value)
