"""Long work in a real browser: the page follows it by itself, to the file."""

from __future__ import annotations

import hashlib
from pathlib import Path
from uuid import UUID

import pytest
from flask import Flask
from playwright.sync_api import expect

from lms import clock, jobs, long_exports, work, worker
from lms.db import session, transaction
from lms.people import RoleName
from lms.work import Job, JobState
from lms.worker import Worker
from tests.browser.conftest import PHONE, SignIn
from tests.browser.journey import Mouse, assert_accessible, button, heading
from tests.factories import make_assignment, make_person, make_policy, make_school


def test_a_page_follows_its_work_to_the_file_by_itself(
    app: Flask, signed_in: SignIn, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(long_exports, "MOST_AT_ONCE", 0)
    with app.app_context(), transaction():
        school = make_school("Ysgol Môr")
        make_assignment(school, make_policy(school))
        hr = make_person(school, forename="Meera", surname="Zane", role=RoleName.HR)
    page = signed_in(hr.id, bypass_csp=True)
    page.goto("/schools/ysgol-mor/records/exports")
    Mouse().press(button(page, "Make the file"))
    assert heading(page) == "Training record, Excel workbook"
    assert_accessible(page)
    job_id = UUID(page.url.rpartition("/")[2])
    with app.app_context(), transaction():
        job = session.get_one(Job, job_id)
        job.state, job.attempts, job.begun_at = JobState.RUNNING, 1, job.asked_at
        job.lease_until = clock.now() + work.LEASE
        job.done, job.total, job.words = 500, 2000, "rows written"
    expect(page.locator("#said")).to_contain_text("25% done. 500 of 2,000 rows", timeout=20_000)
    assert_accessible(page)
    with app.app_context(), transaction():
        session.get_one(Job, job_id).state = JobState.WAITING
    ours = Worker(clock.now, jobs.kept_files(app.config["SETTINGS"]), app.app_context, lambda: False)
    with app.app_context():
        assert worker.do_next(jobs.KINDS, ours)
    expect(page.get_by_role("heading", name="Done")).to_be_visible(timeout=20_000)
    assert_accessible(page)
    with page.expect_download() as download:
        button(page, "Download the file").click()
    path = tmp_path / download.value.suggested_filename
    download.value.save_as(path)
    assert page.locator("code").inner_text() == hashlib.sha256(path.read_bytes()).hexdigest()
    for width in (PHONE["viewport"]["width"], 320):
        page.set_viewport_size({"width": width, "height": 844})
        assert_accessible(page)
        page.goto("/schools/ysgol-mor/records/exports")
        assert_accessible(page)
        page.go_back()
