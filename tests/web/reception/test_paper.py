"""Signed on paper: a form for one person, and how it is recorded once it comes back."""

from __future__ import annotations

import io
import json
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from werkzeug.datastructures import FileStorage
from werkzeug.test import encode_multipart

from lms import policies, record, register, verification
from lms.attestations import Attestation, Kind, Signatory
from lms.audit import AuditEntry, Event
from lms.db import session, transaction
from lms.paper import PaperForm, Scan
from lms.people import Person, RoleName
from lms.record import scope_of
from lms.schools import Organisation
from tests.client import StrictClient
from tests.conftest import NOW, Clock
from tests.factories import POLICY, make_person, make_school
from tests.scan_files import SVG, jpeg, pdf
from tests.signers import sign
from tests.web.reception.conftest import Lobby, add_walk_in, arrive

SIGNED: dict[str, Any] = {"signed_on": ["7", "9", "2026"], "witness": "Ruth Lowe"}
BUTTON = "Record as signed on paper"


@pytest.fixture
def printed(desk: StrictClient, lobby: Lobby) -> str:
    """The code of a form that was printed for a visitor who has arrived."""
    add_walk_in(desk, lobby)
    arrive(desk)
    desk.submit(button="Print a form")
    return code_of(lobby)


def code_of(lobby: Lobby) -> str:
    with lobby.app.app_context(), transaction():
        return session.query(PaperForm).one().code


def evidence(lobby: Lobby) -> list[Attestation]:
    with lobby.app.app_context(), transaction():
        return list(session.query(Attestation).order_by(Attestation.recorded_at))


def bring(desk: StrictClient, lobby: Lobby, code: str) -> None:
    """Open the page that records a form."""
    desk.get(f"{lobby.desk}/paper", query_string={"code": code})


def record_it(desk: StrictClient, lobby: Lobby, code: str, **fields: Any) -> int:
    bring(desk, lobby, code)
    return desk.submit(button=BUTTON, **(SIGNED | fields)).status_code


def events(lobby: Lobby) -> list[Event]:
    with lobby.app.app_context(), transaction():
        return [entry.event for entry in session.query(AuditEntry).order_by(AuditEntry.at)]


def test_a_form_says_all_that_is_signed_and_nobody_else_gets_its_code(
    desk: StrictClient, lobby: Lobby, printed: str
) -> None:
    for words in (
        printed,
        "Maria Santos",
        "Tandem Staffing",
        "Social media policy, version 1",
        lobby.version.source_sha256[:12],
        "I sign here by hand",
        "tell Siân Pritchard",
        "We keep it to show",
        "Signature",
        "Seen signed by",
        "not clearance to work",
    ):
        assert words in desk.text
    assert "typed name" not in desk.text
    assert len(printed) == 9
    assert Event.PAPER_PRINTED in events(lobby)


def test_printing_twice_prints_the_same_form(desk: StrictClient, lobby: Lobby, printed: str) -> None:
    desk.follow("Maria Santos")
    desk.submit(button="Print a form")
    assert printed in desk.text
    assert code_of(lobby) == printed


def test_nobody_gets_a_form_before_their_id_was_seen(desk: StrictClient, lobby: Lobby) -> None:
    add_walk_in(desk, lobby)
    assert "Print a form" not in desk.text
    visit = lobby.visits()[0]
    token = desk.page.xpath("string(//main//input[@name='csrf_token']/@value)")
    response = desk.post(f"{lobby.desk}/visits/{visit.id}/paper", data={"csrf_token": token})
    assert response.status_code == 409


def test_a_form_is_found_by_its_code_however_it_is_typed(
    desk: StrictClient, lobby: Lobby, printed: str
) -> None:
    desk.get(f"{lobby.desk}/paper")
    desk.submit(button="Find the form", code=printed.lower().replace("-", " "))
    assert "Maria Santos" in desk.text
    assert "Social media policy, version 1" in desk.text


@pytest.mark.parametrize("typed", ["", "ABCD-EFG0", "ABC", "2222-2222"])
def test_a_wrong_code_says_what_is_wrong(desk: StrictClient, lobby: Lobby, typed: str) -> None:
    response = desk.get(f"{lobby.desk}/paper", query_string={"code": typed})
    assert response.status_code == 400


def test_another_schools_form_is_not_found(
    app: Flask, lobby: Lobby, desk: StrictClient, printed: str
) -> None:
    with app.app_context(), transaction():
        other = make_school("Ysgol Arall")
        hr = make_person(other, role=RoleName.HR)
    desk.sign_in_as(hr.id)
    response = desk.get(f"/schools/{other.slug}/reception/paper", query_string={"code": printed})
    assert response.status_code == 400
    assert "No form printed at this school has this code" in desk.text


