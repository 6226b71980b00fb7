"""A platform's keys: kept, fetched anew when they must be, and never so often that we become a nuisance."""

from __future__ import annotations

import threading
import time as wall
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from flask import Flask
from joserfc.jwk import ECKey, RSAKey

from lms.db import session, transaction
from lms.lti import key_sets
from lms.lti.fetching import Answer, Outgoing
from lms.lti.key_sets import find_key
from lms.lti.platforms import Registration
from lms.lti.refusals import LaunchRefusedError, Refusal
from tests.conftest import NOW
from tests.counting import counted
from tests.factories import make_school
from tests.lti.stand_in import Fault, Reply, StandIn, fault

KID = "platform-key-1"
LATER = NOW + timedelta(seconds=61)
NEXT_DAY = NOW + timedelta(days=1)


@dataclass(frozen=True)
class Watched(Outgoing):
    """Asks as the product does, and notes whether a transaction was open."""

    in_transaction: list[bool] = field(default_factory=list)

    def fetch(self, *args: Any, **kwargs: Any) -> Answer:
        self.in_transaction.append(session().in_transaction())
        return Outgoing.fetch(self, *args, **kwargs)


@dataclass
class World:
    """A platform, and the registration that we keep of it."""

    platform: StandIn
    id: UUID
    outgoing: Watched

    def row(self) -> Registration:
        """Read the registration afresh, as a launch does."""
        with transaction(write=False):
            row = session.get_one(Registration, self.id, populate_existing=True)
            session.expunge(row)
        return row

    def find(self, kid: str = KID, *, now: Any = NOW) -> dict[str, str]:
        """Find a key as one launch does."""
        return find_key(self.row(), kid, self.outgoing, now)

    def refusal(self, kid: str = KID, *, now: Any = NOW) -> LaunchRefusedError:
        """Look in vain for a key."""
        with pytest.raises(LaunchRefusedError) as caught:
            self.find(kid, now=now)
        return caught.value

    @property
    def asked(self) -> int:
        """How often the platform was asked for its keys."""
        return len(self.platform.asked("jwks"))


@pytest.fixture
def world(in_app: None) -> Iterator[World]:
    """A platform that nobody has asked for its keys yet."""
    with StandIn(lambda _: {"keys": []}) as platform:
        with transaction():
            registration = platform.register(make_school().id)
        outgoing = Watched(allow_private=True)
        yield World(platform, registration.id, outgoing)
        assert True not in outgoing.in_transaction


@cache
def another_key() -> RSAKey:
    return RSAKey.generate_key(2048, private=True)


def published(kid: str, **changes: Any) -> dict[str, Any]:
    return {**another_key().as_dict(private=False), "kid": kid, "use": "sig", "alg": "RS256", **changes}


def without(key: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in key.items() if name not in names}


def test_a_key_is_fetched_once_and_then_found_without_a_query(world: World, app: Flask) -> None:
    first = world.find()
    row = world.row()
    with counted(app) as sent:
        again = find_key(row, KID, world.outgoing, NOW + timedelta(hours=23))
    assert first == again
    assert RSAKey.import_key(dict(first)).raw_value.key_size == 2048
    assert (len(sent), world.asked) == (0, 1)


def test_a_key_that_the_platform_brought_in_since_is_fetched_at_once(world: World) -> None:
    world.find()
    world.platform.jwks["keys"].append(published("new"))
    assert world.find("new", now=LATER)["kid"] == "new"
    assert world.asked == 2
    world.platform.jwks["keys"].pop()


def test_a_flood_of_unknown_kids_asks_the_platform_once_a_minute(world: World) -> None:
    world.find()
    for second in range(0, 121, 20):
        refusal = world.refusal(f"made-up-{second}", now=NOW + timedelta(seconds=second))
        assert refusal.refusal is Refusal.KEY_UNKNOWN
    assert world.asked == 3


def test_a_flood_of_unknown_kids_writes_nothing(world: World, app: Flask) -> None:
    world.find()
    row = world.row()
    with counted(app) as sent, pytest.raises(LaunchRefusedError):
        find_key(row, "made-up", world.outgoing, NOW)
    assert [statement.split()[0] for statement in sent] == ["SELECT"]


def test_an_unknown_kid_is_named_in_the_log_for_the_administrator(world: World) -> None:
    assert world.refusal("made-up").detail == "no key 'made-up' among 1"


def test_a_whole_class_that_launches_with_a_new_key_gets_in_and_asks_once(world: World, app: Flask) -> None:
    world.find()
    world.platform.jwks = {"keys": [published("new")]}
    together = threading.Barrier(8)

    def launch(_: int) -> str:
        with app.app_context():
            row = world.row()
            together.wait(10)
            return find_key(row, "new", world.outgoing, LATER)["kid"]

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(launch, range(8))) == ["new"] * 8
    assert world.asked == 2


