"""HR's desk: lists in, reminders, a trust's page, and the training record of a past day."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import tempfile
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any
from uuid import UUID, uuid4

import sqlalchemy as sa
from flask import Flask
from openpyxl import Workbook

from app import create_app
from exports import training_record
from exports.action_needed import ACTION_COLUMNS, actions
from exports.columns import Column, Row, status_in_words
from lms import clock, migration, record, reports
from lms.attestations import Attestation, IdentityAssurance, Kind
from lms.clock import end_of_day, london_day
from lms.config import PACKAGE, Settings
from lms.db import db, session, transaction
from lms.people import Engagement, EngagementType, Person
from lms.record import Scope
from lms.reports import Format, Report
from lms.schools import Organisation
from lms.status import Status
from lms.training import Assignment
from tests.benchmarks import hr_import, hr_reminders, hr_trust
from tests.benchmarks.figure import Figure
from tests.factories import make_assignment, make_policy, make_school

ADULTS, ITEMS, SIGNATURES = 20_000, 8, 300_000
HALF = ADULTS // 2
PAST = timedelta(days=100)
"""How long ago the day is that the record is asked for."""
TYPES = list(EngagementType)


def run() -> list[Figure]:
    """Return the figures of the list in, of the reminders, of the trust's page and of the record of a past day."""
    return [*hr_import.figures(), *hr_reminders.figures(), *hr_trust.figures(), *_past_record()]


def _past_record() -> list[Figure]:
    """Return the record's time beside openpyxl's and beside that of half the rows, and the memory of the command."""
    half, _, _ = _measured(HALF)
    whole, own, memory = _measured(ADULTS)
    size = f"training record of a past day, {ADULTS:,} adults × {ITEMS}, {SIGNATURES:,} signatures"
    return [
        Figure(size, whole / own, 1.0, "× openpyxl's write-only mode"),
        Figure(f"{size}: time", whole / half, 2.2, f"× that of {HALF:,} adults"),
        Figure(f"{size}: the whole command's memory", memory, 200.0, "MB"),
    ]


def _measured(adults: int) -> tuple[float, float, float]:
    """Return the seconds of the record of a past day, those of openpyxl alone, and the command's peak in MB."""
    with TemporaryDirectory() as folder:
        settings = Settings(data_dir=Path(folder) / "data")
        app = create_app(settings)
        with app.app_context():
            migration.upgrade()
            with transaction():
                school_id = _fill(adults)
        try:
            ours = min(_timed(app, school_id) for _ in range(3))
            own = min(_openpyxl_alone(cells) for cells in [_cells(app, school_id)] for _ in range(3))
        finally:
            with app.app_context():
                db.engine.dispose()
        return ours, own, _peak(settings, Path(folder) / "out.xlsx")


def _day() -> date:
    return london_day(clock.now() - PAST)


def _scope(school_id: UUID) -> Scope:
    return record.scope_of(session.get_one(Organisation, school_id), end_of_day(_day()))


def _timed(app: Flask, school_id: UUID) -> float:
    gc.collect()
    started = perf_counter()
    with app.app_context(), transaction(write=False), tempfile.TemporaryFile() as file:
        reports.write_report(
            Report.TRAINING_RECORD,
            _scope(school_id),
            format=Format.XLSX,
            file=file,
            made_by="Benchmark",
            made_at=clock.now(),
        )
    return perf_counter() - started


def _cells(app: Flask, school_id: UUID) -> list[list[list[object]]]:
    """Return the values of the sheets Record and Action needed, ready to write."""
    with app.app_context(), transaction(write=False):
        scope = _scope(school_id)
        wanted, rows = record.items(scope), list(record.rows(scope))
    needed = [action for row in rows for action in actions(row, wanted, _day())]
    return [_values(training_record.record_columns(wanted), rows), _values(ACTION_COLUMNS, needed)]


def _values(columns: tuple[Column[Row], ...], rows: list[Row]) -> list[list[object]]:
    return [[_plain(column.value(row)) for column in columns] for row in rows]


def _plain(value: object) -> object:
    return status_in_words(value) if isinstance(value, Status) else value


def _openpyxl_alone(cells: list[list[list[object]]]) -> float:
    """Return the seconds of writing the cells and nothing else: no colours, widths, tables or chart."""
    gc.collect()
    started = perf_counter()
    book = Workbook(write_only=True)
    for rows in cells:
        sheet = book.create_sheet()
        for row in rows:
            sheet.append(row)
    with tempfile.TemporaryFile() as file:
        book.save(file)
    return perf_counter() - started


_EXPORT = """
import sys
from app import cli
cli(sys.argv[1:], standalone_mode=False)
print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""


def _peak(settings: Settings, out: Path) -> float:
    """Return the peak memory in MB of `countersign export`, the interpreter and all (proc_pid_status(5), VmHWM)."""
    # Not what wait4(2) says of a child: that counts the parent's memory from before the child's own program began.
    made = subprocess.run(
        [
            sys.executable,
            "-c",
            _EXPORT,
            "export",
            "training-record",
            "--out",
            str(out),
            "--as-at",
            f"{_day()}",
        ],
        cwd=PACKAGE.parent,
        env={**os.environ, "LMS_DATA_DIR": str(settings.data_dir)},
        stdout=subprocess.PIPE,
        check=True,
    )
    return int(made.stdout.split()[-1]) / 1024


def _fill(adults: int) -> UUID:
    """Record a school in which half was signed by the past day, and as much again since; return its id."""
    began = clock.now() - 3 * PAST
    school = make_school()
    people = [uuid4() for _ in range(adults)]
    session.execute(sa.insert(Person), [_person(school, n, p) for n, p in enumerate(people)])
    session.execute(sa.insert(Engagement), [_engaged(school, n, p) for n, p in enumerate(people)])
    for number in range(ITEMS):
        version = make_policy(school, slug=f"policy-{number}", now=began)
        assignment = make_assignment(school, version, now=began, months=6)
        for cycle, days in enumerate((160, 20)):
            # 15 in 16 of the people, twice, for each item: 300,000 of 20,000.
            given = (n for n in range(adults) if n % 16 != number)
            rows = [_signed(assignment, version.id, people[n], cycle, days + n % 30) for n in given]
            session.execute(sa.insert(Attestation), rows)
    return school.id


def _person(school: Organisation, number: int, person_id: UUID) -> dict[str, Any]:
    return {
        "id": person_id,
        "root_id": school.id,
        "surname": f"Adult {number}",
        "forename": "A",
        "sort_name": f"adult {number}",
    }


def _engaged(school: Organisation, number: int, person_id: UUID) -> dict[str, Any]:
    return {
        "id": uuid4(),
        "organisation_id": school.id,
        "person_id": person_id,
        "type": TYPES[number % len(TYPES)],
        "department": f"Department {number % 12}",
        "starts": date(2020, 9, 1),
        "recorded_from": clock.now() - 3 * PAST,
    }


def _signed(
    assignment: Assignment, version_id: UUID, person_id: UUID, cycle: int, days_ago: int
) -> dict[str, Any]:
    return {
        "id": uuid4(),
        "organisation_id": assignment.organisation_id,
        "person_id": person_id,
        "assignment_id": assignment.id,
        "policy_version_id": version_id,
        "kind": Kind.SIGNED,
        "cycle": cycle,
        "identity_assurance": IdentityAssurance.WORK_EMAIL,
        "recorded_at": clock.now() - timedelta(days=days_ago),
        "record": b"{}",
    }
