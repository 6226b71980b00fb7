"""Whatever is changed of an entry behind the product's back is named at that entry, with the reason."""

from __future__ import annotations

from uuid import uuid4

import pytest
import sqlalchemy as sa

from lms import verification
from lms.attestations import Attestation
from lms.db import Base, session, transaction
from lms.schools import Organisation
from tests.verification.book import SIGNERS, Book, tamper

pytestmark = pytest.mark.usefixtures("in_app")
THIRD = [
    # what is changed at the third entry (its index is 2); what is said of it
    ("UPDATE attestation SET organisation_id = :school WHERE id = :third", "school"),
    ("UPDATE attestation SET person_id = :person WHERE id = :third", "somebody else signed it"),
    ("UPDATE attestation SET assignment_id = :new WHERE id = :third", "assignment"),
    ("UPDATE attestation SET policy_version_id = :version WHERE id = :third", "policy version"),
    ("UPDATE attestation SET kind = 'on paper' WHERE id = :third", "kind"),
    ("UPDATE attestation SET cycle = 7 WHERE id = :third", "cycle"),
    ("UPDATE attestation SET identity_assurance = 'photo_id' WHERE id = :third", "identity check"),
    ("UPDATE attestation SET recorded_at = '2026-09-01 08:30:00+00:00' WHERE id = :third", "time"),
    ("UPDATE attestation SET refers_to = :new WHERE id = :third", "earlier record"),
    ("UPDATE attestation SET record = :bytes WHERE id = :third", "record was changed"),
    ("UPDATE attestation SET id = :new WHERE id = :third", "attestation is missing"),
    ("DELETE FROM attestation WHERE id = :third", "attestation is missing"),
    ("UPDATE signatory SET details = :bytes WHERE attestation_id = :third", "personal details were changed"),
    ("UPDATE signatory SET salt = :bytes WHERE attestation_id = :third", "personal details were changed"),
    ("UPDATE signatory SET salt = NULL WHERE attestation_id = :third", "personal details were changed"),
    ("UPDATE signatory SET details = NULL WHERE attestation_id = :third", "personal details were changed"),
    ("UPDATE signatory SET organisation_id = :school WHERE attestation_id = :third", "another school’s"),
    ("DELETE FROM signatory WHERE attestation_id = :third", "missing"),
    ("UPDATE entry SET hash = :bytes WHERE attestation_id = :third", "record was changed"),
    ("UPDATE entry SET attestation_id = :new WHERE attestation_id = :third", "attestation is missing"),
    ("UPDATE entry SET organisation_id = :school WHERE attestation_id = :third", "It is missing"),
    ("DELETE FROM entry WHERE attestation_id = :third", "It is missing"),
    ("UPDATE checkpoint SET note = 'nonsense' WHERE size = 3", "another root"),
    ("UPDATE checkpoint SET size = 33 WHERE size = 3", "checkpoint is missing"),
    ("UPDATE checkpoint SET organisation_id = :school WHERE size = 3", "checkpoint is missing"),
    ("DELETE FROM checkpoint WHERE size = 3", "checkpoint is missing"),
]


@pytest.mark.parametrize(("change", "said"), THIRD, ids=[change[:60] for change, _ in THIRD])
def test_whatever_is_changed_of_an_entry_is_named_at_that_entry(book: Book, change: str, said: str) -> None:
    tamper(
        change,
        third=book.ids[2],
        person=book.other_person,
        school=book.other_school,
        version=book.other_version,
        new=uuid4(),
        bytes=b"{}",
    )
    problem = book.verify().problem
    assert problem is not None
    assert problem.entry_index == 2
    assert said in problem.reason


def test_every_column_of_the_evidence_is_among_those_that_were_changed() -> None:
    surrogates = {"entry.id", "checkpoint.id", "signatory.attestation_id"}
    changed = " ".join(change for change, _ in THIRD) + " UPDATE entry SET index "
    tables = ("attestation", "signatory", "entry", "checkpoint")
    columns = [f"{table}.{c.name}" for table in tables for c in Base.metadata.tables[table].columns]
    missed = [
        name
        for name in columns
        if name not in surrogates and f"UPDATE {name.split('.')[0]} SET {name.split('.')[1]} " not in changed
    ]
    assert missed == []


def test_two_entries_that_changed_places_are_named_at_the_first(book: Book) -> None:
    swap = 'UPDATE entry SET "index" = {to} WHERE "index" = {at} AND organisation_id = :school'
    tamper(swap.format(at=1, to=99), swap.format(at=3, to=1), swap.format(at=99, to=3), school=book.school_id)
    problem = book.verify().problem
    assert problem is not None
    assert problem.entry_index == 1
    assert "another root" in problem.reason


def test_two_attestations_that_changed_places_are_named_at_the_first(book: Book) -> None:
    swap = "UPDATE entry SET attestation_id = :{to} WHERE attestation_id = :{at}"
    tamper(
        swap.format(at="second", to="spare"),
        swap.format(at="fourth", to="second"),
        swap.format(at="spare", to="fourth"),
        second=book.ids[1],
        fourth=book.ids[3],
        spare=uuid4(),
    )
    problem = book.verify().problem
    assert problem is not None
    assert problem.entry_index == 1
    assert "record was changed" in problem.reason


@pytest.mark.parametrize(
    "change",
    ["UPDATE document SET content = :bytes WHERE sha256 = :sha", "DELETE FROM document WHERE sha256 = :sha"],
)
def test_a_document_that_was_altered_or_lost_is_named_at_the_first_entry_that_names_it(
    book: Book, change: str
) -> None:
    with transaction():
        school = session.get_one(Organisation, book.school_id)
        school.contacts = {**school.contacts, "data_protection_officer": "Somebody New"}
    book.add()
    with transaction(write=False):
        newest = session.scalar(sa.select(Attestation).order_by(Attestation.recorded_at.desc()).limit(1))
        assert newest is not None
        sha = verification.json.loads(newest.record)["notice_sha256"]
    tamper(change, sha=sha, bytes=b"altered")
    problem = book.verify().problem
    assert problem is not None
    assert problem.entry_index == SIGNERS
    assert sha in problem.reason
