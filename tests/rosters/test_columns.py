"""Headings as the programs in schools write them: found below any title, matched, and put right by hand."""

from __future__ import annotations

import json

import pytest

from lms.roster.columns import Columns, Field, find_columns
from lms.roster.file import RosterRefused, read_table
from lms.roster.headings import FIELD_OF
from lms.roster.rows import read_rows
from tests.rosters.making import TODAY, csv_of, read, xlsx_of


def columns(*rows: tuple[object, ...], corrections: dict[str, str] | None = None) -> Columns:
    return find_columns(read_table(csv_of(rows), "staff.csv"), corrections)


def matched(found: Columns) -> dict[str, str]:
    return {h.text: h.field.value for h in found.headings if h.field}


SIMS = "PersonID,Surname,Forename,Initials,Work Email,Home Email,Role,Start Date,Leaving Date"
BROMCOM = "Staff Code,Payroll No,Title,First Name,Last Name,Preferred Name,Job Title,Start Date"
ARBOR = "Full name,Legal First Name,Legal Last Name,Email address,Date of birth,Business roles,Line manager,Status"
OWN = "Staff no.,Surname,Forename,Known as,Category,Role,Agency,Department,School,Manager,Start,End"


@pytest.mark.parametrize(
    ("headings", "fields"),
    [
        (SIMS, "staff_no,surname,forename,,email,,job_title,starts,ends"),
        (BROMCOM, "staff_no,,,forename,surname,known_as,job_title,starts"),
        (ARBOR, "name,forename,surname,email,,job_title,manager,status"),
        (
            OWN,
            "staff_no,surname,forename,known_as,type,job_title,agency,department,school,manager,starts,ends",
        ),
        ("PAYROLL NUMBER,SURNAME,FORENAME(S),E-MAIL,STAFF_TYPE", "staff_no,surname,forename,email,type"),
        ("first_name,lastName,Date Started,Line  Manager", "forename,surname,starts,manager"),
    ],
)
def test_each_programs_headings_are_matched(headings: str, fields: str) -> None:
    found = columns(tuple(headings.split(",")), ("x",) * len(fields.split(",")))

    assert [h.field or "" for h in found.headings] == fields.split(",")
    assert found.missing == ()


def test_headings_are_found_below_a_title_and_blank_rows() -> None:
    found = columns(
        ("Anytown School: all staff",),
        (),
        ("Printed by", "Name of somebody"),
        ("Staff Code", "Surname", "Forename", "", "Category"),
        ("1", "Smith", "Jane", "note", "Teacher"),
    )

    assert found.line == 4
    assert matched(found) == {
        "Staff Code": "staff_no",
        "Surname": "surname",
        "Forename": "forename",
        "Category": "type",
    }
    assert [(h.text, h.sample) for h in found.headings][3] == ("Column D", ("note",))


def test_a_correction_by_hand_is_remembered_for_the_next_file_whatever_its_order() -> None:
    first = columns(("Nom", "Vorname", "Role", "Payroll"), ("Smith", "Jane", "Teacher", "1"))
    assert first.missing == (Field.SURNAME, Field.FORENAME)

    chosen = {"nom": "surname", "vorname": "forename", "role": "type", "payroll": ""}
    kept = columns(("Nom", "Vorname", "Role", "Payroll"), ("S", "J", "T", "1"), corrections=chosen).remembered
    later = columns(
        ("a title",),
        ("Role", "Email", "NOM", "Vorname"),
        ("T", "", "S", "J"),
        corrections=json.loads(json.dumps(kept)),
    )

    assert matched(later) == {"Role": "type", "Email": "email", "NOM": "surname", "Vorname": "forename"}
    assert later.missing == ()


def test_two_columns_alike_are_told_apart_and_the_first_is_read() -> None:
    found = columns(("Name", "Start Date", "Start Date"), ("Jane Smith", "01/09/2020", "01/09/2024"))

    assert [(h.key, h.field) for h in found.headings] == [
        ("name", Field.NAME),
        ("startdate", Field.STARTS),
        ("startdate 2", None),
    ]
    chosen = columns(
        ("Name", "Start Date", "Start Date"),
        ("Jane Smith", "01/09/2020", "01/09/2024"),
        corrections={"startdate": "", "startdate 2": "starts"},
    )
    assert chosen.column_of[Field.STARTS] == 2


def test_a_correction_that_names_no_field_leaves_the_column_unread() -> None:
    found = columns(("Surname", "Forename"), ("Smith", "Jane"), corrections={"surname": "wizardry"})

    assert found.missing == (Field.SURNAME,)


def test_headings_in_merged_cells_over_two_rows_are_read_as_one_row() -> None:
    def change(sheet: object) -> None:
        for area in ("A1:A2", "B1:B2", "C1:D1"):
            sheet.merge_cells(area)  # type: ignore[attr-defined]

    content = xlsx_of(
        [("Surname", "Forename", "Contract"), (None, None, "Start", "End"), ("Smith", "Jane", "01/09/2020")],
        change,
    )

    found = find_columns(read_table(content, "staff.xlsx"))

    assert found.line == 2
    assert list(matched(found).values()) == ["surname", "forename", "starts", "ends"]


def test_a_list_without_a_name_column_is_not_read_until_one_is_chosen() -> None:
    table = read_table(csv_of([("Staff Code", "Email"), ("1", "a@b.uk")]), "staff.csv")

    with pytest.raises(RosterRefused, match="surname and the forename"):
        read_rows(table, find_columns(table), TODAY)


def test_names_with_commas_alone_in_their_column_stay_whole() -> None:
    rows = read(b"Name\nSmith, Jane\nKhan, Tom\n").good

    assert [(row.forename, row.surname) for row in rows] == [("Jane", "Smith"), ("Tom", "Khan")]


def test_no_heading_stands_for_two_fields() -> None:
    assert len(FIELD_OF) > 200
    assert {field for field, _ in FIELD_OF.values()} == set(Field)
