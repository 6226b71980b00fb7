"""What a platform's administrator sees, what the platform gets, and what is kept."""

from __future__ import annotations

from flask import Flask

from lms.audit import AuditEntry, Event
from lms.db import session, transaction
from lms.schools import Kind, Organisation, add_school
from tests.client import StrictClient
from tests.conftest import NOW, Clock
from tests.factories import make_school
from tests.lti import stand_in_rules as rules
from tests.lti.registering.steps import CONNECT, invite, is_open, kept, opened
from tests.lti.stand_in import StandIn, fault


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
