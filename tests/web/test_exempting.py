"""Saying of several people at once, from a filtered list, that something is not required of them."""

from __future__ import annotations

from datetime import date, timedelta

from flask import Flask

from lms.audit import Event
from lms.db import session, transaction
from lms.training import Exemption
from tests.client import StrictClient
from tests.counting import counted
from tests.web.office import Office, cells, people_shown


def exemptions(app: Flask) -> list[tuple[str, date | None]]:
    with app.app_context(), transaction():
        return [(e.reason, e.until) for e in session.query(Exemption)]


def test_everybody_of_a_filtered_list_is_offered_and_whoever_stays_ticked_is_not_required(
    app: Flask, office: Office, hr: StrictClient
) -> None:
    for name in ("Ann", "Bob", "Cai"):
        office.add(forename=name, surname="Art", department="Art")
    office.add(forename="Dai", surname="Maths", department="Maths")
    hr.get(office.records, query_string={"department": "Art"})
    hr.follow("not required of these people")
    assert people_shown(hr) == ["Ann Art", "Bob Art", "Cai Art"]
    ids = hr.page.xpath("//input[@name='people'][@checked]/@value")
    assert len(ids) == 3
    hr.submit(people=ids[:2], reason="On a long trip", how_long="until", until=["31", "12", "2026"])
    assert "2 people are not required to sign." in hr.text
    assert people_shown(hr) == ["Ann Art", "Bob Art", "Cai Art"]
    assert cells(hr, "Status") == ["Not required", "Not required", "Overdue"]
    assert exemptions(app) == [("On a long trip", date(2026, 12, 31))] * 2
    entries = office.audited(Event.EXEMPTION_SAVED)
    assert [str(entry.subject_id) for entry in entries] == sorted(ids[:2])
    # What was recorded is not offered again.
    hr.follow("not required of these people")
    assert people_shown(hr) == ["Cai Art"]


def test_without_a_reason_or_anybody_ticked_nothing_is_saved_and_what_was_typed_is_kept(
    app: Flask, office: Office, hr: StrictClient
) -> None:
    office.add(forename="Ann", surname="Art")
    hr.get(office.records)
    hr.follow("not required of these people")
    assert hr.submit(people=[], reason="Trip", how_long="for-good").status_code == 400
    assert "Tick at least one person" in hr.text
    assert not hr.page.xpath("//input[@name='people'][@checked]")
    assert hr.page.xpath("string(//textarea)").strip() == "Trip"
    one = hr.page.xpath("//input[@name='people']/@value")[:1]
    assert hr.submit(people=one, reason="", how_long="for-good").status_code == 400
    assert hr.page.xpath("//input[@name='people'][@checked]/@value") == one
    assert exemptions(app) == []


def test_who_is_not_on_the_list_cannot_be_named_and_the_queries_do_not_grow(
    app: Flask, office: Office, hr: StrictClient
) -> None:
    away = office.add(ends=date(2026, 9, 1) + timedelta(days=1))
    address = f"{office.records}/not-required?item={office.assignment.id}"
    hr.get(address)
    assert hr.submit(people=[str(away.id)], reason="Trip", how_long="for-good").status_code == 409
    assert exemptions(app) == []
    with counted(app) as few:
        hr.get(address)
    for _ in range(30):
        office.add()
    with counted(app) as many:
        hr.get(address)
    assert len(many) == len(few)
    hr.submit(reason="Trip", how_long="for-good")
    assert len(exemptions(app)) == 31
    assert hr.get(f"{office.records}/not-required?item={away.id}").status_code == 404
