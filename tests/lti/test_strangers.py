"""What somebody tries who holds a platform, a page on the web, or both: and what they don't get."""

from __future__ import annotations

import pytest
from flask import Flask

from lms.db import session, transaction
from lms.lti.launch_log import Launch
from lms.lti.platforms import Registration, RegistrationState
from lms.lti.refusal_words import WORDS
from lms.lti.refusals import Refusal
from tests.client import StrictClient
from tests.conftest import Clock
from tests.lti import forger

IN_A_FRAME = {"Sec-Fetch-Dest": "iframe"}


def proof_of_somebody(app: Flask) -> dict[str, str]:
    """Launch from a browser without cookies, up to the form that proves it; return that form's fields."""
    browser = app.test_client(use_cookies=False)
    assert isinstance(browser, StrictClient)
    browser.post("/lti/login", data=forger.login_fields(lti_storage_target="_parent"), headers=IN_A_FRAME)
    (script,) = browser.page.xpath("//script[@data-secret]")
    login = forger.asked_by(script.get("data-go"))
    forger.send(browser, login.state, forger.signed(forger.message(login.nonce)))
    return {"state": login.state, "secret": script.get("data-secret")}


@pytest.mark.parametrize("sender", ["https://evil.test", "null"])
def test_another_sites_page_cannot_sign_a_visitor_in_with_a_proof_of_its_own(
    sender: str, app: Flask, client: StrictClient, time: Clock
) -> None:
    forger.school_with_platform(app)
    theirs = proof_of_somebody(app)
    client.set_cookie("countersign-cookies", "1", path="/lti")

    response = client.post("/lti/launch/proof", data=theirs, headers={"Origin": sender})

    assert response.status_code == WORDS[Refusal.OTHER_BROWSER].status
    assert forger.signed_in(client) is None
    with app.app_context(), transaction(write=False):
        assert [line.outcome for line in session.query(Launch)] == [Refusal.OTHER_BROWSER]


def test_our_own_page_brings_a_proof(app: Flask, client: StrictClient, time: Clock) -> None:
    forger.school_with_platform(app)
    held = proof_of_somebody(app)
    client.set_cookie("countersign-cookies", "1", path="/lti")

    assert client.post("/lti/launch/proof", data=held, headers={"Origin": forger.OURS}).status_code == 200

    assert forger.signed_in(client) is not None


def test_a_session_that_began_in_a_platform_ends_when_it_is_paused(
    app: Flask, client: StrictClient, time: Clock
) -> None:
    made = forger.school_with_platform(app)
    forger.launch(client, roles=[forger.ADMINISTRATOR])
    assert client.get("/admin/platforms").status_code == 200

    with app.app_context(), transaction():
        session.get_one(Registration, made).state = RegistrationState.PAUSED

    assert client.get("/admin/platforms").status_code == 302
    assert client.get("/").status_code == 302
