"""Where a launch lands: asked once what one is at the school, then on the module or programme that the link is for."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from threading import Barrier
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from flask import Flask

from lms import attestations
from lms.clock import london_day
from lms.db import session, transaction
from lms.people import Engagement, EngagementType, Person, end_engagement
from lms.scenarios import shipped_modules
from lms.training import withdraw
from tests.client import StrictClient
from tests.conftest import NOW
from tests.counting import counted
from tests.learners import MODULES, Classroom, do_modules
from tests.lti import forger
from tests.lti.claiming import with_custom

pytestmark = pytest.mark.usefixtures("time")


@dataclass
class Lms:
    """A school with three modules and a policy to sign, and a platform that opens them."""

    app: Flask
    client: StrictClient
    classroom: Classroom

    def open(self, target: str = "programme", **changes: Any) -> str:
        """Open a link as Priya; return the page's heading."""
        response = forger.launch(self.client, **with_custom(countersign=target), **changes)
        assert response.status_code == 200, response.get_data(as_text=True)
        return self.client.heading

    def join(self, type: EngagementType = EngagementType.TEACHER, **changes: Any) -> None:
        """Open a link for the first time and say what she is."""
        self.open(**changes)
        self.client.submit(type=type.value)

    @property
    def shown_at(self) -> str:
        """The address that the browser is told to show."""
        return str(self.client.page.xpath("string(//@data-shown-at)"))

    def engagements(self) -> list[Engagement]:
        with self.app.app_context(), transaction(write=False):
            found = sa.select(Engagement).where(Engagement.person_id != self.classroom.person.id)
            return list(session.scalars(found))

    def person(self) -> Person:
        with self.app.app_context(), transaction(write=False):
            found = forger.signed_in(self.client)
            return session.get_one(Person, found)


@pytest.fixture
def lms(app: Flask, client: StrictClient) -> Lms:
    with app.app_context(), transaction():
        classroom = Classroom()
        forger.connect(classroom.school)
        return Lms(app, client, classroom)


def test_somebody_new_is_asked_what_they_are_and_then_sees_what_the_link_is_for(lms: Lms) -> None:
    assert lms.open("friend-request") == f"What are you at {lms.classroom.school.name}?"
    assert "We ask only once" in lms.client.text
    assert "HR can put it right" in lms.client.text
    assert "you are Priya Nair" in lms.client.text

    lms.client.submit(type="governor", employer="Nobody asked")

    assert lms.client.heading == shipped_modules()["friend-request"].title
    (engagement,) = lms.engagements()
    assert (engagement.type, engagement.agency) == (EngagementType.GOVERNOR, None)
    assert engagement.organisation_id == lms.classroom.school.id


def test_whoever_has_answered_is_not_asked_again(lms: Lms) -> None:
    lms.join()

    assert lms.open() == "My training"
    assert len(lms.engagements()) == 1


def test_pressing_the_button_twice_makes_one_engagement(lms: Lms) -> None:
    lms.open()
    form = dict(lms.client.page.xpath("//main//form")[0].form_values()) | {"type": "teacher"}
    for _ in range(2):
        response = lms.client.post("/lti/welcome?to=programme", data=form)
        assert response.status_code == 303

    assert len(lms.engagements()) == 1


def test_two_presses_at_the_same_moment_make_one_engagement(lms: Lms) -> None:
    lms.open()
    form = dict(lms.client.page.xpath("//main//form")[0].form_values()) | {"type": "teacher"}
    cookie = lms.client.get_cookie("countersign")
    assert cookie is not None
    ready = Barrier(2)

    def press(_: int) -> int:
        browser = lms.app.test_client()
        browser.set_cookie("countersign", cookie.value)
        ready.wait()
        return browser.post("/lti/welcome?to=programme", data=form).status_code

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(press, range(2))) == [303, 303]

    assert len(lms.engagements()) == 1


@pytest.mark.parametrize("type", ["agency_worker", "contractor"])
def test_whoever_comes_from_an_agency_or_company_says_which(lms: Lms, type: str) -> None:
    lms.open()

    refused = lms.client.submit(type=type)
    assert refused.status_code == 400
    assert "Type the name of your agency or company" in lms.client.text
    lms.client.submit(type=type, employer="  Bright\tSupply ")

    (engagement,) = lms.engagements()
    assert (engagement.type.value, engagement.agency) == (type, "Bright Supply")


@pytest.mark.parametrize("fields", [{}, {"type": "headteacher"}, {"type": "teacher", "employer": "x" * 201}])
def test_an_answer_that_is_none_is_asked_for_again(lms: Lms, fields: dict[str, str]) -> None:
    lms.open()

    assert lms.client.submit(**fields).status_code == 400
    assert lms.engagements() == []


