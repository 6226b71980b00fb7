"""What HR sees and does on the records page, on a person's page and at exports; and what a manager sees."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable
from datetime import date, timedelta
from io import BytesIO
from typing import Any
from uuid import UUID, uuid4

import openpyxl
import pytest
import sqlalchemy as sa
from flask import Flask
from werkzeug.test import TestResponse

from lms import help_requests, training
from lms.audit import AuditEntry, Event
from lms.db import session, transaction
from lms.help_requests import HelpKind
from lms.people import EngagementType, Person, RoleName, end_engagement, give_role
from lms.standings import PAGE_SIZE
from lms.training import Exemption
from tests.client import StrictClient
from tests.conftest import NOW, Clock
from tests.factories import engagement_of, make_assignment, make_person, make_policy, make_school
from tests.signers import decline, sign
from tests.web.practice import counted

pytestmark = pytest.mark.usefixtures("time")


class Office:
    """A school with one policy for everyone, due on 4 September, and somebody in HR."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        with app.app_context(), transaction():
            self.school = make_school("Ysgol Môr")
            self.assignment = make_assignment(self.school, make_policy(self.school), due_days=3)
            self.hr = make_person(self.school, forename="Meera", surname="Zane", role=RoleName.HR)
        self.records = f"/schools/{self.school.slug}/records"

    def add(self, **values: Any) -> Person:
        with self.app.app_context(), transaction():
            return make_person(self.school, **values)

    def do(self, work: Callable[..., Any], *args: Any, **values: Any) -> Any:
        """Do something in a transaction of its own, as another request would."""
        with self.app.app_context(), transaction():
            return work(*args, **values)

    def page_of(self, person: Person) -> str:
        return f"{self.records}/people/{person.id}"

    def audited(self, event: Event) -> list[AuditEntry]:
        with self.app.app_context(), transaction():
            return list(session.scalars(sa.select(AuditEntry).where(AuditEntry.event == event)))


@pytest.fixture
def office(app: Flask) -> Office:
    return Office(app)


@pytest.fixture
def hr(client: StrictClient, office: Office) -> StrictClient:
    client.sign_in_as(office.hr.id)
    return client


def people_shown(client: StrictClient) -> list[str]:
    return [
        " ".join(name.split())
        for name in client.page.xpath("//table[@role='table']/tbody/tr/th//text()")
        if name.strip()
    ]


def cells(client: StrictClient, label: str) -> list[str]:
    found = client.page.xpath(f"//td[@data-label='{label}']")
    return [" ".join(cell.text_content().split()) for cell in found]


def tiles(client: StrictClient) -> dict[str, str]:
    return {
        tile.xpath("string(.//*[@class='app-tile__word'])"): tile.xpath(
            "string(.//*[@class='app-tile__count'])"
        )
        for tile in client.page.xpath("//li[contains(@class, 'app-tile')]")
    }


def test_the_page_counts_everybody_and_lists_them(app: Flask, office: Office, hr: StrictClient) -> None:
    signed = office.add(forename="Ada", surname="Adams", department="Art")
    office.do(sign, app, office.school, signed)
    office.add(type=EngagementType.GOVERNOR, surname="Baker", starts=date(2026, 9, 7))
    hr.get(office.records)
    assert tiles(hr) == {"Signed": "1", "In progress": "0", "Overdue": "1", "Not started": "1"}
    assert people_shown(hr) == ["Ada Adams", "Priya Baker", "Meera Zane"]
    assert cells(hr, "Status") == ["Signed", "Not started", "Overdue"]
    assert cells(hr, "Signed") == ["7 September 2026, 9:30am", "—", "—"]
    assert cells(hr, "Due") == ["7 September 2027", "10 September 2026", "4 September 2026"]
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


def test_the_page_asks_at_most_eight_things_of_the_database_however_many_people(
    app: Flask, office: Office, hr: StrictClient
) -> None:
    def asked() -> int:
        with counted(app) as sent:
            hr.get(office.records)
        return len([s for s in sent if s.lstrip().upper().startswith(("SELECT", "WITH"))])

    few = asked()
    with app.app_context(), transaction():
        for n in range(40):
            make_person(office.school, forename=f"P{n}", department=f"D{n}")
        for n in range(3):
            person = make_person(office.school, forename=f"Q{n}")
            help_requests.ask(office.school, person.id, office.assignment.id, HelpKind.QUESTION, "?", NOW)
    assert asked() == few <= 8


