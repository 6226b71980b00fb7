"""The secrets of this installation: each in a file of its own in the data folder, open to its owner alone.

None is derived from another, so that losing one gives away only what that one protects.
"""

from __future__ import annotations

import os
import re
import secrets
import shlex
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from lms.errors import CountersignError

SESSION_SECRET = "session-secret"  # noqa: S105 (the name of a file)
LEDGER_KEY = "ledger-key.pem"
OTHERS = stat.S_IRWXG | stat.S_IRWXO
_SECRET = re.compile(rb"[0-9a-f]{64}\n")


class KeyFileError(CountersignError):
    """A key file that can't be used; the message names it and says what to do."""


def session_secret(folder: Path) -> str:
    """The secret that signs session cookies: 64 hex digits (256 random bits), made at first use.

    KeyFileError where its file is damaged, open to others, or can't be read or made.
    """
    path = folder / SESSION_SECRET
    kept = _read_or_make(path, _new_session_secret)
    if not _SECRET.fullmatch(kept):
        raise _damaged(path, "Everybody then signs in again.")
    return kept.decode().strip()


def ledger_key(folder: Path) -> Ed25519PrivateKey:
    """The Ed25519 key that signs ledger checkpoints (a PEM file, PKCS #8), made at first use.

    KeyFileError where its file is damaged, open to others, or can't be read or made.
    """
    path = folder / LEDGER_KEY
    cost = "New checkpoints are then signed by a new key; keep the old public key to check old receipts."
    try:
        key = load_pem_private_key(_read_or_make(path, _new_ledger_key), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise _damaged(path, cost) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise _damaged(path, cost)
    return key


def _new_session_secret() -> bytes:
    return secrets.token_hex(32).encode() + b"\n"


def _new_ledger_key() -> bytes:
    key = Ed25519PrivateKey.generate()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _damaged(path: Path, cost: str) -> KeyFileError:
    aside = f"mv {shlex.quote(str(path))} {shlex.quote(f'{path}.damaged')}"
    return KeyFileError(
        f"The key file {path} is damaged. Put it back from a backup. "
        f"If there is none, run: {aside} and start again: a new one is made. {cost}"
    )


def _read_or_make(path: Path, make: Callable[[], bytes]) -> bytes:
    with _failures_named(path):
        try:
            return _read(path)
        except FileNotFoundError:
            _publish(path, make())
            return _read(path)


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        # The open file is asked, not the path: between the two somebody could put another file there.
        if os.fstat(file.fileno()).st_mode & OTHERS:
            raise KeyFileError(
                f"Other people on this machine can open the key file {path}. "
                f"Run: chmod 600 {shlex.quote(str(path))} and start again."
            )
        return file.read()


def _publish(path: Path, secret: bytes) -> None:
    """Put a whole, durable file at `path`, or leave alone the one that another process put there first."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # A link appears at once and never replaces a file, so nobody reads half a key and the first one stays.
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        _write(draft, secret)
        with suppress(FileExistsError):
            os.link(draft, path)
    finally:
        draft.unlink(missing_ok=True)
    _sync_folder(path.parent)


def _write(path: Path, secret: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(secret)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _failures_named(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise KeyFileError(
            f"The key file {path} can't be read or made ({error.strerror}). "
            "Let the account that runs Countersign read and write its folder."
        ) from error
