"""A staff list brought in at the terminal."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa

from lms.audit import AuditEntry, Event
from lms.db import session
from lms.people import Person
from tests.cli.terminal import Look, Run
from tests.rosters.making import csv_of, xlsx_of

ROWS = [
    ("Staff list",),
    ("Staff Code", "First Name", "Last Name", "Category", "Start Date"),
    ("1", "Priya", "Nair", "Teacher", "01/09/2026"),
    ("2", "New", "Person", "Governor", "01/09/2026"),
    ("3", "Bad", "Day", "Governor", "31/02/2026"),
    ("4", "Odd", "Word", "Wizard", "01/09/2026"),
]


def test_a_dry_run_counts_and_keeps_nothing_then_the_list_goes_in_once(
    run: Run, school: str, look: Look, tmp_path: Path
) -> None:
    file = tmp_path / "staff.xlsx"
    file.write_bytes(xlsx_of(ROWS))
    dry = run("people", "import", str(file), "--dry-run", "--school", school)
    assert (dry.exit_code, dry.stdout) == (0, "1 new, 1 changed, 0 unchanged, 2 refused\n")
    assert "Row 5: E5 Start Date: “31/02/2026” is not a day" in dry.stderr
    with look():
        assert session.scalar(sa.select(sa.func.count()).where(Person.surname == "Person")) == 0
    assert run("people", "import", str(file)).stdout == dry.stdout
    assert run("people", "import", str(file)).stdout == "0 new, 0 changed, 2 unchanged, 2 refused\n"
    with look():
        entries = session.scalars(sa.select(AuditEntry).where(AuditEntry.event == Event.ROSTER_APPLIED)).all()
        assert sorted(entry.details["new"] for entry in entries) == [0, 1]
        assert entries[0].actor_id is None


def test_a_file_that_cannot_be_read_is_a_sentence_and_exit_code_one(
    run: Run, school: str, tmp_path: Path
) -> None:
    file = tmp_path / "staff.csv"
    for content, sentence in (
        (b"\x00\x01\x02" * 500, "Error: "),
        (csv_of([("What", "Ever"), ("x", "y")]), "Bring in a staff list"),
    ):
        file.write_bytes(content)
        result = run("people", "import", str(file))
        assert (result.exit_code, result.stdout) == (1, "")
        assert sentence in result.stderr
