"""Getting in by a password: lock-out, and nobody locked out on a busy morning."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from flask import Flask

from lms.audit import Event
from lms.credentials import set_password
from lms.db import transaction
from lms.people import RoleName
from lms.schools import Organisation
from tests.client import StrictClient
from tests.conftest import Clock
from tests.factories import make_person
from tests.mail_server import MailServer
from tests.web.sign_in.door import (
    PASSWORD,
    add,
    ask,
    browser_at_school,
    deliver,
    events,
    post,
    try_password,
)

pytestmark = pytest.mark.usefixtures("time")


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
