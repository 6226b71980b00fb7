"""Signed checkpoints and proofs of a ledger, in the C2SP formats that other people's tools read.

c2sp.org/signed-note (Ed25519 only), c2sp.org/tlog-checkpoint and c2sp.org/tlog-proof. Pure functions.
A ledger's origin is also the name of its key, so one key can sign for several ledgers without confusion.
"""

from __future__ import annotations

import binascii
import re
from base64 import b64decode, b64encode
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from lms import merkle
from lms.errors import CountersignError

ED25519 = b"\x01"
KEY_ID_SIZE = 4
SIGNATURE_SIZE = 64
# signed-note asks verifiers for a limit of at least 16; this is the one that Go's sumdb/note uses.
MOST_SIGNATURES = 100
PROOF_HEADING = "c2sp.org/tlog-proof@v1"

_NAME = re.compile(r"[^\s+\x00-\x1f\ud800-\udfff]+")
_NUMBER = re.compile(r"0|[1-9][0-9]{0,19}")
_SIGNATURE_LINE = re.compile(r"— ([^\s+]+) (\S+)")
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")


class CheckpointError(CountersignError):
    """A checkpoint, proof or verifier key that can't be read, or that doesn't hold; the message says why."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The state of a ledger: its first `size` entries have this Merkle root (32 bytes)."""

    origin: str
    size: int
    root: bytes

    def __post_init__(self) -> None:
        if self.size < 0 or len(self.root) != merkle.HASH_SIZE:
            raise ValueError(f"no ledger has {self.size} entries and a root of {len(self.root)} bytes")

    def text(self) -> str:
        """What is signed: three lines, each with its newline (tlog-checkpoint, "Note text")."""
        return f"{self.origin}\n{self.size}\n{_base64(self.root)}\n"


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """A public key and the name it signs under; as a string, what people pass round: `name+id+base64`."""

    name: str
    public_key: Ed25519PublicKey
    key_id: bytes = field(init=False)

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise CheckpointError(
                f"A key's name needs at least one character, no space and no “+”: {self.name!r}."
            )
        named = self.name.encode() + b"\n" + self._encoded()
        object.__setattr__(self, "key_id", sha256(named).digest()[:KEY_ID_SIZE])

    def __str__(self) -> str:
        return f"{self.name}+{self.key_id.hex()}+{_base64(self._encoded())}"

    def _encoded(self) -> bytes:
        return ED25519 + self.public_key.public_bytes_raw()

    @classmethod
    def parse(cls, text: str) -> VerifierKey:
        """Read `name+id+base64`. CheckpointError where it is malformed or its id isn't its own."""
        name, _, rest = text.partition("+")
        key_id, _, encoded = rest.partition("+")
        raw = _bytes(encoded, "The verifier key")
        if len(raw) != 33 or raw[:1] != ED25519:
            raise CheckpointError("The verifier key isn't an Ed25519 key.")
        key = cls(name, Ed25519PublicKey.from_public_bytes(raw[1:]))
        if key_id != key.key_id.hex():
            raise CheckpointError("The verifier key's name, id and key don't belong together.")
        return key


def sign_checkpoint(origin: str, size: int, root: bytes, key: Ed25519PrivateKey) -> str:
    """A signed note that states the root of the first `size` entries of the ledger named `origin`.

    The same input always gives the same note: Ed25519 is deterministic (RFC 8032).
    """
    text = Checkpoint(origin, size, root).text()
    return f"{text}\n— {origin} {_base64(_key_id(origin, key) + key.sign(text.encode()))}\n"


@lru_cache(maxsize=64)
def _key_id(origin: str, key: Ed25519PrivateKey) -> bytes:
    return VerifierKey(origin, key.public_key()).key_id


def parse_checkpoint(note: str) -> Checkpoint:
    """Read a checkpoint **without** looking at its signatures. CheckpointError where it is malformed."""
    text, _ = _split_note(note)
    lines = text.split("\n")[:-1]
    if len(lines) < 3 or "" in lines:
        raise CheckpointError("The checkpoint needs three lines: the ledger's name, its size and its root.")
    origin, size, root = lines[:3]
    if not _NUMBER.fullmatch(size):
        raise CheckpointError(f"The checkpoint's size isn't a whole number: {size!r}.")
    return Checkpoint(origin, int(size), _hash(root, "The checkpoint's root"))


def verify_checkpoint(note: str, key: VerifierKey) -> Checkpoint:
    """Read a checkpoint of the ledger that `key` names, signed by that key; other signatures are ignored.

    CheckpointError where it is malformed, another ledger's, not signed by the key, or changed since.
    """
    checkpoint = parse_checkpoint(note)
    if checkpoint.origin != key.name:
        raise CheckpointError(f"The checkpoint is of the ledger {checkpoint.origin!r}, not {key.name!r}.")
    verify_note(note, key)
    return checkpoint


