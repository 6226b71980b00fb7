"""The link on the records page that reminds those of a list, and the page where nobody is left to remind."""

from __future__ import annotations

from datetime import date

import pytest
from flask import Flask

from lms import absences
from lms.audit import Event
from lms.db import transaction
from lms.standings import PAGE_SIZE
from tests.client import StrictClient
from tests.conftest import NOW
from tests.factories import make_person
from tests.signers import decline, sign
from tests.web.office import Office

pytestmark = pytest.mark.usefixtures("time")


def links(client: StrictClient) -> list[str]:
    return [" ".join(a.text_content().split()) for a in client.page.xpath("//a[starts-with(., 'Remind th')]")]


def test_the_link_counts_whom_it_may_remind_and_not_who_has_signed(
    app: Flask, office: Office, hr: StrictClient
) -> None:
    office.add(forename="Ada", surname="Adams")
    office.do(sign, app, office.school, office.add(forename="Omar", surname="Baker"))
    office.do(decline, app, office.school, office.add(forename="Tomos", surname="Hughes"), reason="")
    someone = office.add(forename="Sam", surname="Patel")
    days = {"starts": date(2026, 9, 2), "ends": None, "reason": None}
    office.do(absences.record_absence, someone, office.school.id, **days, by=None, now=NOW)
    hr.get(office.records)
    assert links(hr) == ["Remind the 2 of them who have something to sign"]
    hr.follow("Remind the 2 of them")
    assert hr.heading == "Remind 2 people now"
    hr.get(f"{office.records}?name=a")
    hr.follow("Remind the 2 of them")
    hr.get(f"{office.records}?status=overdue&name=adams")
    assert links(hr) == ["Remind this person now"]
    hr.get(f"{office.records}?name=patel")
    assert links(hr) == []
    assert "there is nobody to remind" in hr.text


def test_a_list_of_several_pages_is_not_counted_for_the_link(
    app: Flask, office: Office, hr: StrictClient
) -> None:
    with app.app_context(), transaction():
        for n in range(PAGE_SIZE):
            make_person(office.school, forename=f"P{n}")
    office.do(sign, app, office.school, office.add(forename="Omar", surname="Baker"))
    hr.get(office.records)
    assert links(hr) == ["Remind those of them who have something to sign"]
    hr.follow("Remind those of them")
    assert hr.heading == "Remind 26 people now"


def test_where_nobody_is_left_to_remind_both_pages_say_so(
    app: Flask, office: Office, hr: StrictClient
) -> None:
    office.do(sign, app, office.school, office.hr)
    hr.get(office.records)
    assert links(hr) == []
    assert "Nobody on this list has anything to sign now" in hr.text
    hr.get(f"{office.records}/reminders/now?status=signed")
    assert hr.heading == "Nobody to remind"
    assert hr.page.xpath("string(//title)").startswith("Nobody to remind")
    assert "Nobody under these filters has anything to sign now, so no reminder is sent." in hr.text
    assert "Left out, because they have signed: 1." in hr.text


def test_a_press_that_would_send_nothing_says_so(office: Office, hr: StrictClient) -> None:
    office.add(forename="Ada", surname="Adams")
    address = f"{office.records}/reminders/now?name=adams"
    hr.get(address)
    hr.submit(button="Send 1 reminder", step="send")
    hr.get(address)
    response = hr.submit(button="Send to them, another one that day", step="send")
    assert response.status_code == 200
    assert "Nothing was sent just now." in hr.text
    assert len(office.audited(Event.REMINDED_BY_HAND)) == 1
