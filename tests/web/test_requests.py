"""One transaction a request, and what people are told when the database can't do its work."""

from __future__ import annotations

import shutil
import socket
import sqlite3
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from http.client import HTTPConnection
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask
from werkzeug.serving import make_server

from app import create_app
from lms import db as database
from lms.config import Settings
from lms.db import db, is_sqlite, session, transaction
from lms.tokens import Rate
from lms.web import access, rules
from tests.bare import add_bare_route
from tests.client import StrictClient

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.fixture(autouse=True)
def _without_csrf_and_extra_rules(app: Flask) -> Iterator[None]:
    app.config["WTF_CSRF_ENABLED"] = False
    yield
    rules.RULES.pop("bare", None)


def kept(app: Flask) -> int:
    with app.app_context(), transaction(write=False):
        return session.scalar(sa.select(sa.func.count()).select_from(Rate)) or 0


def test_what_a_request_wrote_is_kept_when_it_answers(app: Flask, client: StrictClient) -> None:
    add_bare_route(app)
    assert client.post("/bare", data={"key": "a"}).text == "kept"
    assert kept(app) == 1


def test_nothing_is_kept_and_the_cookie_stays_as_it_was_when_a_view_raises(
    app: Flask, client: StrictClient
) -> None:
    def fail() -> None:
        from flask import session as cookie

        cookie["half"] = "done"
        raise RuntimeError("a bug")

    add_bare_route(app, fail)
    with client.session_transaction() as cookie:
        cookie["before"] = "as it was"
    response = client.post("/bare", data={"key": "a"})
    assert response.status_code == 500
    assert "reference" in client.text
    assert kept(app) == 0
    with client.session_transaction() as cookie:
        assert cookie["before"] == "as it was"
        assert "half" not in cookie


def test_a_commit_that_fails_is_an_error_page_and_never_a_sign_in(app: Flask, client: StrictClient) -> None:
    def break_the_commit() -> None:
        from flask import session as cookie

        cookie["_user_id"] = "somebody"
        database.event.listen(session(), "before_commit", _refuse, once=True)

    def _refuse(_session: object) -> None:
        raise sa.exc.OperationalError("COMMIT", {}, sqlite3.OperationalError("database or disk is full"))

    add_bare_route(app, break_the_commit)
    response = client.post("/bare", data={"key": "a"})
    assert response.status_code == 503
    assert "full" in client.text
    assert kept(app) == 0
    with client.session_transaction() as cookie:
        assert "_user_id" not in cookie


def test_a_request_that_only_reads_may_not_write(app: Flask, client: StrictClient) -> None:
    rules.RULES["bare"] = rules.Rule.ANYONE

    def view() -> str:
        session.add(Rate(key="a", window=datetime(2026, 1, 1, tzinfo=UTC), count=1))
        return "read"

    app.add_url_rule("/bare", "bare", view)
    assert client.get("/bare").status_code == 500
    assert kept(app) == 0


@pytest.fixture
def address(app: Flask) -> Iterator[tuple[str, int]]:
    add_bare_route(app)
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield "127.0.0.1", server.server_port
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_slow_upload_keeps_nobody_waiting(app: Flask, address: tuple[str, int]) -> None:
    with socket.create_connection(address) as slow:
        head = "POST /bare HTTP/1.1\r\nHost: localhost\r\nContent-Length: 8\r\n"
        slow.sendall(f"{head}Content-Type: {FORM['Content-Type']}\r\n\r\nkey=".encode())
        quick = HTTPConnection(*address, timeout=5)
        quick.request("POST", "/bare", "key=quick", FORM)
        assert quick.getresponse().read() == b"kept"
        quick.close()
        slow.sendall(b"slow")
        assert slow.recv(20).startswith(b"HTTP/1.1 200")
    assert kept(app) == 2


