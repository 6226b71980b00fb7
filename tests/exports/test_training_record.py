from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from io import BytesIO
from pathlib import Path

import pytest

from exports import training_record
from lms.record import CategoryCount, ItemStatus, RecordRow
from lms.status import Status
from tests.exports.samples import ABOUT, AS_AT, EVERY_STANDING, PERSON, SUMMARY, items, people, standing
from tests.exports.sheet_rules import faults
from tests.exports.workbooks import lines, opened, record_file

TABLES = {"Summary": "Summary", "Action needed": "Action_needed", "Record": "Record", "Leavers": "Leavers"}
DATA_SHEETS = ("Action needed", "Record", "Leavers")


@pytest.mark.parametrize("item_count", [0, 1, 8])
@pytest.mark.parametrize("row_count", [0, 1, 30])
def test_a_workbook_of_any_size_keeps_every_rule_of_excel(item_count: int, row_count: int) -> None:
    wanted = items(item_count)

    made = record_file(
        wanted, people(row_count, item_count), people(row_count, item_count), SUMMARY[:row_count]
    )

    assert faults(made) == []
    book = opened(made)
    assert book.sheetnames == ["Summary", "Action needed", "Record", "Leavers", "About"]
    assert {sheet.title: list(sheet.tables) for sheet in book if sheet.tables} == {
        title: [name] for title, name in TABLES.items()
    }
    assert book["Record"].tables["Record"].ref.endswith(str(1 + max(row_count, 1)))


def test_an_empty_sheet_says_so_under_its_table() -> None:
    book = opened(record_file(items(1), [], summary=[]))

    assert book["Action needed"]["A4"].value == "Nobody needs chasing."
    assert book["Record"]["A4"].value == "There is nobody to show."
    assert book["Leavers"]["A4"].value == "There are no leavers to show."
    assert book["Summary"]["A3"].value == "Nobody has anything to sign."


def test_the_record_holds_every_column_in_order() -> None:
    book = opened(record_file(items(2), people(1, 2)))

    assert [cell.value for cell in book["Record"][1]] == [
        "Staff no.",
        "Surname",
        "Forename",
        "Known as",
        "Category",
        "Role",
        "Agency",
        "Department",
        "School",
        "Manager",
        "Start",
        "End",
        "Social media policy: status",
        "Social media policy: signed",
        "Code of conduct: status",
        "Code of conduct: signed",
        "Next due",
        "Days overdue",
        "Identity check",
    ]
    assert [cell.value for cell in book["Leavers"][1]] == [cell.value for cell in book["Record"][1]]


def test_dates_are_dates_and_numbers_are_numbers() -> None:
    row = replace(PERSON, items=(standing(Status.SIGNED),), end=date(2026, 12, 31), days_overdue=3)

    sheet = opened(record_file(items(1), [row]))["Record"]

    cells = {heading.value: cell for heading, cell in zip(sheet[1], sheet[2], strict=True)}
    for heading in ("Start", "End", "Social media policy: signed", "Next due"):
        assert cells[heading].is_date, heading
    assert str(cells["Start"].value) == "2024-09-01 00:00:00"
    assert str(cells["End"].value) == "2026-12-31 00:00:00"
    assert cells["Days overdue"].value == 3
    assert cells["Staff no."].value == "T0042"


def test_a_date_before_excels_calendar_is_kept_as_text() -> None:
    row = replace(PERSON, start=date(202, 9, 1))

    sheet = opened(record_file((), [row]))["Record"]

    assert sheet["K2"].value == "0202-09-01"
    assert sheet["K2"].data_type == "s"


def test_every_status_has_its_word_and_a_colour_of_its_own() -> None:
    rows = [replace(PERSON, items=(standing(status),)) for status in Status]

    sheet = opened(record_file(items(1), rows))["Record"]

    cells = [row[12] for row in sheet.iter_rows(min_row=2)]
    assert [cell.value for cell in cells] == [status.value.capitalize() for status in Status]
    looks = {(cell.fill.fgColor.rgb, cell.font.color.rgb) for cell in cells}
    assert len(looks) == len(Status)
    assert cells[0].fill.fill_type is None, "not required is plain"


