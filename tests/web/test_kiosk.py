"""The school's shared tablet: opened with a PIN, visitors in turn, nothing of one left for the next."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask

from lms import kiosks
from lms.audit import AuditEntry, Event
from lms.db import session, transaction
from lms.desk import Place, Visit
from lms.kiosks import Kiosk
from lms.people import RoleName
from lms.web import kiosk as pages
from lms.web import tablet
from tests.client import StrictClient
from tests.conftest import NOW, Clock
from tests.factories import make_person, make_school
from tests.visitors import SHORT, Morning, code_for, recorded
from tests.web.test_join import sign, work_through

PIN = "4071"


@pytest.fixture
def morning(app: Flask, time: Clock) -> Morning:
    with app.app_context(), transaction():
        return Morning()


@pytest.fixture
def receptionist(app: Flask, client: StrictClient, morning: Morning) -> StrictClient:
    """A tablet on which a receptionist has signed in."""
    with app.app_context(), transaction():
        person = make_person(morning.school, forename="Meera", surname="Rao", role=RoleName.RECEPTIONIST)
    client.sign_in_as(person.id)
    return client


@pytest.fixture
def shared(receptionist: StrictClient, morning: Morning) -> StrictClient:
    """The tablet, open for visitors."""
    open_for_visitors(receptionist, morning)
    return receptionist


def open_for_visitors(client: StrictClient, morning: Morning) -> None:
    client.get(start_of(morning))
    client.submit(button="Open for visitors", pin=PIN, again=PIN)


def start_of(morning: Morning) -> str:
    return f"/schools/{morning.school.slug}/reception/kiosk"


def begin(client: StrictClient, code: str) -> None:
    client.get("/kiosk")
    client.submit(code=code)


def press_finished(client: StrictClient) -> None:
    (token,) = set(client.page.xpath("//input[@name='csrf_token']/@value"))
    client.post("/kiosk/finish", data={"csrf_token": token}, follow_redirects=True)


def cookie_of(client: StrictClient) -> dict[str, object]:
    with client.session_transaction() as held:
        return dict(held)


def test_reception_opens_the_tablet_with_a_pin_and_is_signed_out_on_it(
    app: Flask, shared: StrictClient, morning: Morning
) -> None:
    assert shared.address == "/kiosk"
    assert shared.heading == "Welcome to Ysgol Môr"
    assert "Type the code from reception" in shared.text
    assert "Meera" not in shared.page.text_content()
    held = cookie_of(shared)
    assert "_user_id" not in held
    with app.app_context(), transaction(write=False):
        kiosk = session.query(Kiosk).one()
        assert kiosk.pin_hash.startswith("$argon2id$")
        assert kiosk.pin_hash not in str(held)
        assert PIN not in str(held).replace(str(kiosk.id), "")
        assert session.query(AuditEntry).filter_by(event=Event.KIOSK_OPENED).count() == 1


@pytest.mark.parametrize(
    ("pin", "again", "said"),
    [
        ("", "", "Choose a PIN of four to eight digits"),
        ("123", "123", "A PIN is four to eight digits"),
        ("123456789", "123456789", "A PIN is four to eight digits"),
        ("12a4", "12a4", "A PIN is four to eight digits"),
        ("4071", "4072", "The two PINs differ"),
    ],
)
def test_a_pin_that_wont_do_is_explained_and_never_shown_again(
    receptionist: StrictClient, morning: Morning, pin: str, again: str, said: str
) -> None:
    receptionist.get(start_of(morning))
    response = receptionist.submit(button="Open for visitors", pin=pin, again=again)
    assert response.status_code == 400
    assert said in receptionist.text
    assert not receptionist.page.xpath("//input[@type='password']/@value")
    assert "kiosk" not in cookie_of(receptionist)


def test_only_reception_hr_and_admins_of_the_school_may_open_it(
    app: Flask, client: StrictClient, morning: Morning
) -> None:
    with app.app_context(), transaction():
        teacher = make_person(morning.school, role=RoleName.LEARNER)
        elsewhere = make_person(make_school(), role=RoleName.RECEPTIONIST)
    for person, status in ((teacher, 403), (elsewhere, 404)):
        client.sign_in_as(person.id)
        assert client.get(start_of(morning)).status_code == status


def test_three_visitors_in_turn_sign_on_it_and_find_nothing_of_each_other(
    app: Flask, shared: StrictClient, morning: Morning
) -> None:
    with app.app_context(), transaction():
        visits = {"Dilys": morning.visit, "Bryn": morning.arrived("Bryn"), "Ceri": morning.arrived("Ceri")}
    seen: list[str] = []
    for forename, visit in visits.items():
        begin(shared, code_for(app, visit))
        assert shared.address == f"/modules/{SHORT}"
        before: list[bytes] = []
        work_through(shared, before)
        sign(shared, f"{forename} Okoro")
        shared.follow("Show my card for today")
        assert shared.heading == f"{forename} Okoro"
        assert not [name for name in seen if name in shared.page.text_content()]
        assert not [name for name in seen if any(name.encode() in page for page in before)]
        seen.append(forename)
        card = shared.address
        press_finished(shared)
        assert shared.address == "/kiosk"
        assert "nothing of yours is left on this tablet" in shared.text
        assert not [name for name in seen if name in shared.page.text_content()]
        assert shared.get(card).headers["Location"] == "/kiosk"
        assert recorded(app, visit).place is Place.TABLET
        assert recorded(app, visit).code_hash is None


def test_each_visitors_session_is_new_and_an_old_form_that_is_sent_again_does_nothing(
    app: Flask, shared: StrictClient, morning: Morning
) -> None:
    begin(shared, code_for(app, morning.visit))
    work_through(shared)
    address, form = shared.address, shared.page.xpath("//main//form")[0]
    old = {**dict(form.form_values()), "statement": "y", "typed_name": "Dilys Okoro"}
    first = cookie_of(shared)["csrf_token"]
    press_finished(shared)
    with app.app_context(), transaction():
        other = morning.arrived("Bryn")
    begin(shared, code_for(app, other))
    work_through(shared)
    assert cookie_of(shared)["csrf_token"] != first
    assert shared.post(address, data=old).status_code == 400
    assert shared.heading == "This page was open too long"
    shared.get("/")
    assert "Dilys" not in shared.page.text_content()


def test_the_start_forgets_who_was_here_and_their_code_goes_on_working_for_them(
    app: Flask, shared: StrictClient, morning: Morning
) -> None:
    code = code_for(app, morning.visit)
    begin(shared, code)
    shared.submit()
    asked = shared.page.xpath("//main//input[@type='radio']/@value")
    response = shared.get("/kiosk?ended=idle")
    assert response.headers["Clear-Site-Data"] == '"cache"'
    assert response.headers["Cache-Control"] == "no-store"
    assert "_user_id" not in cookie_of(shared)
    assert "visit" not in cookie_of(shared)
    assert shared.get("/").headers["Location"] == "/kiosk"
    begin(shared, code)
    assert shared.page.xpath("//main//input[@type='radio']/@value") == asked


@pytest.mark.parametrize(
    "address",
    [
        "/sign-in",
        "/sign-in/password",
        "/admin",
        "/schools/ysgol-mor/reception",
        "/schools/ysgol-mor/reception/kiosk",
        "/schools/ysgol-mor/records",
        f"/link/{'x' * 43}",
        "/lti/launch",
        "/receipts/7b0e3f1a-0000-4000-8000-000000000000/record",
    ],
)
@pytest.mark.parametrize("has_visitor", [False, True])
def test_nothing_leads_out_of_the_visitors_pages(
    app: Flask, shared: StrictClient, morning: Morning, address: str, has_visitor: bool
) -> None:
    if has_visitor:
        begin(shared, code_for(app, morning.visit))
    response = shared.get(address)
    if response.status_code != 404:
        assert (response.status_code, response.headers["Location"]) == (303, "/kiosk")
    assert "kiosk" in cookie_of(shared)


@pytest.mark.parametrize("address", ["/sign-out", "/join/finish"])
def test_signing_out_elsewhere_than_by_the_tablets_own_button_doesnt_unlock_it(
    app: Flask, shared: StrictClient, morning: Morning, address: str
) -> None:
    begin(shared, code_for(app, morning.visit))
    (token,) = set(shared.page.xpath("//input[@name='csrf_token']/@value"))
    shared.post(address, data={"csrf_token": token}, follow_redirects=True)
    assert shared.heading == "Welcome to Ysgol Môr"
    assert "kiosk" in cookie_of(shared)


def test_saying_this_isnt_me_ends_the_visitors_session_and_not_the_tablets(
    app: Flask, shared: StrictClient, morning: Morning
) -> None:
    begin(shared, code_for(app, morning.visit))
    shared.get(f"/sign/{morning.short}/not-signing/not-me")
    shared.submit(button="Tell HR and sign out")
    assert shared.heading == "Thank you. You are signed out"
    assert "_user_id" not in cookie_of(shared)
    shared.follow("Back to the start")
    assert shared.heading == "Welcome to Ysgol Môr"


def test_a_page_has_a_visitors_own_ways_and_no_link_to_anywhere_else(
    app: Flask, shared: StrictClient, morning: Morning
) -> None:
    begin(shared, code_for(app, morning.visit))
    ways = shared.page.xpath("//*[contains(@class, 'service-navigation')]//a | //header//nav//a")
    assert {" ".join(way.text_content().split()) for way in ways} == {"My training"}
    for address in ("/privacy", "/accessibility", "/help", "/policies/social-media"):
        shared.get(address)
        assert not [h for h in shared.page.xpath("//a/@href") if not h.startswith(("/", "#", "?"))], address
    assert "Information Commissioner’s Office" in (shared.get("/privacy"), shared.text)[1]


def test_no_field_lets_the_browser_remember_what_was_typed(
    app: Flask, shared: StrictClient, morning: Morning
) -> None:
    assert fields_that_are_kept(shared) == []
    begin(shared, code_for(app, morning.visit))
    work_through(shared)
    assert fields_that_are_kept(shared) == []
    assert not shared.page.xpath("//a[@download]")
    sign(shared)
    assert not shared.page.xpath("//a[@download]")
    shared.get("/kiosk")
    shared.follow("take the tablet back")
    assert fields_that_are_kept(shared) == []


def fields_that_are_kept(client: StrictClient) -> list[str]:
    typed = client.page.xpath("//main//input[@type='text' or @type='password' or not(@type)]")
    assert typed
    return [f.get("name") for f in typed if f.get("autocomplete") not in {"off", "one-time-code"}]


def test_without_javascript_each_page_goes_by_itself_to_a_warning_and_then_to_the_start(
    app: Flask, shared: StrictClient, morning: Morning
) -> None:
    assert refresh(shared) == f"{pages.AWAKE}; url=/kiosk"
    shared.get("/kiosk?ended=finished")
    assert refresh(shared) == "60; url=/kiosk"
    begin(shared, code_for(app, morning.visit))
    here = shared.address
    assert refresh(shared).startswith("40; url=/kiosk?still=")
    shared.get(refresh(shared).partition("url=")[2])
    assert shared.heading == "Are you still there?"
    assert refresh(shared) == "20; url=/kiosk?ended=idle"
    shared.follow("Keep going")
    assert shared.address == here
    shared.get(f"/sign/{morning.short}")
    shared.get("/kiosk?still=//evil.example")
    assert "evil" not in shared.page.text_content() + "".join(shared.page.xpath("//@href"))
    shared.get("/kiosk?ended=idle")
    assert "Type your code again" in shared.text


def refresh(client: StrictClient) -> str:
    # A <noscript> of the head, whose content a parser with scripts reads as words.
    (found,) = client.page.xpath("//meta[@http-equiv='refresh']/@content")
    return str(found)


def test_a_tablet_that_was_cut_off_shows_the_start_when_it_is_opened_again(
    app: Flask, shared: StrictClient, morning: Morning, time: Clock
) -> None:
    begin(shared, code_for(app, morning.visit))
    time.now = NOW + tablet.AWAY
    assert shared.get("/").status_code == 200
    time.now += tablet.AWAY + timedelta(seconds=1)
    assert shared.get("/").headers["Location"] == "/kiosk"
    shared.get("/kiosk")
    assert "_user_id" not in cookie_of(shared)


def test_a_tablet_takes_its_own_schools_codes_alone(
    app: Flask, shared: StrictClient, morning: Morning
) -> None:
    with app.app_context(), transaction():
        visit = make_visit_elsewhere()
    begin(shared, code_for(app, visit))
    assert shared.heading == "This code is for another school"
    shared.follow("Type your code")
    assert shared.heading == "Welcome to Ysgol Môr"


def make_visit_elsewhere() -> Visit:
    other = Morning.__new__(Morning)
    other.school = make_school("Ysgol Mynydd")
    return other.arrived()


def test_the_pin_gives_the_tablet_back(app: Flask, shared: StrictClient, morning: Morning) -> None:
    stolen = shared.get_cookie("countersign")
    assert stolen is not None
    shared.get("/kiosk/leave")
    response = shared.submit(button="Leave", pin=PIN)
    assert response.request.path == "/sign-in"
    assert "no longer open for visitors" in shared.text
    assert "kiosk" not in cookie_of(shared)
    with app.app_context(), transaction(write=False):
        assert session.query(Kiosk).count() == 0
        assert session.query(AuditEntry).filter_by(event=Event.KIOSK_LEFT).count() == 1
    # A copy of the tablet's cookie opens nothing any more.
    copy = app.test_client()
    copy.set_cookie("countersign", stolen.value)
    copy.get("/kiosk", follow_redirects=True)
    assert "kiosk" not in cookie_of(copy)  # type: ignore[arg-type]


def test_wrong_pins_are_counted_and_after_five_even_the_right_one_must_wait(
    app: Flask, shared: StrictClient, time: Clock
) -> None:
    for _ in range(kiosks.TRIES):
        shared.get("/kiosk/leave")
        assert shared.submit(button="Leave", pin="0000").status_code == 400
        assert "That isn’t the PIN" in shared.text
        assert not shared.page.xpath("//input[@type='password']/@value")
    shared.get("/kiosk/leave")
    assert shared.submit(button="Leave", pin=PIN).status_code == 429
    assert shared.heading == "Wait 15 minutes"
    assert "kiosk" in cookie_of(shared)
    time.now = NOW + kiosks.TRIES_WITHIN
    shared.get("/kiosk/leave")
    shared.submit(button="Leave", pin=PIN)
    assert "kiosk" not in cookie_of(shared)


def test_a_browser_that_isnt_the_schools_tablet_is_told_so(client: StrictClient, morning: Morning) -> None:
    for address in ("/kiosk", "/kiosk/leave"):
        client.get(address, follow_redirects=True)
        assert client.address == "/sign-in"
        assert "isn’t open for visitors" in client.text


def test_somebody_signed_in_on_their_own_device_stays_signed_in(receptionist: StrictClient) -> None:
    assert receptionist.get("/kiosk").headers["Location"] == "/"
    assert receptionist.get("/").status_code == 200


def test_two_schools_tablets_are_each_their_own(app: Flask, shared: StrictClient) -> None:
    with app.app_context(), transaction():
        other = make_school("Ysgol Mynydd")
        person = make_person(other, role=RoleName.RECEPTIONIST)
        kiosk = kiosks.open_at(other.id, "9999", by=person.id, now=NOW)
        assert kiosks.leave(kiosk, PIN, NOW) is kiosks.Leaving.WRONG
    shared.get("/kiosk/leave")
    assert shared.submit(button="Leave", pin="9999").status_code == 400


def test_a_tablet_that_never_came_back_is_forgotten_after_a_term(app: Flask, morning: Morning) -> None:
    with app.app_context(), transaction():
        person = make_person(morning.school, role=RoleName.RECEPTIONIST)
        kiosks.open_at(morning.school.id, PIN, by=person.id, now=NOW - timedelta(days=91))
        kiosks.open_at(morning.school.id, PIN, by=person.id, now=NOW)
        assert session.query(Kiosk).count() == 1
