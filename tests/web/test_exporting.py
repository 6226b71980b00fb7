"""Making a file holds nobody up, and who made it is in the audit before it is handed over."""

from __future__ import annotations

from io import BytesIO
from typing import Any
from uuid import UUID

import openpyxl
import pytest
import sqlalchemy as sa
from flask import Flask

from lms import reports, tokens
from lms.audit import AuditEntry, Event
from lms.db import session, transaction
from lms.people import RoleName
from tests.client import StrictClient
from tests.conftest import NOW
from tests.factories import World, make_person


@pytest.fixture
def hr(app: Flask, client: StrictClient) -> UUID:
    """HR of a school with one teacher, at the page of exports."""
    with app.app_context(), transaction():
        world = World()
        officer = make_person(world.school, forename="Meera", surname="Raghunathan", role=RoleName.HR)
        slug, person_id = world.school.slug, officer.id
    client.sign_in_as(person_id)
    client.get(f"/schools/{slug}/records/exports")
    return person_id


def exported(app: Flask) -> list[tuple[UUID | None, dict[str, Any]]]:
    """Return who exported, and what the audit says of it."""
    wanted = sa.select(AuditEntry.actor_id, AuditEntry.details).where(AuditEntry.event == Event.EXPORTED)
    with app.app_context(), transaction(write=False):
        return [(actor, details) for actor, details in session.execute(wanted)]


@pytest.mark.parametrize("report", ["training-record", "attestation-register"])
def test_a_workbook_is_handed_over_and_the_audit_says_who_made_it(
    report: str, app: Flask, client: StrictClient, hr: UUID
) -> None:
    response = client.submit(button="Make the file", report=report, format="xlsx")
    book = openpyxl.load_workbook(BytesIO(response.data))
    response.close()
    assert "Summary" in book.sheetnames
    assert "About" in book.sheetnames
    ((actor, details),) = exported(app)
    assert actor == hr
    assert details["report"] == report
    assert details["rows"] == 2


def test_somebody_else_can_write_while_a_file_is_being_made(
    app: Flask, client: StrictClient, hr: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = reports.write_report

    def slow(*args: Any, **kwargs: Any) -> Any:
        with app.app_context(), transaction():
            session.add(tokens.Rate(key="somebody else", window=NOW, count=1))
        return real(*args, **kwargs)

    monkeypatch.setattr(reports, "write_report", slow)
    monkeypatch.setattr("lms.db.LOCK_WAIT", 0.1)
    response = client.submit(button="Make the file", report="training-record", format="csv")
    assert response.status_code == 200
    response.close()
    assert len(exported(app)) == 1


def test_a_file_that_cannot_be_audited_is_not_handed_over(
    app: Flask, client: StrictClient, hr: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_args: Any, **_kwargs: Any) -> None:
        raise sa.exc.OperationalError("INSERT", {}, Exception("database or disk is full"))

    monkeypatch.setattr("lms.audit.record", refuse)
    response = client.submit(button="Make the file", report="training-record", format="csv")
    assert response.status_code == 503
    assert exported(app) == []