def test_a_flood_from_many_threads_asks_once(world: World, app: Flask) -> None:
    world.find()
    together = threading.Barrier(8)

    def launch(number: int) -> Refusal:
        with app.app_context():
            row = world.row()
            together.wait(10)
            with pytest.raises(LaunchRefusedError) as caught:
                find_key(row, f"made-up-{number}", world.outgoing, LATER)
            return caught.value.refusal

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(launch, range(8))) == {Refusal.KEY_UNKNOWN}
    assert world.asked == 2


def test_a_set_that_is_a_day_old_is_fetched_again(world: World) -> None:
    world.find()
    world.platform.jwks = {"keys": [published("new")]}
    assert world.refusal(now=NEXT_DAY).refusal is Refusal.KEY_UNKNOWN
    assert world.asked == 2


DOWN = [
    Fault.DROP,
    Fault.HALF,
    Fault.HUGE,
    Fault.PROSE,
    Fault.ELSEWHERE,
    fault(500),
    fault(200, {}),
    fault(200, []),
]


@pytest.mark.parametrize("what", DOWN)
def test_a_platform_that_is_down_breaks_no_launch_whose_key_is_kept(
    world: World, app: Flask, what: Fault | Reply
) -> None:
    kept = world.find()
    world.platform.always("jwks", what)
    assert world.find(now=NEXT_DAY) == kept
    assert world.find(now=NEXT_DAY + timedelta(seconds=30)) == kept
    assert world.asked == 2
    with counted(app) as sent:
        row = world.row()
        before = len(sent)
        find_key(row, KID, world.outgoing, NEXT_DAY + timedelta(seconds=31))
        assert len(sent) == before


@pytest.mark.parametrize("what", [Fault.DROP, Fault.PROSE, fault(500)])
def test_a_platform_that_was_never_read_is_unreachable_and_left_alone_for_a_while(
    world: World, what: Fault | Reply
) -> None:
    world.platform.always("jwks", what)
    refusal = world.refusal()
    assert refusal.refusal is Refusal.KEYS_UNREACHABLE
    assert refusal.detail.startswith("127.0.0.1 ")
    assert world.refusal().refusal is Refusal.KEYS_UNREACHABLE
    assert world.asked == 1
    world.platform.well("jwks")
    assert world.find(now=LATER)["kid"] == KID


def test_a_failed_fetch_keeps_nobody_waiting(world: World) -> None:
    world.platform.always("jwks", Fault.DROP)
    world.refusal()
    began = wall.monotonic()
    world.refusal()
    assert wall.monotonic() - began < 1


def test_a_platform_that_says_nothing_holds_a_launch_up_for_seconds_only(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(key_sets, "_WITHIN", 0.3)
    world.platform.always("jwks", Fault.SLOW)
    assert "took longer than 0.3 seconds" in world.refusal().detail


def test_keys_that_cannot_sign_a_launch_are_passed_over(world: World) -> None:
    world.platform.jwks = {
        "keys": [
            None,
            "key",
            {},
            {"kty": "oct", "kid": "a", "k": "c2VjcmV0"},
            ECKey.generate_key("P-256", {"kid": "a"}, private=True).as_dict(private=False),
            {"kty": "AKP", "kid": "a", "pub": "new"},
            published("a", use="enc"),
            published("a", alg="RS512"),
            published("a", n="AQAB"),
            published("a", n="!" * 342),
            published("a", n=7),
            published("a", n="_" * 100_000),
            published("a", e="AA"),
            published(7),  # type: ignore[arg-type]
            without(published("a"), "kid"),
            published("good"),
        ]
    }
    assert world.find("good")["kid"] == "good"
    assert world.refusal("a").refusal is Refusal.KEY_UNKNOWN


def test_a_key_without_alg_or_use_is_taken(world: World) -> None:
    world.platform.jwks = {"keys": [without(published("plain"), "alg", "use")]}
    assert world.find("plain")["kid"] == "plain"


def test_of_two_keys_with_one_kid_the_one_that_can_sign_is_taken(world: World) -> None:
    world.platform.jwks = {"keys": [published("twice", use="enc", n="AQAB"), published("twice")]}
    assert world.find("twice")["n"] == another_key().as_dict(private=False)["n"]


def test_only_the_public_parts_of_a_key_are_kept(world: World) -> None:
    world.platform.jwks = {"keys": [{**another_key().as_dict(private=True), "kid": "shown"}]}
    assert set(world.find("shown")) == {"kty", "kid", "n", "e"}
    assert set(world.row().keys["keys"][0]) == {"kty", "kid", "n", "e"}  # type: ignore[index]


def test_the_row_that_a_launch_holds_is_left_as_it_is(world: World) -> None:
    row = world.row()
    find_key(row, KID, world.outgoing, NOW)
    assert row.keys is None
    assert not sa.inspect(row).modified
