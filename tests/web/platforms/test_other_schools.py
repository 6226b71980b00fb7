"""What an administrator can't do to another school by the platform that they connect."""

from __future__ import annotations

import pytest
from flask import Flask

from lms.db import session, transaction
from lms.lti.platforms import Registration
from lms.people import Person
from lms.schools import Organisation
from tests.client import StrictClient
from tests.factories import make_school
from tests.web.platforms.steps import connected, now_is

THEIRS = "https://moodle.other.test/mod/lti/token.php"
AT_BRIGHTSPACE = "https://api.brightspace.com/auth/token"


@pytest.fixture
def other(app: Flask) -> Registration:
    with app.app_context(), transaction():
        place = make_school("Ysgol Arall")
    return connected(
        app,
        place,
        issuer="https://moodle.other.test",
        client_id="their-client",
        token_endpoint=THEIRS,
        token_audience=AT_BRIGHTSPACE,
    )


SERVICES = [
    (THEIRS, ""),
    ("https://MOODLE.other.test.:443/x?y=1", ""),
    ("https://mine.test/token", THEIRS),
    ("https://mine.test/token", AT_BRIGHTSPACE),
]
"""A token address and an audience with which we would ask the other school's platform, or let somebody ask."""


@pytest.mark.parametrize(("endpoint", "audience"), SERVICES)
def test_another_schools_platform_is_not_asked_in_its_name(
    app: Flask,
    client: StrictClient,
    school: Organisation,
    admin: Person,
    other: Registration,
    endpoint: str,
    audience: str,
) -> None:
    client.get("/admin/platforms/new?product=other")

    response = client.submit(
        name="Mine",
        issuer="https://mine.test",
        client_id="their-client",
        authorization_endpoint="https://mine.test/auth",
        token_endpoint=endpoint,
        token_audience=audience,
        jwks_uri="https://mine.test/keys",
    )

    assert response.status_code == 400
    assert "connected already, with the same client id" in client.text
    with app.app_context(), transaction(write=False):
        assert session.query(Registration).count() == 1


@pytest.mark.parametrize(("endpoint", "audience"), SERVICES)
def test_nor_by_changing_ones_own_platforms_addresses(
    app: Flask,
    client: StrictClient,
    school: Organisation,
    admin: Person,
    other: Registration,
    endpoint: str,
    audience: str,
) -> None:
    mine = connected(
        app, school, issuer="https://mine.test", client_id="their-client", token_endpoint="https://mine.test"
    )
    client.get(f"/admin/platforms/{mine.id}/addresses")

    response = client.submit(token_endpoint=endpoint, token_audience=audience)

    assert response.status_code == 400
    assert "connected already, with the same client id" in client.text
    assert now_is(app, mine).token_endpoint == "https://mine.test"


def test_the_same_client_id_of_two_platforms_of_their_own_is_no_conflict(
    app: Flask, client: StrictClient, school: Organisation, admin: Person, other: Registration
) -> None:
    mine = connected(app, school, issuer="https://mine.test", client_id="their-client")
    client.get(f"/admin/platforms/{mine.id}/addresses")

    client.submit(name="Our Moodle")

    assert now_is(app, mine).name == "Our Moodle"
