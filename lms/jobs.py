"""The worker: sends what is in the outboxes, reads courses, and does long work. Huey's queue only wakes it; the rows
are the truth.

A message is taken (commit), written (commit, for it may mint a link), sent with no transaction open, and settled
(commit). So a worker that is killed leaves a message in `sending`, which is never sent again by itself. Mail, scores,
courses and long work each have a thread, so that a platform that is slow keeps nobody waiting for their sign-in link.
"""

from __future__ import annotations

import functools
import logging
import threading
import weakref
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, closing
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

import jinja2
import sqlalchemy as sa
from huey import Huey, PostgresHuey, SqliteHuey, crontab
from huey.serializer import SignedSerializer
from sqlalchemy import event
from sqlalchemy.orm import Session

from lms import clock, letters, long_exports, mail, reminding, tokens, work, worker
from lms.config import Settings
from lms.db import db, is_sqlite, session, storage_errors, transaction
from lms.errors import ConflictError, NotFoundError
from lms.kept_files import Folder
from lms.lti import deliveries, launch_log, logins, memberships, scores
from lms.lti.fetching import Outgoing
from lms.lti.services import Services
from lms.reminder_letters import NotYetError
from lms.roster import applying, imports
from lms.smtp import Letter, MailServer, NoServer, Outlet, Problem, Terminal
from lms.worker import Kind, Worker

log = logging.getLogger("countersign")

STOP_WITHIN = 20.0
"""Seconds that a worker which is told to stop has for the letter it is sending."""
MAIL, SCORES, COURSES, WORK = "deliver", "scores", "courses", "work"
"""What there is to do, as the queue names it."""
_WOKEN_BY = {mail.LEAVING: MAIL, scores.WAITING: SCORES, memberships.WANTED: COURSES, work.WANTED: WORK}
"""What a commit that leaves something (by its key in the session's `info`) has the worker look at."""
KINDS: dict[str, Kind] = {kind.name: kind for kind in (long_exports.KIND, applying.KIND)}
"""Every kind of long work, by its name."""


class App(Protocol):
    """What the worker needs of the app."""

    @property
    def config(self) -> Mapping[str, Any]:
        """The app's settings."""

    def app_context(self) -> AbstractContextManager[Any]:
        """Make the app's database the one in use."""


def init_app(app: App) -> None:
    """Give the app its queue: a commit that leaves something to send or to read wakes the worker."""
    with app.app_context():
        _queues[db.engine] = Queue(app)


def run_worker(app: App) -> None:
    """Work until SIGTERM comes, and then finish the letter in hand. For the main thread of a process."""
    with app.app_context():
        queue = _queues[db.engine]
    consumer = queue.huey.create_consumer(
        workers=len(_WOKEN_BY), max_delay=1.0, graceful_signal="TERM", shutdown_timeout=STOP_WITHIN
    )
    queue.must_stop = consumer.stop_flag.is_set
    # What the worker before this one was told to leave.
    queue.wake(WORK)
    consumer.run()


