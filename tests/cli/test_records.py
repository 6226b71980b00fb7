"""The ledger and the reports, at a terminal."""

from __future__ import annotations

import hashlib
from pathlib import Path

import openpyxl
import pytest
import sqlalchemy as sa

from lms.audit import AuditEntry, Event
from lms.db import session
from tests.cli.terminal import Look, Run
from tests.factories import World


def test_a_ledger_with_nothing_in_it_verifies_and_has_no_checkpoint(run: Run, school: str) -> None:
    assert "all 0 entries fit" in run("ledger", "verify").output
    result = run("ledger", "checkpoint")
    assert result.exit_code == 1
    assert "Nothing has been signed" in result.output


@pytest.mark.parametrize("name", ["training-record", "attestation-register"])
def test_a_report_is_exported_as_a_workbook_and_as_csv(
    run: Run, school: str, look: Look, tmp_path: Path, name: str
) -> None:
    for kind in ("xlsx", "csv"):
        result = run("export", name, "--out", str(tmp_path / f"out.{kind}"))
        assert (result.exit_code, result.output) == (0, f"{tmp_path}/out.{kind}: 1 rows.\n")
    book = openpyxl.load_workbook(tmp_path / "out.xlsx")
    assert {"Summary", "About"} <= set(book.sheetnames)
    assert "Nair" in (tmp_path / "out.csv").read_text()
    assert sorted(p.name for p in tmp_path.glob("*out*")) == ["out.csv", "out.xlsx"]
    with look():
        noted = session.scalars(sa.select(AuditEntry).where(AuditEntry.event == Event.EXPORTED)).all()
        bytes_ = (tmp_path / "out.csv").read_bytes()
        assert [n.details["report"] for n in noted] == [name, name]
        assert hashlib.sha256(bytes_).hexdigest() in [n.details["sha256"] for n in noted]


def test_what_goes_to_managers_inspectors_and_governors_is_exported_too(
    run: Run, school: str, tmp_path: Path
) -> None:
    for name, front in (
        ("outstanding", "By manager"),
        ("agency-register", "By agency"),
        ("governors-pack", "The year in words"),
    ):
        out = tmp_path / f"{name}.xlsx"
        result = run("export", name, "--out", str(out), "--as-at", "2026-01-01")
        assert (result.exit_code, result.output) == (0, f"{out}: 0 rows.\n")
        assert openpyxl.load_workbook(out).sheetnames[0] == front
    run("export", "governors-pack", "--out", str(out), "--with-names")
    assert "Appendix, names" in openpyxl.load_workbook(out).sheetnames


def test_a_report_of_a_past_day_says_what_was_recorded_then(run: Run, school: str, tmp_path: Path) -> None:
    result = run("export", "training-record", "--out", str(tmp_path / "out.csv"), "--as-at", "2026-01-01")
    assert result.output.endswith("out.csv: 0 rows.\n")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["training-record", "--out", "{}/gone/out.xlsx"], "can't be written (No such file or directory)"),
        (["training-record", "--out", "{}/file/out.xlsx"], "can't be written (Not a directory)"),
        (["training-record", "--out", "{}/out.pdf"], "must end in .xlsx"),
        (["governors-pack", "--out", "{}/out.csv"], "must end in .xlsx."),
        (["training-record", "--out", "{}/out.csv", "--as-at", "2030-01-01"], "still to come"),
        (["training-record", "--out", "{}/out.csv", "--as-at", "1/9/2026"], "Write it as year-month-day"),
        (["training-record", "--out", "{}/out.csv", "--school", "nowhere"], "no school at the address"),
        (["diary", "--out", "{}/out.csv"], "'diary' is not one of"),
    ],
)
def test_an_export_that_fails_leaves_what_was_there(
    run: Run, school: str, tmp_path: Path, arguments: list[str], sentence: str
) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "out.csv").write_text("last term's")
    before = sorted(tmp_path.iterdir())
    result = run("export", *(argument.format(tmp_path) for argument in arguments))
    assert result.exit_code in (1, 2)
    assert sentence in result.output
    assert sorted(tmp_path.iterdir()) == before
    assert (tmp_path / "out.csv").read_text() == "last term's"


def test_where_there_are_several_schools_the_command_asks_which(run: Run, school: str, look: Look) -> None:
    with look():
        World()
    result = run("ledger", "verify")
    assert result.exit_code == 1
    assert "--school SLUG" in result.output
    assert run("ledger", "verify", "--school", school).exit_code == 0
