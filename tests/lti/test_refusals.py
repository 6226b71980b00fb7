"""Everything that a launch is refused for: each by its own code, with a page that helps, and nothing left behind."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from lms.db import session, transaction
from lms.lti.launch_log import Launch
from lms.lti.logins import OidcTransaction
from lms.lti.platforms import Registration, RegistrationState
from lms.lti.refusal_words import WORDS
from lms.lti.refusals import Refusal
from tests.client import StrictClient
from tests.conftest import NOW, Clock
from tests.lti import forger
from tests.lti.forger import message, signed
from tests.lti.forgeries import ROWS

TABLES = [
    "person",
    "engagement",
    "role",
    "token",
    "audit",
    "lti_identity",
    "lti_resource_link",
    "lti_link_use",
    "lti_context",
    "lti_deployment",
    "lti_score",
    "lti_membership",
]


def counts(app: Flask) -> dict[str, int]:
    """Return how many rows each table has that a refusal must leave alone."""
    with app.app_context(), transaction(write=False):
        return {
            table: session.scalar(sa.select(sa.func.count()).select_from(sa.table(table))) or 0
            for table in TABLES
        }


def last_refusal(app: Flask) -> Launch:
    """Return the newest line of the launch log, which must be its only one."""
    with app.app_context(), transaction(write=False):
        return session.query(Launch).one()


def assert_refused(
    app: Flask, client: StrictClient, response: Any, refusal: Refusal, before: dict[str, int]
) -> None:
    """Fail unless the page says why, the log has the same reference, and nobody came in."""
    line = last_refusal(app)
    assert line.outcome == refusal
    assert response.status_code == WORDS[refusal].status
    assert f"Reference {line.reference}, code {refusal}" in client.text
    assert WORDS[refusal].happened in client.text
    assert "frame-ancestors *" in response.headers["Content-Security-Policy"]
    assert forger.signed_in(client) is None
    assert counts(app) == before


@pytest.mark.parametrize("case", ROWS)
def test_a_token_that_is_wrong_in_one_thing_is_refused_by_its_own_code(
    case: str, app: Flask, client: StrictClient, time: Clock
) -> None:
    forge, refusal = ROWS[case]
    forger.school_with_platform(app)
    before, login = counts(app), forger.log_in(client)

    response = forger.send(client, login.state, forge(login))

    assert_refused(app, client, response, refusal, before)
    assert was_used(app)


def was_used(app: Flask) -> bool:
    with app.app_context(), transaction(write=False):
        return session.query(OidcTransaction).one().used_at is not None


def test_the_state_of_a_refused_launch_is_used_up(app: Flask, client: StrictClient, time: Clock) -> None:
    forger.school_with_platform(app)
    login = forger.log_in(client)
    forger.send(client, login.state, signed(message(login.nonce, iss="https://evil.test")))

    response = forger.send(client, login.state, signed(message(login.nonce)))

    assert response.status_code == WORDS[Refusal.STATE_USED].status
    assert Refusal.STATE_USED in client.text
    assert forger.signed_in(client) is None


def test_a_deployment_that_nobody_knows_waits_for_approval_and_nothing_else_is_kept(
    app: Flask, client: StrictClient, time: Clock
) -> None:
    registration_id = forger.school_with_platform(app)
    before, login = counts(app), forger.log_in(client)

    response = forger.send(client, login.state, signed(message(login.nonce, deployment_id="2")))

    assert_refused(
        app,
        client,
        response,
        Refusal.DEPLOYMENT_WAITING,
        {**before, "lti_deployment": before["lti_deployment"] + 1},
    )
    with app.app_context(), transaction(write=False):
        waiting = session.execute(
            sa.text("SELECT registration_id, approved_at FROM lti_deployment WHERE value = '2'")
        ).one()
    assert str(waiting.registration_id).replace("-", "") == registration_id.hex
    assert waiting.approved_at is None


def test_a_deployment_that_waits_goes_on_waiting(app: Flask, client: StrictClient, time: Clock) -> None:
    forger.school_with_platform(app, approved=False)
    before, login = counts(app), forger.log_in(client)

    response = forger.send(client, login.state, signed(message(login.nonce)))

    assert_refused(app, client, response, Refusal.DEPLOYMENT_WAITING, before)


def test_a_platform_paused_after_the_login_is_refused(app: Flask, client: StrictClient, time: Clock) -> None:
    forger.school_with_platform(app)
    before, login = counts(app), forger.log_in(client)
    with app.app_context(), transaction():
        session.query(Registration).one().state = RegistrationState.PAUSED

    response = forger.send(client, login.state, signed(message(login.nonce)))

    assert_refused(app, client, response, Refusal.PLATFORM_PAUSED, before)


@pytest.mark.parametrize("state", ["", "made-up", "\x00", "x" * 10_000])
def test_a_state_that_we_never_gave_is_refused(
    state: str, app: Flask, client: StrictClient, time: Clock
) -> None:
    forger.school_with_platform(app)
    before = counts(app)

    response = forger.send(client, state, signed(message("n")))

    assert_refused(app, client, response, Refusal.STATE_UNKNOWN if state else Refusal.STATE_MISSING, before)


def test_opening_the_launch_address_by_hand_says_to_go_through_the_course(
    app: Flask, client: StrictClient, time: Clock
) -> None:
    before = counts(app)

    response = client.get("/lti/launch")

    assert_refused(app, client, response, Refusal.STATE_MISSING, before)


def test_claims_in_an_address_are_not_read(app: Flask, client: StrictClient, time: Clock) -> None:
    forger.school_with_platform(app)
    before, login = counts(app), forger.log_in(client)

    response = client.get(
        "/lti/launch", query_string={"state": login.state, "id_token": signed(message(login.nonce))}
    )

    assert_refused(app, client, response, Refusal.NOT_A_JWT, before)


def test_a_login_that_took_over_ten_minutes_has_run_out(
    app: Flask, client: StrictClient, time: Clock
) -> None:
    forger.school_with_platform(app)
    before, login = counts(app), forger.log_in(client)
    time.now = NOW + timedelta(minutes=10)

    response = forger.send(client, login.state, signed(message(login.nonce, now=time.now)))

    assert_refused(app, client, response, Refusal.STATE_EXPIRED, before)


def test_the_token_of_another_login_is_refused(app: Flask, client: StrictClient, time: Clock) -> None:
    forger.school_with_platform(app)
    before, first, second = counts(app), forger.log_in(client), forger.log_in(client)

    response = forger.send(client, second.state, signed(message(first.nonce)))

    assert_refused(app, client, response, Refusal.WRONG_NONCE, before)


def test_the_token_of_another_registration_is_refused(app: Flask, client: StrictClient, time: Clock) -> None:
    forger.school_with_platform(app)
    forger.school_with_platform(app, issuer="https://canvas.other.test", client_id="other")
    before, login = counts(app), forger.log_in(client)

    response = forger.send(
        client, login.state, signed(message(login.nonce, iss="https://canvas.other.test", aud="other"))
    )

    assert_refused(app, client, response, Refusal.WRONG_ISSUER, before)


def test_the_state_of_a_browser_without_cookies_is_refused(
    app: Flask, client: StrictClient, time: Clock
) -> None:
    forger.school_with_platform(app)
    before, login = counts(app), forger.log_in(client)
    elsewhere = app.test_client()

    response = forger.send(elsewhere, login.state, signed(message(login.nonce)))

    assert_refused(app, elsewhere, response, Refusal.COOKIES_BLOCKED, before)


def test_the_state_of_another_browser_is_refused(app: Flask, client: StrictClient, time: Clock) -> None:
    forger.school_with_platform(app)
    elsewhere = app.test_client()
    forger.log_in(elsewhere)
    before, login = counts(app), forger.log_in(client)

    response = forger.send(elsewhere, login.state, signed(message(login.nonce)))

    assert_refused(app, elsewhere, response, Refusal.OTHER_BROWSER, before)


def test_a_browser_with_another_secret_for_the_same_login_is_refused(
    app: Flask, client: StrictClient, time: Clock
) -> None:
    forger.school_with_platform(app)
    before, login = counts(app), forger.log_in(client)
    name = f"countersign-login-{hashlib.sha256(login.state.encode()).hexdigest()[:16]}"
    client.set_cookie(name, "guessed", path="/lti")

    response = forger.send(client, login.state, signed(message(login.nonce)))

    assert_refused(app, client, response, Refusal.OTHER_BROWSER, before)


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_an_error_of_the_platform_is_said_in_its_words_to_the_admin(
    method: str, app: Flask, client: StrictClient, time: Clock
) -> None:
    forger.school_with_platform(app)
    before, login = counts(app), forger.log_in(client)
    sent = {"state": login.state, "error": "login_required", "error_description": "Nobody is\n signed in\x00"}

    response = client.open(
        "/lti/launch", method=method, **{"query_string" if method == "GET" else "data": sent}
    )

    assert_refused(app, client, response, Refusal.PLATFORM_ERROR, before)
    assert last_refusal(app).detail == "login_required: Nobody is signed in"
    assert was_used(app)


def test_the_log_says_what_was_found_and_names_nobody(app: Flask, client: StrictClient, time: Clock) -> None:
    registration_id = forger.school_with_platform(app)

    forger.launch(client, aud="another-tool")

    line = last_refusal(app)
    assert line.detail == f"aud is 'another-tool', wanted {forger.CLIENT_ID}"
    assert line.registration_id == registration_id


def test_a_launch_of_a_megabyte_is_refused_before_it_is_read(
    app: Flask, client: StrictClient, time: Clock
) -> None:
    forger.school_with_platform(app)
    before, login = counts(app), forger.log_in(client)

    response = forger.send(client, login.state, "x" * 1_100_000)

    assert response.status_code == 413
    assert client.heading == "That is too large"
    assert counts(app) == before


@pytest.mark.parametrize("refusal", Refusal)
def test_every_refusal_says_what_happened_what_to_do_and_what_to_tell_the_admin(refusal: Refusal) -> None:
    words = WORDS[refusal]

    assert 400 <= words.status < 600
    assert all(sentence.endswith(".") for sentence in (words.happened, words.to_do, words.for_admin))
