"""The attestation register as a workbook: Summary, Register, About."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import BinaryIO

from exports.about_sheet import add_about
from exports.book import new_book
from exports.columns import Column, Kind
from exports.summary import fill_summary, summary_sheet
from exports.table import data_sheet
from lms.clock import LONDON
from lms.record import About, CategoryCount
from lms.register import RegisterRow


def _signed_in_london(row: RegisterRow) -> datetime | None:
    return row.signed_at and row.signed_at.astimezone(LONDON)


REGISTER_COLUMNS: tuple[Column[RegisterRow], ...] = (
    Column("Person id", 38, Kind.CODE, lambda row: str(row.person_id)),
    Column("Surname", 17, Kind.TEXT, lambda row: row.surname),
    Column("Forename", 14, Kind.TEXT, lambda row: row.forename),
    Column("Category", 19, Kind.TEXT, lambda row: row.category),
    Column("Role", 22, Kind.TEXT, lambda row: row.role),
    Column("Agency", 16, Kind.TEXT, lambda row: row.agency),
    Column("School", 18, Kind.TEXT, lambda row: row.school),
    Column("Start", 12, Kind.DATE, lambda row: row.start),
    Column("End", 12, Kind.DATE, lambda row: row.end),
    Column("Policy", 28, Kind.TEXT, lambda row: row.policy),
    Column("Version", 10, Kind.TEXT, lambda row: row.version),
    Column("Hash prefix", 15, Kind.CODE, lambda row: row.hash_prefix),
    Column("Assigned", 12, Kind.DATE, lambda row: row.assigned),
    Column("Due", 12, Kind.DATE, lambda row: row.due),
    Column("Status", 13, Kind.STATUS, lambda row: row.status),
    Column("Signed (UTC)", 21, Kind.MOMENT, lambda row: row.signed_at),
    Column("Signed (UK time)", 21, Kind.MOMENT, _signed_in_london),
    Column("Method", 16, Kind.TEXT, lambda row: row.method),
    Column("Identity check", 20, Kind.TEXT, lambda row: row.identity_check),
    Column("Identity checked by", 20, Kind.TEXT, lambda row: row.identity_checked_by),
    Column("Reminders", 12, Kind.WHOLE, lambda row: row.reminders),
    Column("Next due", 12, Kind.DATE, lambda row: row.next_due),
    Column("Receipt id", 38, Kind.CODE, lambda row: str(row.receipt_id or "")),
)


def write(file: BinaryIO, rows: Iterable[RegisterRow], summary: Iterable[CategoryCount], about: About) -> int:
    """Write the register to `file` as an .xlsx workbook; return the number of rows.

    `rows` is read once, in order, and not kept; then `summary`, which may have counted them.
    """
    with new_book(file, about) as book:
        front = summary_sheet(book)
        register = data_sheet(book, "Register", REGISTER_COLUMNS)
        for row in rows:
            register.add(row)
        register.finish("There is nothing to show.")
        fill_summary(book, front, list(summary))
        add_about(book, {"Register": register.count})
    return register.count
