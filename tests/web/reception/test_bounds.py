"""What reception hands out is good for one school, one day and one device; who gave it is written down."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
from flask import Flask

from lms import desk_codes
from lms.audit import AuditEntry, Event
from lms.clock import london_day
from lms.db import session, transaction
from lms.desk import PhotoId, Visit
from lms.people import EngagementType, Person, RoleName, engage
from tests.client import StrictClient
from tests.conftest import NOW, Clock
from tests.factories import make_person
from tests.visitors import Morning, begin, code_for
from tests.web.reception.conftest import Lobby, add_walk_in, arrive, names
from tests.web.reception.test_passport import Trust
from tests.web.test_kiosk import begin as begin_on_tablet
from tests.web.test_kiosk import open_for_visitors


@pytest.fixture
def trust(app: Flask, time: Clock) -> Trust:
    """Two schools of one trust; somebody has signed at the first, and has come to the second."""
    return Trust(app)


def visit_to_first(trust: Trust) -> Visit:
    """Record that the worker was checked at the first school today, and not at the second."""
    with trust.app.app_context(), transaction():
        worker = session.get_one(Person, trust.worker.id)
        day = london_day(NOW)
        engaged = engage(
            worker,
            trust.first.id,
            EngagementType.AGENCY_WORKER,
            starts=day,
            ends=day,
            agency="Tandem Staffing",
            now=NOW,
        )
        visit = Visit(
            id=uuid4(),
            organisation_id=trust.first.id,
            person_id=worker.id,
            engagement_id=engaged.id,
            day=day,
            changed_at=NOW,
            arrived_at=NOW,
            agency_confirmed=True,
            id_kind=PhotoId.PASSPORT,
            same_person=True,
        )
        session.add(visit)
        session.flush()
        return visit


def test_a_code_of_one_school_confirms_and_signs_nothing_at_another(
    client: StrictClient, trust: Trust
) -> None:
    begin(client, code_for(trust.app, visit_to_first(trust)))
    assert client.get(trust.tap).status_code == 404
    assert client.get(f"/sign/{trust.assignments[1].id}").status_code == 404
    assert client.get(f"/sign/{trust.assignments[1].id}/not-signing/decline").status_code == 404
    client.get("/")
    assert "Ysgol Môr" not in client.text


def test_a_code_of_one_school_opens_no_receipt_of_another(client: StrictClient, trust: Trust) -> None:
    (first,) = trust.evidence()
    begin(client, code_for(trust.app, trust.visit))
    for page in ("", "/record", "/proof", "/text"):
        assert client.get(f"/receipts/{first.id}{page}").status_code == 404
    client.get("/receipts")
    assert client.heading == "My receipts"
    assert "Ysgol Bryn" not in client.text


def test_a_code_of_one_school_opens_its_own_pages(client: StrictClient, trust: Trust) -> None:
    begin(client, code_for(trust.app, trust.visit))
    for page in ("/", "/policies", "/receipts", f"/sign/{trust.assignments[1].id}"):
        assert client.get(page).status_code == 200


def test_a_desk_does_not_learn_by_the_passport_that_somebody_declined(
    client: StrictClient, trust: Trust
) -> None:
    begin(client, code_for(trust.app, trust.visit))
    with client.session_transaction() as cookie:
        cookie.clear()
    client.sign_in_as(trust.receptionist.id)
    client.get(trust.page)
    assert "Signed the same policy elsewhere" in client.text
    with trust.app.app_context(), transaction():
        session.get_one(Visit, trust.visit.id).code_expires = NOW - timedelta(minutes=1)
    client.get(trust.page)
    # Whoever declined has no passport any more: so nobody who is not done may be shown one.
    assert "Not done" in client.text
    assert "Signed the same policy elsewhere" not in client.text


def test_another_code_for_somebody_shows_nobody_what_they_wrote_for_hr_alone(
    app: Flask, client: StrictClient, trust: Trust
) -> None:
    begin(client, code_for(trust.app, trust.visit))
    page = f"/sign/{trust.assignments[1].id}/not-signing"
    client.get(f"{page}/question")
    client.submit(text="Who reads my phone?")
    client.get(f"{page}/decline")
    client.submit(reason="My union is against it.")
    taken = app.test_client()
    assert isinstance(taken, StrictClient)
    begin(taken, code_for(trust.app, trust.visit))
    for address in (f"{page}/question", f"{page}/question?change=1", client.address):
        taken.get(address)
        assert taken.address == address.partition("?")[0]
        assert "Who reads my phone?" not in taken.page.text_content()
        assert "My union is against it." not in taken.page.text_content()


def test_yesterdays_arrival_gives_no_code_today(desk: StrictClient, lobby: Lobby, time: Clock) -> None:
    add_walk_in(desk, lobby)
    arrive(desk)
    (visit,) = lobby.visits()
    time.now = NOW + timedelta(days=1)
    desk.sign_in_as(lobby.receptionist.id)
    desk.get(f"{lobby.desk}/visits/{visit.id}")
    token = desk.page.xpath("string(//main//input[@name='csrf_token']/@value)")
    answer = desk.post(f"{lobby.desk}/visits/{visit.id}/code", data={"csrf_token": token, "place": "phone"})
    assert answer.status_code == 409
    assert lobby.visits()[0].code_hash == visit.code_hash


def test_nobody_arrives_on_another_day_than_they_are_expected(
    desk: StrictClient, lobby: Lobby, time: Clock
) -> None:
    add_walk_in(desk, lobby)
    time.now = NOW + timedelta(days=1)
    desk.sign_in_as(lobby.receptionist.id)
    desk.get(f"{lobby.desk}/visits/{lobby.visits()[0].id}")
    arrive(desk)
    assert lobby.visits()[0].arrived_at is None


def test_the_same_page_with_another_name_is_another_visitor(desk: StrictClient, lobby: Lobby) -> None:
    batch = str(uuid4())
    for name in ("Maria Santos", "Grace Okafor"):
        desk.get(lobby.walk_in)
        desk.submit(button="Go on", name=name, agency="Tandem Staffing", batch=batch)
        assert desk.heading == name
    desk.get(lobby.desk)
    assert names(desk) == ["Grace Okafor", "Maria Santos"]


def test_who_put_a_visitor_on_the_list_gave_a_code_or_sent_to_class_is_written_down(
    desk: StrictClient, lobby: Lobby
) -> None:
    add_walk_in(desk, lobby)
    arrive(desk)
    desk.submit(button="Send to class unsigned", senior="Huw Parry", reason="Nobody else is there.")
    (visit,) = lobby.visits()
    with lobby.app.app_context(), transaction():
        for event in (Event.VISITOR_EXPECTED, Event.DESK_CODE_GIVEN, Event.SENT_TO_CLASS):
            (entry,) = session.query(AuditEntry).filter_by(event=event).all()
            assert (entry.actor_id, entry.subject_id) == (lobby.receptionist.id, visit.person_id)


@pytest.fixture
def morning(app: Flask, time: Clock) -> Morning:
    with app.app_context(), transaction():
        return Morning()


@pytest.fixture
def reception_tablet(app: Flask, morning: Morning) -> StrictClient:
    """A tablet that the school's reception opened for visitors."""
    with app.app_context(), transaction():
        person = make_person(morning.school, role=RoleName.RECEPTIONIST)
    tablet = app.test_client()
    assert isinstance(tablet, StrictClient)
    tablet.sign_in_as(person.id)
    open_for_visitors(tablet, morning)
    return tablet