def test_a_form_that_came_back_counts_as_signed_and_the_ledger_verifies(
    app: Flask, desk: StrictClient, lobby: Lobby, printed: str
) -> None:
    record_it(desk, lobby, printed)
    (attestation,) = evidence(lobby)
    leaf = json.loads(attestation.record)
    assert attestation.kind is Kind.ON_PAPER
    assert (leaf["method"], leaf["modules"], leaf["identity_assurance"]) == ("on paper", [], "photo_id")
    assert leaf["paper"]["form"] == printed
    assert leaf["paper"]["signed_on"] == "2026-09-07"
    assert "scan_sha256" not in leaf["paper"]
    assert "I sign here by hand" in leaf["statement"]
    with app.app_context(), transaction():
        details = json.loads(session.get_one(Signatory, attestation.id).details or b"")
        school = session.get_one(Organisation, lobby.school.id)
        verdict = verification.verify(school, app.config["LEDGER_KEY"].public_key())
        points = policies.document(leaf["paper"]["points_sha256"]).decode()
    assert (details["witness"], details["recorded_by"]) == ("Ruth Lowe", "Bethan Moss")
    assert (details["id_seen"], details["id_seen_by"]) == ("Passport", "Bethan Moss")
    assert "Ruth Lowe" not in attestation.record.decode()
    assert verdict.problem is None
    assert "Promise no secrecy" in points
    desk.get(lobby.desk)
    assert "Signed. This is not clearance to work." in desk.text


def test_paper_is_called_paper_on_the_receipt_the_persons_page_and_in_both_workbooks(
    app: Flask, desk: StrictClient, lobby: Lobby, printed: str
) -> None:
    record_it(desk, lobby, printed)
    assert "seen by Ruth Lowe" in desk.text
    (attestation,) = evidence(lobby)
    with app.app_context(), transaction():
        hr = make_person(lobby.school, role=RoleName.HR)
        scope = scope_of(session.get_one(Organisation, lobby.school.id), NOW + timedelta(minutes=1))
        (row,) = [row for row in register.rows(scope) if row.surname == "Santos"]
        (line,) = [line for line in record.rows(scope) if line.surname == "Santos"]
    assert (row.method, row.identity_check, row.identity_checked_by) == (
        "On paper",
        "Photo ID seen",
        "Bethan Moss",
    )
    assert line.identity_check == "Photo ID seen; signed on paper"
    desk.sign_in_as(hr.id)
    desk.get(f"/receipts/{attestation.id}")
    for words in ("On paper, signed by hand", "Ruth Lowe", "Bethan Moss", printed, "None was kept"):
        assert words in desk.text
    desk.get(f"/schools/{lobby.school.slug}/records/people/{attestation.person_id}")
    assert "On paper" in desk.text
    assert "Witness: Ruth Lowe" in desk.text


def test_a_second_recording_changes_nothing(desk: StrictClient, lobby: Lobby, printed: str) -> None:
    bring(desk, lobby, printed)
    page = desk.page
    desk.submit(button=BUTTON, **SIGNED)
    desk.page = page
    desk.submit(button=BUTTON, **(SIGNED | {"witness": "Somebody Else"}))
    assert len(evidence(lobby)) == 1
    assert "seen by Ruth Lowe" in desk.text


@pytest.mark.parametrize(
    ("signed_on", "problem"),
    [
        (["8", "9", "2026"], "can’t be in the future"),
        (["6", "9", "2026"], "was printed on 7 September 2026"),
        (["", "", ""], "Enter the date"),
        (["31", "2", "2026"], "real day"),
    ],
)
def test_a_date_that_cannot_be_right_is_refused(
    desk: StrictClient, lobby: Lobby, printed: str, signed_on: list[str], problem: str
) -> None:
    assert record_it(desk, lobby, printed, signed_on=signed_on) == 400
    assert problem in desk.text
    assert evidence(lobby) == []


def test_a_form_needs_a_witness(desk: StrictClient, lobby: Lobby, printed: str) -> None:
    assert record_it(desk, lobby, printed, witness=" ") == 400
    assert evidence(lobby) == []


def test_the_version_is_the_printed_one_even_when_a_newer_one_is_in_force(
    app: Flask, desk: StrictClient, lobby: Lobby, printed: str, time: Clock
) -> None:
    with app.app_context(), transaction():
        policies.publish(
            session.get_one(Organisation, lobby.school.id),
            slug="social-media",
            title="Social media policy",
            label="2",
            markdown=POLICY + "\nMore.\n",
            now=NOW,
        )
    time.now = NOW + timedelta(hours=1)
    bring(desk, lobby, printed)
    assert "Version 2 is in force now" in desk.text
    desk.submit(button=BUTTON, **SIGNED)
    (attestation,) = evidence(lobby)
    assert attestation.policy_version_id == lobby.version.id
    assert json.loads(attestation.record)["policy"]["version"] == "1"


