"""Letters leave by a real mail server, or it is written down why not."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
from flask import Flask

from lms import jobs, mail, smtp
from lms.config import Settings
from lms.db import session, transaction
from lms.mail import Message, MessageKind, MessageState
from lms.people import Person
from lms.schools import Organisation
from lms.smtp import Letter
from tests.conftest import NOW, Clock
from tests.factories import make_person, make_school
from tests.mail_server import MailServer, free_port, running

pytestmark = pytest.mark.usefixtures("in_app", "time")


@pytest.fixture
def school() -> Organisation:
    with transaction():
        made = make_school("Ysgol Môr")
        made.contacts = {"hr_contact": "Bethan Lloyd, extension 12"}
    return made


@pytest.fixture
def person(school: Organisation) -> Person:
    with transaction():
        return make_person(school, forename="Siân", surname="Llŷr", email="sian@school.test")


def queue(person: Person, kind: MessageKind = MessageKind.SIGN_IN_LINK, /, **payload: str) -> Message:
    with transaction():
        assert person.email is not None
        identity = mail.queue(
            kind,
            organisation_id=person.root_id,
            address=person.email,
            now=NOW,
            person_id=person.id,
            **payload,
        )
        return session.get_one(Message, identity)


def deliver(
    app: Flask, url: str | None, *, demo: bool = False, mail_from: str = "Countersign <it@school.test>"
) -> None:
    session.rollback()  # end what a look at a row began
    settings: Settings = app.config["SETTINGS"]
    jobs.deliver(settings.model_copy(update={"smtp_url": url, "mail_from": mail_from}), demo=demo)


def test_a_sign_in_link_arrives_with_the_schools_name_and_its_accents(
    app: Flask, server: MailServer, person: Person
) -> None:
    message = queue(person, next="/policies/social-media?a=1&b=2")
    deliver(app, server.url)
    email = server.arrived.get(timeout=5)
    assert message.state is MessageState.SENT
    assert email["To"] == "sian@school.test"
    assert email["From"] == "Countersign <it@school.test>"
    assert email["Subject"] == "Your link to sign in for Ysgol Môr"
    assert email["Auto-Submitted"] == "auto-generated"
    body = email.get_content()
    assert "Hello Siân," in body
    assert "http://127.0.0.1:8000/sign-in/link/" in body
    assert "?next=/policies/social-media%3Fa%3D1%26b%3D2\n" in body.replace("\r", "")
    assert "20 minutes" in body


@pytest.mark.parametrize(
    ("kind", "payload", "words"),
    [
        (MessageKind.SHARED_ADDRESS, {}, ["More than one person", "Bethan Lloyd, extension 12"]),
        (
            MessageKind.RECEIPT,
            {
                "receipt": "0b5e",
                "policy": "Social media policy",
                "version": "3",
                "signed": "7 September 2026, 9:30am",
            },
            ["Social media policy, version 3", "on 7 September 2026, 9:30am", "/receipts/0b5e"],
        ),
        (
            MessageKind.HELP_REQUEST,
            {"person": "77aa", "name": "Zoë Ng", "asked": "Has a question"},
            ["Zoë Ng has stopped", "Has a question", "/schools/ysgol-mor/records/people/77aa"],
        ),
    ],
)
def test_every_kind_of_message_says_what_it_is_for(
    app: Flask,
    server: MailServer,
    person: Person,
    kind: MessageKind,
    payload: dict[str, str],
    words: list[str],
) -> None:
    queue(person, kind, **payload)
    deliver(app, server.url)
    body = " ".join(server.arrived.get(timeout=5).get_content().split())
    for expected in words:
        assert expected in body


def test_a_name_with_line_breaks_adds_no_header_and_no_paragraph(
    app: Flask, server: MailServer, school: Organisation, person: Person
) -> None:
    with transaction():
        school.name = "Ysgol\r\nBcc: all@school.test\r\n\r\nClick here"
        person.forename = "Siân\r\n\r\nSend me your password"
        session.add_all([school, person])
    queue(person)
    deliver(app, server.url)
    email = server.arrived.get(timeout=5)
    assert email["Bcc"] is None
    assert server.recipients == ["sian@school.test"]
    assert email["Subject"] == "Your link to sign in for Ysgol Bcc: all@school.test Click here"
    assert "Hello Siân Send me your password," in email.get_content()


@pytest.mark.parametrize(
    "address", ["sian@school.test\r\nBcc: all@school.test", "sian", "@school.test", "a@b@c\n.test"]
)
def test_an_address_that_is_none_fails_and_says_so(
    app: Flask, server: MailServer, person: Person, address: str
) -> None:
    with transaction():
        person.email = address
        session.add(person)
    message = queue(person)
    deliver(app, server.url)
    assert message.state is MessageState.FAILED
    assert server.arrived.empty()


def test_an_address_with_letters_beyond_english_is_written_to(
    app: Flask, server: MailServer, person: Person
) -> None:
    with transaction():
        person.email = "siân@tŷgwyn.test"
        session.add(person)
    message = queue(person)
    deliver(app, server.url)
    assert message.state is MessageState.SENT, message.reason
    assert server.recipients == ["siân@" + "tŷgwyn.test".encode("idna").decode()]


def test_a_server_that_cannot_take_such_letters_fails_the_message_for_good(
    app: Flask, person: Person
) -> None:
    with transaction():
        person.email = "siân@school.test"
        session.add(person)
    message = queue(person)
    with running(utf8=False) as server:
        deliver(app, server.url)
    assert message.state is MessageState.FAILED
    assert message.reason == "the mail server can't send to an address with such letters"


def test_a_temporary_refusal_is_tried_again_after_a_while_with_a_new_link(
    app: Flask, server: MailServer, person: Person, time: Clock
) -> None:
    server.answers = ["451 4.7.1 come back later"]
    message = queue(person)
    deliver(app, server.url)
    assert (message.state, message.reason) == (
        MessageState.QUEUED,
        "the mail server said: 451 4.7.1 come back later",
    )
    deliver(app, server.url)
    assert server.arrived.empty(), "its time has not come"
    time.now += mail.BACK_OFF[0]
    deliver(app, server.url)
    assert message.state is MessageState.SENT
    assert message.attempts == 2
    assert server.arrived.qsize() == 1


def test_a_permanent_refusal_fails_with_the_servers_reason(
    app: Flask, server: MailServer, person: Person
) -> None:
    server.answers = ["550 5.1.1 no such mailbox"]
    message = queue(person)
    deliver(app, server.url)
    assert message.state is MessageState.FAILED
    assert message.reason == "the mail server said: 550 5.1.1 no such mailbox"


def test_a_refused_address_does_not_hold_up_the_next_which_goes_by_the_same_connection(
    app: Flask, server: MailServer, school: Organisation, person: Person
) -> None:
    server.answers = ["550 no such mailbox"]
    queue(person)
    with transaction():
        other = make_person(school, email="other@school.test")
    queue(other)
    deliver(app, server.url)
    assert server.recipients == ["other@school.test"]
    assert server.connections == 1


def test_after_the_last_try_the_message_has_failed(
    app: Flask, server: MailServer, person: Person, time: Clock
) -> None:
    server.answers = ["451 later"] * 5
    message = queue(person)
    for wait in (*mail.BACK_OFF, timedelta(0)):
        deliver(app, server.url)
        time.now += wait
    assert message.state is MessageState.FAILED
    assert message.attempts == 5


def test_a_server_that_is_not_there_leaves_the_rest_of_the_queue_untouched(
    app: Flask, person: Person
) -> None:
    first = queue(person)
    second = queue(person)
    deliver(app, f"smtp://127.0.0.1:{free_port()}")
    tried, untouched = sorted((first, second), key=lambda message: -message.attempts)
    assert tried.state is MessageState.QUEUED
    assert tried.reason is not None
    assert "could not be used" in tried.reason
    assert untouched.attempts == 0


def test_a_server_that_dawdles_is_given_up_on_and_tried_again_later(
    app: Flask, server: MailServer, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.delay = 30
    with smtp.MailServer(server.url, "it@school.test", timeout=0.2) as outlet:
        problem = outlet.send(Letter(uuid4(), "sian@school.test", "Hello", "Hello\n"), NOW)
    assert problem is not None
    assert not problem.final
    assert "could not be used" in problem.reason


def test_a_connection_that_the_server_closed_meanwhile_is_opened_anew(server: MailServer) -> None:
    with smtp.MailServer(server.url, "it@school.test") as outlet:
        assert outlet.send(Letter(uuid4(), "a@school.test", "One", "One\n"), NOW) is None
        assert outlet._connection is not None
        outlet._connection.close()
        assert outlet.send(Letter(uuid4(), "b@school.test", "Two", "Two\n"), NOW) is None
    assert server.recipients == ["a@school.test", "b@school.test"]


def test_a_password_is_not_sent_to_a_far_server_without_encryption(
    server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(smtp, "LOOPBACK", frozenset())
    with smtp.MailServer(f"smtp://me:secret@127.0.0.1:{server.port}", "it@school.test") as outlet:
        problem = outlet.send(Letter(uuid4(), "a@school.test", "One", "One\n"), NOW)
    assert problem is not None
    assert "no encryption" in problem.reason


def test_a_sender_that_is_no_address_fails_and_names_the_setting(
    app: Flask, server: MailServer, person: Person
) -> None:
    message = queue(person)
    deliver(app, server.url, mail_from="Countersign")
    assert message.state is MessageState.FAILED
    assert message.reason is not None
    assert "LMS_MAIL_FROM" in message.reason


def test_without_a_mail_server_a_message_fails_and_names_the_setting(
    app: Flask, person: Person, capsys: pytest.CaptureFixture[str]
) -> None:
    message = queue(person)
    deliver(app, None)
    assert message.state is MessageState.FAILED
    assert message.reason is not None
    assert "LMS_SMTP_URL is not set" in message.reason
    assert capsys.readouterr().out == ""


def test_in_the_demo_a_message_is_printed(
    app: Flask, person: Person, capsys: pytest.CaptureFixture[str]
) -> None:
    message = queue(person)
    deliver(app, None, demo=True)
    assert message.state is MessageState.SENT
    printed = capsys.readouterr().out
    assert "sian@school.test" in printed
    assert "/sign-in/link/" in printed


def test_a_link_does_not_go_to_an_address_that_was_corrected_meanwhile(
    app: Flask, server: MailServer, person: Person
) -> None:
    message = queue(person)
    with transaction():
        person.email = "sian.llyr@school.test"
        session.add(person)
    deliver(app, server.url)
    assert message.state is MessageState.FAILED
    assert server.arrived.empty()


def test_somebody_erased_meanwhile_is_not_written_to(app: Flask, server: MailServer, person: Person) -> None:
    message = queue(person)
    with transaction():
        person.erased_at = NOW
        session.add(person)
    deliver(app, server.url)
    assert message.state is MessageState.FAILED
    assert server.arrived.empty()


def test_a_message_whose_payload_is_incomplete_fails_and_does_not_stop_the_others(
    app: Flask, server: MailServer, person: Person
) -> None:
    broken = queue(person, MessageKind.RECEIPT, receipt="0b5e")
    whole = queue(person)
    deliver(app, server.url)
    states = {message.id: message.state for message in (broken, whole)}
    assert sorted(states.values()) == [MessageState.FAILED, MessageState.SENT]


def test_a_message_left_half_sent_is_given_up_and_can_be_sent_again_by_hand(
    app: Flask, server: MailServer, person: Person, time: Clock
) -> None:
    message = queue(person)
    with transaction():
        mail.take(message.id, NOW)
    time.now += timedelta(minutes=11)
    deliver(app, server.url)
    assert server.arrived.empty(), "it may have been sent already"
    with transaction():
        assert mail.give_up_unfinished(time.now) == 1
    with transaction():
        session.refresh(message)
        mail.resend(message, time.now)
    deliver(app, server.url)
    assert server.arrived.qsize() == 1


def test_the_same_dedupe_twice_is_one_message(person: Person) -> None:
    for _ in range(2):
        with transaction():
            mail.queue(
                MessageKind.RECEIPT,
                organisation_id=person.root_id,
                address="a@b.test",
                now=NOW,
                dedupe="receipt 1",
            )
    with transaction(write=False):
        assert session.query(Message).count() == 1