def test_no_phone_passes_for_the_schools_tablet(
    app: Flask, client: StrictClient, morning: Morning, reception_tablet: StrictClient
) -> None:
    code = code_for(app, morning.visit)
    begin_on_tablet(reception_tablet, code)
    client.set_cookie("countersign-device", f"tablet of {morning.school.id}", path="/join")
    client.get(f"/join/{code}")
    assert client.submit(button="Start").status_code == 409


def test_guesses_from_the_schools_own_network_do_not_stop_its_tablet(
    app: Flask, client: StrictClient, morning: Morning, reception_tablet: StrictClient
) -> None:
    code = code_for(app, morning.visit)
    with app.app_context(), transaction():
        for _ in range(desk_codes.WRONG_IN_A_WHILE):
            desk_codes.count_wrong("127.0.0.1", NOW)
    client.get(f"/join/{code}")
    assert client.submit(button="Start").status_code == 429
    begin_on_tablet(reception_tablet, code)
    assert reception_tablet.address.startswith("/modules/")


def test_a_tablet_on_which_somebody_guesses_waits(
    app: Flask, morning: Morning, reception_tablet: StrictClient
) -> None:
    for _ in range(desk_codes.WRONG_SOON):
        begin_on_tablet(reception_tablet, "AAAA-AAAA")
    begin_on_tablet(reception_tablet, code_for(app, morning.visit))
    assert reception_tablet.heading == "Wait a minute"


def test_who_has_left_is_signed_out_on_their_phone(desk: StrictClient, lobby: Lobby) -> None:
    phone = lobby.app.test_client()
    assert isinstance(phone, StrictClient)
    add_walk_in(desk, lobby)
    arrive(desk)
    (visit,) = lobby.visits()
    begin(phone, code_for(lobby.app, visit))
    assert phone.get("/").status_code == 200
    desk.get(f"{lobby.desk}/visits/{visit.id}")
    desk.submit(button="They have left")
    assert phone.get("/").status_code == 302
