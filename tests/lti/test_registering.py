"""Dynamic Registration: what a platform's administrator sees, what the platform gets, and all that goes wrong."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
import sqlalchemy as sa
from flask import Flask
from werkzeug.test import TestResponse

from lms.audit import AuditEntry, Event
from lms.config import Settings
from lms.db import session, transaction
from lms.lti import invites
from lms.lti.invites import Invite
from lms.lti.platforms import Deployment, Registration
from lms.schools import Kind, Organisation, add_school
from tests.client import StrictClient
from tests.conftest import NOW, Clock
from tests.factories import make_school
from tests.lti import stand_in_rules as rules
from tests.lti.stand_in import Fault, Reply, StandIn, fault

CONNECT = "Connect Moodle"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Settings of a trial: the stand-in is on loopback, over http."""
    return settings.model_copy(update={"lti_allow_private_hosts": True})


@pytest.fixture
def platform(app: Flask, time: Clock) -> Iterator[StandIn]:
    with StandIn(app.config["LTI_KEYS"].published, clock=lambda: time.now) as made:
        yield made


@pytest.fixture
def school(app: Flask) -> Organisation:
    with app.app_context(), transaction():
        return make_school("Ysgol Môr")


@pytest.fixture
def secret(app: Flask, school: Organisation, time: Clock) -> str:
    return invite(app, school)


def invite(app: Flask, organisation: Organisation) -> str:
    with app.app_context(), transaction():
        return invites.invite(organisation.id, invited_by=None, now=NOW)[0]


def opened(client: StrictClient, secret: str, configuration: str, token: str | None = None) -> TestResponse:
    """Open the invitation as a platform does."""
    asked = {"openid_configuration": configuration} | ({"registration_token": token} if token else {})
    return client.get(f"/lti/register/{secret}?{urlencode(asked)}")


def is_open(app: Flask, secret: str) -> bool:
    with app.app_context(), transaction(write=False):
        found = invites.find(secret)
        assert found is not None
        return found.is_open(NOW)


def count(app: Flask, table: type[Any]) -> int:
    with app.app_context(), transaction(write=False):
        return session.scalar(sa.select(sa.func.count()).select_from(table)) or 0


def kept(app: Flask) -> tuple[Registration, list[Deployment]]:
    with app.app_context(), transaction(write=False):
        return session.scalars(sa.select(Registration)).one(), list(session.scalars(sa.select(Deployment)))


def test_moodle_is_connected_in_one_press_after_seeing_what_that_means(
    app: Flask, client: StrictClient, platform: StandIn, secret: str, school: Organisation
) -> None:
    platform.returns_deployment = "7"
    host = platform.address.removeprefix("http://")

    opened(client, secret, platform.configuration_url)

    assert client.heading == "Connect Moodle to Countersign?"
    assert f"LMS Moodle 4.5.6 For Ysgol Môr Servers {host}" in client.text
    assert "name, e-mail address, role" in client.text
    assert "Activate" in client.text
    assert platform.registered is None
    response = client.submit(button=CONNECT)
    assert response.status_code == 200
    assert client.heading == "Moodle is connected"
    assert "Show in activity chooser" in client.text
    registration, (deployment,) = kept(app)
    assert (registration.issuer, registration.client_id) == (platform.issuer, "tool-1")
    assert (registration.name, registration.product) == ("Moodle at Ysgol Môr", "moodle")
    assert registration.organisation_id == school.id
    assert registration.authorization_endpoint == platform.authorization_endpoint
    assert registration.token_endpoint == platform.token_endpoint
    assert (registration.jwks_uri, registration.token_audience) == (platform.jwks_uri, None)
    assert set(registration.scopes) == rules.SCOPES
    assert (deployment.value, deployment.organisation_id, deployment.approved_at) == ("7", school.id, NOW)
    assert not is_open(app, secret)


def test_the_platform_gets_our_addresses_messages_and_parameters_that_survive_a_course_copy(
    client: StrictClient, platform: StandIn, secret: str
) -> None:
    opened(client, secret, platform.configuration_url)
    client.submit(button=CONNECT)

    assert platform.registered is not None
    base = "http://127.0.0.1:8000"
    assert platform.registered["redirect_uris"] == [f"{base}/lti/launch"]
    assert platform.registered["initiate_login_uri"] == f"{base}/lti/login"
    assert platform.registered["jwks_uri"] == f"{base}/lti/jwks"
    assert set(platform.registered["scope"].split()) == rules.SCOPES
    tool = platform.registered[rules.TOOL_CONFIGURATION]
    assert tool["custom_parameters"] == {
        "link_history": "$ResourceLink.id.history",
        "context_history": "$Context.id.history",
    }
    choosing, opening = tool["messages"]
    assert (choosing["type"], choosing["placements"]) == ("LtiDeepLinkingRequest", ["ContentArea"])
    assert choosing["target_link_uri"] == f"{base}/lti/deep-linking"
    assert (opening["type"], opening["target_link_uri"]) == ("LtiResourceLinkRequest", f"{base}/")
    for address in (choosing["icon_uri"], platform.registered["policy_uri"]):
        with client.get(address.removeprefix(base)) as response:
            assert response.status_code == 200


