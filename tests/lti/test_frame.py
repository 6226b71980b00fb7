"""In a platform's frame, as the headers and pages say it: cookies, ways round them, and who may frame what."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import timedelta
from urllib.parse import urlsplit
from uuid import UUID

import pytest
import sqlalchemy as sa
from flask import Flask
from werkzeug.test import TestResponse

from app import create_app
from lms.config import Settings
from lms.db import db, session, transaction
from lms.lti.identities import Identity
from lms.tokens import Token
from lms.web.lti import frame
from tests.client import StrictClient
from tests.conftest import NOW, Clock
from tests.factories import BEFORE
from tests.learners import Classroom
from tests.lti import forger
from tests.lti.forger import ISSUER

OURS = "https://127.0.0.1:8000"
IN_FRAME = {"Sec-Fetch-Dest": "iframe"}
IN_WINDOW = {"Sec-Fetch-Dest": "document"}


class SecureClient(StrictClient):
    """A browser that has us in a frame, over https."""

    def open(self, *args: object, **kwargs: object) -> TestResponse:
        """Open an address in the frame, unless `headers` say where else."""
        kwargs.setdefault("headers", IN_FRAME)
        given = dict(kwargs.pop("headers"))  # type: ignore[call-overload]
        headers = {"Referer": f"{OURS}/", **given}
        return super().open(*args, **{"base_url": OURS, **kwargs, "headers": headers})

    def cookies_set(self, response: TestResponse) -> dict[str, set[str]]:
        """Return the attributes of each cookie that an answer sets, by its name."""
        lines = response.headers.getlist("Set-Cookie")
        return {line.partition("=")[0]: set(line.split("; ")[1:]) for line in lines}


@pytest.fixture
def app(settings: Settings) -> Iterator[Flask]:
    """The app, which people reach over https."""
    made = create_app(settings.model_copy(update={"base_url": OURS}))
    made.testing = True
    made.config["PROPAGATE_EXCEPTIONS"] = False
    made.test_client_class = SecureClient
    yield made
    with made.app_context():
        db.session.remove()
        db.engine.dispose()


@pytest.fixture
def classroom(app: Flask, time: Clock) -> Classroom:
    """A teacher whom a platform knows as user 42, with modules to do."""
    with app.app_context(), transaction():
        made = Classroom()
        registration = forger.connect(made.school)
        identity = Identity(
            registration_id=registration.id,
            sub="42",
            person_id=made.person.id,
            name="Priya Nair",
            first_seen_at=BEFORE,
            made_person=False,
        )
        session.add(identity)
        return made


pytestmark = pytest.mark.usefixtures("classroom")


def log_in(client: StrictClient, **changes: object) -> TestResponse:
    fields = forger.login_fields(**{"target_link_uri": f"{OURS}/", **changes})
    return client.post("/lti/login", data=fields)


def begin(client: StrictClient, **changes: object) -> forger.Login:
    """Log in, and read what the platform is asked, whether by a redirect or by a page."""
    response = log_in(client, **changes)
    if response.status_code == 302:
        return forger.asked_by(response.headers["Location"])
    return forger.asked_by(client.page.xpath("string(//script/@data-go)"))


def launch(client: StrictClient, login: forger.Login, **changes: object) -> TestResponse:
    said = {"target_link_uri": f"{OURS}/", **changes}
    return forger.send(client, login.state, forger.signed(forger.message(login.nonce, **said)))


def directive(response: TestResponse, name: str) -> str:
    policy = response.headers["Content-Security-Policy"]
    return next(part.strip() for part in policy.split(";") if part.strip().startswith(name))


def hand_over(client: StrictClient) -> str:
    """Launch in a frame without cookies but with storage; return the pass of the button to a new window."""
    secret, state = keep_in_storage(client)
    client.post("/lti/launch/proof", data={"state": state, "secret": secret})
    assert client.heading == "Go on in a new window"
    return str(client.page.xpath("string(//input[@name='pass']/@value)"))


def keep_in_storage(client: StrictClient) -> tuple[str, str]:
    """Launch in a frame that has storage but no cookies; return what was put there, and the state."""
    login = begin(client, lti_storage_target="_parent")
    secret = client.page.xpath("string(//script/@data-secret)")
    lose_cookies(client)
    launch(client, login)
    assert client.page.xpath("string(//script/@data-step)") == "proof"
    return secret, login.state


def signed_in(client: StrictClient) -> UUID | None:
    with client.session_transaction(base_url=OURS) as cookie:
        held = cookie.get("_user_id")
    return UUID(held.partition(".")[0]) if held else None


def lose_cookies(client: StrictClient) -> None:
    client._cookies.clear()


def open_window(client: StrictClient, held: str, **headers: str) -> TestResponse:
    return client.post("/lti/window", data={"pass": held}, headers={**IN_WINDOW, "Origin": OURS, **headers})


def test_in_a_window_of_its_own_a_login_is_one_redirect(client: SecureClient) -> None:
    fields = forger.login_fields(target_link_uri=f"{OURS}/")
    response = client.post("/lti/login", data=fields, headers=IN_WINDOW)
    assert response.status_code == 302
    assert response.headers["Location"].startswith(forger.AUTHORIZATION)


def test_a_logins_cookies_are_kept_in_frames_and_a_script_can_read_only_the_one_that_means_nothing(
    client: SecureClient,
) -> None:
    kept = client.cookies_set(log_in(client))
    for name, attributes in kept.items():
        assert {"Secure", "SameSite=None", "Partitioned", "Path=/lti"} <= attributes
        assert ("HttpOnly" in attributes) is (name != frame.COOKIES_WORK)
    assert len(kept) == 2
    assert "Max-Age=600" in kept[next(name for name in kept if name != frame.COOKIES_WORK)]


def test_two_frames_of_one_page_have_a_cookie_each(client: SecureClient) -> None:
    first, second = (begin(client) for _ in range(2))
    assert launch(client, first).status_code == 200
    assert launch(client, second).status_code == 200


def test_a_logins_cookie_goes_with_the_launch_by_the_attributes_it_came_with(client: SecureClient) -> None:
    login = begin(client)
    kept = client.cookies_set(launch(client, login))
    name = next(name for name in kept if name.startswith("countersign-login-"))
    assert {"Max-Age=0", "Secure", "SameSite=None", "Partitioned", "Path=/lti"} <= kept[name]


def test_a_frame_tries_cookies_once_and_is_then_sent_straight_on(client: SecureClient) -> None:
    first = log_in(client)
    assert first.status_code == 200
    assert directive(first, "frame-ancestors") == "frame-ancestors *"
    assert log_in(client).status_code == 302


def test_the_page_that_tries_cookies_logs_in_again_with_all_that_the_platform_said(
    client: SecureClient,
) -> None:
    response = log_in(client, lti_message_hint="<7>")
    form = client.page.xpath("//form[@target='_blank']")[0]
    sent = dict(form.form_values())
    assert {"iss": ISSUER, "login_hint": "42", "lti_message_hint": "<7>"}.items() <= sent.items()
    # From there the browser is redirected to the platform, and by it to wherever people sign in.
    assert directive(response, "form-action") == "form-action 'self' https:"
    lose_cookies(client)
    assert client.post("/lti/login", data=sent, headers=IN_WINDOW).status_code == 302


def test_the_secret_is_left_for_the_storage_only_where_the_platform_offers_one(client: SecureClient) -> None:
    log_in(client)
    assert not client.page.xpath("//script/@data-secret")
    lose_cookies(client)
    log_in(client, lti_storage_target="_parent")
    script = client.page.xpath("//script[@data-step]")[0]
    assert script.get("data-secret")
    assert script.get("data-origin") == ISSUER


def test_who_chooses_activities_is_never_sent_to_a_new_window(client: SecureClient) -> None:
    log_in(client, target_link_uri=f"{OURS}/lti/deep-linking", lti_storage_target="_parent")
    assert not client.page.xpath("//form[@target='_blank'] | //script/@data-secret")
    assert "Allow cookies from 127.0.0.1" in client.text


def test_nothing_is_granted_before_the_secret_comes_back(client: SecureClient) -> None:
    keep_in_storage(client)
    assert signed_in(client) is None
    assert client.get("/").status_code == 401


def test_a_pass_opens_one_window_once_with_a_session_that_nobody_frames(
    client: SecureClient, classroom: Classroom
) -> None:
    held = hand_over(client)
    assert signed_in(client) is None
    opened = open_window(client, held)
    assert opened.status_code == 303
    assert signed_in(client) == classroom.person.id
    page = client.get(opened.headers["Location"], headers=IN_WINDOW)
    assert client.heading == "My training"
    assert client.page.xpath("//header")
    assert directive(page, "frame-ancestors") == "frame-ancestors 'none'"
    lose_cookies(client)
    assert open_window(client, held).status_code == 410
    assert signed_in(client) is None


def test_a_pass_is_for_two_minutes(client: SecureClient, time: Clock) -> None:
    held = hand_over(client)
    time.now = NOW + timedelta(minutes=2)
    assert open_window(client, held).status_code == 410
    assert client.heading == "Open this again from your course"


@pytest.mark.parametrize("sender", ["https://evil.test", "null"])
def test_another_sites_page_cannot_sign_anybody_in_with_a_pass_and_the_pass_stays_good(
    client: SecureClient, sender: str
) -> None:
    held = hand_over(client)
    assert open_window(client, held, Origin=sender).status_code == 400
    assert signed_in(client) is None
    assert open_window(client, held).status_code == 303


def test_a_pass_that_was_changed_opens_nothing(app: Flask, client: SecureClient) -> None:
    held = hand_over(client)
    for changed in ("", "x", held[:-1], "x" + held):
        assert open_window(client, changed).status_code == 400
    with app.app_context(), transaction(write=False):
        assert session.scalars(sa.select(Token.used_at)).all() == [None]


def test_the_page_with_a_pass_is_framed_by_the_platform_alone(client: SecureClient) -> None:
    secret, state = keep_in_storage(client)
    response = client.post("/lti/launch/proof", data={"state": state, "secret": secret})
    assert directive(response, "frame-ancestors") == f"frame-ancestors {ISSUER}"


def test_a_session_in_a_frame_is_framed_by_its_platform_alone_and_has_no_chrome(client: SecureClient) -> None:
    response = launch(client, begin(client), launch_presentation={"return_url": "https://lms.trust.test/c/7"})
    for page in (response, client.get("/"), client.get("/receipts"), client.get("/no-such-page")):
        assert directive(page, "frame-ancestors") == f"frame-ancestors {ISSUER} https://lms.trust.test"
        assert not client.page.xpath("//header | //footer | //*[@class='govuk-skip-link']")
        assert client.page.xpath("//nav[@aria-label='Countersign']//button")


def test_in_a_window_the_same_session_has_the_whole_page(client: SecureClient) -> None:
    launch(client, begin(client))
    client.get("/", headers=IN_WINDOW)
    assert client.page.xpath("//header")


def test_a_platform_cannot_write_into_our_policy(client: SecureClient) -> None:
    launch(client, begin(client), launch_presentation={"return_url": "https://x; script-src *"})
    with client.session_transaction(base_url=OURS) as cookie:
        assert cookie["lti"]["frame"] == [ISSUER]
        cookie["lti"] = {
            **cookie["lti"],
            "frame": [ISSUER, "https://x; script-src *", "https://x *", "data:"],
        }
    response = client.get("/")
    assert directive(response, "frame-ancestors") == f"frame-ancestors {ISSUER}"


@pytest.mark.parametrize(
    ("method", "address"), [("GET", "/receipts"), ("POST", "/lti/new-tab"), ("POST", "/sign-out")]
)
def test_where_the_session_is_over_a_frame_says_so_and_shows_no_sign_in(
    client: SecureClient, method: str, address: str
) -> None:
    response = client.open(address, method=method)
    assert response.status_code == 401
    assert client.heading == "Open this again from your course"
    assert not client.page.xpath("//a | //form | //header")
    assert directive(response, "frame-ancestors") == "frame-ancestors *"


def test_a_launch_that_fails_can_be_read_in_any_frame_whatever_the_browser_says_of_it(
    client: SecureClient,
) -> None:
    response = client.post("/lti/launch", data={"id_token": "x" * 1_100_000}, headers={})
    assert response.status_code == 413
    assert directive(response, "frame-ancestors") == "frame-ancestors *"


def test_outside_a_frame_the_same_leads_to_the_sign_in(client: SecureClient) -> None:
    assert client.get("/receipts", headers=IN_WINDOW).status_code == 302


def test_the_page_that_ends_a_session_is_still_shown_in_the_frame(
    client: SecureClient, classroom: Classroom
) -> None:
    launch(client, begin(client))
    client.get(f"/sign/{classroom.assignment.id}/not-signing/not-me")
    form = next(form for form in client.page.forms if "sign out" in form.text_content())
    response = client.post(urlsplit(client.address).path, data=dict(form.form_values()))
    assert "signed out" in client.heading
    assert directive(response, "frame-ancestors") == f"frame-ancestors {ISSUER}"
    assert not client.page.xpath("//header | //a")


def test_opening_another_link_of_the_course_spoils_no_page_that_is_open_already(
    client: SecureClient,
) -> None:
    launch(client, begin(client))
    form = dict(client.page.xpath("//nav[@aria-label='Countersign']//form")[0].form_values())
    launch(client, begin(client), resource_link={"id": "link-2"})
    assert client.post("/lti/new-tab", data=form).status_code == 200


def test_a_new_tab_opens_the_page_that_was_in_the_frame(client: SecureClient) -> None:
    launch(client, begin(client))
    client.get("/policies?x=1")
    form = client.page.xpath("//nav[@aria-label='Countersign']//form")[0]
    client.post("/lti/new-tab", data=dict(form.form_values()))
    held = client.page.xpath("string(//input[@name='pass']/@value)")
    assert open_window(client, held).headers["Location"] == "/policies?x=1"


def test_a_new_tab_leads_nowhere_but_to_us(client: SecureClient) -> None:
    launch(client, begin(client))
    form = dict(client.page.xpath("//nav[@aria-label='Countersign']//form")[0].form_values())
    client.post("/lti/new-tab", data={**form, "next": "https://evil.test/"})
    held = client.page.xpath("string(//input[@name='pass']/@value)")
    assert open_window(client, held).headers["Location"] == "/"


def test_what_is_for_everybody_carries_nobodys_session(client: SecureClient) -> None:
    launch(client, begin(client))
    for address in ("/static/app.css", "/lti/jwks"):
        with client.get(address) as response:
            assert response.status_code == 200
            assert "Set-Cookie" not in response.headers
            assert "Cookie" not in response.headers.get("Vary", "")


def test_a_page_of_a_launch_may_talk_to_the_window_that_opened_it_and_no_other_may(
    client: SecureClient,
) -> None:
    assert log_in(client).headers["Cross-Origin-Opener-Policy"] == "unsafe-none"
    assert client.get("/sign-in").headers["Cross-Origin-Opener-Policy"] == "same-origin"


def test_on_plain_http_it_is_said_once_that_frames_elsewhere_keep_no_cookie(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    frame._say_what_cookies_are_used.cache_clear()
    plain = create_app(settings)
    plain.test_client_class = StrictClient
    client = plain.test_client()
    with caplog.at_level(logging.WARNING, "countersign"):
        logins = [client.post("/lti/login", data=forger.login_fields()) for _ in range(2)]
    assert len([record for record in caplog.records if "SameSite=Lax" in record.message]) == 1
    for response in logins:
        for line in response.headers.getlist("Set-Cookie"):
            assert "SameSite=Lax" in line
            assert not {"Secure", "Partitioned"} & set(line.split("; "))
    with plain.app_context():
        db.engine.dispose()
