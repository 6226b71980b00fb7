"""Getting in and out: links, passwords, lock-out, and nobody locked out on a busy morning."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event
from werkzeug.test import TestResponse

from lms import jobs
from lms.audit import AuditEntry, Event
from lms.config import Settings
from lms.credentials import set_password
from lms.db import session, transaction
from lms.mail import Message, MessageKind
from lms.people import Person, RoleName
from lms.schools import Organisation
from lms.tokens import Token
from tests.client import StrictClient
from tests.conftest import Clock
from tests.factories import make_person, make_school
from tests.mail_server import MailServer, running

PASSWORD = "correct horse battery"

pytestmark = pytest.mark.usefixtures("time")


@pytest.fixture
def server() -> Iterator[MailServer]:
    with running() as made:
        yield made


@pytest.fixture
def school(app: Flask) -> Organisation:
    with app.app_context(), transaction():
        return make_school()


def add(
    app: Flask, school: Organisation, *, email: str | None = "priya@school.test", role: RoleName | None = None
) -> Person:
    with app.app_context(), transaction():
        person = make_person(school, email=email, role=role)
        if role:
            set_password(person, PASSWORD)
    return person


def ask(client: StrictClient, email: str, next: str | None = None) -> None:
    client.get("/sign-in", query_string={"next": next} if next else None)
    client.submit(email=email)


def deliver(app: Flask, server: MailServer) -> list[str]:
    """Have the worker send what waits, and return the paths of the links that arrived."""
    settings: Settings = app.config["SETTINGS"]
    with app.app_context():
        jobs.deliver(settings.model_copy(update={"smtp_url": server.url}), demo=False)
    bodies = [server.arrived.get_nowait().get_content() for _ in range(server.arrived.qsize())]
    return [
        found for body in bodies for found in re.findall(r"http://127\.0\.0\.1:8000(/sign-in/link/\S+)", body)
    ]


def queued(app: Flask) -> list[Message]:
    with app.app_context(), transaction(write=False):
        found = session.query(Message).all()
        session.expunge_all()
        return found


def events(app: Flask, kind: Event) -> list[AuditEntry]:
    with app.app_context(), transaction(write=False):
        found = session.query(AuditEntry).filter_by(event=kind).all()
        session.expunge_all()
        return found


def try_password(client: StrictClient, email: str, password: str) -> None:
    client.get("/sign-in/password")
    client.submit(email=email, password=password)


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


@pytest.mark.parametrize(
    "next", ["//evil.test", "https://evil.test", "/\\evil.test", "/" + "a" * 600, "javascript:alert(1)"]
)
def test_signing_in_never_leads_to_somebody_elses_site(
    app: Flask, client: StrictClient, school: Organisation, next: str
) -> None:
    add(app, school, role=RoleName.HR)
    client.get("/sign-in/password")
    token = client.page.xpath("//main//input[@name='csrf_token']/@value")[0]
    response = client.post(
        "/sign-in/password",
        query_string={"next": next},
        data={"csrf_token": token, "email": "priya@school.test", "password": PASSWORD},
    )
    assert response.status_code == 303
    assert re.fullmatch(r"/schools/[\w-]+/records", response.headers["Location"])


def test_the_right_password_signs_in_and_the_session_is_a_new_one(
    app: Flask, client: StrictClient, school: Organisation
) -> None:
    person = add(app, school, role=RoleName.ADMIN)
    client.get("/sign-in/password")
    with client.session_transaction() as cookie:
        cookie["planted"] = "by somebody else"
        before = cookie["csrf_token"]
    response = client.submit(email="priya@school.test", password=PASSWORD)
    assert response.request.path == "/admin"
    with client.session_transaction() as cookie:
        assert cookie["_user_id"] == f"{person.id}.1"
        assert cookie["assurance"] == "password"
        assert "planted" not in cookie
        assert cookie.get("csrf_token") != before


def test_wrong_address_wrong_password_locked_and_shared_get_the_same_answer(
    app: Flask, client: StrictClient, school: Organisation
) -> None:
    add(app, school, role=RoleName.HR)
    add(app, school, email="nopassword@school.test")
    for _ in range(2):
        add(app, school, email="office@school.test", role=RoleName.HR)
    answers = set()
    for email in (
        "priya@school.test",
        "stranger@school.test",
        "nopassword@school.test",
        "office@school.test",
    ):
        try_password(client, email, "wrong")
        answers.add(client.text)
    for _ in range(10):
        try_password(client, "priya@school.test", "wrong")
    try_password(client, "priya@school.test", PASSWORD)
    answers.add(client.text)
    assert len(answers) == 1
    assert "don’t go together" in answers.pop()
    assert client.page.xpath("//input[@name='email']/@value") == ["priya@school.test"]
    assert client.page.xpath("//input[@name='password']/@value") == []


def test_ten_wrong_guesses_lock_a_password_for_a_quarter_of_an_hour_but_not_the_link(
    app: Flask, client: StrictClient, server: MailServer, school: Organisation, time: Clock
) -> None:
    person = add(app, school, role=RoleName.HR)
    for _ in range(10):
        try_password(client, "priya@school.test", "wrong")
    time.now += timedelta(minutes=14)
    try_password(client, "priya@school.test", PASSWORD)
    assert events(app, Event.SIGNED_IN) == []
    ask(client, "priya@school.test")
    (link,) = deliver(app, server)
    client.get(link)
    client.submit()
    assert len(events(app, Event.SIGNED_IN)) == 1
    time.now += timedelta(minutes=1)
    try_password(client, "priya@school.test", PASSWORD)
    assert [e.subject_id for e in events(app, Event.SIGNED_IN)] == [person.id] * 2


def test_a_character_that_no_keyboard_has_is_left_out_of_an_address(
    app: Flask, client: StrictClient, school: Organisation
) -> None:
    add(app, school)
    ask(client, "\x00priya@\u200bschool.test\x1b")
    assert [message.address for message in queued(app)] == ["priya@school.test"]


def test_a_hundred_and_fifty_people_behind_one_address_sign_in_within_ten_minutes(
    app: Flask, server: MailServer, school: Organisation, time: Clock
) -> None:
    with app.app_context(), transaction():
        for n in range(150):
            make_person(school, email=f"adult{n}@school.test")
        for n in range(4):
            set_password(make_person(school, email=f"hr{n}@school.test", role=RoleName.HR), PASSWORD)
    for n in range(150):
        time.now += timedelta(seconds=2)
        for _ in range(2 if n % 5 == 0 else 1):
            post(browser_at_school(app), "/sign-in", email=f"adult{n}@school.test")
    for link in deliver(app, server):
        time.now += timedelta(seconds=1)
        assert post(browser_at_school(app), link).status_code == 303
    for n in range(4):
        post(
            browser_at_school(app), "/sign-in/password", email=f"hr{n}@school.test", password=PASSWORD.upper()
        )
        post(browser_at_school(app), "/sign-in/password", email=f"hr{n}@school.test", password=PASSWORD)
    assert len({entry.subject_id for entry in events(app, Event.SIGNED_IN)}) == 154


def post(browser: FlaskClient, path: str, **fields: str) -> TestResponse:
    """Open a page and send its form, without the strict client's slow look at each page."""
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', browser.get(path).text)
    assert token is not None
    return browser.post(path, data={"csrf_token": token[1], **fields})


