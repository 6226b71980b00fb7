"""A launch from a platform: its queries, its CPU beside that of a tool made with PyLTI1p3, and 200 of them at once."""

from __future__ import annotations

import gc
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import click
import sqlalchemy as sa
from flask import Flask
from werkzeug.test import EnvironBuilder

from app import create_app
from lms import clock, migration, my_training
from lms.config import Settings
from lms.db import db, session, transaction
from lms.lti.identities import Identity
from lms.lti.launch_log import ACCEPTED, Launch
from lms.lti.platforms import Registration
from lms.web.lti import frame
from tests.benchmarks.figure import Figure
from tests.counting import counted
from tests.durability import served
from tests.factories import make_person
from tests.learners import Classroom
from tests.lti import forger
from tests.storm import Storm
from tests.storm import run as storm

TOOL = "https://training.school.test"
ROUNDS = 30
LAUNCHES_A_ROUND = 10
AT_ONCE = 200


def run() -> list[Figure]:
    """Return the queries and round trips of a whole launch, its CPU as a multiple, and what 200 at once lost."""
    if find_spec("pylti1p3") is None:
        raise click.ClickException('PyLTI1p3 is missing. Install it with: pip install -e ".[test,bench]"')
    with tempfile.TemporaryDirectory() as folder:
        figures = [*_alone(Settings(data_dir=Path(folder) / "data", base_url=TOOL))]
        return figures + _at_once(Settings(data_dir=Path(folder) / "crowd"))


@dataclass
class Browser:
    """A browser with cookies, in a frame. It calls an app as a server would and counts the CPU that the app takes."""

    app: Flask
    cookies: dict[str, str] = field(default_factory=dict)
    cpu: float = 0.0
    trips: int = 0

    def post(self, path: str, form: dict[str, Any]) -> tuple[str, str]:
        """Send a form; return where it leads, or nothing, and the body."""
        return self._ask(EnvironBuilder(path, TOOL, method="POST", data=form))

    def get(self, path: str) -> tuple[str, str]:
        """Open a page."""
        return self._ask(EnvironBuilder(path, TOOL))

    def _ask(self, asked: EnvironBuilder) -> tuple[str, str]:
        asked.headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        asked.headers["Sec-Fetch-Dest"] = "iframe"
        environ, answered = asked.get_environ(), []
        began = time.process_time()
        body = b"".join(self.app(environ, lambda status, headers, _=None: answered.append((status, headers))))
        self.cpu += time.process_time() - began
        self.trips += 1
        status, headers = answered[0]
        if status[0] not in "23":
            raise RuntimeError(f"{asked.path} answered {status}")
        self._keep(value for name, value in headers if name == "Set-Cookie")
        return dict(headers).get("Location", ""), body.decode()

    def _keep(self, cookies: Iterator[str]) -> None:
        for cookie in cookies:
            name, _, value = cookie.partition(";")[0].partition("=")
            self.cookies[name] = value
            if not value:
                del self.cookies[name]


def _launch_ours(browser: Browser) -> str:
    to, _ = browser.post("/lti/login", _login())
    login = forger.asked_by(to)
    _, page = browser.post("/lti/launch", {"state": login.state, "id_token": _token(login.nonce)})
    return page


def _launch_theirs(browser: Browser) -> str:
    to, _ = browser.post("/login", _login())
    login = forger.asked_by(to)
    to, _ = browser.post("/launch", {"state": login.state, "id_token": _token(login.nonce)})
    _, page = browser.get(to)
    return page


def _login() -> dict[str, Any]:
    return forger.login_fields(target_link_uri=f"{TOOL}/")


def _token(nonce: str) -> str:
    return forger.signed(forger.message(nonce, now=clock.now(), target_link_uri=f"{TOOL}/"))


def _alone(settings: Settings) -> Iterator[Figure]:
    with _app(settings) as app:
        # The cookie of somebody who has been here before: a frame that keeps cookies needs no page to find that out.
        ours = Browser(app, {frame.COOKIES_WORK: "1"})
        classroom, registration = _school(app)
        _launch_once(app, classroom, ours)
        yield from _queries(app, ours)
        theirs = Browser(_their_tool(settings, classroom, registration))
        yield Figure("whole launch: CPU ÷ CPU of PyLTI1p3's", _ratio(ours, theirs), 1.5, "×")


@contextmanager
def _app(settings: Settings) -> Iterator[Flask]:
    app = create_app(settings)
    with app.app_context():
        migration.upgrade()
    try:
        yield app
    finally:
        with app.app_context():
            db.engine.dispose()


def _school(app: Flask) -> tuple[Classroom, Registration]:
    with app.app_context(), transaction():
        classroom = Classroom()
        return classroom, forger.connect(classroom.school, now=clock.now())


def _launch_once(app: Flask, classroom: Classroom, browser: Browser) -> None:
    """Let a teacher in who has an engagement, so that the next launch is like every later one."""
    with app.app_context(), transaction():
        registration = session.scalars(sa.select(Registration)).one()
        session.add(_identity(registration, classroom.person.id, "42"))
    _launch_ours(browser)


