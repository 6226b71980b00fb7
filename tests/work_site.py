"""A school where somebody asks for long work, workers to be had, and a kind of work that a test can meddle in."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from flask import Flask

from lms import tokens, work, worker
from lms.db import session, transaction
from lms.kept_files import Folder
from lms.people import Person
from lms.schools import Organisation
from lms.work import Job
from lms.worker import Kind, Running, Worker
from tests.conftest import Clock
from tests.factories import make_person, make_school

BATCHES = 3


class Killed(BaseException):
    """As if by SIGKILL: nothing of ours runs after it."""


class Site:
    """A school with somebody in HR, and workers to be had."""

    def __init__(self, app: Flask, time: Clock) -> None:
        self.app, self.time = app, time
        self.folder = Folder(app.config["SETTINGS"].data_dir / "work")
        self.must_stop = False
        with transaction():
            self.school: Organisation = make_school()
            self.hr: Person = make_person(self.school)

    def ask(self, kind: str = "stamp", **params: Any) -> UUID:
        with transaction():
            return work.ask(
                kind,
                title="Stamps",
                organisation_id=self.school.id,
                by=self.hr.id,
                now=self.time.now,
                **params,
            ).id

    def work(self, kind: Kind) -> bool:
        """Do the next piece as a worker of its own would."""
        ours = Worker(lambda: self.time.now, self.folder, self.app.app_context, lambda: self.must_stop)
        with self.app.app_context():
            return worker.do_next({kind.name: kind}, ours)

    def killed(self, kind: Kind) -> None:
        with pytest.raises(Killed):
            self.work(kind)

    def see(self, job_id: UUID) -> Job:
        with self.app.app_context(), transaction(write=False):
            return session.get_one(Job, job_id)

    def cancel(self, job_id: UUID) -> None:
        with self.app.app_context(), transaction():
            work.cancel(work.find(self.school.id, job_id), self.time.now, "Nothing was stamped.")

    def stamps(self) -> int:
        with self.app.app_context(), transaction(write=False):
            return session.scalar(sa.select(sa.func.count()).select_from(tokens.Rate)) or 0

    def later(self, wait: timedelta) -> None:
        self.time.now += wait


def nothing(_: str) -> None:
    pass


def stamping(happens: Callable[[str], object] = nothing, when_killed: str | None = None) -> Kind:
    """A kind that makes a file, reports BATCHES times, and stamps once in the transaction that settles it.

    `happens` is called at each step by its name.
    """

    def run(running: Running) -> None:
        happens("begun")
        with running.draft() as file:
            file.write(b"stamped")
            for number in range(BATCHES):
                running.report(number, BATCHES, "stamps made")
                happens(f"batch {number}")
        happens("file made")
        with transaction():
            session.add(tokens.Rate(key=str(uuid4()), window=running.now(), count=1))
            session.flush()
            happens("stamped")
            running.settle("All stamped.", done=BATCHES, file=running.kept("stamps.csv", "0" * 64))
            happens("settled")
        happens("committed")

    return Kind("stamp", run, "Nothing was stamped.", when_killed)


def nothing_done(_: Running) -> None:
    pass


STEPS = ("begun", "batch 0", "batch 1", "batch 2", "file made", "stamped", "settled", "committed")


def at(step: str, act: Callable[[], object]) -> Callable[[str], object]:
    return lambda here: act() if here == step else None


def kill() -> None:
    raise Killed
