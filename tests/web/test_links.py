"""Personal links through the browser: HR sends and prints them, their owners open them with a code."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from lms import jobs
from lms.attestations import Attestation, IdentityAssurance
from lms.audit import Event
from lms.config import Settings
from lms.db import session, transaction
from lms.help_requests import HelpKind, HelpRequest
from lms.links import PersonalLink
from lms.mail import Message, MessageKind
from lms.people import EngagementType, Person, RoleName, end_engagement, give_role
from tests.client import StrictClient
from tests.conftest import Clock
from tests.counting import queries
from tests.factories import engagement_of, make_person, make_school
from tests.mail_server import MailServer, free_port, running
from tests.signers import sign
from tests.web.office import Office, cells


@pytest.fixture
def server() -> Iterator[MailServer]:
    with running() as made:
        yield made


@pytest.fixture
def sian(office: Office) -> Person:
    return office.add(
        type=EngagementType.GOVERNOR, forename="Siân", surname="Llŷr", email="sian@governors.test"
    )


@pytest.fixture
def phone(app: Flask) -> StrictClient:
    made = app.test_client()
    assert isinstance(made, StrictClient)
    return made


def deliver(app: Flask, url: str) -> None:
    settings: Settings = app.config["SETTINGS"]
    with app.app_context():
        jobs.deliver(settings.model_copy(update={"smtp_url": url}), demo=False)


def letters(server: MailServer) -> dict[str, str]:
    """Return what arrived since the last look, by address."""
    found = [server.arrived.get_nowait() for _ in range(server.arrived.qsize())]
    return {str(one["To"]): one.get_content() for one in found}


def link_in(text: str) -> str:
    found = re.search(r"http://127\.0\.0\.1:8000(/link/\S+)", text)
    assert found is not None
    return found[1]


def codes_shown(client: StrictClient) -> list[str]:
    return [code.text_content().strip() for code in client.page.xpath("//dd")]


def send(client: StrictClient, office: Office, person: Person, how: str = "email", **more: Any) -> str:
    """Send or print one person's link as HR does, and return the code that is shown."""
    client.get(f"{office.records}/links", query_string={"person": str(person.id)})
    client.submit(button="Send by e-mail", how=how, **more)
    return next(iter(codes_shown(client)), "")


def test_a_governor_opens_her_link_gives_the_code_and_signs(
    app: Flask, hr: StrictClient, office: Office, sian: Person, server: MailServer, phone: StrictClient
) -> None:
    code = send(hr, office, sian)
    deliver(app, server.url)
    text = letters(server)["sian@governors.test"]
    assert code not in text
    phone.get(link_in(text))
    assert "Siân" not in phone.text
    phone.submit(code=code.lower().replace("-", " "))
    assert phone.heading == "You are Siân Llŷr, governor at Ysgol Môr"
    phone.submit(answer="me")
    assert phone.address == "/"
    phone.get(f"/sign/{office.assignment.id}")
    phone.submit(typed_name="Siân Llŷr", statement="y")
    with app.app_context(), transaction(write=False):
        signed = session.scalars(sa.select(Attestation)).one()
        assert signed.identity_assurance is IdentityAssurance.LINK_AND_HANDED_CODE
    assert "gave the code that the school handed over" in phone.text
    phone.get(link_in(text))
    assert phone.heading == "Nothing left to sign"
    hr.get(f"{office.records}/links")
    assert cells(hr, "Status") == ["Signed"]


def test_opening_a_link_spends_nothing_and_it_works_again_with_the_same_code(
    app: Flask, hr: StrictClient, office: Office, sian: Person, server: MailServer, time: Clock
) -> None:
    code = send(hr, office, sian)
    deliver(app, server.url)
    path = link_in(letters(server)["sian@governors.test"])
    for day in (0, 3, 13):
        time.now += timedelta(days=day - (time.now.day - 7))
        phone = app.test_client()
        assert isinstance(phone, StrictClient)
        phone.get(path)
        phone.get(path)
        phone.submit(code=code)
        assert "Siân Llŷr" in phone.heading