@pytest.mark.parametrize("title", DATA_SHEETS)
def test_a_sheet_prints_on_a4_landscape_with_its_headings_on_every_page(title: str) -> None:
    sheet = opened(record_file(items(8), people(3, 8)))[title]

    assert sheet.page_setup.orientation == "landscape"
    assert sheet.page_setup.paperSize == 9
    assert sheet.sheet_properties.pageSetUpPr.fitToPage
    assert sheet.page_setup.fitToHeight == 0
    assert sheet.print_title_rows == "$1:$1"
    assert sheet.print_title_cols == "$A:$C"
    assert sheet.freeze_panes == "D2"
    assert not sheet.merged_cells.ranges
    assert sheet.oddFooter.center.text == "Page &P of &N"
    assert sheet.oddHeader.right.text == "St Mary && St John's School"


def test_the_record_of_one_item_is_one_page_wide_and_of_eight_is_two() -> None:
    pages = {
        count: opened(record_file(items(count), people(1, count)))["Record"].page_setup.fitToWidth
        for count in (1, 8)
    }

    assert pages == {1: 1, 8: 2}


def test_the_summary_counts_adds_up_and_never_rounds_up_to_everybody() -> None:
    summary = [
        CategoryCount("Teacher", 60, {Status.SIGNED: 1999, Status.OVERDUE: 1, Status.NOT_REQUIRED: 7}),
        CategoryCount("Volunteer", 2, {Status.NOT_REQUIRED: 2}),
    ]

    book = opened(record_file(items(1), [], summary=summary))

    assert book["Summary"].tables["Summary"].ref == "A5:K7", "the total stands outside the table"
    teacher, volunteer, total = lines(book, "Summary", first_row=5)
    assert (teacher["Signed"], teacher["Overdue"], teacher["Declined"], teacher["To sign"]) == (
        1999,
        1,
        0,
        2000,
    )
    assert teacher["% signed"] == 0.999
    assert volunteer["% signed"] is None
    assert (total["Category"], total["Adults"], total["Not required"], total["To sign"]) == (
        "Total",
        62,
        9,
        2000,
    )
    assert book["Summary"]["A3"].value == "1,999 of 2,000 signed (99.9%)."


def test_the_summary_has_a_stacked_bar_chart_of_the_statuses_that_occur() -> None:
    summary = [CategoryCount("Teacher", 3, {Status.SIGNED: 2, Status.OVERDUE: 1})]

    (chart,) = opened(record_file(items(1), [], summary=summary))["Summary"]._charts

    assert (chart.type, chart.grouping, chart.overlap) == ("bar", "stacked", 100)
    assert [series.val.numRef.f for series in chart.series] == ["'Summary'!$D$6", "'Summary'!$G$6"]
    assert [series.tx.strRef.f for series in chart.series] == ["'Summary'!D5", "'Summary'!G5"]


def test_action_needed_lists_what_is_late_expired_declined_or_due_within_a_fortnight() -> None:
    wanted = [
        ItemStatus(Status.OVERDUE, due=AS_AT - timedelta(days=12)),
        ItemStatus(Status.EXPIRED, date(2025, 1, 1), AS_AT - timedelta(days=2)),
        ItemStatus(Status.DECLINED, due=AS_AT - timedelta(days=30)),
        ItemStatus(Status.NOT_STARTED, due=AS_AT + timedelta(days=14)),
        ItemStatus(Status.IN_PROGRESS, due=AS_AT),
    ]
    unwanted = [
        ItemStatus(Status.NOT_STARTED, due=AS_AT + timedelta(days=15)),
        ItemStatus(Status.IN_PROGRESS),
        ItemStatus(Status.EXPIRED, date(2025, 1, 1)),
        ItemStatus(Status.SIGNED, AS_AT, AS_AT + timedelta(days=1)),
        ItemStatus(Status.NOT_REQUIRED),
    ]
    rows = [replace(PERSON, items=(item,)) for item in (*unwanted, *wanted)]

    found = lines(opened(record_file(items(1), rows)), "Action needed")

    assert [(line["Status"], line["Days overdue"], line["Next step"]) for line in found] == [
        ("Overdue", 12, "Ask them to sign today"),
        ("Expired", 2, "Ask them to sign again"),
        ("Declined", None, "HR to speak with them"),
        ("Not started", None, "Remind them"),
        ("In progress", None, "Remind them"),
    ]
    assert {(line["Surname"], line["To sign"]) for line in found} == {
        ("Llewellyn-Jones", "Social media policy")
    }


