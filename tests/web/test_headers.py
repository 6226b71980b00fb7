"""What every response says to the browser, and what is believed of a proxy."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from flask import Flask, Response
from flask.globals import request

from app import create_app
from lms import tokens
from lms.config import Settings
from lms.db import db, transaction
from lms.tokens import Purpose
from lms.web import rules
from tests.client import StrictClient
from tests.conftest import NOW, Clock
from tests.factories import make_person, make_school

SECURE = "https://training.school.test"


@contextmanager
def client_of(settings: Settings, **changes: object) -> Iterator[StrictClient]:
    app = create_app(settings.model_copy(update=changes))
    app.test_client_class = StrictClient
    client = app.test_client()
    assert isinstance(client, StrictClient)
    yield client
    with app.app_context():
        db.engine.dispose()


def test_a_page_is_kept_by_nobody_framed_by_nobody_and_runs_no_strangers_script(client: StrictClient) -> None:
    for address in ("/sign-in", "/no-such-page"):
        headers = client.get(address).headers
        assert headers["Cache-Control"] == "no-store"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "same-origin"
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy


def test_a_nonce_is_used_once(client: StrictClient) -> None:
    first, second = (client.get("/sign-in").headers["Content-Security-Policy"] for _ in range(2))
    assert first != second


def test_a_style_has_its_hash_in_its_address_and_may_be_kept_for_a_year(client: StrictClient) -> None:
    client.get("/sign-in")
    address = client.page.xpath("//link[@rel='stylesheet']/@href")[-1]
    assert "?v=" in address
    with client.get(address) as response:
        assert "max-age=31536000" in response.headers["Cache-Control"]


def test_over_https_the_cookie_travels_on_https_alone_and_the_browser_remembers(settings: Settings) -> None:
    with client_of(settings, base_url=SECURE) as client:
        headers = client.get("/sign-in", base_url=SECURE).headers
    assert {"Secure", "HttpOnly", "SameSite=None", "Partitioned"} <= set(headers["Set-Cookie"].split("; "))
    assert headers["Strict-Transport-Security"]


def test_without_https_nothing_is_promised_that_would_lock_people_out(client: StrictClient) -> None:
    headers = client.get("/sign-in").headers
    assert {"HttpOnly", "SameSite=Lax"} <= set(headers["Set-Cookie"].split("; "))
    assert not {"Secure", "Partitioned"} & set(headers["Set-Cookie"].split("; "))
    assert "Strict-Transport-Security" not in headers


@pytest.mark.parametrize(
    ("proxies", "forwarded", "believed"),
    [
        (0, "203.0.113.9", "127.0.0.1"),
        (1, "203.0.113.9", "203.0.113.9"),
        (1, "198.51.100.1, 203.0.113.9", "203.0.113.9"),
        (2, "198.51.100.1, 203.0.113.9", "198.51.100.1"),
    ],
)
def test_an_address_is_believed_of_as_many_proxies_as_the_settings_name(
    settings: Settings, proxies: int, forwarded: str, believed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(rules.RULES, "where", rules.Rule.NO_DATABASE)
    with client_of(settings, trusted_proxies=proxies) as client:
        client.application.add_url_rule("/where", "where", _who_asks)
        assert client.get("/where", headers={"X-Forwarded-For": forwarded}).text == believed


def _who_asks() -> Response:
    return Response(request.remote_addr, mimetype="text/plain")


def test_signing_in_begins_a_session_that_nobody_prepared(
    app: Flask, client: StrictClient, time: Clock
) -> None:
    with app.app_context(), transaction():
        person = make_person(make_school())
        secret = tokens.mint(person.id, Purpose.SIGN_IN, lasts=timedelta(minutes=20), now=NOW)
    with client.session_transaction() as cookie:
        cookie["planted"] = "by somebody else"
        cookie["csrf_token"] = "known to somebody else"
    client.get(f"/sign-in/link/{secret}")
    client.submit()
    with client.session_transaction() as cookie:
        assert cookie["_user_id"].startswith(str(person.id))
        assert "planted" not in cookie
        assert cookie.get("csrf_token") != "known to somebody else"
