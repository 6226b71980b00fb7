"""What another list and the record have that the other hasn't, as a workbook."""

from __future__ import annotations

from typing import BinaryIO

from exports.about_sheet import add_about
from exports.book import new_book
from exports.columns import Column, Kind, Row
from exports.table import data_sheet
from lms.gap_matching import Gap, Known, NotHere, NotListed
from lms.record import About

# What the list says is drawn as codes: cells of that kind are remembered nowhere once the file is made.
_NOT_HERE: tuple[Column[NotHere], ...] = (
    Column("Line", 8, Kind.WHOLE, lambda row: row.listed.line),
    Column("Name on the list", 30, Kind.CODE, lambda row: row.listed.name),
    Column("Number on the list", 14, Kind.CODE, lambda row: row.listed.staff_no),
    Column("Left on", 12, Kind.DATE, lambda row: row.left.ends if row.left else None),
    Column("Perhaps", 60, Kind.CODE, lambda row: "; ".join(person.name for person in row.perhaps)),
)
_NOT_LISTED: tuple[Column[NotListed], ...] = (
    Column("Staff no.", 10, Kind.CODE, lambda row: row.person.staff_no),
    Column("Surname", 17, Kind.CODE, lambda row: row.person.surname),
    Column("Forename", 14, Kind.CODE, lambda row: row.person.forename),
    Column("Known as", 11, Kind.CODE, lambda row: row.person.known_as),
    Column("Category", 19, Kind.TEXT, lambda row: row.person.type.words),
    Column("Agency", 16, Kind.TEXT, lambda row: row.person.agency),
    Column("Department", 14, Kind.TEXT, lambda row: row.person.department),
    Column("Start", 12, Kind.DATE, lambda row: row.person.starts),
    Column("End", 12, Kind.DATE, lambda row: row.person.ends),
    Column("Perhaps on the list as", 40, Kind.CODE, lambda row: "; ".join(one.said for one in row.perhaps)),
)
_UNASSIGNED: tuple[Column[Known], ...] = (
    Column("Staff no.", 10, Kind.CODE, lambda row: row.staff_no),
    Column("Surname", 17, Kind.CODE, lambda row: row.surname),
    Column("Forename", 14, Kind.CODE, lambda row: row.forename),
    Column("Known as", 11, Kind.CODE, lambda row: row.known_as),
    Column("Category", 19, Kind.TEXT, lambda row: row.type.words),
    Column("Agency", 16, Kind.TEXT, lambda row: row.agency),
    Column("Department", 14, Kind.TEXT, lambda row: row.department),
    Column("Start", 12, Kind.DATE, lambda row: row.starts),
    Column("End", 12, Kind.DATE, lambda row: row.ends),
)


def write(file: BinaryIO, gap: Gap, about: About) -> None:
    """Write the three lists to `file` as an .xlsx workbook, each on a sheet."""
    with new_book(file, about) as book:
        counts: dict[str, int] = {}

        def add(title: str, columns: tuple[Column[Row], ...], rows: list[Row], when_empty: str) -> None:
            table = data_sheet(book, title, columns)
            for row in rows:
                table.add(row)
            table.finish(when_empty)
            counts[title] = table.count

        add("On it and not here", _NOT_HERE, gap.not_here, "Everybody on the list is here.")
        add("Here and not on it", _NOT_LISTED, gap.not_listed, "Everybody here is on the list.")
        add("Nothing assigned", _UNASSIGNED, gap.unassigned, "Everybody here is asked for something.")
        add_about(book, counts)
