"""The secrets of this installation: each in a file of its own in the data folder, open to its owner alone.

None is derived from another, so that losing one gives away only what that one protects.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import secrets
import shlex
import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from lms.errors import CountersignError

SESSION_SECRET = "session-secret"  # noqa: S105 (the name of a file)
LEDGER_KEY = "ledger-key.pem"
LTI_KEYS = "lti-keys.json"
LTI_KEY_BITS = 2048
"""What RS256 asks for at least (RFC 7518, section 3.3), and every platform takes."""
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


@dataclass(frozen=True)
class LtiKey:
    """One RSA key that we sign with towards platforms, or did."""

    key: RSAPrivateKey
    until: datetime | None
    """When a key that was replaced is published no longer; None for the one that signs."""


def lti_keys(folder: Path) -> tuple[LtiKey, ...]:
    """The RSA keys that platforms know us by, the one that signs first. It is made at first use.

    They are in one file, so that a new key and the time of the old one come together or not at all.
    KeyFileError where the file is damaged, open to others, or can't be read or made.
    """
    path = folder / LTI_KEYS
    return _parsed_lti_keys(path, _read_or_make(path, _new_lti_keys))


def rotate_lti_key(folder: Path, *, now: datetime, until: datetime) -> None:
    """Sign with a new key from now on, and publish the one before it `until` then. Others that are over are dropped.

    Killed anywhere, it leaves the file as it was or as it should be. KeyFileError as for `lti_keys`.
    """
    path = folder / LTI_KEYS
    lti_keys(folder)
    with _failures_named(path), _alone_in(folder):
        signing, *replaced = lti_keys(folder)
        kept = [each for each in replaced if each.until is not None and each.until > now]
        before = LtiKey(signing.key, until)
        _replace(path, _written_lti_keys([LtiKey(_new_rsa_key(), None), before, *kept]))


def _new_lti_keys() -> bytes:
    return _written_lti_keys([LtiKey(_new_rsa_key(), None)])


def _new_rsa_key() -> RSAPrivateKey:
    return generate_private_key(public_exponent=65537, key_size=LTI_KEY_BITS)


def _written_lti_keys(held: Sequence[LtiKey]) -> bytes:
    rows = [
        {
            "until": each.until.isoformat() if each.until else None,
            "pem": each.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode(),
        }
        for each in held
    ]
    return json.dumps(rows, indent=1).encode() + b"\n"


def _parsed_lti_keys(path: Path, kept: bytes) -> tuple[LtiKey, ...]:
    cost = "Platforms read the new one by themselves within a day."
    try:
        held = tuple(_lti_key(row["pem"], row["until"]) for row in json.loads(kept))
    except (ValueError, TypeError, KeyError, AttributeError, UnsupportedAlgorithm) as error:
        raise _damaged(path, cost) from error
    if not held or held[0].until is not None:
        raise _damaged(path, cost)
    return held


def _lti_key(pem: str, until: str | None) -> LtiKey:
    key = load_pem_private_key(pem.encode(), password=None)
    if not isinstance(key, RSAPrivateKey):
        raise TypeError("not an RSA key")
    return LtiKey(key, datetime.fromisoformat(until) if until else None)


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


def _replace(path: Path, secret: bytes) -> None:
    """Put a whole, durable file in the place of the one at `path`."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        _write(draft, secret)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    _sync_folder(path.parent)


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Let one process at a time replace keys in the folder. The system lets go when the process ends."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


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
