"""Passwords: kept as argon2id, forgiving of keyboards, locked after ten wrong guesses."""

from __future__ import annotations

from datetime import timedelta

import pytest

from lms.credentials import LOCK_AFTER, Credential, check_password, set_password
from lms.db import session, transaction
from lms.errors import ConflictError
from lms.people import Person
from tests.conftest import NOW
from tests.factories import make_person, make_school

pytestmark = pytest.mark.usefixtures("in_app")


@pytest.fixture
def person() -> Person:
    with transaction():
        made = make_person(make_school(), email="hr@school.test")
        set_password(made, "café au lait, please")
    return made


def check(password: str, *, email: str = "hr@school.test", after: timedelta = timedelta(0)) -> bool:
    with transaction():
        return check_password(email, password, NOW + after) is not None


def test_a_password_is_kept_as_argon2id_and_never_as_it_is(person: Person) -> None:
    with transaction(write=False):
        kept = session.get_one(Credential, person.id).password_hash
    assert kept.startswith("$argon2id$")
    assert "café" not in kept


def test_the_same_letters_typed_on_another_keyboard_are_the_same_password(person: Person) -> None:
    assert check("café au lait, please")
    assert check("cafe\u0301 au lait, please")
    assert not check("cafe au lait, please")


def test_a_short_password_is_refused_with_the_length_it_needs(person: Person) -> None:
    with pytest.raises(ConflictError, match="at least 12 characters"), transaction():
        set_password(person, "eleven char")


def test_the_address_is_read_whatever_its_case(person: Person) -> None:
    assert check("café au lait, please", email=" HR@School.test ")


def test_the_tenth_wrong_guess_locks_and_the_lock_ends_by_itself(person: Person) -> None:
    for _ in range(LOCK_AFTER - 1):
        check("wrong")
    assert check("café au lait, please"), "nine are forgiven"
    for _ in range(LOCK_AFTER):
        check("wrong")
    assert not check("café au lait, please")
    check("wrong", after=timedelta(minutes=10))
    assert check("café au lait, please", after=timedelta(minutes=15)), (
        "guesses meanwhile don't make it longer"
    )


def test_a_new_password_unlocks_and_ends_the_sessions_that_were_open(person: Person) -> None:
    for _ in range(LOCK_AFTER):
        check("wrong")
    epoch = person.sign_in_epoch
    with transaction():
        set_password(session.get_one(Person, person.id), "another good one")
    assert check("another good one")
    assert not check("café au lait, please")
    session.rollback()
    with transaction(write=False):
        assert session.get_one(Person, person.id).sign_in_epoch == epoch + 1


def test_somebody_without_a_password_is_not_let_in_by_an_empty_one() -> None:
    with transaction():
        make_person(make_school(), email="plain@school.test")
    assert not check("", email="plain@school.test")
    assert not check("", email="stranger@school.test")
