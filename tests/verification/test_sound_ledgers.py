"""A ledger that nobody touched fits, however many of its signatures are checked."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from lms import ledger, verification
from lms.attestations import Signatory
from lms.checkpoint import sign_checkpoint
from lms.db import session, transaction
from lms.schools import Organisation
from tests.verification.book import SIGNERS, Book, tamper

pytestmark = pytest.mark.usefixtures("in_app")


def test_a_ledger_that_nobody_touched_fits(book: Book) -> None:
    verdict = book.verify()
    with transaction(write=False):
        size, root = ledger.state(session.get_one(Organisation, book.school_id))
    assert verdict.problem is None
    assert (verdict.entries, verdict.size, verdict.root) == (SIGNERS, size, root)
    assert verdict.signatures_checked == SIGNERS


def test_a_school_where_nothing_was_signed_fits(book: Book) -> None:
    book.school_id = book.other_school
    verdict = book.verify()
    assert verdict.problem is None
    assert verdict.entries == 0


def test_details_that_were_erased_when_their_time_was_over_leave_a_ledger_that_fits(book: Book) -> None:
    with transaction():
        erase = sa.update(Signatory).where(Signatory.attestation_id == book.ids[2])
        session.execute(erase.values(salt=None, details=None))
    assert book.verify().problem is None


def test_above_a_number_a_sample_of_the_signatures_is_checked_and_the_number_said(
    book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verification, "SAMPLE", 3)
    assert book.verify().signatures_checked == 3
    assert book.verify(all_signatures=True).signatures_checked == SIGNERS


def test_the_newest_signature_is_always_checked(book: Book, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verification, "SAMPLE", 1)
    with transaction(write=False):
        school = session.get_one(Organisation, book.school_id)
        size, root = ledger.state(school)
        forged = sign_checkpoint(school.ledger_origin, size, root, Ed25519PrivateKey.generate())
    tamper("UPDATE checkpoint SET note = :note WHERE size = :size", note=forged, size=size)
    problem = book.verify().problem
    assert problem is not None
    assert problem.entry_index == SIGNERS - 1
