"""The records page of a school that has brought in its staff and assigned nothing yet."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from flask import Flask

from lms.db import session, transaction
from lms.people import EngagementType, end_engagement, engage
from lms.schools import add_school
from lms.standings import PAGE_SIZE
from tests.client import StrictClient
from tests.conftest import NOW, Clock
from tests.counting import queries
from tests.factories import BEFORE, engagement_of, make_person
from tests.web.office import Office, cells, people_shown

pytestmark = pytest.mark.usefixtures("time")


@pytest.fixture
def office(app: Flask, time: Clock) -> Office:
    """A school with nothing assigned, and somebody in HR."""
    return Office(app, is_assigned=False)


def test_before_anything_is_assigned_hr_sees_whom_they_have_brought_in(
    office: Office, hr: StrictClient
) -> None:
    office.add(type=EngagementType.AGENCY_WORKER, forename="Ada", surname="Adams", starts=date(2026, 9, 3))
    office.add(forename="Omar", surname="Baker", department="Maths")
    hr.get(office.records)
    assert "Nothing is assigned yet" in hr.text
    assert "Assign a policy" in hr.text
    assert people_shown(hr) == ["Ada Adams", "Omar Baker", "Meera Zane"]
    assert cells(hr, "Engagement type") == ["Agency worker", "Teacher", "Teacher"]
    assert cells(hr, "Department") == ["—", "Maths", "—"]
    assert cells(hr, "First day") == ["3 September 2026", "1 September 2026", "1 September 2026"]
    hr.follow("Omar Baker")
    assert hr.heading == "Omar Baker"


def test_they_are_searched_by_name_and_come_in_pages(office: Office, hr: StrictClient) -> None:
    with office.app.app_context(), transaction():
        for n in range(PAGE_SIZE):
            make_person(office.school, forename=f"P{n:02}", surname="Nair")
        make_person(office.school, forename="Siân", surname="Nair-Zz")
    hr.get(office.records)
    assert "Showing 1 to 25 of 27 people" in hr.text
    hr.submit(button="Filter", name="nair")
    assert "Showing 1 to 25 of 26 people" in hr.text
    hr.follow("Next")
    assert people_shown(hr) == ["Siân Nair-Zz"]
    hr.get(f"{office.records}?name=nair&page=99")
    assert people_shown(hr) == ["Siân Nair-Zz"], "the last page there is"
    hr.submit(button="Filter", name="sian")
    assert people_shown(hr) == ["Siân Nair-Zz"]
    hr.submit(button="Filter", name="nobody")
    assert "Nobody who works here has that name." in hr.text
    hr.follow("Clear the filters")
    assert "of 27 people" in hr.text


def test_leavers_new_starters_and_other_schools_of_the_trust_are_not_listed(
    office: Office, hr: StrictClient
) -> None:
    def add_schools() -> None:
        trust = add_school("Trust", host="countersign.test")
        make_person(trust, forename="Of", surname="Trust")
        session.merge(office.school).parent_id = trust.id
        sister = add_school("Sister", host="countersign.test", parent=trust)
        make_person(sister, forename="At", surname="Sister")

    office.do(add_schools)
    office.add(forename="Ann", surname="Gone", ends=NOW.date() - timedelta(days=1))
    office.add(forename="Bob", surname="Soon", starts=NOW.date() + timedelta(days=1))
    hr.get(office.records)
    assert people_shown(hr) == ["Meera Zane"]
    assert "1 more person starts later" in hr.text
    hr.get(f"{office.records}?name=soon")
    assert "1 person starts later" in hr.text
    hr.follow("Bob Soon")
    assert hr.heading == "Bob Soon"
    hr.get(f"{office.records}?name=gone")
    assert people_shown(hr) == []
    hr.follow("Ann Gone")
    assert hr.heading == "Ann Gone"
    for name in ("sister", "trust"):
        hr.get(f"{office.records}?name={name}")
        assert people_shown(hr) == []
        assert "By that name" not in hr.text


def test_who_holds_two_engagements_is_one_person(office: Office, hr: StrictClient) -> None:
    def also_a_governor() -> None:
        engage(person, office.school.id, EngagementType.GOVERNOR, starts=date(2026, 9, 4), now=BEFORE)

    person = office.add(forename="Ada", surname="Adams")
    office.do(also_a_governor)
    hr.get(office.records)
    assert people_shown(hr) == ["Ada Adams", "Meera Zane"]
    assert cells(hr, "Engagement type") == ["Teacher", "Teacher"]
    assert "of 2 people" in hr.text


def test_an_earlier_day_shows_who_was_on_record_then(office: Office, hr: StrictClient, time: Clock) -> None:
    person = office.add(forename="Ada", surname="Adams", starts=date(2026, 9, 3))
    time.now = NOW + timedelta(days=10)
    office.do(lambda: end_engagement(engagement_of(person), ends=date(2026, 9, 4), now=time.now))
    hr.get(office.records)
    assert people_shown(hr) == ["Meera Zane"]
    hr.submit(button="Show that day", as_at=["7", "9", "2026"])
    assert "Nothing was assigned by the end of 7 September 2026." in hr.text
    assert people_shown(hr) == ["Ada Adams", "Meera Zane"], "that she had left was recorded later"
    hr.submit(button="Show that day", as_at=["2", "9", "2026"])
    assert people_shown(hr) == ["Meera Zane"]
    assert "1 more person starts after that day" in hr.text
    hr.submit(button="Show that day", as_at=["5", "8", "2026"])
    assert "There is nobody to show for that day." in hr.text


def test_the_list_is_exported_as_the_training_record(office: Office, hr: StrictClient) -> None:
    office.add(forename="Ada", surname="Adams")
    hr.get(office.records)
    hr.follow("Export the list")
    response = hr.submit(button="Make the file", format="csv")
    assert "Adams" in response.get_data(as_text=True)
    response.close()


def test_the_list_takes_no_more_queries_as_the_school_grows(
    app: Flask, office: Office, hr: StrictClient
) -> None:
    few = queries(app, hr, office.records)
    with app.app_context(), transaction():
        for n in range(40):
            make_person(office.school, forename=f"P{n}", department=f"D{n}")
    assert queries(app, hr, office.records) == few <= 8


def test_an_odd_address_still_lists_them(office: Office, hr: StrictClient) -> None:
    for query in ("?type=wizard", "?status=signed", "?page=0", "?page=999999", "?name=%00", "?item=x"):
        assert hr.get(office.records + query).status_code == 200
        assert people_shown(hr) == ["Meera Zane"]
