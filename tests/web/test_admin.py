"""What administrators see and set: schools, ledgers, mail that failed, and whom the pages name."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask

from lms import ledger, mail
from lms.audit import AuditEntry, Event
from lms.db import session, transaction
from lms.mail import Message, MessageKind, MessageState
from lms.people import Person, RoleName
from lms.schools import Organisation
from tests.client import StrictClient
from tests.conftest import NOW, Clock
from tests.factories import make_person, make_school

pytestmark = pytest.mark.usefixtures("time")


@pytest.fixture
def school(app: Flask) -> Organisation:
    with app.app_context(), transaction():
        return make_school("Ysgol Môr")


@pytest.fixture
def admin(app: Flask, client: StrictClient, school: Organisation) -> Person:
    with app.app_context(), transaction():
        person = make_person(school, role=RoleName.ADMIN)
    client.sign_in_as(person.id)
    return person


def queue(app: Flask, school: Organisation, reason: str | None = None) -> Message:
    with app.app_context(), transaction():
        identity = mail.queue(
            MessageKind.SIGN_IN_LINK, organisation_id=school.id, address="sian@school.test", now=NOW, next="/"
        )
        message = session.get_one(Message, identity)
        if reason:
            mail.settle(message, NOW, reason, final=True)
    return message


def state_of(app: Flask, message: Message) -> MessageState:
    with app.app_context(), transaction(write=False):
        return session.get_one(Message, message.id).state


def test_an_administrator_sees_the_school_its_ledger_and_its_latest_checkpoint(
    app: Flask, client: StrictClient, school: Organisation, admin: Person
) -> None:
    client.get("/admin")
    assert "The ledger is empty" in client.text
    with app.app_context(), transaction():
        held = ledger.lock(school)
        ledger.append(held, school.id, b"a leaf", NOW, app.config["LEDGER_KEY"])
    client.get("/admin")
    assert "The ledger has 1 entry." in client.text
    assert "countersign.test/ysgol-mor" in client.text
    assert client.follow("Settings of Ysgol Môr").status_code == 200


def test_an_administrator_of_another_school_sees_nothing_of_this_one(
    app: Flask, client: StrictClient, school: Organisation, admin: Person
) -> None:
    with app.app_context(), transaction():
        other = make_school("Elsewhere Academy")
        message = queue_failed(other)
    client.get("/admin")
    assert "Elsewhere" not in client.text
    assert "No message is waiting" in client.text
    assert "Messages that failed" not in client.text
    assert client.get("/schools/elsewhere-academy/settings").status_code == 404
    client.get("/schools/ysgol-mor/settings")
    token = client.page.xpath("//main//input[@name='csrf_token']/@value")[0]
    assert client.post(f"/admin/messages/{message.id}/resend", data={"csrf_token": token}).status_code == 404
    assert state_of(app, message) is MessageState.FAILED


def queue_failed(school: Organisation) -> Message:
    identity = mail.queue(
        MessageKind.SHARED_ADDRESS, organisation_id=school.id, address="x@elsewhere.test", now=NOW
    )
    message = session.get_one(Message, identity)
    mail.settle(message, NOW, "550 no", final=True)
    return message


def test_a_message_that_failed_says_why_and_can_be_sent_again(
    app: Flask, client: StrictClient, school: Organisation, admin: Person
) -> None:
    message = queue(app, school, reason="the mail server said: 550 <no> such mailbox")
    client.get("/admin")
    assert "550 <no> such mailbox" in client.text
    client.submit(button="Send again")
    assert "in the queue again" in client.text
    assert "1 message is waiting to go" in client.text
    assert state_of(app, message) is MessageState.QUEUED


def test_a_message_that_was_sent_cannot_be_sent_again_by_a_second_press(
    app: Flask, client: StrictClient, school: Organisation, admin: Person
) -> None:
    message = queue(app, school, reason="550 no")
    client.get("/admin")
    with app.app_context(), transaction():
        mail.settle(session.get_one(Message, message.id), NOW)
    client.submit(button="Send again")
    assert state_of(app, message) is MessageState.SENT


def test_mail_that_waits_too_long_asks_whether_the_worker_runs(
    app: Flask, client: StrictClient, school: Organisation, admin: Person, time: Clock
) -> None:
    queue(app, school)
    client.get("/admin")
    assert "is the worker running?" not in client.text
    time.now += timedelta(minutes=6)
    client.get("/admin")
    assert "is the worker running?" in client.text
    assert "countersign worker" in client.text


def test_without_a_mail_server_the_page_names_the_setting(client: StrictClient, admin: Person) -> None:
    client.get("/admin")
    assert "LMS_SMTP_URL" in client.text


def test_saved_names_are_shown_from_now_on_and_the_change_is_written_down(
    app: Flask, client: StrictClient, school: Organisation, admin: Person
) -> None:
    client.get("/schools/ysgol-mor/settings")
    assert client.page.xpath("//input[@name='safeguarding_lead']/@value") == ["Siân Pritchard"]
    client.submit(school="Ysgol y Môr ", safeguarding_lead="  Dafydd\tŁuczak  ", head="Ann O’Neill")
    assert "Saved." in client.text
    client.get("/help")
    assert "Tell Dafydd Łuczak now" in client.text
    assert "Ysgol y Môr" in client.page.text_content()
    with app.app_context(), transaction(write=False):
        (entry,) = session.query(AuditEntry).filter_by(event=Event.CONTACTS_CHANGED).all()
        assert entry.details == {"names": "head safeguarding_lead school"}
        assert entry.actor_id == admin.id


def test_saving_what_is_there_already_changes_and_records_nothing(
    app: Flask, client: StrictClient, school: Organisation, admin: Person
) -> None:
    client.get("/schools/ysgol-mor/settings")
    client.submit()
    assert "Nothing was different" in client.text
    with app.app_context(), transaction(write=False):
        assert session.query(AuditEntry).count() == 0


@pytest.mark.parametrize(
    ("field", "typed", "error"),
    [
        ("school", "  ", "Enter the name of the school"),
        ("safeguarding_lead", "", "Enter the name of the safeguarding lead"),
        ("head", "x" * 121, "Name of the head must be 120 characters or fewer"),
        ("head", "Ann]] O’Neill", "Name of the head can’t have double square brackets in it"),
        (
            "data_protection_officer_email",
            "ada",
            "Data protection officer’s e-mail address must be like name@school.sch.uk",
        ),
    ],
)
def test_what_cannot_be_saved_is_said_beside_its_box_and_nothing_is_saved(
    app: Flask, client: StrictClient, school: Organisation, admin: Person, field: str, typed: str, error: str
) -> None:
    client.get("/schools/ysgol-mor/settings")
    response = client.submit(**{"senior_manager": "Kept As Typed", field: typed})
    assert response.status_code == 400
    assert error in client.text
    assert client.page.xpath("//input[@name='senior_manager']/@value") == ["Kept As Typed"]
    with app.app_context(), transaction(write=False):
        assert "senior_manager" not in session.get_one(Organisation, school.id).contacts


def test_control_characters_in_a_name_become_spaces(
    app: Flask, client: StrictClient, school: Organisation, admin: Person
) -> None:
    client.get("/schools/ysgol-mor/settings")
    client.submit(head="Ann\x00\r\nBcc: x")
    with app.app_context(), transaction(write=False):
        assert session.get_one(Organisation, school.id).contacts["head"] == "Ann Bcc: x"


@pytest.mark.parametrize("role", [RoleName.MANAGER, RoleName.HR, None])
def test_the_pages_are_for_administrators_alone(
    app: Flask, client: StrictClient, school: Organisation, role: RoleName | None
) -> None:
    with app.app_context(), transaction():
        person = make_person(school, role=role)
    client.sign_in_as(person.id)
    assert client.get("/admin").status_code == 403
    assert client.get("/schools/ysgol-mor/settings").status_code in {403, 404}
