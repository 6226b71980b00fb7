"""The card: whom to turn to at this school today."""

from __future__ import annotations

from datetime import date

import pytest
from flask import Flask

from lms import attestations, my_training
from lms.attestations import IdentityAssurance
from lms.db import session, transaction
from lms.people import EngagementType, Person, RoleName
from lms.policy_text import PLACEHOLDERS
from lms.schools import Organisation
from tests.client import StrictClient
from tests.conftest import NOW, Clock
from tests.factories import make_assignment, make_person, make_policy, make_school

CARD = "/schools/ysgol-mor/card"
CONTACTS = {
    "safeguarding_lead": "Siân Pritchard",
    "safeguarding_lead_room": "14",
    "safeguarding_lead_extension": "204",
    "deputy_safeguarding_lead": "Tom O’Neill",
    "head": "Dr Amara Bello",
    "first_aid": "The office, extension 10",
}


@pytest.fixture
def school(app: Flask, time: Clock) -> Organisation:
    with app.app_context(), transaction():
        made = make_school("Ysgol Môr")
        made.contacts = CONTACTS
        return made


@pytest.fixture
def volunteer(app: Flask, client: StrictClient, school: Organisation) -> Person:
    with app.app_context(), transaction():
        person = make_person(school, EngagementType.VOLUNTEER)
    client.sign_in_as(person.id)
    return person


def ask(app: Flask, school: Organisation, person: Person, *, signed: bool) -> None:
    with app.app_context(), transaction():
        assignment = make_assignment(school, make_policy(school), due_days=0)
        if signed:
            task = my_training.task(person, assignment.id, NOW)
            what = my_training.signing(task, person, IdentityAssurance.WORK_EMAIL, 0)
            attestations.sign(
                what,
                typed_name="Priya Nair",
                shown_sha256=what.text_sha256,
                key=app.config["LEDGER_KEY"],
                now=NOW,
            )


def test_the_card_names_whom_to_turn_to_with_room_and_extension(
    client: StrictClient, volunteer: Person
) -> None:
    client.get(CARD)
    for words in (
        "Siân Pritchard",
        "Room 14",
        "extension 204",
        "Tom O’Neill",
        "Dr Amara Bello",
        "extension 10",
    ):
        assert words in client.text


def test_what_the_school_has_not_filled_in_says_whom_to_ask(
    app: Flask, client: StrictClient, school: Organisation, volunteer: Person
) -> None:
    with app.app_context(), transaction():
        session.get_one(Organisation, school.id).contacts = {"safeguarding_lead": "Siân Pritchard"}
    client.get(CARD)
    assert client.text.count("Ask the office") == 3
    assert "Room" not in client.text


def test_signed_is_said_never_to_be_clearance_and_the_square_leads_to_the_receipt(
    app: Flask, client: StrictClient, school: Organisation, volunteer: Person
) -> None:
    ask(app, school, volunteer, signed=True)
    client.get(CARD)
    assert "Signed. This is not clearance to work." in client.text
    assert len(client.page.xpath("//main//svg/path")) == 1
    client.follow("See my receipt")
    assert client.heading.startswith("Receipt")


def test_who_has_not_signed_what_is_due_today_sees_so_and_no_square(
    app: Flask, client: StrictClient, school: Organisation, volunteer: Person
) -> None:
    ask(app, school, volunteer, signed=False)
    client.get(CARD)
    assert "Not signed." in client.text
    assert not client.page.xpath("//main//svg")


def test_an_administrator_says_who_gives_first_aid_and_no_policy_can_name_them(
    app: Flask, client: StrictClient, school: Organisation
) -> None:
    with app.app_context(), transaction():
        admin = make_person(school, role=RoleName.ADMIN)
    client.sign_in_as(admin.id)
    client.get("/schools/ysgol-mor/settings")
    client.submit(first_aid="Bethan Lloyd, extension 12")
    client.get(CARD)
    assert "Bethan Lloyd, extension 12" in client.text
    assert "first_aid" not in PLACEHOLDERS


@pytest.mark.parametrize("ends", [date(2026, 9, 6), None])
def test_a_school_shows_its_card_to_nobody_who_is_not_engaged_there_today(
    app: Flask, client: StrictClient, school: Organisation, ends: date | None
) -> None:
    with app.app_context(), transaction():
        at = school if ends else make_school("Elsewhere Academy")
        person = make_person(at, ends=ends)
    client.sign_in_as(person.id)
    assert client.get(CARD).status_code == 404
    assert "Siân" not in client.page.text_content()
