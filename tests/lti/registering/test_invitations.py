"""Invitations: once, for three days, and what was confirmed is what was shown."""

from __future__ import annotations

import threading
from datetime import timedelta

import sqlalchemy as sa
from flask import Flask

from lms.db import session, transaction
from lms.lti.invites import Invite
from lms.lti.platforms import Registration
from lms.schools import Organisation
from tests.client import StrictClient
from tests.conftest import NOW, Clock
from tests.lti.registering.steps import CONNECT, count, is_open, opened
from tests.lti.stand_in import StandIn


def test_an_invitation_opened_in_a_browser_says_what_it_is_for_and_stays_good(
    app: Flask, client: StrictClient, secret: str
) -> None:
    client.get(f"/lti/register/{secret}", headers={"Host": "another.test"})

    assert client.heading == "Connect your LMS to Countersign"
    assert f"http://127.0.0.1:8000/lti/register/{secret}" in client.text
    assert "from Ysgol Môr" in client.text
    assert is_open(app, secret)


def test_an_unknown_invitation_asks_nobody_anything(
    client: StrictClient, platform: StandIn, school: Organisation
) -> None:
    response = opened(client, "x" * 43, platform.configuration_url)

    assert response.status_code == 404
    assert client.heading == "This invitation isn’t one of ours"
    assert client.post(f"/lti/register/{'x' * 43}").status_code == 404
    assert platform.questions == []


def test_an_invitation_is_good_for_three_days_to_open_and_to_confirm(
    app: Flask, client: StrictClient, platform: StandIn, secret: str, time: Clock
) -> None:
    time.now = NOW + timedelta(days=3) - timedelta(seconds=1)
    opened(client, secret, platform.configuration_url)
    time.now = NOW + timedelta(days=3)

    response = client.submit(button=CONNECT)

    assert response.status_code == 410
    assert client.heading == "This invitation has run out"
    assert opened(client, secret, platform.configuration_url).status_code == 410
    assert platform.asked("registration") == []
    assert count(app, Registration) == 0


def test_a_used_invitation_connects_nothing_else(
    app: Flask, client: StrictClient, platform: StandIn, secret: str
) -> None:
    opened(client, secret, platform.configuration_url)
    shown = client.page.xpath("//input[@name='shown']/@value")[0]
    client.submit(button=CONNECT)

    again = client.post(f"/lti/register/{secret}", data={"shown": shown})

    assert again.status_code == 410
    assert client.heading == "This invitation was used already"
    assert opened(client, secret, platform.configuration_url).status_code == 410
    assert count(app, Registration) == 1


def test_what_was_confirmed_is_what_was_shown(
    app: Flask, client: StrictClient, platform: StandIn, secret: str
) -> None:
    opened(client, secret, platform.configuration_url)
    platform.configuration["registration_endpoint"] = "https://evil.test/register"

    client.submit(button=CONNECT)

    assert client.heading == "Moodle is connected"
    assert len(platform.asked("configuration")) == 1
    assert platform.registered is not None


def test_a_page_that_another_window_overtook_confirms_nothing(
    app: Flask, client: StrictClient, platform: StandIn, secret: str
) -> None:
    opened(client, secret, platform.configuration_url)
    other = app.test_client()
    platform.configuration["registration_endpoint"] = f"{platform.address}/elsewhere"
    opened(other, secret, platform.configuration_url)  # type: ignore[arg-type]

    response = client.submit(button=CONNECT)

    assert response.status_code == 409
    assert "in another window" in client.text
    assert is_open(app, secret)
    assert platform.registered is None


def test_nothing_is_confirmed_that_was_never_shown(app: Flask, client: StrictClient, secret: str) -> None:
    assert client.post(f"/lti/register/{secret}", data={"shown": ""}).status_code == 409
    assert is_open(app, secret)


def test_of_two_who_confirm_at_once_one_connects(
    app: Flask, client: StrictClient, platform: StandIn, secret: str
) -> None:
    opened(client, secret, platform.configuration_url)
    shown = client.page.xpath("//input[@name='shown']/@value")[0]
    start, statuses = threading.Barrier(3), []

    def confirm() -> None:
        start.wait(timeout=30)
        statuses.append(app.test_client().post(f"/lti/register/{secret}", data={"shown": shown}).status_code)

    threads = [threading.Thread(target=confirm) for _ in range(3)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(timeout=60)

    assert sorted(statuses) == [200, 410, 410]
    assert len(platform.asked("registration")) == 1
    assert count(app, Registration) == 1


def test_an_invitation_does_not_make_us_ask_without_end(
    client: StrictClient, platform: StandIn, secret: str
) -> None:
    for _ in range(30):
        assert opened(client, secret, platform.configuration_url).status_code == 200

    assert opened(client, secret, platform.configuration_url).status_code == 429
    assert len(platform.asked("configuration")) == 30


def test_a_token_with_a_line_break_is_not_put_into_a_header(
    client: StrictClient, platform: StandIn, secret: str
) -> None:
    response = opened(client, secret, platform.configuration_url, token="a\r\nX-Evil: 1")

    assert response.status_code == 400
    assert platform.questions == []


def test_only_the_hash_of_an_invitation_is_kept(app: Flask, secret: str) -> None:
    with app.app_context(), transaction(write=False):
        row = session.execute(sa.select(Invite.__table__)).one()
    assert secret not in str(row)
