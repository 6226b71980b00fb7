"""The ways of not signing that tell nobody or record a choice."""

from __future__ import annotations

import json

from flask import Flask

from lms.attestations import Attestation
from lms.help_requests import HelpRequest
from lms.mail import Message
from tests.client import StrictClient
from tests.learners import Classroom
from tests.web.practice import rows
from tests.web.signing.acts import address, choose, sign, the_attestation


def test_not_signing_asks_which_way_and_needs_an_answer(learner: StrictClient, classroom: Classroom) -> None:
    learner.get(address(classroom, "/not-signing"))
    response = learner.submit(button="Continue")
    assert response.status_code == 400
    assert "Choose what fits best" in learner.text
    assert learner.post(address(classroom, "/not-signing"), data={"way": "flee"}).status_code == 400


def test_more_time_records_nothing_and_says_when_it_is_due(
    learner: StrictClient, classroom: Classroom, app: Flask
) -> None:
    choose(learner, classroom, "more-time")
    assert learner.heading == "Take your time"
    assert "15 September 2026" in learner.text
    assert rows(app, Attestation) == rows(app, HelpRequest) == rows(app, Message) == 0
    learner.follow("Back to My training")
    assert learner.address == "/"


def test_choosing_not_to_sign_is_recorded_says_that_the_policy_applies_and_can_be_undone_by_signing(
    learner: StrictClient, classroom: Classroom, app: Flask
) -> None:
    choose(learner, classroom, "decline")
    assert "The policy still applies to you." in learner.text
    assert "ask your union" in learner.text
    learner.submit(button="I choose not to sign", reason="My union asked us to wait.")
    assert "Chose not to sign. The policy still applies." in learner.text
    assert "My union asked us to wait." in learner.text
    declined = learner.address
    record, details = the_attestation(app)
    assert record["type"] == "declined"
    assert "union" not in json.dumps(record)
    assert details["reason"] == "My union asked us to wait."
    learner.get(address(classroom, "/not-signing/decline"), follow_redirects=True)
    assert learner.address == declined
    learner.follow("read and sign the policy")
    assert "You chose not to sign this. You can still sign it now." in learner.text
    learner.submit(button="Sign", statement="y", typed_name="Priya Nair")
    assert "Signed. This is not clearance to work." in learner.text
    assert rows(app, Attestation) == 2


def test_declining_needs_no_reason_and_two_presses_are_one(
    learner: StrictClient, classroom: Classroom, app: Flask
) -> None:
    learner.get(address(classroom, "/not-signing/decline"))
    form = dict(learner.page.xpath("//main//form")[0].form_values())
    answers = [learner.post(address(classroom, "/not-signing/decline"), data=form) for _ in range(2)]
    assert len({answer.headers["Location"] for answer in answers}) == 1
    assert rows(app, Attestation) == 1
    assert "reason" not in the_attestation(app)[1]


def test_what_was_signed_in_another_tab_is_not_declined(
    learner: StrictClient, classroom: Classroom, app: Flask
) -> None:
    learner.get(address(classroom, "/not-signing/decline"))
    form = dict(learner.page.xpath("//main//form")[0].form_values())
    sign(learner, classroom)
    response = learner.post(address(classroom, "/not-signing/decline"), data=form)
    assert response.status_code == 409
    assert "You have signed this already" in learner.text
    assert rows(app, Attestation) == 1


def test_there_are_no_ways_of_not_signing_what_is_signed(learner: StrictClient, classroom: Classroom) -> None:
    sign(learner, classroom)
    receipt = learner.address
    for rest in ("/not-signing", "/not-signing/more-time"):
        learner.get(address(classroom, rest), follow_redirects=True)
        assert learner.address == receipt
    assert learner.get(address(classroom, "/not-signing/decline")).status_code == 409


def test_a_way_that_does_not_exist_is_not_found(learner: StrictClient, classroom: Classroom) -> None:
    assert learner.get(address(classroom, "/not-signing/run-away")).status_code == 404
