"""Configurations that can’t be read, or can’t work."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from lms.config import Settings
from tests.client import StrictClient
from tests.lti import stand_in_rules as rules
from tests.lti.registering.steps import CONNECT, is_open, opened
from tests.lti.stand_in import Fault, Reply, StandIn, fault


@pytest.mark.parametrize(
    ("what", "said"),
    [
        (Fault.HALF, "broke off"),
        (Fault.DROP, "broke off"),
        (Fault.HUGE, "too long"),
        (Fault.ELSEWHERE, "169.254.169.254"),
        (Fault.PROSE, "not JSON"),
        (fault(404), "answered 404"),
        (fault(500), "answered 500"),
        (fault(200, ["a list"]), "not an object"),
    ],
)
def test_an_address_that_gives_no_configuration_says_so_and_leaves_the_invitation_good(
    app: Flask, client: StrictClient, platform: StandIn, secret: str, what: Fault | Reply, said: str
) -> None:
    platform.next("configuration", what)

    response = opened(client, secret, platform.configuration_url)

    assert response.status_code == 400
    assert client.heading == "We couldn’t connect your LMS"
    assert said in client.text
    assert "your invitation is still good" in client.text
    assert is_open(app, secret)
    opened(client, secret, platform.configuration_url)
    client.submit(button=CONNECT)
    assert client.heading == "Moodle is connected"


def without(name: str) -> Callable[[dict[str, Any]], object]:
    return lambda configuration: configuration.pop(name)


def having(name: str, value: object) -> Callable[[dict[str, Any]], object]:
    return lambda configuration: configuration.update({name: value})


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (without(rules.PLATFORM_CONFIGURATION), "doesn’t describe an LTI platform"),
        (having(rules.PLATFORM_CONFIGURATION, ["moodle"]), "doesn’t describe an LTI platform"),
        (without("issuer"), "doesn’t say its issuer"),
        (without("authorization_endpoint"), "doesn’t say its authorization_endpoint"),
        (without("token_endpoint"), "doesn’t say its token_endpoint"),
        (without("jwks_uri"), "doesn’t say its jwks_uri"),
        (without("registration_endpoint"), "doesn’t say its registration_endpoint"),
        (having("jwks_uri", ["https://a.test"]), "doesn’t say its jwks_uri"),
        (having("issuer", ""), "doesn’t say its issuer"),
        (having("issuer", "https://another.school.test"), "is for another platform"),
        (having("issuer", "https://127.0.0.1.evil.test"), "is for another platform"),
        (having("issuer", "https://canvas.instructure.com"), "is for another platform"),
        (having("authorization_endpoint", "javascript:alert(1)"), "begins with https://"),
        (having("authorization_endpoint", "https://a.test/x y"), "has a space"),
        (having("authorization_endpoint", "https://a.test;script-src/"), "begins with https://"),
        (having("token_endpoint", "https://user:pw@a.test/"), "can’t have a user name"),
        (having("token_endpoint", "https://a.test/" + "x" * 2000), "2,000 characters or fewer"),
        (having("jwks_uri", "https://[::1"), "must be a web address"),
        (having("id_token_signing_alg_values_supported", ["HS256"]), "doesn’t sign with RS256"),
    ],
)
def test_a_configuration_that_cannot_work_is_refused_with_the_reason_before_anything_is_sent(
    app: Flask,
    client: StrictClient,
    platform: StandIn,
    secret: str,
    change: Callable[[dict[str, Any]], object],
    said: str,
) -> None:
    change(platform.configuration)

    response = opened(client, secret, platform.configuration_url)

    assert response.status_code == 400
    assert said in client.text
    assert is_open(app, secret)
    assert platform.asked("registration") == []


def test_words_of_the_platform_are_shown_as_words(
    client: StrictClient, platform: StandIn, secret: str
) -> None:
    about = platform.configuration[rules.PLATFORM_CONFIGURATION]
    about |= {"product_family_code": "<script>alert(1)</script>", "version": "1\n\n" + "9" * 5000}

    response = opened(client, secret, platform.configuration_url)

    assert "Connect <script>alert(1)</script> to Countersign?" in client.heading
    assert "&lt;script&gt;" in response.text
    assert len(client.text) < 4000


class TestOnTheInternet:
    """Without the setting for a trial, only https and hosts on the internet are asked."""

    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        return settings.model_copy(update={"lti_allow_private_hosts": False})

    @pytest.mark.parametrize(
        ("address", "said"),
        [
            ("http://moodle.school.test/c", "must begin with https://"),
            ("https://127.0.0.1/c", "inside a network"),
            ("https://[::1]/c", "inside a network"),
            ("https://169.254.169.254/latest/meta-data", "inside a network"),
            ("https://10.1.2.3/c", "inside a network"),
            ("https://[::ffff:127.0.0.1]/c", "inside a network"),
            ("https://localhost/c", "inside a network"),
            ("https://2130706433/c", "as it should"),
            ("file:///etc/passwd", "begins with https://"),
            ("gopher://a.test", "begins with https://"),
            ("moodle", "begins with https://"),
        ],
    )
    def test_other_addresses_are_not_asked(
        self, app: Flask, client: StrictClient, secret: str, address: str, said: str
    ) -> None:
        response = opened(client, secret, address)

        assert response.status_code == 400
        assert said in client.text
        assert is_open(app, secret)

    def test_a_platform_over_plain_http_is_not_asked(
        self, client: StrictClient, platform: StandIn, secret: str
    ) -> None:
        response = opened(client, secret, platform.configuration_url)

        assert response.status_code == 400
        assert platform.questions == []