def as_canvas(platform: StandIn) -> None:
    """Have the stand-in describe itself as Canvas does: by another's name, with placements, for a token."""
    platform.registration_token = "shown-once"
    about = platform.configuration[rules.PLATFORM_CONFIGURATION]
    platform.configuration["issuer"] = "https://canvas.instructure.com"
    platform.configuration["authorization_server"] = "canvas.instructure.com"
    canvas = "https://canvas.instructure.com/lti/"
    about |= {"product_family_code": "canvas", "version": "vCloud", f"{canvas}account_name": "Môr Trust"}
    about["messages_supported"] = [
        {"type": "LtiResourceLinkRequest", "placements": ["course_navigation", "account_navigation"]},
        {"type": "LtiDeepLinkingRequest", "placements": ["assignment_selection", "editor_button"]},
    ]


def test_canvas_sees_its_token_and_says_later_where_it_is_deployed(
    app: Flask, client: StrictClient, platform: StandIn, secret: str
) -> None:
    as_canvas(platform)

    opened(client, secret, platform.configuration_url, token="shown-once")

    assert "LMS Môr Trust, Canvas vCloud" in client.text
    assert "canvas.instructure.com" in client.text
    assert "are they your school’s?" in client.text
    client.submit(button="Connect Canvas")
    assert client.heading == "Canvas is connected"
    registration, deployments = kept(app)
    assert (registration.issuer, registration.name) == ("https://canvas.instructure.com", "Môr Trust")
    assert registration.token_audience is None
    assert deployments == []
    assert platform.registered is not None
    choosing, opening = platform.registered[rules.TOOL_CONFIGURATION]["messages"]
    assert choosing["placements"] == ["assignment_selection"]
    assert opening["placements"] == ["course_navigation"]
    assert opening["https://canvas.instructure.com/lti/course_navigation/default_enabled"] is False


def test_brightspace_names_an_audience_of_its_own_and_its_page_can_be_loaded_again(
    app: Flask, client: StrictClient, platform: StandIn, secret: str
) -> None:
    platform.configuration[rules.PLATFORM_CONFIGURATION]["product_family_code"] = "desire2learn"
    opened(client, secret, platform.configuration_url)
    platform.next("configuration", fault(401))

    opened(client, secret, platform.configuration_url)

    assert client.heading == "Connect Brightspace to Countersign?"
    client.submit(button="Connect Brightspace")
    assert kept(app)[0].token_audience == "https://api.brightspace.com/auth/token"


def test_any_page_may_frame_it_and_a_window_that_opened_it_hears_that_it_is_done(
    client: StrictClient, platform: StandIn, secret: str
) -> None:
    shown = opened(client, secret, platform.configuration_url)
    done = client.submit(button=CONNECT)

    for response in (shown, done):
        assert "frame-ancestors *" in response.headers["Content-Security-Policy"]
        assert response.headers["Cross-Origin-Opener-Policy"] == "unsafe-none"
        assert "Set-Cookie" not in response.headers
    assert 'postMessage({subject: "org.imsglobal.lti.close"}' in done.text


def test_whoever_connects_is_in_the_audit(
    app: Flask, client: StrictClient, platform: StandIn, secret: str
) -> None:
    opened(client, secret, platform.configuration_url)
    client.submit(button=CONNECT)

    registration, _ = kept(app)
    with app.app_context(), transaction(write=False):
        (entry,) = session.query(AuditEntry).filter_by(event=Event.PLATFORM_CONNECTED).all()
        assert entry.details == {"registration": str(registration.id)}


def test_a_trusts_deployment_waits_for_somebody_to_say_whose_it_is(
    app: Flask, client: StrictClient, platform: StandIn, time: Clock
) -> None:
    with app.app_context(), transaction():
        trust = make_school("Môr Trust")
        trust.kind = Kind.TRUST
        add_school("Ysgol Un", host="x.test", parent=trust)
    platform.returns_deployment = "7"

    opened(client, invite(app, trust), platform.configuration_url)
    client.submit(button=CONNECT)

    _, (deployment,) = kept(app)
    assert deployment.approved_at is None


