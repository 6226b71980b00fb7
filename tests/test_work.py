"""Long work: done once, whatever is killed, cancelled or overtaken when; and never for ever "running"."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from flask import Flask

from app import create_app
from lms import work, worker
from lms.config import Settings
from lms.db import db, session, transaction
from lms.errors import ConflictError, NotFoundError, StorageBusyError
from lms.work import LATE, LEASE, Job, JobState
from lms.worker import KEPT, MOST_ATTEMPTS, Kind, Running
from tests.conftest import Clock
from tests.work_site import STEPS, Site, at, kill, nothing_done, stamping


@pytest.fixture
def site(app: Flask, in_app: None, time: Clock, monkeypatch: pytest.MonkeyPatch) -> Site:
    monkeypatch.setattr(worker, "EVERY", 0.0)
    return Site(app, time)


def test_work_is_done_once_and_its_file_kept_for_a_week(site: Site) -> None:
    job_id = site.ask(colour="red")
    assert site.ask(colour="red") == job_id, "a second press of the button"
    site.later(timedelta(seconds=1))
    assert site.ask(colour="blue") != job_id
    assert site.work(stamping())
    done = site.see(job_id)
    assert (done.state, done.words, done.done, done.total) == (JobState.DONE, "All stamped.", 3, 3)
    assert done.kept_until == site.time.now + KEPT
    assert site.folder.names() == {done.file}
    assert site.stamps() == 1
    assert site.work(stamping())
    assert not site.work(stamping())
    assert site.stamps() == 2


def test_a_worker_killed_at_any_step_leaves_work_that_is_begun_again_and_done_once(site: Site) -> None:
    for number, step in enumerate(STEPS):
        job_id = site.ask()
        site.killed(stamping(at(step, kill)))
        if step == "committed":
            assert site.see(job_id).state is JobState.DONE
        else:
            assert site.see(job_id).state is JobState.RUNNING, step
            assert not site.work(stamping()), "its lease still runs"
            site.later(LEASE + timedelta(seconds=1))
            assert site.work(stamping()), step
            assert (site.see(job_id).state, site.see(job_id).attempts) == (JobState.DONE, 2)
        assert site.stamps() == number + 1, step
        site.later(timedelta(seconds=1))
    with transaction():
        work.sweep(site.folder, site.time.now)
    assert len(site.folder.names()) == len(STEPS), "what killed workers left is gone"


def test_work_that_is_always_killed_fails_in_the_end_and_says_so(site: Site) -> None:
    job_id = site.ask()
    for _ in range(MOST_ATTEMPTS):
        site.killed(stamping(at("batch 1", kill)))
        site.later(LEASE + timedelta(seconds=1))
    assert not site.work(stamping())
    failed = site.see(job_id)
    assert failed.state is JobState.FAILED
    assert "begun 3 times, and each time the server stopped" in failed.words
    assert site.stamps() == 0


def test_what_must_not_be_begun_again_says_that_it_failed_and_what_to_do(site: Site) -> None:
    once = stamping(at("batch 1", kill), when_killed="See which were stamped, and ask for the others.")
    job_id = site.ask()
    site.killed(once)
    site.later(LEASE + timedelta(seconds=1))
    assert not site.work(once)
    failed = site.see(job_id)
    assert failed.state is JobState.FAILED
    assert failed.words.endswith("See which were stamped, and ask for the others.")


def test_cancelling_at_any_step_leaves_nothing_done_and_after_the_end_nothing_changes(site: Site) -> None:
    waiting = site.ask()
    site.cancel(waiting)
    assert not site.work(stamping())
    assert site.see(waiting).state is JobState.CANCELLED
    for step in ("begun", "batch 0", "batch 1", "batch 2", "file made"):
        job_id = site.ask()
        assert site.work(stamping(at(step, lambda job_id=job_id: site.cancel(job_id))))
        ended = site.see(job_id)
        assert (ended.state, ended.words) == (JobState.CANCELLED, "Nothing was stamped."), step
    assert site.stamps() == 0
    job_id = site.ask()
    site.work(stamping(at("committed", lambda: site.cancel(job_id))))
    assert site.see(job_id).state is JobState.DONE
    killed = site.ask()
    site.later(timedelta(seconds=1))
    site.killed(stamping(at("batch 1", kill)))
    site.later(LEASE + timedelta(seconds=1))
    site.cancel(killed)
    assert site.see(killed).state is JobState.CANCELLED, "nobody is at it: it ends at once"


def test_two_workers_never_both_do_one_piece_of_work(site: Site) -> None:
    asked = [site.ask(number=number) for number in range(6)]
    done: list[UUID] = []
    together = threading.Barrier(3)

    def run(running: Running) -> None:
        done.append(running.job_id)
        with transaction():
            running.settle("Done.", done=1)

    def go_on() -> None:
        together.wait()
        while site.work(Kind("stamp", run, "")):
            pass
        with site.app.app_context():
            db.session.remove()

    threads = [threading.Thread(target=go_on) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(done) == sorted(asked)


def test_a_worker_that_was_silent_for_too_long_keeps_nothing_when_it_wakes(site: Site) -> None:
    job_id = site.ask()

    def overtake() -> None:
        site.later(LEASE + timedelta(seconds=1))
        assert site.work(stamping())

    for step in ("batch 1", "file made"):
        site.work(stamping(at(step, overtake)))
        ended = site.see(job_id)
        assert (ended.state, ended.attempts) == (JobState.DONE, 2)
        assert ended.file in site.folder.names()
        assert site.stamps() == (1 if step == "batch 1" else 2)
        job_id = site.ask()

    def overtake_and_die() -> None:
        site.later(LEASE + timedelta(seconds=1))
        site.killed(stamping(at("batch 1", kill)))

    site.work(stamping(at("file made", overtake_and_die)))
    assert site.see(job_id).state is JobState.RUNNING, "the second attempt's, not the first's to end"
    assert site.stamps() == 2


def test_an_error_ends_the_work_in_words(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    def refuse() -> None:
        raise ConflictError("Somebody changed the list meanwhile.")

    job_id = site.ask()
    site.work(stamping(at("batch 1", refuse)))
    assert site.see(job_id).words == "Somebody changed the list meanwhile."
    job_id = site.ask()
    site.work(stamping(at("settled", lambda: 1 // 0)))
    failed = site.see(job_id)
    assert failed.state is JobState.FAILED
    assert "the reference" in failed.words
    assert site.stamps() == 0
    assert "ZeroDivisionError" in caplog.text
    job_id = site.ask("knit")
    assert not site.work(stamping())
    assert "can’t do this" in site.see(job_id).words
    job_id = site.ask()
    site.work(Kind("stamp", nothing_done, ""))
    assert site.see(job_id).state is JobState.FAILED, "it ended without saying so"


def test_a_busy_database_stops_no_work_and_what_it_stopped_is_begun_again(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    def be_busy() -> None:
        raise StorageBusyError("busy")

    job_id = site.ask()
    site.work(stamping(at("stamped", be_busy)))
    assert site.see(job_id).state is JobState.RUNNING
    site.later(LEASE + timedelta(seconds=1))
    real = worker._change_held

    def busy_once(*args: Any) -> Any:
        monkeypatch.setattr(worker, "_change_held", real)
        be_busy()

    site.work(stamping(at("begun", lambda: monkeypatch.setattr(worker, "_change_held", busy_once))))
    assert site.see(job_id).state is JobState.DONE
    assert site.stamps() == 1


def test_a_worker_that_is_told_to_stop_leaves_its_work_to_the_next_unless_it_must_not_be_begun_again(
    site: Site,
) -> None:
    def stop() -> None:
        site.must_stop = True

    job_id = site.ask()
    site.work(stamping(at("batch 1", stop)))
    left = site.see(job_id)
    assert (left.state, left.attempts) == (JobState.WAITING, 0)
    assert not site.work(stamping()), "it begins nothing more"
    site.must_stop = False
    site.work(stamping(at("batch 1", stop), when_killed="Look what was stamped."))
    assert site.see(job_id).state is JobState.DONE


def test_progress_is_seen_by_others_while_work_reads_and_never_noted_while_it_writes(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    seen: list[tuple[int, int | None, str]] = []

    def run(running: Running) -> None:
        with transaction(write=False):
            session.scalar(sa.select(sa.func.count()).select_from(Job))
            running.report(200, 1000, "rows written")
            job = site.see(running.job_id)
            seen.append((job.done, job.total, job.words))
        with transaction():
            running.report(300)

    job_id = site.ask()
    site.work(Kind("stamp", run, "None."))
    assert seen == [(200, 1000, "rows written")]
    assert site.see(job_id).state is JobState.FAILED
    assert "between transactions that write, not in one" in caplog.text


def test_files_are_swept_after_a_week_and_what_ended_long_ago_is_forgotten(site: Site) -> None:
    def sweep() -> None:
        with site.app.app_context(), transaction():
            work.sweep(site.folder, site.time.now)

    job_id = site.ask()
    site.work(stamping())
    running = site.ask(colour="red")

    def sweep_meanwhile() -> None:
        sweep()
        assert len(site.folder.names()) == 2, "what is being written stays"
        kill()

    site.killed(stamping(at("batch 1", sweep_meanwhile)))
    assert len(site.folder.names()) == 1, "a draft goes with its block; the finished file stays"
    site.cancel(running)
    site.later(KEPT)
    sweep()
    assert site.see(job_id).file is not None
    site.later(timedelta(seconds=1))
    sweep()
    assert site.see(job_id).file is None
    assert site.folder.names() == set()
    site.later(timedelta(days=90))
    sweep()
    with transaction(), pytest.raises(NotFoundError):
        work.find(site.school.id, job_id)


def test_work_is_late_when_nobody_is_at_anything(site: Site) -> None:
    def is_late(job_id: UUID) -> bool:
        with site.app.app_context(), transaction(write=False):
            return work.is_late([session.get_one(Job, job_id)], site.time.now)

    first = site.ask(number=1)
    site.later(timedelta(seconds=1))
    second = site.ask(number=2)
    assert not is_late(first)
    site.later(LATE + timedelta(seconds=1))
    assert is_late(first)
    site.killed(stamping(at("batch 1", kill)))
    assert not is_late(second), "a worker is at other work"
    site.later(LEASE + LATE + timedelta(seconds=1))
    assert is_late(first)
    assert is_late(second)
    site.work(stamping())
    assert not is_late(first)


WORKER = """
import sys
from app import create_app
from lms import jobs, worker

