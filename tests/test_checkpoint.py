"""Notes that other implementations signed, our own checkpoints, and every way to tamper with them."""

from __future__ import annotations

from base64 import b64decode, b64encode

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from lms import merkle
from lms.checkpoint import (
    Checkpoint,
    CheckpointError,
    VerifierKey,
    parse_checkpoint,
    parse_tlog_proof,
    sign_checkpoint,
    tlog_proof,
    verify_checkpoint,
    verify_note,
    verify_tlog_proof,
)

# From the tests of golang.org/x/mod/sumdb/note.
PETER = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
ENOCH = "EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop"
GO_TEXT = (
    "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
)
PETER_LINE = (
    "— PeterNeumann "
    "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)
ENOCH_LINE = (
    "— EnochRoot "
    "rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01oOTGwnWLox33WWd1RvMc+QQ=\n"
)
# The Go checksum database's key, and the example of the signed-note specification.
OTHER_KEYS = [
    "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8",
    "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
]
# The example of the tlog-checkpoint specification, which publishes no key for it.
SOFA = (
    "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n"
    "— example.com/behind-the-sofa "
    "Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
)

ORIGIN = "training.example.sch.uk/ledgers/oakfield"
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
VERIFIER = VerifierKey(ORIGIN, KEY.public_key())
HASHES = [merkle.leaf_hash(bytes([number])) for number in range(11)]
NOTE = sign_checkpoint(ORIGIN, 11, merkle.root(HASHES), KEY)
PROOF = tlog_proof(6, merkle.inclusion_proof(HASHES, 6, 11), NOTE)


@pytest.mark.parametrize("text", [PETER, ENOCH, *OTHER_KEYS])
def test_a_published_verifier_key_is_read_and_written_back_the_same(text: str) -> None:
    assert str(VerifierKey.parse(text)) == text


@pytest.mark.parametrize(("key", "line"), [(PETER, PETER_LINE), (ENOCH, ENOCH_LINE)])
def test_a_note_that_go_signed_verifies(key: str, line: str) -> None:
    assert verify_note(f"{GO_TEXT}\n{line}", VerifierKey.parse(key)) == GO_TEXT
    assert verify_note(f"{GO_TEXT}\n{PETER_LINE}{ENOCH_LINE}", VerifierKey.parse(key)) == GO_TEXT


def test_a_note_that_go_signed_and_somebody_changed_is_refused() -> None:
    note = f"{GO_TEXT}\n{PETER_LINE}".replace("answer", "Answer")

    with pytest.raises(CheckpointError, match="changed after signing"):
        verify_note(note, VerifierKey.parse(PETER))


def test_a_key_that_did_not_sign_is_named_in_the_refusal() -> None:
    with pytest.raises(CheckpointError, match=r"isn't signed by the key EnochRoot\+af0cfe78"):
        verify_note(f"{GO_TEXT}\n{PETER_LINE}", VerifierKey.parse(ENOCH))


@pytest.mark.parametrize(
    "note",
    [
        "",
        GO_TEXT,
        f"{GO_TEXT}\n",
        f"{GO_TEXT}\n{PETER_LINE[:-1]}",
        f"\x01{GO_TEXT}\n{PETER_LINE}",
        f"\udcff{GO_TEXT}\n{PETER_LINE}",
        f"{GO_TEXT}\n{PETER_LINE}Unexpected line.\n",
        f"{GO_TEXT}\n{PETER_LINE.replace('Peter', 'Peter ')}",
        f"{GO_TEXT}\n{PETER_LINE.replace('—', '-')}",
        f"{GO_TEXT}\n{PETER_LINE}— EnochRoot !!!\n",
        f"{GO_TEXT}\n{PETER_LINE}— EnochRoot rwz+eA==\n",
        f"{GO_TEXT}\n{PETER_LINE * 101}",
    ],
)
def test_a_malformed_note_is_refused(note: str) -> None:
    with pytest.raises(CheckpointError):
        verify_note(note, VerifierKey.parse(PETER))


def test_every_piece_and_every_changed_letter_of_a_verifier_key_is_refused() -> None:
    pieces = [
        PETER[a:b] for a in range(len(PETER)) for b in range(a + 1, len(PETER) + 1) if b - a < len(PETER)
    ]
    changed = [PETER[:at] + chr(ord(PETER[at]) + 1) + PETER[at + 1 :] for at in range(len(PETER))]

    for text in [*pieces, *changed]:
        with pytest.raises(CheckpointError):
            VerifierKey.parse(text)


def test_a_verifier_key_of_another_length_or_kind_is_refused() -> None:
    for text in (
        "PeterNeumann+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWBADKEY==",
        "PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
    ):
        with pytest.raises(CheckpointError):
            VerifierKey.parse(text)


def test_the_example_of_the_specification_is_read() -> None:
    root = b64decode("CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=")

    assert parse_checkpoint(SOFA) == Checkpoint("example.com/behind-the-sofa", 20852163, root)


def test_our_checkpoint_has_exactly_the_lines_of_the_format() -> None:
    root = b64encode(merkle.root(HASHES)).decode()
    signature = b64encode(VERIFIER.key_id + KEY.sign(f"{ORIGIN}\n11\n{root}\n".encode())).decode()

    assert NOTE.split("\n") == [ORIGIN, "11", root, "", f"— {ORIGIN} {signature}", ""]


@given(st.integers(0, 2**64 - 1), st.binary(min_size=32, max_size=32))
def test_our_checkpoints_verify_and_say_what_was_signed(size: int, root: bytes) -> None:
    note = sign_checkpoint(ORIGIN, size, root, KEY)

    key = VerifierKey.parse(str(VERIFIER))

    assert verify_checkpoint(note, key) == Checkpoint(ORIGIN, size, root)


@given(st.integers(0, len(NOTE) - 1), st.characters(codec="utf-8"))
def test_no_letter_of_a_checkpoint_can_change(at: int, letter: str) -> None:
    changed = NOTE[:at] + letter + NOTE[at + 1 :]
    if changed == NOTE:
        return
    with pytest.raises(CheckpointError):
        verify_checkpoint(changed, VERIFIER)


@given(st.integers(0, len(NOTE) - 1), st.integers(1, 30))
def test_nothing_can_be_cut_from_a_checkpoint(at: int, length: int) -> None:
    with pytest.raises(CheckpointError):
        verify_checkpoint(NOTE[:at] + NOTE[at + length :], VERIFIER)


def test_a_checkpoint_signed_with_another_key_under_our_name_is_refused() -> None:
    forged = sign_checkpoint(ORIGIN, 11, merkle.root(HASHES), Ed25519PrivateKey.from_private_bytes(bytes(32)))

    with pytest.raises(CheckpointError, match="isn't signed by the key"):
        verify_checkpoint(forged, VERIFIER)


def test_another_schools_checkpoint_is_refused_though_the_key_is_the_same() -> None:
    other = sign_checkpoint(f"{ORIGIN}-primary", 11, merkle.root(HASHES), KEY)

    with pytest.raises(CheckpointError, match="is of the ledger"):
        verify_checkpoint(other, VERIFIER)


def test_a_witness_may_sign_beneath_us() -> None:
    assert verify_checkpoint(NOTE + PETER_LINE, VERIFIER).size == 11


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("\n20852163\n", "\n020852163\n"),
        ("\n20852163\n", "\n-1\n"),
        ("\n20852163\n", "\n٣\n"),
        ("\n20852163\n", "\n"),
        ("q2I=\n", "q2J=\n"),
        ("q2I=\n", "q2I\n"),
        ("CsUYapGG", ""),
        ("q2I=\n", "q2I=\n\nextension\n"),
        ("example.com/behind-the-sofa\n20", "\n20"),
    ],
)
def test_a_malformed_checkpoint_is_refused(old: str, new: str) -> None:
    note = SOFA.replace(old, new, 1)
    assert note != SOFA

    with pytest.raises(CheckpointError):
        parse_checkpoint(note)


