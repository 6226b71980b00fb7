"""Checking a connection: every step says what was found and, where it isn't well, what to do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

import pytest

from lms.db import session, transaction
from lms.lti import connection
from lms.lti.connection import Step
from lms.lti.fetching import Outgoing
from lms.lti.platforms import Registration
from lms.lti.services import SCORE, Services
from lms.lti.tool_keys import ToolKeys
from tests.conftest import NOW
from tests.factories import make_school
from tests.lti.stand_in import Fault, Reply, StandIn, fault

KEYS, CLOCKS, ACCESS = "The platform’s keys", "The two clocks", "Access to its services"


@dataclass
class Tried:
    """A platform, and what a check of it needs."""

    platform: StandIn
    registration: Registration
    services: Services
    outgoing: Outgoing

    def check(self) -> dict[str, Step]:
        """Check the connection, and return the steps by their title."""
        steps = connection.check(self.registration, self.services, self.outgoing, NOW)
        return {step.title: step for step in steps}

    @property
    def well(self) -> dict[str, bool]:
        """Check the connection, and say of each step whether it is well."""
        return {title: step.is_well for title, step in self.check().items()}


@pytest.fixture
def tried(in_app: None, tool_keys: ToolKeys) -> Iterator[Tried]:
    """A platform that was just connected."""
    with StandIn(tool_keys.published) as platform:
        with transaction():
            registration = platform.register(make_school().id)
        outgoing = Outgoing(allow_private=True)
        services = Services(outgoing, tool_keys, "https://training.example")
        yield Tried(platform, registration, services, outgoing)


def test_a_platform_that_is_well_is_said_to_be_and_its_keys_are_kept(tried: Tried) -> None:
    assert tried.well == {KEYS: True, CLOCKS: True, ACCESS: True}
    with transaction(write=False):
        row = session.get_one(Registration, tried.registration.id, populate_existing=True)
        assert row.keys is not None
        assert row.keys_fetched_at == NOW


def test_a_check_asks_anew_every_time(tried: Tried) -> None:
    tried.check()
    tried.check()
    assert len(tried.platform.asked("jwks")) == len(tried.platform.asked("token")) == 2


def test_access_is_asked_for_what_the_platform_granted(tried: Tried) -> None:
    tried.platform.scopes = {SCORE}
    assert tried.well[ACCESS] is False
    tried.registration.scopes = [SCORE, "openid"]
    assert tried.well[ACCESS] is True
    session.rollback()


@pytest.mark.parametrize("what", [Fault.DROP, Fault.PROSE, fault(404), fault(200, {"keys": []})])
def test_keys_that_cannot_be_read_are_no_reason_not_to_try_the_rest(
    tried: Tried, what: Fault | Reply
) -> None:
    tried.platform.always("jwks", what)
    steps = tried.check()
    assert (steps[KEYS].is_well, steps[ACCESS].is_well) == (False, True)
    assert steps[KEYS].words.startswith("127.0.0.1 ")
    assert "Check the address of its key set" in steps[KEYS].words


@pytest.mark.parametrize(
    ("ahead", "words"), [(45, "45 seconds ahead of ours"), (-4000, "4,000 seconds behind ours")]
)
def test_a_clock_that_is_wrong_is_seen_before_launches_fail(tried: Tried, ahead: int, words: str) -> None:
    tried.platform.next("token", fault(200, {"access_token": "abc", "token_type": "Bearer"}))
    tried.platform.next("jwks", _dated(tried, ahead))
    step = tried.check()[CLOCKS]
    assert not step.is_well
    assert words in step.words
    assert "NTP" in step.words


def _dated(tried: Tried, ahead: int) -> Reply:
    at = (NOW + timedelta(seconds=ahead)).strftime("%a, %d %b %Y %H:%M:%S GMT")
    return fault(200, tried.platform.jwks, headers={"Date": at})


@pytest.mark.parametrize("date", ["", "yesterday"])
def test_a_platform_that_does_not_tell_its_time_is_not_blamed(tried: Tried, date: str) -> None:
    tried.platform.next("jwks", fault(200, tried.platform.jwks, headers={"Date": date}))
    assert CLOCKS not in tried.check()


@pytest.mark.parametrize(
    ("product", "words"),
    [
        ("moodle", "“Public keyset” is https://training.example/lti/jwks"),
        ("canvas", "“Public JWK URL” with https://training.example/lti/jwks"),
        ("desire2learn", "keyset URL is https://training.example/lti/jwks"),
        ("blackboardlearn", "JWKS URL is https://training.example/lti/jwks"),
        ("", "keyset URL is https://training.example/lti/jwks"),
    ],
)
def test_a_platform_that_does_not_know_our_key_is_told_where_to_read_it(
    tried: Tried, product: str, words: str
) -> None:
    tried.registration.product = product
    tried.platform.next("token", fault(401, {"error": "invalid_client"}))
    step = tried.check()[ACCESS]
    assert not step.is_well
    assert "does not accept Countersign's key" in step.words
    assert words in step.words
    session.rollback()


def test_a_service_that_is_switched_off_is_said_to_be(tried: Tried) -> None:
    tried.platform.next("token", fault(400, {"error": "invalid_scope"}))
    assert "allow it the grade service" in tried.check()[ACCESS].words


@pytest.mark.parametrize("what", [Fault.DROP, Fault.PROSE, fault(500), fault(200, {})])
def test_a_token_address_that_is_wrong_is_named(tried: Tried, what: Fault | Reply) -> None:
    tried.platform.next("token", what)
    step = tried.check()[ACCESS]
    assert not step.is_well
    assert tried.platform.token_endpoint in step.words


def test_a_platform_that_is_gone_is_said_to_be_in_every_step(in_app: None, tool_keys: ToolKeys) -> None:
    with StandIn(tool_keys.published) as platform, transaction():
        registration = platform.register(make_school().id)
    outgoing = Outgoing(allow_private=True)
    services = Services(outgoing, tool_keys, "https://training.example")
    steps = connection.check(registration, services, outgoing, NOW)
    assert [step.is_well for step in steps] == [False, False]
    assert all("can't be reached" in step.words for step in steps)
