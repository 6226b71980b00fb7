"""An INSET day through the browser: the host's screen, the hall's phones, the printed list."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient

from lms import jobs
from lms.audit import Event
from lms.config import Settings
from lms.db import transaction
from lms.people import EngagementType, Person, RoleName
from tests.client import StrictClient
from tests.conftest import Clock
from tests.counting import queries
from tests.factories import make_person, make_school
from tests.mail_server import MailServer
from tests.signers import sign
from tests.web.office import Office


@pytest.fixture
def priya(office: Office) -> Person:
    return office.add(email="priya@school.test")


@pytest.fixture
def phone(app: Flask) -> StrictClient:
    made = app.test_client()
    assert isinstance(made, StrictClient)
    return made


def open_session(hr: StrictClient, office: Office) -> str:
    """Open a session as the host does, and return the path that the hall's QR code opens."""
    hr.get(f"/schools/{office.school.slug}/inset")
    hr.submit(title="INSET day, main hall", until="15:30")
    found = re.search(r"http://127\.0\.0\.1:8000(/inset/[0-9A-Z]{8})", hr.text)
    assert found is not None
    return found[1]


def counts(hr: StrictClient, host: str) -> dict[str, int]:
    found: dict[str, int] = hr.get(f"{host}/count").get_json()
    return found


def codes_for(hr: StrictClient, host: str) -> dict[str, str]:
    """Make a code for everybody, and return what is printed: codes by name."""
    hr.get(f"{host}/codes")
    hr.submit(button="Make the codes", who="everybody")
    strips = hr.page.xpath("//ul[@class='app-strips']/li")
    return {s.xpath("string(span[1])"): s.xpath("string(span[2])") for s in strips}


def link_sent(app: Flask, server: MailServer) -> str:
    settings: Settings = app.config["SETTINGS"]
    with app.app_context():
        jobs.deliver(settings.model_copy(update={"smtp_url": server.url}), demo=False)
    found = re.search(
        r"http://127\.0\.0\.1:8000(/sign-in/link/\S+)", server.arrived.get_nowait().get_content()
    )
    assert found is not None
    return found[1]


def test_somebody_joins_by_a_link_to_their_own_work_address(
    app: Flask, hr: StrictClient, office: Office, priya: Person, server: MailServer, phone: StrictClient
) -> None:
    path = open_session(hr, office)
    host = hr.address
    phone.get(path)
    phone.submit(button="Send me a link", email="priya@school.test", way="mail")
    assert "If we know that address" in phone.text
    phone.get(link_sent(app, server))
    phone.submit()
    assert "You are signed in as Priya Nair" in phone.text
    phone.submit(button="Join as", way="join")
    assert phone.address == "/"
    assert counts(hr, host) == {"joined": 1, "signed": 0, "not_yet": 1, "expected": 1}
    office.do(sign, app, office.school, priya)
    assert counts(hr, host) == {"joined": 1, "signed": 1, "not_yet": 0, "expected": 1}
    with phone.session_transaction() as cookie:
        assert cookie["assurance"] == "work_email"


def test_the_answer_is_the_same_for_an_address_we_dont_know(
    hr: StrictClient, office: Office, priya: Person, phone: StrictClient
) -> None:
    path = open_session(hr, office)
    phone.get(path)
    phone.submit(button="Send me a link", email="priya@school.test", way="mail")
    known = phone.page.text_content()
    phone.get(path)
    phone.submit(button="Send me a link", email="stranger@school.test", way="mail")
    assert phone.page.text_content() == known


def test_somebody_joins_by_their_code_from_the_hosts_list(
    hr: StrictClient, office: Office, phone: StrictClient, time: Clock
) -> None:
    office.add(forename="Gwen", surname="Bevan", email=None, type=EngagementType.VOLUNTEER)
    path = open_session(hr, office)
    host = hr.address
    code = codes_for(hr, host)["Gwen Bevan"]
    phone.get(path)
    phone.submit(button="Go on", code="2222-2222", way="code")
    assert "Nobody on the host’s list has this code" in phone.text
    phone.submit(button="Go on", code="22", way="code")
    assert "eight letters" in phone.text
    phone.submit(button="Go on", code=code.lower(), way="code")
    assert phone.heading == "You are Gwen Bevan, volunteer at Ysgol Môr"
    phone.submit(way="me")
    assert phone.address == "/"
    with phone.session_transaction() as cookie:
        assert cookie["assurance"] == "listed_code"
    assert counts(hr, host)["joined"] == 1
    hr.get(host)
    assert "Bevan" not in hr.text


def test_somebody_elses_code_is_told_to_hr_and_ends(
    hr: StrictClient, office: Office, priya: Person, phone: StrictClient
) -> None:
    path = open_session(hr, office)
    code = codes_for(hr, hr.address)["Priya Nair"]
    phone.get(path)
    phone.submit(button="Go on", code=code, way="code")
    phone.submit(button="This isn’t me", way="not-me")
    assert "HR has been told" in phone.text
    phone.submit(button="Go on", code=code, way="code")
    assert "Nobody on the host’s list" in phone.text
    hr.get(office.page_of(priya))
    assert "This isn’t me" in hr.text


def test_a_code_from_a_list_opens_no_role(hr: StrictClient, office: Office, phone: StrictClient) -> None:
    office.add(forename="Ada", surname="Admin", role=RoleName.ADMIN)
    path = open_session(hr, office)
    code = codes_for(hr, hr.address)["Ada Admin"]
    phone.get(path)
    phone.submit(button="Go on", code=code, way="code")
    phone.submit(way="me")
    assert phone.get("/admin").status_code == 403


