"""Connecting a platform by hand, where it can’t take an invitation."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from lms.audit import Event
from lms.config import Settings
from lms.db import session, transaction
from lms.lti.platforms import Registration
from lms.people import Person
from lms.schools import Organisation
from tests.client import StrictClient
from tests.conftest import NOW
from tests.web.platforms.steps import a_trust, audited, connected, deployments, sign_in

pytestmark = pytest.mark.usefixtures("time")


def by_hand(client: StrictClient, product: str, **fields: str) -> Any:
    client.get("/admin/platforms/new")
    client.follow(product)
    typed = {
        "name": "Our LMS",
        "issuer": "https://moodle.school.test",
        "client_id": "abc123",
        "authorization_endpoint": "https://moodle.school.test/auth",
        "token_endpoint": "https://moodle.school.test/token",
        "jwks_uri": "https://moodle.school.test/keys",
    }
    return client.submit(button="Connect", **{**typed, **fields})


def test_a_platform_is_connected_by_hand_from_its_values(
    app: Flask, client: StrictClient, school: Organisation, admin: Person
) -> None:
    by_hand(client, "Moodle", deployments="7\n\n 8 \n7")

    assert client.heading == "Our LMS"
    assert "Check the connection next" in client.text
    with app.app_context(), transaction(write=False):
        made = session.scalars(sa.select(Registration)).one()
    assert (made.issuer, made.client_id, made.product) == ("https://moodle.school.test", "abc123", "moodle")
    assert (made.organisation_id, made.token_audience) == (school.id, None)
    assert {value: each.approved_at for value, each in deployments(app).items()} == {"7": NOW, "8": NOW}
    assert audited(app, Event.PLATFORM_CONNECTED)[0].actor_id == admin.id


def test_our_values_are_there_to_copy_under_the_names_that_the_platform_gives_them(
    client: StrictClient, school: Organisation, admin: Person
) -> None:
    client.get("/admin/platforms/new?product=moodle")

    shown = {
        " ".join(box.xpath("string(./p)").split()): box.xpath("string(./code)")
        for box in client.page.xpath("//main//div[@class='app-copy']")
    }
    assert shown["Initiate login URL"] == "http://127.0.0.1:8000/lti/login"
    assert shown["Redirection URI(s)"] == "http://127.0.0.1:8000/lti/launch"
    assert shown["Public keyset"] == "http://127.0.0.1:8000/lti/jwks"
    assert shown["Tool URL"] == "http://127.0.0.1:8000/"
    assert not client.page.xpath("//button[@data-copies and not(@hidden)]")


@pytest.mark.parametrize(
    ("product", "field", "filled_in"),
    [
        ("canvas", "issuer", "https://canvas.instructure.com"),
        ("canvas", "jwks_uri", "https://sso.canvaslms.com/api/lti/security/jwks"),
        ("brightspace", "token_audience", "https://api.brightspace.com/auth/token"),
        ("blackboard", "issuer", "https://blackboard.com"),
        ("moodle", "issuer", ""),
    ],
)
def test_what_is_the_same_at_every_school_is_filled_in(
    client: StrictClient, school: Organisation, admin: Person, product: str, field: str, filled_in: str
) -> None:
    client.get(f"/admin/platforms/new?product={product}")

    assert client.page.xpath(f"//input[@name='{field}']/@value") == [filled_in]


@pytest.mark.parametrize(
    ("field", "typed", "error"),
    [
        ("issuer", "", "Enter the issuer"),
        ("issuer", "moodle.school.test", "Issuer must be a web address that begins with https://"),
        ("client_id", " ", "Enter the client id"),
        ("client_id", "x" * 256, "Client id must be as your LMS shows it, 255 letters at most"),
        ("deployments", "7\nñ", "Deployment ids must be as your LMS shows it"),
        ("name", "", "Enter a name"),
    ],
)
def test_values_that_cannot_be_right_are_said_and_what_was_typed_is_kept(
    app: Flask, client: StrictClient, school: Organisation, admin: Person, field: str, typed: str, error: str
) -> None:
    response = by_hand(client, "Canvas", **{field: typed})

    assert response.status_code == 400
    assert error in client.text
    assert client.page.xpath("//input[@name='token_endpoint']/@value") == ["https://moodle.school.test/token"]
    assert client.heading == "Connect Canvas by hand"
    with app.app_context(), transaction(write=False):
        assert session.query(Registration).count() == 0


def test_a_platform_that_is_connected_already_is_not_connected_again(
    app: Flask, client: StrictClient, school: Organisation, admin: Person
) -> None:
    connected(app, school, client_id="abc123")

    response = by_hand(client, "Moodle")

    assert response.status_code == 400
    assert "connected already, with the same client id" in client.text


def test_a_trusts_deployments_wait_until_it_is_said_whose_they_are(app: Flask, client: StrictClient) -> None:
    trust, (first, _) = a_trust(app)
    sign_in(app, client, trust, first)

    by_hand(client, "Another one", deployments="7", organisation=str(trust.id))

    assert deployments(app)["7"].approved_at is None


class TestOnTheInternet:
    """Without the setting for a trial."""

    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        return settings.model_copy(update={"lti_allow_private_hosts": False})

    @pytest.mark.parametrize(
        ("typed", "error"),
        [
            ("http://moodle.school.test/x", "must begin with https:// and not http://"),
            ("https://192.168.1.5/x", "names a computer inside a network"),
            ("https://localhost/x", "names a computer inside a network"),
        ],
    )
    @pytest.mark.usefixtures("admin")
    def test_plain_http_and_hosts_inside_a_network_are_refused_as_typed(
        self, client: StrictClient, typed: str, error: str
    ) -> None:
        assert by_hand(client, "Moodle", token_endpoint=typed).status_code == 400
        assert f"Token address {error}" in client.text
