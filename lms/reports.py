"""Reports as files: one way to make each, for the page and for the command alike."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing, nullcontext
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import BinaryIO, TypeVar

from exports import agency_register, attestation_register, csv_export, governors_pack, training_record
from exports import outstanding as outstanding_book
from lms import agency_days, elsewhere, governors, outstanding, record, register
from lms.clock import london_day
from lms.errors import ConflictError, StorageError
from lms.outstanding import OutstandingRow
from lms.record import Scope
from lms.schools import Kind
from lms.standings import Filters


class Report(StrEnum):
    """What can be exported."""

    TRAINING_RECORD = "training-record"
    ATTESTATION_REGISTER = "attestation-register"
    OUTSTANDING = "outstanding"
    AGENCY_REGISTER = "agency-register"
    GOVERNORS_PACK = "governors-pack"

    @property
    def words(self) -> str:
        """The report's name: "Training record"."""
        return "Governors’ pack" if self is Report.GOVERNORS_PACK else self.replace("-", " ").capitalize()


class Format(StrEnum):
    """What kind of file."""

    XLSX = "xlsx"
    CSV = "csv"


Row = TypeVar("Row")


class Watched:
    """Counts a report's rows as they are made, all its sheets together, and tells somebody of each."""

    def __init__(self, tell: Callable[[int], None]) -> None:
        """`tell` is given how many rows there are so far; what it raises ends the report."""
        self._tell = tell
        self._count = 0

    def __call__(self, rows: Iterable[Row]) -> Iterator[Row]:
        """Yield the same rows; where `tell` ends the report, the database lets go of the others."""
        with closing(rows) if isinstance(rows, Generator) else nullcontext():
            for row in rows:
                self._count += 1
                self._tell(self._count)
                yield row


def _nobody(_: int) -> None:
    pass


@dataclass(frozen=True, slots=True)
class Written:
    """What was written: for the audit."""

    rows: int
    sha256: str


def formats(report: Report) -> list[Format]:
    """Return what kinds of file there are of a report."""
    return [format for of, format in _WRITERS if of is report]


def file_name(report: Report, scope: Scope, format: Format) -> str:
    """Return what the file is called: "training-record-ysgol-mor-2026-09-07.xlsx".

    A pack with names is called that: with the other's name it would one day go to the governors.
    """
    named = "-with-names" if report is Report.GOVERNORS_PACK and scope.with_names else ""
    return f"{report}-{scope.school.slug}-{london_day(scope.moment).isoformat()}{named}.{format}"


def write_report(
    report: Report,
    scope: Scope,
    *,
    format: Format,
    file: BinaryIO,
    made_by: str,
    made_at: datetime,
    tell: Callable[[int], None] = _nobody,
) -> Written:
    """Write a report to `file`, which is open for reading and writing, and say how many rows and which bytes.

    Memory doesn't grow with the rows. `tell` is told how many rows there are, at each of them; what it raises ends
    the report.

    Raises:
        StorageError: the file, or the temporary folder, can't be written to.
        TooManyRowsError: there are more rows than a spreadsheet holds.
        ConflictError: the staff list changed meanwhile; or there is no such file of this report (`formats`).
    """
    write = _WRITERS.get((report, format))
    if write is None:
        raise ConflictError(f"{report.words}: this is made as an Excel workbook only. Choose that.")
    try:
        rows = write(scope, file, made_by, made_at, Watched(tell))
        return Written(rows, _sha256(file))
    except OSError as error:
        raise StorageError(
            f"The file could not be written ({error.strerror}). No report was made: see that the disk has room "
            "and that its folder can be written to."
        ) from error


def _sha256(file: BinaryIO) -> str:
    file.seek(0)
    digest = hashlib.sha256()
    while piece := file.read(1 << 20):
        digest.update(piece)
    return digest.hexdigest()


def _training_record(scope: Scope, file: BinaryIO, made_by: str, made_at: datetime, watched: Watched) -> int:
    tally = record.Tally()
    return training_record.write(
        file,
        record.items(scope),
        watched(elsewhere.beside(scope, record.counted(tally, record.rows(scope)))),
        watched(record.leavers(scope)),
        tally,
        record.about(scope, report=Report.TRAINING_RECORD.words, made_at=made_at, made_by=made_by),
    )


