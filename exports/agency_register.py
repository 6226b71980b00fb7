"""The agency register as a workbook: By agency, By day, Engaged, About."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO
from uuid import UUID

from exports.about_sheet import add_about
from exports.book import new_book
from exports.columns import Column, Kind
from exports.front import counted_sheet, fill_counted
from exports.table import data_sheet
from exports.training_record import item_columns, same_titles
from lms.agency_days import VisitRow
from lms.record import About, RecordItem, RecordRow
from lms.status import Status

OF_NOBODY = "No agency or company"

VISIT_COLUMNS: tuple[Column[VisitRow], ...] = (
    Column("Day", 12, Kind.DATE, lambda row: row.day),
    Column("Surname", 17, Kind.TEXT, lambda row: row.surname),
    Column("Forename", 14, Kind.TEXT, lambda row: row.forename),
    Column("Category", 16, Kind.TEXT, lambda row: row.category),
    Column("Agency or company", 22, Kind.TEXT, lambda row: row.agency),
    Column("Role", 18, Kind.TEXT, lambda row: row.role),
    Column("Arrived", 21, Kind.MOMENT, lambda row: row.arrived_at),
    Column("Left", 21, Kind.MOMENT, lambda row: row.left_at),
    Column("Photo ID seen", 16, Kind.TEXT, lambda row: row.photo_id),
    Column("Agency’s checks confirmed", 13, Kind.TEXT, lambda row: "Yes" if row.agency_confirmed else ""),
    Column("Checked by", 18, Kind.TEXT, lambda row: row.checked_by),
    Column("To sign", 9, Kind.WHOLE, lambda row: row.to_sign),
    Column("Status that day", 13, Kind.STATUS, lambda row: row.status),
    Column("Signed", 21, Kind.MOMENT, lambda row: row.signed_at),
    Column("Sent to class unsigned by", 18, Kind.TEXT, lambda row: row.to_class_by),
)


@dataclass
class AgencyCount:
    """Whom one agency or company sent."""

    agency: str
    people: set[UUID] = field(default_factory=set)
    visits: int = 0
    signed: int = 0
    unsigned: int = 0


AGENCY_COLUMNS: tuple[Column[AgencyCount], ...] = (
    Column("Agency or company", 40, Kind.TEXT, lambda row: row.agency),
    Column("Adults", 11, Kind.WHOLE, lambda row: len(row.people)),
    Column("Days here", 13, Kind.WHOLE, lambda row: row.visits),
    Column("Signed that day", 13, Kind.WHOLE, lambda row: row.signed),
    Column("Not signed that day", 13, Kind.WHOLE, lambda row: row.unsigned),
)

_ENGAGED: tuple[Column[RecordRow], ...] = (
    Column("Surname", 17, Kind.TEXT, lambda row: row.surname),
    Column("Forename", 14, Kind.TEXT, lambda row: row.forename),
    Column("Category", 16, Kind.TEXT, lambda row: row.category),
    Column("Agency or company", 22, Kind.TEXT, lambda row: row.agency),
    Column("Role", 22, Kind.TEXT, lambda row: row.role),
    Column("Start", 12, Kind.DATE, lambda row: row.start),
    Column("End", 12, Kind.DATE, lambda row: row.end),
)


def write(
    file: BinaryIO,
    items: Sequence[RecordItem],
    visits: Iterable[VisitRow],
    engaged: Iterable[RecordRow],
    about: About,
) -> int:
    """Write the register to `file` as an .xlsx workbook; return the number of rows.

    `visits` and `engaged` are each read once and not kept; what is kept is one id for each adult who came.
    """
    agencies: dict[str, AgencyCount] = {}
    with new_book(file, about) as book:
        front = counted_sheet(book, "By agency", AGENCY_COLUMNS)
        by_day = data_sheet(book, "By day", VISIT_COLUMNS)
        for visit in visits:
            by_day.add(visit)
            _count(agencies, visit)
        by_day.finish("Nobody came in through reception.")
        here = data_sheet(book, "Engaged", (*_ENGAGED, *item_columns(items)))
        for row in engaged:
            here.add(row)
        here.finish("No agency worker or contractor is on record.")
        counts = sorted(agencies.values(), key=lambda count: (count.agency == OF_NOBODY, count.agency))
        fill_counted(book, front, AGENCY_COLUMNS, counts, _headline(counts), _total(counts))
        add_about(book, {"By day": by_day.count, "Engaged": here.count}, same_titles(items))
    return by_day.count + here.count


def _count(agencies: dict[str, AgencyCount], visit: VisitRow) -> None:
    name = visit.agency or OF_NOBODY
    count = agencies.setdefault(name, AgencyCount(name))
    count.people.add(visit.person_id)
    count.visits += 1
    count.signed += visit.status is Status.SIGNED
    count.unsigned += visit.status not in (Status.SIGNED, Status.NOT_REQUIRED)


def _total(counts: Sequence[AgencyCount]) -> AgencyCount:
    people = set[UUID]().union(*(count.people for count in counts))
    return AgencyCount(
        "Total",
        people,
        sum(count.visits for count in counts),
        sum(count.signed for count in counts),
        sum(count.unsigned for count in counts),
    )


def _headline(counts: Sequence[AgencyCount]) -> str:
    whole = _total(counts)
    return (
        f"{len(whole.people):,} adults came in through reception since 1 September, on {whole.visits:,} visits. "
        f"On {whole.unsigned:,} of them something was not signed by the end of the day."
    )
