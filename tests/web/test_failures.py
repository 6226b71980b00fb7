"""What a request that fails leaves: no word in the cookie, a page that asks no database, a line in the log."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from flask import Flask, flash, g
from flask.logging import default_handler
from sqlalchemy import event

from app import create_app
from lms.config import Settings
from lms.db import db, session, transaction
from lms.errors import ConflictError
from lms.schools import Organisation
from lms.tokens import Rate
from lms.web import rules
from tests.bare import add_bare_route
from tests.client import StrictClient
from tests.conftest import NOW
from tests.factories import make_school


@pytest.fixture(autouse=True)
def _without_csrf_and_extra_rules(app: Flask) -> Iterator[None]:
    app.config["WTF_CSRF_ENABLED"] = False
    yield
    rules.RULES.pop("bare", None)


def test_a_message_of_a_request_that_failed_is_never_shown(app: Flask, client: StrictClient) -> None:
    def tell_and_fail() -> None:
        flash("It is done.")
        raise RuntimeError("a bug")

    add_bare_route(app, tell_and_fail)
    with client.session_transaction() as cookie:
        cookie["_flashes"] = [("message", "Welcome.")]
    assert client.post("/bare", data={"key": "a"}).status_code == 500
    with client.session_transaction() as cookie:
        assert [text for _, text in cookie["_flashes"]] == ["Welcome."]


def test_an_error_page_asks_no_database(app: Flask, client: StrictClient) -> None:
    with app.app_context(), transaction():
        school_id = make_school().id
    asked: list[str] = []

    def find_a_school_and_fail() -> None:
        g.school = session.get(Organisation, school_id)
        event.listen(db.engine, "before_cursor_execute", lambda *call: asked.append(call[2]))
        raise ConflictError("Somebody was quicker.")

    add_bare_route(app, find_a_school_and_fail)
    assert client.post("/bare", data={"key": "a"}).status_code == 409
    assert "Somebody was quicker." in client.text
    assert asked == []


def test_the_same_thing_saved_twice_at_once_is_a_page_that_says_so(
    app: Flask, client: StrictClient, time: object
) -> None:
    add_bare_route(app)
    assert client.post("/bare", data={"key": "a"}).status_code == 200
    assert client.post("/bare", data={"key": "a"}).status_code == 409
    assert "in another window" in client.text


def test_a_character_that_the_database_can_not_keep_is_not_taken_for_a_fault_of_ours(
    app: Flask, client: StrictClient
) -> None:
    add_bare_route(app)
    response = client.post("/bare", data={"key": "a\0b"})
    if response.status_code == 200:
        pytest.skip("SQLite keeps every character")
    assert response.status_code == 400
    assert client.heading == "We can’t read what was sent"


def test_a_server_that_is_not_there_is_a_page_with_a_reference_and_its_reason_in_the_log(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    nowhere = settings.model_copy(update={"database_url": "postgresql+psycopg://a@127.0.0.1:1/school"})
    app = create_app(nowhere)
    app.test_client_class = StrictClient
    client = app.test_client()
    assert isinstance(client, StrictClient)
    assert client.get("/sign-in").status_code == 503
    assert "can't be reached" in client.text
    assert "refused" in caplog.text
    assert "refused" not in client.text


def test_what_a_row_holds_is_never_in_the_log(
    app: Flask, client: StrictClient, caplog: pytest.LogCaptureFixture
) -> None:
    without_count = sa.insert(Rate).values(key="Priya Nair", window=NOW, count=None)
    add_bare_route(app, lambda: session.execute(without_count))
    assert client.post("/bare", data={"key": "a"}).status_code == 500
    assert "count" in caplog.text
    assert "Priya" not in caplog.text


@pytest.fixture
def _without_our_log() -> Iterator[None]:
    yield
    logging.getLogger("countersign").removeHandler(default_handler)


@pytest.mark.usefixtures("_without_our_log")
def test_every_reference_on_a_page_is_in_the_log(
    settings: Settings, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging.getLogger(), "handlers", [])
    app = create_app(settings)
    app.test_client_class = StrictClient
    client = app.test_client()
    assert isinstance(client, StrictClient)
    client.get("/no-such-page")
    reference = re.search(r"reference: (\w+)", client.text)
    assert reference is not None
    assert reference.group(1) in capsys.readouterr().err
