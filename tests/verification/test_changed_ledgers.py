"""A ledger cut off, written anew or signed by another key is known; so is a row that was slipped in."""

from __future__ import annotations

from uuid import uuid4

import pytest
import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from lms import ledger, verification
from lms.attestations import Attestation
from lms.checkpoint import CheckpointError, sign_checkpoint
from lms.db import Base, session, transaction
from lms.ledger import Entry
from lms.schools import Organisation
from tests.verification.book import SIGNERS, Book, tamper

pytestmark = pytest.mark.usefixtures("in_app")

GONE = '(SELECT attestation_id FROM entry WHERE "index" >= 4 AND organisation_id = :school)'
CUT_OFF = (
    f"DELETE FROM signatory WHERE attestation_id IN {GONE}",
    f"DELETE FROM attestation WHERE id IN {GONE}",
    'DELETE FROM entry WHERE "index" >= 4 AND organisation_id = :school',
    "DELETE FROM checkpoint WHERE size > 4 AND organisation_id = :school",
)
"""What takes the fifth entry and all after it away."""


def test_the_end_cut_off_is_named_at_the_first_entry_that_is_gone(book: Book) -> None:
    tamper(*CUT_OFF, school=book.school_id)
    verdict = book.verify()
    assert verdict.problem is not None
    assert verdict.problem.entry_index == 4
    assert "with all after it" in verdict.problem.reason


def _cut_off_well(book: Book) -> None:
    """Cut the last two off, with everything that would show it: only a checkpoint kept elsewhere can tell."""
    with transaction(write=False):
        frontier = ledger.Frontier()
        hashes = list(session.scalars(sa.select(Entry.hash).order_by(Entry.index)))
        for hashed in hashes[:4]:
            frontier = frontier.append(hashed)
        last = session.get_one(Attestation, book.ids[3]).recorded_at
    tamper(
        *CUT_OFF,
        "UPDATE ledger SET size = 4, frontier = :frontier WHERE organisation_id = :school",
        school=book.school_id,
        frontier=frontier.to_bytes(),
    )
    with transaction():
        session.execute(sa.update(ledger.Ledger).values(last_at=last))


def test_an_end_cut_off_with_care_is_shown_by_a_checkpoint_that_left_the_building(book: Book) -> None:
    with transaction(write=False):
        kept = ledger.latest_checkpoint(session.get_one(Organisation, book.school_id))
    _cut_off_well(book)
    assert book.verify().problem is None
    problem = book.verify(against=kept).problem
    assert problem is not None
    assert problem.entry_index == 4
    assert "6 entries; here there are 4" in problem.reason


def test_a_ledger_that_grew_still_begins_with_a_checkpoint_kept_elsewhere(book: Book) -> None:
    with transaction(write=False):
        kept = ledger.latest_checkpoint(session.get_one(Organisation, book.school_id))
    book.add(2)
    verdict = book.verify(against=kept)
    assert verdict.problem is None
    assert verdict.entries == SIGNERS + 2


def test_a_ledger_written_anew_is_shown_by_a_checkpoint_that_left_the_building(book: Book) -> None:
    with transaction(write=False):
        origin = session.get_one(Organisation, book.school_id).ledger_origin
    kept = sign_checkpoint(origin, 5, b"r" * 32, book.key)
    problem = book.verify(against=kept).problem
    assert problem is not None
    assert problem.entry_index is None
    assert "written anew" in problem.reason


def test_a_checkpoint_kept_elsewhere_that_another_key_signed_is_refused(book: Book) -> None:
    with transaction(write=False):
        origin = session.get_one(Organisation, book.school_id).ledger_origin
    kept = sign_checkpoint(origin, 5, b"r" * 32, Ed25519PrivateKey.generate())
    with pytest.raises(CheckpointError, match="isn't signed by the key"):
        book.verify(against=kept)


def test_another_key_is_named_at_the_first_entry_it_did_not_sign(book: Book) -> None:
    book.app.config["LEDGER_KEY"] = Ed25519PrivateKey.generate()
    problem = book.verify().problem
    assert problem is not None
    assert problem.entry_index == 0
    assert "isn’t signed by this ledger’s key" in problem.reason


def test_a_checkpoint_of_the_right_root_that_another_key_signed_is_named(book: Book) -> None:
    with transaction(write=False):
        school = session.get_one(Organisation, book.school_id)
        hashes = list(session.scalars(sa.select(Entry.hash).order_by(Entry.index)))
        root = list(verification.merkle.roots(hashes))[2]
        forged = sign_checkpoint(school.ledger_origin, 3, root, Ed25519PrivateKey.generate())
    tamper("UPDATE checkpoint SET note = :note WHERE size = 3", note=forged)
    problem = book.verify().problem
    assert problem is not None
    assert problem.entry_index == 2
    assert "isn’t signed by this ledger’s key" in problem.reason


LEDGER = [
    ("UPDATE ledger SET size = 9 WHERE organisation_id = :school", 6, "counted 9"),
    ("UPDATE ledger SET size = 4 WHERE organisation_id = :school", None, "own state"),
    ("UPDATE ledger SET frontier = :bytes WHERE organisation_id = :school", None, "own state"),
    ("UPDATE ledger SET last_at = '2030-01-01 00:00:00+00:00' WHERE organisation_id = :school", 5, "time"),
    ("DELETE FROM ledger WHERE organisation_id = :school", 0, "doesn’t count it"),
    ("UPDATE organisation SET ledger_origin = 'elsewhere/x' WHERE id = :school", 0, "ledger"),
]


@pytest.mark.parametrize(("change", "index", "said"), LEDGER, ids=[change[:40] for change, *_ in LEDGER])
def test_a_ledger_whose_own_row_was_changed_is_named(
    book: Book, change: str, index: int | None, said: str
) -> None:
    tamper(change, school=book.school_id, bytes=b"x" * 64)
    problem = book.verify().problem
    assert problem is not None
    assert problem.entry_index == index
    assert said in problem.reason


def test_a_checkpoint_of_entries_that_are_not_there_is_named(book: Book) -> None:
    with transaction(write=False):
        origin = session.get_one(Organisation, book.school_id).ledger_origin
    note = sign_checkpoint(origin, 8, b"r" * 32, book.key)
    tamper(
        "INSERT INTO checkpoint (organisation_id, size, note) VALUES (:school, 8, :note)",
        school=book.school_id,
        note=note,
    )
    problem = book.verify().problem
    assert problem is not None
    assert problem.entry_index == SIGNERS
    assert "checkpoint of 8 entries" in problem.reason


def test_an_attestation_that_was_slipped_in_without_an_entry_is_named(book: Book) -> None:
    columns = [column.name for column in Base.metadata.tables["attestation"].columns]
    values = [":new" if c == "id" else "55" if c == "cycle" else c for c in columns]
    tamper(
        f"INSERT INTO attestation ({', '.join(columns)}) "
        f"SELECT {', '.join(values)} FROM attestation WHERE id = :third",
        new=uuid4(),
        third=book.ids[2],
    )
    problem = book.verify().problem
    assert problem is not None
    assert problem.entry_index is None
    assert "no entry in the ledger" in problem.reason