def browser_at_school(app: Flask) -> FlaskClient:
    browser = FlaskClient(app, use_cookies=True)
    browser.environ_base["REMOTE_ADDR"] = "203.0.113.7"
    return browser


def test_guessing_from_one_network_is_stopped_there_and_nowhere_else(
    app: Flask, client: StrictClient, school: Organisation, time: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lms.web.sign_in.WRONG_PASSWORDS_PER_NETWORK", 3)
    add(app, school, role=RoleName.HR)
    browser = browser_at_school(app)
    for _ in range(4):
        post(browser_at_school(app), "/sign-in/password", email="priya@school.test", password=PASSWORD)
    assert len(events(app, Event.SIGNED_IN)) == 4, "those who know their password don't count"
    for n in range(3):
        post(browser, "/sign-in/password", email=f"guess{n}@school.test", password="password")
    refused = post(browser, "/sign-in/password", email="priya@school.test", password=PASSWORD)
    assert refused.status_code == 429
    assert "Wait 15 minutes" in refused.text
    assert len(events(app, Event.SIGNED_IN)) == 4
    try_password(client, "priya@school.test", PASSWORD)
    assert len(events(app, Event.SIGNED_IN)) == 5
    time.now += timedelta(minutes=15)
    post(browser, "/sign-in/password", email="priya@school.test", password=PASSWORD)
    assert len(events(app, Event.SIGNED_IN)) == 6


def test_signing_out_ends_the_session_and_says_so(
    app: Flask, client: StrictClient, school: Organisation
) -> None:
    person = add(app, school)
    client.sign_in_as(person.id)
    client.get("/privacy")
    token = client.page.xpath("//input[@name='csrf_token']/@value")[0]
    client.post("/sign-out", data={"csrf_token": token}, follow_redirects=True)
    assert "You have signed out." in client.text
    with client.session_transaction() as cookie:
        assert "_user_id" not in cookie
        assert "assurance" not in cookie
    assert client.get("/admin").status_code == 302
    assert len(events(app, Event.SIGNED_OUT)) == 1


def test_a_new_password_ends_the_sessions_that_were_open(
    app: Flask, client: StrictClient, school: Organisation
) -> None:
    person = add(app, school, role=RoleName.ADMIN)
    client.sign_in_as(person.id)
    with app.app_context(), transaction():
        mine = session.get(Person, person.id)
        assert mine is not None
        mine.sign_in_epoch = 1
    client.sign_in_as(person.id)
    assert client.get("/admin").status_code == 200
    with app.app_context(), transaction():
        mine = session.get(Person, person.id)
        assert mine is not None
        set_password(mine, PASSWORD + "!")
    assert client.get("/admin").status_code == 302


def test_when_the_commit_fails_nobody_is_signed_in_and_the_link_still_works(
    app: Flask, client: StrictClient, server: MailServer, school: Organisation
) -> None:
    person = add(app, school)
    ask(client, "priya@school.test")
    (link,) = deliver(app, server)
    client.get(link)
    with client.session_transaction() as cookie:
        before = dict(cookie)
    with failing_commits():
        response = client.submit()
    assert response.status_code == 503
    with client.session_transaction() as cookie:
        assert dict(cookie) == before
    client.get(link)
    assert client.submit().status_code != 410
    with client.session_transaction() as cookie:
        assert cookie["_user_id"].startswith(str(person.id))


def test_when_the_commit_fails_the_sign_out_did_not_happen(
    app: Flask, client: StrictClient, school: Organisation
) -> None:
    person = add(app, school)
    client.sign_in_as(person.id)
    client.get("/privacy")
    token = client.page.xpath("//input[@name='csrf_token']/@value")[0]
    with failing_commits():
        assert client.post("/sign-out", data={"csrf_token": token}).status_code == 503
    with client.session_transaction() as cookie:
        assert cookie["_user_id"].startswith(str(person.id))


class failing_commits:
    """Every commit in the block fails as it would on a database that has just gone away."""

    def __enter__(self) -> None:
        event.listen(session, "before_commit", self._fail)

    def __exit__(self, *error: object) -> None:
        event.remove(session, "before_commit", self._fail)

    @staticmethod
    def _fail(_committing: object) -> None:
        raise sa.exc.OperationalError("COMMIT", None, Exception("the server went away"))


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
