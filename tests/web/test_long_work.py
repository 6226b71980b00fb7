"""Exports that are too long for a page: asked for, watched, cancelled, fetched, refused; for HR of the school alone."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from io import BytesIO
from typing import Any
from uuid import UUID

import openpyxl
import pytest
from flask import Flask

from lms import jobs, long_exports, worker
from lms.audit import Event
from lms.db import session, transaction
from lms.people import RoleName
from lms.work import LATE, Job, JobState
from lms.worker import KEPT, Worker
from tests.client import StrictClient
from tests.conftest import NOW, Clock
from tests.factories import make_person, make_school
from tests.web.office import Office

TITLE = "Training record, Excel workbook"


@pytest.fixture(autouse=True)
def _few_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take more than two rows for a long export."""
    monkeypatch.setattr(long_exports, "MOST_AT_ONCE", 2)
    monkeypatch.setattr(worker, "EVERY", 0.0)


@pytest.fixture
def asked(office: Office, hr: StrictClient) -> str:
    """The address of an export of three adults that HR has asked for and that nobody has begun."""
    office.add(forename="Siân", surname="Adams")
    office.add(forename="Tom", surname="Baker", department="Art")
    hr.get(f"{office.records}/exports")
    hr.submit(button="Make the file")
    return hr.address


def do_work(office: Office, time: Clock) -> bool:
    """Do what waits, as the worker does."""
    folder = jobs.kept_files(office.app.config["SETTINGS"])
    ours = Worker(lambda: time.now, folder, office.app.app_context, lambda: False)
    with office.app.app_context():
        return worker.do_next(jobs.KINDS, ours)


def job_at(office: Office, address: str) -> Job:
    found = office.do(lambda: session.get_one(Job, UUID(address.rpartition("/")[2])))
    assert isinstance(found, Job)
    return found


def test_a_long_export_is_watched_and_fetched_and_the_audit_says_who_did_what(
    office: Office, hr: StrictClient, asked: str, time: Clock
) -> None:
    assert hr.heading == TITLE
    assert "Meera Zane asked for this on 7 September 2026, 9:30am." in hr.text
    assert "Waiting to begin" in hr.text
    assert "You can close this page" in hr.text
    assert office.audited(Event.EXPORTED) == []
    assert do_work(office, time)
    hr.follow("Refresh")
    assert "The file has 3 rows." in hr.text
    assert "Kept here until 14 September 2026, 9:30am." in hr.text
    response = hr.submit(button="Download the file")
    assert "training-record-ysgol-mor-2026-09-07.xlsx" in response.headers["Content-Disposition"]
    digest = hashlib.sha256(response.data).hexdigest()
    book = openpyxl.load_workbook(BytesIO(response.data))
    response.close()
    assert [row[1].value for row in book["Record"].iter_rows(min_row=2)] == ["Adams", "Baker", "Zane"]
    assert digest in hr.get(asked).text
    for event in (Event.EXPORTED, Event.EXPORT_FETCHED):
        (entry,) = office.audited(event)
        assert entry.details == {"report": "training-record", "rows": 3, "sha256": digest}
        assert entry.actor_id == office.hr.id