def _register(scope: Scope, file: BinaryIO, made_by: str, made_at: datetime, watched: Watched) -> int:
    tally = record.Tally()
    return attestation_register.write(
        file,
        watched(register.counted(tally, register.rows(scope))),
        tally,
        record.about(scope, report=Report.ATTESTATION_REGISTER.words, made_at=made_at, made_by=made_by),
    )


def _training_record_csv(
    scope: Scope, file: BinaryIO, made_by: str, made_at: datetime, watched: Watched
) -> int:
    del made_by, made_at
    return csv_export.write_record_csv(file, record.items(scope), watched(record.rows(scope)))


def _register_csv(scope: Scope, file: BinaryIO, made_by: str, made_at: datetime, watched: Watched) -> int:
    del made_by, made_at
    return csv_export.write_register_csv(file, watched(register.rows(scope)))


def _outstanding(scope: Scope, file: BinaryIO, made_by: str, made_at: datetime, watched: Watched) -> int:
    about = record.about(scope, report=Report.OUTSTANDING.words, made_at=made_at, made_by=made_by)
    return outstanding_book.write(file, watched(outstanding.rows(scope)), about)


def _outstanding_csv(scope: Scope, file: BinaryIO, made_by: str, made_at: datetime, watched: Watched) -> int:
    del made_by, made_at
    return csv_export.write_outstanding_csv(file, watched(outstanding.rows(scope)))


def _agency_register(scope: Scope, file: BinaryIO, made_by: str, made_at: datetime, watched: Watched) -> int:
    return agency_register.write(
        file,
        record.items(scope),
        watched(agency_days.visits(scope)),
        watched(agency_days.engaged(scope)),
        record.about(scope, report=Report.AGENCY_REGISTER.words, made_at=made_at, made_by=made_by),
    )


def _agency_register_csv(
    scope: Scope, file: BinaryIO, made_by: str, made_at: datetime, watched: Watched
) -> int:
    del made_by, made_at
    return csv_export.write_visits_csv(file, watched(agency_days.visits(scope)))


def _governors_pack(scope: Scope, file: BinaryIO, made_by: str, made_at: datetime, watched: Watched) -> int:
    scope = replace(scope, filters=Filters())
    pack = governors.pack(scope)
    about = record.about(scope, report=Report.GOVERNORS_PACK.words, made_at=made_at, made_by=made_by)
    if scope.school.kind is Kind.TRUST:
        size = sum(school.ledger_size for school in pack.schools)
        each = "one for each school: see By school"
        about = replace(about, ledger_origin=each, ledger_size=size, ledger_root=each)
    names = watched(_names(scope)) if scope.with_names else None
    return governors_pack.write(file, pack, names, about)


def _names(scope: Scope) -> Iterator[OutstandingRow]:
    for school in governors.schools_of(scope.school):
        wanted = tuple(item for item in scope.wanted if item.assignment.organisation_id == school.id)
        yield from outstanding.rows(Scope(school, wanted, scope.moment))


_Writer = Callable[[Scope, BinaryIO, str, datetime, Watched], int]
_WRITERS: dict[tuple[Report, Format], _Writer] = {
    (Report.TRAINING_RECORD, Format.XLSX): _training_record,
    (Report.TRAINING_RECORD, Format.CSV): _training_record_csv,
    (Report.ATTESTATION_REGISTER, Format.XLSX): _register,
    (Report.ATTESTATION_REGISTER, Format.CSV): _register_csv,
    (Report.OUTSTANDING, Format.XLSX): _outstanding,
    (Report.OUTSTANDING, Format.CSV): _outstanding_csv,
    (Report.AGENCY_REGISTER, Format.XLSX): _agency_register,
    (Report.AGENCY_REGISTER, Format.CSV): _agency_register_csv,
    (Report.GOVERNORS_PACK, Format.XLSX): _governors_pack,
}
