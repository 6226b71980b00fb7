"""Getting in by a link: to whom it goes, how long it lasts, and what spends it."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask

from lms.audit import Event
from lms.db import session, transaction
from lms.mail import Message, MessageKind
from lms.people import Person
from lms.schools import Organisation
from lms.tokens import Token
from tests.client import StrictClient
from tests.conftest import Clock
from tests.factories import make_person
from tests.mail_server import MailServer
from tests.web.sign_in.door import (
    add,
    ask,
    deliver,
    events,
    queued,
)

pytestmark = pytest.mark.usefixtures("time")


def test_a_link_sent_to_her_work_address_signs_her_in_and_opens_the_page_she_wanted(
    app: Flask, client: StrictClient, server: MailServer, school: Organisation
) -> None:
    person = add(app, school)
    client.get("/privacy")
    ask(client, " Priya@School.test ", next="/privacy?from=mail")
    assert "If we know that address, a link is on its way" in client.text
    (link,) = deliver(app, server)
    opened = client.get(link)
    assert opened.status_code == 200
    assert person.surname not in client.page.text_content(), "nobody is named before the button is pressed"
    landed = client.submit()
    assert landed.request.full_path == "/privacy?from=mail"
    with client.session_transaction() as cookie:
        assert cookie["_user_id"].startswith(str(person.id))
        assert cookie["assurance"] == "work_email"
    (entry,) = events(app, Event.SIGNED_IN)
    assert (entry.subject_id, entry.details) == (person.id, {"method": "link"})


def test_opening_a_link_spends_nothing_however_often_a_scanner_does_it(
    app: Flask, client: StrictClient, server: MailServer, school: Organisation
) -> None:
    add(app, school)
    ask(client, "priya@school.test")
    (link,) = deliver(app, server)
    for _ in range(3):
        assert app.test_client().get(link).status_code == 200
        assert app.test_client().head(link).status_code == 200
    client.get(link)
    client.submit()
    assert len(events(app, Event.SIGNED_IN)) == 1


def test_a_spent_link_says_so_offers_a_new_one_and_is_written_down(
    app: Flask, client: StrictClient, server: MailServer, school: Organisation
) -> None:
    person = add(app, school)
    ask(client, "priya@school.test")
    (link,) = deliver(app, server)
    second = app.test_client()
    assert isinstance(second, StrictClient)
    client.get(link)
    second.get(link)
    client.submit()
    response = second.submit()
    assert response.status_code == 410
    assert second.heading == "This link can’t be used"
    assert second.follow("Ask for a new link").status_code == 200
    (entry,) = events(app, Event.SIGN_IN_REFUSED)
    assert entry.subject_id == person.id
    with second.session_transaction() as cookie:
        assert "_user_id" not in cookie
    assert second.get(link).status_code == 410


def test_a_link_lasts_twenty_minutes_from_when_it_was_sent(
    app: Flask, client: StrictClient, server: MailServer, school: Organisation, time: Clock
) -> None:
    add(app, school)
    ask(client, "priya@school.test")
    time.now += timedelta(minutes=30)
    (link,) = deliver(app, server)
    time.now += timedelta(minutes=19, seconds=59)
    assert client.get(link).status_code == 200
    time.now += timedelta(seconds=1)
    assert client.submit().status_code == 410
    assert client.get(link).status_code == 410


@pytest.mark.parametrize("secret", ["nonsense", "a" * 5000, "%00", "caf%C3%A9"])
def test_an_unknown_link_is_one_clear_page(client: StrictClient, secret: str) -> None:
    assert client.get(f"/sign-in/link/{secret}").status_code == 410
    assert "Ask for a new link" in client.text


def test_an_unknown_address_gets_the_same_answer_and_no_message(
    app: Flask, client: StrictClient, school: Organisation
) -> None:
    add(app, school)
    ask(client, "priya@school.test")
    known = client.page.text_content()
    ask(client, "stranger@school.test")
    assert client.page.text_content() == known
    assert [message.address for message in queued(app)] == ["priya@school.test"]


def test_before_there_is_a_school_the_answer_is_the_same(client: StrictClient) -> None:
    ask(client, "stranger@school.test")
    assert "If we know that address" in client.text


def test_a_shared_address_signs_nobody_in_and_is_told_whom_to_ask(
    app: Flask, client: StrictClient, server: MailServer, school: Organisation
) -> None:
    for _ in range(3):
        add(app, school, email="office@school.test")
    ask(client, "office@school.test")
    assert [message.kind for message in queued(app)] == [MessageKind.SHARED_ADDRESS]
    assert deliver(app, server) == []
    assert server.recipients == ["office@school.test"]


def test_at_most_five_links_go_to_one_address_in_a_quarter_of_an_hour(
    app: Flask, client: StrictClient, school: Organisation, time: Clock
) -> None:
    add(app, school)
    for _ in range(8):
        ask(client, "PRIYA@school.test")
        assert "If we know that address" in client.text
    assert len(queued(app)) == 5
    time.now += timedelta(minutes=15)
    ask(client, "priya@school.test")
    assert len(queued(app)) == 6


def test_somebody_who_has_left_can_still_sign_in_to_see_their_receipts(
    app: Flask, client: StrictClient, server: MailServer, school: Organisation, time: Clock
) -> None:
    with app.app_context(), transaction():
        make_person(school, email="left@school.test", ends=time.now.date() - timedelta(days=1))
    ask(client, "left@school.test")
    (link,) = deliver(app, server)
    client.get(link)
    client.submit()
    assert len(events(app, Event.SIGNED_IN)) == 1


def test_somebody_erased_meanwhile_is_not_let_in(
    app: Flask, client: StrictClient, server: MailServer, school: Organisation, time: Clock
) -> None:
    person = add(app, school)
    ask(client, "priya@school.test")
    (link,) = deliver(app, server)
    client.get(link)
    with app.app_context(), transaction():
        session.execute(sa.update(Person).where(Person.id == person.id).values(erased_at=time.now))
    assert client.submit().status_code == 410


@pytest.mark.parametrize("typed", ["", "   ", "priya", "a b@school.test", "@", "x" * 300 + "@a.test"])
def test_what_is_no_address_is_asked_for_again_and_kept(client: StrictClient, typed: str) -> None:
    client.get("/sign-in")
    response = client.submit(email=typed)
    assert response.status_code == 400
    assert "Enter your work e-mail address" in client.text


def test_a_character_that_no_keyboard_has_is_left_out_of_an_address(
    app: Flask, client: StrictClient, school: Organisation
) -> None:
    add(app, school)
    ask(client, "\x00priya@\u200bschool.test\x1b")
    assert [message.address for message in queued(app)] == ["priya@school.test"]


def test_no_secret_is_kept_and_none_is_logged(
    app: Flask,
    client: StrictClient,
    server: MailServer,
    school: Organisation,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("DEBUG")
    add(app, school)
    ask(client, "priya@school.test")
    (link,) = deliver(app, server)
    secret = link.rpartition("/")[2]
    client.get(link)
    client.submit()
    client.get(link)
    with app.app_context(), transaction(write=False):
        assert secret not in session.scalars(sa.select(Token.hash)).one()
        assert secret not in str(session.scalars(sa.select(Message.payload)).all())
    ours = [record.getMessage() for record in caplog.records if not record.name.startswith("mail.log")]
    assert not [line for line in ours if secret in line or "priya@" in line]
