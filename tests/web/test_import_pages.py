"""Bringing a staff list in on the pages: from the file to what it did, and back."""

from __future__ import annotations

import io
from datetime import date
from typing import Any

import openpyxl
import pytest
from flask import Flask

from lms import jobs, worker
from lms.audit import Event
from lms.people import EngagementType
from lms.roster import imports
from tests.client import StrictClient
from tests.conftest import Clock
from tests.rosters.making import DATED, SMALL_LIST, csv_of
from tests.web.office import Office, cells


@pytest.fixture
def office(app: Flask, time: Clock) -> Office:
    made = Office(app)
    made.add(forename="Jane", surname="Smith", email="jane@school.test", department="Maths")
    made.add(forename="Tom", surname="Gone", email=None)
    made.add(forename="Sam", surname="Left", email=None, starts=date(2025, 1, 1), ends=date(2026, 8, 31))
    made.add(type=EngagementType.GOVERNOR, forename="Gov", surname="Ernor", email=None)
    made.add(forename="Jon", surname="Ng", email="ng@school.test")
    return made


@pytest.fixture
def hr(office: Office, client: StrictClient) -> StrictClient:
    client.sign_in_as(office.hr.id)
    return client


def upload(office: Office, hr: StrictClient, rows: list[tuple[Any, ...]]) -> None:
    hr.get(f"{office.records}/import")
    assert hr.submit(file=(io.BytesIO(csv_of(rows)), "staff.csv")).status_code == 200
    assert hr.heading == "Check the columns"


def box(hr: StrictClient, words: str) -> str:
    """The value of the box or radio whose label has these words."""
    label = hr.page.xpath(f"//label[contains(normalize-space(.), '{words}')]/@for")[0]
    return str(hr.page.xpath(f"//*[@id='{label}']/@value")[0])


def test_a_list_is_looked_at_decided_applied_and_undone(office: Office, hr: StrictClient) -> None:
    upload(office, hr, SMALL_LIST)
    assert "Head of Maths" in hr.text
    assert "Wizard" in hr.text
    hr.submit(means=["volunteer"])
    assert hr.heading == "Check before anything changes"
    assert "new@school.test" not in hr.address
    changes = zip(cells(hr, "What"), cells(hr, "Now"), cells(hr, "After"), strict=True)
    assert [("Department", "Maths", "Science") in [c] for c in changes].count(True) == 1
    assert "J8, Start Date" in hr.text
    assert "“31/02/2026” is not a day" in hr.text
    assert hr.page.xpath("//input[@name='left']/@checked") == [], "nobody is taken for a leaver"

    jon, tom = box(hr, "The same person: Jon Ng"), box(hr, "Tom Gone")
    refused = hr.submit(**{"same-7": jon, "left": tom, "last_day": ["1", "1", "2020"]})
    assert refused.status_code == 400
    assert "Somebody who is ticked began after that day" in hr.text
    assert hr.page.xpath(f"//input[@value='{tom}']/@checked"), "what was ticked comes back"
    hr.submit(**{"same-7": jon, "left": tom, "last_day": ["4", "9", "2026"]})
    assert hr.heading == "The staff list is in"
    counts = dict(zip(hr.page.xpath("//dt/text()"), hr.page.xpath("//dd/text()"), strict=True))
    assert counts == {
        "New": "2",
        "Changed": "2",
        "Unchanged": "1",
        "Left, as you ticked": "1",
        "Not brought in": "1",
    }
    (entry,) = office.audited(Event.ROSTER_APPLIED)
    assert (entry.actor_id, entry.details["new"], entry.details["ended"]) == (office.hr.id, 2, 1)

    book = hr.get(hr.page.xpath("//a[contains(., 'Download the rows')]/@href")[0])
    sheet = openpyxl.load_workbook(io.BytesIO(book.data)).active
    assert sheet is not None
    headings, row = sheet.iter_rows()
    assert [cell.value for cell in headings] == [*DATED, "Why it did not go in"]
    assert (row[1].value, row[1].data_type) == ("=Bad", "s")
    assert "J8 Start Date" in str(row[-1].value)

    upload(office, hr, SMALL_LIST)
    assert "What do these words mean?" not in hr.text, "the school's word is remembered"
    hr.submit()
    assert [int(n) for n in hr.page.xpath("//*[@class='app-tile__count']/text()")] == [0, 0, 5, 1]
    assert "Gov Ernor" in hr.text
    assert "likely leaves them out" in hr.text

    hr.get(f"{office.records}/import")
    hr.follow("staff.csv")
    hr.submit(button="Undo this import")
    assert hr.heading == "The import is undone"
    assert len(office.audited(Event.ROSTER_UNDONE)) == 1