def test_the_question_is_only_for_those_who_come_from_a_platform(lms: Lms) -> None:
    lms.client.sign_in_as(lms.classroom.person.id)

    assert lms.client.get("/lti/welcome").headers["Location"] == "/"


def test_an_administrator_of_the_platform_need_not_say_what_they_are(lms: Lms) -> None:
    lms.open(roles=[forger.ADMINISTRATOR])

    lms.client.follow("go to Administration")

    assert lms.client.heading == "Administration"
    lms.open(sub="43", roles=[forger.INSTRUCTOR])
    assert "Administration" not in lms.client.text


def test_a_module_opens_at_its_own_address(lms: Lms) -> None:
    lms.join()

    lms.open("personal-use")

    assert lms.shown_at == f"/modules/personal-use?assignment={lms.classroom.assignment.id}"
    assert "questions, one at a time" in lms.client.text
    heading = lms.client.heading
    lms.client.get(lms.shown_at)
    assert lms.client.heading == heading
    lms.client.submit(button="Start")
    assert "Question 1 of" in lms.client.text


def test_the_programme_opens_what_is_to_be_done(lms: Lms) -> None:
    lms.join()

    assert lms.open() == "My training"
    assert lms.shown_at == "/"
    assert "Social media policy" in lms.client.text


def test_a_module_that_is_done_leads_to_what_is_left(lms: Lms) -> None:
    lms.join()
    with lms.app.app_context(), transaction():
        do_modules(session.get_one(Person, lms.person().id), lms.classroom.assignment, count=1)

    assert lms.open(MODULES[0]) == "My training"
    assert "You have done “" in lms.client.text


def test_a_module_that_is_not_asked_of_somebody_says_so(lms: Lms) -> None:
    lms.join()
    with lms.app.app_context(), transaction():
        withdraw(lms.classroom.assignment, lms.classroom.assignment.recorded_from)

    assert lms.open("friend-request") == "This isn’t on your list"
    assert lms.shown_at == "/lti/welcome?to=friend-request"
    lms.client.get(lms.shown_at)
    assert lms.client.heading == "This isn’t on your list"
    assert lms.open() == "My training"
    assert "There is nothing for you to do" in lms.client.text


def test_the_question_opens_at_an_address_that_asks_it_again(lms: Lms) -> None:
    heading = lms.open("friend-request")

    lms.client.get(lms.shown_at)

    assert lms.client.heading == heading


def test_somebody_without_a_name_gets_the_one_they_sign_with(lms: Lms) -> None:
    missing = dict.fromkeys(("name", "given_name", "family_name", "email"), forger.MISSING)
    lms.join(**missing)
    assert "says that you are" not in lms.client.text
    with lms.app.app_context(), transaction():
        do_modules(session.get_one(Person, lms.person().id), lms.classroom.assignment)

    lms.client.get(f"/sign/{lms.classroom.assignment.id}")
    assert "What you type here becomes your name on record." in lms.client.text
    lms.client.submit(button="Sign", statement="y", typed_name="Mary Jane Okoro")

    assert lms.client.heading.startswith("Receipt")
    person = lms.person()
    assert (person.forename, person.surname, person.sort_name) == ("Mary Jane", "Okoro", "okoro mary jane")
    with lms.app.app_context(), transaction(write=False):
        details = attestations.signatory_details(UUID(lms.client.address.rpartition("/")[2]))
    assert details is not None
    assert (details["name_typed"], details["surname"]) == ("Mary Jane Okoro", "Okoro")
    assert "name_confirmed" not in details


@pytest.mark.parametrize("target", ["programme", "friend-request"])
def test_a_whole_launch_costs_eight_queries_at_most(lms: Lms, target: str) -> None:
    lms.join()
    lms.open(target)

    with counted(lms.app) as sent:
        lms.open(target)

    assert len(sent) <= 8, sent


def test_a_leaver_with_an_account_still_is_told_so_and_engages_nobody(lms: Lms) -> None:
    lms.join()
    (engagement,) = lms.engagements()
    with lms.app.app_context(), transaction():
        yesterday = london_day(NOW) - timedelta(days=1)
        end_engagement(session.merge(engagement), ends=yesterday, now=NOW + timedelta(seconds=1))
    assert "has you down as gone" in lms.open()
    lms.client.get("/lti/welcome")
    assert "has you down as gone" in lms.client.heading
    token = lms.client.page.xpath("string(//input[@name='csrf_token']/@value)")
    lms.client.post("/lti/welcome", data={"csrf_token": token, "type": "governor"})
    assert [e.type for e in lms.engagements() if e.recorded_to is None] == [EngagementType.TEACHER]