def test_the_code_goes_to_a_second_address_only_where_hr_typed_one(
    app: Flask, hr: StrictClient, office: Office, sian: Person, server: MailServer, phone: StrictClient
) -> None:
    assert send(hr, office, sian, second="Sian@home.test") == ""
    deliver(app, server.url)
    arrived = letters(server)
    assert set(arrived) == {"sian@governors.test", "sian@home.test"}
    code = re.search(r"\b([2-9A-Z]{3}-[2-9A-Z]{3})\b", arrived["sian@home.test"])
    assert code is not None
    assert "/link/" not in arrived["sian@home.test"]
    phone.get(link_in(arrived["sian@governors.test"]))
    phone.submit(code=code[1])
    phone.submit(answer="me")
    with phone.session_transaction() as cookie:
        assert cookie["assurance"] == "link_and_sent_code"


def test_the_second_address_must_be_another(hr: StrictClient, office: Office, sian: Person) -> None:
    send(hr, office, sian, second="SIAN@governors.test")
    assert "another address" in hr.text
    assert hr.page.xpath("//input[@name='second']/@value") == ["SIAN@governors.test"]
    send(hr, office, sian, second="nonsense")
    assert "Enter an e-mail address" in hr.text


def test_five_wrong_codes_lock_the_link_and_tell_hr(
    app: Flask, hr: StrictClient, office: Office, sian: Person, server: MailServer, phone: StrictClient
) -> None:
    code = send(hr, office, sian)
    deliver(app, server.url)
    path = link_in(letters(server)["sian@governors.test"])
    phone.get(path)
    phone.submit(code="K0QM2X")
    assert "never has 0" in phone.text
    for left in (4, 3, 2, 1):
        phone.submit(code="222222")
        assert f"you have {left} tr" in phone.text
    assert phone.submit(code="222222").status_code == 410
    phone.get(path)
    assert "locked" in phone.text
    assert not phone.page.xpath("//main//form")
    deliver(app, server.url)
    (told,) = letters(server).values()
    assert "Siân Llŷr" in told
    assert len(office.audited(Event.LINK_LOCKED)) == 1
    hr.get(f"{office.records}/links")
    assert cells(hr, "Status") == ["Locked"]
    assert code not in hr.text


def test_this_isnt_me_ends_the_link_and_tells_hr(
    app: Flask, hr: StrictClient, office: Office, sian: Person, server: MailServer, phone: StrictClient
) -> None:
    code = send(hr, office, sian)
    deliver(app, server.url)
    path = link_in(letters(server)["sian@governors.test"])
    phone.get(path)
    phone.submit(code=code)
    phone.submit(answer="not-me")
    assert "HR has been told" in phone.text
    assert phone.get("/").status_code == 302
    assert phone.get(path).status_code == 410
    with app.app_context(), transaction(write=False):
        assert session.scalars(sa.select(HelpRequest)).one().kind is HelpKind.NOT_ME
    deliver(app, server.url)
    assert "This isn’t me" in "".join(letters(server).values())


def test_sending_again_kills_the_old_link_and_code(
    app: Flask, hr: StrictClient, office: Office, sian: Person, server: MailServer, phone: StrictClient
) -> None:
    first = send(hr, office, sian)
    deliver(app, server.url)
    old = link_in(letters(server)["sian@governors.test"])
    hr.get(f"{office.records}/links")
    hr.submit(button="Send again")
    (second,) = codes_shown(hr)
    deliver(app, server.url)
    new = link_in(letters(server)["sian@governors.test"])
    assert phone.get(old).status_code == 410
    phone.get(new)
    assert phone.submit(code=first).status_code == 400
    phone.submit(code=second)
    assert "Siân" in phone.heading


def test_revoking_ends_the_link_and_the_open_session_at_once(
    app: Flask, hr: StrictClient, office: Office, sian: Person, server: MailServer, phone: StrictClient
) -> None:
    code = send(hr, office, sian)
    deliver(app, server.url)
    path = link_in(letters(server)["sian@governors.test"])
    phone.get(path)
    phone.submit(code=code)
    phone.submit(answer="me")
    assert phone.get("/").status_code == 200
    hr.get(f"{office.records}/links")
    hr.submit(button="Revoke")
    assert "Revoked" in hr.text
    assert phone.get("/").status_code == 302
    assert phone.get(path).status_code == 410
    assert len(office.audited(Event.LINK_REVOKED)) == 1


