"""A route that does nothing but write one row: what a request costs at the least, and where its rules show."""

from __future__ import annotations

from collections.abc import Callable

from flask import Flask, Response, request

from app import create_app
from lms.cli import CommandGroup
from lms.config import Settings
from lms.db import session
from lms.tokens import Rate
from lms.web import access, rules


def add_bare_route(app: Flask, then: Callable[[], None] = lambda: None) -> None:
    """Give an app `POST /bare`, which inserts one row, runs `then` and answers."""
    rules.RULES["bare"] = rules.Rule.ANYONE

    def bare() -> Response:
        session.add(Rate(key=request.form["key"], window=access.request_time(), count=1))
        session.flush()
        then()
        return Response("kept", mimetype="text/plain")

    app.add_url_rule("/bare", "bare", bare, methods=["POST"])


def _app_with_bare_route(settings: Settings | None = None) -> Flask:
    app = create_app(settings)
    add_bare_route(app)
    return app


cli = CommandGroup(create_app=_app_with_bare_route)
"""The `countersign` command on an app that has the bare route, for the benchmark of signing."""
