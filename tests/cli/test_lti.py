"""Inviting platforms, listing them and changing our key, at a terminal."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from lms.audit import AuditEntry, Event
from lms.config import Settings
from lms.db import session
from lms.keys import LTI_KEYS
from lms.lti import invites, launch_log, platforms
from lms.lti.tool_keys import ToolKeys
from lms.schools import school_by_slug
from tests.cli.terminal import Look, Run
from tests.conftest import NOW, Clock
from tests.factories import make_school

BASE = "https://training.example.sch.uk"


def test_an_invitation_is_one_address_on_its_own_line(run: Run, look: Look, school: str) -> None:
    result = run("lti", "invite")

    assert result.exit_code == 0, result.output
    address = result.stdout.strip()
    assert address.startswith(f"{BASE}/lti/register/")
    assert "It works once, until 10 September 2026, 9:30am in London" in result.stderr
    with look():
        made = invites.find(address.removeprefix(f"{BASE}/lti/register/"))
        assert made is not None
        assert (made.organisation_id, made.invited_by) == (school_by_slug(school).id, None)
        (entry,) = session.query(AuditEntry).filter_by(event=Event.PLATFORM_INVITED).all()
        assert (entry.actor_id, entry.details) == (None, {"invite": str(made.id)})


def test_where_there_are_several_schools_the_invitation_names_one(run: Run, look: Look, school: str) -> None:
    with look():
        other = make_school("Elsewhere Academy").slug

    unnamed = run("lti", "invite")
    named = run("lti", "invite", "--school", other)

    assert unnamed.exit_code == 1
    assert "say which with --school" in unnamed.output
    assert "connected to Elsewhere Academy" in named.stderr
    unknown = run("lti", "invite", "--school", "nowhere")
    assert unknown.exit_code == 1
    assert "no school at the address 'nowhere'" in unknown.output


def test_the_list_says_how_each_platform_is(run: Run, look: Look, school: str) -> None:
    with look():
        at = school_by_slug(school)
        made = platforms.register(
            at.id,
            name="Our Moodle",
            issuer="https://moodle.school.test",
            client_id="abc",
            authorization_endpoint="https://moodle.school.test/auth",
            token_endpoint="https://moodle.school.test/token",
            jwks_uri="https://moodle.school.test/keys",
            now=NOW,
        )
        platforms.deploy(made, "1", organisation_id=at.id, now=NOW, approved=True)
        launch_log.record(launch_log.ACCEPTED, now=NOW, registration_id=made.id)
        launch_log.record("expired", now=NOW - timedelta(days=1), registration_id=made.id)
        launch_log.record("unknown_issuer", now=NOW, detail="iss 'https://stranger.test'")

    result = run("lti", "platforms", COLUMNS="200")

    assert result.exit_code == 0, result.output
    assert "Our Moodle" in result.output
    assert "in use" in result.output
    assert "1 approved" in result.output
    assert "7 September 2026, 9:30am" in result.output
    assert "What your learning platform sent had already run out" in result.output
    assert (
        "Countersign doesn’t know the learning platform that this link came from. (iss 'https://stranger.test')"
        in result.output
    )


def test_with_no_platform_the_list_says_how_to_connect_one(run: Run, school: str) -> None:
    result = run("lti", "platforms")

    assert result.exit_code == 0
    assert "countersign lti invite" in result.output


def test_a_new_key_signs_and_the_old_one_stays_published_for_a_day(
    run: Run, settings: Settings, time: Clock
) -> None:
    ours = ToolKeys(settings.data_dir)
    (old,) = (key["kid"] for key in ours.published(NOW)["keys"])

    result = run("lti", "rotate-key")

    assert result.exit_code == 0, result.output
    assert "until 8 September 2026, 9:30am in London" in result.output
    new, kept = (key["kid"] for key in ours.published(NOW)["keys"])
    assert kept == old
    assert f"signs with the key {new}" in result.output
    assert [key["kid"] for key in ours.published(NOW + timedelta(days=1))["keys"]] == [new]


@pytest.mark.parametrize("command", ["rotate-key", "invite"])
def test_a_damaged_key_file_is_named_and_left_alone(
    run: Run, settings: Settings, school: str, command: str
) -> None:
    file = settings.data_dir / LTI_KEYS
    file.touch(mode=0o600)
    file.write_text(json.dumps(["no key"]))

    result = run("lti", command)

    assert result.exit_code == 1
    assert f"{file} is damaged" in result.output
    assert json.loads(file.read_text()) == ["no key"]
