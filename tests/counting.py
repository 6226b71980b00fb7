"""How many queries something asks of the database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from flask import Flask
from sqlalchemy import event

from lms.db import db
from tests.client import StrictClient

_SETTING_UP = ("PRAGMA", "BEGIN", "SET ")


@contextmanager
def counted(app: Flask) -> Iterator[list[str]]:
    """Collect the statements that the database is sent meanwhile, but for those that begin a transaction."""
    sent: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_more: object) -> None:
        if not statement.startswith(_SETTING_UP):
            sent.append(statement)

    with app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(engine, "before_cursor_execute", note)


def queries(app: Flask, client: StrictClient, address: str) -> int:
    """Return how many statements it takes to answer a page that was opened before: content is read once a process."""
    client.get(address)
    with counted(app) as sent:
        assert client.get(address).status_code == 200
    return len(sent)
