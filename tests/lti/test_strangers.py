"""What somebody tries who holds a platform, a page on the web, or both: and what they don't get."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

import pytest
from flask import Flask
from itsdangerous import URLSafeTimedSerializer
from werkzeug.test import TestResponse

from lms import my_training
from lms.attestations import Attestation, IdentityAssurance
from lms.db import session, transaction
from lms.lti import platforms
from lms.lti.launch_log import Launch
from lms.lti.platforms import Registration, RegistrationState
from lms.lti.refusal_words import WORDS
from lms.lti.refusals import Refusal
from lms.people import EngagementType, Person, engage
from lms.schools import Kind, Organisation, add_school
from tests.client import StrictClient
from tests.conftest import NOW, Clock
from tests.factories import make_assignment, make_person, make_policy, make_school
from tests.lti import forger
from tests.signers import sign

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


@dataclass
class TwoSchools:
    """A trust's two schools, somebody who works at both, and what the second asks of them."""

    registration: Registration
    person: UUID
    second: Organisation
    assignment: UUID
    text_sha256: str


@pytest.fixture
def both(app: Flask, time: Clock) -> TwoSchools:
    with app.app_context(), transaction():
        trust = make_school("Môr Trust")
        trust.kind = Kind.TRUST
        first, second = (add_school(name, host="x.test", parent=trust) for name in ("Un", "Dau"))
        person = make_person(first)
        engage(person, second.id, EngagementType.TEACHER, starts=NOW.date(), now=NOW)
        registration = forger.connect(first)
        forger.recognise(registration, person)
        assignment = make_assignment(second, make_policy(second)).id
        signing = my_training.signing_now(person, assignment, IdentityAssurance.LMS_ACCOUNT, 0, NOW)
        return TwoSchools(registration, person.id, second, assignment, signing.text_sha256)


def test_a_platform_does_not_sign_for_a_school_that_it_is_not_of(
    app: Flask, client: StrictClient, both: TwoSchools
) -> None:
    forger.launch(client)

    answers = [
        client.get(f"/sign/{both.assignment}"),
        client.get(f"/sign/{both.assignment}/not-signing/decline"),
        post_signature(client, both),
    ]

    assert [answer.status_code for answer in answers] == [403, 403, 403]
    assert "For your training at Dau" in client.text
    assert attested(app) == 0


@pytest.mark.parametrize("part", ["", "/proof", "/record", "/text"])
def test_a_platform_does_not_show_what_was_signed_at_a_school_that_it_is_not_of(
    part: str, app: Flask, client: StrictClient, both: TwoSchools
) -> None:
    with app.app_context(), transaction():
        receipt = sign(app, both.second, session.get_one(Person, both.person)).id
    forger.launch(client)

    assert client.get(f"/receipts/{receipt}{part}").status_code == 403

    client.sign_in_as(both.person)
    with client.session_transaction() as cookie:
        del cookie["lti"]
    assert client.get(f"/receipts/{receipt}{part}").status_code == 200


def test_a_platform_of_both_schools_signs_for_both(
    app: Flask, client: StrictClient, both: TwoSchools
) -> None:
    with app.app_context(), transaction():
        platforms.deploy(both.registration, "2", organisation_id=both.second.id, now=NOW, approved=True)
    forger.launch(client)

    client.get(f"/sign/{both.assignment}")
    client.submit(button="Sign", typed_name="Priya Nair", statement=True)

    assert attested(app) == 1


def post_signature(client: StrictClient, both: TwoSchools) -> TestResponse:
    """Send the form of signing, as if its page had been shown."""
    with client.session_transaction() as cookie:
        cookie["csrf_token"] = "kept"
    key = str(client.application.secret_key)
    fields = {"typed_name": "Priya Nair", "cycle": "0", "text_sha256": both.text_sha256, "statement": "y"}
    token = URLSafeTimedSerializer(key, salt="wtf-csrf-token").dumps("kept")
    return client.post(f"/sign/{both.assignment}", data={**fields, "csrf_token": token})


def attested(app: Flask) -> int:
    with app.app_context(), transaction(write=False):
        return session.query(Attestation).count()
