"""The records of a trust in a real browser: read at a desk and on a phone, by anybody."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from flask import Flask

from lms.db import session, transaction
from lms.people import Person, RoleName, add_person, give_role
from lms.schools import Kind, Organisation
from tests.browser.conftest import DESK, PHONE, SignIn
from tests.browser.journey import assert_accessible, heading
from tests.conftest import Clock
from tests.web.test_trust_page import add


@pytest.fixture
def hr(app: Flask, time: Clock) -> Person:
    """Somebody in HR at a trust of three schools."""
    with app.app_context(), transaction():
        trust = Organisation(
            id=uuid4(), kind=Kind.TRUST, slug="moor", name="Moor Trust", ledger_origin="t/moor", contacts={}
        )
        session.add(trust)
        session.flush()
        for number in range(3):
            add(app, trust, number)
        officer = add_person(trust.id, forename="Meera", surname="Zane")
        give_role(officer, trust.id, RoleName.HR)
        return officer


@pytest.mark.parametrize("options", [DESK, PHONE], ids=["desk", "phone"])
def test_hr_of_a_trust_sees_its_schools_and_takes_the_pack_away(
    signed_in: SignIn, hr: Person, options: dict[str, Any]
) -> None:
    page = signed_in(hr.id, **options)
    page.goto("/trusts/moor/records")
    assert heading(page) == "Records of all schools"
    assert_accessible(page)
    aligned = page.locator("td").first.evaluate("cell => getComputedStyle(cell).textAlign")
    assert aligned == ("right" if options is DESK else "start"), "on a phone numbers stand under the name"
    with page.expect_download() as download:
        page.get_by_role("button", name="Make the pack").click()
    assert download.value.suggested_filename == "governors-pack-moor-2026-09-07.xlsx"
    page.get_by_role("link", name="School 0").click()
    assert heading(page) == "Staff records"