def test_who_signed_otherwise_meanwhile_is_not_recorded_twice(
    app: Flask, desk: StrictClient, lobby: Lobby, printed: str
) -> None:
    bring(desk, lobby, printed)
    with app.app_context(), transaction():
        person = session.query(Person).filter_by(surname="Santos").one()
        sign(app, session.get_one(Organisation, lobby.school.id), person)
    assert desk.submit(button=BUTTON, **SIGNED).status_code == 200
    assert "signed this already, in another way" in desk.text
    assert [row.kind for row in evidence(lobby)] == [Kind.SIGNED]


def scan_of(lobby: Lobby) -> Scan:
    with lobby.app.app_context(), transaction():
        return session.query(Scan).one()


def test_a_scan_is_only_ever_downloaded_and_who_takes_it_is_written_down(
    app: Flask, desk: StrictClient, lobby: Lobby, printed: str
) -> None:
    record_it(desk, lobby, printed, scan=(io.BytesIO(pdf()), "form.exe"))
    scan, (attestation,) = scan_of(lobby), evidence(lobby)
    assert json.loads(attestation.record)["paper"]["scan_sha256"] == scan.sha256
    response = desk.follow("Download the scan")
    assert response.data == pdf()
    assert response.mimetype == "application/pdf"
    assert response.headers["Content-Disposition"].startswith('attachment; filename="on-paper-')
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Content-Security-Policy"].endswith("; sandbox")
    assert events(lobby).count(Event.SCAN_TAKEN) == 1


def send(desk: StrictClient, lobby: Lobby, code: str, content: bytes) -> int:
    """Record a form with a large scan: as bytes, because the client's own temporary file is never closed."""
    bring(desk, lobby, code)
    token = desk.page.xpath("string(//main//input[@name='csrf_token']/@value)")
    scan = FileStorage(io.BytesIO(content), "form.pdf", "scan")
    boundary, body = encode_multipart({**SIGNED, "csrf_token": token, "code": code, "scan": scan})
    kind = f"multipart/form-data; boundary={boundary}"
    return desk.post(f"{lobby.desk}/paper", data=body, content_type=kind).status_code


def test_a_scan_of_more_than_a_megabyte_is_taken_and_one_of_more_than_five_is_not(
    desk: StrictClient, lobby: Lobby, printed: str
) -> None:
    large = pdf(b"<< >>" + b" " * 3_000_000)
    too_large = pdf(b"<< >>" + b" " * 5_300_000)
    assert send(desk, lobby, printed, too_large) == 400
    assert "5 MB or smaller" in desk.text
    assert send(desk, lobby, printed, large) == 303
    assert scan_of(lobby).size == len(large)


def test_far_too_much_is_refused_before_it_is_read(desk: StrictClient, lobby: Lobby, printed: str) -> None:
    assert send(desk, lobby, printed, b"\0" * 7_000_000) == 413
    assert "a scan may have 5 MB" in desk.text


@pytest.mark.parametrize("content", [SVG, jpeg() + b"PK\x05\x06" + b"\0" * 18], ids=["svg", "polyglot"])
def test_what_is_no_scan_is_refused_in_words_and_nothing_is_recorded(
    app: Flask, desk: StrictClient, lobby: Lobby, printed: str, content: bytes
) -> None:
    assert record_it(desk, lobby, printed, scan=(io.BytesIO(content), "form.jpg")) == 400
    assert evidence(lobby) == []
    assert not (app.config["SETTINGS"].data_dir / "scans").exists()


def test_another_schools_staff_get_no_scan(
    app: Flask, desk: StrictClient, lobby: Lobby, printed: str
) -> None:
    record_it(desk, lobby, printed, scan=(io.BytesIO(jpeg()), "form.jpg"))
    with app.app_context(), transaction():
        other = make_school("Ysgol Arall")
        hr, teacher = make_person(other, role=RoleName.HR), make_person(lobby.school)
    scan: UUID = scan_of(lobby).id
    desk.sign_in_as(hr.id)
    assert desk.get(f"/schools/{other.slug}/reception/scans/{scan}").status_code == 404
    assert desk.get(f"{lobby.desk}/scans/{scan}").status_code == 404
    desk.sign_in_as(teacher.id)
    assert desk.get(f"{lobby.desk}/scans/{scan}").status_code == 404


def test_a_scan_that_was_changed_on_disk_is_not_handed_out(
    app: Flask, desk: StrictClient, lobby: Lobby, printed: str
) -> None:
    record_it(desk, lobby, printed, scan=(io.BytesIO(pdf()), "form.pdf"))
    (app.config["SETTINGS"].data_dir / "scans" / str(scan_of(lobby).id)).write_bytes(pdf(b"<< /Other >>"))
    desk.follow("Download the scan")
    assert "isn’t the one that was recorded" in desk.text
