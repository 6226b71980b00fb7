"""What is outstanding, visits and a governors' pack, for the tests of workbooks."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from io import BytesIO
from uuid import UUID

from exports import agency_register, governors_pack, outstanding
from lms.agency_days import VisitRow
from lms.clock import LONDON
from lms.governors import Exceptional, ExceptionCount, Pack, Published, SchoolCount, TermCount, Year
from lms.outstanding import OutstandingRow
from lms.record import CategoryCount
from lms.status import Status
from tests.exports.samples import ABOUT, AS_AT, SUMMARY, items, people

LEFT_UNDONE = OutstandingRow(
    person_id=UUID(int=7),
    manager="Jo Okafor",
    staff_no="T0042",
    surname="Llewellyn-Jones",
    forename="Siân",
    category="Teacher",
    role="Teacher of maths",
    agency=None,
    department="Maths",
    school="St Mary & St John's School",
    to_sign="Social media policy",
    status=Status.OVERDUE,
    since=date(2026, 8, 20),
    due=date(2026, 9, 3),
    days_overdue=7,
    reminded_on=date(2026, 9, 4),
)
UNDONE = (
    LEFT_UNDONE,
    replace(LEFT_UNDONE, to_sign="Code of conduct", status=Status.EXPIRED),
    replace(LEFT_UNDONE, person_id=UUID(int=8), surname="=cmd()", status=Status.DECLINED, days_overdue=None),
    replace(LEFT_UNDONE, person_id=UUID(int=9), manager=None, status=Status.NOT_STARTED, reminded_on=None),
    replace(LEFT_UNDONE, person_id=UUID(int=9), manager=None, status=Status.IN_PROGRESS, due=None),
)
VISIT = VisitRow(
    person_id=UUID(int=3),
    day=date(2026, 9, 9),
    surname="Quintanilha",
    forename="Beatriz",
    category="Agency worker",
    agency="Tandem",
    role="Supply teacher",
    arrived_at=datetime(2026, 9, 9, 8, 5, 30, tzinfo=LONDON),
    left_at=datetime(2026, 9, 9, 15, 40, tzinfo=LONDON),
    photo_id="Passport",
    agency_confirmed=True,
    checked_by="Gareth Rees",
    to_sign=2,
    status=Status.SIGNED,
    signed_at=datetime(2026, 9, 9, 8, 15, tzinfo=LONDON),
    to_class_by=None,
)
VISITS = (
    VISIT,
    replace(VISIT, day=date(2026, 9, 10), status=Status.OVERDUE, signed_at=None, left_at=None),
    replace(VISIT, person_id=UUID(int=4), agency=None, category="Volunteer", status=Status.NOT_REQUIRED),
)


def pack_of(summary: tuple[CategoryCount, ...] = SUMMARY, terms: int = 3) -> Pack:
    """Return a pack of one school in which these are the counts."""
    school = CategoryCount("St Mary's", sum(row.people for row in summary), _statuses(summary))
    trend = [
        TermCount(f"Term {n}", date(2026, n + 1, 28), replace(school, category="Total"))
        for n in range(terms - 1)
    ]
    trend.append(TermCount("This report", AS_AT, school))
    kinds = [ExceptionCount("St Mary's", "Policy", kind, 3, 40) for kind in Exceptional if summary]
    return Pack(
        schools=[SchoolCount(school, 1234, b"root")],
        categories=list(summary),
        trend=trend,
        are_terms_entered=False,
        exceptions=kinds,
        history=[Published("Policy", "4", date(2026, 3, 1), date(2026, 4, 1), "a" * 64, 1)],
        year=Year(date(2025, 9, 10), 12, 1, 345),
    )


def _statuses(summary: tuple[CategoryCount, ...]) -> dict[Status, int]:
    return {status: sum(row.counts[status] for row in summary) for status in Status}


def outstanding_file(rows: tuple[OutstandingRow, ...] = UNDONE) -> bytes:
    """Return a workbook of what is outstanding."""
    file = BytesIO()
    outstanding.write(file, rows, ABOUT)
    return file.getvalue()


def agency_file(visits: tuple[VisitRow, ...] = VISITS, engaged: int = 2) -> bytes:
    """Return an agency register."""
    file = BytesIO()
    agency_register.write(file, items(2), visits, people(engaged, 2), ABOUT)
    return file.getvalue()


def pack_file(pack: Pack, names: tuple[OutstandingRow, ...] | None = None) -> bytes:
    """Return a governors' pack."""
    file = BytesIO()
    governors_pack.write(file, pack, names, ABOUT)
    return file.getvalue()
