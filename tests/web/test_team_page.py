"""A manager's page: done or not done, and nothing else."""

from __future__ import annotations

import pytest
from flask import Flask

from lms import training
from lms.db import session
from lms.people import RoleName, give_role
from tests.client import StrictClient
from tests.conftest import NOW
from tests.signers import decline, sign
from tests.web.office import Office, cells, people_shown

pytestmark = pytest.mark.usefixtures("time")


@pytest.fixture
def manager(app: Flask, office: Office) -> StrictClient:
    """The browser of the head of mathematics."""
    person = office.add(forename="Rhian", surname="Owen", role=RoleName.MANAGER)
    mine = office.add(forename="Mine", surname="Adams", manager=person, department="Maths")
    also = office.add(forename="Also", surname="Baker", manager=person)
    excused = office.add(forename="Excused", surname="Cole", manager=person)
    office.add(forename="Not", surname="Mine")
    office.do(sign, app, office.school, mine)
    office.do(decline, app, office.school, also, reason="Secret")
    office.do(lambda: training.exempt(office.assignment, excused.id, reason="Ill", until=None, now=NOW))
    client = app.test_client()
    assert isinstance(client, StrictClient)
    client.sign_in_as(person.id)
    return client


def test_a_manager_sees_done_or_not_done_of_their_own_team_and_nothing_else(
    office: Office, manager: StrictClient
) -> None:
    manager.get(office.records)
    assert people_shown(manager) == ["Mine Adams", "Also Baker"]
    assert cells(manager, "Status") == ["Done", "Not done"]
    assert "1 of 2 done." in manager.text
    page = manager.page.text_content().lower()
    for word in ("declined", "overdue", "secret", "not required", "september", "export"):
        assert word not in page
    assert manager.page.xpath("//table//a") == []


def test_a_manager_filters_their_team(office: Office, manager: StrictClient) -> None:
    manager.get(office.records)
    manager.submit(button="Filter", done="no")
    assert people_shown(manager) == ["Also Baker"]
    manager.submit(button="Filter", done="yes", name="baker")
    assert "Nobody matches these filters." in manager.text


def test_a_manager_opens_nobodys_page_and_exports_nothing(office: Office, manager: StrictClient) -> None:
    for address in (office.page_of(office.hr), f"{office.records}/exports", f"{office.records}/assignments"):
        assert manager.get(address).status_code == 403


def test_hr_who_also_manages_sees_everybody(office: Office, hr: StrictClient) -> None:
    office.do(lambda: give_role(session.merge(office.hr), office.school.id, RoleName.MANAGER))
    hr.get(office.records)
    assert hr.heading == "Staff records"
