"""Coming to the door: asking for a link, trying a password, and what that leaves behind."""

from __future__ import annotations

import re

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from lms import jobs
from lms.audit import AuditEntry, Event
from lms.config import Settings
from lms.credentials import set_password
from lms.db import session, transaction
from lms.mail import Message
from lms.people import Person, RoleName
from lms.schools import Organisation
from tests.client import StrictClient
from tests.factories import make_person
from tests.mail_server import MailServer

PASSWORD = "correct horse battery"


def add(
    app: Flask, school: Organisation, *, email: str | None = "priya@school.test", role: RoleName | None = None
) -> Person:
    with app.app_context(), transaction():
        person = make_person(school, email=email, role=role)
        if role:
            set_password(person, PASSWORD)
    return person


def ask(client: StrictClient, email: str, next: str | None = None) -> None:
    client.get("/sign-in", query_string={"next": next} if next else None)
    client.submit(email=email)


def deliver(app: Flask, server: MailServer) -> list[str]:
    """Have the worker send what waits, and return the paths of the links that arrived."""
    settings: Settings = app.config["SETTINGS"]
    with app.app_context():
        jobs.deliver(settings.model_copy(update={"smtp_url": server.url}), demo=False)
    bodies = [server.arrived.get_nowait().get_content() for _ in range(server.arrived.qsize())]
    return [
        found for body in bodies for found in re.findall(r"http://127\.0\.0\.1:8000(/sign-in/link/\S+)", body)
    ]


def queued(app: Flask) -> list[Message]:
    with app.app_context(), transaction(write=False):
        found = session.query(Message).all()
        session.expunge_all()
        return found


def events(app: Flask, kind: Event) -> list[AuditEntry]:
    with app.app_context(), transaction(write=False):
        found = session.query(AuditEntry).filter_by(event=kind).all()
        session.expunge_all()
        return found


def try_password(client: StrictClient, email: str, password: str) -> None:
    client.get("/sign-in/password")
    client.submit(email=email, password=password)


def post(browser: FlaskClient, path: str, **fields: str) -> TestResponse:
    """Open a page and send its form, without the strict client's slow look at each page."""
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', browser.get(path).text)
    assert token is not None
    return browser.post(path, data={"csrf_token": token[1], **fields})


def browser_at_school(app: Flask) -> FlaskClient:
    browser = FlaskClient(app, use_cookies=True)
    browser.environ_base["REMOTE_ADDR"] = "203.0.113.7"
    return browser