@pytest.mark.parametrize("origin", ["", "two words", "a+b", "a\nb", "a\u2003b"])
def test_a_ledger_name_that_a_signature_line_cannot_hold_is_refused(origin: str) -> None:
    with pytest.raises(CheckpointError, match="name needs"):
        sign_checkpoint(origin, 0, merkle.EMPTY_ROOT, KEY)


@pytest.mark.parametrize(("size", "root"), [(-1, bytes(32)), (1, bytes(31))])
def test_a_tree_that_cannot_be_is_never_signed(size: int, root: bytes) -> None:
    with pytest.raises(ValueError, match="no ledger has"):
        sign_checkpoint(ORIGIN, size, root, KEY)


def test_our_proof_has_exactly_the_lines_of_the_format() -> None:
    path = [b64encode(each).decode() for each in merkle.inclusion_proof(HASHES, 6, 11)]

    assert PROOF.split("\n") == ["c2sp.org/tlog-proof@v1", "index 6", *path, "", *NOTE.split("\n")]


@pytest.mark.parametrize("size", range(1, 12))
def test_the_proof_of_every_entry_verifies_at_every_size(size: int) -> None:
    note = sign_checkpoint(ORIGIN, size, merkle.root(HASHES[:size]), KEY)
    for index in range(size):
        text = tlog_proof(index, merkle.inclusion_proof(HASHES, index, size), note)

        assert verify_tlog_proof(text, HASHES[index], VERIFIER).size == size
        assert parse_tlog_proof(text).index == index


@given(st.integers(0, len(PROOF) - 1), st.characters(codec="utf-8"))
def test_no_letter_of_a_proof_can_change(at: int, letter: str) -> None:
    changed = PROOF[:at] + letter + PROOF[at + 1 :]
    if changed == PROOF:
        return
    with pytest.raises(CheckpointError):
        verify_tlog_proof(changed, HASHES[6], VERIFIER)


def test_the_proof_of_one_entry_is_no_proof_of_another() -> None:
    with pytest.raises(CheckpointError, match="doesn't lead from this entry"):
        verify_tlog_proof(PROOF, HASHES[7], VERIFIER)


def test_a_proof_with_an_extra_line_is_read_and_the_line_passed_over() -> None:
    with_extra = PROOF.replace("\n", "\nextra bm90aGluZyB2b3VjaGVzIGZvciB0aGlz\n", 1)

    assert parse_tlog_proof(with_extra) == parse_tlog_proof(PROOF)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("index 6\n", ""),
        ("index 6\n", "6\n"),
        ("index 6\n", "index 06\n"),
        ("index 6\n", "index -6\n"),
        ("index 6\n", "extra !!\nindex 6\n"),
        ("index 6\n", "index 6\nAAAA\n"),
        ("@v1", "@v2"),
    ],
)
def test_a_malformed_proof_is_refused(old: str, new: str) -> None:
    with pytest.raises(CheckpointError):
        parse_tlog_proof(PROOF.replace(old, new, 1))
