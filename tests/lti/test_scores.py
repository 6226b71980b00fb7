"""What the grade book is told: begun, signed, once, and in the end whatever the platform does meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from lms import attestations, jobs, my_training
from lms.attestations import IdentityAssurance
from lms.db import db, session, transaction
from lms.lti import deliveries, places, scores
from lms.lti import services as service_module
from lms.lti.deliveries import BACK_OFF, LEASE
from lms.lti.fetching import Outgoing
from lms.lti.platforms import RegistrationState
from lms.lti.scores import Score, ScoreState
from lms.lti.services import Services
from lms.lti.tool_keys import ToolKeys
from lms.training import Assignment
from tests.client import StrictClient
from tests.conftest import NOW, Clock
from tests.counting import counted
from tests.factories import make_assignment, make_person, make_school
from tests.learners import do_modules, publish_model
from tests.lti.grade_book import GradeBook, place
from tests.lti.stand_in import Fault, Reply, StandIn, fault

pytestmark = pytest.mark.usefixtures("in_app")

MINUTE = timedelta(minutes=1)
Made = Callable[..., GradeBook]


@pytest.fixture(scope="module")
def tool_keys(tmp_path_factory: pytest.TempPathFactory) -> ToolKeys:
    """Our keys, made once: a new RSA key takes a while."""
    return ToolKeys(tmp_path_factory.mktemp("keys"))


@pytest.fixture
def platform(tool_keys: ToolKeys, time: Clock) -> Iterator[StandIn]:
    with StandIn(tool_keys.published, clock=lambda: time.now) as made:
        yield made


@pytest.fixture
def services(tool_keys: ToolKeys) -> Services:
    return Services(Outgoing(allow_private=True), tool_keys, "https://countersign.test")


@pytest.fixture
def made(app: Flask, time: Clock, services: Services, platform: StandIn) -> Made:
    def make(**values: Any) -> GradeBook:
        return GradeBook(app, time, services, platform, **values)

    return make


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
    with transaction(), counted(unlinked.app) as asked:
        scores.begun(unlinked.person.id, unlinked.assignment, 0, "friend-request", NOW)
        scores.signed(unlinked.person.id, unlinked.assignment, 0, NOW)
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


# What the platform does meanwhile


def test_a_token_that_was_taken_back_is_replaced_at_once(made: Made, platform: StandIn) -> None:
    book = made()
    book.begin()
    book.deliver()
    platform.end_tokens()
    book.time.now += MINUTE
    book.sign()
    book.deliver()
    assert book.grade() == 1
    assert len(platform.asked("token")) == 2


@pytest.mark.parametrize("product", ["moodle", "canvas", "blackboard"])
def test_a_refusal_ends_in_words_and_can_be_sent_again(made: Made, platform: StandIn, product: str) -> None:
    book = made(product=product)
    platform.always("scores", fault(422 if product == "canvas" else 400, []))
    book.sign()
    book.deliver()
    (row,) = book.rows()
    assert row.state is ScoreState.REFUSED
    assert row.reason == f"{product.capitalize()} refused: not a learner in this course."
    platform.well("scores")
    book.deliver()
    assert book.grade() is None, "it isn't sent again by itself"
    book.change(lambda: scores.resend(session.get_one(Score, row.id), book.time.now))
    book.deliver()
    assert book.grade() == 1


def test_a_newer_score_in_the_grade_book_is_met_with_the_present_time(made: Made, platform: StandIn) -> None:
    book = made()
    platform.next("scores", fault(409, []))
    book.sign()
    book.time.now += timedelta(seconds=30)
    book.deliver()
    assert book.states() == ["Completed: queued"]
    book.time.now += MINUTE
    book.deliver()
    assert book.grade() == 1
    assert book.told()[0]["timestamp"] == "2026-09-07T08:30:30.000Z"


def test_a_grade_book_that_always_has_something_newer_is_believed_in_the_end(
    made: Made, platform: StandIn
) -> None:
    book = made()
    platform.always("scores", fault(409, []))
    book.sign()
    for _ in range(4):
        book.deliver()
        book.time.now += timedelta(hours=1)
    (row,) = book.rows()
    assert row.state is ScoreState.REFUSED
    assert row.reason == "Moodle has a newer score of this person already."
    assert len(platform.asked("scores")) == 3


def test_nobody_is_told_of_having_begun_where_something_newer_is_known(made: Made, platform: StandIn) -> None:
    book = made()
    platform.next("scores", fault(409, []))
    book.begin()
    book.deliver()
    assert book.states() == ["InProgress: superseded"]


def test_a_busy_platform_is_left_alone_for_as_long_as_it_asks(made: Made, platform: StandIn) -> None:
    book = made()
    platform.next("scores", fault(429, headers={"Retry-After": "900"}))
    book.sign()
    book.deliver()
    book.time.now += timedelta(seconds=899)
    book.deliver()
    assert len(platform.asked("scores")) == 1
    book.time.now += timedelta(seconds=1)
    book.deliver()
    assert book.grade() == 1


def test_an_hour_of_errors_delays_a_score_and_loses_none(made: Made, platform: StandIn) -> None:
    book = made()
    platform.always("scores", fault(500))
    book.sign()
    for _ in range(60):
        book.deliver()
        book.time.now += MINUTE
    (row,) = book.rows()
    assert row.state is ScoreState.QUEUED
    assert row.reason == "Moodle answered with an error of its own (500)."
    assert len(platform.asked("scores")) <= 5, "it isn't asked each minute"
    platform.well("scores")
    for _ in range(60):
        book.deliver()
        book.time.now += MINUTE
    assert book.grade() == 1
    assert book.told()[0]["timestamp"] == "2026-09-07T08:30:00.000Z", "when it was signed"


def test_after_three_days_of_errors_hr_is_told(made: Made, platform: StandIn) -> None:
    book = made()
    platform.always("token", fault(503))
    book.sign()
    begun = book.time.now
    while book.rows()[0].state is ScoreState.QUEUED:
        book.deliver()
        book.time.now = max(book.time.now + MINUTE, book.rows()[0].next_at)
    assert timedelta(days=3) < book.time.now - begun < timedelta(days=4)
    (row,) = book.rows()
    assert row.state is ScoreState.REFUSED
    assert row.reason is not None
    assert row.reason.endswith("It was tried 13 times, over three days.")
    assert row.attempts == len(BACK_OFF) + 1


@pytest.mark.parametrize("trouble", [Fault.DROP, Fault.HALF, Fault.SLOW, fault(408), fault(503)])
def test_an_answer_that_does_not_come_whole_is_asked_for_again_and_the_grade_is_the_same(
    made: Made, platform: StandIn, monkeypatch: pytest.MonkeyPatch, trouble: Fault | Reply
) -> None:
    monkeypatch.setattr(service_module, "_SCORE_WITHIN", 0.3)
    book = made()
    platform.next("scores", trouble)
    book.sign()
    book.deliver()
    assert book.states() == ["Completed: queued"]
    assert book.rows()[0].reason
    book.time.now += MINUTE
    book.deliver()
    assert book.states() == ["Completed: sent"]
    assert book.grade() == 1


class KilledError(BaseException):
    """The worker is no more."""


def kill(*_: object, **__: object) -> None:
    raise KilledError


@pytest.mark.parametrize("refuses_same_time", [False, True])
def test_a_worker_that_was_killed_before_it_recorded_sends_again_and_the_grade_is_the_same(
    made: Made, platform: StandIn, monkeypatch: pytest.MonkeyPatch, refuses_same_time: bool
) -> None:
    platform.refuses_same_time = refuses_same_time
    book = made()
    book.sign()
    with monkeypatch.context() as patch:
        patch.setattr(deliveries, "settle", kill)
        with pytest.raises(KilledError):
            book.deliver()
    assert book.grade() == 1
    assert book.states() == ["Completed: queued"]
    book.deliver()
    assert len(platform.asked("scores")) == 1, "the worker may still be at it"
    book.time.now += LEASE
    book.deliver()
    first, second = platform.asked("scores")
    assert first.body == second.body
    book.time.now += BACK_OFF[1]
    book.deliver()
    assert book.states() == ["Completed: sent"]
    assert book.grade() == 1


def test_two_workers_send_a_score_once(made: Made, platform: StandIn) -> None:
    book = made()
    book.sign()
    (row,) = book.rows()
    taken = book.change(lambda: deliveries.take(row.id, NOW))
    assert taken is not None
    assert book.change(lambda: deliveries.take(row.id, NOW)) is None


def test_what_is_completed_while_it_is_being_sent_as_begun_stays_superseded(
    made: Made, platform: StandIn
) -> None:
    book = made()
    book.begin()
    (row,) = book.rows()
    taken = book.change(lambda: deliveries.take(row.id, NOW))
    book.sign()
    problem = service_module.ServiceError("Moodle refused.", True)
    book.change(lambda: deliveries.settle(taken, NOW, problem))
    assert book.states() == ["InProgress: superseded", "Completed: queued"]
    book.deliver()
    assert book.grade() == 1


def test_a_paused_platform_is_told_when_it_goes_on(made: Made, platform: StandIn) -> None:
    book = made()

    def set_state(state: RegistrationState) -> None:
        book.placed.registration.state = state
        session.merge(book.placed.registration)

    book.change(lambda: set_state(RegistrationState.PAUSED))
    book.sign()
    book.time.now += timedelta(days=30)
    book.deliver()
    assert book.states() == ["Completed: queued"]
    assert platform.questions == []
    book.change(lambda: set_state(RegistrationState.ACTIVE))
    book.deliver()
    assert book.grade() == 1


def test_a_link_that_gets_a_grade_later_is_told_then(made: Made, platform: StandIn) -> None:
    book = made(lineitem=None)
    book.sign()
    book.deliver()
    assert platform.questions == []

    def give_grade() -> None:
        book.link.lineitem = platform.lineitem()
        session.merge(book.link)

    book.change(give_grade)
    book.deliver()
    assert book.grade() == 1


def test_a_score_is_never_older_than_the_one_before(made: Made, platform: StandIn) -> None:
    book = made()
    book.begin()
    book.deliver()
    book.sign()
    book.deliver()
    first, second = (score["timestamp"] for score in book.told())
    assert (first, second) == ("2026-09-07T08:30:00.000Z", "2026-09-07T08:30:00.001Z")


def test_a_platform_that_is_down_is_asked_once_and_holds_up_no_other(
    made: Made, tool_keys: ToolKeys, time: Clock, platform: StandIn
) -> None:
    book = made()
    platform.always("scores", fault(503))
    with StandIn(tool_keys.published, clock=lambda: time.now, client_id="tool-2") as well:

        def more() -> None:
            other = place(well, book.classroom.school)
            link = other.link()
            for number in range(15):
                person = make_person(book.classroom.school)
                places.note_use(book.link, book.placed.identity(person, f"a-{number}").id, NOW)
                places.note_use(link, other.identity(person, f"b-{number}").id, NOW)
                scores.signed(person.id, book.assignment, 0, NOW)

        book.change(more)
        book.deliver()
        assert len(well.scores) == 15
    assert len(platform.asked("scores")) == 1
    platform.well("scores")
    time.now += MINUTE
    book.deliver()
    assert len(platform.scores) == 15


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