def ask_for_help(office: Office, person: Person) -> UUID:
    asked = office.do(
        lambda: help_requests.ask(
            office.school, person.id, office.assignment.id, HelpKind.QUESTION, "Do I\nremove her?", NOW
        )
    )
    identity: UUID = asked.id
    return identity


def test_a_request_for_help_stays_until_it_is_dealt_with(office: Office, hr: StrictClient) -> None:
    ask_for_help(office, office.add(forename="Daniel", surname="Adams"))
    hr.get(office.records)
    assert "Asked for help (1)" in hr.text
    assert "Daniel Adams: has a question" in hr.text
    hr.submit(button="Dealt with")
    assert "The request stays on the person’s page" in hr.text
    assert "Asked for help" not in hr.text
    (entry,) = office.audited(Event.HELP_ANSWERED)
    assert entry.actor_id == office.hr.id
    hr.follow("Daniel Adams")
    assert "Dealt with 7 September 2026, 9:30am." in hr.text


def test_a_request_dealt_with_twice_is_dealt_with_once(office: Office, hr: StrictClient) -> None:
    request_id = ask_for_help(office, office.add(surname="Adams"))
    hr.get(office.records)
    token = hr.page.xpath("string(//input[@name='csrf_token']/@value)")
    for _ in range(2):
        hr.post(
            f"{office.records}/requests/{request_id}/settle", data={"csrf_token": token, "back": "person"}
        )
    assert len(office.audited(Event.HELP_ANSWERED)) == 1


def test_another_schools_request_person_and_assignment_are_not_found(
    app: Flask, office: Office, hr: StrictClient
) -> None:
    elsewhere = Office.__new__(Office)
    elsewhere.app = app
    with app.app_context(), transaction():
        elsewhere.school = make_school()
        elsewhere.assignment = make_assignment(elsewhere.school, make_policy(elsewhere.school))
    person = elsewhere.add(surname="Elsewhere")
    request_id = ask_for_help(elsewhere, person)
    mine = office.add(surname="Mine")
    hr.get(f"{office.records}/exports")
    token = {"csrf_token": hr.page.xpath("string(//input[@name='csrf_token']/@value)")}
    assert hr.get(office.page_of(person)).status_code == 404
    assert hr.post(f"{office.records}/requests/{request_id}/settle", data=token).status_code == 404
    assert hr.get(f"{office.page_of(mine)}/not-required/{elsewhere.assignment.id}").status_code == 404
    assert hr.get(f"{office.page_of(person)}/not-required/{office.assignment.id}").status_code == 404


def test_a_persons_page_tells_the_whole_history(app: Flask, office: Office, hr: StrictClient) -> None:
    manager = office.add(forename="Rhian", surname="Owen")
    person = office.add(forename="Samuel", surname="Adams", department="Art", manager=manager, known_as="Sam")
    office.do(decline, app, office.school, person, reason="My union is still\ndiscussing it.")
    signed = office.do(sign, app, office.school, person, now=NOW + timedelta(minutes=5))
    office.do(lambda: end_engagement(session.merge(engagement_of(person)), ends=date(2026, 12, 18), now=NOW))
    hr.get(office.page_of(person))
    assert hr.heading == "Samuel Adams"
    for words in (
        "Known as Sam.",
        "My union is still discussing it.",
        "Only HR and administrators see this reason.",
        "7 September 2026, 9:35am. Opened a one-use link sent to their own work e-mail.",
        "Rhian Owen",
        "18 December 2026",
        "How it was recorded before",
    ):
        assert words in hr.text
    links = hr.page.xpath("//ol//a/@href")
    assert links[1] == f"/receipts/{signed.id}"
    hr.get(links[1])
    assert hr.heading.startswith("Receipt") or "Samuel Adams" in hr.text


def test_a_leavers_page_stays(app: Flask, office: Office, hr: StrictClient) -> None:
    person = office.add(surname="Adams")
    office.do(sign, app, office.school, person)
    office.do(lambda: end_engagement(session.merge(engagement_of(person)), ends=date(2026, 9, 1), now=NOW))
    hr.get(office.page_of(person))
    assert "(ended)" in hr.text
    assert cells(hr, "Status") == ["Signed"]


