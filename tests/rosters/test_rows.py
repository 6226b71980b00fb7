"""Every mess that staff lists have: what is recorded of it, or the line, cell and reason."""

from __future__ import annotations

import io
import re
import time
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

import openpyxl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lms.people import EngagementType
from lms.roster.columns import find_columns
from lms.roster.file import read_table
from lms.roster.rows import BadRow, RosterRow, Rows, read_rows
from lms.roster.types import guessed_type
from tests.rosters.making import DATED, HEADINGS, TODAY, csv_of, messy_roster, read, read_lines, xlsx_of


def one(*cells: Any, headings: tuple[str, ...] = DATED) -> RosterRow:
    rows = read_lines(cells, headings=headings)
    assert rows.bad == ()
    return rows.good[0]


def refused(*cells: Any, headings: tuple[str, ...] = DATED) -> BadRow:
    rows = read_lines(cells, headings=headings)
    assert rows.good == ()
    return rows.bad[0]


def test_a_row_is_read_as_it_will_be_recorded() -> None:
    row = one(
        1234.0,
        " Mary  Ann ",
        "O'\u200bBRIEN",
        "Molly O'Brien",
        "mailto:M.OBrien@School.sch.uk",
        "Teaching staff",
        "Teacher\u00a0of  Maths",
        "n/a",
        "0007",
        datetime(2020, 9, 1),  # noqa: DTZ001
        "31/08/2026",
    )

    assert row == RosterRow(
        line=2,
        surname="O'Brien",
        forename="Mary Ann",
        staff_no="1234",
        known_as="Molly",
        email="m.obrien@school.sch.uk",
        type=EngagementType.TEACHER,
        job_title="Teacher of Maths",
        manager="0007",
        starts=date(2020, 9, 1),
        ends=date(2026, 8, 31),
        was_capitals=True,
    )


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("00123", "00123"),
        (123, "123"),
        ("1234.0", "1234"),
        ('="00123"', "00123"),
        ("'00123", "00123"),
        ("AB-1", "AB-1"),
        ("-", None),
        (None, None),
    ],
)
def test_a_staff_number_keeps_its_noughts_and_loses_what_programs_add(written: Any, kept: str | None) -> None:
    assert one(written, "Jane", "Smith").staff_no == kept


@pytest.mark.parametrize(
    ("written", "day"),
    [
        ("01/09/2020", date(2020, 9, 1)),
        ("1.9.20", date(2020, 9, 1)),
        ("01-Sep-2020", date(2020, 9, 1)),
        ("Tuesday, 1st September 2020", date(2020, 9, 1)),
        ("1 Sept 98", date(1998, 9, 1)),
        ("2020-09-01T00:00:00", date(2020, 9, 1)),
        ("01/09/2020 00:00:00", date(2020, 9, 1)),
        (44075, date(2020, 9, 1)),
        ("44075", date(2020, 9, 1)),
        (date(2020, 9, 1), date(2020, 9, 1)),
        (" ", None),
    ],
)
def test_a_day_is_read_however_it_is_written(written: Any, day: date | None) -> None:
    assert one("1", "Jane", "Smith", *[None] * 6, written).starts == day


def test_a_last_day_far_off_is_none() -> None:
    assert one("1", "Jane", "Smith", *[None] * 7, "31/12/2999").ends is None


