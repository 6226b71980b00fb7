"""`countersign export`: a report as a file, whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import BinaryIO, cast

import click
from flask.cli import with_appcontext

from lms import audit, clock, governors, record, reports
from lms.audit import Event
from lms.cli.options import Day, school_option, the_school
from lms.compliance import moment_of
from lms.db import transaction
from lms.errors import CountersignError, NotFoundError
from lms.record import Scope
from lms.reports import Format, Report
from lms.schools import Kind, only_school, school_by_slug

MADE_BY = "the command line"


class NotWrittenError(CountersignError):
    """A file that can't be written; the message names it and says why."""


@click.command()
@click.argument("name", type=click.Choice([report.value for report in Report]))
@click.option(
    "--out", type=click.Path(dir_okay=False, path_type=Path), required=True, help="An .xlsx or .csv file."
)
@click.option("--as-at", type=Day(), help="As was recorded by the end of that day; otherwise now.")
@click.option(
    "--with-names", is_flag=True, help="The governors' pack with an appendix of who is late or has declined."
)
@school_option
@with_appcontext
def export(name: str, out: Path, as_at: date | None, with_names: bool, slug: str | None) -> None:
    """Write the report NAME to a file: a workbook, or its rows as CSV.

    The governors' pack is a workbook only; of a trust (--school with the trust's address) it has all its schools.
    """
    kind, now = _format(Report(name), out), clock.now()
    if as_at and as_at > clock.london_day(now):
        raise click.UsageError(f"--as-at {as_at} is still to come.")
    with put_in_place(out) as file:
        rows = _write(Report(name), kind, file, _Wanted(slug, as_at, with_names), now)
    click.echo(f"{out}: {rows:,} rows.")


@dataclass(frozen=True)
class _Wanted:
    """What the options ask for."""

    slug: str | None
    as_at: date | None
    with_names: bool

    def scope(self, report: Report, now: datetime) -> Scope:
        """Return what the report is about. Raises NotFoundError for a trust where a school is needed."""
        moment = moment_of(self.as_at, now)
        if report is Report.GOVERNORS_PACK:
            found = school_by_slug(self.slug) if self.slug else only_school()
            return replace(governors.scope_of(found, moment), with_names=self.with_names)
        school = the_school(self.slug)
        if school.kind is Kind.TRUST:
            raise NotFoundError(f"{school.name} is a trust. Name one of its schools with --school SLUG.")
        return record.scope_of(school, moment)


def _write(report: Report, kind: Format, file: BinaryIO, wanted: _Wanted, now: datetime) -> int:
    # Reading first and the audit after it: whoever signs meanwhile doesn't wait for a long report.
    with transaction(write=False):
        scope = wanted.scope(report, now)
        written = reports.write_report(report, scope, format=kind, file=file, made_by=MADE_BY, made_at=now)
        school_id = scope.school.id
    with transaction():
        audit.record(
            Event.EXPORTED,
            organisation_id=school_id,
            now=now,
            report=report.value,
            rows=written.rows,
            sha256=written.sha256,
        )
    return written.rows


def _format(report: Report, out: Path) -> Format:
    kinds = {f".{kind}": kind for kind in reports.formats(report)}
    if kind := kinds.get(out.suffix.lower()):
        return kind
    raise click.UsageError(f"--out {out} must end in {' or '.join(kinds)}.")


@contextmanager
def put_in_place(out: Path) -> Iterator[BinaryIO]:
    """Give a file to write that takes the place of `out` when the block ends, and leaves no trace when it raises.

    Raises:
        NotWrittenError: the folder isn't there, can't be written to, or is full.
    """
    try:
        with NamedTemporaryFile(dir=out.parent, prefix=f".{out.name}.", delete=False) as draft:
            path = Path(draft.name)
            try:
                yield cast(BinaryIO, draft)
                draft.flush()
                os.fsync(draft.fileno())
                path.replace(out)
            finally:
                path.unlink(missing_ok=True)
    except OSError as error:
        raise NotWrittenError(
            f"{out} can't be written ({os.strerror(error.errno or 0)}). Nothing was left there. "
            "Choose another folder with --out, or make room."
        ) from error
