"""What goes to managers, to inspectors and to governors: the same numbers as the pages, and the same for a past day."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, datetime, timedelta
from io import BytesIO
from typing import Any
from uuid import uuid4

import openpyxl
import pytest
import sqlalchemy as sa
from flask import Flask

from app import create_app
from lms import absences, demo, governors, mail, migration, people, policies, reports, standings, training
from lms.compliance import moment_of
from lms.config import Settings
from lms.db import db, session, transaction
from lms.demo import model_policy
from lms.desk import Visit
from lms.errors import ConflictError
from lms.mail import MessageKind
from lms.people import EngagementType, Person
from lms.reminder_settings import enter_days
from lms.reminders import Reminder, ReminderKind
from lms.reports import Format, Report
from lms.school_days import Days, DaysKind
from lms.schools import Organisation, only_school
from lms.standings import Filters
from lms.status import Status
from tests.conftest import NOW
from tests.exports.sheet_rules import faults
from tests.factories import make_assignment, make_person, make_policy, make_school
from tests.learners import do_modules
from tests.signers import decline, sign
from tests.visitors import Morning

TODAY = date(2026, 9, 7)


def made(
    report: Report, school: Organisation, now: datetime = NOW, day: date | None = None, **more: Any
) -> Any:
    """Return a report as openpyxl reads it."""
    file = BytesIO()
    scope = replace(governors.scope_of(school, moment_of(day, now)), **more)
    reports.write_report(report, scope, format=Format.XLSX, file=file, made_by="Meera Zane", made_at=now)
    assert faults(file.getvalue()) == []
    return openpyxl.load_workbook(file)


def table(book: Any, title: str, first_row: int = 1) -> list[dict[str, Any]]:
    headings, *rows = book[title].iter_rows(min_row=first_row, values_only=True)
    found = [dict(zip(headings, row, strict=True)) for row in rows]
    return found[: next((n for n, line in enumerate(found) if line[headings[0]] is None), len(found))]


def cells(book: Any) -> list[str]:
    return [str(cell.value) for sheet in book for row in sheet.iter_rows() for cell in row if cell.value]


@pytest.fixture
def school(app: Flask, in_app: None) -> Organisation:
    """A school in which somebody has signed, declined, is late, is excused, is away, and has a manager."""
    found = make_school("Ysgol Môr")
    assignment = make_assignment(found, make_policy(found), due_days=3)
    head = make_person(found, EngagementType.SENIOR_LEADER, forename="Catrin", surname="Huws")
    for name in ("Adams", "Baker"):
        make_person(found, surname=name, manager=head, department="Art")
    sign(app, found, head)
    decline(app, found, make_person(found, surname="Cole", manager=head), reason="My union says wait.")
    training.exempt(assignment, make_person(found, surname="Dyer").id, reason="Retiring", until=None, now=NOW)
    away = make_person(found, EngagementType.GOVERNOR, surname="Evans")
    absences.record_absence(
        away, found.id, starts=date(2026, 9, 2), ends=None, reason="Ill", by=None, now=NOW
    )
    session.commit()
    return found


@pytest.mark.usefixtures("in_app")
def test_what_is_outstanding_is_by_manager_with_since_and_reminded_and_the_pages_numbers(
    app: Flask, school: Organisation
) -> None:
    adams = session.scalars(sa.select(Person).where(Person.surname == "Adams")).one()
    item = governors.scope_of(school, NOW).items[0]
    message_id = mail.queue(MessageKind.RECEIPT, organisation_id=school.id, address="a@school.test", now=NOW)
    mail.settle(session.get_one(mail.Message, message_id), NOW)
    for days in (3, 1):
        session.add(
            Reminder(
                id=uuid4(),
                organisation_id=school.id,
                person_id=adams.id,
                assignment_id=item.assignment.id,
                message_id=message_id,
                kind=ReminderKind.SCHEDULED,
                reminded_on=TODAY - timedelta(days=days),
            )
        )
    session.flush()
    book = made(Report.OUTSTANDING, school)
    lines = table(book, "Outstanding")
    assert [(line["Manager"], line["Surname"], line["Status"]) for line in lines] == [
        ("Catrin Huws", "Adams", "Overdue"),
        ("Catrin Huws", "Baker", "Overdue"),
        ("Catrin Huws", "Cole", "Declined"),
        ("No manager on record", "Evans", "Not started"),
    ]
    assert [str(line["Last reminded"])[:10] for line in lines] == ["2026-09-06", "None", "None", "None"]
    assert str(lines[0]["Since"])[:10] == "2026-09-01"
    assert (lines[0]["Days overdue"], lines[3]["Days overdue"]) == (3, None)
    assert lines[3]["Next step"] == "Away: nothing until they are back"
    on_the_page = Counter(status for *_, status, n in standings.counts(item) for _ in range(n))
    undone = {
        status.capitalize(): n
        for status, n in on_the_page.items()
        if status not in ("signed", "not required")
    }
    assert Counter(line["Status"] for line in lines) == undone
    art = made(Report.OUTSTANDING, school, filters=Filters(department="Art", name="bak"))
    assert [line["Surname"] for line in table(art, "Outstanding")] == ["Baker"]


@pytest.mark.usefixtures("in_app")
def test_the_governors_pack_has_the_pages_numbers_and_no_name(app: Flask, school: Organisation) -> None:
    book = made(Report.GOVERNORS_PACK, school, filters=Filters(name="Adams"))
    item = governors.scope_of(school, NOW).items[0]
    on_the_page = Counter({status: 0 for status in Status})
    for *_, status, n in standings.counts(item):
        on_the_page[status] += n
    for title in ("By category", "By school"):
        total = table(book, title, first_row=5)[-1]
        assert {
            word: total[word] for word in ("Signed", "Overdue", "Declined", "Not required", "Not started")
        } == {
            status.capitalize(): on_the_page[status]
            for status in (
                Status.SIGNED,
                Status.OVERDUE,
                Status.DECLINED,
                Status.NOT_REQUIRED,
                Status.NOT_STARTED,
            )
        }
        assert total["Adults"] == 6
    kinds = {line["Exception"]: (line["Adults"], line["Longest, days"]) for line in table(book, "Exceptions")}
    assert kinds["Late by up to 7 days"] == (2, 3)
    assert {1} == {adults for kind, (adults, _) in kinds.items() if not kind.startswith("Late")}
    assert table(book, "Policy history")[0]["Version"] == "1"
    said = " ".join(cells(book))
    assert not any(name in said for name in ("Adams", "Huws", "Catrin", "Meera", "Zane", "My union", "Ill "))
    named = made(Report.GOVERNORS_PACK, school, with_names=True)
    assert [line["Surname"] for line in table(named, "Appendix, names")] == ["Adams", "Baker", "Cole"]


@pytest.mark.usefixtures("in_app")
def test_a_pack_is_no_csv_file(school: Organisation) -> None:
    with pytest.raises(ConflictError, match="Excel workbook only"):
        reports.write_report(
            Report.GOVERNORS_PACK,
            governors.scope_of(school, NOW),
            format=Format.CSV,
            file=BytesIO(),
            made_by="x",
            made_at=NOW,
        )


@pytest.mark.usefixtures("in_app")
@pytest.mark.parametrize("report", [Report.OUTSTANDING, Report.AGENCY_REGISTER, Report.GOVERNORS_PACK])
def test_a_report_of_last_term_is_the_same_before_and_after_todays_corrections(
    app: Flask, school: Organisation, report: Report
) -> None:
    later, last_term = NOW + timedelta(days=120), TODAY + timedelta(days=20)
    before = _without_making(made(report, school, later, last_term, with_names=True))
    baker = session.scalars(sa.select(Person).where(Person.surname == "Baker")).one()
    engagement = session.scalars(
        sa.select(people.Engagement).where(people.Engagement.person_id == baker.id)
    ).one()
    people.end_engagement(engagement, ends=date(2026, 9, 10), now=later)
    late = make_person(school, surname="Late", now=later)
    training.exempt(
        governors.scope_of(school, later).items[0].assignment, late.id, reason="x", until=None, now=later
    )
    policies.publish(
        school, slug="social-media", title="Social media policy", label="2", markdown="# P\n\n## 1. A\n\n**1.1** B.\n",
        now=later, resign_by=date(2026, 10, 1),
    )  # fmt: skip
    assert _without_making(made(report, school, later, last_term, with_names=True)) == before
    assert _without_making(made(report, school, later, with_names=True)) != before


@pytest.mark.usefixtures("in_app")
@pytest.mark.parametrize("report", [Report.TRAINING_RECORD, Report.AGENCY_REGISTER])
def test_about_says_which_of_two_headings_of_one_policy_is_for_whom(
    school: Organisation, report: Report
) -> None:
    policy = governors.scope_of(school, NOW).items[0].version
    make_assignment(school, policy, audience=[EngagementType.AGENCY_WORKER], least_days=5)
    session.commit()
    book = made(report, school)
    said = dict(book["About"].iter_rows(max_col=2, values_only=True))
    headings = [cell.value for cell in book["Record" if "Record" in book.sheetnames else "Engaged"][1]]
    (second,) = (title for title in said if title and title.endswith(" (2)"))
    assert f"{second}: status" in headings
    whom = {said["Social media policy"], said[second]}
    assert "For: agency worker, staying longer than 5 days." in whom
    assert len(whom) == 2
    assert not any(title.endswith(" (2)") for title, _ in _facts_of_one(school))


def _facts_of_one(school: Organisation) -> list[tuple[str, str]]:
    item = governors.scope_of(school, NOW).items[0]
    book = made(Report.TRAINING_RECORD, school, item=item)
    return [(title, value) for title, value in book["About"].iter_rows(max_col=2, values_only=True) if title]


@pytest.mark.usefixtures("in_app")
def test_this_years_term_dates_leave_last_years_trend_and_past_packs_as_they_were(
    school: Organisation,
) -> None:
    later, last_term = NOW + timedelta(days=500), NOW.date() + timedelta(days=200)
    before = _without_making(made(Report.GOVERNORS_PACK, school, later, last_term))
    first, last = later.date() - timedelta(days=60), later.date() - timedelta(days=2)
    enter_days(school.id, [Days(DaysKind.TERM, first, last, "Autumn term")])
    session.commit()
    assert _without_making(made(Report.GOVERNORS_PACK, school, later, last_term)) == before
    trend = [line["Term"] for line in table(made(Report.GOVERNORS_PACK, school, later), "Trend by term", 5)]
    assert trend[:2] == ["Autumn term 2026", "Spring term 2027"]
    assert trend[-2:] == [f"Autumn term, to {last:%B %Y}", "This report"]


def _without_making(book: Any) -> list[Any]:
    return [
        [sheet.title, list(sheet.iter_rows(values_only=True))] for sheet in book if sheet.title != "About"
    ]


@pytest.mark.usefixtures("in_app")
def test_the_agency_register_says_who_was_here_and_whether_they_had_signed_that_day(app: Flask) -> None:
    morning = Morning()
    second, third = morning.arrived("Eira"), morning.arrived("Dafydd", days=3)
    do_modules(session.get_one(Person, third.person_id), training.current_assignment(morning.short))
    sign_short(app, morning, second)
    book = made(Report.AGENCY_REGISTER, morning.school, NOW + timedelta(hours=1))
    found = {line["Forename"]: line for line in table(book, "By day")}
    assert {name: line["Status that day"] for name, line in found.items()} == {
        "Dafydd": "In progress",
        "Dilys": "Not started",
        "Eira": "Signed",
    }
    assert found["Eira"]["Agency or company"] == "Brightwater Supply"
    assert str(found["Dilys"]["Arrived"]) == "2026-09-07 09:30:00"
    agency, _total = table(book, "By agency", first_row=5)
    assert list(agency.values()) == ["Brightwater Supply", 3, 3, 1, 2]
    assert [line["Forename"] for line in table(book, "Engaged")] == ["Dafydd", "Dilys", "Eira"]
    # Two days later, and for good, that day says what was so by its end.
    sign_short(app, morning, third, NOW + timedelta(hours=20))
    after = made(Report.AGENCY_REGISTER, morning.school, NOW + timedelta(days=2))
    assert table(after, "By day") == table(book, "By day")
    before = made(Report.AGENCY_REGISTER, morning.school, NOW, TODAY - timedelta(days=1))
    assert table(before, "By day") == []


def sign_short(app: Flask, morning: Morning, visit: Visit, now: datetime = NOW) -> None:
    """Complete the short programme and sign it, which is all that a day's visitor is asked."""
    person = session.get_one(Person, visit.person_id)
    found = [item.assignment for item in governors.scope_of(morning.school, now).items]
    (place,) = [n for n, assignment in enumerate(found) if assignment.id == morning.short]
    if now == NOW:
        do_modules(person, found[place])
    sign(app, morning.school, person, item=place, now=now)


@contextmanager
def demo_school(settings: Settings) -> Iterator[Organisation]:
    app = create_app(settings)
    with app.app_context():
        migration.upgrade()
        with transaction():
            demo.make_school(7, model_policy(), app.config["LEDGER_KEY"], NOW)
        with transaction(write=False):
            yield only_school()
        db.session.remove()
        db.engine.dispose()


def test_no_name_of_the_demo_is_in_its_governors_pack_until_hr_asks_for_names(tmp_path: Any) -> None:
    with demo_school(Settings(data_dir=tmp_path / "data")) as school:
        everybody = session.execute(sa.select(Person.forename, Person.surname, Person.staff_no)).all()
        names = {word for row in everybody for word in row if word}
        said = set(" ".join(cells(made(Report.GOVERNORS_PACK, school))).replace(",", " ").split())
        assert not names & said
        assert names & set(" ".join(cells(made(Report.GOVERNORS_PACK, school, with_names=True))).split())