# What is wrong with the configuration


@pytest.mark.parametrize(
    ("what", "said"),
    [
        (Fault.HALF, "broke off"),
        (Fault.DROP, "broke off"),
        (Fault.HUGE, "too long"),
        (Fault.ELSEWHERE, "169.254.169.254"),
        (Fault.PROSE, "not JSON"),
        (fault(404), "answered 404"),
        (fault(500), "answered 500"),
        (fault(200, ["a list"]), "not an object"),
    ],
)
def test_an_address_that_gives_no_configuration_says_so_and_leaves_the_invitation_good(
    app: Flask, client: StrictClient, platform: StandIn, secret: str, what: Fault | Reply, said: str
) -> None:
    platform.next("configuration", what)

    response = opened(client, secret, platform.configuration_url)

    assert response.status_code == 400
    assert client.heading == "We couldn’t connect your LMS"
    assert said in client.text
    assert "your invitation is still good" in client.text
    assert is_open(app, secret)
    opened(client, secret, platform.configuration_url)
    client.submit(button=CONNECT)
    assert client.heading == "Moodle is connected"


def without(name: str) -> Callable[[dict[str, Any]], object]:
    return lambda configuration: configuration.pop(name)


def having(name: str, value: object) -> Callable[[dict[str, Any]], object]:
    return lambda configuration: configuration.update({name: value})


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (without(rules.PLATFORM_CONFIGURATION), "doesn’t describe an LTI platform"),
        (having(rules.PLATFORM_CONFIGURATION, ["moodle"]), "doesn’t describe an LTI platform"),
        (without("issuer"), "doesn’t say its issuer"),
        (without("authorization_endpoint"), "doesn’t say its authorization_endpoint"),
        (without("token_endpoint"), "doesn’t say its token_endpoint"),
        (without("jwks_uri"), "doesn’t say its jwks_uri"),
        (without("registration_endpoint"), "doesn’t say its registration_endpoint"),
        (having("jwks_uri", ["https://a.test"]), "doesn’t say its jwks_uri"),
        (having("issuer", ""), "doesn’t say its issuer"),
        (having("issuer", "https://another.school.test"), "is for another platform"),
        (having("issuer", "https://127.0.0.1.evil.test"), "is for another platform"),
        (having("issuer", "https://canvas.instructure.com"), "is for another platform"),
        (having("authorization_endpoint", "javascript:alert(1)"), "begins with https://"),
        (having("authorization_endpoint", "https://a.test/x y"), "has a space"),
        (having("authorization_endpoint", "https://a.test;script-src/"), "begins with https://"),
        (having("token_endpoint", "https://user:pw@a.test/"), "can’t have a user name"),
        (having("token_endpoint", "https://a.test/" + "x" * 2000), "2,000 characters or fewer"),
        (having("jwks_uri", "https://[::1"), "must be a web address"),
        (having("id_token_signing_alg_values_supported", ["HS256"]), "doesn’t sign with RS256"),
    ],
)
def test_a_configuration_that_cannot_work_is_refused_with_the_reason_before_anything_is_sent(
    app: Flask,
    client: StrictClient,
    platform: StandIn,
    secret: str,
    change: Callable[[dict[str, Any]], object],
    said: str,
) -> None:
    change(platform.configuration)

    response = opened(client, secret, platform.configuration_url)

    assert response.status_code == 400
    assert said in client.text
    assert is_open(app, secret)
    assert platform.asked("registration") == []


def test_words_of_the_platform_are_shown_as_words(
    client: StrictClient, platform: StandIn, secret: str
) -> None:
    about = platform.configuration[rules.PLATFORM_CONFIGURATION]
    about |= {"product_family_code": "<script>alert(1)</script>", "version": "1\n\n" + "9" * 5000}

    response = opened(client, secret, platform.configuration_url)

    assert "Connect <script>alert(1)</script> to Countersign?" in client.heading
    assert "&lt;script&gt;" in response.text
    assert len(client.text) < 4000


