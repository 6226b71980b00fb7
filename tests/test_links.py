"""Personal links: minted late, dead when replaced, locked after five wrong codes."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask

from lms import links, short_codes
from lms.db import session
from lms.errors import ConflictError
from lms.links import LASTS, MOST_WRONG, PersonalLink, Press, Refusal
from lms.people import EngagementType, Person, end_engagement
from lms.short_codes import LETTERS, NotACode
from tests.conftest import NOW
from tests.factories import World, engagement_of, make_person
from tests.signers import sign


@pytest.fixture
def world(in_app: None) -> World:
    return World()


def press(world: World, secret: str = "a" * 43, *, days: int = 0) -> Press:
    return Press(world.school, world.person.id, secret, NOW + timedelta(days=days))


def opened(made: links.Made, *, days: float = 0) -> PersonalLink | Refusal:
    assert made.secret is not None
    return links.find(made.secret, NOW + timedelta(days=days))


def test_the_same_press_makes_the_same_link_and_another_kills_it(world: World) -> None:
    first = links.print_letter(press(world), world.person)
    again = links.print_letter(press(world), world.person)
    assert (again.code, again.secret) == (first.code, first.secret)
    other = links.print_letter(press(world, "b" * 43), world.person)
    assert opened(first) is Refusal.UNKNOWN
    assert opened(other) is not Refusal.UNKNOWN
    assert session.query(PersonalLink).count() == 1


def test_only_hashes_are_kept(world: World) -> None:
    made = links.print_letter(press(world), world.person)
    kept = str(vars(session.query(PersonalLink).one()))
    assert made.secret
    assert made.code
    assert made.secret not in kept
    assert made.code not in kept


def test_a_link_works_for_fourteen_days(world: World) -> None:
    made = links.print_letter(press(world), world.person)
    assert opened(made, days=13.9) is made.link
    assert opened(made, days=LASTS.days) is Refusal.EXPIRED


def test_a_leavers_link_and_one_with_nothing_to_sign_say_so(app: Flask, world: World) -> None:
    leaver = make_person(world.school)
    gone, done = (links.print_letter(press(world), person) for person in (leaver, world.person))
    end_engagement(engagement_of(leaver), ends=NOW.date() - timedelta(days=1), now=NOW)
    sign(app, world.school, world.person)
    assert opened(gone) is Refusal.LEFT
    assert opened(done, days=0.1) is Refusal.NOTHING_TO_SIGN
    with pytest.raises(ConflictError, match="nothing to sign"):
        links.print_letter(press(world, "b" * 43), leaver)


def test_five_wrong_codes_lock_a_link_for_the_right_one_too(world: World) -> None:
    made = links.print_letter(press(world), world.person)
    wrong = "222222" if made.code != "222222" else "333333"
    for _ in range(MOST_WRONG):
        assert not links.give_code(made.link, wrong, "203.0.113.7", NOW)
    assert opened(made) is Refusal.LOCKED
    anew = links.print_letter(press(world, "b" * 43), world.person)
    assert opened(anew) is made.link
    assert anew.code
    assert links.give_code(made.link, anew.code, "203.0.113.7", NOW)


def test_one_address_is_stopped_after_fifty_wrong_codes_for_any_links(world: World) -> None:
    for number in range(links.WRONG_FROM_AN_ADDRESS):
        if number % 4 == 0:
            made = links.print_letter(press(world, str(number) * 43), make_person(world.school))
        links.give_code(made.link, "2" * 5 + "3", "203.0.113.7", NOW)
    assert links.is_paused("203.0.113.7", NOW)
    assert not links.is_paused("203.0.113.8", NOW)
    assert not links.is_paused("203.0.113.7", NOW + links.WHILE)


def test_five_guesses_at_six_letters_are_hopeless_even_for_a_thousand_links() -> None:
    codes = len(LETTERS) ** links.CODE_LENGTH
    assert 1000 * MOST_WRONG / codes < 1 / 100_000


def test_somebody_without_an_address_gets_no_mail(world: World) -> None:
    person = make_person(world.school, EngagementType.GOVERNOR, email=None)
    with pytest.raises(ConflictError, match="Print a letter"):
        links.send(press(world), person)


def test_revoking_ends_the_link_and_every_open_session(world: World) -> None:
    made = links.print_letter(press(world), world.person)
    before = session.get_one(Person, world.person.id).sign_in_epoch
    links.revoke(press(world), made.link)
    links.revoke(press(world), made.link)
    assert opened(made) is Refusal.REVOKED
    assert session.get_one(Person, world.person.id).sign_in_epoch == before + 1


@pytest.mark.parametrize("typed", ["k7q-m2x", " K7QM2X ", "K7Q M2X", "k7q–m2x"])
def test_a_code_is_read_however_it_is_typed(typed: str) -> None:
    assert short_codes.read(typed, 6) == "K7QM2X"


@pytest.mark.parametrize(
    ("typed", "said"), [("", "Enter"), ("K7Q", "six"), ("K0QM2X", "never has 0"), ("K7Q?2X", "only letters")]
)
def test_what_is_no_code_is_said_to_be_none(typed: str, said: str) -> None:
    with pytest.raises(NotACode, match=said):
        short_codes.read(typed, 6)


def test_a_press_makes_different_codes_for_different_people_of_all_the_letters() -> None:
    made = {short_codes.made_from("s" * 43, str(n), 6) for n in range(500)}
    assert len(made) == 500
    assert set("".join(made)) == set(LETTERS)


def test_all_of_one_ipv6_customers_addresses_are_one() -> None:
    assert short_codes.network_of("2001:db8::1") == short_codes.network_of("2001:db8::ffff")
    assert short_codes.network_of("::ffff:203.0.113.7") == short_codes.network_of("203.0.113.7")
    assert short_codes.network_of(None) != short_codes.network_of("203.0.113.7")