def excuse(hr: StrictClient, office: Office, person: Person, **fields: Any) -> TestResponse:
    hr.get(f"{office.page_of(person)}/not-required/{office.assignment.id}")
    wanted = {"reason": "Maternity leave", "how_long": "until", "until": ["31", "12", "2026"], **fields}
    return hr.submit(button="Save", **wanted)


def test_not_required_is_recorded_shown_and_lifted(office: Office, hr: StrictClient) -> None:
    person = office.add(surname="Adams")
    excuse(hr, office, person)
    assert cells(hr, "Status") == ["Not required"]
    assert "Social media policy, until 31 December 2026" in hr.text
    assert "Maternity leave" in hr.text
    hr.follow("Change “not required”")
    hr.submit(button="Require it again")
    assert cells(hr, "Status") == ["Overdue"]
    assert "(ended 7 September 2026, 9:30am)" in hr.text
    for event in (Event.EXEMPTION_SAVED, Event.EXEMPTION_LIFTED):
        (entry,) = office.audited(event)
        assert (entry.subject_id, entry.details) == (person.id, {"assignment": str(office.assignment.id)})


def test_not_required_for_good_has_no_last_day(app: Flask, office: Office, hr: StrictClient) -> None:
    person = office.add(surname="Adams")
    excuse(hr, office, person, how_long="for-good")
    with app.app_context(), transaction(write=False):
        assert session.scalar(sa.select(Exemption.until)) is None
    assert ", for good" in hr.text


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"reason": "  "}, "Say why it is not required"),
        ({"reason": "x" * 501}, "no more than 500 characters"),
        ({"how_long": ""}, "Choose until when"),
        ({"until": ["", "", ""]}, "Enter the last day on which it is not required"),
        ({"until": ["6", "9", "2026"]}, "Enter today or a later day"),
        ({"until": ["32", "9", "2026"]}, "Enter a real day"),
    ],
)
def test_a_mistake_about_not_required_is_said_and_nothing_is_kept(
    office: Office, hr: StrictClient, fields: dict[str, Any], message: str
) -> None:
    response = excuse(hr, office, office.add(surname="Adams"), **fields)
    assert response.status_code == 400
    assert message in hr.text
    assert office.audited(Event.EXEMPTION_SAVED) == []
    assert "Worried about a child?" in hr.text


def test_what_isnt_asked_of_somebody_cant_be_called_not_required(office: Office, hr: StrictClient) -> None:
    office.do(lambda: training.withdraw(session.merge(office.assignment), NOW))
    person = office.add(surname="Adams")
    page = f"{office.page_of(person)}/not-required/{office.assignment.id}"
    assert hr.get(page).status_code == 404
    for_governors = office.do(
        lambda: make_assignment(
            office.school, make_policy(office.school, slug="b", label="2"), audience=[EngagementType.GOVERNOR]
        )
    )
    assert hr.get(f"{office.page_of(person)}/not-required/{for_governors.id}").status_code == 409
    assert "doesn’t have to sign that" in hr.text


def test_a_person_nobody_knows_is_not_found(office: Office, hr: StrictClient) -> None:
    assert hr.get(f"{office.records}/people/{uuid4()}").status_code == 404


@pytest.mark.parametrize("report", ["training-record", "attestation-register"])
@pytest.mark.parametrize("format_", ["xlsx", "csv"])
def test_an_export_is_a_file_named_for_the_day_and_is_audited(
    office: Office, hr: StrictClient, report: str, format_: str
) -> None:
    office.add(forename="Siân", surname="Adams")
    hr.get(office.records)
    hr.follow("Choose what to export")
    response = hr.submit(button="Make the file", report=report, format=format_)
    assert response.status_code == 200
    assert f"{report}-ysgol-mor-2026-09-07.{format_}" in response.headers["Content-Disposition"]
    assert int(response.headers["Content-Length"]) == len(response.data)
    response.close()
    (entry,) = office.audited(Event.EXPORTED)
    digest = hashlib.sha256(response.data).hexdigest()
    assert entry.details == {"report": report, "rows": 2, "sha256": digest}
    assert entry.actor_id == office.hr.id