def test_columns_are_corrected_by_hand_and_what_is_wrong_is_said(office: Office, hr: StrictClient) -> None:
    upload(office, hr, [("What", "Ever", "Else"), ("Jane", "Smith", "x"), ("New", "Person", "y")])
    assert hr.submit().status_code == 400
    assert "Choose the column for “Surname”" in hr.text
    twice = hr.submit(**{"column-0": "surname", "column-1": "surname"})
    assert twice.status_code == 400
    assert "Choose one column for “Surname”: you chose 2" in hr.text
    hr.submit(**{"column-0": "forename", "column-1": "surname", "otherwise": "volunteer"})
    assert "(the file doesn’t say)" in hr.text
    assert "Volunteer" in cells(hr, "Engagement type")[0]
    hr.get(f"{hr.address}/rows/new")
    assert hr.heading == "New (1)"
    upload(office, hr, [("What", "Ever"), ("Jane", "Smith")])
    assert hr.page.xpath("//select[@id='column-1']/option[@selected]/@value") == ["surname"]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "Choose the file"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "xlsx"),
        (b"PK\x03\x04junk", ""),
    ],
)
def test_a_file_that_is_no_list_is_refused_beside_the_field(
    office: Office, hr: StrictClient, content: bytes, sentence: str
) -> None:
    hr.get(f"{office.records}/import")
    sent = hr.submit(file=(io.BytesIO(content), "staff.csv" if content else ""))
    assert sent.status_code == 400
    assert sentence in hr.page.xpath("string(//*[@class='govuk-error-message'])")


def test_another_officers_change_meanwhile_sends_one_back_to_look(
    app: Flask, office: Office, hr: StrictClient
) -> None:
    upload(office, hr, SMALL_LIST[:5])
    hr.submit()
    office.add(forename="New", surname="Person", email=None)
    answer = hr.submit()
    assert answer.status_code == 409
    assert "The records changed since you looked" in hr.text
    hr.submit()
    assert hr.heading == "The staff list is in"
    other = app.test_client()
    assert isinstance(other, StrictClient)
    other.sign_in_as(office.add(forename="Una", surname="Teacher").id)
    assert other.get(hr.address).status_code in (403, 404)


def test_a_long_list_is_left_to_the_worker(
    app: Flask, office: Office, hr: StrictClient, time: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imports, "MOST_AT_ONCE", 4)
    upload(office, hr, SMALL_LIST)
    hr.submit(means=["volunteer"])
    assert "This is a long list" in hr.text
    tom = box(hr, "Tom Gone")
    hr.submit(left=tom)
    assert hr.heading == "Staff list staff.csv"
    folder = jobs.kept_files(app.config["SETTINGS"])
    with app.app_context():
        assert worker.do_next(
            jobs.KINDS, worker.Worker(lambda: time.now, folder, app.app_context, lambda: False)
        )
    hr.get(hr.address)
    assert "The staff list is in: 2 new, 1 changed" in hr.text
    hr.follow("the staff list")
    assert hr.heading == "The staff list is in"
    assert hr.page.xpath("//dd/text()")[3] == "1"
