"""What something asks of the database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flask import Flask
from sqlalchemy import event

from lms.db import db

_SETTING_UP = ("PRAGMA", "BEGIN", "SET ")


@contextmanager
def counted(app: Flask) -> Iterator[list[str]]:
    """Collect every statement that the database is sent meanwhile, but for those that begin a transaction.

    Those depend on what a connection was used for last.
    """
    sent: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        if not statement.startswith(_SETTING_UP):
            sent.append(statement)

    with app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(engine, "before_cursor_execute", note)
