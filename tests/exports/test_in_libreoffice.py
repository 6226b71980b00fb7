"""The workbooks as another spreadsheet program reads them."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from openpyxl import Workbook, load_workbook

from lms.status import Status
from tests.exports.hr_samples import UNDONE, agency_file, outstanding_file, pack_file, pack_of
from tests.exports.samples import DONE_ELSEWHERE, ENTRY, PERSON, SUMMARY, items, people, standing
from tests.exports.workbooks import lines, record_file, register_file

NAMES = ("=1+1", "@SUM(A1)", "Ó Néill", "نورة", "👩🏽‍🏫", "a_x0041_b", " padded ", "<&>", "two\nlines")


@pytest.fixture(scope="module")
def resaved(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Workbook]:
    """Workbooks of every report, opened and saved again by LibreOffice."""
    soffice = shutil.which("soffice")
    if soffice is None:
        pytest.skip("LibreOffice (soffice) is not installed here")
    folder = tmp_path_factory.mktemp("libreoffice")
    person = replace(PERSON, items=(standing(Status.OVERDUE, 5),), elsewhere=(DONE_ELSEWHERE,))
    named = [replace(person, surname=name) for name in NAMES]
    files = {
        "record": record_file(items(1), named, people(2, 1)),
        "empty": record_file(items(8), [], summary=[]),
        "register": register_file([ENTRY]),
        "outstanding": outstanding_file(),
        "agency": agency_file(),
        "governors": pack_file(pack_of(), UNDONE),
    }
    for name, made in files.items():
        (folder / f"{name}.xlsx").write_bytes(made)
    _convert(soffice, folder, [f"{name}.xlsx" for name in files])
    return {name: load_workbook(folder / "out" / f"{name}.xlsx") for name in files}


def _convert(soffice: str, folder: Path, names: list[str]) -> None:
    profile = f"-env:UserInstallation={(folder / 'profile').as_uri()}"
    subprocess.run(
        [soffice, profile, "--headless", "--convert-to", "xlsx", "--outdir", "out", *names],
        cwd=folder,
        check=True,
        capture_output=True,
        timeout=180,
    )


def test_names_are_the_same_text(resaved: dict[str, Workbook]) -> None:
    sheet = resaved["record"]["Record"]

    cells = [row[1] for row in sheet.iter_rows(min_row=2)]
    assert [cell.value.replace("_x005F_", "_") for cell in cells] == list(NAMES)
    assert {cell.data_type for cell in cells} == {"s"}


def test_dates_and_days_overdue_are_read_as_such(resaved: dict[str, Workbook]) -> None:
    line = lines(resaved["record"], "Action needed")[0]

    assert str(line["Due"]) == "2026-09-05 00:00:00"
    assert (line["Status"], line["Days overdue"]) == ("Overdue", 5)
    done = lines(resaved["record"], "Done elsewhere")[0]
    assert (str(done["Done on"]), str(done["Recorded on"])) == ("2026-08-28 00:00:00", "2026-09-07 00:00:00")


def test_the_counts_and_the_chart_are_there(resaved: dict[str, Workbook]) -> None:
    found = lines(resaved["record"], "Summary", first_row=5)

    assert found[0]["Signed"] == SUMMARY[0].counts[Status.SIGNED]
    assert found[len(SUMMARY)]["Category"] == "Total"
    assert len(resaved["record"]["Summary"]._charts) == 1


def test_tables_and_repeated_headings_are_understood(resaved: dict[str, Workbook]) -> None:
    for title in ("Action needed", "Record", "Leavers", "Done elsewhere"):
        sheet = resaved["record"][title]
        assert list(sheet.tables) == [title.replace(" ", "_")]
        assert sheet.print_title_rows == "$1:$1"
        assert sheet.page_setup.orientation == "landscape"


def test_a_workbook_with_no_rows_opens(resaved: dict[str, Workbook]) -> None:
    assert resaved["empty"]["Record"]["A4"].value == "There is nobody to show."


def test_both_times_of_signing_are_times(resaved: dict[str, Workbook]) -> None:
    (line,) = lines(resaved["register"], "Register")

    assert str(line["Signed (UTC)"]) == "2026-09-01 23:30:59"
    assert str(line["Signed (UK time)"]) == "2026-09-02 00:30:59"


def test_what_goes_to_managers_and_governors_is_read_alike(resaved: dict[str, Workbook]) -> None:
    assert str(lines(resaved["outstanding"], "Outstanding")[0]["Last reminded"]) == "2026-09-04 00:00:00"
    assert str(lines(resaved["agency"], "By day")[0]["Arrived"]) == "2026-09-09 08:05:30"
    pack = resaved["governors"]
    assert [len(pack[title]._charts) for title in ("By category", "By school", "Trend by term")] == [1, 1, 2]
    assert list(pack["Exceptions"].tables) == ["Exceptions"]
    assert lines(pack, "Appendix, names")[0]["Surname"] == "Llewellyn-Jones"
