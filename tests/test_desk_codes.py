"""Reception's codes: how they are read, whom they let in, and what a guesser can hope for."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from math import ceil

import pytest
import sqlalchemy as sa
from flask import Flask

from lms import desk, desk_codes
from lms.db import session, transaction
from lms.desk import Place, Visit
from lms.desk_codes import (
    HOUR,
    LASTS,
    LENGTH,
    WHILE,
    WRONG_IN_A_WHILE,
    WRONG_IN_ALL,
    WRONG_SOON,
    WRONG_TO_TELL,
    Pause,
    Refusal,
)
from lms.errors import ConflictError
from lms.people import Person
from lms.short_codes import LETTERS, NotACode
from tests.conftest import NOW
from tests.factories import make_school
from tests.visitors import Morning

OPEN_CODES, ADDRESSES, GUESSED_FOR = 20, 1000, timedelta(hours=2)


@pytest.fixture
def visit(app: Flask) -> Iterator[Visit]:
    with app.app_context(), transaction():
        yield Morning().visit


def test_a_code_has_no_letters_that_look_alike_and_is_written_in_two_fours(visit: Visit) -> None:
    assert len(set(LETTERS)) == 30
    assert not set(LETTERS) & set("01ILOU")
    code = desk_codes.issue(visit, NOW)
    assert [len(part) for part in code.split("-")] == [4, 4]
    assert set(code) <= {*LETTERS, "-"}
    assert code.replace("-", "") not in str(visit.code_hash)


@pytest.mark.parametrize("typed", ["k7qm-2xwd", "K7QM2XWD", " k7qm 2xwd ", "K7QM – 2XWD", "k7 qm-2x wd"])
def test_a_code_is_read_however_it_is_typed(typed: str) -> None:
    assert desk_codes.read(typed) == "K7QM2XWD"


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("K7QM-2XWO", "never has O in it"),
        ("K7QM-0XW1", "never has 0 or 1 in it"),
        ("K7QM-2XW", "has eight letters and numbers, and this has 7"),
        ("K7QM-2XWDD", "this has 9"),
        ("", "Enter the code"),
        ("K7QM-2XW!", "only letters and numbers"),
        ("Ｋ7QM-2XWD", "only letters and numbers"),
    ],
)
def test_what_is_no_code_is_told_why(typed: str, said: str) -> None:
    with pytest.raises(NotACode, match=said):
        desk_codes.read(typed)


def test_a_code_is_for_somebody_who_has_arrived_and_not_left(visit: Visit) -> None:
    desk.leave(visit, NOW)
    with pytest.raises(ConflictError):
        desk_codes.issue(visit, NOW)
    visit.left_at = visit.arrived_at = None
    with pytest.raises(ConflictError):
        desk_codes.issue(visit, NOW)


def test_another_schools_tablet_refuses_a_code_and_binds_nothing(visit: Visit) -> None:
    code = desk_codes.read(desk_codes.issue(visit, NOW))
    elsewhere = make_school("Elsewhere Academy").id
    assert desk_codes.use(code, "x", Place.TABLET, NOW, only_at=elsewhere) is Refusal.OTHER_SCHOOL
    assert visit.device_hash is None
    assert desk_codes.use(code, "x", Place.TABLET, NOW, only_at=visit.organisation_id) is visit


def test_of_two_devices_at_once_the_first_has_the_code(visit: Visit) -> None:
    code = desk_codes.read(desk_codes.issue(visit, NOW))
    # The other device's request has read the visit, unbound, when this one's is committed.
    assert visit.device_hash is None
    first = sa.update(Visit).where(Visit.id == visit.id).values(device_hash="the first device’s")
    session.execute(first.execution_options(synchronize_session=False))
    assert desk_codes.use(code, "second", Place.PHONE, NOW) is Refusal.OTHER_DEVICE
    assert visit.device_hash == "the first device’s"


def wrong(times: int, address: str = "192.0.2.1", at: timedelta = timedelta()) -> None:
    for _ in range(times):
        desk_codes.count_wrong(address, NOW + at)


def minutes(*wanted: int) -> list[timedelta]:
    return [timedelta(minutes=n) for n in wanted]


def test_an_address_that_guesses_fast_waits_a_minute_and_one_that_goes_on_waits_longer(visit: Visit) -> None:
    wrong(WRONG_SOON - 1)
    assert desk_codes.pause("192.0.2.1", NOW) is None
    wrong(1)
    assert desk_codes.pause("192.0.2.1", NOW) is Pause.A_MINUTE
    assert desk_codes.pause("192.0.2.2", NOW) is None
    assert desk_codes.pause("192.0.2.1", NOW + timedelta(minutes=1)) is None
    for minute in minutes(1, 2, 3, 4):
        wrong(WRONG_SOON, at=minute)
    assert desk_codes.pause("192.0.2.1", NOW + timedelta(minutes=6)) is Pause.A_WHILE
    assert desk_codes.pause("192.0.2.1", NOW + WHILE) is None


def test_a_hall_of_150_who_each_mistype_once_in_ten_minutes_is_neither_slowed_nor_reported(
    visit: Visit,
) -> None:
    for minute in range(10):
        wrong(15, at=timedelta(minutes=minute))
        assert desk_codes.pause("192.0.2.1", NOW + timedelta(minutes=minute)) is None
    assert not desk_codes.is_guessed(NOW + timedelta(minutes=10))


def test_reception_is_told_of_guesses_from_many_addresses_and_in_the_end_no_phone_gets_in(
    visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desk_codes, "WRONG_TO_TELL", 6)
    monkeypatch.setattr(desk_codes, "WRONG_IN_ALL", 9)
    for n in range(5):
        wrong(1, f"192.0.2.{n}")
    assert not desk_codes.is_guessed(NOW)
    wrong(1, "192.0.2.200")
    assert desk_codes.is_guessed(NOW)
    assert desk_codes.pause("192.0.2.201", NOW) is None
    wrong(3, "192.0.2.202")
    assert desk_codes.pause("192.0.2.201", NOW) is Pause.AN_HOUR
    assert desk_codes.pause("192.0.2.201", NOW, is_ours=True) is None
    assert desk_codes.pause("192.0.2.201", NOW + HOUR) is None


def test_all_the_addresses_of_one_ipv6_customer_count_as_one(visit: Visit) -> None:
    for n in range(WRONG_SOON):
        wrong(1, f"2001:db8:1:2::{n:x}")
    assert desk_codes.pause("2001:db8:1:2:ffff::9", NOW) is Pause.A_MINUTE
    assert desk_codes.pause("2001:db8:1:3::9", NOW) is None
    wrong(WRONG_SOON, "::ffff:198.51.100.7")
    assert desk_codes.pause("198.51.100.7", NOW) is Pause.A_MINUTE


def test_a_thousand_addresses_guessing_for_two_hours_have_less_than_one_chance_in_a_thousand() -> None:
    """The sum. Windows are fixed, so two hours touch one more of each than they hold."""
    codes = len(LETTERS) ** LENGTH
    assert codes == 656_100_000_000
    whiles, hours = ceil(GUESSED_FOR / WHILE) + 1, ceil(GUESSED_FOR / HOUR) + 1
    by_address = ADDRESSES * WRONG_IN_A_WHILE * whiles
    over_all = WRONG_IN_ALL * hours
    assert (by_address, over_all) == (1_800_000, 30_000)
    # Each guess hits one of the open codes with the chance OPEN_CODES / codes; the sum of them is the most it can be.
    assert min(by_address, over_all) * OPEN_CODES / codes < 1e-6
    # Even if nothing were counted over all, as for a tablet that staff opened:
    assert by_address * OPEN_CODES / codes < 1e-4
    assert LASTS <= GUESSED_FOR
    assert WRONG_TO_TELL < WRONG_IN_ALL


def test_as_fast_as_is_allowed_is_no_faster_than_the_sum_says(visit: Visit) -> None:
    looked_at, moment = 0, NOW
    while moment < NOW + WHILE:
        if desk_codes.pause("192.0.2.1", moment) is None:
            assert desk_codes.use("AAAAAAAA", "x", Place.PHONE, moment) is Refusal.UNKNOWN
            desk_codes.count_wrong("192.0.2.1", moment)
            looked_at += 1
        moment += timedelta(seconds=1)
    assert looked_at == WRONG_IN_A_WHILE


def test_a_new_code_ends_the_old_one_and_the_session_of_the_device_that_used_it(visit: Visit) -> None:
    first = desk_codes.read(desk_codes.issue(visit, NOW))
    assert desk_codes.use(first, "phone", Place.PHONE, NOW) is visit
    before = session.get_one(Person, visit.person_id).sign_in_epoch
    second = desk_codes.read(desk_codes.issue(visit, NOW))
    assert session.get_one(Person, visit.person_id).sign_in_epoch == before + 1
    assert desk_codes.use(first, "phone", Place.PHONE, NOW) is Refusal.UNKNOWN
    assert desk_codes.use(second, "other phone", Place.PHONE, NOW) is visit
