"""The visitor's way: a code, three decisions, a signature, a card; and every way in which a code opens nothing."""

from __future__ import annotations

import gzip
from datetime import timedelta

import pytest
from flask import Flask
from lxml import html

from app import create_app
from lms import desk, desk_codes
from lms.attestations import Attestation, IdentityAssurance, Kind
from lms.audit import AuditEntry, Event
from lms.config import Settings
from lms.db import db, session, transaction
from lms.desk import Place, Visit
from lms.people import RoleName
from lms.scenarios import Outcome, shipped_modules
from tests.client import StrictClient
from tests.conftest import NOW, Clock
from tests.factories import make_person
from tests.visitors import SHORT, Morning, begin, code_for, recorded

LATER = timedelta(minutes=20)


@pytest.fixture
def morning(app: Flask, time: Clock) -> Morning:
    with app.app_context(), transaction():
        return Morning()


@pytest.fixture
def code(app: Flask, morning: Morning) -> str:
    return code_for(app, morning.visit)


@pytest.fixture
def other(app: Flask) -> StrictClient:
    """Another device."""
    made = app.test_client()
    assert isinstance(made, StrictClient)
    return made


def work_through(client: StrictClient, seen: list[bytes] | None = None) -> None:
    """Answer every question of the module that is open, safely, and go on to the policy."""
    module = shipped_modules()[SHORT]
    best = {c.id: c.outcome for scene in module.scenes for c in scene.choices}
    while "/sign/" not in client.page.xpath("string(//main//form/@action)") + client.address:
        if seen is not None:
            seen.append(html.tostring(client.page))
        offered = client.page.xpath("//main//input[@type='radio']/@value")
        if offered:
            client.submit(choice=next(c for c in offered if best[c] is Outcome.BEST))
        elif client.page.xpath("//main//a[contains(@class, 'govuk-button')]"):
            (words,) = client.page.xpath("//main//a[contains(@class, 'govuk-button')]")
            client.follow(" ".join(words.text_content().split()))
        else:
            client.submit()


def sign(client: StrictClient, name: str = "Dilys Okoro") -> None:
    client.submit(statement="y", typed_name=name)


def test_a_worker_with_a_code_is_in_the_short_programme_in_one_tap_and_ends_with_the_card(
    app: Flask, client: StrictClient, morning: Morning, code: str
) -> None:
    begin(client, code)
    assert client.address == f"/modules/{SHORT}"
    work_through(client)
    sign(client)
    assert "Signed. This is not clearance to work." in client.text
    client.follow("Show my card for today")
    assert client.heading == "Dilys Okoro"
    for words in ("Signed. This is not clearance to work.", "extension 204", "The office, extension 10"):
        assert words in client.text
    with app.app_context(), transaction(write=False):
        signed = session.query(Attestation).one()
        assert (signed.kind, signed.identity_assurance) == (Kind.SIGNED, IdentityAssurance.PHOTO_ID)
        assert signed.assignment_id == morning.short
        assert [e.details for e in session.query(AuditEntry).filter_by(event=Event.SIGNED_IN)] == [
            {"method": "desk code"}
        ]


def test_opening_the_qr_codes_address_names_nobody_and_spends_nothing(
    app: Flask, client: StrictClient, morning: Morning, code: str
) -> None:
    client.get(f"/join/{code}")
    assert "Okoro" not in client.page.text_content()
    assert client.page.xpath("//main//button")[0].text_content().strip() == "Start"
    assert recorded(app, morning.visit).device_hash is None
    client.get("/join/AAAA-AAAA")
    assert client.heading == "Before you start here today"


def test_a_code_may_be_typed_in_small_letters_without_the_line(
    app: Flask, client: StrictClient, morning: Morning, code: str
) -> None:
    client.get("/join")
    client.submit(code=f" {code.lower().replace('-', ' ')} ")
    assert client.address == f"/modules/{SHORT}"
    visit = recorded(app, morning.visit)
    assert (visit.place, visit.started_at) == (Place.PHONE, NOW)


def test_a_letter_that_no_code_has_is_said_plainly_and_costs_no_guess(
    app: Flask, client: StrictClient, morning: Morning
) -> None:
    client.get("/join")
    assert client.submit(code="K7QM-2XWO").status_code == 400
    assert "A code never has O in it" in client.text
    assert client.page.xpath("//input[@name='code']/@value") == ["K7QM-2XWO"]
    assert client.get("/join/K7QM-2XWO").status_code == 404
    assert "never has O in it" in client.text


