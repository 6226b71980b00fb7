"""Signing as a person does it: the page, the name, the receipt, and the five ways of not signing."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from flask import Flask
from sqlalchemy import event

from lms import help_requests, policies, training
from lms.attestations import Attestation, IdentityAssurance, Signatory
from lms.checkpoint import VerifierKey, verify_tlog_proof
from lms.db import db, session, transaction
from lms.help_requests import HelpKind, HelpRequest
from lms.mail import Message, MessageKind
from lms.merkle import leaf_hash
from lms.people import EngagementType, Person, RoleName, give_role
from lms.training import Answer, ChoiceCount
from tests.client import StrictClient
from tests.conftest import NOW, Clock
from tests.factories import engagement_of, make_assignment, make_person, make_policy, make_school
from tests.learners import Classroom, do_modules


@pytest.fixture
def classroom(app: Flask, time: Clock) -> Classroom:
    """A school that asks its adults to read and sign the model policy, without modules."""
    with app.app_context(), transaction():
        return Classroom(modules=[])


@pytest.fixture
def learner(client: StrictClient, classroom: Classroom) -> StrictClient:
    """Priya Nair's browser."""
    client.sign_in_as(classroom.person.id)
    return client


def within(app: Flask, work: Callable[[], Any]) -> Any:
    """Do something in a transaction of its own."""
    with app.app_context(), transaction():
        return work()


def rows(app: Flask, table: type) -> int:
    return within(app, lambda: session.scalar(sa.select(sa.func.count()).select_from(table))) or 0


def address(classroom: Classroom, rest: str = "") -> str:
    return f"/sign/{classroom.assignment.id}{rest}"


def sign(client: StrictClient, classroom: Classroom, name: str = "Priya Nair") -> Any:
    """Open the page, tick the box, type a name and press the button."""
    client.get(address(classroom))
    return client.submit(button="Sign", statement="y", typed_name=name)