def run(running):
    with running.draft() as file:
        file.write(b"half a fi")
        file.flush()
        running.report(1, 2, "stamps made")
        print("half", flush=True)
        sys.stdin.read()

jobs.KINDS["stamp"] = worker.Kind("stamp", run, "Nothing was stamped.")
jobs.run_worker(create_app())
"""


def test_what_a_worker_that_was_really_killed_left_is_done_by_the_next(
    tmp_path: Path, sqlite_template: Path, time: Clock
) -> None:
    folder = tmp_path / "data"
    folder.mkdir(mode=0o700)
    shutil.copy(sqlite_template, folder / "countersign.sqlite3")
    app = create_app(Settings(data_dir=folder))
    with app.app_context():
        site = Site(app, time)
        job_id = site.ask()
        process = subprocess.Popen(
            [sys.executable, "-c", WORKER],
            env={**os.environ, "LMS_DATA_DIR": str(folder)},
            cwd=Path(__file__).parents[1],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        with process:
            assert process.stdout is not None
            assert process.stdout.readline() == "half\n"
            process.send_signal(signal.SIGKILL)
        left = site.see(job_id)
        assert (left.state, left.done, left.total) == (JobState.RUNNING, 1, 2)
        assert len(site.folder.names()) == 1
        # The killed worker had the real time.
        assert left.lease_until is not None
        site.time.now = left.lease_until + timedelta(seconds=1)
        assert site.work(stamping())
        assert (site.see(job_id).state, site.stamps()) == (JobState.DONE, 1)
        with transaction():
            work.sweep(site.folder, site.time.now)
        assert len(site.folder.names()) == 1
        db.session.remove()
        db.engine.dispose()
