"""The worker: sends what is in the outbox. Huey's queue only wakes it; the rows are the truth.

A message is taken (commit), written (commit, for it may mint a link), sent with no transaction open, and settled
(commit). So a worker that is killed leaves a message in `sending`, which is never sent again by itself.
"""

from __future__ import annotations

import functools
import logging
import weakref
from collections.abc import Mapping
from contextlib import AbstractContextManager, closing
from typing import Any, Protocol
from uuid import UUID

import jinja2
import sqlalchemy as sa
from huey import Huey, PostgresHuey, SqliteHuey, crontab
from huey.serializer import SignedSerializer
from sqlalchemy import event
from sqlalchemy.orm import Session

from lms import clock, letters, mail, tokens
from lms.config import Settings
from lms.db import db, is_sqlite, session, transaction
from lms.errors import NotFoundError
from lms.smtp import Letter, MailServer, NoServer, Outlet, Problem, Terminal

log = logging.getLogger("countersign")

STOP_WITHIN = 20.0
"""Seconds that a worker which is told to stop has for the letter it is sending."""


class App(Protocol):
    """What the worker needs of the app."""

    @property
    def config(self) -> Mapping[str, Any]:
        """The app's settings."""

    def app_context(self) -> AbstractContextManager[Any]:
        """Make the app's database the one in use."""


def init_app(app: App) -> None:
    """Give the app its queue: a commit that leaves mail in the outbox wakes the worker."""
    with app.app_context():
        _queues[db.engine] = Queue(app)


def run_worker(app: App) -> None:
    """Send mail until SIGTERM comes, and then finish the letter in hand. For the main thread of a process."""
    with app.app_context():
        queue = _queues[db.engine]
    queue.huey.create_consumer(
        workers=1, max_delay=1.0, graceful_signal="TERM", shutdown_timeout=STOP_WITHIN
    ).run()


def deliver(settings: Settings, *, demo: bool) -> None:
    """Send every message whose time has come. Stops early when the mail server can't be reached."""
    with closing(_outlet(settings, demo=demo)) as outlet:
        while waiting := _due():
            for message_id in waiting:
                if not _deliver_one(message_id, outlet, settings.base_url):
                    return


class Queue:
    """The Huey queue of one app: a file beside the SQLite file, or tables in PostgreSQL. Opened when first used."""

    def __init__(self, app: App) -> None:
        # The queue is found by the app's engine, so it must not be what keeps the app alive.
        self._app = weakref.ref(app)

    @functools.cached_property
    def huey(self) -> Huey:
        """The queue with its two tasks."""
        app = self._app_now()
        with app.app_context():
            made = _open(app.config)
        self._deliver = made.task(name="deliver")(self._work)
        made.periodic_task(crontab(), name="each_minute")(self._each_minute)
        weakref.finalize(self, made.storage.close)
        return made

    def wake(self) -> None:
        """Have the worker look at the outbox, unless it is about to."""
        if not self.huey.pending_count():
            self._deliver()

    def _app_now(self) -> App:
        app = self._app()
        assert app is not None
        return app

    def _work(self) -> None:
        app = self._app_now()
        with app.app_context():
            deliver(app.config["SETTINGS"], demo=bool(app.config.get("DEMO")))

    def _each_minute(self) -> None:
        with self._app_now().app_context(), transaction():
            mail.give_up_unfinished(clock.now())
            tokens.sweep(clock.now())
        self._work()


_queues: weakref.WeakKeyDictionary[sa.Engine, Queue] = weakref.WeakKeyDictionary()


@event.listens_for(session, "after_commit")
def _wake(committed: Session) -> None:
    # A savepoint that ends is a commit too, but nobody else sees what it holds yet.
    if committed.in_nested_transaction() or not committed.info.pop(mail.LEAVING, False):
        return
    try:
        if queue := _queues.get(db.engine):
            queue.wake()
    except Exception as error:
        # What was committed stands; the worker looks at the outbox every minute anyway.
        log.warning("the worker could not be woken: %s", error)


@event.listens_for(session, "after_rollback")
def _stay_asleep(undone: Session) -> None:
    if not undone.in_nested_transaction():
        undone.info.pop(mail.LEAVING, None)


def _open(config: Mapping[str, Any]) -> Huey:
    settings: Settings = config["SETTINGS"]
    # Signed, because Huey unpickles what it finds in the queue.
    serializer = SignedSerializer(secret=config["SECRET_KEY"], salt="jobs")
    if is_sqlite():
        file = settings.data_dir / "jobs.sqlite3"
        file.touch(mode=0o600)
        return SqliteHuey(
            "countersign", filename=str(file), timeout=1, fsync=False, results=False, serializer=serializer
        )
    dsn = sa.make_url(settings.database).set(drivername="postgresql").render_as_string(hide_password=False)
    return PostgresHuey(
        "countersign", dsn=dsn, table_prefix="jobs", connect_timeout=2, results=False, serializer=serializer
    )


def _outlet(settings: Settings, *, demo: bool) -> Outlet:
    if settings.smtp_url:
        return MailServer(settings.smtp_url, settings.mail_from)
    return Terminal() if demo else NoServer()


def _due() -> list[UUID]:
    with transaction(write=False):
        return mail.due(clock.now())


def _deliver_one(message_id: UUID, outlet: Outlet, base_url: str) -> bool:
    """Send one message and write down what became of it; say whether the next may be tried."""
    with transaction():
        message = mail.take(message_id, clock.now())
    if message is None:
        return True
    letter = _written(message, base_url)
    problem = letter if isinstance(letter, Problem) else outlet.send(letter, clock.now())
    with transaction():
        mail.settle(
            message, clock.now(), problem.reason if problem else None, final=bool(problem and problem.final)
        )
    return not (problem and problem.unreachable)


def _written(message: mail.Message, base_url: str) -> Letter | Problem:
    try:
        with transaction():
            return letters.compose(message, base_url, clock.now())
    except (NotFoundError, jinja2.TemplateError) as error:
        return Problem(str(error), final=True)