def test_closing_ends_joining_and_not_sessions(
    hr: StrictClient, office: Office, priya: Person, phone: StrictClient
) -> None:
    path = open_session(hr, office)
    host = hr.address
    code = codes_for(hr, host)["Priya Nair"]
    phone.get(path)
    phone.submit(button="Go on", code=code, way="code")
    phone.submit(way="me")
    for _ in range(2):
        hr.get(host)
        if hr.page.xpath("//button[contains(., 'Close the session')]"):
            hr.submit(button="Close the session")
    assert "Nobody can join any more" in hr.text
    assert phone.get("/").status_code == 200
    assert phone.get(path).status_code == 410
    assert len(office.audited(Event.GATHERING_CLOSED)) == 1


def test_a_session_ends_by_itself_at_its_time(
    hr: StrictClient, office: Office, phone: StrictClient, time: Clock
) -> None:
    path = open_session(hr, office)
    time.now += timedelta(hours=6)
    assert phone.get(path).status_code == 410


@pytest.mark.parametrize(("until", "said"), [("", "15:30"), ("noon", ""), ("09:00", "later than now")])
def test_a_time_that_is_none_or_is_over_is_asked_for_again(
    hr: StrictClient, office: Office, until: str, said: str
) -> None:
    hr.get(f"/schools/{office.school.slug}/inset")
    response = hr.submit(title="INSET day", until=until)
    assert response.status_code == 400
    assert said in hr.text
    assert hr.page.xpath("//input[@name='title']/@value") == ["INSET day"]


def test_a_second_press_opens_one_session(hr: StrictClient, office: Office) -> None:
    hr.get(f"/schools/{office.school.slug}/inset")
    page, address = hr.page, hr.address
    for _ in range(2):
        hr.page, hr.address = page, address
        hr.submit(title="INSET day", until="15:30")
    assert len(office.audited(Event.GATHERING_OPENED)) == 1


def test_the_list_is_printed_once_and_a_second_press_prints_the_same(
    hr: StrictClient, office: Office, priya: Person
) -> None:
    open_session(hr, office)
    host = hr.address
    hr.get(f"{host}/codes")
    page, address = hr.page, hr.address
    texts = []
    for _ in range(2):
        hr.page, hr.address = page, address
        hr.submit(button="Make the codes", who="everybody")
        texts.append(hr.text)
    assert texts[0] == texts[1]
    hr.get(f"{host}/codes")
    assert "Has a code" in hr.text
    assert not re.search(r"[2-9A-Z]{4}-[2-9A-Z]{4}", hr.text)
    assert len(office.audited(Event.GATHERING_CODES_MADE)) == 1


def test_nobody_chosen_is_said(hr: StrictClient, office: Office, priya: Person) -> None:
    open_session(hr, office)
    hr.get(f"{hr.address}/codes")
    assert hr.submit(button="Make the codes").status_code == 400
    assert "Choose somebody" in hr.text


def test_another_schools_session_is_not_found(app: Flask, hr: StrictClient, office: Office) -> None:
    open_session(hr, office)
    gathering = hr.address.rpartition("/")[2]
    with app.app_context(), transaction():
        elsewhere = make_school()
        other = make_person(elsewhere, role=RoleName.HR)
    hr.sign_in_as(other.id)
    for part in ("", "/count", "/codes"):
        assert hr.get(f"/schools/{elsewhere.slug}/inset/{gathering}{part}").status_code == 404


def test_a_hall_of_150_from_one_address_all_get_in(
    app: Flask, hr: StrictClient, office: Office, time: Clock
) -> None:
    def hall() -> None:
        for number in range(150):
            make_person(office.school, surname=f"Hall{number:03}")

    office.do(hall)
    path = open_session(hr, office)
    host = hr.address
    codes = [code for name, code in codes_for(hr, host).items() if "Hall" in name]
    assert len(codes) == 150
    for code in codes:
        browser = FlaskClient(app, use_cookies=True)
        browser.environ_base["REMOTE_ADDR"] = "203.0.113.7"
        token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', browser.get(path).text)
        assert token is not None
        wrong = browser.post(path, data={"csrf_token": token[1], "way": "code", "code": "22222222"})
        assert wrong.status_code == 400
        assert (
            browser.post(path, data={"csrf_token": token[1], "way": "code", "code": code}).status_code == 303
        )
        assert browser.post(path, data={"csrf_token": token[1], "way": "me"}).status_code == 303
        time.now += timedelta(seconds=4)
    assert counts(hr, host)["joined"] == 150


def test_the_counts_cost_the_same_for_two_and_for_forty(
    app: Flask, hr: StrictClient, office: Office, priya: Person
) -> None:
    open_session(hr, office)
    host = hr.address
    codes_for(hr, host)
    few = queries(app, hr, f"{host}/count")
    for _ in range(38):
        office.add()
    codes_for(hr, host)
    assert counts(hr, host)["expected"] == 40
    assert queries(app, hr, f"{host}/count") == few <= 8


def test_new_codes_end_the_old_ones_for_whoever_has_just_typed_one_too(
    hr: StrictClient, office: Office, priya: Person, phone: StrictClient
) -> None:
    path = open_session(hr, office)
    host = hr.address
    phone.get(path)
    phone.submit(button="Go on", code=codes_for(hr, host)["Priya Nair"], way="code")
    assert phone.heading.startswith("You are Priya Nair")
    codes_for(hr, host)
    phone.submit(way="me")
    assert phone.get("/").status_code == 302
    assert counts(hr, host)["joined"] == 0