def test_an_export_takes_the_filters_and_the_day_from_the_page(
    app: Flask, office: Office, hr: StrictClient
) -> None:
    office.add(forename="Siân", surname="Adams", department="Art")
    hr.get(f"{office.records}?department=Art&as_at=2026-09-05")
    hr.follow("Choose what to export, with these filters")
    response = hr.submit(button="Make the file")
    assert "training-record-ysgol-mor-2026-09-05.xlsx" in response.headers["Content-Disposition"]
    book = openpyxl.load_workbook(BytesIO(response.data))
    response.close()
    assert [row[1].value for row in book["Record"].iter_rows(min_row=2)] == ["Adams"]
    about = {row[0].value: row[1].value for row in reversed(list(book["About"].iter_rows()))}
    assert about["Filters"] == "Department: Art"
    assert about["As at"] == "5 September 2026"
    assert about["Made by"] == "Meera Zane"


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"report": "payroll"}, "Choose a report"),
        ({"format": "pdf"}, "Choose a kind of file"),
        ({"as_at": ["8", "9", "2026"]}, "Choose today or an earlier day"),
    ],
)
def test_an_export_that_cant_be_is_refused_in_words(
    office: Office, hr: StrictClient, fields: dict[str, Any], message: str
) -> None:
    hr.get(f"{office.records}/exports")
    response = hr.submit(button="Make the file", **fields)
    assert response.status_code == 400
    assert message in hr.text
    assert office.audited(Event.EXPORTED) == []


def test_without_room_for_the_file_there_is_a_sentence_and_no_audit(
    office: Office, hr: StrictClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    hr.get(f"{office.records}/exports")
    monkeypatch.setattr(tempfile, "tempdir", "/nowhere/to/be/found")
    response = hr.submit(button="Make the file")
    assert response.status_code == 503
    assert "No report was made" in hr.text
    assert office.audited(Event.EXPORTED) == []


@pytest.fixture
def manager(app: Flask, office: Office) -> StrictClient:
    """The browser of the head of mathematics."""
    person = office.add(forename="Rhian", surname="Owen", role=RoleName.MANAGER)
    mine = office.add(forename="Mine", surname="Adams", manager=person, department="Maths")
    also = office.add(forename="Also", surname="Baker", manager=person)
    excused = office.add(forename="Excused", surname="Cole", manager=person)
    office.add(forename="Not", surname="Mine")
    office.do(sign, app, office.school, mine)
    office.do(decline, app, office.school, also, reason="Secret")
    office.do(lambda: training.exempt(office.assignment, excused.id, reason="Ill", until=None, now=NOW))
    client = app.test_client()
    assert isinstance(client, StrictClient)
    client.sign_in_as(person.id)
    return client


def test_a_manager_sees_done_or_not_done_of_their_own_team_and_nothing_else(
    office: Office, manager: StrictClient
) -> None:
    manager.get(office.records)
    assert people_shown(manager) == ["Mine Adams", "Also Baker"]
    assert cells(manager, "Status") == ["Done", "Not done"]
    assert "1 of 2 done." in manager.text
    page = manager.page.text_content().lower()
    for word in ("declined", "overdue", "secret", "not required", "september", "export"):
        assert word not in page
    assert manager.page.xpath("//table//a") == []


def test_a_manager_filters_their_team(office: Office, manager: StrictClient) -> None:
    manager.get(office.records)
    manager.submit(button="Filter", done="no")
    assert people_shown(manager) == ["Also Baker"]
    manager.submit(button="Filter", done="yes", name="baker")
    assert "Nobody matches these filters." in manager.text


def test_a_manager_opens_nobodys_page_and_exports_nothing(office: Office, manager: StrictClient) -> None:
    for address in (office.page_of(office.hr), f"{office.records}/exports", f"{office.records}/assignments"):
        assert manager.get(address).status_code == 403


def test_hr_who_also_manages_sees_everybody(office: Office, hr: StrictClient) -> None:
    office.do(lambda: give_role(session.merge(office.hr), office.school.id, RoleName.MANAGER))
    hr.get(office.records)
    assert hr.heading == "Staff records"


def test_a_name_is_shown_as_text_whatever_is_in_it(office: Office, hr: StrictClient) -> None:
    person = office.add(forename="<b>Bobby</b>", surname="'; --", department="<script>")
    hr.get(office.records)
    assert person.name in people_shown(hr)
    assert not hr.page.xpath("//main//b")
