"""How a session ends, and that none begins or ends when its commit fails."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy import event

from lms.audit import Event
from lms.credentials import set_password
from lms.db import session, transaction
from lms.people import Person, RoleName
from lms.schools import Organisation
from tests.client import StrictClient
from tests.mail_server import MailServer
from tests.web.practice import token
from tests.web.sign_in.door import (
    PASSWORD,
    add,
    ask,
    deliver,
    events,
)

pytestmark = pytest.mark.usefixtures("time")


def test_signing_out_ends_the_session_and_says_so(
    app: Flask, client: StrictClient, school: Organisation
) -> None:
    person = add(app, school)
    client.sign_in_as(person.id)
    client.get("/privacy")
    client.post("/sign-out", data=token(client), follow_redirects=True)
    assert "You have signed out." in client.text
    with client.session_transaction() as cookie:
        assert "_user_id" not in cookie
        assert "assurance" not in cookie
    assert client.get("/admin").status_code == 302
    assert len(events(app, Event.SIGNED_OUT)) == 1


def test_a_new_password_ends_the_sessions_that_were_open(
    app: Flask, client: StrictClient, school: Organisation
) -> None:
    person = add(app, school, role=RoleName.ADMIN)
    client.sign_in_as(person.id)
    with app.app_context(), transaction():
        mine = session.get(Person, person.id)
        assert mine is not None
        mine.sign_in_epoch = 1
    client.sign_in_as(person.id)
    assert client.get("/admin").status_code == 200
    with app.app_context(), transaction():
        mine = session.get(Person, person.id)
        assert mine is not None
        set_password(mine, PASSWORD + "!")
    assert client.get("/admin").status_code == 302


def test_when_the_commit_fails_nobody_is_signed_in_and_the_link_still_works(
    app: Flask, client: StrictClient, server: MailServer, school: Organisation
) -> None:
    person = add(app, school)
    ask(client, "priya@school.test")
    (link,) = deliver(app, server)
    client.get(link)
    with client.session_transaction() as cookie:
        before = dict(cookie)
    with failing_commits():
        response = client.submit()
    assert response.status_code == 503
    with client.session_transaction() as cookie:
        assert dict(cookie) == before
    client.get(link)
    assert client.submit().status_code != 410
    with client.session_transaction() as cookie:
        assert cookie["_user_id"].startswith(str(person.id))


def test_when_the_commit_fails_the_sign_out_did_not_happen(
    app: Flask, client: StrictClient, school: Organisation
) -> None:
    person = add(app, school)
    client.sign_in_as(person.id)
    client.get("/privacy")
    with failing_commits():
        assert client.post("/sign-out", data=token(client)).status_code == 503
    with client.session_transaction() as cookie:
        assert cookie["_user_id"].startswith(str(person.id))


class failing_commits:
    """Every commit in the block fails as it would on a database that has just gone away."""

    def __enter__(self) -> None:
        event.listen(session, "before_commit", self._fail)

    def __exit__(self, *error: object) -> None:
        event.remove(session, "before_commit", self._fail)

    @staticmethod
    def _fail(_committing: object) -> None:
        raise sa.exc.OperationalError("COMMIT", None, Exception("the server went away"))
