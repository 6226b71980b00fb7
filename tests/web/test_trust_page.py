"""The records of a trust: its schools side by side, the same numbers as each school's own page."""

from __future__ import annotations

from io import BytesIO
from typing import Any
from uuid import UUID, uuid4

import openpyxl
import pytest
from flask import Flask

from lms import jobs, long_exports, worker
from lms.audit import Event
from lms.db import session, transaction
from lms.people import EngagementType, RoleName, add_person, give_role
from lms.schools import Kind, Organisation, add_school
from lms.worker import Worker
from tests.client import StrictClient
from tests.conftest import NOW, Clock
from tests.counting import queries
from tests.factories import BEFORE, make_assignment, make_person, make_policy
from tests.signers import decline, sign
from tests.web.office import tiles

pytestmark = pytest.mark.usefixtures("time")


@pytest.fixture
def trust(app: Flask) -> Organisation:
    with app.app_context(), transaction():
        found = Organisation(
            id=uuid4(), kind=Kind.TRUST, slug="moor", name="Moor Trust", ledger_origin="t/moor", contacts={}
        )
        session.add(found)
        session.flush()
        for number in range(3):
            add(app, found, number)
        return found


def add(app: Flask, trust: Organisation, number: int) -> None:
    """Add a school with a policy, and five adults: signed, declined, overdue, excused by their type, not begun."""
    school = add_school(f"School {number}", host="countersign.test", parent=trust)
    school.contacts = {"safeguarding_lead": "Siân Pritchard"}
    teachers = [type_ for type_ in EngagementType if type_ is not EngagementType.VOLUNTEER]
    make_assignment(school, make_policy(school), audience=teachers, due_days=3 + 30 * (number == 2))
    sign(app, school, make_person(school, surname="Signed", now=BEFORE))
    decline(app, school, make_person(school, surname="Declined"), reason="Not yet")
    make_person(school, surname="Waiting")
    make_person(school, EngagementType.VOLUNTEER, surname="Asked-nothing")


@pytest.fixture
def hr(app: Flask, client: StrictClient, trust: Organisation) -> StrictClient:
    with app.app_context(), transaction():
        officer = add_person(trust.id, forename="Meera", surname="Zane")
        give_role(officer, trust.id, RoleName.HR)
    client.sign_in_as(officer.id)
    return client


def table(client: StrictClient) -> dict[str, dict[str, str]]:
    """Return the figures by school."""
    return {
        row.xpath("string(th)").strip(): {
            cell.get("data-label"): cell.text_content().strip() for cell in row.xpath("td")
        }
        for row in client.page.xpath("//table[@role='table']/tbody/tr")
    }


def test_every_school_has_a_line_with_the_numbers_of_its_own_page(hr: StrictClient) -> None:
    hr.get("/trusts/moor/records")
    found = table(hr)
    assert list(found) == ["School 0", "School 1", "School 2", "All schools"]
    assert found["School 0"] == {
        **{"Adults": "4", "To sign": "3", "Signed": "1", "Overdue": "1"},
        **{"Not started": "0", "Declined": "1", "% signed": "33%"},
    }
    assert (found["All schools"]["Adults"], found["All schools"]["Signed"]) == ("12", "3")
    for name in ("School 0", "School 2"):
        hr.get("/trusts/moor/records")
        hr.follow(name)
        own = tiles(hr)
        assert {word: found[name][word] for word in ("Signed", "Overdue", "Not started")} == {
            word: own[word] for word in ("Signed", "Overdue", "Not started")
        }


def test_the_page_takes_as_many_queries_for_more_schools_and_no_more_than_ten(
    app: Flask, hr: StrictClient, trust: Organisation
) -> None:
    few = queries(app, hr, "/trusts/moor/records")
    with app.app_context(), transaction():
        for number in range(3, 8):
            add(app, session.get_one(Organisation, trust.id), number)
    assert queries(app, hr, "/trusts/moor/records") == few <= 10


def test_a_past_day_shows_what_was_on_record_then_and_an_unreal_one_is_refused(hr: StrictClient) -> None:
    hr.get("/trusts/moor/records?as_at=2026-09-06")
    assert table(hr)["School 0"]["Signed"] == "0"
    hr.get("/trusts/moor/records?as_at=2026-01-01")
    assert "Nothing was assigned by then" in hr.text
    response = hr.get("/trusts/moor/records?as_at=31.2.x")
    assert response.status_code == 400


def test_the_trusts_pack_has_all_its_schools_and_names_nobody_unless_asked(
    app: Flask, hr: StrictClient, trust: Organisation
) -> None:
    hr.get("/trusts/moor/records")
    plain = book(hr.submit(button="Make the pack"))
    assert [row[0].value for row in plain["By school"].iter_rows(min_row=6, max_row=9)] == [
        *("School 0", "School 1", "School 2"),
        "Total",
    ]
    assert not any("Waiting" in text for text in texts(plain))
    hr.get("/trusts/moor/records")
    named = book(hr.submit(button="Make the pack", with_names="y"))
    assert [row[0].value for row in named["Appendix, names"].iter_rows(min_row=2)].count("Waiting") == 2
    with app.app_context(), transaction():
        from lms.audit import AuditEntry

        noted = session.query(AuditEntry).filter_by(event=Event.EXPORTED).all()
        assert {entry.organisation_id for entry in noted} == {trust.id}


def test_the_pack_of_many_adults_is_left_to_the_worker_and_found_again_on_the_trusts_page(
    app: Flask, hr: StrictClient, time: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    hr.get("/trusts/moor/records")
    at_once = texts(book(hr.submit(button="Make the pack", with_names="y")))
    monkeypatch.setattr(long_exports, "MOST_AT_ONCE", 11)
    hr.get("/trusts/moor/records")
    hr.submit(button="Make the pack", with_names="y")
    assert hr.heading == "Governors’ pack, Excel workbook"
    assert "Waiting to begin" in hr.text
    ours = Worker(lambda: time.now, jobs.kept_files(app.config["SETTINGS"]), app.app_context, lambda: False)
    with app.app_context():
        assert worker.do_next(jobs.KINDS, ours)
    hr.follow("All schools")
    assert "Done, to be fetched" in hr.text
    hr.follow("Governors’ pack, Excel workbook, asked for on 7 September 2026, 9:30am")
    work = hr.address
    assert texts(book(hr.submit(button="Download the file"))) == at_once
    hr.sign_in_as(local_officer(app))
    assert hr.get(work).status_code == 404


def test_hr_of_one_school_is_not_shown_the_trust(
    app: Flask, client: StrictClient, trust: Organisation
) -> None:
    client.sign_in_as(local_officer(app))
    client.get("/schools/school-0/records")
    assert "All schools" not in client.text
    assert client.get("/trusts/moor/records").status_code == 404
    assert client.get("/trusts/school-0/records").status_code == 404


def local_officer(app: Flask) -> UUID:
    """Add somebody in HR of one of the schools; return their id."""
    with app.app_context(), transaction():
        school = session.query(Organisation).filter_by(slug="school-0").one()
        return make_person(school, surname="Local", role=RoleName.HR, now=NOW).id


def book(response: Any) -> openpyxl.Workbook:
    assert response.status_code == 200
    found = openpyxl.load_workbook(BytesIO(response.data))
    response.close()
    return found


def texts(found: openpyxl.Workbook) -> list[str]:
    return [str(cell.value) for sheet in found for row in sheet.iter_rows() for cell in row if cell.value]
