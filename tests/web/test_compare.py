"""The gap's page: what it shows, that it keeps nothing of the list, and the workbook."""

from __future__ import annotations

import logging
from datetime import date
from io import BytesIO
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from openpyxl import load_workbook

from lms import training
from lms.audit import Event
from lms.db import db
from lms.gap import known_at
from lms.people import EngagementType, RoleName
from lms.tables import METADATA
from tests.client import StrictClient
from tests.conftest import Clock
from tests.counting import counted
from tests.web.office import Office

LISTED = "Surname\tForename\tStaff no\nQuillfeather\tZebedee\t77\nPritchard\tSiân\t\nNayr\tPriya\t"


@pytest.fixture
def comparing(office: Office, hr: StrictClient) -> StrictClient:
    """The page of a school with Siân, Priya and Bob, who is paid by nobody's policy."""
    office.add(forename="Siân", surname="Pritchard")
    office.add(forename="Priya", surname="Nair")
    office.add(forename="Gone", surname="Leaver", ends=date(2026, 9, 4))
    hr.get(f"{office.records}/compare")
    return hr


def rows(client: StrictClient, section: str) -> list[list[str]]:
    found = client.page.xpath(f"//section[@aria-labelledby='{section}']//tbody/tr")
    return [[" ".join(cell.text_content().split()) for cell in row.xpath("th | td")] for row in found]


def everything_kept(app: Flask) -> str:
    with app.app_context(), db.engine.connect() as connection:
        return repr([connection.execute(sa.select(table)).all() for table in METADATA.sorted_tables])


def test_three_lists_with_their_numbers_and_nothing_of_the_list_is_kept(
    app: Flask, office: Office, comparing: StrictClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    response = comparing.submit(names=LISTED)
    assert response.headers["Cache-Control"] == "no-store"
    assert "Zebedee" not in repr(response.headers)
    assert "3 lines on the list: 1 of them is on record here." in comparing.text
    assert rows(comparing, "not-here") == [
        ["Zebedee Quillfeather", "2", "77", "Nobody of that name"],
        ["Priya Nayr", "4", "—", "Perhaps Priya Nair, teacher"],
    ]
    assert [row[0] for row in rows(comparing, "not-listed")] == ["Priya Nair", "Meera Zane"]
    assert rows(comparing, "not-listed")[0][-1] == "Priya Nayr (line 4)"
    assert rows(comparing, "unassigned") == []
    (entry,) = office.audited(Event.LIST_COMPARED)
    assert entry.actor_id == office.hr.id
    assert entry.details == {
        "way": "page",
        "lines": 3,
        "not_here": 2,
        "not_listed": 2,
        "unassigned": 0,
    }
    with comparing.session_transaction() as cookie:
        kept = everything_kept(app) + caplog.text + repr(dict(cookie))
    assert "Zebedee" not in kept
    assert "Quillfeather" not in kept


def test_the_workbook_comes_of_the_same_list_without_it_having_been_kept(
    app: Flask, office: Office, comparing: StrictClient
) -> None:
    comparing.submit(names=LISTED + "\n=1+1\tEvil\t-9")
    response = comparing.submit(**{"as": "workbook"})
    assert response.headers["Cache-Control"] == "no-store"
    assert "gap-ysgol-mor-2026-09-07.xlsx" in response.headers["Content-Disposition"]
    book = load_workbook(BytesIO(response.data))
    assert book.sheetnames == ["On it and not here", "Here and not on it", "Nothing assigned", "About"]
    sheet = book["On it and not here"]
    assert [row[1] for row in sheet.iter_rows(min_row=2, values_only=True)] == [
        "Zebedee Quillfeather",
        "Priya Nayr",
        "Evil =1+1",
    ]
    assert not any(cell.data_type == "f" for row in sheet.iter_rows() for cell in row)
    assert [row[1] for row in book["Here and not on it"].iter_rows(min_row=2, values_only=True)] == [
        "Nair",
        "Zane",
    ]
    assert "Zebedee" not in everything_kept(app)
    assert [entry.details["way"] for entry in office.audited(Event.LIST_COMPARED)] == ["page", "workbook"]


def test_who_is_here_with_nothing_assigned_is_named(
    app: Flask, office: Office, comparing: StrictClient
) -> None:
    office.do(training.withdraw, office.assignment, office.assignment.recorded_from.replace(day=9))
    comparing.submit(names="Siân Pritchard")
    assert [row[0] for row in rows(comparing, "unassigned")] == ["Priya Nair", "Siân Pritchard", "Meera Zane"]


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ({}, "Paste a list, or choose a file"),
        ({"names": "Ann Lee", "file": (BytesIO(b"Name\nAnn Lee\n"), "a.csv")}, "not both"),
        ({"file": (BytesIO(b"%PDF-1.7"), "a.xlsx")}, "a PDF"),
        ({"file": (BytesIO(b"Post,Room\nHead,1\nCook,2\n"), "a.csv")}, "No column of names was found"),
        ({"names": "--\n"}, "There is nobody on this list"),
    ],
)
def test_what_is_no_list_is_refused_in_words(
    comparing: StrictClient, sent: dict[str, Any], said: str
) -> None:
    sent = {k: (BytesIO(v[0].getvalue()), v[1]) if isinstance(v, tuple) else v for k, v in sent.items()}
    response = comparing.submit(**sent)
    assert response.status_code == 400
    assert said in comparing.page.xpath("string(//*[contains(@class, 'govuk-error-summary')])")


def test_a_file_may_be_larger_than_other_forms(office: Office, comparing: StrictClient) -> None:
    content = "Name,Notes\n" + f"Siân Pritchard,{'x' * 20_000}\n" * 80
    token = comparing.page.xpath("string(//main//input[@name='csrf_token']/@value)")
    parts = (
        f'--b\r\nContent-Disposition: form-data; name="csrf_token"\r\n\r\n{token}\r\n'
        f'--b\r\nContent-Disposition: form-data; name="file"; filename="scr.csv"\r\n\r\n{content}\r\n--b--\r\n'
    )
    comparing.post(
        f"{office.records}/compare", data=parts.encode(), content_type="multipart/form-data; boundary=b"
    )
    assert "80 lines on the list: 80 of them are on record here." in comparing.text


def test_only_hr_compares(office: Office, client: StrictClient) -> None:
    for role in (RoleName.MANAGER, RoleName.RECEPTIONIST):
        client.sign_in_as(office.add(role=role).id)
        assert client.get(f"{office.records}/compare").status_code == 403


def test_as_many_queries_are_asked_for_many_people(app: Flask, office: Office, time: Clock) -> None:
    def asked() -> int:
        with counted(app) as sent:
            office.do(known_at, office.school.id, time.now)
        return len(sent)

    few = asked()
    for n in range(20):
        office.add(surname=f"N{n}", type=EngagementType.VOLUNTEER)
    assert asked() == few
