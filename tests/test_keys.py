"""Key files: who may open them, who makes them first, and what is said when one is damaged."""

from __future__ import annotations

import multiprocessing
import os
import stat
from multiprocessing.synchronize import Barrier
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from lms.keys import LEDGER_KEY, SESSION_SECRET, KeyFileError, ledger_key, session_secret

PEM, PKCS8 = Encoding.PEM, PrivateFormat.PKCS8


def use(folder: Path, name: str) -> bytes:
    """Whatever the named file holds, as its owner function returns it."""
    if name == SESSION_SECRET:
        return session_secret(folder).encode()
    return ledger_key(folder).private_bytes_raw()


both_files = pytest.mark.parametrize("name", [SESSION_SECRET, LEDGER_KEY])


@both_files
def test_a_secret_is_made_once_and_stays_the_same(tmp_path: Path, name: str) -> None:
    assert use(tmp_path, name) == use(tmp_path, name)


@both_files
def test_only_the_owner_may_open_the_file(tmp_path: Path, name: str) -> None:
    old = os.umask(0)
    try:
        use(tmp_path, name)
    finally:
        os.umask(old)

    assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600


def test_the_data_folder_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    session_secret(tmp_path / "countersign")

    assert stat.S_IMODE((tmp_path / "countersign").stat().st_mode) == 0o700


def test_nothing_but_the_two_files_is_left_behind(tmp_path: Path) -> None:
    session_secret(tmp_path)
    ledger_key(tmp_path)

    assert sorted(each.name for each in tmp_path.iterdir()) == [LEDGER_KEY, SESSION_SECRET]


def test_two_installations_share_no_secret_and_the_two_secrets_differ(tmp_path: Path) -> None:
    one, another = tmp_path / "one", tmp_path / "another"
    secrets = {session_secret(one), session_secret(another)}
    secrets |= {ledger_key(one).private_bytes_raw().hex(), ledger_key(another).private_bytes_raw().hex()}

    assert len(secrets) == 4


@both_files
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o660, 0o644])
def test_a_file_that_others_can_open_is_refused_with_the_command_that_mends_it(
    tmp_path: Path, name: str, mode: int
) -> None:
    folder = tmp_path / "a folder"
    before = use(folder, name)
    (folder / name).chmod(mode)

    with pytest.raises(KeyFileError) as refusal:
        use(folder, name)

    assert f"Run: chmod 600 '{folder / name}' and" in str(refusal.value)
    (folder / name).chmod(0o600)
    assert use(folder, name) == before


@both_files
@pytest.mark.parametrize("damage", [b"", b"\n", b"\xff\x00", b"half a ke"])
def test_a_damaged_file_is_named_and_left_as_it_is(tmp_path: Path, name: str, damage: bytes) -> None:
    use(tmp_path, name)
    (tmp_path / name).write_bytes(damage)

    with pytest.raises(KeyFileError, match=rf"{tmp_path / name} is damaged.*backup.*mv "):
        use(tmp_path, name)

    assert (tmp_path / name).read_bytes() == damage


@pytest.mark.parametrize("kind", ["another algorithm", "locked with a password"])
def test_a_ledger_key_that_we_cannot_sign_with_is_refused(tmp_path: Path, kind: str) -> None:
    if kind == "another algorithm":
        pem = rsa.generate_private_key(65537, 2048).private_bytes(PEM, PKCS8, NoEncryption())
    else:
        pem = Ed25519PrivateKey.generate().private_bytes(PEM, PKCS8, BestAvailableEncryption(b"secret"))
    path = tmp_path / LEDGER_KEY
    path.touch(mode=0o600)
    path.write_bytes(pem)

    with pytest.raises(KeyFileError, match="is damaged"):
        ledger_key(tmp_path)


@both_files
def test_a_folder_that_cannot_be_made_is_a_sentence_that_names_the_file(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_text("in the way")

    with pytest.raises(KeyFileError, match=f"{name} can't be read or made"):
        use(tmp_path / "file", name)


def in_step(folder: Path, name: str, start: Barrier, answers: multiprocessing.Queue[bytes]) -> None:
    start.wait(timeout=30)
    answers.put(use(folder, name))


@both_files
def test_processes_that_start_together_get_the_same_secret(tmp_path: Path, name: str) -> None:
    context = multiprocessing.get_context("spawn")
    start, answers = context.Barrier(6), context.Queue()
    racers = [context.Process(target=in_step, args=(tmp_path, name, start, answers)) for _ in range(6)]

    for each in racers:
        each.start()
    got = {answers.get(timeout=60) for _ in racers}
    for each in racers:
        each.join(timeout=60)

    assert got == {use(tmp_path, name)}
    assert [each.name for each in tmp_path.iterdir()] == [name]