def _identity(registration: Registration, person_id: Any, sub: str) -> Identity:
    return Identity(
        id=uuid4(),
        registration_id=registration.id,
        sub=sub,
        person_id=person_id,
        name="Priya Nair",
        email="priya.nair@school.test",
        first_seen_at=clock.now(),
        made_person=False,
    )


def _queries(app: Flask, browser: Browser) -> Iterator[Figure]:
    browser.trips = 0
    with counted(app) as sent:
        page = _launch_ours(browser)
    if "My training" not in page:
        raise RuntimeError("the launch did not end on the first page")
    asked = [s for s in sent if s.split()[0] in {"SELECT", "INSERT", "UPDATE", "DELETE"}]
    yield Figure("whole launch: login, launch, first page", len(asked), 8, "queries")
    yield Figure("whole launch: round trips of ours", browser.trips, 2, "requests")


def _their_tool(settings: Settings, classroom: Classroom, registration: Registration) -> Flask:
    from tests.benchmarks.pylti_tool import tool

    app, now = create_app(settings), clock.now()
    with app.app_context(), transaction(write=False):
        tasks = my_training.tasks(classroom.person, now)
    file = settings.data_dir / "countersign.sqlite3"
    return tool(file, registration, forger.DEPLOYMENT, tasks, clock.london_day(now))


def _ratio(ours: Browser, theirs: Browser) -> float:
    """Return the CPU of our launch as a multiple of theirs, by turns, so that what slows one slows both."""
    pages = _launch_ours(ours), _launch_theirs(theirs)
    if abs(len(pages[0]) - len(pages[1])) > len(pages[1]) // 10:
        raise RuntimeError(f"the two pages aren't alike: {len(pages[0])} and {len(pages[1])} characters")
    rounds = [_cpu(ours, _launch_ours) / _cpu(theirs, _launch_theirs) for _ in range(ROUNDS)]
    return statistics.median(rounds)


def _cpu(browser: Browser, launch: Callable[[Browser], str]) -> float:
    gc.collect()
    browser.cpu = 0.0
    for _ in range(LAUNCHES_A_ROUND):
        launch(browser)
    return browser.cpu


def _at_once(settings: Settings) -> list[Figure]:
    with _app(settings) as app:
        classroom, registration = _school(app)
        subs = [f"user-{n}" for n in range(AT_ONCE)]
        with app.app_context(), transaction():
            for sub in subs:
                session.add(_identity(registration, make_person(classroom.school).id, sub))
        with served(settings) as (port, _process):
            crowd = [Launcher(port, sub) for sub in subs]
            seen = _all_at_once(crowd)
        with app.app_context(), transaction(write=False):
            accepted = sa.select(sa.func.count()).where(Launch.outcome == ACCEPTED)
            logged = session.scalar(accepted) or 0
    for failure in seen.failures[:3]:
        click.echo(failure, err=True)
    return [
        Figure(
            f"{AT_ONCE} launches at once: signed-in first pages", len(seen.seconds), AT_ONCE, "pages", True
        ),
        Figure(f"{AT_ONCE} launches at once: rows in the launch log", logged, AT_ONCE, "rows", True),
        Figure(f"{AT_ONCE} launches at once: errors", len(seen.failures), 0, "errors"),
    ]


@dataclass
class Launcher:
    """Somebody's browser at the moment of a launch, over HTTP."""

    port: int
    sub: str
    cookies: dict[str, str] = field(default_factory=dict)

    def launch(self) -> None:
        """Go through a whole launch, and open the first page once more with the session that came of it."""
        ours = {"target_link_uri": f"http://127.0.0.1:{self.port}/"}
        to, _ = self._ask("POST", "/lti/login", forger.login_fields(**ours))
        login = forger.asked_by(to)
        token = forger.signed(forger.message(login.nonce, now=clock.now(), sub=self.sub, **ours))
        _, page = self._ask("POST", "/lti/launch", {"state": login.state, "id_token": token})
        _, again = self._ask("GET", "/")
        if "My training" not in page or "My training" not in again:
            raise HTTPException(f"{self.sub} did not get to the first page")

    def _ask(self, method: str, path: str, form: dict[str, Any] | None = None) -> tuple[str, str]:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            headers = {"Cookie": "; ".join(f"{k}={v}" for k, v in self.cookies.items())}
            headers |= {"Content-Type": "application/x-www-form-urlencoded", "Connection": "close"}
            connection.request(method, path, urlencode(form or {}), headers)
            response = connection.getresponse()
            body = response.read().decode()
        finally:
            connection.close()
        if response.status not in {200, 302}:
            raise HTTPException(f"{path} answered {response.status}")
        for cookie in response.headers.get_all("Set-Cookie") or []:
            name, _, value = cookie.partition(";")[0].partition("=")
            self.cookies[name] = value
        return response.headers.get("Location", ""), body


def _all_at_once(crowd: list[Launcher]) -> Storm:
    together = threading.Barrier(len(crowd))

    def begin(launcher: Launcher) -> Callable[[], object]:
        def go() -> None:
            together.wait()
            launcher.launch()

        return go

    return storm([begin(launcher) for launcher in crowd], len(crowd))
