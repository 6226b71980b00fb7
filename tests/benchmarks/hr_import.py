"""Bringing in a staff list of 5,000 rows, against the time openpyxl takes only to read the file."""

from __future__ import annotations

import gc
import io
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any
from uuid import UUID

import openpyxl
from flask import Flask

from app import create_app
from lms import clock, migration
from lms.config import Settings
from lms.db import db, session, transaction
from lms.people import RoleName
from lms.roster import applying, imports
from lms.roster.changes import Choices
from lms.roster.file import read_table
from lms.schools import Organisation
from tests.benchmarks.figure import Figure
from tests.client import StrictClient
from tests.factories import make_person, make_school
from tests.rosters.making import messy_roster, xlsx_of

ROWS = 5_000
TRIES = 3


def figures() -> list[Figure]:
    """Return preview and apply as a multiple of the reading: of a list that is all new, and of the next year's."""
    new, changed = (xlsx_of(messy_roster(ROWS).rows), xlsx_of(_changed()))
    reading, best = float("inf"), dict[str, float]()
    # In turn, so that a busy minute of the machine falls on both.
    for _ in range(TRIES):
        reading = min(reading, *(_timed(lambda: _only_read(new)) for _ in range(2)))
        for what, seconds in _brought_in(new, changed).items():
            best[what] = min(seconds, best.get(what, seconds))
    return [
        Figure(
            f"import of {ROWS:,} rows, {what} (preview + apply)",
            seconds / reading,
            4.0,
            "× openpyxl reading it",
        )
        for what, seconds in best.items()
    ]


def _changed() -> list[tuple[Any, ...]]:
    """The same list a year later: every tenth adult has another job title."""
    title, blank, headings, *rows = messy_roster(ROWS).rows
    place = headings.index("Job Title")
    return [
        title,
        blank,
        headings,
        *(_later(row, place) if n % 10 == 0 else row for n, row in enumerate(rows)),
    ]


def _later(row: tuple[Any, ...], place: int) -> tuple[Any, ...]:
    return (*row[:place], "Another", *row[place + 1 :]) if row else row


def _brought_in(new: bytes, changed: bytes) -> dict[str, float]:
    with TemporaryDirectory() as folder:
        app = create_app(Settings(data_dir=Path(folder) / "data"))
        app.testing = True
        app.test_client_class = StrictClient
        with app.app_context():
            migration.upgrade()
            with transaction():
                school = make_school()
                hr = make_person(school, role=RoleName.HR)
        client = app.test_client()
        client.sign_in_as(hr.id)
        try:
            # A server that runs has the templates ready.
            _import(app, client, school, xlsx_of(messy_roster(50).rows[:6]))
            return {
                what: _timed(lambda content=content: _import(app, client, school, content))
                for what, content in (("all new", new), ("a tenth changed", changed))
            }
        finally:
            with app.app_context():
                db.engine.dispose()


def _import(app: Flask, client: StrictClient, school: Organisation, content: bytes) -> None:
    """What the pages do, one after the other, and then the worker."""
    with app.app_context():
        with transaction():
            table = read_table(content, "staff.xlsx")
            found = imports.keep(school.id, table, file_name="staff.xlsx", by=None, now=clock.now())
            import_id: UUID = found.id
        address = f"/schools/{school.slug}/records/import/{import_id}"
        # Not through the strict client's own `open`: checking a page takes longer than making it.
        preview = super(StrictClient, client).open(address).text
        named = re.search('name="fingerprint" value="([0-9a-f]+)"', preview)
        assert named is not None
        with transaction():
            found = imports.import_at(school.id, import_id)
            now = clock.now() + timedelta(seconds=1)
            outcome = applying.apply(
                found,
                session.get_one(Organisation, school.id),
                Choices(),
                fingerprint=named[1],
                by=None,
                now=now,
            )
        assert outcome.changes.new or outcome.changes.changed


def _only_read(content: bytes) -> None:
    book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True)
    for row in book.worksheets[0].iter_rows(values_only=True):
        _ = row


def _timed(work: Callable[[], object]) -> float:
    """Return the seconds that it takes."""
    gc.collect()
    started = perf_counter()
    work()
    return perf_counter() - started
