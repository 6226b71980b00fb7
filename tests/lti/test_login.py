"""The login that a platform begins: what it must say, and what we ask it in return."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask

from lms.db import session, transaction
from lms.lti.launch_log import Launch
from lms.lti.launching import own_path
from lms.lti.logins import OidcTransaction, hashed
from lms.lti.platforms import Registration, RegistrationState
from lms.lti.refusal_words import WORDS
from lms.lti.refusals import Refusal
from tests.client import StrictClient
from tests.conftest import Clock
from tests.counting import counted
from tests.lti import forger
from tests.lti.forger import CLIENT_ID, ISSUER, MISSING, OURS


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_the_platform_is_asked_who_it_is_for_a_signed_answer_by_post(
    method: str, app: Flask, client: StrictClient, time: Clock
) -> None:
    forger.school_with_platform(app)
    sent = {"query_string" if method == "GET" else "data": forger.login_fields()}

    response = client.open("/lti/login", method=method, **sent)

    assert response.status_code == 302
    address = response.headers["Location"]
    assert address.startswith(f"{forger.AUTHORIZATION}?")
    login = forger.asked_by(address)
    assert login.asked == {
        "scope": "openid",
        "response_type": "id_token",
        "response_mode": "form_post",
        "prompt": "none",
        "client_id": CLIENT_ID,
        "redirect_uri": f"{OURS}/lti/launch",
        "login_hint": "42",
        "lti_message_hint": "7",
        "state": login.state,
        "nonce": login.nonce,
    }


def test_only_hashes_of_what_the_browser_holds_are_kept(
    app: Flask, client: StrictClient, time: Clock
) -> None:
    forger.school_with_platform(app)

    login = forger.log_in(client)

    with app.app_context(), transaction(write=False):
        kept = session.query(OidcTransaction).one()
    assert kept.state_hash == hashed(login.state)
    assert kept.browser_hash != kept.state_hash
    assert login.state != login.nonce


def test_every_login_has_a_state_and_nonce_of_its_own(app: Flask, client: StrictClient, time: Clock) -> None:
    forger.school_with_platform(app)

    logins = [forger.log_in(client) for _ in range(3)]

    assert len({value for login in logins for value in (login.state, login.nonce)}) == 6


def test_a_login_costs_two_queries(app: Flask, client: StrictClient, time: Clock) -> None:
    forger.school_with_platform(app)

    with counted(app) as sent:
        forger.log_in(client)

    assert len(sent) == 2, sent


def test_an_authorization_address_with_a_query_keeps_it(
    app: Flask, client: StrictClient, time: Clock
) -> None:
    forger.school_with_platform(app)
    with app.app_context(), transaction():
        session.query(Registration).one().authorization_endpoint = f"{forger.AUTHORIZATION}?tenant=3"

    response = client.post("/lti/login", data=forger.login_fields())

    assert response.headers["Location"].startswith(f"{forger.AUTHORIZATION}?tenant=3&scope=openid")


@pytest.mark.parametrize(
    "changes",
    [
        {"client_id": MISSING},
        {"client_id": ""},
        {"lti_message_hint": MISSING},
        {"lti_deployment_id": MISSING},
        {"target_link_uri": OURS},
        {"target_link_uri": f"{OURS}/modules/friend-request?x=1"},
        {"lti_storage_target": "_parent"},
        {"lti_storage_target": "<script>"},
    ],
    ids=str,
)
def test_what_a_platform_may_leave_out_is_no_reason_to_refuse(
    changes: dict[str, Any], app: Flask, client: StrictClient, time: Clock
) -> None:
    forger.school_with_platform(app)

    login = forger.log_in(client, **changes)

    assert login.asked["client_id"] == CLIENT_ID


@pytest.mark.parametrize(
    ("offered", "kept"),
    [("_parent", "_parent"), ("post_message_forwarding", "post_message_forwarding"), ("a b", None)],
)
def test_the_frame_that_offers_storage_is_kept_if_it_has_a_name(
    offered: str, kept: str | None, app: Flask, client: StrictClient, time: Clock
) -> None:
    forger.school_with_platform(app)

    forger.log_in(client, lti_storage_target=offered)

    with app.app_context(), transaction(write=False):
        assert session.query(OidcTransaction).one().storage_target == kept


@pytest.mark.parametrize(
    ("address", "path"),
    [
        ("https://school.test/training", "/"),
        ("https://school.test:443/training/", "/"),
        ("https://school.test/training/modules/x?a=1", "/modules/x?a=1"),
        ("https://school.test/trainings/", None),
        ("https://school.test/", None),
        ("https://school.test:8443/training/", None),
    ],
)
def test_where_we_are_installed_below_a_path_only_what_is_below_it_is_ours(
    address: str, path: str | None
) -> None:
    assert own_path(address, "https://school.test/training") == path


REFUSED: dict[str, tuple[dict[str, Any], Refusal]] = {
    "no issuer": ({"iss": MISSING}, Refusal.UNKNOWN_ISSUER),
    "another issuer": ({"iss": "https://canvas.test"}, Refusal.UNKNOWN_ISSUER),
    "an issuer that can't be kept": ({"iss": "\x00"}, Refusal.UNKNOWN_ISSUER),
    "another client id": ({"client_id": "other"}, Refusal.UNKNOWN_ISSUER),
    "a client id that can't be kept": ({"client_id": "\x00"}, Refusal.UNKNOWN_ISSUER),
    "no login_hint": ({"login_hint": MISSING}, Refusal.LOGIN_HINT_MISSING),
    "an empty login_hint": ({"login_hint": ""}, Refusal.LOGIN_HINT_MISSING),
    "no target": ({"target_link_uri": MISSING}, Refusal.TARGET_MISSING),
    "another's target": ({"target_link_uri": "https://evil.test/"}, Refusal.TARGET_NOT_OURS),
    "another port": ({"target_link_uri": "http://127.0.0.1:8001/"}, Refusal.TARGET_NOT_OURS),
    "another scheme": ({"target_link_uri": "https://127.0.0.1:8000/"}, Refusal.TARGET_NOT_OURS),
    "our address before another's": ({"target_link_uri": f"{OURS}@evil.test/"}, Refusal.TARGET_NOT_OURS),
    "our address within another's": ({"target_link_uri": f"{OURS}.evil.test/"}, Refusal.TARGET_NOT_OURS),
    "a path alone": ({"target_link_uri": "/modules/friend-request"}, Refusal.TARGET_NOT_OURS),
    "no scheme": ({"target_link_uri": "//evil.test/"}, Refusal.TARGET_NOT_OURS),
    "a script": ({"target_link_uri": "javascript:alert(1)"}, Refusal.TARGET_NOT_OURS),
    "a backslash": ({"target_link_uri": "http://127.0.0.1:8000\\@evil.test/"}, Refusal.TARGET_NOT_OURS),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_login_that_is_wrong_in_one_thing_is_refused_by_its_own_code(
    case: str, app: Flask, client: StrictClient, time: Clock
) -> None:
    changes, refusal = REFUSED[case]
    forger.school_with_platform(app)

    response = client.post("/lti/login", data=forger.login_fields(**changes))

    assert_refused(app, client, response, refusal)


def assert_refused(app: Flask, client: StrictClient, response: Any, refusal: Refusal) -> None:
    """Fail unless the page says why, the log has the same reference, and no login was begun."""
    with app.app_context(), transaction(write=False):
        line = session.query(Launch).one()
        assert session.query(OidcTransaction).count() == 0
    assert response.status_code == WORDS[refusal].status
    assert line.outcome == refusal
    assert f"Reference {line.reference}, code {refusal}" in client.text
    assert "Set-Cookie" not in response.headers


def test_an_issuer_registered_twice_must_say_which_client_it_means(
    app: Flask, client: StrictClient, time: Clock
) -> None:
    forger.school_with_platform(app)
    forger.school_with_platform(app, client_id="second")

    response = client.post("/lti/login", data=forger.login_fields(client_id=MISSING))

    assert_refused(app, client, response, Refusal.AMBIGUOUS_CLIENT)


def test_of_an_issuer_registered_twice_the_client_id_tells_which(
    app: Flask, client: StrictClient, time: Clock
) -> None:
    forger.school_with_platform(app)
    second = forger.school_with_platform(app, client_id="second")

    forger.log_in(client, client_id="second")

    with app.app_context(), transaction(write=False):
        assert session.query(OidcTransaction).one().registration_id == second


def test_a_paused_platform_begins_nothing(app: Flask, client: StrictClient, time: Clock) -> None:
    forger.school_with_platform(app)
    with app.app_context(), transaction():
        session.query(Registration).one().state = RegistrationState.PAUSED

    response = client.post("/lti/login", data=forger.login_fields())

    assert_refused(app, client, response, Refusal.PLATFORM_PAUSED)


def test_the_refusal_page_writes_out_nothing_that_was_sent(
    app: Flask, client: StrictClient, time: Clock
) -> None:
    response = client.post("/lti/login", data=forger.login_fields(iss="<b>bold</b>", login_hint="<i>"))

    assert "<b>" not in response.text
    assert ISSUER not in response.text
