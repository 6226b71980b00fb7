"""The receipt and its copy: what they say, what they prove, and who may see them."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from flask import Flask

from lms import policies
from lms.attestations import Attestation, IdentityAssurance, Signatory
from lms.checkpoint import VerifierKey, verify_tlog_proof
from lms.db import session
from lms.mail import Message, MessageKind
from lms.merkle import leaf_hash
from lms.people import EngagementType, RoleName, give_role
from tests.client import StrictClient
from tests.conftest import Clock
from tests.factories import engagement_of, make_person, make_school
from tests.learners import Classroom, do_modules
from tests.web.practice import rows, within
from tests.web.signing.acts import address, sign, the_attestation


def test_a_copy_goes_to_her_own_address(learner: StrictClient, classroom: Classroom, app: Flask) -> None:
    sign(learner, classroom)

    def read() -> tuple[str, MessageKind, dict[str, Any]]:
        message = session.scalars(sa.select(Message)).one()
        return message.address, message.kind, message.payload

    to, kind, payload = within(app, read)
    assert (to, kind) == (classroom.person.email, MessageKind.RECEIPT)
    assert learner.address == f"/receipts/{payload['receipt']}"
    assert payload["signed"] == "7 September 2026, 9:30am"


@pytest.mark.parametrize("email", [None, "office@school.test"])
def test_no_copy_goes_to_nobody_or_to_an_address_that_several_share(
    client: StrictClient, classroom: Classroom, app: Flask, email: str | None
) -> None:
    person = within(app, lambda: make_person(classroom.school, email=email).id)
    within(app, lambda: make_person(classroom.school, forename="Tom", email=email).id)
    client.sign_in_as(person)
    sign(client, classroom)
    assert rows(app, Attestation) == 1
    assert rows(app, Message) == 0


def test_a_receipt_says_every_recorded_fact(client: StrictClient, app: Flask, time: Clock) -> None:
    def ready() -> tuple[Classroom, UUID]:
        classroom = Classroom()
        person = make_person(
            classroom.school,
            EngagementType.AGENCY_WORKER,
            forename="Elizabeth",
            surname="Carter",
            known_as="Beth",
        )
        engagement_of(person).agency = "Supply Desk"
        do_modules(person, classroom.assignment)
        return classroom, person.id

    classroom, person_id = within(app, ready)
    client.sign_in_as(person_id, IdentityAssurance.PASSWORD)
    sign(client, classroom, "Beth Carter")
    record, _ = the_attestation(app)
    wanted = [
        "Signed 7 September 2026, 9:30am",
        record["statement"],
        "Social media policy, version 3",
        record["policy"]["source_sha256"],
        record["policy"]["text_sha256"],
        record["notice_sha256"],
        record["personal_details_sha256"],
        *(module["sha256"] for module in record["modules"]),
        "A friend request from an ex-pupil; Personal use in work time; Security settings",
        "Beth Carter",
        "Elizabeth Carter, known as Beth",
        "Agency worker",
        "Supply Desk",
        "Signed in with their own password",
        record["school"],
        record["id"],
        "0 (the first is 0), in a tree of 1",
        str(VerifierKey(record["school"], app.config["LEDGER_KEY"].public_key())),
        "a correction is put beside it",
    ]
    assert [fact for fact in wanted if fact not in client.text] == []


def test_the_downloads_prove_the_receipt_without_us(
    learner: StrictClient, classroom: Classroom, app: Flask
) -> None:
    sign(learner, classroom)
    receipt = learner.address
    leaf = learner.get(f"{receipt}/record").data
    text = learner.get(f"{receipt}/text").data
    response = learner.get(f"{receipt}/proof")
    key = VerifierKey(classroom.school.ledger_origin, app.config["LEDGER_KEY"].public_key())
    assert verify_tlog_proof(response.get_data(as_text=True), leaf_hash(leaf), key).size == 1
    assert response.headers["Content-Disposition"].endswith('.tlog-proof"')
    assert policies.sha256_of(text.decode()) == json.loads(leaf)["policy"]["text_sha256"]


PARTS = ["", "/proof", "/record", "/text"]


@pytest.mark.parametrize(
    ("role", "here", "status"),
    [
        (RoleName.HR, True, 200),
        (RoleName.ADMIN, True, 200),
        (RoleName.MANAGER, True, 404),
        (RoleName.LEARNER, True, 404),
        (RoleName.HR, False, 404),
        (RoleName.ADMIN, False, 404),
    ],
)
def test_a_receipt_is_its_owners_and_hrs_and_nobody_elses(
    learner: StrictClient, classroom: Classroom, app: Flask, role: RoleName, here: bool, status: int
) -> None:
    learner.get(address(classroom, "/not-signing/decline"))
    learner.submit(button="I choose not to sign", reason="Between me and HR.")
    receipt = learner.address

    def another() -> UUID:
        person = make_person(classroom.school, forename="Sam", surname="Okoro")
        give_role(person, (classroom.school if here else make_school()).id, role)
        return person.id

    learner.sign_in_as(within(app, another))
    assert [learner.get(receipt + part).status_code for part in PARTS] == [status] * 4
    if status == 200:
        learner.get(receipt)
        assert "Between me and HR." in learner.text


def test_a_receipt_that_does_not_exist_is_not_found(learner: StrictClient) -> None:
    for part in PARTS:
        assert learner.get(f"/receipts/{uuid4()}{part}").status_code == 404


def test_a_receipt_whose_personal_details_were_erased_says_so(
    learner: StrictClient, classroom: Classroom, app: Flask
) -> None:
    sign(learner, classroom)
    within(app, lambda: session.execute(sa.update(Signatory).values(salt=None, details=None)))
    learner.get(learner.address)
    assert "The personal details have been erased" in learner.text
    assert "Name as typed" not in learner.text
    assert "Signed 7 September 2026, 9:30am" in learner.text


def test_the_list_of_receipts_is_ones_own(learner: StrictClient, classroom: Classroom, app: Flask) -> None:
    learner.get("/receipts")
    assert "You haven’t signed anything yet" in learner.text
    sign(learner, classroom)
    learner.get("/receipts")
    learner.follow("Social media policy, version 3")
    assert learner.heading == "Receipt: Social media policy"
    learner.sign_in_as(within(app, lambda: make_person(classroom.school, forename="Tom").id))
    learner.get("/receipts")
    assert "You haven’t signed anything yet" in learner.text


def test_nobody_who_is_not_signed_in_signs_or_reads_a_receipt(
    client: StrictClient, classroom: Classroom
) -> None:
    for path in (address(classroom), "/receipts", f"/receipts/{uuid4()}"):
        response = client.get(path)
        assert response.status_code == 302
        assert "/sign-in" in response.headers["Location"]
