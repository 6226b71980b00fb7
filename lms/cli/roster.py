"""`countersign people`: a school's staff list, brought in."""

from __future__ import annotations

from pathlib import Path

import click
from flask.cli import with_appcontext

from lms import clock
from lms.cli.options import READABLE_FILE, school_option, the_school
from lms.db import transaction
from lms.roster import applying, imports
from lms.roster.changes import Changes, Choices
from lms.roster.file import read_table
from lms.roster.found import BadRow
from lms.roster.table import MOST_BYTES, RosterRefused, Table
from lms.schools import Organisation


@click.group()
def people() -> None:
    """The people on record."""


@people.command("import")
@click.argument("file", type=READABLE_FILE)
@click.option("--dry-run", is_flag=True, help="Say what would change, and change nothing.")
@school_option
@with_appcontext
def import_(file: Path, dry_run: bool, slug: str | None) -> None:
    """Bring in the staff list FILE, a workbook or CSV.

    It is read as the school's last one was on the pages. Nobody is recorded as having left, and a row that may be
    about somebody on record is left out: both are decided on the pages.
    """
    table = _read(file)
    with transaction(write=not dry_run):
        school = the_school(slug)
        changes = _changes(school, table, file.name) if dry_run else _apply(school, table, file.name)
    _tell(changes)
    if dry_run:
        click.echo("Nothing was changed: this was a dry run.", err=True)
    click.echo(changes.counts)


def _read(file: Path) -> Table:
    try:
        with file.open("rb") as opened:
            # One byte more than may be, so that a larger file is refused without being read whole.
            content = opened.read(MOST_BYTES + 1)
    except OSError as error:
        raise click.ClickException(f"The file {file} can't be read ({error.strerror}).") from error
    return read_table(content, file.name)


def _changes(school: Organisation, table: Table, file_name: str) -> Changes:
    found = imports.new_import(school.id, table, file_name=file_name, by=None, now=clock.now())
    try:
        return applying.changes_of(found, school)
    except RosterRefused as refused:
        raise _with_advice(refused) from refused


def _apply(school: Organisation, table: Table, file_name: str) -> Changes:
    now = clock.now()
    found = imports.keep(school.id, table, file_name=file_name, by=None, now=now)
    try:
        return applying.apply(found, school, Choices(), fingerprint=None, by=None, now=now).changes
    except RosterRefused as refused:
        raise _with_advice(refused) from refused


def _with_advice(refused: RosterRefused) -> RosterRefused:
    return RosterRefused(
        f"{refused} Upload a file like it once under Staff records, Bring in a staff list: what you choose there is "
        "remembered."
    )


def _tell(changes: Changes) -> None:
    """Say on the side what did not go in, and who is missing: what is piped on is the counts alone."""
    for bad in changes.refused:
        click.echo(f"Row {bad.line}: {_reasons(bad)}", err=True)
    if changes.absent:
        many = len(changes.absent) > 1
        click.echo(
            f"{len(changes.absent)} {'engagements' if many else 'engagement'} on record "
            f"{'are' if many else 'is'} not in the file, and stay{'' if many else 's'} as recorded.",
            err=True,
        )


def _reasons(bad: BadRow) -> str:
    return "; ".join(
        ": ".join(filter(None, (" ".join((f.cell, f.heading)).strip(), f.reason))) for f in bad.faults
    )