def the_attestation(app: Flask) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the one record there is, with its personal details."""

    def read() -> tuple[dict[str, Any], dict[str, Any]]:
        record, details = session.execute(
            sa.select(Attestation.record, Signatory.details).join(
                Signatory, Signatory.attestation_id == Attestation.id
            )
        ).one()
        return json.loads(record), json.loads(details)

    return within(app, read)  # type: ignore[no-any-return]


def hidden(client: StrictClient, name: str) -> str:
    return str(client.page.xpath(f"//main//input[@name='{name}']/@value")[0])


# Signing


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


def test_a_second_press_and_a_second_tab_give_the_one_receipt(
    learner: StrictClient, classroom: Classroom, app: Flask
) -> None:
    learner.get(address(classroom))
    form = learner.page.xpath("//main//form")[0]
    typed = {**dict(form.form_values()), "statement": "y", "typed_name": "Priya Nair"}
    answers = [learner.post(address(classroom), data=typed) for _ in range(3)]
    assert {answer.status_code for answer in answers} == {302}
    assert len({answer.headers["Location"] for answer in answers}) == 1
    assert rows(app, Attestation) == 1
    assert rows(app, Message) == 1


def test_a_second_press_after_the_text_changed_still_finds_the_one_receipt(
    learner: StrictClient, classroom: Classroom, app: Flask
) -> None:
    learner.get(address(classroom))
    form = learner.page.xpath("//main//form")[0]
    typed = {**dict(form.form_values()), "statement": "y", "typed_name": "Priya Nair"}
    first = learner.post(address(classroom), data=typed)
    within(app, lambda: publish(classroom, "Be kinder."))
    again = learner.post(address(classroom), data=typed)
    assert again.headers["Location"] == first.headers["Location"]


def test_the_page_of_what_is_signed_already_is_its_receipt(
    learner: StrictClient, classroom: Classroom
) -> None:
    sign(learner, classroom)
    receipt = learner.address
    learner.get(address(classroom), follow_redirects=True)
    assert learner.address == receipt


def publish(classroom: Classroom, words: str, **more: Any) -> None:
    text = policies.source(classroom.version) + f"\n\n## 12. New\n\n{words}\n"
    more = {"resign_by": None, **more}
    policies.publish(
        classroom.school,
        slug="social-media",
        title="Social media policy",
        label="4",
        markdown=text,
        now=NOW - timedelta(seconds=1),
        **more,
    )


def test_a_text_that_changed_meanwhile_is_shown_again_and_the_name_kept(
    learner: StrictClient, classroom: Classroom, app: Flask
) -> None:
    learner.get(address(classroom))
    within(app, lambda: publish(classroom, "Be kinder still."))
    response = learner.submit(button="Sign", statement="y", typed_name="Priya Nair")
    assert response.status_code == 400
    assert "The policy was changed while you were reading" in learner.text
    assert "Be kinder still." in learner.text
    assert hidden(learner, "typed_name") == "Priya Nair"
    assert not learner.page.xpath("//input[@name='statement']/@checked")
    assert rows(app, Attestation) == 0
    learner.submit(button="Sign", statement="y")
    assert "version 4" in learner.text
    assert learner.address.startswith("/receipts/")


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


def test_signing_again_shows_what_changed_since(
    learner: StrictClient, classroom: Classroom, app: Flask, time: Clock
) -> None:
    sign(learner, classroom)
    first = learner.address
    within(app, lambda: publish(classroom, "Be kinder still.", resign_by=NOW.date() - timedelta(days=1)))
    time.now = NOW + timedelta(days=3)
    learner.get(address(classroom))
    changed = learner.page.xpath("string(//section[@aria-labelledby='changed'])")
    assert "You last signed this policy on 7 September 2026, 9:30am" in changed
    assert "12. New" in changed
    assert "Be kinder still." in changed
    learner.submit(button="Sign", statement="y", typed_name="Priya Nair")
    assert learner.address.startswith("/receipts/")
    assert learner.address != first
    learner.get("/receipts")
    assert learner.text.count("Social media policy, version") == 2


def test_renewing_an_unchanged_policy_says_that_nothing_changed(
    learner: StrictClient, classroom: Classroom, time: Clock
) -> None:
    sign(learner, classroom)
    time.now = NOW + timedelta(days=350)
    learner.get(address(classroom))
    assert "Not a word of it has changed since." in learner.text


def test_it_cannot_be_signed_twice_in_a_row_by_a_form_made_by_hand(
    learner: StrictClient, classroom: Classroom, app: Flask
) -> None:
    learner.get(address(classroom))
    form = dict(learner.page.xpath("//main//form")[0].form_values())
    learner.submit(button="Sign", statement="y", typed_name="Priya Nair")
    form |= {"cycle": "1", "statement": "y", "typed_name": "Priya Nair"}
    learner.post(address(classroom), data=form, follow_redirects=True)
    assert learner.address.startswith("/receipts/")
    assert rows(app, Attestation) == 1


# The copy


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


# Not signing


def choose(client: StrictClient, classroom: Classroom, way: str) -> Any:
    client.get(address(classroom))
    client.follow("I’m not ready to sign")
    return client.submit(button="Continue", way=way)


def make_hr(app: Flask, classroom: Classroom, email: str | None = "") -> Person:
    return within(  # type: ignore[no-any-return]
        app,
        lambda: make_person(classroom.school, forename="Hana", surname="Reed", role=RoleName.HR, email=email),
    )


def test_not_signing_asks_which_way_and_needs_an_answer(learner: StrictClient, classroom: Classroom) -> None:
    learner.get(address(classroom, "/not-signing"))
    response = learner.submit(button="Continue")
    assert response.status_code == 400
    assert "Choose what fits best" in learner.text
    assert learner.post(address(classroom, "/not-signing"), data={"way": "flee"}).status_code == 400


def test_more_time_records_nothing_and_says_when_it_is_due(
    learner: StrictClient, classroom: Classroom, app: Flask
) -> None:
    choose(learner, classroom, "more-time")
    assert learner.heading == "Take your time"
    assert "15 September 2026" in learner.text
    assert rows(app, Attestation) == rows(app, HelpRequest) == rows(app, Message) == 0
    learner.follow("Back to My training")
    assert learner.address == "/"


@pytest.mark.parametrize(
    ("way", "kind", "button"),
    [
        ("another-way", HelpKind.ANOTHER_WAY, "Ask for it another way"),
        ("question", HelpKind.QUESTION, "Send my question"),
    ],
)
def test_a_request_reaches_hr_in_the_record_and_by_mail(
    learner: StrictClient, classroom: Classroom, app: Flask, way: str, kind: HelpKind, button: str
) -> None:
    hr = make_hr(app, classroom)
    make_hr(app, classroom, email=None)
    choose(learner, classroom, way)
    learner.submit(button=button, text="In large print, please.\r\nThank you.")
    assert learner.heading == "HR has been told"
    assert "In large print, please." in learner.text

    def read() -> None:
        (request,) = help_requests.open_requests(classroom.school.id)
        assert (request.kind, request.text) == (kind, "In large print, please.\nThank you.")
        message = session.scalars(sa.select(Message)).one()
        assert (message.address, message.kind) == (hr.email, MessageKind.HELP_REQUEST)
        assert message.payload["name"] == "Priya Nair"
        assert "large print" not in json.dumps(message.payload)

    within(app, read)
    assert rows(app, Attestation) == 0


def test_the_same_words_twice_are_one_request_and_one_message_and_new_words_replace_them(
    learner: StrictClient, classroom: Classroom, app: Flask
) -> None:
    make_hr(app, classroom)
    for words in ("May I?", "May I?", "May I really?"):
        learner.get(address(classroom, "/not-signing/question?change=1"))
        learner.submit(button="Send my question", text=words)
    assert rows(app, HelpRequest) == 1
    assert rows(app, Message) == 2
    assert "May I really?" in learner.text
    learner.follow("Change what you wrote")
    assert learner.page.xpath("string(//textarea)").strip() == "May I really?"


def test_a_question_needs_words(learner: StrictClient, classroom: Classroom, app: Flask) -> None:
    learner.get(address(classroom, "/not-signing/question"))
    assert learner.submit(button="Send my question", text=" \r\n ").status_code == 400
    assert "Write your question" in learner.text
    assert rows(app, HelpRequest) == 0


def test_two_thousand_characters_are_taken_and_one_more_is_not(
    learner: StrictClient, classroom: Classroom, app: Flask
) -> None:
    learner.get(address(classroom, "/not-signing/question"))
    assert learner.submit(button="Send my question", text="é" * 2001).status_code == 400
    assert "no more than 2,000 characters" in learner.text
    assert "é" * 2001 in learner.text
    assert learner.submit(button="Send my question", text="é" * 2000).status_code == 200
    assert rows(app, HelpRequest) == 1


def test_characters_that_no_database_keeps_are_left_out(
    learner: StrictClient, classroom: Classroom, app: Flask
) -> None:
    learner.get(address(classroom, "/not-signing/question"))
    assert learner.submit(button="Send my question", text="Why\x00?\x1b[0m <b>😀").status_code == 200
    assert "Why?[0m <b>😀" in learner.text


@pytest.mark.parametrize("way", ["another-way", "question", "not-me", "decline"])
def test_under_every_free_text_box_is_what_to_do_about_a_child(
    learner: StrictClient, classroom: Classroom, way: str
) -> None:
    learner.get(address(classroom, f"/not-signing/{way}"))
    assert "Don’t write it here. Tell Siân Pritchard now on extension 204." in learner.text


def test_this_isnt_me_tells_hr_and_signs_out(learner: StrictClient, classroom: Classroom, app: Flask) -> None:
    make_hr(app, classroom)
    choose(learner, classroom, "not-me")
    response = learner.submit(button="Tell HR and sign out", text="I am Tom.")
    assert response.status_code == 200
    assert "You are signed out" in learner.heading
    assert learner.get("/").status_code == 302
    assert rows(app, HelpRequest) == rows(app, Message) == 1
    assert rows(app, Attestation) == 0


def test_choosing_not_to_sign_is_recorded_says_that_the_policy_applies_and_can_be_undone_by_signing(
    learner: StrictClient, classroom: Classroom, app: Flask
) -> None:
    choose(learner, classroom, "decline")
    assert "The policy still applies to you." in learner.text
    assert "ask your union" in learner.text
    learner.submit(button="I choose not to sign", reason="My union asked us to wait.")
    assert "Chose not to sign. The policy still applies." in learner.text
    assert "My union asked us to wait." in learner.text
    declined = learner.address
    record, details = the_attestation(app)
    assert record["type"] == "declined"
    assert "union" not in json.dumps(record)
    assert details["reason"] == "My union asked us to wait."
    learner.get(address(classroom, "/not-signing/decline"), follow_redirects=True)
    assert learner.address == declined
    learner.follow("read and sign the policy")
    assert "You chose not to sign this. You can still sign it now." in learner.text
    learner.submit(button="Sign", statement="y", typed_name="Priya Nair")
    assert "Signed. This is not clearance to work." in learner.text
    assert rows(app, Attestation) == 2


def test_declining_needs_no_reason_and_two_presses_are_one(
    learner: StrictClient, classroom: Classroom, app: Flask
) -> None:
    learner.get(address(classroom, "/not-signing/decline"))
    form = dict(learner.page.xpath("//main//form")[0].form_values())
    answers = [learner.post(address(classroom, "/not-signing/decline"), data=form) for _ in range(2)]
    assert len({answer.headers["Location"] for answer in answers}) == 1
    assert rows(app, Attestation) == 1
    assert "reason" not in the_attestation(app)[1]


def test_what_was_signed_in_another_tab_is_not_declined(
    learner: StrictClient, classroom: Classroom, app: Flask
) -> None:
    learner.get(address(classroom, "/not-signing/decline"))
    form = dict(learner.page.xpath("//main//form")[0].form_values())
    sign(learner, classroom)
    response = learner.post(address(classroom, "/not-signing/decline"), data=form)
    assert response.status_code == 409
    assert "You have signed this already" in learner.text
    assert rows(app, Attestation) == 1


def test_there_are_no_ways_of_not_signing_what_is_signed(learner: StrictClient, classroom: Classroom) -> None:
    sign(learner, classroom)
    receipt = learner.address
    for rest in ("/not-signing", "/not-signing/more-time"):
        learner.get(address(classroom, rest), follow_redirects=True)
        assert learner.address == receipt
    assert learner.get(address(classroom, "/not-signing/decline")).status_code == 409


def test_a_way_that_does_not_exist_is_not_found(learner: StrictClient, classroom: Classroom) -> None:
    assert learner.get(address(classroom, "/not-signing/run-away")).status_code == 404


# Receipts


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


# How much is asked of the database


@pytest.fixture
def statements(app: Flask) -> Any:
    """The SQL of what runs meanwhile, but the beginnings of transactions."""
    said: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if not statement.startswith(("BEGIN", "PRAGMA")):
            said.append(statement)

    with app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", note)
    yield said
    event.remove(engine, "before_cursor_execute", note)


def test_signing_takes_few_statements_however_many_have_signed(
    client: StrictClient, classroom: Classroom, app: Flask, statements: list[str]
) -> None:
    people = within(app, lambda: [make_person(classroom.school).id for _ in range(6)])
    taken = []
    for person in people:
        client.sign_in_as(person)
        client.get(address(classroom))
        form = {**dict(client.page.xpath("//main//form")[0].form_values()), "statement": "y"}
        statements.clear()
        client.post(address(classroom), data={**form, "typed_name": "Priya Nair"})
        taken.append(len(statements))
    assert rows(app, Attestation) == 6
    assert taken[-1] == taken[-2] <= 16


def test_the_pages_ask_little_of_the_database(
    learner: StrictClient, classroom: Classroom, statements: list[str]
) -> None:
    learner.get(address(classroom))
    statements.clear()
    learner.get(address(classroom))
    assert len(statements) <= 7
    sign(learner, classroom)
    statements.clear()
    learner.get(learner.address)
    assert len(statements) <= 3


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
