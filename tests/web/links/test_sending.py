"""Personal links as HR sends, prints and looks after them."""

from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa
from flask import Flask

from lms.audit import Event
from lms.db import session, transaction
from lms.links import PersonalLink
from lms.mail import Message, MessageKind
from lms.people import EngagementType, Person, RoleName
from tests.client import StrictClient
from tests.conftest import Clock
from tests.counting import counted
from tests.factories import make_person, make_school
from tests.mail_server import MailServer, free_port
from tests.signers import sign
from tests.web.links.steps import codes_shown, deliver, letters, link_in, send
from tests.web.office import Office, cells


def test_the_second_address_must_be_another(hr: StrictClient, office: Office, sian: Person) -> None:
    send(hr, office, sian, second="SIAN@governors.test")
    assert "another address" in hr.text
    assert hr.page.xpath("//input[@name='second']/@value") == ["SIAN@governors.test"]
    send(hr, office, sian, second="nonsense")
    assert "Enter an e-mail address" in hr.text


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
    def asked() -> int:
        with counted(app) as sent:
            hr.get(f"{office.records}/links")
        return len(sent)

    send(hr, office, sian)
    few = asked()
    for _ in range(29):
        office.add(type=EngagementType.GOVERNOR)
    hr.get(f"{office.records}/links", query_string={"type": "governor"})
    hr.submit(button="Send by e-mail", who="everybody", how="email")
    assert asked() == few <= 8


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
