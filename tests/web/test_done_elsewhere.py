"""Training done elsewhere in the training record: on a sheet of its own, and as no signature."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from io import BytesIO
from typing import Any

import openpyxl
import pytest
import sqlalchemy as sa
from flask import Flask
from openpyxl import Workbook

from lms import elsewhere, record, reports
from lms.db import db, session, transaction
from lms.outside_training import record_outside
from lms.people import Person, end_engagement
from lms.reports import Format, Report
from lms.schools import Organisation
from tests.client import StrictClient
from tests.conftest import NOW, Clock
from tests.exports.sheet_rules import faults
from tests.exports.workbooks import lines
from tests.factories import engagement_of, make_person, make_school
from tests.web.office import Office

pytestmark = pytest.mark.usefixtures("time")
SHEET = "Done elsewhere"
WITHOUT = ["Summary", "Action needed", "Record", "Leavers", "About"]
DONE = date(2026, 8, 28)


def exported(office: Office, hr: StrictClient, **wanted: str) -> Workbook:
    """Return the training record as HR downloads it, narrowed as on the page of records."""
    hr.get(f"{office.records}/exports", query_string=wanted)
    response = hr.submit(button="Make the file", report="training-record", format="xlsx")
    assert faults(response.data) == []
    book = openpyxl.load_workbook(BytesIO(response.data))
    response.close()
    return book


def tell(office: Office, person: Person, title: str = "Online safety", **values: Any) -> None:
    """Record something that somebody did elsewhere."""
    facts = {"done_on": DONE, "said_by": "herself", "by": office.hr.id, "now": NOW} | values
    office.do(record_outside, person.id, office.school.id, title=title, **facts)


def told_of(book: Workbook) -> list[str]:
    """Return whose training the sheet has; nothing where there is no sheet."""
    return [line["Surname"] for line in lines(book, SHEET)] if SHEET in book.sheetnames else []


def test_what_was_done_elsewhere_has_a_sheet_of_its_own_and_is_no_signature(
    office: Office, hr: StrictClient
) -> None:
    person = office.add(forename="=1+1", surname="=cmd()")
    office.do(lambda: setattr(session.get_one(Person, person.id), "staff_no", "=T1"))
    assert exported(office, hr).sheetnames == WITHOUT
    hr.get(office.page_of(person))
    hr.follow("Record training done elsewhere")
    hr.submit(button="Save", title="+Online safety", done_on=["28", "8", "2026"], said_by="@Tandem")

    book = exported(office, hr)

    assert book.sheetnames == [*WITHOUT[:-1], SHEET, WITHOUT[-1]]
    sheet = book[SHEET]
    assert lines(book, SHEET) == [
        {
            "Staff no.": "=T1",
            "Surname": "=cmd()",
            "Forename": "=1+1",
            "Training": "+Online safety",
            "Done on": datetime(2026, 8, 28),  # noqa: DTZ001 (a spreadsheet's dates have no zone)
            "Who says so": "@Tandem",
            "Recorded on": datetime(2026, 9, 7),  # noqa: DTZ001
        }
    ]
    assert {cell.data_type for cell in sheet[2]} == {"s", "d"}, "nothing is a formula"
    assert [cell.quotePrefix for cell in sheet[2]] == [True, True, True, True, False, True, False]
    assert sheet.tables["Done_elsewhere"].autoFilter.ref == sheet.tables["Done_elsewhere"].ref == "A1:G2"
    assert (sheet.freeze_panes, sheet.print_title_rows) == ("D2", "$1:$1")
    assert (sheet.page_setup.orientation, sheet.page_setup.paperSize) == ("landscape", 9)
    assert [sheet.column_dimensions[letter].width for letter in "ABC"] == [
        book["Record"].column_dimensions[letter].width for letter in "ABC"
    ]
    about = {row[0]: row[1] for row in book["About"].iter_rows(max_col=2, values_only=True)}
    assert about["Rows in Done elsewhere"] == "1"
    assert "It is no signature" in about["Done elsewhere"]
    (line,) = (line for line in lines(book, "Record") if line["Surname"] == "=cmd()")
    assert line["Social media policy: status"] == "Overdue"
    assert sum(line["Surname"] == "=cmd()" for line in lines(book, "Action needed")) == 1


def test_a_day_has_what_was_on_record_by_its_end_and_of_whom_was_engaged_then(
    office: Office, hr: StrictClient, time: Clock
) -> None:
    stays, leaves = office.add(surname="Stays"), office.add(surname="Leaves")
    tell(office, stays)
    tell(office, leaves)
    time.now = NOW + timedelta(days=1)
    hr.get(office.page_of(stays))
    hr.submit(button="It was a mistake")
    office.do(
        lambda: end_engagement(engagement_of(leaves), ends=date(2026, 9, 8), now=NOW + timedelta(days=1))
    )
    time.now = NOW + timedelta(days=2)

    days = ("2026-09-06", "2026-09-07", "2026-09-08", "2026-09-09")
    shown = {day: told_of(exported(office, hr, as_at=day)) for day in days}

    assert shown == {
        "2026-09-06": [],
        "2026-09-07": ["Leaves", "Stays"],
        "2026-09-08": ["Leaves"],
        "2026-09-09": [],
    }
    assert SHEET not in exported(office, hr, as_at="2026-09-06").sheetnames


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({}, ["Adams", "Adams", "Bell", "Zane"]),
        ({"name": "bell"}, ["Bell"]),
        ({"department": "Art"}, ["Adams", "Adams"]),
        ({"type": "governor"}, ["Bell"]),
        ({"status": "overdue", "department": "Art"}, ["Adams", "Adams"]),
        ({"status": "signed"}, []),
    ],
)
def test_the_sheet_has_those_whom_the_record_has_in_its_order_and_the_latest_first(
    office: Office, hr: StrictClient, wanted: dict[str, str], expected: list[str]
) -> None:
    adams = office.add(surname="Adams", department="Art")
    bell = office.add(surname="Bell", type="governor")
    office.add(surname="Carr")
    for person in (office.hr, bell, adams):
        tell(office, person)
    tell(office, adams, "First aid", done_on=DONE + timedelta(days=1))
    there = office.do(make_school)
    stranger = office.do(lambda: make_person(there, surname="Stranger"))
    office.do(record_outside, stranger.id, there.id, title="x", done_on=DONE, said_by="y", by=None, now=NOW)
    office.do(record_outside, adams.id, there.id, title="x", done_on=DONE, said_by="y", by=None, now=NOW)

    book = exported(office, hr, **wanted)

    assert told_of(book) == expected
    if "Adams" in expected:
        assert [line["Training"] for line in lines(book, SHEET)][:2] == ["First aid", "Online safety"]


def test_what_goes_over_with_a_merged_record_keeps_the_day_on_which_it_was_recorded(
    office: Office, hr: StrictClient, time: Clock
) -> None:
    kept, other = (office.add(forename="Ada", surname="Owen") for _ in range(2))
    tell(office, other)
    time.now = NOW + timedelta(days=1)
    hr.get(office.page_of(kept))
    hr.follow("On record twice?")
    hr.submit(button="Merge", other=str(other.id))

    assert len(told_of(exported(office, hr, as_at="2026-09-07"))) == 1
    (line,) = lines(exported(office, hr), SHEET)
    assert line["Recorded on"].date() == NOW.date()


def test_looking_costs_one_query_and_where_there_is_any_one_more_for_so_many_people(
    app: Flask, office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(elsewhere, "AT_ONCE", 2)
    people = [office.add(surname=f"P{number}") for number in range(4)]
    asked: list[str] = []

    def made() -> Workbook:
        asked.clear()
        file = BytesIO()
        with app.app_context(), transaction(write=False):
            scope = record.scope_of(session.get_one(Organisation, office.school.id), NOW)
            about = {"made_by": "Meera", "made_at": NOW}
            reports.write_report(Report.TRAINING_RECORD, scope, format=Format.XLSX, file=file, **about)
        return openpyxl.load_workbook(file)

    with app.app_context():
        sa.event.listen(db.engine, "before_cursor_execute", lambda *args: asked.append(args[2]))
    assert told_of(made()) == []
    assert sum("outside_training" in statement for statement in asked) == 1
    for person in (people[3], people[0]):
        tell(office, person)
    assert told_of(made()) == ["P0", "P3"]
    assert sum("outside_training" in statement for statement in asked) == 1 + 3, "five adults, by twos"
