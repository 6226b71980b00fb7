"""Exports: the file, its name, its audit, and what is refused."""

from __future__ import annotations

import hashlib
import tempfile
from io import BytesIO
from typing import Any

import openpyxl
import pytest
from flask import Flask

from lms.audit import Event
from tests.client import StrictClient
from tests.web.office import Office

pytestmark = pytest.mark.usefixtures("time")


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
        ({"report": "governors-pack", "format": "csv"}, "Choose “Excel workbook”"),
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
