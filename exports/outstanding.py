"""What is outstanding, as a workbook: By manager, Outstanding, About."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import BinaryIO

from exports.about_sheet import add_about
from exports.action_needed import NEXT_STEP
from exports.book import new_book
from exports.columns import Column, Kind
from exports.front import counted_sheet, fill_counted
from exports.table import data_sheet
from lms.outstanding import NOT_DONE, OutstandingRow
from lms.record import About
from lms.status import Status

NO_MANAGER = "No manager on record"

OUTSTANDING_COLUMNS: tuple[Column[OutstandingRow], ...] = (
    Column("Manager", 20, Kind.TEXT, lambda row: row.manager or NO_MANAGER),
    Column("Surname", 17, Kind.TEXT, lambda row: row.surname),
    Column("Forename", 14, Kind.TEXT, lambda row: row.forename),
    Column("Staff no.", 10, Kind.TEXT, lambda row: row.staff_no),
    Column("Category", 19, Kind.TEXT, lambda row: row.category),
    Column("Role", 22, Kind.TEXT, lambda row: row.role),
    Column("Agency", 16, Kind.TEXT, lambda row: row.agency),
    Column("Department", 14, Kind.TEXT, lambda row: row.department),
    Column("To sign", 28, Kind.TEXT, lambda row: row.to_sign),
    Column("Status", 13, Kind.STATUS, lambda row: row.status),
    Column("Since", 12, Kind.DATE, lambda row: row.since),
    Column("Due", 12, Kind.DATE, lambda row: row.due),
    Column("Days overdue", 11, Kind.WHOLE, lambda row: row.days_overdue),
    Column("Last reminded", 12, Kind.DATE, lambda row: row.reminded_on),
    Column("Next step", 25, Kind.TEXT, lambda row: next_step(row)),
)


def next_step(row: OutstandingRow) -> str:
    """Return what to do next. Of who is away nothing is asked until they are back."""
    is_waiting = row.due is None and row.status is not Status.DECLINED
    return "Away: nothing until they are back" if is_waiting else NEXT_STEP[row.status]


@dataclass
class ManagerCount:
    """How much one manager's people have yet to do."""

    manager: str
    people: int = 0
    statuses: Counter[Status] = field(default_factory=Counter)
    never_reminded: int = 0


def _counted(status: Status) -> Column[ManagerCount]:
    return Column(status.capitalize(), 13, Kind.WHOLE, lambda row: row.statuses[status])


MANAGER_COLUMNS: tuple[Column[ManagerCount], ...] = (
    Column("Manager", 34, Kind.TEXT, lambda row: row.manager),
    Column("Adults", 11, Kind.WHOLE, lambda row: row.people),
    Column("Outstanding", 13, Kind.WHOLE, lambda row: row.statuses.total()),
    *(_counted(status) for status in NOT_DONE),
    Column("Never reminded", 13, Kind.WHOLE, lambda row: row.never_reminded),
)


def write(file: BinaryIO, rows: Iterable[OutstandingRow], about: About) -> int:
    """Write what is outstanding to `file` as an .xlsx workbook; return the number of rows.

    `rows` is read once and not kept; it comes by manager, and a person's rows together.
    """
    managers: list[ManagerCount] = []
    with new_book(file, about) as book:
        front = counted_sheet(book, "By manager", MANAGER_COLUMNS)
        outstanding = data_sheet(book, "Outstanding", OUTSTANDING_COLUMNS)
        last: OutstandingRow | None = None
        for row in rows:
            outstanding.add(row)
            _count(managers, row, last)
            last = row
        outstanding.finish("Nothing is outstanding.")
        fill_counted(book, front, MANAGER_COLUMNS, managers, _headline(managers), _total(managers))
        add_about(book, {"Outstanding": outstanding.count})
    return outstanding.count


def _count(managers: list[ManagerCount], row: OutstandingRow, last: OutstandingRow | None) -> None:
    name = row.manager or NO_MANAGER
    is_same = last is not None and (last.manager or NO_MANAGER) == name
    if not is_same:
        managers.append(ManagerCount(name))
    if not is_same or last is None or last.person_id != row.person_id:
        managers[-1].people += 1
    managers[-1].statuses[row.status] += 1
    managers[-1].never_reminded += row.reminded_on is None


def _total(managers: list[ManagerCount]) -> ManagerCount:
    whole = ManagerCount("Total")
    for manager in managers:
        whole.people += manager.people
        whole.statuses += manager.statuses
        whole.never_reminded += manager.never_reminded
    return whole


def _headline(managers: list[ManagerCount]) -> str:
    whole = _total(managers)
    if not managers:
        return "Nothing is outstanding."
    late = whole.statuses[Status.OVERDUE] + whole.statuses[Status.EXPIRED]
    return f"{whole.statuses.total():,} outstanding, {late:,} of them late."
