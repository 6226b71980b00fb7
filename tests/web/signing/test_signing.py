"""Signing as a person does it: the page, the name, and what stands in the way."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from flask import Flask

from lms import training
from lms.attestations import Attestation
from lms.choice_counts import ChoiceCount
from lms.db import transaction
from lms.people import EngagementType
from lms.training import Answer
from tests.client import StrictClient
from tests.conftest import NOW, Clock
from tests.counting import counted
from tests.factories import make_assignment, make_person, make_policy, make_school
from tests.learners import Classroom, do_modules
from tests.web.practice import queries, rows, within
from tests.web.signing.acts import address, hidden, sign, the_attestation


def test_the_page_has_the_whole_policy_its_contents_the_statement_and_what_is_kept(
    learner: StrictClient, classroom: Classroom
) -> None:
    learner.get(address(classroom))
    assert "never copy" in learner.text.lower()
    links = learner.page.xpath("//nav[@aria-labelledby='contents']//a/@href")
    assert len(links) == 12
    assert all(learner.page.xpath(f"//*[@id='{link[1:]}']") for link in links)
    assert "I have read Social media policy, version 3, and understand what it asks of me." in learner.text
    assert "HR and the safeguarding lead can see it." in learner.text
    assert "Ada Okafor (dpo@school.test)" in learner.text
    text = learner.text
    assert (
        text.index("My typed name is my signature") < text.index("What we keep") < text.index("I’m not ready")
    )


def test_the_box_is_unticked_and_the_name_empty(learner: StrictClient, classroom: Classroom) -> None:
    learner.get(address(classroom))
    assert not learner.page.xpath("//input[@name='statement']/@checked")
    (name,) = learner.page.xpath("//input[@name='typed_name']")
    assert not name.get("value")
    assert name.get("autocomplete") == "name"


def test_signing_leads_to_a_receipt_that_says_so(
    learner: StrictClient, classroom: Classroom, app: Flask
) -> None:
    response = sign(learner, classroom)
    assert response.status_code == 200
    assert learner.address.startswith("/receipts/")
    assert "Signed. This is not clearance to work." in learner.text
    assert "Signed 7 September 2026, 9:30am" in learner.text
    _, details = the_attestation(app)
    assert details["name_typed"] == "Priya Nair"
    assert "name_confirmed" not in details


def test_a_form_without_tick_and_name_says_what_is_missing(
    learner: StrictClient, classroom: Classroom
) -> None:
    learner.get(address(classroom))
    response = learner.submit(button="Sign")
    assert response.status_code == 400
    assert "Tick the box to make the statement" in learner.text
    assert "Type your full name" in learner.text


def test_an_error_keeps_what_was_typed(learner: StrictClient, classroom: Classroom, app: Flask) -> None:
    learner.get(address(classroom))
    learner.submit(button="Sign", typed_name="Priya Nair")
    assert hidden(learner, "typed_name") == "Priya Nair"
    learner.submit(button="Sign", statement="y")
    assert learner.address.startswith("/receipts/")


@pytest.mark.parametrize("name", ["n" * 201, "  \t ", "\x00\x07"])
def test_a_name_that_cannot_be_one_is_asked_for_again(
    learner: StrictClient, classroom: Classroom, name: str, app: Flask
) -> None:
    assert sign(learner, classroom, name).status_code == 400
    assert rows(app, Attestation) == 0


def test_a_name_that_is_not_on_record_is_asked_about_once_and_not_refused(
    learner: StrictClient, classroom: Classroom, app: Flask
) -> None:
    assert sign(learner, classroom, "Priyanka Nayar").status_code == 400
    assert "You typed Priyanka Nayar. Our record says Priya Nair." in learner.text
    learner.submit(button="Sign", whose_name="mine")
    assert learner.address.startswith("/receipts/")
    assert "Priyanka Nayar (asked, and confirmed as their own)" in learner.text
    _, details = the_attestation(app)
    assert (details["name_typed"], details["name_confirmed"]) == ("Priyanka Nayar", "yes")


def test_another_strange_name_is_asked_about_anew(
    learner: StrictClient, classroom: Classroom, app: Flask
) -> None:
    sign(learner, classroom, "Priyanka Nayar")
    response = learner.submit(button="Sign", whose_name="mine", typed_name="Mickey Mouse")
    assert response.status_code == 400
    assert "You typed Mickey Mouse." in learner.text
    assert rows(app, Attestation) == 0


def test_saying_that_the_name_is_somebody_elses_leads_to_this_isnt_me(
    learner: StrictClient, classroom: Classroom, app: Flask
) -> None:
    sign(learner, classroom, "Tom Ellis")
    learner.submit(button="Sign", whose_name="not-mine")
    assert learner.heading == "This isn’t me"
    assert rows(app, Attestation) == 0


def test_the_name_put_right_needs_no_answer(learner: StrictClient, classroom: Classroom, app: Flask) -> None:
    sign(learner, classroom, "Tom Ellis")
    learner.submit(button="Sign", typed_name="nair priya")
    assert learner.address.startswith("/receipts/")
    assert "name_confirmed" not in the_attestation(app)[1]


@pytest.mark.parametrize("cycle", ["", "7", "-1", "x", "9" * 30, "-" + "9" * 30])
def test_a_form_whose_hidden_number_was_altered_signs_nothing(
    learner: StrictClient, classroom: Classroom, app: Flask, cycle: str
) -> None:
    learner.get(address(classroom))
    response = learner.submit(button="Sign", statement="y", typed_name="Priya Nair", cycle=cycle)
    assert response.status_code in {400, 409}
    assert rows(app, Attestation) == 0


def test_modules_come_first_and_the_page_says_which_are_left(
    client: StrictClient, app: Flask, time: Clock
) -> None:
    with app.app_context(), transaction():
        classroom = Classroom()
        do_modules(classroom.person, classroom.assignment, count=1)
    client.sign_in_as(classroom.person.id)
    client.get(address(classroom))
    assert client.heading == "You can sign once the modules are done"
    assert "A friend request from an ex-pupil: done" in client.text
    assert "Security settings: still to do" in client.text
    client.follow("Go on with")
    assert client.address == f"/modules/{classroom.modules[1]}"


def test_signing_after_the_modules_forgets_the_answers_and_keeps_the_counts(
    client: StrictClient, app: Flask, time: Clock
) -> None:
    with app.app_context(), transaction():
        classroom = Classroom()
        do_modules(classroom.person, classroom.assignment)
    counted = rows(app, ChoiceCount)
    client.sign_in_as(classroom.person.id)
    sign(client, classroom)
    assert "A friend request from an ex-pupil" in client.text
    assert rows(app, Answer) == 0
    assert rows(app, ChoiceCount) == counted > 0


def test_somebody_elses_assignment_cannot_be_opened(learner: StrictClient, app: Flask) -> None:
    def governors_only() -> UUID:
        school = make_school()
        return make_assignment(school, make_policy(school), audience=[EngagementType.GOVERNOR]).id

    found = within(app, governors_only)
    for rest in ("", "/not-signing", "/not-signing/decline", "/not-signing/question"):
        assert learner.get(f"/sign/{found}{rest}").status_code == 404
    assert learner.get(f"/sign/{uuid4()}").status_code == 404


def test_a_clock_that_went_back_is_a_page_that_says_so(
    learner: StrictClient, classroom: Classroom, app: Flask, time: Clock, client: StrictClient
) -> None:
    sign(learner, classroom)
    other = within(app, lambda: make_person(classroom.school, forename="Tom", surname="Ellis").id)
    client.sign_in_as(other)
    time.now = NOW - timedelta(hours=1)
    response = sign(client, classroom, "Tom Ellis")
    assert response.status_code == 503
    assert client.heading == "The server’s clock is wrong"
    assert rows(app, Attestation) == 1


def test_a_lost_ledger_key_is_a_page_that_says_so(
    learner: StrictClient, classroom: Classroom, app: Flask, client: StrictClient
) -> None:
    sign(learner, classroom)
    other = within(app, lambda: make_person(classroom.school, forename="Tom", surname="Ellis").id)
    client.sign_in_as(other)
    app.config["LEDGER_KEY"] = Ed25519PrivateKey.generate()
    response = sign(client, classroom, "Tom Ellis")
    assert response.status_code == 500
    assert "ledger-key.pem" in client.text
    assert rows(app, Attestation) == 1


def test_withdrawing_an_assignment_leaves_a_clear_page(
    learner: StrictClient, classroom: Classroom, app: Flask, time: Clock
) -> None:
    learner.get(address(classroom))

    def withdraw() -> None:
        found = training.current_assignment(classroom.assignment.id)
        assert found is not None
        found.recorded_to = NOW

    within(app, withdraw)
    time.now = NOW + timedelta(minutes=1)
    response = learner.submit(button="Sign", statement="y", typed_name="Priya Nair")
    assert response.status_code == 404
    assert "has been withdrawn" in learner.text
    assert rows(app, Attestation) == 0


def test_signing_takes_few_statements_however_many_have_signed(
    client: StrictClient, classroom: Classroom, app: Flask
) -> None:
    people = within(app, lambda: [make_person(classroom.school).id for _ in range(6)])
    taken = []
    for person in people:
        client.sign_in_as(person)
        client.get(address(classroom))
        form = {**dict(client.page.xpath("//main//form")[0].form_values()), "statement": "y"}
        with counted(app) as sent:
            client.post(address(classroom), data={**form, "typed_name": "Priya Nair"})
        taken.append(len(sent))
    assert rows(app, Attestation) == 6
    assert taken[-1] == taken[-2] <= 16


def test_the_pages_ask_little_of_the_database(
    learner: StrictClient, classroom: Classroom, app: Flask
) -> None:
    learner.get(address(classroom))
    with counted(app) as sent:
        learner.get(address(classroom))
    assert len(sent) <= 7
    sign(learner, classroom)
    with counted(app) as sent:
        learner.get(learner.address)
    assert len(sent) <= 3


def test_the_page_takes_five_queries_at_most(learner: StrictClient, classroom: Classroom, app: Flask) -> None:
    assert queries(app, learner, address(classroom)) <= 5