def test_a_link_revoked_before_it_left_is_not_sent(
    app: Flask, hr: StrictClient, office: Office, sian: Person, server: MailServer
) -> None:
    send(hr, office, sian)
    hr.get(f"{office.records}/links")
    assert cells(hr, "Status") == ["Queued"]
    hr.submit(button="Revoke")
    deliver(app, server.url)
    assert letters(server) == {}


def test_no_mail_server_is_shown_and_the_link_leaves_when_it_is_back(
    app: Flask, hr: StrictClient, office: Office, sian: Person, server: MailServer, time: Clock
) -> None:
    send(hr, office, sian)
    deliver(app, f"smtp://127.0.0.1:{free_port()}")
    hr.get(f"{office.records}/links")
    assert cells(hr, "Status") == ["Queued"]
    assert "the mail server could not be used" in hr.text
    time.now += timedelta(minutes=1)
    deliver(app, server.url)
    hr.get(f"{office.records}/links")
    assert cells(hr, "Status") == ["Sent"]


def test_a_refused_address_is_shown_as_failed(
    app: Flask, hr: StrictClient, office: Office, sian: Person, server: MailServer
) -> None:
    send(hr, office, sian)
    server.answers.append("550 no such mailbox")
    deliver(app, server.url)
    hr.get(f"{office.records}/links")
    assert cells(hr, "Status") == ["Failed"]
    assert "550 no such mailbox" in hr.text


def test_a_second_press_sends_one_message_and_shows_the_same_code(
    app: Flask, hr: StrictClient, office: Office, sian: Person
) -> None:
    hr.get(f"{office.records}/links", query_string={"person": str(sian.id)})
    page = hr.page
    hr.submit(button="Send by e-mail", how="email")
    once = codes_shown(hr)
    hr.page = page
    hr.submit(button="Send by e-mail", how="email")
    assert codes_shown(hr) == once
    with app.app_context(), transaction(write=False):
        assert session.query(Message).count() == 1
        assert len(session.scalars(sa.select(PersonalLink)).all()) == 1
    assert len(office.audited(Event.LINK_MADE)) == 1


def test_everybody_of_a_filter_gets_a_link_even_at_a_shared_address(
    app: Flask, hr: StrictClient, office: Office, sian: Person, server: MailServer
) -> None:
    office.add(type=EngagementType.GOVERNOR, surname="Bevan", email="sian@governors.test")
    office.add(type=EngagementType.GOVERNOR, surname="Owen", email=None)
    office.add(type=EngagementType.VOLUNTEER, surname="Price")
    hr.get(f"{office.records}/links", query_string={"type": "governor"})
    hr.submit(button="Send by e-mail", who="everybody", how="email")
    assert len(set(codes_shown(hr))) == 2
    assert "Owen" in hr.text
    deliver(app, server.url)
    assert server.recipients == ["sian@governors.test"] * 2


def test_a_letter_has_the_link_and_not_the_code(
    hr: StrictClient, office: Office, sian: Person, phone: StrictClient
) -> None:
    code = send(hr, office, sian, how="letter")
    (article,) = hr.page.xpath("//article")
    assert article.xpath(".//*[local-name()='svg']")
    assert code not in article.text_content()
    phone.get(link_in(article.text_content()))
    phone.submit(code=code)
    assert "Siân" in phone.heading
    hr.get(f"{office.records}/links")
    assert cells(hr, "Status") == ["Printed"]


def test_who_signed_meanwhile_and_other_schools_people_get_none(
    app: Flask, hr: StrictClient, office: Office, sian: Person
) -> None:
    stranger = office.do(lambda: make_person(make_school()))
    hr.get(f"{office.records}/links")
    office.do(sign, app, office.school, sian)
    response = hr.submit(
        button="Send by e-mail", who="ticked", person=[str(sian.id), str(stranger.id)], how="email"
    )
    assert response.status_code == 400
    assert "Choose somebody" in hr.text


