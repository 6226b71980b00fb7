"""The records page: counts, filters, order, pages, earlier days."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from flask import Flask

from lms import help_requests, training
from lms.db import session, transaction
from lms.help_requests import HelpKind
from lms.people import EngagementType
from lms.standings import PAGE_SIZE
from tests.client import StrictClient
from tests.conftest import NOW, Clock
from tests.counting import counted
from tests.factories import BEFORE, make_assignment, make_person, make_policy
from tests.signers import decline, sign
from tests.web.office import Office, cells, people_shown, tiles

pytestmark = pytest.mark.usefixtures("time")


def test_the_page_counts_everybody_and_lists_them(app: Flask, office: Office, hr: StrictClient) -> None:
    signed = office.add(forename="Ada", surname="Adams", department="Art")
    office.do(sign, app, office.school, signed)
    office.add(type=EngagementType.GOVERNOR, surname="Baker", starts=date(2026, 9, 7))
    hr.get(office.records)
    assert tiles(hr) == {"Signed": "1", "In progress": "0", "Overdue": "1", "Not started": "1"}
    assert people_shown(hr) == ["Ada Adams", "Priya Baker", "Meera Zane"]
    assert cells(hr, "Status") == ["Signed", "Not started", "Overdue"]
    assert cells(hr, "Signed") == ["7 September 2026, 9:30am", "—", "—"]
    assert cells(hr, "Due") == ["before 7 September 2027", "10 September 2026", "4 September 2026"]
    assert "Social media policy, version 1." in hr.text


def test_a_tile_opens_the_people_it_counts(app: Flask, office: Office, hr: StrictClient) -> None:
    office.do(sign, app, office.school, office.add(surname="Adams"))
    hr.get(office.records)
    hr.follow("Signed")
    assert people_shown(hr) == ["Priya Adams"]
    assert "Showing 1 to 1 of 1 person" in hr.text


def test_rarer_statuses_are_linked_words(app: Flask, office: Office, hr: StrictClient) -> None:
    hr.get(office.records)
    assert "Also:" not in hr.text
    office.do(decline, app, office.school, office.add(surname="Adams"), reason="")
    hr.get(office.records)
    hr.follow("1 declined")
    assert people_shown(hr) == ["Priya Adams"]


def test_the_figures_are_in_a_table_under_the_bars(office: Office, hr: StrictClient) -> None:
    hr.get(office.records)
    (row,) = hr.page.xpath("//details//table/tbody/tr")
    assert " ".join(row.text_content().split()) == "Teacher1"


def test_filters_are_in_the_address_and_come_back_in_the_form(office: Office, hr: StrictClient) -> None:
    office.add(forename="Siân", surname="Llywelyn", department="Art")
    office.add(forename="Omar", surname="Haddad", department="Maths")
    hr.get(office.records)
    response = hr.submit(button="Filter", name="sian", department="Art")
    assert response.request.args["name"] == "sian"
    assert people_shown(hr) == ["Siân Llywelyn"]
    assert hr.page.xpath("string(//input[@name='name']/@value)") == "sian"
    assert hr.page.xpath("string(//select[@name='department']/option[@selected])") == "Art"
    hr.follow("Clear")
    assert len(people_shown(hr)) == 3


def test_a_heading_sorts_says_so_and_sorts_the_other_way(office: Office, hr: StrictClient) -> None:
    office.add(surname="Adams", starts=date(2026, 9, 7))
    hr.get(office.records)
    hr.follow("Due")
    assert people_shown(hr) == ["Meera Zane", "Priya Adams"]
    assert hr.page.xpath("//th[@aria-sort]/@aria-sort") == ["ascending"]
    hr.follow("Due")
    assert people_shown(hr) == ["Priya Adams", "Meera Zane"]
    assert hr.page.xpath("//th[@aria-sort]/@aria-sort") == ["descending"]


def test_pages_keep_what_was_asked_for(office: Office, hr: StrictClient) -> None:
    with office.app.app_context(), transaction():
        for n in range(PAGE_SIZE):
            make_person(office.school, forename=f"P{n:02}", department="Art")
        make_person(office.school, forename="Last", surname="Zz", department="Art")
    hr.get(f"{office.records}?department=Art&sort=name")
    hr.follow("Next")
    assert people_shown(hr) == ["Last Zz"]
    assert "Showing 26 to 26 of 26 people" in hr.text


@pytest.mark.parametrize(
    "query",
    ["?type=wizard", "?status=happy", "?sort=height", "?page=-1", "?page=0", "?page=x", "?page=999999", "?item=x",
     "?item=5f0c0c0e-0000-4000-8000-000000000000", "?name=%00", "?sort=-", "?page=٣"],
)  # fmt: skip
def test_an_odd_address_still_opens_the_page(office: Office, hr: StrictClient, query: str) -> None:
    assert hr.get(office.records + query).status_code == 200
    assert people_shown(hr) == ["Meera Zane"]


def test_an_earlier_day_shows_what_was_on_record_then(
    app: Flask, office: Office, hr: StrictClient, time: Clock
) -> None:
    teacher = office.add(surname="Adams")
    office.do(sign, app, office.school, teacher)
    time.now = NOW + timedelta(days=10)
    hr.get(office.records)
    hr.submit(button="Show that day", as_at=["6", "9", "2026"])
    assert "As was recorded by the end of 6 September 2026." in hr.text
    assert cells(hr, "Status") == ["Overdue", "Overdue"]
    hr.follow("Overdue")
    assert "6 September 2026" in hr.text, "the links keep the day"
    hr.follow("See today")
    assert cells(hr, "Status") == ["Overdue"], "and the filter, of which one has signed since"


def test_today_isnt_over_and_so_isnt_an_earlier_day(office: Office, hr: StrictClient) -> None:
    hr.get(f"{office.records}?as_at=2026-09-07")
    assert "As was recorded" not in hr.text
    assert people_shown(hr) == ["Meera Zane"]


def test_a_day_before_anything_was_assigned_says_so(office: Office, hr: StrictClient) -> None:
    hr.get(f"{office.records}?as_at=2026-01-05")
    assert "Nothing was assigned by the end of 5 January 2026." in hr.text


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        (["8", "9", "2026"], "Choose today or an earlier day"),
        (["31", "2", "2026"], "Enter a real day"),
        (["", "9", "2026"], "Enter a real day"),
        (["1", "9", "26"], "Enter a"),
        (["one", "two", "three"], "Enter a real day"),
    ],
)
def test_a_day_that_isnt_one_or_hasnt_come_is_refused_in_words(
    office: Office, hr: StrictClient, parts: list[str], message: str
) -> None:
    response = hr.get(office.records, query_string={"as_at": parts})
    assert response.status_code == 400
    assert message in hr.text
    assert hr.page.xpath("//input[@name='as_at']/@value") == parts


def test_nobody_matching_and_nothing_assigned_are_said(app: Flask, office: Office, hr: StrictClient) -> None:
    hr.get(f"{office.records}?name=nobody")
    assert "Nobody matches these filters." in hr.text
    office.do(lambda: training.withdraw(session.merge(office.assignment), NOW))
    hr.get(office.records)
    assert "Nothing is assigned yet" in hr.text


def test_a_name_finds_leavers_and_whoever_has_nothing_of_this_to_sign(
    office: Office, hr: StrictClient
) -> None:
    office.add(forename="Ann", surname="Gone", ends=date(2026, 9, 2))
    office.add(forename="Bob", surname="Gone")
    hr.get(f"{office.records}?name=gone")
    assert people_shown(hr) == ["Bob Gone"]
    hr.follow("Ann Gone")
    assert hr.heading == "Ann Gone"
    hr.get(f"{office.records}?name=ann")
    assert "Nobody matches these filters." in hr.text
    hr.follow("Ann Gone")
    hr.get(f"{office.records}?name=gone&type=teacher")
    assert "Ann Gone" not in hr.text, "another filter asks for something else"
    hr.get(office.records)
    assert "By that name" not in hr.text


def test_one_of_several_things_to_sign_is_chosen_and_kept(office: Office, hr: StrictClient) -> None:
    def add() -> training.Assignment:
        version = make_policy(
            office.school, slug="conduct", markdown="# C\n\n## 1. One\n\n**1.1** Be kind.\n"
        )
        return make_assignment(office.school, version, audience=[EngagementType.GOVERNOR])

    second = office.do(add)
    governor = office.add(type=EngagementType.GOVERNOR, surname="Owen")
    hr.get(office.records)
    hr.submit(button="Show", item=str(second.id))
    assert people_shown(hr) == ["Priya Owen"]
    hr.submit(button="Filter", name="owen")
    assert people_shown(hr) == [governor.name]
    assert hr.page.xpath("string(//select[@name='item']/option[@selected]/@value)") == str(second.id)


def test_what_the_page_opens_with_is_what_it_says_and_reminds_of(office: Office, hr: StrictClient) -> None:
    def add() -> None:
        version = make_policy(office.school, slug="codes", markdown="# C\n\n## 1. One\n\n**1.1** Be kind.\n")
        narrow, before = [EngagementType.GOVERNOR], BEFORE - timedelta(days=9)
        make_assignment(office.school, version, audience=narrow, now=before, due_days=3)

    office.do(add)
    hr.get(office.records)
    assert people_shown(hr) == ["Meera Zane"], "what most must sign"
    shown = hr.page.xpath("string(//select[@name='item']/option[@selected]/@value)")
    assert shown == str(office.assignment.id)
    hr.follow("Remind this person now")
    assert hr.heading == "Remind 1 person now"


def test_the_page_asks_at_most_eight_things_of_the_database_however_many_people(
    app: Flask, office: Office, hr: StrictClient
) -> None:
    def asked() -> int:
        with counted(app) as sent:
            hr.get(office.records)
        return len(sent)

    few = asked()
    with app.app_context(), transaction():
        for n in range(40):
            make_person(office.school, forename=f"P{n}", department=f"D{n}")
        for n in range(3):
            person = make_person(office.school, forename=f"Q{n}")
            help_requests.ask(office.school, person.id, office.assignment.id, HelpKind.QUESTION, "?", NOW)
    assert asked() == few <= 8


def test_a_name_is_shown_as_text_whatever_is_in_it(office: Office, hr: StrictClient) -> None:
    person = office.add(forename="<b>Bobby</b>", surname="'; --", department="<script>")
    hr.get(office.records)
    assert person.name in people_shown(hr)
    assert not hr.page.xpath("//main//b")