@pytest.mark.parametrize(
    ("changes", "cell", "heading", "reason"),
    [
        ({1: None}, "B2", "First Name", "the forename is missing"),
        ({2: " "}, "C2", "Last Name", "the surname is missing"),
        ({1: None, 2: None}, "C2", "Last Name", "there is no name"),
        ({1: "-", 2: "-"}, "C2", "Last Name", "there is no name"),
        ({2: 42}, "C2", "Last Name", "“42” is not a name"),
        ({2: "MÃ¼ller"}, "C2", "Last Name", "garbled"),
        ({2: "?ak"}, "C2", "Last Name", "“\\?ak” has lost a letter"),
        ({2: "=SUM(A1)"}, "C2", "Last Name", "“=SUM\\(A1\\)” is a formula"),
        ({0: 1e16}, "A2", "Staff Code", "not kept all digits"),
        ({0: "1.23E+11"}, "A2", "Staff Code", "shortened the number"),
        ({0: datetime(2020, 1, 2)}, "A2", "Staff Code", "made a date"),  # noqa: DTZ001
        ({4: "jane at school"}, "E2", "Work Email", "not an e-mail address"),
        ({4: "a@b.uk; c@d.uk"}, "E2", "Work Email", "not an e-mail address"),
        ({5: "Wizard"}, "F2", "Category", "“Wizard” is not a category.*Teacher"),
        ({6: "#REF!"}, "G2", "Job Title", "the error #REF!"),
        ({6: "x" * 121}, "G2", "Job Title", "longer than 120"),
        ({7: True, 9: "31/02/2020"}, "J2", "Start Date", "“31/02/2020” is not a day"),
        ({9: "09/23/2020"}, "J2", "Start Date", "is not a day"),
        ({9: "soon"}, "J2", "Start Date", "is not a day"),
        ({9: 1e300}, "J2", "Start Date", "is not a day"),
        ({9: 12}, "J2", "Start Date", "is not a day"),
        ({9: timedelta(hours=2)}, "J2", "Start Date", "a time, not a day"),
        ({9: "01/01/1066"}, "J2", "Start Date", "too long ago"),
        ({9: "01/01/2022", 10: "01/01/2021"}, "K2", "Leaving Date", "comes before the first"),
    ],
)
def test_what_is_wrong_is_said_with_its_cell_and_the_row_is_kept_as_it_was(
    changes: dict[int, Any], cell: str, heading: str, reason: str
) -> None:
    cells: list[Any] = ["1", "Jane", "Smith", *[None] * 8]
    for column, value in changes.items():
        cells[column] = value

    bad = refused(*cells)

    assert (bad.line, bad.cell, bad.heading) == (2, cell, heading)
    assert re.search(reason, bad.reason), bad.reason
    assert bad.cells == tuple(cells[: len(bad.cells)])
    assert not any((cell or "").strip() for cell in cells[len(bad.cells) :])


def test_all_that_is_wrong_in_a_row_is_said_at_once() -> None:
    bad = refused("1", "Jane", "Smith", None, "jane@", None, None, None, None, "never")

    assert [fault.cell for fault in bad.faults] == ["E2", "J2"]
    assert bad.reason.startswith(
        "Work Email: “jane@” is not an e-mail address; Start Date: “never” is not a day"
    )


def test_one_office_address_serves_several_people_and_a_leaver_is_still_read() -> None:
    rows = read_lines(
        ("1", "Jane", "Smith", None, "office@school.sch.uk"),
        ("2", "Ann", "Jones", None, "Office@school.sch.uk"),
        (3, "Tom", "Khan", None, None, None, None, None, None, None, "31/08/2020"),
        headings=DATED,
    )

    assert [row.email for row in rows.good] == ["office@school.sch.uk"] * 2 + [None]
    assert rows.good[2].ends == date(2020, 8, 31)


def test_the_same_person_twice_is_a_second_engagement_or_a_line_too_many() -> None:
    jane = ("1", "Jane", "Smith", None, None)
    rows = read_lines(
        (*jane, "Teacher"),
        (*jane, "Teacher"),
        (*jane, "Governor"),
        (*jane, "Teacher", "Head of Year"),
        ("1 ", "Janet", "SMYTHE", None, None),
        ("2", "Ann", "Jones", None, "ann@school.sch.uk", "Teacher"),
        (None, "ANN", "JONES", None, "Ann@school.sch.uk", "Governor"),
        (None, "Ann", "Jones", None, None, "Volunteer"),
        ("3", "Ann", "Jones", None, None, "Teacher"),
    )

    reasons = {row.line: row.reason for row in rows.bad}
    assert [(row.line, row.same_as) for row in rows.good] == [(7, None), (8, 7), (10, None)]
    assert set(reasons) == {2, 3, 4, 5, 6, 9}
    assert "lines 2 and 6 give the staff number 1 to two names, Jane Smith and Janet Smythe" in reasons[2]
    assert "nothing tells the two apart" in reasons[9]


