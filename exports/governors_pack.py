"""The governors' pack as a workbook: counts, trend and exceptions; names only where HR asks for the appendix."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import BinaryIO

from exports.about_sheet import add_about
from exports.book import Book, new_book
from exports.cells import text_cell
from exports.charts import add_bars, add_shares, add_terms
from exports.columns import Column, Kind, Row
from exports.front import add_title, counted_sheet, fill_counted
from exports.pack_words import sentences
from exports.summary import COLUMNS, count_columns
from exports.table import LINE_HEIGHT, data_sheet, lines_taken
from lms.governors import ExceptionCount, Pack, Published, SchoolCount, TermCount
from lms.outstanding import OutstandingRow
from lms.record import About
from lms.status import Status

MADE_BY = "HR"
"""An office: whoever made it is in the audit, and no name is in the pack."""
_LATE = (Status.OVERDUE, Status.EXPIRED, Status.DECLINED)
_WORDS_WIDTH = 130
"""Characters."""

_SCHOOL: tuple[Column[SchoolCount], ...] = (
    *count_columns("School", lambda row: row.count),
    Column("Ledger size", 11, Kind.WHOLE, lambda row: row.ledger_size),
    Column("Ledger root", 46, Kind.CODE, lambda row: b64encode(row.ledger_root).decode()),
)
_TERM: tuple[Column[TermCount], ...] = (
    Column("Term", 30, Kind.TEXT, lambda row: row.term),
    Column("Last day", 13, Kind.DATE, lambda row: row.day),
    *count_columns("", lambda row: row.count)[1:],
)
_EXCEPTION: tuple[Column[ExceptionCount], ...] = (
    Column("School", 26, Kind.TEXT, lambda row: row.school),
    Column("Policy", 30, Kind.TEXT, lambda row: row.policy),
    Column("Exception", 42, Kind.TEXT, lambda row: row.kind.what),
    Column("Adults", 10, Kind.WHOLE, lambda row: row.people),
    Column("Longest, days", 11, Kind.WHOLE, lambda row: row.longest),
    Column("Action", 46, Kind.TEXT, lambda row: row.kind.action),
    Column("Owner", 16, Kind.TEXT, lambda row: row.kind.owner),
)
_VERSION: tuple[Column[Published], ...] = (
    Column("Policy", 34, Kind.TEXT, lambda row: row.policy),
    Column("Version", 22, Kind.TEXT, lambda row: row.version),
    Column("Published", 13, Kind.DATE, lambda row: row.published),
    Column("To be signed again by", 13, Kind.DATE, lambda row: row.sign_again_by),
    Column("Schools", 9, Kind.WHOLE, lambda row: row.schools),
    Column("SHA-256 of its text", 66, Kind.CODE, lambda row: row.sha256),
)
_NAME: tuple[Column[OutstandingRow], ...] = (
    Column("Surname", 20, Kind.TEXT, lambda row: row.surname),
    Column("Forename", 16, Kind.TEXT, lambda row: row.forename),
    Column("School", 24, Kind.TEXT, lambda row: row.school),
    Column("Category", 20, Kind.TEXT, lambda row: row.category),
    Column("Role", 24, Kind.TEXT, lambda row: row.role),
    Column("To sign", 30, Kind.TEXT, lambda row: row.to_sign),
    Column("Status", 13, Kind.STATUS, lambda row: row.status),
    Column("Due", 12, Kind.DATE, lambda row: row.due),
    Column("Days overdue", 11, Kind.WHOLE, lambda row: row.days_overdue),
)


def write(file: BinaryIO, pack: Pack, names: Iterable[OutstandingRow] | None, about: About) -> int:
    """Write the pack to `file` as an .xlsx workbook; return how many rows its tables have.

    With `names`, what is outstanding, an appendix names whoever is late or has declined.
    """
    counts: dict[str, int] = {}
    with new_book(file, replace(about, made_by=MADE_BY)) as book:
        _add_words(book, pack)
        _add_categories(book, pack)
        _add_schools(book, pack)
        _add_trend(book, pack)
        counts["Exceptions"] = _add_table(
            book, "Exceptions", _EXCEPTION, pack.exceptions, "Nothing to report."
        )
        counts["Policy history"] = _add_table(
            book, "Policy history", _VERSION, pack.history, "No policy was published."
        )
        if names is not None:
            late = (row for row in names if row.status in _LATE)
            counts["Appendix, names"] = _add_table(
                book, "Appendix, names", _NAME, late, "There is nobody to name."
            )
        add_about(book, counts)
    return sum(counts.values()) + len(pack.categories)


def _add_words(book: Book, pack: Pack) -> None:
    sheet = book.sheet("The year in words", pages_tall=1)
    sheet.column_dimensions["A"].width = _WORDS_WIDTH
    add_title(book, sheet, book.about.report)
    for sentence in sentences(pack, book.about.as_at):
        height = LINE_HEIGHT * lines_taken(sentence, _WORDS_WIDTH) + 9
        sheet.append_cells(text_cell(f"A{sheet.next_row}", sentence, book.page.value), height)


def _add_categories(book: Book, pack: Pack) -> None:
    sheet = counted_sheet(book, "By category", COLUMNS)
    row = fill_counted(book, sheet, COLUMNS, pack.categories, _share_words(pack), pack.total)
    add_bars(sheet, "Where each group stands", pack.total, row, len(pack.categories))


def _add_schools(book: Book, pack: Pack) -> None:
    sheet = counted_sheet(book, "By school", _SCHOOL)
    size = sum(school.ledger_size for school in pack.schools)
    total = SchoolCount(pack.total, size, b"")
    row = fill_counted(book, sheet, _SCHOOL, pack.schools, _share_words(pack), total)
    add_bars(sheet, "Where each school stands", pack.total, row, len(pack.schools))


def _add_trend(book: Book, pack: Pack) -> None:
    sheet = counted_sheet(book, "Trend by term", _TERM)
    said = "Each line shows what was on record by the end of that day."
    row = fill_counted(book, sheet, _TERM, pack.trend, said)
    add_terms(sheet, pack.total, row, len(pack.trend))
    add_shares(sheet, row, len(pack.trend), column=len(_TERM))


def _add_table(
    book: Book, title: str, columns: Sequence[Column[Row]], rows: Iterable[Row], when_empty: str
) -> int:
    table = data_sheet(book, title, columns, names=2)
    for row in rows:
        table.add(row)
    table.finish(when_empty)
    return table.count


def _share_words(pack: Pack) -> str:
    return sentences(pack, pack.trend[-1].day)[1]
