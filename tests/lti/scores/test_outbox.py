"""What the grade book is told: begun, signed, and once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from lms import attestations, jobs, my_training
from lms.attestations import IdentityAssurance
from lms.db import db, transaction
from lms.lti import places, scores
from lms.lti.tool_keys import ToolKeys
from lms.training import Assignment
from tests.client import StrictClient
from tests.conftest import NOW, Clock
from tests.factories import make_assignment, make_school
from tests.learners import do_modules, publish_model
from tests.lti.grade_book import MINUTE, GradeBook, Made, place
from tests.lti.stand_in import StandIn

pytestmark = pytest.mark.usefixtures("in_app")


def sign_for_good(book: GradeBook, assignment: Assignment) -> None:
    """Sign an assignment, so that its status says so."""
    do_modules(book.person, assignment)
    task = my_training.task(book.person, assignment.id, NOW)
    signing = my_training.signing(task, book.person, IdentityAssurance.LMS_ACCOUNT, task.cycle)
    attestations.sign(
        signing,
        typed_name=book.person.name,
        shown_sha256=signing.text_sha256,
        key=book.app.config["LEDGER_KEY"],
        now=book.time.now,
    )


# What is said, and of what


def test_begun_is_in_progress_without_a_score_and_signed_is_completed_with_one_of_one(made: Made) -> None:
    book = made()
    book.begin()
    book.deliver()
    book.time.now += MINUTE
    book.sign()
    book.deliver()
    assert book.told() == [
        {
            "timestamp": "2026-09-07T08:30:00.000Z",
            "activityProgress": "InProgress",
            "gradingProgress": "NotReady",
        },
        {
            "timestamp": "2026-09-07T08:31:00.000Z",
            "activityProgress": "Completed",
            "gradingProgress": "FullyGraded",
            "scoreGiven": 1,
            "scoreMaximum": 1,
        },
    ]
    assert book.states() == ["InProgress: sent", "Completed: sent"]


def test_pressing_twice_says_it_once(made: Made) -> None:
    book = made()
    for _ in range(2):
        book.begin()
        book.sign()
        book.deliver()
        book.time.now += MINUTE
    assert [score["activityProgress"] for score in book.told()] == ["Completed"]


def test_what_was_begun_is_not_said_any_more_once_it_is_signed(made: Made) -> None:
    book = made()
    book.begin()
    book.sign()
    assert book.states() == ["InProgress: superseded", "Completed: queued"]
    book.deliver()
    assert len(book.told()) == 1


def test_a_completed_grade_is_not_taken_back_when_it_is_time_to_sign_again(made: Made) -> None:
    book = made()
    book.sign()
    book.deliver()
    book.change(lambda: scores.begun(book.person.id, book.assignment, 1, "friend-request", book.time.now))
    book.deliver()
    assert book.grade() == 1
    assert len(book.rows()) == 1
    book.time.now += MINUTE
    book.change(lambda: scores.signed(book.person.id, book.assignment, 1, book.time.now))
    book.deliver()
    assert [score["activityProgress"] for score in book.told()] == ["Completed", "Completed"]


def test_a_link_to_a_module_hears_of_that_module_alone(made: Made) -> None:
    book = made(target="friend-request", modules=["friend-request", "personal-use"])
    book.begin("personal-use")
    assert book.rows() == []
    book.begin("friend-request")
    book.sign()
    book.deliver()
    assert book.grade() == 1


def test_a_link_to_a_module_that_is_not_asked_for_hears_nothing(made: Made) -> None:
    book = made(target="security-settings")
    book.begin()
    book.sign()
    assert book.rows() == []


def test_a_link_to_the_whole_programme_is_completed_by_the_last_thing_signed(made: Made) -> None:
    book = made(modules=[])
    other = book.change(
        lambda: make_assignment(book.classroom.school, publish_model(book.classroom.school, slug="other"))
    )
    book.sign()
    book.deliver()
    assert book.grade() is None
    assert book.told()[-1]["activityProgress"] == "InProgress"
    book.change(lambda: sign_for_good(book, book.assignment))
    book.time.now += MINUTE
    book.sign(other)
    book.deliver()
    assert book.grade() == 1


def test_a_link_at_another_school_hears_nothing(made: Made, tool_keys: ToolKeys) -> None:
    book = made()
    with StandIn(tool_keys.published, client_id="tool-2") as elsewhere:

        def open_elsewhere() -> None:
            other = place(elsewhere, make_school())
            places.note_use(other.link(), other.identity(book.person, "u-18").id, NOW)

        book.change(open_elsewhere)
        book.sign()
        book.deliver()
        assert book.grade() == 1
        assert elsewhere.questions == []


def test_somebody_who_has_opened_no_link_costs_one_query(made: Made) -> None:
    unlinked = made(opened=False)
    asked: list[str] = []

    def note(*about: Any) -> None:
        asked.append(about[2])

    with transaction():
        sa.event.listen(db.engine, "before_cursor_execute", note)
        scores.begun(unlinked.person.id, unlinked.assignment, 0, "friend-request", NOW)
        scores.signed(unlinked.person.id, unlinked.assignment, 0, NOW)
        sa.event.remove(db.engine, "before_cursor_execute", note)
    assert len(asked) == 2, "one for each"
    assert unlinked.rows() == []


# What was done before


def test_what_was_signed_before_the_link_was_opened_is_said_when_it_is(made: Made) -> None:
    book = made(opened=False)
    book.change(lambda: sign_for_good(book, book.assignment))
    book.time.now += timedelta(days=2)

    def open_link() -> None:
        assert places.note_use(book.link, book.identity.id, book.time.now)
        scores.catch_up(book.identity, book.time.now)

    book.change(open_link)
    book.deliver()
    assert book.grade() == 1
    assert book.told()[0]["timestamp"].startswith("2026-09-07T08:30:00"), "when it was signed"


def test_what_was_begun_before_the_link_was_opened_is_said_when_it_is(made: Made) -> None:
    book = made(opened=False)

    def begin_and_open() -> None:
        do_modules(book.person, book.assignment)
        places.note_use(book.link, book.identity.id, NOW)
        scores.catch_up(book.identity, NOW)

    book.change(begin_and_open)
    book.deliver()
    assert [score["activityProgress"] for score in book.told()] == ["InProgress"]


def test_nothing_is_said_of_somebody_who_has_done_nothing(made: Made) -> None:
    book = made()
    book.change(lambda: scores.catch_up(book.identity, NOW))
    assert book.rows() == []


# From the button to the grade book


def test_what_is_begun_and_signed_on_the_pages_reaches_the_grade_book_by_the_worker(
    made: Made, app: Flask, client: StrictClient, time: Clock, platform: StandIn
) -> None:
    app.config["SETTINGS"] = app.config["SETTINGS"].model_copy(update={"lti_allow_private_hosts": True})
    platform._published = app.config["LTI_KEYS"].published
    book = made()
    huey = jobs._queues[db.engine].huey

    def work() -> None:
        assert "scores" in [task.name for task in huey.pending()]
        while task := huey.dequeue():
            huey.execute(task)

    client.sign_in_as(book.person.id, IdentityAssurance.LMS_ACCOUNT)
    client.get("/modules/friend-request")
    client.submit(button="Start")
    work()
    assert [score["activityProgress"] for score in platform.scores] == ["InProgress"]
    book.change(lambda: do_modules(book.person, book.assignment))
    client.get(f"/sign/{book.assignment.id}")
    client.submit(button="Sign", statement="y", typed_name=book.person.name)
    assert "Signed" in client.text
    work()
    assert book.grade() == 1