def test_the_same_code_on_the_same_phone_goes_on_where_it_stopped_after_a_restart_of_the_server(
    app: Flask, settings: Settings, client: StrictClient, morning: Morning, code: str, time: Clock
) -> None:
    begin(client, code)
    client.submit()
    first = client.page.xpath("//main//input[@type='radio']/@value")
    secret = client.get_cookie("countersign-device", path="/join")
    assert secret is not None
    assert secret.http_only
    restarted = create_app(settings)
    restarted.testing, restarted.test_client_class = True, StrictClient
    phone = restarted.test_client()
    assert isinstance(phone, StrictClient)
    phone.set_cookie("countersign-device", secret.value, path="/join")
    time.now = NOW + LATER
    begin(phone, code)
    assert phone.page.xpath("//main//input[@type='radio']/@value") == first
    with restarted.app_context():
        db.session.remove()
        db.engine.dispose()


def test_another_device_is_refused_until_reception_gives_a_new_code(
    app: Flask, client: StrictClient, other: StrictClient, morning: Morning, code: str
) -> None:
    begin(client, code)
    other.get(f"/join/{code}")
    assert other.submit(button="Start").status_code == 409
    assert other.heading == "This code is in use on another device"
    assert "ask reception for a new code" in other.text
    assert other.get("/").status_code == 302
    fresh = code_for(app, morning.visit)
    begin(other, fresh)
    assert other.address == f"/modules/{SHORT}"
    # The first device is out: its session ended with its code.
    client.get("/", follow_redirects=True)
    assert client.heading == "Type your code"
    assert "reception gave you a new code" in client.text


def test_a_code_that_ran_out_or_was_replaced_or_whose_visitor_left_says_which_and_what_to_do(
    app: Flask, client: StrictClient, other: StrictClient, morning: Morning, code: str, time: Clock
) -> None:
    fresh = code_for(app, morning.visit)
    client.get(f"/join/{code}")
    assert client.submit(button="Start").status_code == 404
    assert client.heading == "No visit has this code"
    time.now = NOW + timedelta(hours=2)
    client.get(f"/join/{fresh}")
    assert client.submit(button="Start").status_code == 410
    assert client.heading == "This code has run out"
    last = code_for(app, morning.visit, time.now)
    with app.app_context(), transaction():
        desk.leave(session.get_one(Visit, morning.visit.id), time.now)
    client.get(f"/join/{last}")
    assert client.submit(button="Start").status_code == 410
    assert client.heading == "This visit is over"
    assert "ask reception" in client.text


def test_a_visitors_session_ends_with_the_two_hours(
    client: StrictClient, morning: Morning, code: str, time: Clock
) -> None:
    begin(client, code)
    time.now = NOW + timedelta(hours=2) - timedelta(seconds=1)
    assert client.get("/").status_code == 200
    time.now = NOW + timedelta(hours=2, seconds=1)
    client.get("/", follow_redirects=True)
    assert client.heading == "Type your code"


def test_a_second_press_of_start_is_one_visit_and_one_session(
    app: Flask, client: StrictClient, morning: Morning, code: str, time: Clock
) -> None:
    client.get(f"/join/{code}")
    token = client.page.xpath("string(//main//input[@name='csrf_token']/@value)")
    client.post(f"/join/{code}", data={"csrf_token": token})
    begun = recorded(app, morning.visit)
    time.now = NOW + timedelta(seconds=1)
    client.get(f"/join/{code}")
    client.submit(button="Start")
    assert client.address == f"/modules/{SHORT}"
    again = recorded(app, morning.visit)
    assert (again.device_hash, again.started_at) == (begun.device_hash, begun.started_at)


def test_signing_twice_signs_once(app: Flask, client: StrictClient, morning: Morning, code: str) -> None:
    begin(client, code)
    work_through(client)
    address, form = client.address, client.page.xpath("//main//form")[0]
    values = {**dict(form.form_values()), "statement": "y", "typed_name": "Dilys Okoro"}
    first, second = (client.post(address, data=values) for _ in range(2))
    assert first.location == second.location
    with app.app_context(), transaction(write=False):
        assert session.query(Attestation).count() == 1


def test_finishing_leaves_nothing_on_a_phone_that_others_use(
    app: Flask, client: StrictClient, morning: Morning, code: str
) -> None:
    begin(client, code)
    button = client.page.xpath("//header//button | //*[contains(@class, 'service-navigation')]//button")
    assert "I’m finished" in [" ".join(b.text_content().split()) for b in button]
    (token,) = set(client.page.xpath("//input[@name='csrf_token']/@value"))
    client.post("/join/finish", data={"csrf_token": token}, follow_redirects=True)
    assert "You have finished." in client.text
    assert client.get_cookie("countersign-device", path="/join") is None
    assert client.get("/").status_code == 302
    begin(client, code)
    assert client.heading == "No visit has this code"


