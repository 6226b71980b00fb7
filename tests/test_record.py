"""The rows of the training record and of the attestation register, and how they are counted."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import date, timedelta
from io import BytesIO
from uuid import UUID

import openpyxl
import pytest
import sqlalchemy as sa
from flask import Flask

from lms import absences, compliance, ledger, record, register, reports
from lms.db import db, session
from lms.people import EngagementType, Person, end_engagement, engage
from lms.record import RecordRow, Scope, Tally
from lms.register import RegisterRow
from lms.reports import Format, Report
from lms.schools import Organisation
from lms.standings import Filters
from lms.status import Status
from lms.training import exempt
from tests.conftest import NOW
from tests.factories import BEFORE, engagement_of, make_assignment, make_person, make_policy, make_school
from tests.signers import sign

pytestmark = pytest.mark.usefixtures("in_app")
TODAY = date(2026, 9, 7)


@pytest.fixture
def school() -> Organisation:
    school = make_school("Ysgol Môr")
    make_assignment(school, make_policy(school), due_days=3)
    second = make_policy(school, slug="conduct", markdown="# Conduct\n\n## 1. One\n\n**1.1** Be kind.\n")
    a_day_on = BEFORE + timedelta(days=1)
    make_assignment(school, second, audience=[EngagementType.GOVERNOR], months=None, now=a_day_on)
    return school


def scope(school: Organisation, **changes: object) -> Scope:
    return replace(record.scope_of(school, NOW), **changes)  # type: ignore[arg-type]


def rows(school: Organisation, **changes: object) -> list[RecordRow]:
    return list(record.rows(scope(school, **changes)))


def entries(school: Organisation, **changes: object) -> list[RegisterRow]:
    return list(register.rows(scope(school, **changes)))


def of(found: list[RecordRow], person: Person) -> RecordRow:
    (row,) = (row for row in found if row.person_id == person.id)
    return row


def test_every_adult_engaged_today_has_one_row_in_order_of_name(school: Organisation) -> None:
    zoe = make_person(school, forename="Zoë", surname="Ábel")
    same = {make_person(school, forename="Sam", surname="Jones").id for _ in range(2)}
    make_person(school, surname="Future", starts=TODAY + timedelta(days=1))
    make_person(school, surname="Gone", ends=TODAY - timedelta(days=1))
    make_person(make_school(), surname="Elsewhere")
    found = [row.person_id for row in rows(school)]
    assert found[0] == zoe.id
    assert set(found[1:]) == same
    assert len(found) == 3


def test_somebody_with_two_engagements_has_one_row_the_main_one_first(school: Organisation) -> None:
    person = make_person(school, EngagementType.TEACHER, starts=date(2020, 9, 1))
    engagement_of(person).job_title = "Teacher of maths"
    engage(person, school.id, EngagementType.GOVERNOR, starts=date(2023, 1, 1), now=NOW)
    (row,) = rows(school)
    assert (row.category, row.role, row.start) == (
        "Teacher",
        "Teacher of maths; also governor",
        date(2020, 9, 1),
    )
    assert [standing.status for standing in row.items] == [Status.OVERDUE, Status.OVERDUE]


def test_an_abbreviation_in_a_second_role_keeps_its_capitals(school: Organisation) -> None:
    person = make_person(school, starts=date(2020, 9, 1))
    first = engagement_of(person)
    later = engage(
        person, school.id, EngagementType.VOLUNTEER, starts=date(2023, 1, 1), now=NOW, job_title="ICT helper"
    )
    assert record.role_in_words([first, later]) == "Teacher; also ICT helper"


def test_what_isnt_asked_of_somebody_is_not_required_with_no_dates(school: Organisation) -> None:
    person = make_person(school, EngagementType.TEACHER)
    conduct = of(rows(school), person).items[1]
    assert (conduct.status, conduct.signed_on, conduct.due) == (Status.NOT_REQUIRED, None, None)


def test_a_row_says_what_was_signed_what_is_next_and_how_we_know(app: Flask, school: Organisation) -> None:
    person = make_person(school, EngagementType.GOVERNOR)
    attestation = sign(app, school, person, item=0)
    row = of(rows(school), person)
    assert row.items[0].status is Status.SIGNED
    assert row.items[0].signed_on == TODAY
    assert (row.next_due, row.days_overdue) == (date(2026, 9, 15), None), "the code of conduct comes first"
    assert row.identity_check == attestation.identity_assurance.words
    late = of(list(record.rows(record.scope_of(school, NOW + timedelta(days=30)))), person)
    assert late.days_overdue == 22


def test_the_manager_is_named(school: Organisation) -> None:
    manager = make_person(school, forename="Rhian", surname="Owen")
    person = make_person(school, manager=manager)
    assert of(rows(school), person).manager == "Rhian Owen"


def test_leavers_are_those_who_had_something_to_sign_and_keep_what_they_signed(
    app: Flask, school: Organisation
) -> None:
    signed, never_asked, stays = (make_person(school, surname=n) for n in ("Signed", "Early", "Stays"))
    sign(app, school, signed, item=0)
    end_engagement(engagement_of(signed), ends=TODAY - timedelta(days=1), now=NOW)
    end_engagement(engagement_of(never_asked), ends=date(2025, 1, 1), now=NOW)
    (left,) = record.leavers(scope(school))
    assert (left.person_id, left.end, left.items[0].status) == (
        signed.id,
        TODAY - timedelta(days=1),
        Status.SIGNED,
    )
    assert (left.next_due, left.days_overdue) == (None, None)
    assert [row.person_id for row in rows(school)] == [stays.id]


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        (Filters(name="ann"), "Ann"),
        (Filters(type=EngagementType.GOVERNOR), "Cai"),
        (Filters(department="Maths"), "Ann Ben"),
        (Filters(status=Status.OVERDUE), "Ann Ben Cai"),
        (Filters(status=Status.SIGNED), ""),
        (Filters(status=Status.NOT_REQUIRED), "Dai"),
        (Filters(department="Maths", name="ben"), "Ben"),
    ],
)
def test_filters_choose_whole_rows(school: Organisation, filters: Filters, expected: str) -> None:
    for name, type_, department in (
        ("Ann", EngagementType.TEACHER, "Maths"),
        ("Ben", EngagementType.TEACHER, "Maths"),
        ("Cai", EngagementType.GOVERNOR, None),
    ):
        make_person(school, type_, forename=name, surname="Jones", department=department)
    excused = make_person(school, forename="Dai", surname="Jones")
    assignment = record.scope_of(school, NOW).items[0].assignment
    exempt(assignment, excused.id, reason="Leave", until=None, now=NOW)
    assert " ".join(row.forename for row in rows(school, filters=filters)) == expected
    assert record.filters_in_words(scope(school, filters=filters)) != "none"


def test_one_item_chosen_is_the_only_one_in_the_report(school: Organisation) -> None:
    make_person(school)
    whole = record.scope_of(school, NOW)
    chosen = replace(whole, item=whole.items[1])
    assert [item.title for item in record.items(chosen)] == ["Social media policy"]
    assert [len(row.items) for row in record.rows(chosen)] == [1]
    assert record.filters_in_words(chosen) == "To sign: Social media policy"


def test_the_summary_counts_exactly_the_rows(app: Flask, school: Organisation) -> None:
    teacher = make_person(school, EngagementType.TEACHER)
    engage(teacher, school.id, EngagementType.GOVERNOR, starts=date(2026, 9, 2), now=NOW)
    make_person(school, EngagementType.GOVERNOR)
    tally = Tally()
    found = list(record.counted(tally, record.rows(scope(school))))
    counts = {row.category: row for row in tally}
    assert sum(row.people for row in counts.values()) == len(found) == 2
    for category, count in counts.items():
        for status in Status:
            shown = [s for row in found if row.category == category for s in row.items if s.status is status]
            assert count.counts[status] == len(shown)


def test_the_register_has_a_line_for_each_obligation_with_its_evidence(
    app: Flask, school: Organisation
) -> None:
    person = make_person(school, EngagementType.GOVERNOR)
    attestation = sign(app, school, person, item=0)
    first, second = entries(school)
    assert (first.status, first.signed_at, first.receipt_id) == (Status.SIGNED, NOW, attestation.id)
    assert (first.method, first.version, len(first.hash_prefix)) == ("Typed name", "1", 12)
    assert (first.due, first.next_due) == (date(2026, 9, 4), date(2027, 9, 7))
    assert (second.status, second.signed_at, second.method, second.receipt_id) == (
        Status.NOT_STARTED,
        None,
        None,
        None,
    )
    assert (second.due, second.assigned) == (date(2026, 9, 15), date(2026, 8, 9))


def test_a_renewal_isnt_shown_beside_the_day_the_first_signature_was_due(
    app: Flask, school: Organisation
) -> None:
    person = make_person(school)
    sign(app, school, person, item=0)
    year_on = NOW + timedelta(days=400)
    sign(app, school, person, item=0, now=year_on)
    (entry,) = register.rows(record.scope_of(school, year_on))
    assert (entry.status, entry.due, entry.next_due) == (Status.SIGNED, None, date(2028, 10, 12))


def test_the_register_names_the_version_that_was_signed_and_else_the_one_in_force(
    app: Flask, school: Organisation
) -> None:
    signed = make_person(school, surname="Adams")
    make_person(school, surname="Zed")
    sign(app, school, signed, item=0)
    later = NOW + timedelta(hours=1)
    newer = make_policy(
        school, markdown="# Social media\n\n## 1. One\n\n**1.1** New.\n", label="2", now=later
    )
    first, second = register.rows(record.scope_of(school, later))
    assert (first.version, second.version) == ("1", "2")
    assert first.hash_prefix != second.hash_prefix == newer.source_sha256[:12]


def test_the_register_shows_no_day_due_while_somebody_is_away_and_a_later_one_once_back(
    school: Organisation,
) -> None:
    away, back = make_person(school, surname="Adams"), make_person(school, surname="Zed")
    for person, ends in ((away, None), (back, date(2026, 9, 3))):
        absences.record_absence(
            person, school.id, starts=date(2026, 9, 2), ends=ends, reason=None, by=None, now=NOW
        )
    assert [entry.due for entry in entries(school)] == [None, date(2026, 9, 6)]


def test_leavers_follow_in_the_register(app: Flask, school: Organisation) -> None:
    left, here = make_person(school, surname="Adams"), make_person(school, surname="Zed")
    sign(app, school, left, item=0)
    end_engagement(engagement_of(left), ends=TODAY - timedelta(days=1), now=NOW)
    found = entries(school)
    assert [entry.person_id for entry in found] == [here.id, left.id]
    assert found[1].next_due is None
    tally = Tally()
    assert len(list(register.counted(tally, iter(found)))) == 2
    assert [(row.category, row.people) for row in tally] == [("Teacher", 2)]


def test_the_reports_read_in_a_few_queries_however_many_people(school: Organisation) -> None:
    for n in range(60):
        make_person(school, surname=f"Person{n}")
    sent: list[str] = []
    sa.event.listen(db.engine, "before_cursor_execute", lambda *args: sent.append(args[2]))
    found = list(record.rows(record.scope_of(school, NOW)))
    assert len(found) == 60
    assert len(sent) == 3


def test_a_report_carries_its_school_its_ledger_and_its_policies(app: Flask, school: Organisation) -> None:
    person = make_person(school)
    sign(app, school, person, item=0)
    about = record.about(scope(school), report="Training record", made_at=NOW, made_by="Meera")
    size, _ = ledger.state(school)
    assert (about.school, about.filters, about.as_at, about.ledger_size) == ("Ysgol Môr", "none", TODAY, size)
    assert len(about.policies) == 2


def test_an_earlier_days_report_says_what_was_on_record_then(app: Flask, school: Organisation) -> None:
    person = make_person(school)
    sign(app, school, person, item=0)
    then = record.scope_of(school, compliance.moment_of(TODAY - timedelta(days=1), NOW))
    (row,) = record.rows(then)
    assert row.items[0].status is Status.OVERDUE


@pytest.mark.parametrize("report", [Report.TRAINING_RECORD, Report.ATTESTATION_REGISTER])
@pytest.mark.parametrize("format_", list(Format))
def test_a_report_is_written_whole_and_its_hash_is_that_of_the_file(
    school: Organisation, report: Report, format_: Format
) -> None:
    make_person(school, forename="=cmd()", surname="Nair")
    file = BytesIO()
    written = reports.write_report(
        report, scope(school), format=format_, file=file, made_by="Meera", made_at=NOW
    )
    assert written.rows == 1
    assert written.sha256 == hashlib.sha256(file.getvalue()).hexdigest()
    if format_ is Format.XLSX:
        book = openpyxl.load_workbook(file)
        assert book.sheetnames[0] == "Summary"
        assert book.sheetnames[-1] == "About"
    else:
        assert b"'=cmd()" in file.getvalue()


def test_a_report_of_a_school_where_nothing_is_assigned_and_nobody_works_is_still_one() -> None:
    empty = make_school()
    for report in Report:
        written = reports.write_report(
            report, record.scope_of(empty, NOW), format=Format.XLSX, file=BytesIO(), made_by="x", made_at=NOW
        )
        assert written.rows == 0


def test_a_file_is_named_for_the_report_the_school_and_the_day(school: Organisation) -> None:
    assert reports.file_name(Report.TRAINING_RECORD, scope(school), Format.XLSX) == (
        "training-record-ysgol-mor-2026-09-07.xlsx"
    )
    for named, name in ((False, "2026-09-07.xlsx"), (True, "2026-09-07-with-names.xlsx")):
        pack = replace(scope(school), with_names=named)
        assert (
            reports.file_name(Report.GOVERNORS_PACK, pack, Format.XLSX) == f"governors-pack-ysgol-mor-{name}"
        )


def test_ids_of_people_are_ids(school: Organisation) -> None:
    person = make_person(school)
    assert isinstance(of(rows(school), person).person_id, UUID)
    assert isinstance(entries(school)[0].person_id, UUID)
    assert session.get(Person, rows(school)[0].person_id) is not None