def test_a_second_line_that_says_the_same_or_overlaps_is_left_out_and_a_return_is_not() -> None:
    rows = read_lines(
        ("1", "Jane", "Smith", None, None, "Teacher", None, None, None, "01/09/2020", "31/08/2022"),
        ("1", "Jane", "SMITH", None, None, "Teacher", None, None, None, "01/09/2020", "31/08/2022"),
        ("1", "Jane", "Smith", None, None, "Teacher", None, None, None, "01/09/2023", None),
        ("1", "Jane", "Smith", None, None, "Teacher", "Head of Year", None, None, "01/01/2024", None),
        ("1", "Jane", "Smith", None, "jane@school.sch.uk", "Governor"),
        ("1", "Jane", "Smith", None, "js@school.sch.uk", "Volunteer"),
        headings=DATED,
    )

    assert [(row.line, row.same_as) for row in rows.good] == [(2, None), (4, 2), (6, 2), (7, 2)]
    assert [row.line for row in rows.bad] == [3, 5]
    assert "same category at the same time" in rows.bad[1].reason


def test_a_name_in_one_column_a_status_and_a_schools_own_words_are_read() -> None:
    headings = ("Name", "Category", "Status", "Leave date", "Job title")
    lines = [
        headings,
        ("SMITH, Jane", "Cover crew", "Current"),
        ("Ann de Souza", "Wizard", "Left", "31/08/2026", "Teaching Assistant"),
        ("Tom Khan", "Teacher", "Left"),
        ("Ewa Żak", "Wizard"),
    ]
    table = read_table(csv_of(lines), "staff.csv")
    rows = read_rows(table, find_columns(table), TODAY, {"cover crew": "agency_worker"})

    assert [(r.forename, r.surname, r.type, r.type_is_guess) for r in rows.good] == [
        ("Jane", "Smith", EngagementType.AGENCY_WORKER, False),
        ("Ann", "de Souza", EngagementType.SUPPORT_STAFF, True),
    ]
    assert [(b.cell, b.heading) for b in rows.bad] == [("C4", "Status"), ("B5", "Category")]
    assert rows.unknown_types == ("Wizard",)


@pytest.mark.parametrize(
    ("heading", "word", "left"),
    [
        ("Current", "No", True),
        ("Active", "0", True),
        ("Leaver", "Y", True),
        ("Leaver", "N", False),
        ("Status", "On leave", False),
    ],
)
def test_whoever_is_said_to_have_left_needs_a_last_day(heading: str, word: str, left: bool) -> None:
    rows = read(csv_of([("Name", heading), ("Jane Smith", word)]))

    assert [bad.cell for bad in rows.bad] == ["B2"] * left


def test_somebody_with_one_name_is_read_from_a_dash() -> None:
    row = one("1", "-", "Sukarno")

    assert (row.forename, row.surname) == ("", "Sukarno")


def test_a_comma_that_shifts_a_csv_line_and_broken_quotation_marks_cost_their_own_line() -> None:
    rows = read(b'Surname,Forename,Job title\nSmith,Jane,Head, of Maths\nKhan,"Tom" J,Cook\nLee,Kim,Cook\n')

    assert [(bad.line, bad.cell) for bad in rows.bad] == [(2, "D2"), (3, "")]
    assert [row.line for row in rows.good] == [4]


def test_headings_repeated_on_each_page_and_blank_rows_are_passed_over() -> None:
    rows = read_lines(("1", "Jane", "Smith"), (), HEADINGS, ("  ",), ("2", "Ann", "Jones"))

    assert ([row.line for row in rows.good], rows.bad, rows.passed_over) == ([2, 6], (), (3, 4, 5))