def verify_note(note: str, key: VerifierKey) -> str:
    """The text of a signed note, its final newline included, once `key` is known to have signed it.

    CheckpointError where it is malformed, not signed by the key, or changed since.
    """
    text, signature_lines = _split_note(note)
    signatures = [
        signature
        for name, key_id, signature in _signatures(signature_lines)
        if (name, key_id) == (key.name, key.key_id)
    ]
    if not signatures:
        raise CheckpointError(f"The note isn't signed by the key {key.name}+{key.key_id.hex()}.")
    for signature in signatures:
        _verify_signature(key, signature, text)
    return text


def _verify_signature(key: VerifierKey, signature: bytes, text: str) -> None:
    try:
        key.public_key.verify(signature, text.encode())
    except InvalidSignature as error:
        raise CheckpointError(
            f"The signature by {key.name}+{key.key_id.hex()} doesn't fit: the note was changed after signing."
        ) from error


def _split_note(note: str) -> tuple[str, list[str]]:
    """The note's text, and its signature lines without their newlines (signed-note, "Format")."""
    body, gap, signatures = note.rpartition("\n\n")
    if not gap or not signatures.endswith("\n"):
        raise CheckpointError("The note has no signature: it may have been cut short.")
    if _CONTROL.search(note) or not _is_utf8(note):
        raise CheckpointError("The note holds characters that a signed note can't hold.")
    lines = signatures[:-1].split("\n")
    if len(lines) > MOST_SIGNATURES:
        raise CheckpointError(f"The note has more than {MOST_SIGNATURES} signatures.")
    return body + "\n", lines


def _signatures(lines: list[str]) -> Iterator[tuple[str, bytes, bytes]]:
    """Name, key id and signature of each line; CheckpointError at the first that isn't a signature line."""
    for line in lines:
        match = _SIGNATURE_LINE.fullmatch(line)
        if not match:
            raise CheckpointError("The note has a line among its signatures that isn't one.")
        raw = _bytes(match[2], "A signature")
        if len(raw) <= KEY_ID_SIZE:
            raise CheckpointError("The note has a signature that is too short.")
        yield match[1], raw[:KEY_ID_SIZE], raw[KEY_ID_SIZE:]


@dataclass(frozen=True, slots=True)
class TlogProof:
    """That one entry is in a ledger: its index (from 0), the path to the root, and the signed checkpoint."""

    index: int
    path: tuple[bytes, ...]
    note: str


def tlog_proof(index: int, path: Sequence[bytes], note: str) -> str:
    """A proof as text, for a file named `.tlog-proof`; `note` is the checkpoint that `path` leads to."""
    hashes = "".join(f"{_base64(each)}\n" for each in path)
    return f"{PROOF_HEADING}\nindex {index}\n{hashes}\n{note}"


def parse_tlog_proof(text: str) -> TlogProof:
    """Read a proof **without** verifying it. CheckpointError where it is malformed.

    An `extra` line is passed over: nothing vouches for what it says.
    """
    head, _, note = text.partition("\n\n")
    heading, *lines = head.split("\n")
    if heading != PROOF_HEADING:
        raise CheckpointError(f"The proof doesn't begin with the line {PROOF_HEADING!r}.")
    if lines and lines[0].startswith("extra "):
        _bytes(lines.pop(0).removeprefix("extra "), "The proof's extra line")
    if (
        not lines
        or not _NUMBER.fullmatch(lines[0].removeprefix("index "))
        or not lines[0].startswith("index ")
    ):
        raise CheckpointError("The proof doesn't say which entry it is for.")
    path = tuple(_hash(line, "A hash in the proof") for line in lines[1:])
    return TlogProof(int(lines[0].removeprefix("index ")), path, note)


def verify_tlog_proof(text: str, leaf_hash: bytes, key: VerifierKey) -> Checkpoint:
    """The checkpoint that vouches for the entry with this leaf hash, once everything in the proof holds.

    CheckpointError where the proof is malformed, its checkpoint doesn't verify, or it is another entry's.
    """
    proof = parse_tlog_proof(text)
    checkpoint = verify_checkpoint(proof.note, key)
    if not merkle.verify_inclusion(leaf_hash, proof.index, checkpoint.size, proof.path, checkpoint.root):
        raise CheckpointError(
            "The proof doesn't lead from this entry to the checkpoint: one of them was changed."
        )
    return checkpoint


def _base64(raw: bytes) -> str:
    return b64encode(raw).decode()


def _bytes(text: str, what: str) -> bytes:
    try:
        raw = b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise CheckpointError(f"{what} isn't base64: {text[:60]!r}.") from error
    # Unused bits at the end would let two texts stand for the same bytes.
    if _base64(raw) != text:
        raise CheckpointError(f"{what} isn't base64: {text[:60]!r}.")
    return raw


def _hash(text: str, what: str) -> bytes:
    raw = _bytes(text, what)
    if len(raw) != merkle.HASH_SIZE:
        raise CheckpointError(f"{what} isn't a SHA-256 hash.")
    return raw


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
