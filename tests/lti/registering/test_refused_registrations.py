"""Platforms that refuse, break off or take their time."""

from __future__ import annotations

import threading

import pytest
from flask import Flask

from lms.audit import AuditEntry
from lms.db import session, transaction
from lms.lti.platforms import Registration
from lms.schools import Organisation
from tests.client import StrictClient
from tests.lti import stand_in_rules as rules
from tests.lti.registering.steps import CONNECT, count, is_open, kept, opened
from tests.lti.stand_in import Fault, Reply, StandIn, fault


@pytest.mark.parametrize(
    ("what", "said"),
    [
        (Fault.HALF, "broke off"),
        (Fault.HUGE, "too long"),
        (Fault.ELSEWHERE, "169.254.169.254"),
        (Fault.PROSE, "not JSON"),
        (
            fault(400, {"error": "invalid", "error_description": "Domain <taken>"}),
            "400: Domain <taken>",
        ),
        (fault(401, {"error": "token_already_used"}), "401: token_already_used"),
        (fault(500), "it answered 500"),
        (fault(200, {}), "without a client id"),
        (fault(200, {"client_id": None}), "without a client id"),
        (fault(200, {"client_id": ""}), "without a client id"),
        (fault(200, {"client_id": "x" * 256}), "without a client id"),
        (fault(200, {"client_id": ["tool-1"]}), "without a client id"),
    ],
)
def test_a_registration_that_fails_says_why_and_the_invitation_can_be_used_again(
    app: Flask, client: StrictClient, platform: StandIn, secret: str, what: Fault | Reply, said: str
) -> None:
    opened(client, secret, platform.configuration_url)
    platform.next("registration", what)

    response = client.submit(button=CONNECT)

    assert response.status_code == 400
    assert said in client.text
    assert "Your invitation is still good" in client.text
    assert count(app, Registration) == count(app, AuditEntry) == 0
    opened(client, secret, platform.configuration_url)
    client.submit(button=CONNECT)
    assert client.heading == "Moodle is connected"


def test_a_client_id_that_is_registered_already_is_not_registered_twice(
    app: Flask, client: StrictClient, platform: StandIn, school: Organisation, secret: str
) -> None:
    with app.app_context(), transaction():
        platform.register(school.id)
    opened(client, secret, platform.configuration_url)

    client.submit(button=CONNECT)

    assert "connected already, with the same client id" in client.text
    assert is_open(app, secret)
    assert count(app, Registration) == 1


def test_ids_that_a_platform_writes_as_numbers_are_kept_as_text(
    app: Flask, client: StrictClient, platform: StandIn, secret: str
) -> None:
    said = {"client_id": 10000000000001, rules.TOOL_CONFIGURATION: {"deployment_id": 7}, "scope": rules.SCORE}
    opened(client, secret, platform.configuration_url)
    platform.next("registration", fault(201, said))

    client.submit(button=CONNECT)

    registration, (deployment,) = kept(app)
    assert (registration.client_id, deployment.value) == ("10000000000001", "7")
    assert registration.scopes == [rules.SCORE]


def test_nobody_waits_for_a_slow_platform_but_its_own_administrator(
    app: Flask, client: StrictClient, platform: StandIn, school: Organisation, secret: str
) -> None:
    opened(client, secret, platform.configuration_url)
    platform.next("registration", Fault.SLOW)
    confirming = threading.Thread(target=client.submit, kwargs={"button": CONNECT})
    confirming.start()
    while not platform.asked("registration"):
        threading.Event().wait(0.01)

    with app.app_context(), transaction():
        session.get_one(Organisation, school.id).name = "Ysgol y Môr"

    assert confirming.is_alive()
    platform.release()
    confirming.join(timeout=60)
    assert is_open(app, secret)
