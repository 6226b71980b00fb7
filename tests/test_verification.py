"""Checking a ledger: whatever is changed behind the product's back is named, at the right entry, with the reason."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from flask import Flask

from lms import attestations, ledger, my_training, verification
from lms.attestations import Attestation, IdentityAssurance, Signatory
from lms.checkpoint import CheckpointError, sign_checkpoint
from lms.db import Base, db, session, transaction
from lms.ledger import Entry
from lms.people import Person
from lms.schools import Organisation
from lms.verification import Verdict, verify
from tests.conftest import NOW
from tests.factories import make_assignment, make_person, make_policy, make_school

pytestmark = pytest.mark.usefixtures("in_app")

SIGNERS = 6


@dataclass
class Book:
    """A school whose ledger has six entries, the last but one a refusal to sign; and whom to move things to."""

    app: Flask
    school_id: UUID
    ids: list[UUID]
    """The attestations in the order of their entries."""
    other_person: UUID
    other_school: UUID
    other_version: UUID

    @property
    def key(self) -> Ed25519PrivateKey:
        found = self.app.config["LEDGER_KEY"]
        assert isinstance(found, Ed25519PrivateKey)
        return found

    def verify(self, *, all_signatures: bool = False, against: str | None = None) -> Verdict:
        with transaction(write=False):
            school = session.get_one(Organisation, self.school_id)
            return verify(school, self.key.public_key(), all_signatures=all_signatures, against=against)

    def add(self, count: int = 1) -> None:
        """Let more people sign."""
        with transaction():
            school = session.get_one(Organisation, self.school_id)
            first = session.get_one(Attestation, self.ids[0])
            for n in range(count):
                person = make_person(school, surname=f"Later{n}")
                _sign(self.app, person, first.assignment_id, 100 + n)


def _sign(app: Flask, person: Person, assignment_id: UUID, minute: int, *, declines: bool = False) -> UUID:
    now, key = NOW + timedelta(minutes=minute), app.config["LEDGER_KEY"]
    signing = my_training.signing_now(person, assignment_id, IdentityAssurance.WORK_EMAIL, 0, now)
    if declines:
        return attestations.decline(signing, reason="I would rather not.", key=key, now=now).id
    shown = signing.text_sha256
    return attestations.sign(signing, typed_name=person.name, shown_sha256=shown, key=key, now=now).id


@pytest.fixture
def book(app: Flask) -> Iterator[Book]:
    with transaction():
        school, other = make_school(), make_school()
        version = make_policy(school)
        assignment = make_assignment(school, version)
        people = [make_person(school, surname=f"Nair{n}") for n in range(SIGNERS)]
        later = make_policy(school, slug="other", markdown="# Other\n\n## 1. One\n\nWords.\n")
        ids = [
            _sign(app, person, assignment.id, n, declines=n == SIGNERS - 2) for n, person in enumerate(people)
        ]
        made = Book(app, school.id, ids, make_person(school, surname="Else").id, other.id, later.id)
    yield made
    session.remove()


def tamper(*changes: str, **values: object) -> None:
    """Change the tables as somebody with the database in their hands would: no triggers, no foreign keys."""
    engine = sa.create_engine(db.engine.url, poolclass=sa.NullPool)
    with engine.begin() as connection:
        if engine.dialect.name == "sqlite":
            for name in connection.scalars(
                sa.text("SELECT name FROM sqlite_master WHERE type = 'trigger'")
            ).all():
                connection.exec_driver_sql(f"DROP TRIGGER {name}")
        else:
            connection.exec_driver_sql("SET session_replication_role = replica")
        for change in changes:
            statement = sa.text(change)
            used = {name: _raw(value) for name, value in values.items() if f":{name}" in change}
            connection.execute(statement, used)
    session.expire_all()


def _raw(value: object) -> object:
    # PostgreSQL reads 32 hex digits as a UUID; SQLite keeps them.
    return value.hex if isinstance(value, UUID) else value


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


def test_the_end_cut_off_is_named_at_the_first_entry_that_is_gone(book: Book) -> None:
    gone = '(SELECT attestation_id FROM entry WHERE "index" >= 4 AND organisation_id = :school)'
    tamper(
        f"DELETE FROM signatory WHERE attestation_id IN {gone}",
        f"DELETE FROM attestation WHERE id IN {gone}",
        'DELETE FROM entry WHERE "index" >= 4 AND organisation_id = :school',
        "DELETE FROM checkpoint WHERE size > 4 AND organisation_id = :school",
        school=book.school_id,
    )
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
    gone = '(SELECT attestation_id FROM entry WHERE "index" >= 4 AND organisation_id = :school)'
    tamper(
        f"DELETE FROM signatory WHERE attestation_id IN {gone}",
        f"DELETE FROM attestation WHERE id IN {gone}",
        'DELETE FROM entry WHERE "index" >= 4 AND organisation_id = :school',
        "DELETE FROM checkpoint WHERE size > 4 AND organisation_id = :school",
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