def test_rows_are_read_once_and_both_sheets_keep_their_order() -> None:
    rows = (
        replace(PERSON, surname=name, items=(standing(Status.OVERDUE),))
        for name in ("Zhou", "Abara", "Mills")
    )

    book = opened(record_file(items(1), rows))

    for sheet in ("Record", "Action needed"):
        assert [line["Surname"] for line in lines(book, sheet)] == ["Zhou", "Abara", "Mills"]


def test_items_of_the_same_title_get_headings_of_their_own() -> None:
    titles = ["Code of conduct", "code of\nconduct", "Code of conduct (2)", "", "x" * 400]
    wanted = [replace(item, title=title) for item, title in zip(items(5), titles, strict=True)]

    made = record_file(wanted, [replace(PERSON, items=EVERY_STANDING[:5])])

    assert faults(made) == []
    headings = [cell.value for cell in opened(made)["Record"][1]][12:20:2]
    assert headings == [
        "Code of conduct: status",
        "code of conduct (2): status",
        "Code of conduct (2) (2): status",
        "Untitled: status",
    ]


def test_about_says_what_the_workbook_is_and_how_many_rows_it_has() -> None:
    book = opened(record_file(items(1), people(30, 1), people(2, 1)))

    facts = [(label, value) for label, value in book["About"].iter_rows(max_col=2, values_only=True) if value]
    for fact in (
        ("School", "St Mary & St John's School"),
        ("Filters", "none"),
        ("As at", "10 September 2026"),
        ("Made at", "10 September 2026, 2:51pm (UK time)"),
        ("Made by", "Priya Shah"),
        ("Policy", "Social media policy, version 4"),
        ("SHA-256 of its text", "1" * 64),
        ("Ledger origin", "countersign.example/st-mary"),
        ("Ledger size", "1,234"),
        ("Ledger root", ABOUT.ledger_root),
        ("Rows in Record", "30"),
        ("Rows in Leavers", "2"),
    ):
        assert fact in facts


def test_the_file_carries_its_title_its_maker_and_the_time_it_was_made() -> None:
    about = replace(ABOUT, made_by="Priya\x00 Shah", made_at=datetime(2026, 7, 1, 9, 0, tzinfo=UTC))

    properties = opened(record_file((), [], about=about)).properties

    assert properties.title == "Training record, St Mary & St John's School"
    assert properties.creator == properties.lastModifiedBy == "Priya Shah"
    assert str(properties.created) == str(properties.modified) == "2026-07-01 09:00:00"


def test_writing_returns_how_many_adults_leavers_included() -> None:
    count = training_record.write(BytesIO(), items(1), people(5, 1), people(2, 1), SUMMARY, ABOUT)

    assert count == 7


def test_rows_that_fail_half_way_leave_the_file_untouched_and_nothing_on_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    file = BytesIO()

    def failing() -> Iterator[RecordRow]:
        yield from people(3, 1)
        raise OSError("the database went away")

    with pytest.raises(OSError, match="went away"):
        training_record.write(file, items(1), failing(), (), SUMMARY, ABOUT)

    assert file.getvalue() == b""
    assert list(tmp_path.iterdir()) == []


def test_long_text_gets_a_row_tall_enough_to_read_it() -> None:
    short, long = (
        PERSON,
        replace(PERSON, role="Teacher of design and technology; also governor and first aider"),
    )

    heights = opened(record_file((), [replace(short, role="Teacher", school="Ash"), long]))[
        "Record"
    ].row_dimensions

    assert heights[2].height is None
    assert heights[3].height == 60
