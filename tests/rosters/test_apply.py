"""Applying and undoing a staff list, in the database."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from lms import jobs, work, worker
from lms.corrections import Correction
from lms.db import session, transaction
from lms.errors import ConflictError, NotFoundError
from lms.people import Engagement, Person, RoleName, give_role
from lms.roster import applying, imports, undo
from lms.roster.applying import ListChanged, Outcome
from lms.roster.changes import Choices
from lms.roster.file import read_table
from lms.roster.found import Rows
from lms.roster.imports import ImportState, RosterImport
from lms.roster.table import Table
from lms.schools import Organisation
from tests.conftest import NOW, Clock
from tests.counting import counted
from tests.factories import engagement_of, make_person, make_school
from tests.rosters.making import DATED, csv_of, messy_roster, xlsx_of

LATER = NOW + timedelta(hours=1)


def upload(school: Organisation, rows: Sequence[Sequence[Any]], by: Person | None = None) -> RosterImport:
    table = read_table(csv_of([DATED, *rows]), "staff.csv")
    return imports.keep(school.id, table, file_name="staff.csv", by=by.id if by else None, now=NOW)


def line(number: str, forename: str, surname: str, **more: str) -> tuple[str, ...]:
    said = dict(zip(DATED, (number, forename, surname), strict=False)) | {"Category": "Teacher"} | more
    return tuple(said.get(heading, "") for heading in DATED)


def rows_of(found: RosterImport, table: Table) -> Rows:
    return imports.rows_of(found, table, NOW.date())


def apply(found: RosterImport, school: Organisation, choices: Choices | None = None) -> Outcome:
    shown = applying.changes_of(found, school).fingerprint
    return applying.apply(
        found, school, choices or Choices(), fingerprint=shown, by=found.uploaded_by, now=LATER
    )


def on_record(school: Organisation) -> list[tuple[Any, ...]]:
    """Everybody as recorded now, without the ids of rows."""
    rows = session.execute(
        sa.select(Person.surname, Person.forename, Person.email, Person.staff_no, Person.sort_name)
        .add_columns(Engagement.type, Engagement.department, Engagement.manager_id, Engagement.starts)
        .add_columns(Engagement.ends)
        .join(Engagement, Engagement.person_id == Person.id)
        .where(Engagement.organisation_id == school.id, Engagement.recorded_to.is_(None))
        .order_by(Person.surname, Engagement.starts)
    )
    return [tuple(row) for row in rows]


@pytest.mark.usefixtures("in_app")
def test_a_list_goes_in_whole_and_is_undone_whole_and_earlier_reports_keep_what_they_said() -> None:
    with transaction():
        school = make_school()
        hr = make_person(school, forename="Meera", surname="Zane", role=RoleName.HR)
        jane = make_person(
            school, forename="Jane", surname="Smith", email="jane@school.test", department="Maths"
        )
        gone = make_person(school, forename="Tom", surname="Gone")
    with transaction():
        before = on_record(school)
        rows = [
            line("12", "Jane", "Smith", **{"Work Email": "jane@school.test", "Department": "Science"}),
            line("13", "New", "Person", **{"Line Manager": "12", "Start Date": "01/09/2026"}),
        ]
        found = upload(school, rows, hr)
        (ended,) = [a for a in applying.changes_of(found, school).absent if a.person.id == gone.id]
        choices = Choices(leavers=frozenset({ended.engagement.id}), last_day=date(2026, 9, 4))
        outcome = apply(found, school, choices)
        assert (outcome.changes.counts, outcome.ended) == ("1 new, 1 changed, 0 unchanged, 0 refused", 1)
        added = session.scalars(sa.select(Person).where(Person.staff_no == "13")).one()
        assert engagement_of(added).manager_id == jane.id
        assert engagement_of(added).recorded_by == hr.id
        assert engagement_of(gone).ends == date(2026, 9, 4)
        corrected = session.scalars(sa.select(Correction).where(Correction.person_id == jane.id)).one()
        assert (corrected.before, corrected.after, corrected.corrected_by) == (None, "12", hr.id)
    with transaction():
        again = upload(school, rows, hr)
        assert apply(again, school).changes.counts == "0 new, 0 changed, 2 unchanged, 0 refused"
    with transaction():
        assert undo.obstacles(found) == []
        undo.undo(found, by=hr.id, now=LATER + timedelta(hours=1))
        assert on_record(school) == before
        then = Engagement.recorded_at(LATER + timedelta(minutes=1))
        names = session.scalars(
            sa.select(Person.forename).join(Engagement, Engagement.person_id == Person.id).where(then)
        )
        assert "New" in set(names), "who was added is in the reports of the time between"
        with pytest.raises(ConflictError):
            undo.undo(found, by=hr.id, now=LATER)
        assert apply(upload(school, rows[1:], hr), school).changes.counts.startswith("1 new")
        assert session.scalar(sa.select(sa.func.count()).where(Person.staff_no == "13")) == 1


@pytest.mark.usefixtures("in_app")
def test_a_list_with_every_mess_goes_in_and_a_second_time_changes_nothing() -> None:
    messy = messy_roster(200)
    with transaction():
        school = make_school()
        hr = make_person(school, forename="Meera", surname="Zane")
        table = read_table(xlsx_of(messy.rows), "staff.xlsx")
        found = [
            imports.keep(school.id, table, file_name="staff.xlsx", by=by, now=NOW) for by in (None, hr.id)
        ]
        # A row that left before anybody was on record isn't new; nor is a bad one.
        left = sum(row.ends is not None and row.ends < NOW.date() for row in rows_of(found[0], table).good)
        first = applying.apply(found[0], school, Choices(), fingerprint=None, by=None, now=LATER).changes
        assert (len(first.new), len(first.refused)) == (messy.good - left, messy.bad + left)
        managed = sa.select(sa.func.count()).where(Engagement.manager_id.is_not(None))
        managers = [change.engagement_facts.get("manager_id") for change in first.new]
        assert session.scalar(managed) == sum(map(bool, managers)) > len(managers) / 2
        second = applying.changes_of(found[1], school)
        assert second.counts == f"0 new, 0 changed, {len(first.new)} unchanged, {len(first.refused)} refused"


@pytest.mark.usefixtures("in_app")
def test_an_import_is_not_undone_once_something_depends_on_it_and_it_says_what() -> None:
    with transaction():
        school = make_school()
        hr = make_person(school, forename="Meera", surname="Zane")
        jane = make_person(school, forename="Jane", surname="Smith")
        found = upload(school, [line("12", "Jane", "Smith"), line("13", "New", "Person")], hr)
        apply(found, school)
    with transaction():
        new = session.scalars(sa.select(Person).where(Person.staff_no == "13")).one()
        give_role(new, school.id, RoleName.MANAGER)
        roster_words = [(o.name, o.words) for o in undo.obstacles(found)]
        assert roster_words == [("New Person", "was given a role")]
        with pytest.raises(ConflictError, match="New Person was given a role"):
            undo.undo(found, by=hr.id, now=LATER)
    with transaction():
        later = upload(school, [line("14", "Jane", "Smith", **{"Department": "Art"})], hr)
        asked = applying.changes_of(later, school).questions
        apply(later, school, Choices({asked[0].row.line: jane.id}))
        session.execute(
            sa.update(Correction).where(Correction.after == "14").values(corrected_at=LATER + timedelta(1))
        )
        names = {o.name for o in undo.obstacles(found)}
        assert names == {"New Person", "Jane Smith"}


@pytest.mark.usefixtures("in_app")
def test_the_second_of_two_is_told_that_the_records_changed_and_nothing_of_theirs_is_kept() -> None:
    with transaction():
        school = make_school()
        first, second = (make_person(school, forename=name, surname="Hr") for name in ("Ann", "Ben"))
        rows = [line("12", "Jane", "Smith")]
        one, two = upload(school, rows, first), upload(school, rows, second)
        seen = applying.changes_of(two, school).fingerprint
        apply(one, school)
    with transaction():
        with pytest.raises(ListChanged):
            applying.apply(two, school, Choices(), fingerprint=seen, by=second.id, now=LATER)
        with pytest.raises(ConflictError, match="applied already"):
            applying.apply(one, school, Choices(), fingerprint=None, by=first.id, now=LATER)
        assert session.get_one(RosterImport, two.id).state is ImportState.OPEN
        assert session.scalar(sa.select(sa.func.count()).where(Person.staff_no == "12")) == 1


def test_a_long_list_is_applied_by_the_worker_in_as_many_statements_as_a_short_one(
    app: Flask, time: Clock
) -> None:
    with app.app_context(), transaction():
        school = make_school()
        hr = make_person(school, forename="Meera", surname="Zane")
    statements = []
    for count in (5, 60):
        rows = [line(str(n), "Jane", f"Adult{n}", **{"Department": f"Of {count}"}) for n in range(count)]
        with app.app_context(), transaction():
            found = upload(school, rows, hr)
            shown = applying.changes_of(found, school).fingerprint
            job = work.ask(
                "roster",
                title="Staff list",
                organisation_id=school.id,
                by=hr.id,
                now=NOW,
                roster_import=str(found.id),
                fingerprint=shown,
            )
        ours = jobs_worker(app, time)
        with counted(app) as sent, app.app_context():
            assert worker.do_next(jobs.KINDS, ours)
        statements.append(len(sent))
        with app.app_context(), transaction():
            done = work.find(school.id, job.id)
            assert done.state is work.JobState.DONE, done.words
            assert "refused" in done.words
            assert len(on_record(school)) == count + 1
    assert statements[1] <= statements[0] + 6


def jobs_worker(app: Flask, time: Clock) -> worker.Worker:
    folder = jobs.kept_files(app.config["SETTINGS"])
    return worker.Worker(lambda: time.now, folder, app.app_context, lambda: False)


@pytest.mark.usefixtures("in_app")
def test_a_file_is_kept_for_a_day_and_is_another_schools_business() -> None:
    with transaction():
        school, other = make_school(), make_school()
        hr = make_person(school)
        waiting = upload(school, [line("1", "Jane", "Smith")], hr)
        upload(school, [line("1", "Jane", "Smith")], hr)
        with pytest.raises(NotFoundError):
            imports.import_at(school.id, waiting.id)
        applied = upload(school, [line("1", "Jane", "Smith")])
        apply(applied, school)
        with pytest.raises(NotFoundError):
            imports.import_at(other.id, applied.id)
        imports.sweep(NOW + timedelta(days=1, seconds=1))
        session.expire_all()
        assert [i.id for i in session.scalars(sa.select(RosterImport))] == [applied.id]
        assert imports.table_of(applied) is None


@pytest.mark.usefixtures("in_app")
def test_no_list_leads_the_sign_in_links_of_somebody_with_powers_to_another_address() -> None:
    with transaction():
        school = make_school()
        hr = make_person(school, forename="Meera", surname="Zane", role=RoleName.HR)
        boss = make_person(
            school, forename="Ada", surname="Admin", email="ada@school.test", role=RoleName.ADMIN
        )
        jane = make_person(school, forename="Jane", surname="Smith", email="jane@school.test")
        boss.staff_no, jane.staff_no = "1", "2"
    with transaction():
        rows = [
            line("1", "Ada", "Admin", **{"Work Email": "meera.too@school.test"}),
            line("2", "Jane", "Smith", **{"Work Email": "jane.smith@school.test"}),
        ]
        outcome = apply(upload(school, rows, hr), school)
        kept, moved = session.get_one(Person, boss.id), session.get_one(Person, jane.id)
        assert (kept.email, kept.sign_in_epoch) == ("ada@school.test", 0)
        assert (moved.email, moved.sign_in_epoch) == ("jane.smith@school.test", 1)
        (said,) = [c.notes for c in outcome.changes.unchanged if c.person_id == boss.id]
        assert "stays as it is" in said[0]
