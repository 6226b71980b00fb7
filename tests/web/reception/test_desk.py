"""The desk: today's list, the three ticks, and what reception writes down."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask

from lms import desk_codes, desk_day, help_requests
from lms.db import session, transaction
from lms.desk import PhotoId, Place, Visit
from lms.help_requests import HelpKind
from lms.people import Person, RoleName
from tests.client import StrictClient
from tests.conftest import NOW, Clock
from tests.counting import counted
from tests.factories import make_person, make_school
from tests.signers import decline, sign
from tests.web.reception.conftest import Lobby, add_walk_in, arrive, names, states, tally


def start(lobby: Lobby) -> None:
    """Take up the newest code on a phone, as its visitor would."""
    with lobby.app.app_context(), transaction():
        visit = session.query(Visit).filter(Visit.code_hash.is_not(None)).one()
        used = desk_codes.use(desk_codes.read(desk_codes.issue(visit, NOW)), "device", Place.PHONE, NOW)
        assert isinstance(used, Visit)


def visitor() -> Person:
    """Return the one who was added first, in the transaction that is open."""
    return session.query(Person).join(Visit, Visit.person_id == Person.id).one()


def test_an_empty_day_says_so(desk: StrictClient, lobby: Lobby) -> None:
    desk.get(lobby.desk)
    assert "Nobody is expected today" in desk.text
    assert tally(desk) == {"expected": 0, "arrived": 0, "doing": 0, "signed": 0, "not done": 0}


def test_nobody_arrives_until_every_check_is_ticked(desk: StrictClient, lobby: Lobby) -> None:
    add_walk_in(desk, lobby)
    for ticks in (
        {"id_kind": "passport", "same_person": "y"},
        {"agency_confirmed": "y", "same_person": "y"},
        {"agency_confirmed": "y", "id_kind": "passport"},
    ):
        desk.get(f"{lobby.desk}/visits/{lobby.visits()[0].id}")
        assert desk.submit(button="start on their phone", place="phone", **ticks).status_code == 400
    assert lobby.visits()[0].arrived_at is None


def test_one_tap_records_the_ticks_and_shows_a_code_with_its_square(desk: StrictClient, lobby: Lobby) -> None:
    add_walk_in(desk, lobby)
    arrive(desk)
    (visit,) = lobby.visits()
    assert (visit.id_kind, visit.same_person, visit.agency_confirmed) == (PhotoId.PASSPORT, True, True)
    assert visit.checked_by == lobby.receptionist.id
    code = desk.page.xpath("string(//*[@class='app-code__letters'])").strip()
    assert desk.page.xpath("//*[@role='img' and contains(@aria-label, '/join/" + code + "')]/*[name()='svg']")
    assert code not in str(visit.code_hash)
    desk.get(lobby.desk)
    assert states(desk) == ["Arrived"]


def test_somebody_who_is_not_from_an_agency_needs_no_agencys_word(desk: StrictClient, lobby: Lobby) -> None:
    desk.get(lobby.walk_in)
    desk.submit(button="Go on", name="Tomos Bevan", type="contractor", agency="")
    assert "agency’s written confirmation" not in desk.text
    desk.submit(button="Arrived", id_kind="driving_licence", same_person="y")
    desk.get(lobby.desk)
    assert states(desk) == ["Arrived Nothing to sign today"]


def test_a_second_press_keeps_the_first_arrival(desk: StrictClient, lobby: Lobby, time: Clock) -> None:
    add_walk_in(desk, lobby)
    page, address = desk.page, desk.address
    arrive(desk)
    time.now += timedelta(minutes=5)
    desk.page, desk.address = page, address
    arrive(desk)
    assert lobby.visits()[0].arrived_at == NOW
    assert desk.page.xpath("//*[@class='app-code__letters']")


def test_a_morning_goes_from_expected_to_signed(app: Flask, desk: StrictClient, lobby: Lobby) -> None:
    add_walk_in(desk, lobby)
    desk.get(lobby.desk)
    assert states(desk) == ["Expected"]
    desk.follow("Maria Santos")
    arrive(desk)
    start(lobby)
    desk.get(lobby.desk)
    assert states(desk) == ["Doing"]
    with app.app_context(), transaction():
        sign(app, session.merge(lobby.school), visitor())
    desk.get(lobby.desk)
    assert states(desk) == ["Signed Signed. This is not clearance to work."]
    assert tally(desk)["signed"] == 1
    desk.follow("Maria Santos")
    assert "This is not clearance to work" in desk.text


@pytest.mark.parametrize("how", ["declines", "asks", "leaves", "runs out"])
def test_the_desk_sees_not_done_and_never_why(
    app: Flask, desk: StrictClient, lobby: Lobby, time: Clock, how: str
) -> None:
    add_walk_in(desk, lobby)
    arrive(desk)
    start(lobby)
    address = desk.address
    with app.app_context(), transaction():
        school, person = session.merge(lobby.school), visitor()
        if how == "declines":
            decline(app, school, person, reason="Secret")
        if how == "asks":
            help_requests.ask(school, person.id, lobby.assignment.id, HelpKind.QUESTION, "Secret", NOW)
    if how == "leaves":
        desk.get(address)
        desk.submit(button="They have left")
    if how == "runs out":
        time.now += timedelta(hours=2)
    for page in (lobby.desk, address):
        desk.get(page)
        assert "Not done" in desk.text
        for word in ("Secret", "declined", "question", "asked"):
            assert word not in desk.text
    desk.get(lobby.desk)
    assert tally(desk)["not done"] == 1


def test_who_is_sent_to_class_unsigned_shows_until_they_sign(
    app: Flask, desk: StrictClient, lobby: Lobby
) -> None:
    add_walk_in(desk, lobby)
    arrive(desk)
    assert desk.submit(button="Send to class unsigned", senior="", reason="").status_code == 400
    desk.submit(button="Send to class unsigned", senior="Ruth Lowe", reason="Year 9 has nobody")
    assert "by Ruth Lowe: Year 9 has nobody" in desk.text
    desk.get(lobby.desk)
    assert states(desk) == ["Arrived In class, not signed"]
    with app.app_context(), transaction():
        sign(app, session.merge(lobby.school), visitor())
    desk.get(lobby.desk)
    assert "In class, not signed" not in desk.text


def test_nobody_is_sent_to_class_before_they_were_checked(desk: StrictClient, lobby: Lobby) -> None:
    add_walk_in(desk, lobby)
    token, page = desk.page.xpath("string(//input[@name='csrf_token']/@value)"), desk.address
    for action in ("to-class", "assisted", "leave"):
        sent = {"csrf_token": token, "senior": "A", "reason": "B", "by": "A", "how": "interpreted"}
        assert desk.post(f"{page}/{action}", data=sent).status_code == 409
    (visit,) = lobby.visits()
    assert (visit.to_class_at, visit.assisted_by, visit.left_at) == (None, None, None)


def test_who_interprets_is_written_down(desk: StrictClient, lobby: Lobby) -> None:
    add_walk_in(desk, lobby)
    arrive(desk)
    desk.submit(button="Save who helps", how="interpreted", by="Elif Demir")
    assert "Interpreted by" in desk.text
    assert "Elif Demir" in desk.text


def test_a_new_code_takes_the_place_of_the_old_one(desk: StrictClient, lobby: Lobby) -> None:
    add_walk_in(desk, lobby)
    arrive(desk)
    before = lobby.visits()[0].code_hash
    shown = desk.page.xpath("string(//*[@class='app-code__letters'])")
    desk.submit(button="New code for our tablet", place="tablet")
    assert lobby.visits()[0].code_hash != before
    assert lobby.visits()[0].place is Place.TABLET
    assert desk.page.xpath("string(//*[@class='app-code__letters'])") != shown
    assert not desk.page.xpath("//*[@role='img']")


def test_a_walk_in_whom_the_trust_knows_is_offered(desk: StrictClient, lobby: Lobby, app: Flask) -> None:
    with app.app_context(), transaction():
        known = make_person(session.merge(lobby.school), forename="Maria", surname="Santos")
    add_walk_in(desk, lobby)
    assert desk.heading == "Do you know this person?"
    desk.submit(button="Go on", step="apply", **{"same-1": str(known.id)})
    assert desk.heading == "Maria Santos"
    assert [visit.person_id for visit in lobby.visits()] == [known.id]


def test_a_poll_of_an_unchanged_list_is_told_so_and_a_change_is_sent(
    desk: StrictClient, lobby: Lobby, time: Clock
) -> None:
    add_walk_in(desk, lobby)
    desk.get(lobby.desk)
    seen = {"If-None-Match": f'"{desk.page.xpath("string(//@data-version)")}"'}
    rows = f"{lobby.desk}/rows"
    answer = desk.get(rows, headers=seen)
    assert answer.status_code == 304
    assert "Set-Cookie" not in answer.headers
    desk.get(f"{lobby.desk}/visits/{lobby.visits()[0].id}")
    arrive(desk)
    answer = desk.get(rows, headers=seen)
    assert answer.status_code == 200
    assert "Arrived" in answer.text


@pytest.mark.parametrize("visitors", [2, 60])
def test_the_desk_and_a_poll_take_few_queries_however_many_come(
    app: Flask, desk: StrictClient, lobby: Lobby, visitors: int
) -> None:
    lines = "\n".join(f"Person{n} Llanfair-ym-Muallt{n}, Tandem, today" for n in range(visitors))
    desk.get(lobby.expected)
    desk.submit(button="Check these lines", lines=lines)
    desk.submit(button="Expect these", step="apply")
    assert len(names(desk)) == visitors
    with counted(app) as sent:
        desk.get(lobby.desk)
    assert len(sent) <= 8
    seen = {"If-None-Match": f'"{desk.page.xpath("string(//@data-version)")}"'}
    with counted(app) as sent:
        assert desk.get(f"{lobby.desk}/rows", headers=seen).status_code == 304
    assert len(sent) <= 3
    with counted(app) as sent:
        assert desk.get(f"{lobby.desk}/rows").status_code == 200
    assert len(sent) <= 8


def test_managers_learners_and_other_schools_do_not_get_in(
    app: Flask, client: StrictClient, desk: StrictClient, lobby: Lobby
) -> None:
    add_walk_in(desk, lobby)
    page = desk.address
    with app.app_context(), transaction():
        school = session.merge(lobby.school)
        manager = make_person(school, forename="M", role=RoleName.MANAGER)
        learner = make_person(school, forename="L")
        elsewhere = make_school()
        other = make_person(elsewhere, role=RoleName.RECEPTIONIST)
    for person, status in ((manager, 403), (learner, 404), (other, 404)):
        client.sign_in_as(person.id)
        for address in (lobby.desk, f"{lobby.desk}/rows", lobby.expected, lobby.walk_in, page):
            assert client.get(address).status_code == status
    assert client.get(page.replace(lobby.school.slug, elsewhere.slug)).status_code == 404


def test_a_receptionist_finds_the_desk_and_not_the_records(desk: StrictClient, lobby: Lobby) -> None:
    desk.get(lobby.desk)
    links = [" ".join(link.text_content().split()) for link in desk.page.xpath("//nav//a")]
    assert "Reception" in links
    assert "Staff records" not in links


def test_tomorrows_list_does_not_show_todays_visitor(desk: StrictClient, lobby: Lobby, time: Clock) -> None:
    add_walk_in(desk, lobby)
    time.now += timedelta(days=1)
    desk.get(lobby.desk)
    assert names(desk) == []


def test_a_desk_day_version_differs_when_a_code_may_have_run_out(lobby: Lobby, app: Flask) -> None:
    with app.app_context(), transaction():
        first = desk_day.version(lobby.school.id, NOW)
        assert desk_day.version(lobby.school.id, NOW + timedelta(seconds=10)) == first
        assert desk_day.version(lobby.school.id, NOW + timedelta(minutes=1)) != first