def test_fifty_writers_at_once_all_succeed(app: Flask, address: tuple[str, int]) -> None:
    answers: list[bytes] = []

    def write(number: int) -> None:
        connection = HTTPConnection(*address, timeout=30)
        connection.request("POST", "/bare", f"key={number}", FORM)
        answers.append(connection.getresponse().read())
        connection.close()

    threads = [threading.Thread(target=write, args=(n,)) for n in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [b"kept"] * 50
    assert kept(app) == 50


def test_a_database_that_somebody_else_holds_is_said_to_be_busy(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    if settings.database_url:
        pytest.skip("a lock on the whole database is SQLite's")
    monkeypatch.setattr(database, "LOCK_WAIT", 0.1)
    holder = sqlite3.connect(settings.data_dir / "countersign.sqlite3", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    status, words = _post(settings)
    holder.close()
    assert status == 503
    assert "try again" in words


def _post(settings: Settings, path: str = "/bare") -> tuple[int, str]:
    app = create_app(settings)
    app.test_client_class = StrictClient
    app.config["WTF_CSRF_ENABLED"] = False
    add_bare_route(app)
    client = app.test_client()
    assert isinstance(client, StrictClient)
    response = client.post(path, data={"key": "a"})
    with app.app_context():
        db.session.remove()
        db.engine.dispose()
    return response.status_code, client.text


def _read_only(file: Path) -> str:
    return f"sqlite:///file:{file}?mode=ro&uri=true"


def _damaged(file: Path) -> str:
    file.write_bytes(b"This was a database once." * 500)
    return f"sqlite:///{file}"


def _damaged_inside(file: Path) -> str:
    content = bytearray(file.read_bytes())
    for start in range(4096, len(content), 4096):
        content[start : start + 2048] = b"\xff" * 2048
    file.write_bytes(content)
    return f"sqlite:///{file}"


def _of_another_version(file: Path) -> str:
    with sqlite3.connect(file) as connection:
        connection.execute("DROP TABLE rate")
    connection.close()
    return f"sqlite:///{file}"


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (_read_only, "can't be written to"),
        (_damaged, "damaged"),
        (_damaged_inside, "damaged"),
        (_of_another_version, "countersign db upgrade"),
    ],
)
def test_a_spoilt_database_is_named_for_what_it_is(
    spoil: Callable[[Path], str], words: str, sqlite_template: Path, tmp_path: Path
) -> None:
    file = tmp_path / "spoilt.sqlite3"
    shutil.copy(sqlite_template, file)
    folder = tmp_path / "spoilt-data"
    folder.mkdir(mode=0o700)
    status, text = _post(Settings(data_dir=folder, database_url=spoil(file)))
    assert status == 503
    assert words in text
    assert "reference" in text


def test_a_full_disk_is_said_to_be_full(settings: Settings) -> None:
    app = create_app(settings)
    app.test_client_class = StrictClient
    app.config["WTF_CSRF_ENABLED"] = False
    with app.app_context():
        if not is_sqlite():
            pytest.skip("SQLite can be told how large a file may grow")
        database.event.listen(db.engine, "connect", _allow_no_growth)

    def fill() -> None:
        session.add(Rate(key="x" * 5_000_000, window=access.request_time(), count=1))
        session.flush()

    add_bare_route(app, fill)
    client = app.test_client()
    assert isinstance(client, StrictClient)
    response = client.post("/bare", data={"key": "a"})
    assert response.status_code == 503
    assert "full" in client.text
    assert kept(app) == 0
    with app.app_context():
        db.engine.dispose()


def _allow_no_growth(connection: sqlite3.Connection, _record: object) -> None:
    connection.execute("PRAGMA max_page_count=1")


def test_being_ready_means_having_this_versions_tables(app: Flask, client: StrictClient) -> None:
    assert client.get("/readyz").status_code == 200
    with app.app_context(), transaction():
        session.execute(sa.text("UPDATE alembic_version SET version_num = '0000'"))
    response = client.get("/readyz")
    assert response.status_code == 503
    assert "countersign db upgrade" in response.text
    assert client.get("/healthz").status_code == 200
