"""What the grade book is told in the end, whatever the platform does meanwhile."""

from __future__ import annotations

from datetime import timedelta

import pytest

from lms.db import session
from lms.lti import deliveries, places, scores
from lms.lti import services as service_module
from lms.lti.deliveries import BACK_OFF, LEASE
from lms.lti.platforms import RegistrationState
from lms.lti.scores import Score, ScoreState
from lms.lti.tool_keys import ToolKeys
from tests.conftest import NOW, Clock
from tests.factories import make_person
from tests.lti.grade_book import MINUTE, Made, place
from tests.lti.stand_in import Fault, Reply, StandIn, fault

pytestmark = pytest.mark.usefixtures("in_app")


def test_a_refusal_ends_in_words_and_can_be_sent_again(made: Made, platform: StandIn) -> None:
    book = made()
    platform.always("scores", fault(400, []))
    book.sign()
    book.deliver()
    (row,) = book.rows()
    assert row.state is ScoreState.REFUSED
    assert row.reason == "Moodle refused: not a learner in this course."
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


@pytest.mark.parametrize("trouble", [Fault.DROP, Fault.HALF, Fault.SLOW, fault(408)])
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
