"""Where a launch meets the platform's published keys: rotated, unknown, unreachable."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from flask import Flask

from lms.config import Settings
from lms.db import session, transaction
from lms.lti.key_sets import COOLDOWN
from lms.lti.launch_log import ACCEPTED, Launch
from lms.lti.logins import OidcTransaction
from lms.lti.platforms import Registration
from lms.lti.refusal_words import WORDS
from lms.lti.refusals import Refusal
from tests.client import StrictClient
from tests.conftest import NOW, Clock
from tests.lti import forger
from tests.lti.forger import message, signed
from tests.lti.stand_in import Fault, StandIn, fault


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Settings of a trial, with a platform on loopback."""
    return settings.model_copy(update={"lti_allow_private_hosts": True})


@pytest.fixture
def platform(app: Flask, time: Clock) -> Iterator[StandIn]:
    """A platform that is connected, and that publishes the first key; nothing is cached."""
    with StandIn(lambda _now: {"keys": []}) as server:
        server.jwks = forger.key_set("first")
        forger.school_with_platform(app, jwks_uri=server.jwks_uri)
        yield server


def launch(client: StrictClient, kid: str, time: Clock) -> int:
    """Launch with a token signed by this key; return the status."""
    login = forger.log_in(client)
    return forger.send(
        client, login.state, signed(message(login.nonce, now=time.now), kid=kid, by=kid)
    ).status_code


def outcomes(app: Flask) -> list[str]:
    with app.app_context(), transaction(write=False):
        return [line.outcome for line in session.query(Launch).order_by(Launch.at)]


def all_used(app: Flask) -> bool:
    with app.app_context(), transaction(write=False):
        return all(login.used_at is not None for login in session.query(OidcTransaction))


def test_the_keys_are_fetched_once_and_then_known(
    app: Flask, client: StrictClient, time: Clock, platform: StandIn
) -> None:
    assert launch(client, "first", time) == 200
    assert launch(client, "first", time) == 200

    assert len(platform.asked("jwks")) == 1


def test_a_key_that_the_platform_changed_is_found_in_the_same_launch(
    app: Flask, client: StrictClient, time: Clock, platform: StandIn
) -> None:
    launch(client, "first", time)
    platform.jwks = {"keys": [{"kty": "of tomorrow", "kid": "x"}, "no key", forger.jwk("second")]}
    time.now = NOW + timedelta(hours=1)

    assert launch(client, "second", time) == 200

    assert outcomes(app) == [ACCEPTED, ACCEPTED]
    assert len(platform.asked("jwks")) == 2


def test_a_flood_of_unknown_keys_asks_the_platform_once_a_cooldown(
    app: Flask, client: StrictClient, time: Clock, platform: StandIn
) -> None:
    statuses = {launch(client, "stranger", time) for _ in range(5)}
    asked = len(platform.asked("jwks"))
    time.now = NOW + COOLDOWN
    launch(client, "stranger", time)

    assert statuses == {WORDS[Refusal.KEY_UNKNOWN].status}
    assert outcomes(app) == [Refusal.KEY_UNKNOWN] * 6
    assert (asked, len(platform.asked("jwks"))) == (1, 2)


def test_a_flood_keeps_nobody_out_whose_key_is_known(
    app: Flask, client: StrictClient, time: Clock, platform: StandIn
) -> None:
    launch(client, "first", time)
    time.now = NOW + COOLDOWN
    launch(client, "stranger", time)
    platform.always("jwks", Fault.DROP)

    assert launch(client, "first", time) == 200


@pytest.mark.parametrize(
    "what", [Fault.DROP, Fault.HALF, Fault.HUGE, Fault.ELSEWHERE, Fault.PROSE, fault(500)], ids=str
)
def test_a_platform_whose_keys_cannot_be_had_is_named_as_the_reason(
    what: Fault, app: Flask, client: StrictClient, time: Clock, platform: StandIn
) -> None:
    platform.always("jwks", what)

    assert launch(client, "first", time) == 503

    assert outcomes(app) == [Refusal.KEYS_UNREACHABLE]
    assert forger.signed_in(client) is None
    assert all_used(app)


@pytest.mark.parametrize("keeps_cookies", [True, False])
def test_no_transaction_is_open_while_the_keys_are_fetched(
    keeps_cookies: bool, app: Flask, client: StrictClient, time: Clock, platform: StandIn
) -> None:
    written: list[str] = []
    answer = platform._jwks

    def write_meanwhile(question: object) -> object:
        with app.app_context(), transaction():
            session.query(Registration).one().name = "Renamed"
            written.append("yes")
        return answer(question)  # type: ignore[arg-type]

    platform._jwks = write_meanwhile  # type: ignore[method-assign, assignment]

    login = forger.log_in(client, lti_storage_target="_parent")
    browser = client if keeps_cookies else app.test_client()
    assert forger.send(browser, login.state, signed(message(login.nonce))).status_code == 200
    assert written == ["yes"]
