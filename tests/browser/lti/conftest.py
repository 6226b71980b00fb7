"""The tool over https on one site, in a frame of a course page on another, with cookies kept there or not."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
import trustme
from flask import Flask
from playwright.sync_api import BrowserContext, BrowserType, Error, Frame, Page, expect

from lms.config import Settings
from lms.db import session, transaction
from lms.lti.identities import Identity
from lms.lti.platforms import Registration
from lms.people import Person
from tests.browser.conftest import CHROMIUM, DESK
from tests.browser.lti.course import Course, served, server_at
from tests.conftest import Clock
from tests.factories import BEFORE, make_person
from tests.learners import Classroom
from tests.lti import forger
from tests.lti.stand_in import StandIn

ALLOWED, BLOCKED = 1, 2
"""Chromium's content settings for cookies."""

Browse = Callable[..., BrowserContext]


@pytest.fixture(autouse=True)
def _patience() -> Iterator[None]:
    """Wait longer than usual: a launch is five pages of two sites, and all the tests run at once."""
    expect.set_options(timeout=20_000)
    yield
    expect.set_options(timeout=5_000)


@pytest.fixture(scope="session")
def certificate() -> ssl.SSLContext:
    """A certificate for this computer, of an authority that only these tests know."""
    held = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("localhost", "127.0.0.1").configure_cert(held)
    return held


@pytest.fixture
def settings(tmp_path: Path, sqlite_template: Path) -> Settings:
    """Settings of a tool that people reach over https, at a port that is free."""
    folder = tmp_path / "data"
    folder.mkdir(mode=0o700)
    shutil.copy(sqlite_template, folder / "countersign.sqlite3")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    return Settings(data_dir=folder, base_url=f"https://127.0.0.1:{port}")


@pytest.fixture
def address(app: Flask, settings: Settings, certificate: ssl.SSLContext) -> Iterator[str]:
    """The address of the tool."""
    port = int(settings.base_url.rpartition(":")[2])
    with served(server_at(port, app), certificate):
        yield settings.base_url


@pytest.fixture
def course(address: str, certificate: ssl.SSLContext) -> Iterator[Course]:
    """A course page on another site."""
    made = Course()
    made.tool = address
    with served(server_at(0, made.app), certificate) as port:
        made.address = f"https://localhost:{port}"
        yield made


@pytest.fixture
def elsewhere(address: str, certificate: ssl.SSLContext) -> Iterator[Course]:
    """A page of the course's site, but not of its origin, that nobody connected."""
    made = Course()
    made.tool = address
    with served(server_at(0, made.app), certificate) as port:
        made.address = f"https://localhost:{port}"
        yield made


@pytest.fixture
def classroom(app: Flask, time: Clock, course: Course) -> Classroom:
    """A school whose platform is connected, with the policy and its modules to do."""
    with app.app_context(), transaction():
        made = Classroom()
        registration = forger.connect(made.school, issuer=course.address)
        _know(registration, "priya", made.person)
        for sub in ("tom", "head"):
            _know(registration, sub, make_person(made.school, forename=sub.capitalize()))
        return made


def _know(registration: Registration, sub: str, person: Person) -> None:
    session.add(
        Identity(
            registration_id=registration.id,
            sub=sub,
            person_id=person.id,
            name=person.name,
            first_seen_at=BEFORE,
            made_person=False,
        )
    )


@pytest.fixture
def browse(
    browser_type: BrowserType, browser_type_launch_args: dict[str, Any], tmp_path: Path
) -> Iterator[Browse]:
    """Open a browser: `browse(cookies=ALLOWED)` keeps every cookie in frames of the course's site, `BLOCKED` none.

    By itself it keeps only partitioned ones there, as Chromium does today. Pages of our own keep theirs in any case.
    """
    # Only the whole browser lets somebody choose what cookies are kept.
    if not CHROMIUM.exists():
        pytest.skip(f"there is no {CHROMIUM}: on Debian, apt-get install chromium")
    how = {**browser_type_launch_args, "executable_path": str(CHROMIUM)}
    opened: list[BrowserContext] = []

    def browse(cookies: int | None = None, **options: Any) -> BrowserContext:
        folder = tmp_path / f"browser-{len(opened)}"
        (folder / "Default").mkdir(parents=True)
        of_frames = {"127.0.0.1,https://localhost": {"setting": cookies}} if cookies else {}
        chosen = {"profile": {"content_settings": {"exceptions": {"cookies": of_frames}}}}
        (folder / "Default" / "Preferences").write_text(json.dumps(chosen), encoding="utf-8")
        context = browser_type.launch_persistent_context(
            folder,
            **how,
            **{**DESK, "ignore_https_errors": True, "locale": "en-GB", **options},
        )
        context.set_default_timeout(20_000)
        opened.append(context)
        return context

    yield browse
    for number, context in enumerate(opened):
        # Not asked to leave: once in a few hundred times it never does.
        lock = os.readlink(tmp_path / f"browser-{number}" / "SingletonLock")
        os.kill(int(lock.rpartition("-")[2]), signal.SIGKILL)
        with suppress(Error):
            context.close()


@pytest.fixture
def grade_book(app: Flask, classroom: Classroom, course: Course, time: Clock) -> Iterator[StandIn]:
    """Where the course's scores go: a strict platform, over http."""
    keys = app.config["LTI_KEYS"]
    with StandIn(keys.published, clock=lambda: time.now, client_id=forger.CLIENT_ID) as made:
        with app.app_context(), transaction():
            session.execute(sa.update(Registration).values(token_endpoint=made.token_endpoint))
        course.lineitem = made.lineitem()
        yield made


def tool_in(page: Page) -> Frame:
    """Return the tool's frame in a course page."""
    found = page.frame("tool")
    assert found is not None
    return found
