"""Two records that are one person's: merged, with what each signed as evidence, and earlier reports as they were."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask

from lms import record
from lms.attestations import Attestation
from lms.audit import Event
from lms.clock import end_of_day, london_day
from lms.db import session, transaction
from lms.people import Person, RoleName, people_with_email
from lms.schools import Organisation
from tests.client import StrictClient
from tests.conftest import NOW, Clock
from tests.factories import make_person
from tests.signers import sign
from tests.web.office import Office, cells

pytestmark = pytest.mark.usefixtures("time")


def as_reported(app: Flask, office: Office) -> list[record.RecordRow]:
    """The training record as at yesterday."""
    with app.app_context(), transaction(write=False):
        school = session.get_one(Organisation, office.school.id)
        return list(record.rows(record.scope_of(school, end_of_day(london_day(NOW)))))


def test_two_records_become_one_and_nothing_is_lost(
    app: Flask, office: Office, client: StrictClient, hr: StrictClient, time: Clock
) -> None:
    kept = office.add(forename="Ada", surname="Owen", email=None)
    other = office.add(forename="Ada", surname="Owen", email="ada@school.test")
    signed = office.do(sign, app, office.school, other, now=NOW)
    before = as_reported(app, office)
    time.now = NOW + timedelta(days=1)
    hr.get(office.page_of(kept))
    assert cells(hr, "Status") == ["Overdue"]
    hr.follow("On record twice?")
    (to_look_at,) = hr.page.xpath("//main//p/a[contains(@href, '/people/')]/@href")
    assert to_look_at.endswith(str(other.id)), "the other record can be opened first"
    assert hr.submit(button="Merge").status_code == 400
    hr.submit(button="Merge", other=str(other.id))
    assert "What was signed under either counts for Ada Owen" in hr.text
    assert cells(hr, "Status") == ["Signed"]
    assert "ada@school.test" in hr.text
    assert f"/receipts/{signed.id}" in hr.page.xpath("//ol//a/@href")
    assert len(office.audited(Event.PEOPLE_MERGED)) == 2
    hr.get(f"{office.records}?name=owen")
    assert cells(hr, "Status") == ["Signed"], "one line, not two"

    with app.app_context(), transaction(write=False):
        (attestation,) = session.scalars(sa.select(Attestation))
        assert attestation.person_id == other.id, "evidence stays where it is"
        assert session.get_one(Person, other.id).merged_into == kept.id
        assert [p.id for p in people_with_email("ada@school.test")] == [kept.id], "she signs in as one person"
    assert as_reported(app, office) == before, "a report of yesterday still has both"
    hr.get(office.page_of(other))
    assert "This record was found to be that of Ada Owen" in hr.text
    assert hr.get(f"{office.page_of(other)}/merge").status_code == 200

    client.sign_in_as(kept.id)
    client.get("/receipts")
    assert "Social media policy" in client.text
    assert client.get(f"/receipts/{signed.id}").status_code == 200
    client.sign_in_as(other.id)
    assert client.get("/receipts").status_code == 302, "nobody comes in as the record at rest"


def test_a_report_of_yesterday_is_the_same_after_all_that_is_corrected_today(
    app: Flask, office: Office, hr: StrictClient, time: Clock
) -> None:
    person = office.add(surname="Adams", department="Art")
    office.do(sign, app, office.school, office.add(surname="Bell"), now=NOW)
    before = as_reported(app, office)
    assert {row.surname for row in before} == {"Adams", "Bell", "Zane"}
    time.now = NOW + timedelta(days=1)
    hr.get(office.page_of(person))
    hr.follow("Correct: Teacher")
    hr.submit(button="Save", department="Music", job_title="Head of music", type="senior_leader")
    hr.follow("say when it ends")
    hr.submit(button="Save", ends=["2", "9", "2026"])
    hr.follow("Add another engagement")
    hr.submit(button="Save", type="governor", starts=["1", "9", "2026"])
    hr.follow("Record that they are away")
    hr.submit(button="Save", starts=["2", "9", "2026"])
    hr.follow("Record training done elsewhere")
    hr.submit(button="Save", title="Online safety", done_on=["1", "9", "2026"], said_by="herself")
    assert as_reported(app, office) == before
    with app.app_context(), transaction(write=False):
        today = list(record.rows(record.scope_of(session.get_one(Organisation, office.school.id), time.now)))
    assert today != before


def test_nobody_merges_or_readdresses_those_with_more_powers(
    app: Flask, office: Office, hr: StrictClient
) -> None:
    with app.app_context(), transaction():
        school = session.merge(office.school)
        admin = make_person(school, forename="Ada", surname="Owen", role=RoleName.ADMIN)
    other = office.add(forename="Ada", surname="Owen")
    for mine, theirs in ((other, admin), (admin, other)):
        hr.get(f"{office.page_of(mine)}/merge")
        assert hr.submit(button="Merge", other=str(theirs.id)).status_code == 400
        assert "may open pages" in hr.text
    hr.get(f"{office.page_of(admin)}/correct")
    assert hr.submit(button="Save", email="mine@school.test").status_code == 400
    assert "ask an administrator to change their e-mail" in hr.text
    hr.get(f"{office.page_of(admin)}/correct")
    assert hr.submit(button="Save", known_as="Addy").status_code == 200