def test_it_is_what_was_recorded_when_it_was_asked_for_with_the_filters_of_the_page(
    office: Office, hr: StrictClient, time: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(long_exports, "MOST_AT_ONCE", 0)
    office.add(forename="Tom", surname="Baker", department="Art")
    office.add(forename="Siân", surname="Adams")
    hr.get(f"{office.records}/exports?department=Art&status=overdue&name=bak")
    hr.submit(button="Make the file", report="attestation-register", format="csv")
    assert hr.heading == "Attestation register, CSV"
    time.now += timedelta(minutes=5)
    office.add(forename="Uma", surname="Bakewell", department="Art", now=time.now)
    do_work(office, time)
    hr.follow("Refresh")
    response = hr.submit(button="Download the file")
    lines = response.data.decode("utf-8-sig").splitlines()
    response.close()
    assert len(lines) == 2
    assert ",Baker,Tom," in lines[1]


def test_a_second_press_leads_to_the_same_work_and_short_exports_are_made_at_once(
    office: Office, hr: StrictClient, asked: str, time: Clock
) -> None:
    hr.get(f"{office.records}/exports")
    assert "Waiting" in hr.text
    hr.submit(button="Make the file")
    assert hr.address == asked
    hr.get(f"{office.records}/exports?department=Art")
    response = hr.submit(button="Make the file")
    assert response.mimetype.endswith("sheet")
    response.close()
    assert do_work(office, time)
    assert not do_work(office, time)


def test_what_waits_is_cancelled_and_what_has_ended_stays(
    office: Office, hr: StrictClient, asked: str, time: Clock
) -> None:
    hr.submit(button="Cancel")
    assert "Cancelled" in hr.text
    assert "No file was made." in hr.text
    assert not do_work(office, time)
    (entry,) = office.audited(Event.WORK_CANCELLED)
    assert entry.details == {"job": asked.rpartition("/")[2]}
    assert len(office.audited(Event.EXPORTED)) == 0
    assert hr.get(f"{asked}/progress").status_code == 204


def test_a_page_tells_how_far_it_is_and_that_no_worker_is_running(
    office: Office, hr: StrictClient, asked: str, time: Clock
) -> None:
    told = hr.get(f"{asked}/progress")
    assert told.mimetype == "text/plain"
    assert "No worker" not in told.text
    time.now += LATE + timedelta(seconds=1)
    assert "No worker is running" in hr.get(f"{asked}/progress").text
    assert "countersign worker" in hr.get(asked).text
    assert "No worker is running" in hr.get(f"{office.records}/exports").text

    def begun() -> None:
        job = session.get_one(Job, UUID(asked.rpartition("/")[2]))
        job.state, job.begun_at, job.lease_until = JobState.RUNNING, time.now, time.now
        job.done, job.total, job.words = 1000, 4000, "rows written"

    office.do(begun)
    hr.get(asked)
    assert "25% done. 1,000 of 4,000 rows written." in hr.text
    assert "No worker" not in hr.text
    hr.submit(button="Cancel")
    assert "Stopping: the part in hand" in hr.text
    assert "Cancel" not in hr.text


@pytest.mark.parametrize(
    ("happens", "words"),
    [
        (lambda path: path.write_bytes(path.read_bytes()[:-1] + b"?"), "somebody or something changed it"),
        (lambda path: path.unlink(), "isn’t on the server any more"),
    ],
)
def test_a_file_that_is_not_what_was_made_is_not_handed_over(
    office: Office, hr: StrictClient, asked: str, time: Clock, happens: Any, words: str
) -> None:
    do_work(office, time)
    folder = jobs.kept_files(office.app.config["SETTINGS"])
    happens(folder.path / (job_at(office, asked).file or ""))
    hr.get(asked)
    response = hr.submit(button="Download the file")
    assert response.status_code == 409
    assert words in hr.text
    assert office.audited(Event.EXPORT_FETCHED) == []


def test_a_file_that_is_no_longer_kept_says_so(
    office: Office, hr: StrictClient, asked: str, time: Clock
) -> None:
    do_work(office, time)
    hr.get(asked)
    time.now = NOW + KEPT + timedelta(hours=1)
    hr.sign_in_as(office.hr.id)
    hr.submit(button="Download the file")
    assert hr.address == asked
    assert "The file was kept for 7 days, until 14 September 2026, 9:30am, and is gone." in hr.text


def test_only_hr_of_the_school_sees_or_fetches_what_was_made(
    app: Flask, office: Office, hr: StrictClient, asked: str, time: Clock
) -> None:
    do_work(office, time)
    hr.get(asked)
    token = hr.page.xpath("//main//input[@name='csrf_token']/@value")[0]
    with app.app_context(), transaction():
        elsewhere = make_school("Ysgol Arall")
        other_hr = make_person(elsewhere, role=RoleName.HR)
        manager = make_person(office.school, role=RoleName.MANAGER)
    foreign = asked.replace(office.school.slug, "ysgol-arall")
    for who, address, status in (
        (manager, asked, 403),
        (other_hr, asked, 404),
        (other_hr, foreign, 404),
    ):
        hr.sign_in_as(who.id)
        for part in ("", "/progress"):
            assert hr.get(address + part).status_code == status, address + part
        for part in ("/cancel", "/file"):
            assert hr.post(address + part, data={"csrf_token": token}).status_code == status, part
    assert office.audited(Event.EXPORT_FETCHED) == []


def test_a_report_whose_length_nobody_knows_is_made_too(
    office: Office, hr: StrictClient, time: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(long_exports, "MOST_AT_ONCE", 0)
    hr.get(f"{office.records}/exports")
    hr.submit(button="Make the file", report="outstanding")
    assert do_work(office, time)
    hr.follow("Refresh")
    assert "The file has 1 row." in hr.text
