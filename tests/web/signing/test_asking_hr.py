"""Not ready to sign: what reaches HR, and what may be written."""

from __future__ import annotations

import json

import pytest
import sqlalchemy as sa
from flask import Flask

from lms import help_requests
from lms.attestations import Attestation
from lms.db import session
from lms.help_requests import HelpKind, HelpRequest
from lms.mail import Message, MessageKind
from lms.people import Person, RoleName
from tests.client import StrictClient
from tests.factories import make_person
from tests.learners import Classroom
from tests.web.practice import rows, within
from tests.web.signing.acts import address, choose


def make_hr(app: Flask, classroom: Classroom, email: str | None = "") -> Person:
    return within(  # type: ignore[no-any-return]
        app,
        lambda: make_person(classroom.school, forename="Hana", surname="Reed", role=RoleName.HR, email=email),
    )


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


def test_somebody_who_keeps_changing_a_question_does_not_flood_hr_but_the_newest_words_are_kept(
    learner: StrictClient, classroom: Classroom, app: Flask
) -> None:
    make_hr(app, classroom)
    for number in range(help_requests.MOST_ANNOUNCED + 2):
        learner.get(address(classroom, "/not-signing/question?change=1"))
        learner.submit(button="Send my question", text=f"May I? {number}")
    assert rows(app, Message) == help_requests.MOST_ANNOUNCED
    assert f"May I? {number}" in learner.text


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
