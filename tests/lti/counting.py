"""How many queries something asks of the database."""

from __future__ import annotations

from typing import Any, Self

from flask import Flask
from sqlalchemy import event

from lms.db import db

_SETTING_UP = ("PRAGMA", "BEGIN", "SET ")


class Queries:
    """While this is open, every statement that goes to the database, but for those that begin a transaction."""

    def __init__(self, app: Flask) -> None:
        with app.app_context():
            self.engine = db.engine
        self.statements: list[str] = []

    def __enter__(self) -> Self:
        event.listen(self.engine, "before_cursor_execute", self._note)
        return self

    def __exit__(self, *_error: object) -> None:
        event.remove(self.engine, "before_cursor_execute", self._note)

    def _note(self, _connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        if not statement.startswith(_SETTING_UP):
            self.statements.append(statement)

    @property
    def count(self) -> int:
        """How many there were."""
        return len(self.statements)

    def __repr__(self) -> str:
        return "\n".join(statement[:300] for statement in self.statements)
