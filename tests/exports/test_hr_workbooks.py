"""The workbooks of what is outstanding, of agency days and for governors: types, tables, filters, print and charts."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from exports.pack_words import sentences
from lms.status import Status
from tests.exports.hr_samples import UNDONE, VISITS, agency_file, outstanding_file, pack_file, pack_of
from tests.exports.samples import ABOUT, AS_AT, SUMMARY
from tests.exports.sheet_rules import faults
from tests.exports.workbooks import lines, opened

PACK_SHEETS = [
    *("The year in words", "By category", "By school", "Trend by term", "Exceptions", "Policy history"),
    "About",
]


@pytest.mark.parametrize(
    "make",
    [
        outstanding_file,
        lambda: outstanding_file(()),
        agency_file,
        lambda: agency_file((), 0),
        lambda: pack_file(pack_of()),
        lambda: pack_file(pack_of((), 1)),
        lambda: pack_file(pack_of(), UNDONE),
        lambda: pack_file(pack_of(), ()),
    ],
)
def test_a_workbook_of_any_size_keeps_every_rule_of_excel_and_prints(make: Callable[[], bytes]) -> None:
    made = make()
    assert faults(made) == []
    for sheet in opened(made):
        assert sheet.page_setup.orientation == "landscape"
        assert sheet.page_setup.paperSize == 9
        assert sheet.sheet_properties.pageSetUpPr.fitToPage
        assert "As at 10 September 2026" in sheet.oddFooter.left.text
        for table in sheet.tables.values():
            assert table.autoFilter.ref == table.ref
            assert sheet.print_title_rows is not None


def test_what_is_outstanding_comes_by_manager_with_real_dates_and_a_count_of_each() -> None:
    book = opened(outstanding_file())

    assert book.sheetnames == ["By manager", "Outstanding", "About"]
    first, second, third, _, away = lines(book, "Outstanding")
    assert str(first["Since"]) == "2026-08-20 00:00:00"
    assert str(first["Last reminded"]) == "2026-09-04 00:00:00"
    assert (first["Days overdue"], first["Next step"]) == (7, "Ask them to sign today")
    assert (second["Status"], third["Surname"], third["Days overdue"]) == ("Expired", "=cmd()", None)
    assert (away["Manager"], away["Next step"]) == (
        "No manager on record",
        "Away: nothing until they are back",
    )
    jo, nobody, whole = lines(book, "By manager", first_row=5)
    assert (jo["Manager"], jo["Adults"], jo["Outstanding"], jo["Never reminded"]) == ("Jo Okafor", 2, 3, 0)
    assert (nobody["Adults"], nobody["Outstanding"], nobody["Never reminded"]) == (1, 2, 1)
    assert (whole["Manager"], whole["Outstanding"], whole["Overdue"]) == ("Total", 5, 1)
    assert book["By manager"]["A3"].value == "5 outstanding, 2 of them late."


def test_the_agency_register_says_who_came_from_where_and_when_by_the_clock_on_the_wall() -> None:
    book = opened(agency_file())

    assert book.sheetnames == ["By agency", "By day", "Engaged", "About"]
    first, second, _ = lines(book, "By day")
    assert (str(first["Day"])[:10], str(first["Arrived"])) == ("2026-09-09", "2026-09-09 08:05:30")
    assert (first["Agency’s checks confirmed"], first["Checked by"]) == ("Yes", "Gareth Rees")
    assert (second["Status that day"], second["Signed"]) == ("Overdue", None)
    tandem, others, whole = lines(book, "By agency", first_row=5)
    assert list(tandem.values()) == ["Tandem", 1, 2, 1, 1]
    assert list(others.values()) == ["No agency or company", 1, 1, 0, 0]
    assert list(whole.values()) == ["Total", 2, len(VISITS), 1, 1]


def test_the_pack_has_the_counts_the_trend_and_the_charts_and_is_made_by_an_office() -> None:
    book = opened(pack_file(pack_of()))

    assert book.sheetnames == PACK_SHEETS
    assert [len(sheet._charts) for sheet in book] == [0, 1, 1, 2, 0, 0, 0]
    whole = lines(book, "By category", first_row=5)[-1]
    assert whole["Signed"] == sum(row.counts[Status.SIGNED] for row in SUMMARY)
    school, total = lines(book, "By school", first_row=5)
    assert (school["School"], school["Ledger size"], total["Signed"]) == ("St Mary's", 1234, whole["Signed"])
    trend = lines(book, "Trend by term", first_row=5)
    assert str(trend[-1]["Last day"]) == "2026-09-10 00:00:00"
    exceptions = lines(book, "Exceptions")
    assert {line["Owner"] for line in exceptions} == {"HR", "Line managers", "Head"}
    assert exceptions[0]["Longest, days"] == 40
    about = {row[0].value: row[1].value for row in book["About"].iter_rows(max_col=2)}
    assert about["Made by"] == "HR" != ABOUT.made_by
    assert book.properties.creator == "HR"


def test_only_the_appendix_names_anybody_and_only_who_is_late_or_declined() -> None:
    plain, named = opened(pack_file(pack_of())), opened(pack_file(pack_of(), UNDONE))

    assert "Llewellyn-Jones" not in str([cell.value for sheet in plain for row in sheet for cell in row])
    assert named.sheetnames == [*PACK_SHEETS[:-1], "Appendix, names", "About"]
    assert {line["Status"] for line in lines(named, "Appendix, names")} == {"Overdue", "Expired", "Declined"}


def test_the_year_in_words_counts_one_as_one() -> None:
    said = " ".join(sentences(pack_of(), AS_AT))

    assert "On 10 September 2026 we had " in said
    assert "12 adults joined and 1 left. 345 signatures were given." in said
    assert "9 signatures are late, the longest by 40 days." in said
    assert (
        "Policy, version 4, was published on 1 March 2026. It is to be signed again by 1 April 2026." in said
    )
    assert "Where term dates are not entered" in said
    assert "Nobody has anything to sign." in sentences(pack_of((), 1), AS_AT)
