"""A route that does nothing but write one row: what a request costs at the least, and where its rules show."""

from __future__ import annotations

from collections.abc import Callable

from flask import Flask, Response, request

from lms.db import session
from lms.tokens import Rate
from lms.web import access


def add_bare_route(app: Flask, then: Callable[[], None] = lambda: None) -> None:
    """Give an app `POST /bare`, which inserts one row, runs `then` and answers."""
    access.RULES["bare"] = access.Rule.ANYONE

    def bare() -> Response:
        session.add(Rate(key=request.form["key"], window=access.request_time(), count=1))
        session.flush()
        then()
        return Response("kept", mimetype="text/plain")

    app.add_url_rule("/bare", "bare", bare, methods=["POST"])
