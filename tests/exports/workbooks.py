"""Workbooks made for tests, as bytes and as openpyxl reads them back."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from io import BytesIO
from typing import Any

from openpyxl import Workbook, load_workbook

from exports import attestation_register, training_record
from lms.record import About, CategoryCount, RecordItem, RecordRow
from lms.register import RegisterRow
from tests.exports.samples import ABOUT, SUMMARY


def record_file(
    items: Sequence[RecordItem],
    rows: Iterable[RecordRow],
    leavers: Iterable[RecordRow] = (),
    summary: Sequence[CategoryCount] = SUMMARY,
    about: About = ABOUT,
) -> bytes:
    """Return a training record."""
    file = BytesIO()
    training_record.write(file, items, rows, leavers, summary, about)
    return file.getvalue()


def register_file(
    rows: Iterable[RegisterRow], summary: Sequence[CategoryCount] = SUMMARY, about: About = ABOUT
) -> bytes:
    """Return an attestation register."""
    file = BytesIO()
    attestation_register.write(file, rows, summary, about)
    return file.getvalue()


def opened(workbook: bytes) -> Workbook:
    """Return a workbook as openpyxl reads it, colours and all."""
    return load_workbook(BytesIO(workbook))


def lines(workbook: Workbook, sheet: str, first_row: int = 1) -> list[dict[str, Any]]:
    """Return the rows of a sheet by their headings."""
    headings, *rows = workbook[sheet].iter_rows(min_row=first_row, values_only=True)
    return [dict(zip(headings, row, strict=True)) for row in rows]


def as_excel_reads(text: str) -> str:
    """Return text with this format's own escapes undone (ECMA-376 22.9.2.19), which openpyxl leaves as they are."""
    return re.sub("_x([0-9A-Fa-f]{4})_", lambda match: chr(int(match[1], 16)), text)
