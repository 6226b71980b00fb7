"""HR puts people on record by hand, and puts them right: nobody twice unasked, nothing lost, all written down."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa
from flask import Flask

from lms.audit import Event
from lms.db import session, transaction
from lms.people import Engagement, EngagementType, Person, RoleName
from lms.schools import add_school
from tests.client import StrictClient
from tests.conftest import NOW, Clock
from tests.factories import engagement_of, make_person
from tests.web.office import Office, cells, tiles

pytestmark = pytest.mark.usefixtures("time")

NEWCOMER: dict[str, Any] = {
    "forename": "Ada",
    "surname": "Owen",
    "email": "Ada@School.test",
    "staff_no": "117",
    "type": "teacher",
    "job_title": "Teacher of maths",
    "department": "Maths",
    "starts": ["1", "9", "2026"],
}


def people_named(app: Flask, surname: str) -> list[Person]:
    with app.app_context(), transaction(write=False):
        return list(session.scalars(sa.select(Person).where(Person.surname == surname)))


def test_a_newcomer_is_put_on_record_once(app: Flask, office: Office, hr: StrictClient) -> None:
    manager = office.add(forename="Rhian", surname="Môn")
    hr.get(office.records)
    hr.follow("Add a person")
    sent = {
        name: hr.page.xpath(f"//main//input[@name='{name}']/@value")[0] for name in ("batch", "csrf_token")
    }
    hr.submit(button="Add this person", **NEWCOMER, manager="rhian mon")
    assert hr.heading == "Ada Owen"
    assert "Staff number 117. ada@school.test" in hr.text
    assert "Teacher of maths" in hr.text
    assert "Rhian Môn" in hr.text
    assert cells(hr, "Status") == ["Overdue"]
    again = hr.post(f"{office.records}/people/add", data={**NEWCOMER, **sent})
    assert again.status_code == 303, "a second press leads to whom the first put on record"
    (ada,) = people_named(app, "Owen")
    assert office.do(lambda: engagement_of(ada).manager_id) == manager.id
    (added,) = office.audited(Event.PERSON_ADDED)
    assert (added.subject_id, added.actor_id, added.details) == (ada.id, office.hr.id, {})


def test_whom_the_trust_knows_is_shown_and_asked_about(app: Flask, office: Office, hr: StrictClient) -> None:
    with app.app_context(), transaction():
        other = add_school("Ysgol Pell", host="countersign.test", parent=session.merge(office.school))
        known = make_person(
            other, EngagementType.AGENCY_WORKER, forename="Ada", surname="Owen", email="a@b.test"
        )
    hr.get(f"{office.records}/people/add")
    hr.submit(button="Add this person", **NEWCOMER)
    assert hr.heading == "Is Ada Owen one of these people?"
    assert "Same name. Ysgol Pell, 1 September 2026 onwards." in hr.text
    assert "a@b.test" not in hr.text, "no more than is needed to know them"
    assert [entry.subject_id for entry in office.audited(Event.KNOWN_PERSON_SHOWN)] == [known.id]
    assert hr.submit(button="Go on", step="apply").status_code == 400
    assert "Say whether it is the same person" in hr.text
    hr.submit(button="Change", step="change")
    assert hr.heading == "Add a person"
    assert hr.page.xpath("//input[@name='surname']/@value") == ["Owen"]
    hr.submit(button="Add this person")
    hr.submit(button="Go on", step="apply", same=str(known.id))
    assert hr.heading == "Ada Owen"
    assert len(people_named(app, "Owen")) == 1

    hr.get(f"{office.records}/people/add")
    hr.submit(button="Add this person", **NEWCOMER)
    hr.submit(button="Go on", step="apply", same="new")
    assert len(people_named(app, "Owen")) == 2


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"surname": " – "}, "Enter the surname"),
        ({"email": "ada.school.test"}, "Enter an e-mail address with an @"),
        ({"type": ""}, "Choose what they are here as"),
        ({"type": "agency_worker"}, "Enter the agency"),
        ({"manager": "Nobody"}, "Nobody who works here"),
        ({"manager": "Priya Nair"}, "2 people who work here fit “Priya Nair”"),
        ({"starts": ["", "", ""]}, "Enter the first day"),
        ({"starts": ["1", "9", "2062"]}, "within two years"),
        ({"ends": ["31", "8", "2026"]}, "can’t be before the first"),
        ({"job_title": "x" * 121}, "no more than 120 characters"),
    ],
)
def test_a_mistake_is_said_and_nobody_is_added(
    app: Flask, office: Office, hr: StrictClient, fields: dict[str, Any], message: str
) -> None:
    office.add()
    office.add()
    hr.get(f"{office.records}/people/add")
    assert hr.submit(button="Add this person", **{**NEWCOMER, **fields}).status_code == 400
    assert message in hr.text
    assert people_named(app, "Owen") == []


def test_a_name_is_corrected_and_the_old_one_is_hrs_alone(
    app: Flask, office: Office, client: StrictClient, hr: StrictClient, time: Clock
) -> None:
    person = office.add(forename="Samantha", surname="Adams", email="sam@school.test")
    hr.get(office.page_of(person))
    hr.follow("Correct this")
    assert hr.page.xpath("//input[@name='forename']/@value") == ["Samantha"]
    hr.submit(button="Save", forename="Samuel", known_as="Sam", email="")
    assert hr.heading == "Samuel Adams"
    assert "First name: “Samantha” became “Samuel” 7 September 2026, 9:30am, by Meera Zane." in hr.text
    assert "Work e-mail: “sam@school.test” became nothing" in hr.text
    (entry,) = office.audited(Event.PERSON_CORRECTED)
    assert entry.details == {"names": "forename, known_as, email"}
    hr.get(f"{office.records}?name=samuel")
    assert "Samuel Adams" in hr.text
    assert "Samantha" not in hr.text
    hr.get(f"{office.page_of(person)}/correct")
    hr.submit(button="Save")
    assert "Nothing was changed." in hr.text


def test_an_address_or_staff_number_of_somebody_else_is_said(
    app: Flask, office: Office, hr: StrictClient
) -> None:
    other = office.add(forename="Tom", surname="Ash", email="tom@school.test")
    office.do(lambda: setattr(session.merge(other), "staff_no", "7"))
    person = office.add(forename="Ann", surname="Adams", email=None)
    hr.get(f"{office.page_of(person)}/correct")
    hr.submit(button="Save", email="Tom@school.test")
    assert "Important Tom Ash has this e-mail address too." in hr.text
    assert "it signs neither of them in" in hr.text
    hr.get(f"{office.page_of(person)}/correct")
    hr.submit(button="Save", email="ann@school.test", staff_no="7")
    assert "Tom Ash has this staff number too." in hr.text
    hr.get(f"{office.page_of(person)}/correct")
    hr.submit(button="Save", email="", staff_no="")
    assert "too." not in hr.text, "nobody shares nothing"
    with app.app_context(), transaction():
        there = add_school("Ysgol Pell", host="countersign.test", parent=session.merge(office.school))
        make_person(there, forename="Eve", surname="Far", email="eve@school.test")
    hr.get(f"{office.records}/people/add")
    hr.submit(button="Add this person", **{**NEWCOMER, "email": "eve@school.test", "staff_no": ""})
    hr.submit(button="Go on", step="apply", same="new")
    assert "Somebody at another school has this e-mail address too." in hr.text
    assert "Eve" not in hr.text


def test_an_engagement_is_corrected_ended_opened_again_and_joined_by_another(
    app: Flask, office: Office, hr: StrictClient, time: Clock
) -> None:
    manager = office.add(forename="Rhian", surname="Owen")
    person = office.add(surname="Adams", department="Art", manager=manager)
    time.now = NOW + timedelta(days=1)
    hr.get(office.page_of(person))
    hr.follow("Correct: Teacher")
    assert hr.page.xpath("//input[@name='manager']/@value") == ["Rhian Owen"]
    hr.submit(button="Save", department="Music", job_title="Head of music")
    assert "Reports of earlier days stay as they were." in hr.text
    assert "How it was recorded before" in hr.text
    assert "changed 8 September 2026, 9:30am, by Meera Zane" in hr.text
    hr.get(f"{office.records}?as_at=2026-09-07&department=Art")
    assert "Priya Adams" in hr.text, "as at yesterday they are in Art"

    hr.get(office.page_of(person))
    hr.follow("say when it ends")
    assert hr.submit(button="Save").status_code == 400
    hr.submit(button="Save", ends=["7", "9", "2026"])
    assert "(ended)" in hr.text
    hr.get(office.records)
    assert "Adams" not in hr.text
    hr.get(office.page_of(person))
    hr.follow("change the last day")
    hr.submit(button="take the last day off")
    assert "(ended)" not in hr.text

    hr.follow("Add another engagement")
    hr.submit(button="Save", type="governor", starts=["1", "9", "2026"])
    assert "has another engagement" in hr.text
    with app.app_context(), transaction(write=False):
        rows = session.scalars(
            sa.select(Engagement).where(Engagement.person_id == person.id, Engagement.recorded_to.is_(None))
        ).all()
        assert sorted((row.type, row.department, row.manager_id == manager.id) for row in rows) == [
            (EngagementType.GOVERNOR, None, False),
            (EngagementType.TEACHER, "Music", True),
        ]
    assert [e.details for e in office.audited(Event.ENGAGEMENT_CORRECTED)] == [
        {"names": "department, job_title"},
        {"names": "ends"},
        {"names": "ends"},
    ]
    assert hr.get(f"{office.page_of(person)}/engagements/{uuid4()}").status_code == 404


def test_who_is_away_isnt_overdue_and_only_hr_sees_why(
    app: Flask, office: Office, client: StrictClient, hr: StrictClient, time: Clock
) -> None:
    with app.app_context(), transaction():
        manager = make_person(
            session.merge(office.school), forename="Rhian", surname="Owen", role=RoleName.MANAGER
        )
    person = office.add(surname="Adams", manager=manager)
    hr.get(office.page_of(person))
    assert cells(hr, "Status") == ["Overdue"]
    hr.follow("Record that they are away")
    assert hr.submit(button="Save", starts=["", "", ""]).status_code == 400
    hr.submit(button="Save", starts=["2", "9", "2026"], ends=["", "", ""], reason="Maternity leave")
    assert "Priya Adams is away. Nothing is asked of them" in hr.text
    assert "Maternity leave" in hr.text
    assert cells(hr, "Status") == ["Not started, away"]
    assert cells(hr, "Due") == ["—"]
    hr.get(f"{office.records}?name=adams")
    assert "Not started, away" in hr.text
    assert "Maternity" not in hr.text
    assert tiles(hr)["Overdue"] == "2", "the manager and HR are"

    hr.get(f"{office.page_of(person)}/away")
    hr.submit(button="Save", starts=["5", "9", "2026"])
    assert "is recorded as away from 2 September 2026 onwards already" in hr.text

    client.sign_in_as(manager.id)
    client.get(office.records)
    assert "Priya Adams" in client.text
    assert "Maternity" not in client.text
    assert client.get(f"{office.page_of(person)}/away").status_code == 403
    client.sign_in_as(person.id)
    client.get("/")
    assert "You are away, so nothing is due until you are back." in client.text
    assert "Maternity" not in client.text

    client.sign_in_as(office.hr.id)
    time.now = NOW + timedelta(days=10)
    hr.get(office.page_of(person))
    hr.follow("They are back, or change it")
    hr.submit(button="They are back", back=["16", "9", "2026"])
    assert "is back since 16 September 2026" in hr.text
    assert cells(hr, "Due") == ["18 September 2026"]
    assert cells(hr, "Status") == ["Not started"]
    hr.follow("Change: away")
    hr.submit(button="It was a mistake")
    assert cells(hr, "Due") == ["4 September 2026"]
    assert len(office.audited(Event.ABSENCE_SAVED)) == 1
    assert len(office.audited(Event.ABSENCE_ENDED)) == 2


def test_training_elsewhere_is_shown_as_that_and_is_no_signature(office: Office, hr: StrictClient) -> None:
    person = office.add(surname="Adams")
    hr.get(office.page_of(person))
    hr.follow("Record training done elsewhere")
    assert hr.submit(button="Save").status_code == 400
    assert "Enter who says so" in hr.text
    hr.submit(
        button="Save", title="Online safety", done_on=["1", "9", "2026"], said_by="a certificate of Tandem"
    )
    assert "Done elsewhere, according to a certificate of Tandem. Not signed here." in hr.text
    assert cells(hr, "Status") == ["Overdue"]
    hr.submit(button="It was a mistake")
    assert "Tandem" not in hr.text
    (entry,) = office.audited(Event.OUTSIDE_TRAINING_RECORDED)
    assert entry.subject_id == person.id
