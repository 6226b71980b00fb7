"""A real browser against a real server: Debian's Chromium, and the app on a loopback port of its own."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from playwright.sync_api import BrowserContext, Page
from werkzeug.serving import WSGIRequestHandler, make_server

from app import create_app
from lms.config import Settings
from lms.db import db, session, transaction
from lms.people import Person
from tests.conftest import share_statements

CHROMIUM = Path("/usr/bin/chromium")
WITHOUT_SCREEN = Path("/usr/bin/chromium-headless-shell")
"""The same browser without what only a screen needs: it takes a third less of the processor."""
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-sync",
    "--no-first-run",
)
DESK = {"viewport": {"width": 1280, "height": 900}}
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}

SignIn = Callable[..., Page]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test of this folder; one that fails is tried again, once.

    A browser is a dozen processes: where they share two cores with everything else, one of some hundred tests a run
    may find a page that stands still. A fault of ours fails twice.
    """
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.flaky(reruns=1))


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    """Start Debian's Chromium, which asks nothing of anybody outside; without it these tests are skipped."""
    found = next((path for path in (WITHOUT_SCREEN, CHROMIUM) if path.exists()), None)
    if found is None:
        pytest.skip("there is no Chromium: on Debian, apt-get install chromium")
    return {**browser_type_launch_args, "executable_path": str(found), "args": list(QUIET)}


@pytest.fixture(scope="session")
def browser_context_args(browser_context_args: dict[str, Any]) -> dict[str, Any]:
    """Read as people here do."""
    return {**browser_context_args, "locale": "en-GB", "timezone_id": "Europe/London"}


@pytest.fixture(scope="session")
def base_url() -> None:
    """Say that the plugin's setting of this name isn't used: each test has an address of its own."""


@pytest.fixture
def settings(tmp_path: Path, sqlite_template: Path) -> Settings:
    """Settings for one kind of database: what a browser shows doesn't depend on which."""
    folder = tmp_path / "data"
    folder.mkdir(mode=0o700)
    shutil.copy(sqlite_template, folder / "countersign.sqlite3")
    return Settings(data_dir=folder)


@pytest.fixture
def app(settings: Settings) -> Iterator[Flask]:
    """The app on a fresh database."""
    made = create_app(settings)
    with made.app_context():
        share_statements(db.engine)
    yield made
    with made.app_context():
        db.session.remove()
        db.engine.dispose()


class _Silent(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: Any) -> None:
        del type, message, args


@pytest.fixture
def address(app: Flask) -> Iterator[str]:
    """The address of the app, served by threads as gunicorn would."""
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=_Silent)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def signed_in(app: Flask, address: str, new_context: Callable[..., BrowserContext]) -> Callable[..., Page]:
    """Open a page in a browser of its own, with somebody signed in: `signed_in(person.id, **context_options)`.

    A relative address opens the app; a page that writes to the console that something is wrong fails the test.
    """

    def open_page(person_id: UUID, **options: Any) -> Page:
        context = new_context(**{**DESK, **options, "base_url": address})
        context.set_default_timeout(10_000)
        context.add_cookies([{"name": "countersign", "value": _cookie(app, person_id), "url": address}])
        return context.new_page()

    return open_page


def _cookie(app: Flask, person_id: UUID) -> str:
    """Return the session that the sign-in pages would give."""
    with app.app_context(), transaction(write=False):
        person = session.get(Person, person_id)
        assert person is not None
        identity = f"{person.id}.{person.sign_in_epoch}"
    serializer = app.session_interface.get_signing_serializer(app)  # type: ignore[attr-defined]
    assert serializer is not None
    held = serializer.dumps({"_user_id": identity, "_fresh": True, "assurance": "work_email"})
    assert isinstance(held, str)
    return held
