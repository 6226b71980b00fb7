from __future__ import annotations

from dataclasses import fields, replace

from lms.register import RegisterRow
from lms.status import Status
from tests.exports.samples import ENTRY
from tests.exports.sheet_rules import faults
from tests.exports.workbooks import lines, opened, register_file


def test_the_register_holds_every_column_in_order() -> None:
    made = register_file([ENTRY])

    assert faults(made) == []
    book = opened(made)
    assert book.sheetnames == ["Summary", "Register", "About"]
    assert [cell.value for cell in book["Register"][1]] == [
        "Person id",
        "Surname",
        "Forename",
        "Category",
        "Role",
        "Agency",
        "School",
        "Start",
        "End",
        "Policy",
        "Version",
        "Hash prefix",
        "Assigned",
        "Due",
        "Status",
        "Signed (UTC)",
        "Signed (UK time)",
        "Method",
        "Identity check",
        "Identity checked by",
        "Reminders",
        "Next due",
        "Receipt id",
    ]


def test_nothing_in_a_row_is_left_out() -> None:
    marked = replace(
        ENTRY,
        agency="Bright Supply",
        identity_checked_by="Jo Okafor",
        end=ENTRY.start,
    )

    (line,) = lines(opened(register_file([marked])), "Register")

    assert None not in line.values()
    assert len(line) == len(fields(RegisterRow)) + 1, "the time of signing is shown twice"


def test_the_time_of_signing_is_shown_in_utc_and_by_the_clock_in_london() -> None:
    sheet = opened(register_file([ENTRY]))["Register"]

    assert sheet["P2"].is_date
    assert sheet["Q2"].is_date
    assert str(sheet["P2"].value) == "2026-09-01 23:30:59"
    assert str(sheet["Q2"].value) == "2026-09-02 00:30:59"


def test_an_obligation_not_yet_signed_leaves_the_evidence_blank() -> None:
    waiting = replace(ENTRY, status=Status.NOT_STARTED, signed_at=None, method=None, receipt_id=None)

    (line,) = lines(opened(register_file([waiting])), "Register")

    assert line["Status"] == "Not started"
    assert [line[name] for name in ("Signed (UTC)", "Signed (UK time)", "Method", "Receipt id")] == [None] * 4


def test_an_empty_register_opens_and_says_so() -> None:
    made = register_file([], summary=[])

    assert faults(made) == []
    assert opened(made)["Register"]["A4"].value == "There is nothing to show."
