"""Requests for help, and what is another school's."""

from __future__ import annotations

import pytest
from flask import Flask

from lms.audit import Event
from lms.db import transaction
from tests.client import StrictClient
from tests.factories import make_assignment, make_policy, make_school
from tests.web.office import Office, ask_for_help

pytestmark = pytest.mark.usefixtures("time")


def test_a_request_for_help_stays_until_it_is_dealt_with(office: Office, hr: StrictClient) -> None:
    ask_for_help(office, office.add(forename="Daniel", surname="Adams"))
    hr.get(office.records)
    assert "Asked for help (1)" in hr.text
    assert "Daniel Adams: has a question" in hr.text
    hr.submit(button="Dealt with")
    assert "The request stays on the person’s page" in hr.text
    assert "Asked for help" not in hr.text
    (entry,) = office.audited(Event.HELP_ANSWERED)
    assert entry.actor_id == office.hr.id
    hr.follow("Daniel Adams")
    assert "Dealt with 7 September 2026, 9:30am." in hr.text


def test_a_request_dealt_with_twice_is_dealt_with_once(office: Office, hr: StrictClient) -> None:
    request_id = ask_for_help(office, office.add(surname="Adams"))
    hr.get(office.records)
    token = hr.page.xpath("string(//input[@name='csrf_token']/@value)")
    for _ in range(2):
        hr.post(
            f"{office.records}/requests/{request_id}/settle", data={"csrf_token": token, "back": "person"}
        )
    assert len(office.audited(Event.HELP_ANSWERED)) == 1


def test_another_schools_request_person_and_assignment_are_not_found(
    app: Flask, office: Office, hr: StrictClient
) -> None:
    elsewhere = Office.__new__(Office)
    elsewhere.app = app
    with app.app_context(), transaction():
        elsewhere.school = make_school()
        elsewhere.assignment = make_assignment(elsewhere.school, make_policy(elsewhere.school))
    person = elsewhere.add(surname="Elsewhere")
    request_id = ask_for_help(elsewhere, person)
    mine = office.add(surname="Mine")
    hr.get(f"{office.records}/exports")
    token = {"csrf_token": hr.page.xpath("string(//input[@name='csrf_token']/@value)")}
    assert hr.get(office.page_of(person)).status_code == 404
    assert hr.post(f"{office.records}/requests/{request_id}/settle", data=token).status_code == 404
    assert hr.get(f"{office.page_of(mine)}/not-required/{elsewhere.assignment.id}").status_code == 404
    assert hr.get(f"{office.page_of(person)}/not-required/{office.assignment.id}").status_code == 404
