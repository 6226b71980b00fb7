"""Evidence: what a signature records, that it is recorded once, and that nothing changes it afterwards."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest
import rfc8785
import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from flask import Flask

from lms import attestations, clock, ledger, my_training, policies, scenarios, verification
from lms.attestations import Attestation, IdentityAssurance, Kind, Signatory, Signing
from lms.checkpoint import VerifierKey, verify_tlog_proof
from lms.choice_counts import ChoiceCount
from lms.db import Base, db, session, transaction
from lms.errors import ClockError, ConflictError, NotFoundError
from lms.ledger import Entry, LedgerError
from lms.merkle import leaf_hash
from lms.people import EngagementType, Person
from lms.schools import Organisation
from lms.training import Answer, Assignment
from tests.conftest import NOW
from tests.factories import engagement_of, make_assignment, make_person, make_policy, make_school
from tests.learners import Classroom, do_modules

pytestmark = pytest.mark.usefixtures("in_app")

PROTECTED = ["attestation", "entry", "checkpoint", "completion"]


def signing_of(person: Person, assignment: Assignment) -> Signing:
    """Return what the person would sign now."""
    found = my_training.task(person, assignment.id, NOW)
    return my_training.signing(found, person, IdentityAssurance.WORK_EMAIL, found.cycle)


def sign(app: Flask, signing: Signing, *, typed: str = "Priya Nair", now: object = NOW) -> Attestation:
    return attestations.sign(
        signing,
        typed_name=typed,
        shown_sha256=signing.text_sha256,
        key=app.config["LEDGER_KEY"],
        now=now,  # type: ignore[arg-type]
    )


@pytest.fixture
def classroom() -> Classroom:
    with transaction():
        return Classroom()


@pytest.fixture
def signed(app: Flask, classroom: Classroom) -> Attestation:
    """The one attestation of somebody who did every module."""
    with transaction():
        do_modules(classroom.person, classroom.assignment)
        return sign(app, signing_of(classroom.person, classroom.assignment))


def test_the_leaf_says_everything_that_the_evidence_needs(classroom: Classroom, signed: Attestation) -> None:
    leaf = json.loads(signed.record)
    assert rfc8785.dumps(leaf) == signed.record
    assert leaf["type"] == "signed"
    assert leaf["id"] == str(signed.id)
    assert leaf["school"] == classroom.school.ledger_origin
    assert leaf["time"] == "2026-09-07T08:30:00Z"
    assert leaf["method"] == "typed name"
    assert leaf["identity_assurance"] == "work_email"
    assert leaf["engagement_type"] == "teacher"
    assert leaf["policy"]["version"] == classroom.version.label
    assert leaf["statement"].startswith("I have read Social media policy, version 3, and understand")
    assert [module["module"] for module in leaf["modules"]] == classroom.modules


def test_a_time_told_in_london_is_written_in_utc_and_the_entry_fits(app: Flask, classroom: Classroom) -> None:
    with transaction():
        do_modules(classroom.person, classroom.assignment)
        told = NOW.astimezone(clock.LONDON)
        signed = sign(app, signing_of(classroom.person, classroom.assignment), now=told)
    assert json.loads(signed.record)["time"] == "2026-09-07T08:30:00Z"
    with transaction(write=False):
        verdict = verification.verify(classroom.school, app.config["LEDGER_KEY"].public_key())
    assert verdict.problem is None


def test_every_document_the_leaf_names_is_kept_as_it_was_shown(
    classroom: Classroom, signed: Attestation
) -> None:
    leaf = json.loads(signed.record)
    with transaction(write=False):
        text = policies.document(leaf["policy"]["text_sha256"]).decode()
        told = policies.document(leaf["notice_sha256"]).decode()
        modules = [policies.document(module["sha256"]) for module in leaf["modules"]]
    assert text == policies.rendered(classroom.version, classroom.school)
    assert "Ada Okafor" in told
    assert modules == [scenarios.shipped_modules()[slug].content for slug in classroom.modules]


def test_names_are_not_in_the_leaf_but_committed_to(signed: Attestation) -> None:
    with transaction(write=False):
        kept = session.get_one(Signatory, signed.id)
    assert kept.salt is not None
    assert kept.details is not None
    assert b"Nair" not in signed.record
    assert json.loads(kept.details)["name_typed"] == "Priya Nair"
    commitment = json.loads(signed.record)["personal_details_sha256"]
    assert hashlib.sha256(kept.salt + kept.details).hexdigest() == commitment


def test_nothing_that_was_chosen_is_in_the_record_or_the_details(
    classroom: Classroom, signed: Attestation
) -> None:
    with transaction(write=False):
        kept = session.get_one(Signatory, signed.id).details or b""
    scenes = [scene for slug in classroom.modules for scene in scenarios.shipped_modules()[slug].scenes]
    chosen = {choice.id for scene in scenes for choice in scene.choices} | {scene.id for scene in scenes}
    words = set(json.dumps([json.loads(signed.record), json.loads(kept)]).replace('"', " ").split())
    assert not chosen & words


def test_answers_are_gone_after_signing_and_the_counts_remain(classroom: Classroom, app: Flask) -> None:
    with transaction():
        do_modules(classroom.person, classroom.assignment)
    with transaction(write=False):
        answers = session.scalar(sa.select(sa.func.count()).select_from(Answer))
        counted = session.scalar(sa.select(sa.func.sum(ChoiceCount.n)))
    with transaction():
        sign(app, signing_of(classroom.person, classroom.assignment))
    with transaction(write=False):
        assert answers == counted
        assert session.scalar(sa.select(sa.func.count()).select_from(Answer)) == 0
        assert session.scalar(sa.select(sa.func.sum(ChoiceCount.n))) == counted


def test_it_cannot_be_signed_before_the_modules_are_done(app: Flask, classroom: Classroom) -> None:
    with transaction():
        do_modules(classroom.person, classroom.assignment, count=2)
        signing = signing_of(classroom.person, classroom.assignment)
        with pytest.raises(ConflictError, match="Finish these modules first"):
            sign(app, signing)


def test_a_text_that_changed_meanwhile_is_not_signed(app: Flask, classroom: Classroom) -> None:
    with transaction():
        do_modules(classroom.person, classroom.assignment)
        signing = signing_of(classroom.person, classroom.assignment)
        with pytest.raises(ConflictError, match="was changed while you were reading"):
            attestations.sign(
                signing, typed_name="Priya Nair", shown_sha256="0" * 64, key=app.config["LEDGER_KEY"], now=NOW
            )


def test_a_form_of_a_cycle_that_has_not_begun_is_refused(app: Flask, classroom: Classroom) -> None:
    with transaction():
        do_modules(classroom.person, classroom.assignment)
        found = my_training.task(classroom.person, classroom.assignment.id, NOW)
        ahead = my_training.signing(found, classroom.person, IdentityAssurance.WORK_EMAIL, 3)
        with pytest.raises(ConflictError, match="another time"):
            sign(app, ahead)


def test_the_receipts_proof_holds_in_anybodys_hands(
    app: Flask, classroom: Classroom, signed: Attestation
) -> None:
    with transaction(write=False):
        proof = ledger.prove(classroom.school, signed.id)
    key = VerifierKey(classroom.school.ledger_origin, app.config["LEDGER_KEY"].public_key())
    checkpoint = verify_tlog_proof(proof, leaf_hash(signed.record), key)
    assert checkpoint.size == 1


def test_a_clock_that_went_back_stops_signing_and_keeps_nothing(
    app: Flask, classroom: Classroom, signed: Attestation
) -> None:
    with transaction():
        other = make_person(classroom.school, forename="Tom")
        do_modules(other, classroom.assignment)
    with pytest.raises(ClockError, match="7 September 2026, 9:30am"), transaction():
        sign(app, signing_of(other, classroom.assignment), now=NOW - timedelta(minutes=2))
    with transaction(write=False):
        assert session.scalar(sa.select(sa.func.count()).select_from(Attestation)) == 1


def test_a_clock_set_back_by_seconds_gives_the_time_of_the_entry_before(
    app: Flask, classroom: Classroom, signed: Attestation
) -> None:
    with transaction():
        other = make_person(classroom.school, forename="Tom")
        do_modules(other, classroom.assignment)
        later = sign(app, signing_of(other, classroom.assignment), now=NOW - timedelta(seconds=30))
    assert later.recorded_at == signed.recorded_at


def test_a_key_that_was_lost_and_made_anew_signs_nothing(
    app: Flask, classroom: Classroom, signed: Attestation
) -> None:
    with transaction():
        other = make_person(classroom.school, forename="Tom")
        do_modules(other, classroom.assignment)
    app.config["LEDGER_KEY"] = Ed25519PrivateKey.generate()
    with pytest.raises(LedgerError, match=r"ledger-key\.pem"), transaction():
        sign(app, signing_of(other, classroom.assignment))


def test_signing_stops_at_a_ledger_that_does_not_fit_its_newest_checkpoint(
    app: Flask, classroom: Classroom, signed: Attestation
) -> None:
    with transaction():
        other = make_person(classroom.school, forename="Tom")
        do_modules(other, classroom.assignment)
        session.execute(sa.update(ledger.Ledger).values(frontier=b"x" * 32))
    with pytest.raises(LedgerError, match="countersign ledger verify"), transaction():
        sign(app, signing_of(other, classroom.assignment))


def test_declining_is_recorded_with_its_reason_apart_and_signing_later_still_counts(
    app: Flask, classroom: Classroom
) -> None:
    with transaction():
        do_modules(classroom.person, classroom.assignment)
        signing = signing_of(classroom.person, classroom.assignment)
        key = app.config["LEDGER_KEY"]
        declined = attestations.decline(signing, reason="My union asked us to wait.", key=key, now=NOW)
        again = attestations.decline(signing, reason="Other words", key=key, now=NOW)
        signed = sign(app, signing_of(classroom.person, classroom.assignment), now=NOW + timedelta(days=1))
    assert declined.id == again.id
    assert b"union" not in declined.record
    assert json.loads(declined.record)["modules"] == []
    assert signed.kind is Kind.SIGNED
    with transaction(write=False):
        details = session.get_one(Signatory, declined.id).details or b""
        assert json.loads(details)["reason"] == "My union asked us to wait."


def test_what_is_signed_cannot_be_declined_in_the_same_breath(app: Flask, classroom: Classroom) -> None:
    with transaction():
        do_modules(classroom.person, classroom.assignment)
        signing = signing_of(classroom.person, classroom.assignment)
        sign(app, signing)
        with pytest.raises(ConflictError, match="signed this already"):
            attestations.decline(signing, reason="", key=app.config["LEDGER_KEY"], now=NOW)


def _at_once(app: Flask, work: list[Callable[[], None]]) -> list[BaseException]:
    """Run each piece of work in a thread and a transaction of its own, all let go at the same moment."""
    failures: list[BaseException] = []
    gate = threading.Barrier(len(work))

    def one(piece: Callable[[], None]) -> None:
        with app.app_context():
            gate.wait()
            try:
                with transaction():
                    piece()
            except BaseException as error:  # a thread's failure must reach the test
                failures.append(error)
            finally:
                session.remove()

    threads = [threading.Thread(target=one, args=(piece,)) for piece in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return failures


def _sign_by_id(app: Flask, person_id: UUID, assignment_id: UUID, cycle: int) -> UUID:
    person = session.get_one(Person, person_id)
    signing = my_training.signing_now(person, assignment_id, IdentityAssurance.WORK_EMAIL, cycle, NOW)
    return sign(app, signing).id


def test_signing_many_times_at_the_same_moment_gives_one_attestation(
    app: Flask, classroom: Classroom
) -> None:
    with transaction():
        do_modules(classroom.person, classroom.assignment)
        person_id, assignment_id = classroom.person.id, classroom.assignment.id
    receipts: list[UUID] = []
    failures = _at_once(app, [lambda: receipts.append(_sign_by_id(app, person_id, assignment_id, 0))] * 8)
    assert not failures
    assert len(receipts) == 8
    assert len(set(receipts)) == 1
    with transaction(write=False):
        assert session.scalar(sa.select(sa.func.count()).select_from(Attestation)) == 1
        assert session.scalar(sa.select(sa.func.count()).select_from(Entry)) == 1


def test_twenty_people_who_sign_at_once_get_entries_one_after_another(app: Flask) -> None:
    with transaction():
        school = make_school()
        assignment_id = make_assignment(school, make_policy(school)).id
        people = [make_person(school, surname=f"Nair{n}").id for n in range(20)]
        school_id = school.id

    def work(person_id: UUID) -> Callable[[], None]:
        return lambda: _sign_by_id(app, person_id, assignment_id, 0) and None

    failures = _at_once(app, [work(person_id) for person_id in people])
    assert not failures
    with transaction(write=False):
        indices = session.scalars(sa.select(Entry.index).order_by(Entry.index)).all()
        size, _root = ledger.state(session.get_one(Organisation, school_id))
        note = ledger.latest_checkpoint(session.get_one(Organisation, school_id)) or ""
    assert indices == list(range(20))
    assert note.split("\n")[1] == str(size) == "20"


def _changes(table: str) -> list[str]:
    columns = [column.name for column in Base.metadata.tables[table].columns]
    listed = ", ".join(f'"{name}"' for name in columns)
    changes = [f'UPDATE {table} SET "{name}" = "{name}"' for name in columns]
    changes += [f"DELETE FROM {table}", f"INSERT INTO {table} ({listed}) SELECT {listed} FROM {table}"]
    if db.engine.dialect.name == "sqlite":
        return [*changes, f"INSERT OR REPLACE INTO {table} ({listed}) SELECT {listed} FROM {table}"]
    copy = f"INSERT INTO {table} ({listed}) SELECT {listed} FROM {table}"
    key = [f'"{column.name}"' for column in Base.metadata.tables[table].primary_key]
    upsert = f"{copy} ON CONFLICT ({', '.join(key)}) DO UPDATE SET {key[0]} = {table}.{key[0]}"
    return [*changes, upsert, f"TRUNCATE {table} CASCADE"]


@pytest.mark.parametrize("table", PROTECTED)
def test_no_row_of_the_evidence_can_be_changed_deleted_or_replaced(table: str, signed: Attestation) -> None:
    with transaction(write=False):
        before = session.execute(sa.text(f"SELECT * FROM {table} ORDER BY 1, 2")).all()
    assert before
    for change in _changes(table):
        with pytest.raises(sa.exc.DBAPIError), db.engine.begin() as connection:
            connection.exec_driver_sql(change)
    with transaction(write=False):
        assert session.execute(sa.text(f"SELECT * FROM {table} ORDER BY 1, 2")).all() == before


def test_an_engagement_of_another_kind_signs_nothing_that_is_not_asked_of_it(app: Flask) -> None:
    with transaction():
        school = make_school()
        assignment = make_assignment(school, make_policy(school), audience=[EngagementType.GOVERNOR])
        person = make_person(school)
        assert engagement_of(person).type is EngagementType.TEACHER
        with pytest.raises(NotFoundError):
            my_training.signing_now(person, assignment.id, IdentityAssurance.WORK_EMAIL, 0, NOW)