def test_whoever_is_signed_in_is_told_before_a_code_signs_them_out(
    app: Flask, client: StrictClient, morning: Morning, code: str
) -> None:
    with app.app_context(), transaction():
        hr = make_person(morning.school, forename="Meera", surname="Rao", role=RoleName.HR)
    client.sign_in_as(hr.id)
    client.get(f"/join/{code}")
    assert client.heading == "You are signed in here as Meera Rao"
    client.get("/join")
    client.submit(code=code)
    assert client.heading == "You are signed in here as Meera Rao"
    assert recorded(app, morning.visit).device_hash is None
    client.submit(button="Go on as the visitor")
    assert client.address == f"/modules/{SHORT}"
    assert client.get("/schools/ysgol-mor/records").status_code in {403, 404}


def test_wrong_guesses_slow_their_address_and_never_the_device_that_has_begun(
    app: Flask, client: StrictClient, other: StrictClient, morning: Morning, code: str, time: Clock
) -> None:
    begin(client, code)
    waiting = code_for(app, second(app, morning))
    for _ in range(3):
        other.get("/join")
        assert other.submit(code="AAAA-AAAA").status_code == 400
        assert "No visit has this code" in other.text
    with app.app_context(), transaction():
        for _ in range(desk_codes.WRONG_SOON - 4):
            desk_codes.count_wrong("127.0.0.1", NOW)
        assert desk_codes.pause("127.0.0.1", NOW) is None
    # A right code from the same network works, as long as the wrong ones are below the limit …
    third = code_for(app, second(app, morning, "Ceri"))
    begin(other, third)
    assert other.address == f"/modules/{SHORT}"
    # … and when they are not, it isn't even looked at.
    phone = app.test_client()
    assert isinstance(phone, StrictClient)
    phone.get("/join/AAAA-AAAA")
    phone.submit(button="Start")
    phone.get(f"/join/{waiting}")
    assert phone.submit(button="Start").status_code == 429
    assert phone.heading == "Wait a minute"
    begin(client, code)
    assert client.address == f"/modules/{SHORT}"
    time.now = NOW + timedelta(minutes=1)
    begin(phone, waiting)
    assert phone.address == f"/modules/{SHORT}"


def second(app: Flask, morning: Morning, forename: str = "Bryn", days: int = 1) -> Visit:
    with app.app_context(), transaction():
        return morning.arrived(forename, days=days)


def test_who_stays_longer_is_asked_for_both_and_begins_with_the_short_one(
    app: Flask, client: StrictClient, morning: Morning, code: str
) -> None:
    begin(client, code_for(app, second(app, morning, days=6)))
    assert client.address == f"/modules/{SHORT}"
    client.get("/")
    buttons = [" ".join(b.text_content().split()) for b in client.page.xpath("//main//a[@role='button']")]
    assert [b.split(":")[0] for b in buttons] == ["Start", "Start"]
    assert "Must know today" in buttons[0] or shipped_modules()[SHORT].title in buttons[0]


def test_who_comes_for_five_days_is_asked_for_the_short_one_alone(
    app: Flask, client: StrictClient, morning: Morning, code: str
) -> None:
    begin(client, code_for(app, second(app, morning, days=5)))
    client.get("/")
    assert len(client.page.xpath("//main//a[@role='button']")) == 1


def test_every_page_after_the_first_is_under_12_kb_gzipped(
    app: Flask, client: StrictClient, morning: Morning, code: str
) -> None:
    seen: list[bytes] = []
    begin(client, code)
    work_through(client, seen)
    seen.append(html.tostring(client.page))
    sign(client)
    seen.append(html.tostring(client.page))
    client.follow("Show my card for today")
    seen.append(html.tostring(client.page))
    sizes = [len(gzip.compress(page)) for page in seen]
    assert len(sizes) > 10
    assert max(sizes) < 12_000, sizes


def test_the_cards_own_button_ends_the_visit_on_a_phone_that_was_lent(
    app: Flask, client: StrictClient, morning: Morning, code: str
) -> None:
    begin(client, code)
    client.get("/schools/ysgol-mor/card")
    assert "Not signed." in client.text
    client.submit(button="I’m finished")
    assert "You have finished." in client.text
    assert client.get("/schools/ysgol-mor/card").status_code == 302
