"""HR's pages about reminders: switched on, scheduled, worded, kept to term, sent by hand, and listed."""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import UTC, date, datetime

import pytest
import sqlalchemy as sa
from flask import Flask

from lms import jobs
from lms.audit import Event
from lms.db import session, transaction
from lms.mail import Message, MessageState
from lms.reminder_settings import ReminderSettings, enter_days, schedules, school_days
from lms.school_days import Days, DaysKind, SchoolDays
from tests.client import StrictClient
from tests.conftest import Clock
from tests.counting import queries
from tests.web.office import Office

pytestmark = pytest.mark.usefixtures("time")


@pytest.fixture
def office(app: Flask) -> Office:
    return Office(app)


@pytest.fixture
def hr(office: Office, client: StrictClient) -> StrictClient:
    client.sign_in_as(office.hr.id)
    return client


def messages(app: Flask) -> Sequence[Message]:
    with app.app_context(), transaction(write=False):
        return session.scalars(sa.select(Message).order_by(Message.queued_at, Message.address)).all()


def days_of(office: Office) -> SchoolDays:
    found: SchoolDays = office.do(school_days, [office.school.id])[office.school.id]
    return found


def test_reminders_are_switched_on_scheduled_and_worded_by_hr(office: Office, hr: StrictClient) -> None:
    office.add(forename="Priya", surname="Nair", email=None)
    hr.get(office.records)
    hr.follow("Reminders by e-mail")
    assert "Reminders are off" in hr.text
    assert "No term dates are entered, so letters leave in the school holidays too." in hr.text
    assert "Cannot be reminded by e-mail: 1 They have" in hr.text
    assert "Priya Nair: no e-mail address on record" in hr.text

    hr.follow("Switch reminders on")
    hr.submit(button="Save", is_on="y", head_email="nobody", escalate_after="0")
    assert "Enter an address like head@school.sch.uk" in hr.text
    assert "Enter a number of days from 1 to 180" in hr.text
    hr.submit(button="Save", is_on="y", head_email="head@school.test", escalate_after="30")
    assert "Saved. Reminders are on." in hr.text
    assert "The head (head@school.test) gets a list of who is 30 or more days late" in hr.text

    hr.follow("Change the days for Social media policy")
    hr.submit(button="Save", before="soon", after="1")
    assert "Enter the days before as numbers from 1 to 30, for example 7, 1" in hr.text
    hr.submit(button="Save", before="3", after="")
    assert "3 days before, on the day it is due" in hr.text
    assert office.do(schedules, [office.school.id]) == {office.assignment.id: (-3, 0)}

    text = f"{office.records}/reminders/texts/reminder"
    hr.get(text)
    assert "- Social media policy: due by 30 September 2026" in hr.text, "an example is shown at once"
    hr.submit(button="Save", step="save", subject="For {who}", body="{list}")
    assert "{who} means nothing in this letter. You can use {name}" in hr.text
    assert "Put {link} into the text" in hr.text
    hr.submit(button="Preview", step="preview", subject="Annwyl {name}", body="% if % {list}\n{link}")
    assert "Subject: Annwyl Tomos % if % - Social media policy" in hr.text
    assert hr.address == text
    hr.submit(button="Save", step="save")
    assert "Reminder, in your own words" in hr.text
    hr.get(text)
    hr.submit(button="Go back", step="usual")
    assert "in your own words" not in hr.text
    assert hr.get(f"{office.records}/reminders/texts/other").status_code == 404
    assert [entry.details["names"] for entry in office.audited(Event.REMINDERS_CHANGED)] == [
        "is_on head_email escalate_after",
        f"schedule {office.assignment.id}",
        "text reminder",
        "text reminder",
    ]


def test_term_dates_are_typed_or_read_from_a_file_and_looked_at_before_they_count(
    office: Office, hr: StrictClient
) -> None:
    hr.get(f"{office.records}/reminders/terms")
    hr.submit(button="Enter", words="", first=["1", "9", "2026"], last=["1", "9", "2025"])
    assert "Enter a name, such as Autumn term" in hr.text
    assert "The last day can’t be before the first" in hr.text
    hr.submit(
        button="Enter", words="Autumn term", kind="term", first=["1", "9", "2026"], last=["18", "12", "2026"]
    )
    assert "Letters leave only in the terms you entered, up to 18 December 2026." in hr.text

    hr.submit(button="Read it", file=(io.BytesIO(b"MZ\x00 rubbish"), "terms.ics"))
    assert "That file is no calendar" in hr.text
    events = "".join(
        f"BEGIN:VEVENT\r\nUID:{n}\r\nSUMMARY:{words}\r\nDTSTART;VALUE=DATE:{first}\r\nDTEND;VALUE=DATE:{end}\r\n"
        "END:VEVENT\r\n"
        for n, (words, first, end) in enumerate(
            [
                ("<b>Half-term</b>", "20261026", "20261031"),
                ("Christmas fair", "20261205", "20261206"),
                ("Spring term", "20270104", "20270326"),
            ]
        )
    )
    content = f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\n{events}END:VCALENDAR\r\n".encode()
    hr.submit(button="Read it", file=(io.BytesIO(content), "terms.ics"))
    assert hr.heading == "What is in the file"
    assert days_of(office).known_until == date(2026, 12, 18), "nothing is entered yet"
    hr.submit(button="Enter these", step="enter")
    assert "Entered: 2." in hr.text
    assert days_of(office).known_until == date(2027, 3, 25)
    assert not days_of(office).is_school_day(date(2026, 10, 28))
    assert days_of(office).is_school_day(date(2026, 12, 4))
    assert "<b>Half-term</b>" in hr.text

    hr.submit(button="Take out <b>Half-term</b> from 26 October 2026")
    assert days_of(office).is_school_day(date(2026, 10, 28))
    assert [entry.details["days"] for entry in office.audited(Event.TERM_DATES_CHANGED)] == [1, 2, -1]


