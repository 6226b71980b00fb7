from __future__ import annotations

import csv
from dataclasses import replace
from io import BytesIO, StringIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exports.csv_export import guarded, write_record_csv, write_register_csv
from lms.status import Status
from tests.exports.samples import ENTRY, PERSON, items, standing
from tests.exports.workbooks import opened, record_file


def read(file: BytesIO) -> list[dict[str, str]]:
    return list(csv.DictReader(StringIO(file.getvalue().decode("utf-8-sig"), newline="")))


def test_the_file_begins_with_a_byte_order_mark_and_stays_open() -> None:
    file = BytesIO()

    count = write_record_csv(file, items(1), [replace(PERSON, items=(standing(Status.SIGNED),))])

    assert count == 1
    assert file.getvalue().startswith(b"\xef\xbb\xbfStaff no.,Surname")
    assert not file.closed


def test_a_record_has_the_columns_of_the_workbook_with_iso_dates() -> None:
    row = replace(PERSON, items=(standing(Status.SIGNED), standing(Status.NOT_STARTED)), days_overdue=3)
    file = BytesIO()

    write_record_csv(file, items(2), [row])

    (line,) = read(file)
    assert list(line) == [cell.value for cell in opened(record_file(items(2), [row]))["Record"][1]]
    assert line["Forename"] == "Siân"
    assert (line["Start"], line["End"], line["Days overdue"]) == ("2024-09-01", "", "3")
    assert (line["Social media policy: status"], line["Social media policy: signed"]) == (
        "Signed",
        "2026-08-10",
    )
    assert (line["Code of conduct: status"], line["Code of conduct: signed"]) == ("Not started", "")


def test_a_register_gives_both_times_with_their_offsets() -> None:
    file = BytesIO()

    assert write_register_csv(file, [ENTRY]) == 1

    (line,) = read(file)
    assert line["Signed (UTC)"] == "2026-09-01T23:30:59+00:00"
    assert line["Signed (UK time)"] == "2026-09-02T00:30:59+01:00"
    assert line["Receipt id"] == str(ENTRY.receipt_id)


def test_no_rows_give_the_headings_alone() -> None:
    file = BytesIO()

    assert write_register_csv(file, []) == 0

    assert file.getvalue().count(b"\r\n") == 1


@pytest.mark.parametrize("name", ["=1+1", "+44 7700", "-x", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1"])
def test_a_field_that_would_start_a_formula_gets_an_apostrophe(name: str) -> None:
    file = BytesIO()

    write_register_csv(file, [replace(ENTRY, surname=name)])

    assert read(file)[0]["Surname"].startswith("'")


@given(st.text(st.characters(exclude_categories=())))
def test_any_name_is_written_as_one_field_that_starts_no_formula(name: str) -> None:
    file = BytesIO()

    write_register_csv(file, [replace(ENTRY, surname=name, forename="after")])

    (line,) = read(file)
    assert line["Surname"] == guarded(name)
    assert line["Forename"] == "after"
    assert not line["Surname"].startswith(("=", "+", "-", "@", "\t", "\r"))