def kept_files(settings: Settings) -> Folder:
    """Return where the files are kept that long work makes."""
    return Folder(settings.data_dir / "work")


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
        self._busy = {name: threading.Lock() for name in (SCORES, COURSES, WORK)}
        self.must_stop: Callable[[], bool] = lambda: False
        """Says whether the worker is told to stop, so that long work is left to the next."""

    @functools.cached_property
    def huey(self) -> Huey:
        """The queue with its tasks."""
        app = self._app_now()
        with app.app_context():
            made = _open(app.config)
        tasks = {
            MAIL: self._send_mail,
            SCORES: self._send_scores,
            COURSES: self._read_courses,
            WORK: self._do_work,
        }
        self._tasks = {name: made.task(name=name)(task) for name, task in tasks.items()}
        made.periodic_task(crontab(), name="each_minute")(self._each_minute)
        made.periodic_task(crontab(minute="5"), name="each_hour")(self._each_hour)
        made.periodic_task(_begins_night, name="each_night")(self._each_night)
        weakref.finalize(self, made.storage.close)
        return made

    def wake(self, name: str) -> None:
        """Have the worker do one of its tasks, unless it is about to."""
        if not any(task.name == name for task in self.huey.pending()):
            self._tasks[name]()

    def _app_now(self) -> App:
        app = self._app()
        assert app is not None
        return app

    @functools.cached_property
    def _services(self) -> Services:
        # Kept, because it keeps the platforms' tokens: most limit how many we may ask for.
        config = self._app_now().config
        settings: Settings = config["SETTINGS"]
        outgoing = Outgoing(allow_private=settings.lti_allow_private_hosts)
        return Services(outgoing, config["LTI_KEYS"], settings.base_url)

    def _send_mail(self) -> None:
        app = self._app_now()
        with app.app_context():
            deliver(app.config["SETTINGS"], demo=bool(app.config.get("DEMO")))

    def _send_scores(self) -> None:
        self._until_done(SCORES, lambda: deliveries.deliver(self._services, clock.now()))

    def _read_courses(self) -> None:
        self._until_done(COURSES, lambda: memberships.sync_next(self._services, clock.now()))

    def _do_work(self) -> None:
        app = self._app_now()
        folder = kept_files(app.config["SETTINGS"])
        ours = Worker(clock.now, folder, app.app_context, lambda: self.must_stop())
        self._until_done(WORK, lambda: worker.do_next(KINDS, ours))

    def _until_done(self, name: str, step: Callable[[], bool]) -> None:
        """Take step after step while there is more, in one thread: another would wait for the same platform."""
        if not self._busy[name].acquire(blocking=False):
            return
        try:
            with self._app_now().app_context():
                while step():
                    pass
        finally:
            self._busy[name].release()

    def _each_minute(self) -> None:
        app = self._app_now()
        with app.app_context(), transaction():
            mail.give_up_unfinished(clock.now())
            tokens.sweep(clock.now())
            imports.sweep(clock.now())
            logins.sweep(clock.now())
            launch_log.sweep(clock.now())
            work.sweep(kept_files(app.config["SETTINGS"]), clock.now())
        for name in (SCORES, COURSES, WORK):
            self.wake(name)
        self._send_mail()

    def _each_hour(self) -> None:
        with self._app_now().app_context():
            plan_reminders()

    def _each_night(self) -> None:
        with self._app_now().app_context(), transaction():
            memberships.plan_night(clock.now())


def _begins_night(_: datetime) -> bool:
    """Say whether it is one in London, where Huey looks once a minute at a time in UTC."""
    local = clock.now().astimezone(clock.LONDON)
    return (local.hour, local.minute) == (memberships.NIGHT.start, 0)


_queues: weakref.WeakKeyDictionary[sa.Engine, Queue] = weakref.WeakKeyDictionary()


@event.listens_for(session, "after_commit")
def _wake(committed: Session) -> None:
    # A savepoint that ends is a commit too, but nobody else sees what it holds yet.
    if committed.in_nested_transaction():
        return
    wanted = [name for key, name in _WOKEN_BY.items() if committed.info.pop(key, False)]
    if not wanted:
        return
    try:
        if queue := _queues.get(db.engine):
            for name in wanted:
                queue.wake(name)
    except Exception as error:
        # What was committed stands; the worker looks every minute anyway.
        log.warning("the worker could not be woken: %s", error)


@event.listens_for(session, "after_rollback")
def _stay_asleep(undone: Session) -> None:
    if not undone.in_nested_transaction():
        for key in _WOKEN_BY:
            undone.info.pop(key, None)


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


def plan_reminders() -> None:
    """Put the reminders that are due in the outbox, all or none. Another worker that was quicker has done it all."""
    with transaction(write=False):
        planned = reminding.plan(clock.now())
    if not planned:
        return
    try:
        with storage_errors(), transaction():
            reminding.put_in_outbox(planned, clock.now())
    except ConflictError:
        log.warning("reminders were put in the outbox by somebody else at the same moment")


def _deliver_one(message_id: UUID, outlet: Outlet, base_url: str) -> bool:
    """Send one message and write down what became of it; say whether the next may be tried."""
    with transaction():
        message = mail.take(message_id, clock.now())
    if message is None:
        return True
    try:
        letter = _written(message, base_url)
    except NotYetError as closed:
        with transaction():
            mail.hold(message, closed.until)
        return True
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
