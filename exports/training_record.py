"""The training record as a workbook: Summary, Action needed, Record, Leavers, Done elsewhere, About."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date
from typing import BinaryIO

from exports.about_sheet import add_about
from exports.action_needed import ACTION_COLUMNS, actions
from exports.book import new_book
from exports.columns import Column, Kind, distinct
from exports.elsewhere_sheet import NOTE, ElsewhereSheet
from exports.summary import fill_summary, summary_sheet
from exports.table import data_sheet
from lms.record import About, CategoryCount, RecordItem, RecordRow
from lms.status import Status

_PERSON: tuple[Column[RecordRow], ...] = (
    Column("Staff no.", 10, Kind.TEXT, lambda row: row.staff_no),
    Column("Surname", 17, Kind.TEXT, lambda row: row.surname),
    Column("Forename", 14, Kind.TEXT, lambda row: row.forename),
    Column("Known as", 11, Kind.TEXT, lambda row: row.known_as),
    Column("Category", 19, Kind.TEXT, lambda row: row.category),
    Column("Role", 22, Kind.TEXT, lambda row: row.role),
    Column("Agency", 16, Kind.TEXT, lambda row: row.agency),
    Column("Department", 14, Kind.TEXT, lambda row: row.department),
    Column("School", 18, Kind.TEXT, lambda row: row.school),
    Column("Manager", 16, Kind.TEXT, lambda row: row.manager),
    Column("Start", 12, Kind.DATE, lambda row: row.start),
    Column("End", 12, Kind.DATE, lambda row: row.end),
)
_STANDING: tuple[Column[RecordRow], ...] = (
    Column("Next due", 12, Kind.DATE, lambda row: row.next_due),
    Column("Days overdue", 11, Kind.WHOLE, lambda row: row.days_overdue),
    Column("Identity check", 18, Kind.TEXT, lambda row: row.identity_check),
)


def record_columns(items: Sequence[RecordItem]) -> tuple[Column[RecordRow], ...]:
    """Return the columns of the record: the person, two for each item, and how the person stands."""
    return (*_PERSON, *item_columns(items), *_STANDING)


def item_columns(items: Sequence[RecordItem]) -> tuple[Column[RecordRow], ...]:
    """Return two columns for each item: where somebody stands, and when they signed."""
    titles = distinct(item.title for item in items)
    return tuple(pair for number, title in enumerate(titles) for pair in _item_columns(number, title))


def same_titles(items: Sequence[RecordItem]) -> Iterator[tuple[str, str]]:
    """Yield, for each of several items of one title, its heading and whom it is for."""
    titles = [item.title for item in items]
    for heading, item in zip(distinct(titles), items, strict=True):
        if item.asked_of and titles.count(item.title) > 1:
            yield heading, f"For: {item.asked_of}."


def write(
    file: BinaryIO,
    items: Sequence[RecordItem],
    rows: Iterable[RecordRow],
    leavers: Iterable[RecordRow],
    summary: Iterable[CategoryCount],
    about: About,
) -> int:
    """Write the training record to `file` as an .xlsx workbook; return how many adults, leavers included.

    `rows` and `leavers` are each read once, in order, and not kept; then `summary`, which may have counted them.
    """
    columns = record_columns(items)
    with new_book(file, about) as book:
        front = summary_sheet(book)
        action = data_sheet(book, "Action needed", ACTION_COLUMNS)
        record = data_sheet(book, "Record", columns)
        left = data_sheet(book, "Leavers", columns)
        elsewhere = ElsewhereSheet(book)
        # Each sheet has a file of its own until the end, so one reading of the rows fills them all.
        for row in rows:
            record.add(row)
            for needed in actions(row, items, about.as_at):
                action.add(needed)
            elsewhere.add(row)
        action.finish("Nobody needs chasing.")
        record.finish("There is nobody to show.")
        for row in leavers:
            left.add(row)
        left.finish("There are no leavers to show.")
        counts = {table.sheet.title: table.count for table in (action, record, left)}
        if done := elsewhere.finish():
            counts[done.sheet.title] = done.count
        fill_summary(book, front, list(summary))
        add_about(book, counts, [*same_titles(items), *([NOTE] if done else [])])
    return record.count + left.count


def _item_columns(number: int, title: str) -> tuple[Column[RecordRow], Column[RecordRow]]:
    return (
        Column(f"{title}: status", 15, Kind.STATUS, _status_of(number)),
        Column(f"{title}: signed", 15, Kind.DATE, _signed_on(number)),
    )


def _status_of(number: int) -> Callable[[RecordRow], Status]:
    return lambda row: row.items[number].status


def _signed_on(number: int) -> Callable[[RecordRow], date | None]:
    return lambda row: row.items[number].signed_on
