"""The worker's part in LTI: what wakes it, what it takes up by itself, and that nothing waits for a slow platform."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa
from flask import Flask

from lms import jobs
from lms.db import db, session, transaction
from lms.jobs import Queue
from lms.lti import memberships, scores
from lms.lti.places import Context
from lms.lti.scores import ScoreState
from lms.mail import Message, MessageKind, MessageState, queue
from tests.conftest import NOW, Clock
from tests.lti.grade_book import GradeBook
from tests.lti.stand_in import StandIn


@pytest.fixture
def worker(app: Flask, in_app: None) -> Queue:
    app.config["SETTINGS"] = app.config["SETTINGS"].model_copy(update={"lti_allow_private_hosts": True})
    return jobs._queues[db.engine]


@pytest.fixture
def book(app: Flask, worker: Queue, time: Clock) -> Iterator[GradeBook]:
    with StandIn(app.config["LTI_KEYS"].published, clock=lambda: time.now) as platform:
        yield GradeBook(app, time, worker._services, platform)


def names(worker: Queue) -> list[str]:
    return [task.name for task in worker.huey.pending()]


def work(worker: Queue) -> None:
    while task := worker.huey.dequeue():
        worker.huey.execute(task)


def test_a_commit_wakes_the_worker_once_for_each_thing_that_it_leaves(book: GradeBook, worker: Queue) -> None:
    with transaction():
        scores.signed(book.person.id, book.assignment, 0, NOW)
        memberships.want(memberships.course(book.classroom.school.id, book.placed.course.id), NOW)
        assert names(worker) == []
    assert sorted(names(worker)) == ["courses", "scores"]
    book.begin()
    assert sorted(names(worker)) == ["courses", "scores"]


def test_each_minute_the_worker_takes_up_what_was_left(book: GradeBook, worker: Queue) -> None:
    book.sign()
    worker.huey.flush()  # the queue was lost; the rows are the truth
    worker._each_minute()
    work(worker)
    assert book.states() == ["Completed: sent"]


def test_mail_leaves_while_a_platform_keeps_the_scores_waiting(
    app: Flask, book: GradeBook, worker: Queue, capsys: pytest.CaptureFixture[str]
) -> None:
    app.config["DEMO"] = True
    book.sign()
    with transaction():
        queue(
            MessageKind.SHARED_ADDRESS,
            organisation_id=book.classroom.school.id,
            address="office@school.test",
            now=NOW,
        )
    with worker._busy[jobs.SCORES]:
        work(worker)
    with transaction(write=False):
        assert [message.state for message in session.query(Message)] == [MessageState.SENT]
    assert "office@school.test" in capsys.readouterr().out
    assert [row.state for row in book.rows()] == [ScoreState.QUEUED]


def test_the_platforms_tokens_are_kept_from_one_task_to_the_next(book: GradeBook, worker: Queue) -> None:
    book.begin()
    work(worker)
    book.time.now += timedelta(minutes=1)
    book.sign()
    work(worker)
    assert len(book.told()) == 2
    assert len(book.platform.asked("token")) == 1


@pytest.mark.parametrize("moment", ["2026-07-01T00:00:00+00:00", "2026-12-01T01:00:00+00:00"])
def test_the_night_begins_at_one_in_london(book: GradeBook, worker: Queue, moment: str) -> None:
    book.time.now = datetime.fromisoformat(moment)
    planned = [task.name for task in worker.huey.read_periodic(book.time.now) if task.name in ("each_night",)]
    assert planned == ["each_night"]
    book.time.now += timedelta(minutes=1)
    assert "each_night" not in [task.name for task in worker.huey.read_periodic(book.time.now)]


def test_a_night_reads_each_course_once(book: GradeBook, worker: Queue) -> None:
    book.time.now = datetime.fromisoformat("2026-12-01T01:00:00+00:00")
    book.platform.list_course([])
    worker._each_night()
    for _ in range(9):
        worker._each_minute()
        work(worker)
        book.time.now += timedelta(minutes=30)
    assert len(book.platform.asked("members")) == 1
    with transaction(write=False):
        assert session.scalar(sa.select(Context.synced_at)) is not None
