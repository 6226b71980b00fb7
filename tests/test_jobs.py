"""The worker: woken by the commit, unharmed by what stops it, and stopped by SIGTERM."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from flask import Flask

from lms import jobs, mail
from lms.config import Settings
from lms.db import db, session, transaction
from lms.mail import Message, MessageKind, MessageState
from lms.schools import Organisation
from tests.conftest import NOW
from tests.factories import make_school
from tests.mail_server import MailServer

pytestmark = pytest.mark.usefixtures("in_app")


@pytest.fixture
def school() -> Organisation:
    with transaction():
        return make_school()


def queue_mail(school: Organisation) -> None:
    mail.queue(MessageKind.SHARED_ADDRESS, organisation_id=school.id, address="office@school.test", now=NOW)


def pending() -> int:
    return int(jobs._queues[db.engine].huey.pending_count())


def state() -> MessageState:
    session.rollback()
    with transaction(write=False):
        return session.query(Message).one().state


def test_a_commit_that_leaves_mail_wakes_the_worker_once_however_much_it_leaves(school: Organisation) -> None:
    assert pending() == 0
    with transaction():
        queue_mail(school)
        queue_mail(school)
        assert pending() == 0, "nothing is asked before the commit"
    with transaction():
        queue_mail(school)
    assert pending() == 1


def test_what_is_rolled_back_wakes_nobody(school: Organisation) -> None:
    def queue_and_fail() -> None:
        with transaction():
            queue_mail(school)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        queue_and_fail()
    with transaction():
        school.name = "Something else"
    assert pending() == 0


def test_the_end_of_a_savepoint_wakes_nobody_before_the_commit(school: Organisation) -> None:
    with transaction():
        with session.begin_nested():
            queue_mail(school)
        assert pending() == 0
    assert pending() == 1


def test_an_outbox_message_is_kept_when_the_queue_is_out_of_reach(
    settings: Settings,
    school: Organisation,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def out_of_reach(config: object) -> None:
        raise OSError("no route to the queue")

    monkeypatch.setattr(jobs, "_open", out_of_reach)
    with transaction():
        queue_mail(school)
    assert state() is MessageState.QUEUED
    assert "could not be woken: no route to the queue" in caplog.text


def test_a_damaged_queue_file_does_not_stop_a_request(settings: Settings, school: Organisation) -> None:
    (settings.data_dir / "jobs.sqlite3").write_bytes(b"not a database" * 100)
    with transaction():
        queue_mail(school)
    assert state() is MessageState.QUEUED


def test_the_woken_task_sends_what_waits(
    app: Flask, school: Organisation, capsys: pytest.CaptureFixture[str]
) -> None:
    app.config["DEMO"] = True
    with transaction():
        queue_mail(school)
    huey = jobs._queues[db.engine].huey
    huey.execute(huey.dequeue())
    assert state() is MessageState.SENT
    assert "office@school.test" in capsys.readouterr().out


def test_only_its_owner_can_read_the_queue_file(app: Flask, settings: Settings, school: Organisation) -> None:
    with transaction():
        queue_mail(school)
    file = settings.data_dir / "jobs.sqlite3"
    if db.engine.dialect.name == "sqlite":
        assert file.stat().st_mode & 0o077 == 0
    else:
        assert not file.exists(), "PostgreSQL keeps the queue itself"


WORKER = """
from app import create_app
from lms.jobs import run_worker
run_worker(create_app())
"""


def test_a_worker_of_its_own_sends_mail_and_stops_at_sigterm(
    settings: Settings, school: Organisation, server: MailServer
) -> None:
    with transaction():
        queue_mail(school)
    settings_outside = {
        "LMS_DATA_DIR": str(settings.data_dir),
        "LMS_DATABASE_URL": settings.database,
        "LMS_SMTP_URL": server.url,
        "LMS_MAIL_FROM": "Countersign <it@school.test>",
    }
    worker = subprocess.Popen(
        [sys.executable, "-c", WORKER], env={**os.environ, **settings_outside}, cwd=Path(__file__).parents[1]
    )
    try:
        first = server.arrived.get(timeout=30)
        with transaction():
            queue_mail(school)
        second = server.arrived.get(timeout=30)
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(timeout=30) == 0
    finally:
        worker.kill()
        worker.wait()
    assert first["To"] == second["To"] == "office@school.test"
    session.rollback()
    with transaction(write=False):
        assert {message.state for message in session.query(Message)} == {MessageState.SENT}