def test_those_in_a_filtered_list_are_reminded_by_hand_after_a_look(
    app: Flask, office: Office, hr: StrictClient, time: Clock
) -> None:
    office.add(forename="Priya", surname="Nair", email="priya@school.test", department="Maths")
    office.add(forename="Sam", surname="Patel", email=None, department="Maths")
    office.add(forename="Tomos", surname="Hughes", email="tomos@school.test", department="Art")
    hr.get(f"{office.records}?department=Maths&status=overdue&name=q")
    assert not hr.page.xpath("//a[contains(., 'Remind th')]"), "nobody is in the list"
    hr.get(f"{office.records}?department=Maths&status=overdue")
    hr.follow("Remind these 2 now")
    assert hr.heading == "Remind 1 person now"
    assert "Priya Nair, priya@school.test" in hr.text
    assert "Sam Patel: no e-mail address on record" in hr.text
    assert "Tomos" not in hr.text
    assert "To read and sign for Ysgol Môr Hello Priya," in hr.text, "the letter is shown"
    assert messages(app) == []
    hr.submit(button="Send 1 reminder", step="send")
    assert hr.heading == "Reminders sent by hand"
    hr.get(f"{office.records}/reminders")
    assert "Waiting, leaves from 7 September 2026, 9:30am" in hr.text
    [message] = messages(app)
    assert (message.address, message.state) == ("priya@school.test", MessageState.QUEUED)

    hr.get(f"{office.records}/reminders/now?department=Maths")
    assert "They already had a reminder that day." in hr.text
    hr.submit(button="Send to them, another one that day", step="again")
    assert len(messages(app)) == 2
    [first, second] = office.audited(Event.REMINDED_BY_HAND)
    for entry in (first, second):
        mailing = entry.details.pop("mailing")
        assert entry.details == {"assignment": str(office.assignment.id), "people": 1}
        assert hr.get(f"{office.records}/reminders/mailings/{mailing}").status_code == 200
    time.now = datetime(2026, 9, 7, 9, 5, tzinfo=UTC)
    office.do(_switch_on, office)
    with app.app_context():
        jobs.plan_reminders()
    later = [message.address for message in messages(app)[2:]]
    assert "tomos@school.test" in later
    assert "priya@school.test" not in later, "she had one today"


def _switch_on(office: Office) -> None:
    session.add(
        ReminderSettings(
            organisation_id=office.school.id,
            is_on=True,
            head_email=None,
            escalate_after=21,
            managers_weekly=False,
            texts={},
        )
    )


def test_a_second_press_or_a_list_that_changed_asks_again_and_sends_nothing(
    app: Flask, office: Office, hr: StrictClient
) -> None:
    office.add(forename="Priya", surname="Nair", email="priya@school.test")
    address = f"{office.records}/reminders/now?name=nair"
    hr.get(address)
    form = dict(next(iter(hr.page.xpath("//main//form"))).form_values())
    office.add(forename="Mair", surname="Nair", email="mair@school.test")
    hr.post(address, data={**form, "step": "send"})
    assert "This has changed since you opened the page" in hr.text
    assert messages(app) == []
    hr.submit(button="Send 2 reminders", step="send")
    assert len(messages(app)) == 2
    hr.post(address, data={**form, "step": "send"})
    assert "All of them already had a reminder that day" in hr.text
    assert len(messages(app)) == 2


def test_at_night_a_reminder_by_hand_waits_and_after_the_last_term_none_is_taken(
    app: Flask, office: Office, hr: StrictClient, time: Clock
) -> None:
    office.add(forename="Priya", surname="Nair", email="priya@school.test")
    time.now = datetime(2026, 9, 11, 20, 0, tzinfo=UTC)
    address = f"{office.records}/reminders/now?name=nair"
    hr.get(address)
    assert "The school is closed now, so the letters leave on 14 September 2026, 8:00am." in hr.text
    hr.submit(button="Send 1 reminder", step="send")
    assert "1 waits until the school opens on 14 September 2026, 8:00am." in hr.text
    [message] = messages(app)
    assert message.next_at == datetime(2026, 9, 14, 7, 0, tzinfo=UTC)
    over = Days(DaysKind.TERM, date(2026, 9, 1), date(2026, 9, 4), "A short term")
    office.do(enter_days, office.school.id, [over])
    hr.get(address)
    assert "The terms you entered are over, so nothing can be sent." in hr.text
    assert not hr.page.xpath("//button[contains(., 'Send')]")


def test_the_pages_dont_ask_more_of_the_database_as_the_school_grows(
    app: Flask, office: Office, hr: StrictClient
) -> None:
    office.add(surname="One", email=None)
    pages = [f"{office.records}/reminders", f"{office.records}/reminders/now"]
    few = [queries(app, hr, address) for address in pages]
    for number in range(8):
        office.add(surname=f"More {number}", email=None if number % 2 else f"x{number}@school.test")
    assert [queries(app, hr, address) for address in pages] == few
    assert max(few) <= 16
