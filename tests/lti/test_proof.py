"""Launches where the browser keeps no cookies in the frame: nothing is granted until its secret has come back."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from flask import Flask

from lms.db import session, transaction
from lms.lti.identities import Identity
from lms.lti.launch_log import ACCEPTED, Launch
from lms.lti.logins import OidcTransaction
from lms.lti.refusal_words import WORDS
from lms.lti.refusals import Refusal
from lms.people import Person
from tests.client import StrictClient
from tests.conftest import NOW, Clock
from tests.lti import forger
from tests.lti.forger import Login, message, signed

IN_A_FRAME = {"Sec-Fetch-Dest": "iframe"}


@pytest.fixture
def client(app: Flask) -> StrictClient:
    """A browser that keeps no cookies at all."""
    made = app.test_client(use_cookies=False)
    assert isinstance(made, StrictClient)
    return made


def log_in(client: StrictClient) -> tuple[Login, str]:
    """Begin a login in a frame whose platform offers storage; return it with the secret that the storage keeps."""
    client.post("/lti/login", data=forger.login_fields(lti_storage_target="_parent"), headers=IN_A_FRAME)
    (script,) = client.page.xpath("//script[@data-secret]")
    return forger.asked_by(script.get("data-go")), script.get("data-secret")


def launch(client: StrictClient, login: Login, **changes: object) -> None:
    response = client.post(
        "/lti/launch",
        data={"state": login.state, "id_token": signed(message(login.nonce, **changes))},
        headers=IN_A_FRAME,
    )
    assert response.status_code == 200
    assert client.page.xpath("//form[@action='/lti/launch/proof']")


def prove(client: StrictClient, login: Login, secret: str) -> int:
    return client.post(
        "/lti/launch/proof", data={"state": login.state, "secret": secret}, headers=IN_A_FRAME
    ).status_code


def outcomes(app: Flask) -> list[str]:
    with app.app_context(), transaction(write=False):
        return [line.outcome for line in session.query(Launch).order_by(Launch.at)]


def people(app: Flask) -> int:
    with app.app_context(), transaction(write=False):
        return session.query(Person).count() + session.query(Identity).count()


def waiting(app: Flask) -> object:
    with app.app_context(), transaction(write=False):
        return session.query(OidcTransaction).one().claims


def test_nobody_comes_in_before_the_secret_has_come_back(
    app: Flask, client: StrictClient, time: Clock
) -> None:
    forger.school_with_platform(app)
    login, secret = log_in(client)

    launch(client, login)

    assert outcomes(app) == []
    assert people(app) == 0
    assert secret not in client.text


def test_the_secret_from_the_storage_lets_in_by_a_new_window(
    app: Flask, client: StrictClient, time: Clock
) -> None:
    forger.school_with_platform(app)
    login, secret = log_in(client)
    launch(client, login)

    assert prove(client, login, secret) == 200

    assert outcomes(app) == [ACCEPTED]
    assert people(app) == 2
    assert waiting(app) is None
    window = app.test_client()
    sealed = client.page.xpath("//input[@name='pass']/@value")[0]
    assert window.post("/lti/window", data={"pass": sealed}).status_code == 303
    assert forger.signed_in(window) is not None


def test_where_the_frame_keeps_cookies_after_all_it_goes_on_there(
    app: Flask, client: StrictClient, time: Clock
) -> None:
    forger.school_with_platform(app)
    login, secret = log_in(client)
    launch(client, login)
    browser = app.test_client()
    browser.set_cookie("countersign-cookies", "1", path="/lti")

    assert prove(browser, login, secret) == 200

    assert forger.signed_in(browser) is not None


@pytest.mark.parametrize("secret", ["", "guessed"])
def test_a_wrong_secret_uses_the_launch_up(
    secret: str, app: Flask, client: StrictClient, time: Clock
) -> None:
    forger.school_with_platform(app)
    login, right = log_in(client)
    launch(client, login)

    first, second = prove(client, login, secret), prove(client, login, right)

    assert (first, second) == (WORDS[Refusal.OTHER_BROWSER].status, WORDS[Refusal.STATE_USED].status)
    assert outcomes(app) == [Refusal.OTHER_BROWSER, Refusal.STATE_USED]
    assert people(app) == 0


def test_a_secret_without_a_launch_is_worth_nothing(app: Flask, client: StrictClient, time: Clock) -> None:
    forger.school_with_platform(app)
    login, secret = log_in(client)

    assert prove(client, login, secret) == WORDS[Refusal.STATE_USED].status
    assert prove(client, Login("made up", "", {}), secret) == WORDS[Refusal.STATE_UNKNOWN].status
    assert people(app) == 0


def test_a_secret_that_comes_after_ten_minutes_is_too_late(
    app: Flask, client: StrictClient, time: Clock
) -> None:
    forger.school_with_platform(app)
    login, secret = log_in(client)
    launch(client, login)
    time.now = NOW + timedelta(minutes=10)

    prove(client, login, secret)

    assert outcomes(app) == [Refusal.STATE_EXPIRED]
    assert waiting(app) is None


def test_of_two_proofs_at_once_one_is_let_in(app: Flask, client: StrictClient, time: Clock) -> None:
    forger.school_with_platform(app)
    login, secret = log_in(client)
    launch(client, login)
    browsers, ready, answers = (
        [app.test_client(use_cookies=False) for _ in range(3)],
        threading.Barrier(3),
        [],
    )

    def post(n: int) -> None:
        ready.wait()
        answers.append(prove(browsers[n], login, secret))

    threads = [threading.Thread(target=post, args=(n,)) for n in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(answers) == [200, 400, 400]
    assert sorted(outcomes(app)) == [ACCEPTED, Refusal.STATE_USED, Refusal.STATE_USED]


def test_a_forged_token_is_refused_before_the_storage_is_asked(
    app: Flask, client: StrictClient, time: Clock
) -> None:
    forger.school_with_platform(app)
    login, _ = log_in(client)

    response = forger.send(client, login.state, signed(message(login.nonce), by="stranger"))

    assert response.status_code == WORDS[Refusal.BAD_SIGNATURE].status
    assert waiting(app) is None


def test_choosing_content_needs_a_cookie_in_the_frame(app: Flask, client: StrictClient, time: Clock) -> None:
    forger.school_with_platform(app)
    client.post("/lti/login", data=forger.login_fields(lti_storage_target="_parent"), headers=IN_A_FRAME)
    (script,) = client.page.xpath("//script[@data-secret]")
    login, secret = forger.asked_by(script.get("data-go")), script.get("data-secret")
    client.post(
        "/lti/launch", data={"state": login.state, "id_token": signed(forger.deep_linking(login.nonce))}
    )

    prove(client, login, secret)

    assert outcomes(app) == [Refusal.COOKIES_BLOCKED]
    assert people(app) == 0