def test_another_schools_link_is_not_found(
    app: Flask, hr: StrictClient, office: Office, sian: Person
) -> None:
    send(hr, office, sian)
    with app.app_context(), transaction():
        elsewhere = make_school()
        other = make_person(elsewhere, role=RoleName.HR)
        link = session.scalars(sa.select(PersonalLink)).one()
    client = app.test_client()
    assert isinstance(client, StrictClient)
    client.sign_in_as(other.id)
    client.get(f"/schools/{elsewhere.slug}/records/links")
    token = client.page.xpath("string(//input[@name='csrf_token']/@value)")
    for way in ("resend", "letter", "revoke"):
        path = f"/schools/{elsewhere.slug}/records/links/{link.id}/{way}"
        assert client.post(path, data={"csrf_token": token, "press": "a" * 43}).status_code == 404


def test_a_leaver_is_refused_in_words(
    hr: StrictClient, office: Office, sian: Person, phone: StrictClient, time: Clock
) -> None:
    send(hr, office, sian, how="letter")
    path = link_in(hr.page.xpath("string(//article)"))
    office.do(
        lambda: end_engagement(engagement_of(sian), ends=time.now.date() - timedelta(days=1), now=time.now)
    )
    assert phone.get(path).status_code == 410
    assert "no longer work there" in phone.text


def test_a_link_opens_no_role_that_its_person_has(
    hr: StrictClient, office: Office, phone: StrictClient
) -> None:
    admin = office.add(forename="Ada", surname="Admin", role=RoleName.ADMIN)
    office.do(lambda: give_role(admin, office.school.id, RoleName.HR))
    code = send(hr, office, admin, how="letter")
    phone.get(link_in(hr.page.xpath("string(//article)")))
    phone.submit(code=code)
    phone.submit(answer="me")
    assert phone.get(office.records).status_code == 404
    assert phone.get("/admin").status_code == 403


def test_before_anything_is_assigned_and_when_all_have_signed_the_page_says_so(
    app: Flask, hr: StrictClient, office: Office
) -> None:
    office.do(sign, app, office.school, office.hr)
    hr.get(f"{office.records}/links")
    assert "Everybody has signed" in hr.text
    with app.app_context(), transaction():
        empty = make_school()
        somebody = make_person(empty, role=RoleName.HR)
    hr.sign_in_as(somebody.id)
    hr.get(f"/schools/{empty.slug}/records/links")
    assert "Nothing is assigned yet" in hr.text
    assert "No links yet" in hr.text


def test_the_page_asks_the_same_number_of_questions_for_one_and_for_thirty(
    app: Flask, hr: StrictClient, office: Office, sian: Person
) -> None:
    send(hr, office, sian)
    few = queries(app, hr, f"{office.records}/links")
    for _ in range(29):
        office.add(type=EngagementType.GOVERNOR)
    hr.get(f"{office.records}/links", query_string={"type": "governor"})
    hr.submit(button="Send by e-mail", who="everybody", how="email")
    assert queries(app, hr, f"{office.records}/links") == few <= 8


def test_no_secret_or_code_is_in_the_outbox(
    app: Flask, hr: StrictClient, office: Office, sian: Person
) -> None:
    send(hr, office, sian, second="sian@home.test")
    with app.app_context(), transaction(write=False):
        messages = session.scalars(sa.select(Message)).all()
        assert {m.kind for m in messages} == {MessageKind.PERSONAL_LINK, MessageKind.LINK_CODE}
        assert all(set(m.payload) == {"link", "made", "until"} for m in messages)
        link = session.scalars(sa.select(PersonalLink)).one()
        assert (link.hash, link.code_hash) == (None, None)


def test_a_letter_that_a_newer_one_overtook_is_not_sent(
    app: Flask, hr: StrictClient, office: Office, sian: Person, server: MailServer, phone: StrictClient
) -> None:
    send(hr, office, sian, second="sian@home.test")
    code = send(hr, office, sian)
    deliver(app, server.url)
    assert server.recipients == ["sian@governors.test"]
    phone.get(link_in(letters(server)["sian@governors.test"]))
    phone.submit(code=code)
    assert "Siân" in phone.heading
