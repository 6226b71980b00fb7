"""The platforms of the schools that an administrator looks after, and inviting another."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask

from lms.audit import Event
from lms.db import session, transaction
from lms.lti import invites, launch_log
from lms.lti.platforms import RegistrationState
from lms.people import Person
from lms.schools import Organisation
from tests.client import StrictClient
from tests.conftest import NOW
from tests.counting import counted
from tests.factories import make_school
from tests.web.platforms.steps import a_trust, audited, connected, deployments, launched, now_is, sign_in

pytestmark = pytest.mark.usefixtures("time")


def test_with_no_platform_the_page_says_how_to_connect_one(
    app: Flask, client: StrictClient, school: Organisation, admin: Person
) -> None:
    client.get("/admin")
    client.follow("Connect Moodle, Canvas or another LMS")

    assert client.heading == "Platforms"
    assert "No platform is connected yet" in client.text
    assert client.page.xpath("//nav//a[@aria-current and contains(., 'Platforms')]")


def test_an_invitation_is_shown_once_with_where_it_goes_and_only_its_hash_is_kept(
    app: Flask, client: StrictClient, school: Organisation, admin: Person
) -> None:
    client.get("/admin/platforms")

    client.submit(button="Make an invitation")

    address = client.page.xpath("string(//code[@id='invitation'])")
    secret = address.removeprefix("http://127.0.0.1:8000/lti/register/")
    assert "It connects one platform to Ysgol Môr, once, until 10 September 2026, 9:30am" in client.text
    assert "Add LTI Advantage" in client.text
    with app.app_context(), transaction(write=False):
        made = invites.find(secret)
        assert made is not None
        assert (made.organisation_id, made.invited_by, made.used_at) == (school.id, admin.id, None)
        assert secret not in str(session.execute(sa.text("SELECT * FROM lti_invite")).one())
    (entry,) = audited(app, Event.PLATFORM_INVITED)
    assert (entry.actor_id, entry.details) == (admin.id, {"invite": str(made.id)})
    client.get("/admin/platforms")
    assert secret not in client.page.text_content()
    client.get(f"/lti/register/{secret}")
    assert "from Ysgol Môr" in client.text


def test_whoever_looks_after_several_schools_says_for_which_the_invitation_is(
    app: Flask, client: StrictClient, school: Organisation
) -> None:
    trust, (_, second) = a_trust(app)
    sign_in(app, client, trust, second)
    client.get("/admin/platforms")
    assert client.page.xpath("//select[@name='organisation']/option/text()") == [
        "Choose a school",
        "Môr Trust (all its schools)",
        "Ysgol Dau",
        "Ysgol Un",
    ]

    client.submit(button="Make an invitation", organisation=str(second.id))

    assert "It connects one platform to Ysgol Dau" in client.text


def test_nobody_invites_a_platform_to_a_school_that_is_not_theirs(
    app: Flask, client: StrictClient, school: Organisation
) -> None:
    trust, (first, _) = a_trust(app)
    sign_in(app, client, trust, first)
    client.get("/admin/platforms")

    assert client.submit(button="Make an invitation").status_code == 400
    assert "Choose a school" in client.text
    assert client.submit(button="Make an invitation", organisation=str(school.id)).status_code == 400

    assert audited(app, Event.PLATFORM_INVITED) == []


def test_each_platform_says_how_it_is(
    app: Flask, client: StrictClient, school: Organisation, admin: Person
) -> None:
    used = connected(app, school, name="A: used")
    connected(app, school, "7", "8", name="B: waits")
    connected(app, school, name="C: new")
    launched(app, used, launch_log.ACCEPTED, NOW - timedelta(hours=2))
    launched(app, used, launch_log.ACCEPTED, NOW - timedelta(hours=1))
    launched(app, used, "expired", NOW - timedelta(days=2))
    launched(app, used, "bad_signature", NOW - timedelta(days=1))

    client.get("/admin/platforms")

    first, second, third = (
        " ".join(card.text_content().split()) for card in client.page.xpath("//main//section")[:3]
    )
    assert first.startswith("A: used In use For Ysgol Môr")
    assert "Last launch 7 September 2026, 8:30am" in first
    assert (
        "Last error The signature of what your learning platform sent is wrong.6 September 2026, 9:30am"
        in first
    )
    assert "Waits for approval" in second
    assert "0 approved, 2 wait for your approval" in second
    assert "Not used yet" in third
    assert "Nobody has come from there yet" in third


def test_the_list_costs_the_same_however_many_platforms_there_are(
    app: Flask, client: StrictClient, school: Organisation, admin: Person
) -> None:
    def queries() -> int:
        with counted(app) as sent:
            client.get("/admin/platforms")
        return len([each for each in sent if each.lstrip().upper().startswith("SELECT")])

    connected(app, school, "1")
    one = queries()
    for number in range(5):
        launched(app, connected(app, school, str(number)), "expired")

    assert queries() == one <= 5


def test_a_platform_of_another_school_can_neither_be_seen_nor_touched(
    app: Flask, client: StrictClient, school: Organisation, admin: Person
) -> None:
    with app.app_context(), transaction():
        other = make_school("Elsewhere Academy")
    theirs = connected(app, other, "7", name="Moodle elsewhere")
    deployment = deployments(app)["7"].id
    client.get("/admin/platforms")
    assert "elsewhere" not in client.text
    token = {"csrf_token": client.page.xpath("//main//input[@name='csrf_token']/@value")[0]}

    start = f"/admin/platforms/{theirs.id}"
    assert client.get(start).status_code == 404
    assert client.get(f"{start}/addresses").status_code == 404
    for path, fields in (
        ("check", {}),
        ("state", {"state": "paused"}),
        ("roles", {"Instructor": "hr"}),
        ("addresses", {"name": "Mine"}),
        (f"deployments/{deployment}", {"organisation": str(school.id)}),
    ):
        assert client.post(f"{start}/{path}", data={**token, **fields}).status_code == 404, path
    assert now_is(app, theirs).state is RegistrationState.ACTIVE
    assert deployments(app)["7"].approved_at is None