class TestOnTheInternet:
    """Without the setting for a trial, only https and hosts on the internet are asked."""

    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        return settings.model_copy(update={"lti_allow_private_hosts": False})

    @pytest.mark.parametrize(
        ("address", "said"),
        [
            ("http://moodle.school.test/c", "must begin with https://"),
            ("https://127.0.0.1/c", "inside a network"),
            ("https://[::1]/c", "inside a network"),
            ("https://169.254.169.254/latest/meta-data", "inside a network"),
            ("https://10.1.2.3/c", "inside a network"),
            ("https://[::ffff:127.0.0.1]/c", "inside a network"),
            ("https://localhost/c", "inside a network"),
            ("https://2130706433/c", "as it should"),
            ("file:///etc/passwd", "begins with https://"),
            ("gopher://a.test", "begins with https://"),
            ("moodle", "begins with https://"),
        ],
    )
    def test_other_addresses_are_not_asked(
        self, app: Flask, client: StrictClient, secret: str, address: str, said: str
    ) -> None:
        response = opened(client, secret, address)

        assert response.status_code == 400
        assert said in client.text
        assert is_open(app, secret)

    def test_a_platform_over_plain_http_is_not_asked(
        self, client: StrictClient, platform: StandIn, secret: str
    ) -> None:
        response = opened(client, secret, platform.configuration_url)

        assert response.status_code == 400
        assert platform.questions == []


# The invitation


def test_an_invitation_opened_in_a_browser_says_what_it_is_for_and_stays_good(
    app: Flask, client: StrictClient, secret: str
) -> None:
    client.get(f"/lti/register/{secret}")

    assert client.heading == "Connect your LMS to Countersign"
    assert f"/lti/register/{secret}" in client.text
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


# What is wrong with the registration


@pytest.mark.parametrize(
    ("what", "said"),
    [
        (Fault.HALF, "broke off"),
        (Fault.HUGE, "too long"),
        (Fault.ELSEWHERE, "169.254.169.254"),
        (Fault.PROSE, "not JSON"),
        (
            fault(400, {"error": "invalid", "error_description": "Domain <taken>"}),
            "400: Domain <taken>",
        ),
        (fault(401, {"error": "token_already_used"}), "401: token_already_used"),
        (fault(500), "it answered 500"),
        (fault(200, {}), "without a client id"),
        (fault(200, {"client_id": None}), "without a client id"),
        (fault(200, {"client_id": ""}), "without a client id"),
        (fault(200, {"client_id": "x" * 256}), "without a client id"),
        (fault(200, {"client_id": ["tool-1"]}), "without a client id"),
    ],
)
def test_a_registration_that_fails_says_why_and_the_invitation_can_be_used_again(
    app: Flask, client: StrictClient, platform: StandIn, secret: str, what: Fault | Reply, said: str
) -> None:
    opened(client, secret, platform.configuration_url)
    platform.next("registration", what)

    response = client.submit(button=CONNECT)

    assert response.status_code == 400
    assert said in client.text
    assert "Your invitation is still good" in client.text
    assert count(app, Registration) == count(app, AuditEntry) == 0
    opened(client, secret, platform.configuration_url)
    client.submit(button=CONNECT)
    assert client.heading == "Moodle is connected"


def test_a_client_id_that_is_registered_already_is_not_registered_twice(
    app: Flask, client: StrictClient, platform: StandIn, school: Organisation, secret: str
) -> None:
    with app.app_context(), transaction():
        platform.register(school.id)
    opened(client, secret, platform.configuration_url)

    client.submit(button=CONNECT)

    assert "connected already, with the same client id" in client.text
    assert is_open(app, secret)
    assert count(app, Registration) == 1


def test_ids_that_a_platform_writes_as_numbers_are_kept_as_text(
    app: Flask, client: StrictClient, platform: StandIn, secret: str
) -> None:
    said = {"client_id": 10000000000001, rules.TOOL_CONFIGURATION: {"deployment_id": 7}, "scope": rules.SCORE}
    opened(client, secret, platform.configuration_url)
    platform.next("registration", fault(201, said))

    client.submit(button=CONNECT)

    registration, (deployment,) = kept(app)
    assert (registration.client_id, deployment.value) == ("10000000000001", "7")
    assert registration.scopes == [rules.SCORE]


def test_nobody_waits_for_a_slow_platform_but_its_own_administrator(
    app: Flask, client: StrictClient, platform: StandIn, school: Organisation, secret: str
) -> None:
    opened(client, secret, platform.configuration_url)
    platform.next("registration", Fault.SLOW)
    confirming = threading.Thread(target=client.submit, kwargs={"button": CONNECT})
    confirming.start()
    while not platform.asked("registration"):
        threading.Event().wait(0.01)

    with app.app_context(), transaction():
        session.get_one(Organisation, school.id).name = "Ysgol y Môr"

    assert confirming.is_alive()
    platform.release()
    confirming.join(timeout=60)
    assert is_open(app, secret)


def test_only_the_hash_of_an_invitation_is_kept(app: Flask, secret: str) -> None:
    with app.app_context(), transaction(write=False):
        row = session.execute(sa.select(Invite.__table__)).one()
    assert secret not in str(row)
