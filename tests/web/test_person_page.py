"""A person's page: the whole history, and "not required"."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa
from flask import Flask
from werkzeug.test import TestResponse

from lms import training
from lms.audit import Event
from lms.db import session, transaction
from lms.people import EngagementType, Person, end_engagement, engage
from lms.training import Exemption
from tests.client import StrictClient
from tests.conftest import NOW
from tests.factories import engagement_of, make_assignment, make_policy
from tests.signers import decline, sign
from tests.web.office import Office, cells

pytestmark = pytest.mark.usefixtures("time")


def test_a_persons_page_tells_the_whole_history(app: Flask, office: Office, hr: StrictClient) -> None:
    manager = office.add(forename="Rhian", surname="Owen")
    person = office.add(forename="Samuel", surname="Adams", department="Art", manager=manager, known_as="Sam")
    office.do(decline, app, office.school, person, reason="My union is still\ndiscussing it.")
    signed = office.do(sign, app, office.school, person, now=NOW + timedelta(minutes=5))
    office.do(lambda: end_engagement(session.merge(engagement_of(person)), ends=date(2026, 12, 18), now=NOW))
    hr.get(office.page_of(person))
    assert hr.heading == "Samuel Adams"
    for words in (
        "Known as Sam.",
        "My union is still discussing it.",
        "Only HR and administrators see this reason.",
        "7 September 2026, 9:35am. Opened a one-use link sent to their own work e-mail.",
        "Rhian Owen",
        "18 December 2026",
        "How it was recorded before",
    ):
        assert words in hr.text
    links = hr.page.xpath("//ol//a/@href")
    assert links[1] == f"/receipts/{signed.id}"
    hr.get(links[1])
    assert hr.heading.startswith("Receipt") or "Samuel Adams" in hr.text


def test_two_things_of_one_title_are_told_apart(office: Office, hr: StrictClient) -> None:
    def add() -> None:
        make_assignment(
            office.school, make_policy(office.school, label="2"), audience=[EngagementType.TEACHER]
        )

    person = office.add(type=EngagementType.TEACHER)
    hr.get(office.page_of(person))
    assert titles_shown(hr) == ["Social media policy"]
    office.do(add)
    hr.get(office.page_of(person))
    assert "Social media policy (teacher)" in titles_shown(hr)
    assert len(set(titles_shown(hr))) == 2
    hr.follow("Say it is not required: Social media policy (teacher)")
    assert hr.heading.startswith("Say that Social media policy (teacher) is not required of")


def titles_shown(client: StrictClient) -> list[str]:
    return [" ".join(cell.text_content().split()) for cell in client.page.xpath("//tbody//th[@scope='row']")]


def test_a_leavers_page_stays(app: Flask, office: Office, hr: StrictClient) -> None:
    person = office.add(surname="Adams")
    office.do(sign, app, office.school, person)
    office.do(lambda: end_engagement(session.merge(engagement_of(person)), ends=date(2026, 9, 1), now=NOW))
    hr.get(office.page_of(person))
    assert "Priya Adams has left: the last day was 1 September 2026." in hr.text
    assert "(ended)" in hr.text
    assert cells(hr, "Status") == ["Signed"]
    office.do(make_again, office, person)
    hr.get(office.page_of(person))
    assert "has left" not in hr.text, "they came back"


def make_again(office: Office, person: Person) -> None:
    engage(session.merge(person), office.school.id, EngagementType.GOVERNOR, starts=date(2026, 9, 5), now=NOW)


def excuse(hr: StrictClient, office: Office, person: Person, **fields: Any) -> TestResponse:
    hr.get(f"{office.page_of(person)}/not-required/{office.assignment.id}")
    wanted = {"reason": "Maternity leave", "how_long": "until", "until": ["31", "12", "2026"], **fields}
    return hr.submit(button="Save", **wanted)


def test_not_required_is_recorded_shown_and_lifted(office: Office, hr: StrictClient) -> None:
    person = office.add(surname="Adams")
    excuse(hr, office, person)
    assert cells(hr, "Status") == ["Not required"]
    assert "Social media policy, until 31 December 2026" in hr.text
    assert "Maternity leave" in hr.text
    hr.follow("Change “not required”")
    hr.submit(button="Require it again")
    assert cells(hr, "Status") == ["Overdue"]
    assert "(ended 7 September 2026, 9:30am)" in hr.text
    for event in (Event.EXEMPTION_SAVED, Event.EXEMPTION_LIFTED):
        (entry,) = office.audited(event)
        assert (entry.subject_id, entry.details) == (person.id, {"assignment": str(office.assignment.id)})


def test_not_required_for_good_has_no_last_day(app: Flask, office: Office, hr: StrictClient) -> None:
    person = office.add(surname="Adams")
    excuse(hr, office, person, how_long="for-good")
    with app.app_context(), transaction(write=False):
        assert session.scalar(sa.select(Exemption.until)) is None
    assert ", for good" in hr.text


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"reason": "  "}, "Say why it is not required"),
        ({"reason": "x" * 501}, "no more than 500 characters"),
        ({"how_long": ""}, "Choose until when"),
        ({"until": ["", "", ""]}, "Enter the last day on which it is not required"),
        ({"until": ["6", "9", "2026"]}, "Enter today or a later day"),
        ({"until": ["32", "9", "2026"]}, "Enter a real day"),
    ],
)
def test_a_mistake_about_not_required_is_said_and_nothing_is_kept(
    office: Office, hr: StrictClient, fields: dict[str, Any], message: str
) -> None:
    response = excuse(hr, office, office.add(surname="Adams"), **fields)
    assert response.status_code == 400
    assert message in hr.text
    assert office.audited(Event.EXEMPTION_SAVED) == []
    assert "Worried about a child?" in hr.text


def test_what_isnt_asked_of_somebody_cant_be_called_not_required(office: Office, hr: StrictClient) -> None:
    office.do(lambda: training.withdraw(session.merge(office.assignment), NOW))
    person = office.add(surname="Adams")
    page = f"{office.page_of(person)}/not-required/{office.assignment.id}"
    assert hr.get(page).status_code == 404
    for_governors = office.do(
        lambda: make_assignment(
            office.school, make_policy(office.school, slug="b", label="2"), audience=[EngagementType.GOVERNOR]
        )
    )
    assert hr.get(f"{office.page_of(person)}/not-required/{for_governors.id}").status_code == 409
    assert "doesn’t have to sign that" in hr.text


def test_a_person_nobody_knows_is_not_found(office: Office, hr: StrictClient) -> None:
    assert hr.get(f"{office.records}/people/{uuid4()}").status_code == 404