@pytest.mark.parametrize(
    ("title", "type_"),
    [
        ("Teacher of Maths", EngagementType.TEACHER),
        ("Head of Year 9", EngagementType.TEACHER),
        ("Teaching Assistant L3", EngagementType.SUPPORT_STAFF),
        ("Clerk to the Governors", EngagementType.SUPPORT_STAFF),
        ("PA to the Headteacher", EngagementType.SUPPORT_STAFF),
        ("Cover Supervisor", EngagementType.SUPPORT_STAFF),
        ("Deputy Head Teacher", EngagementType.SENIOR_LEADER),
        ("Assistant Principal", EngagementType.SENIOR_LEADER),
        ("Supply teacher", EngagementType.AGENCY_WORKER),
        ("PGCE student", EngagementType.TRAINEE),
        ("Peripatetic Violin", EngagementType.PERIPATETIC_TEACHER),
        ("Wizard", None),
    ],
)
def test_a_job_title_points_to_a_type(title: str, type_: EngagementType | None) -> None:
    assert guessed_type(title) is type_


@pytest.mark.parametrize("adults", [200, 5000])
@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_a_real_shaped_roster_with_every_mess_is_read_to_the_last_row(adults: int, kind: str) -> None:
    messy = messy_roster(adults)
    content = xlsx_of(messy.rows) if kind == "xlsx" else csv_of(messy.rows, "utf-16")

    rows = read(content, f"staff.{kind}")

    assert (len(rows.good), len(rows.bad), len(rows.passed_over)) == (
        messy.good,
        messy.bad,
        messy.passed_over,
    )


def test_reading_a_large_roster_takes_little_more_than_opening_it() -> None:
    content = xlsx_of(messy_roster(1000).rows)

    def opened() -> None:
        list(
            openpyxl.load_workbook(io.BytesIO(content), read_only=True)
            .worksheets[0]
            .iter_rows(values_only=True)
        )

    assert _least_time(lambda: read(content, "staff.xlsx")) < 2.5 * _least_time(opened)


def _least_time(work: Callable[[], object]) -> float:
    """Of three tries: what else the machine does only ever adds."""
    tries = []
    for _ in range(3):
        began = time.process_time()
        work()
        tries.append(time.process_time() - began)
    return min(tries)


WORDS = "Smith Jane O'BRIEN =1+1 #N/A 01/09/2020 31/02/2020 a@b.uk 00123 Teacher Governor - Surname"
CELLS = st.one_of(
    st.none(),
    st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S", "Zs")), max_size=12),
    st.sampled_from([*WORDS.split(), '"', "\n", ";", "\t", ","]),
)
ROSTERS = st.lists(st.lists(CELLS, max_size=12), max_size=25)


@settings(max_examples=100, deadline=None)
@given(st.text(st.sampled_from('ab",;\n\t |'), min_size=1))
def test_no_letter_of_any_text_is_lost(text: str) -> None:
    if not text.strip(',;\n\t| "'):
        text += "a"

    rows = read_table(text.encode(), "staff.csv").rows

    kept = "".join(str(cell) for row in rows for cell in row.cells if cell)
    assert [c for c in kept if c.isalpha()] == [c for c in text if c.isalpha()]


@settings(max_examples=100, deadline=None)
@given(ROSTERS, st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]))
def test_no_row_of_any_csv_file_is_lost(lines: list[list[str | None]], encoding: str) -> None:
    table = read_table(csv_of([DATED, *lines], encoding), "staff.csv")

    rows = read_rows(table, find_columns(table), TODAY)

    assert lines_of(rows) == [row.line for row in table.rows if row.line > 1]
    assert len(lines_of(rows)) >= len(lines)


@settings(max_examples=50, deadline=None)
@example([[1.7976931348623155e308]])
@given(st.lists(st.lists(st.one_of(CELLS, st.floats(), st.dates(), st.booleans()), max_size=12), max_size=15))
def test_no_row_of_any_workbook_is_lost(lines: list[list[Any]]) -> None:
    rows = read(xlsx_of([DATED, *lines, ("end",)]), "staff.xlsx")

    assert lines_of(rows) == list(range(2, len(lines) + 3))


def lines_of(rows: Rows) -> list[int]:
    return sorted([*(r.line for r in rows.good), *(b.line for b in rows.bad), *rows.passed_over])
