"""Assigning: checking whom it obliges, refusing what cannot be asked, and recording what was checked."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask

from lms.audit import Event
from lms.db import transaction
from lms.people import EngagementType, RoleName
from tests.client import StrictClient
from tests.conftest import NOW, Clock
from tests.factories import make_person, make_policy, make_school
from tests.web.assignments.office import NEW, Office, assigned, audited, check, recorded, spaced

pytestmark = pytest.mark.usefixtures("time")


def test_before_anything_is_assigned_hr_sees_how_many_adults_it_obliges(
    app: Flask, client: StrictClient, office: Office
) -> None:
    with app.app_context(), transaction():
        make_person(office.school, starts=date(2026, 10, 1))
    check(client, modules=["friend-request"])
    assert client.heading == "Check before you assign"
    assert (
        "This puts 3 adults under obligation: 2 teachers and 1 governor. None of them meets it" in client.text
    )
    assert "Another 1 adult on record will start later, and is asked too." in client.text
    assert "21 September 2026. Whoever starts later: 14 days after their first day." in client.text
    assert recorded(app) == []


def test_pressing_assign_records_exactly_what_was_checked_and_who_did_it(
    app: Flask, client: StrictClient, office: Office
) -> None:
    check(client, modules=["security-settings", "friend-request"], due_days="7", months="6")
    client.submit(step="assign")
    assert "Assigned." in client.text
    assert "0 of 3 adults asked" in client.text
    (made,) = recorded(app)
    assert made.policy_id == office.policy
    assert made.modules == ["friend-request", "security-settings"]
    assert made.audience == ["teacher", "governor"]
    assert (made.assigned_on, made.due_days, made.due_on, made.months) == (date(2026, 9, 7), 7, None, 6)
    assert audited(app) == [(Event.ASSIGNMENT_SAVED, office.hr.id, {"assignment": str(made.id)})]


def test_a_policy_alone_may_be_due_on_a_date_and_count_until_a_new_version(
    app: Flask, client: StrictClient, office: Office
) -> None:
    check(client, due="on-a-day", due_on=["5", "10", "2026"], valid="until-new", due_days="", months="x")
    assert "None: the policy alone, to read and sign" in client.text
    assert "5 October 2026. Whoever starts later: on their first day." in client.text
    assert "Until a new version asks" in client.text
    client.submit(step="assign")
    (made,) = recorded(app)
    assert (made.modules, made.due_days, made.due_on, made.months) == ([], None, date(2026, 10, 5), None)


def test_a_second_press_of_assign_makes_no_second_assignment(
    app: Flask, client: StrictClient, office: Office
) -> None:
    check(client)
    page = client.page
    client.submit(step="assign")
    client.page, client.address = page, NEW
    client.submit(step="assign")
    assert "Assigned." in client.text
    assert len(recorded(app)) == 1
    assert len(audited(app)) == 1


def test_a_press_after_it_was_withdrawn_does_not_bring_it_back(
    app: Flask, client: StrictClient, office: Office, time: Clock
) -> None:
    check(client)
    page = client.page
    client.submit(step="assign")
    client.follow("Withdraw")
    time.now += timedelta(minutes=1)
    client.submit()
    client.page, client.address = page, NEW
    assert client.submit(step="assign").status_code == 409
    assert "changed or withdrawn since" in client.text
    (made,) = recorded(app)
    assert made.recorded_to is not None


def test_change_brings_the_form_back_as_it_was_filled_in(client: StrictClient, office: Office) -> None:
    check(
        client,
        modules=["personal-use"],
        due="on-a-day",
        due_on=["5", "10", "2026"],
        valid="until-new",
        months="",
    )
    response = client.submit(step="change")
    assert response.status_code == 200
    assert client.heading == "Assign a policy"
    ticked = client.page.xpath("//input[@checked]/@value")
    assert ticked == ["personal-use", "teacher", "governor", "on-a-day", "until-new"]
    assert client.page.xpath("//input[@name='due_on']/@value") == ["5", "10", "2026"]


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"audience": []}, "Choose at least one group of people"),
        ({"audience": ["pupil"]}, "Choose groups of people from the list"),
        ({"modules": ["juggling"]}, "Choose modules from the list"),
        ({"policy": str(uuid4())}, "Choose a policy from the list"),
        ({"due": "never"}, "Choose when it is due"),
        ({"due_days": ""}, "Enter a number of days from 0 to 365"),
        ({"due_days": "soon"}, "Enter a number of days from 0 to 365"),
        ({"due_days": "-1"}, "Enter a number of days from 0 to 365"),
        ({"least_days": "0"}, "Enter a number of days from 1 to 365, or leave it empty"),
        ({"least_days": "a week"}, "Enter a number of days from 1 to 365, or leave it empty"),
        ({"due_days": "9" * 5000}, "Enter a number of days from 0 to 365"),
        ({"due": "on-a-day"}, "Enter the date on which it is due"),
        ({"due": "on-a-day", "due_on": ["31", "2", "2027"]}, "Enter a real day"),
        ({"due": "on-a-day", "due_on": ["6", "9", "2026"]}, "Enter a date from today to 6 September 2028"),
        ({"due": "on-a-day", "due_on": ["1", "1", "2062"]}, "Enter a date from today to 6 September 2028"),
        ({"valid": ""}, "Choose how long a signature counts"),
        ({"months": "61"}, "Enter a number of months from 1 to 60"),
    ],
)
def test_what_cannot_be_assigned_is_said_in_a_sentence_and_what_was_typed_is_kept(
    app: Flask, client: StrictClient, office: Office, fields: dict[str, Any], error: str
) -> None:
    client.get(NEW)
    response = client.submit(**{"audience": ["teacher"], "months": "24", **fields})
    assert response.status_code == 400
    (message,) = client.page.xpath("//*[contains(@class, 'govuk-error-summary__list')]/li")
    assert error in message.text_content()
    assert client.page.xpath("//input[@name='months']/@value") == [fields.get("months", "24")]
    assert recorded(app) == []


def test_the_button_cannot_assign_what_the_check_would_refuse(
    app: Flask, client: StrictClient, office: Office
) -> None:
    check(client)
    assert client.submit(step="assign", due_days="-1").status_code == 400
    assert recorded(app) == []


def test_where_there_are_several_policies_one_must_be_chosen(
    app: Flask, client: StrictClient, office: Office
) -> None:
    with app.app_context(), transaction():
        make_policy(office.school, slug="conduct", markdown="# Code of conduct\n\n## 1. Be kind\n\nAlways.\n")
    check(client)
    assert "Choose a policy" in client.page.xpath("string(//*[contains(@class, 'govuk-error-summary')])")


def test_another_schools_policy_cannot_be_assigned(app: Flask, client: StrictClient, office: Office) -> None:
    with app.app_context(), transaction():
        other = make_policy(make_school("Elsewhere Academy")).policy_id
    check(client, policy=str(other))
    assert "Choose a policy from the list" in client.text


def test_a_school_without_a_policy_is_told_how_to_get_one(app: Flask, client: StrictClient) -> None:
    with app.app_context(), transaction():
        hr = make_person(make_school("Ysgol Môr"), role=RoleName.HR)
    client.sign_in_as(hr.id)
    client.get(NEW)
    assert "Publish one first" in client.text
    assert not client.page.xpath("//main//form")


def test_whoever_would_be_asked_twice_is_named_before_it_is_assigned(
    app: Flask, client: StrictClient, office: Office
) -> None:
    assigned(app, audience=[EngagementType.TEACHER])
    check(client, audience=["governor"])
    assert "asked twice" not in client.text
    check(client)
    assert "Some of them would be asked twice." in client.text
    assert "since 8 August 2026. Who: Teachers." in client.text


def test_groups_in_which_nobody_works_yet_may_be_assigned_for_whoever_comes(
    app: Flask, client: StrictClient, office: Office
) -> None:
    check(client, audience=["volunteer"])
    assert "This puts nobody under obligation today" in client.text
    client.submit(step="assign")
    assert "0 of 0 adults asked" in client.text


def test_what_is_only_for_those_who_stay_longer_says_so_and_may_be_due_on_the_first_day(
    app: Flask, client: StrictClient, office: Office
) -> None:
    with app.app_context(), transaction():
        for days in (5, 6):
            last = NOW.date() + timedelta(days=days - 1)
            make_person(office.school, EngagementType.AGENCY_WORKER, starts=NOW.date(), ends=last)
    check(client, audience=["agency_worker"], least_days="5", due_days="0")
    assert "This puts 1 adult under obligation: 1 agency worker." in client.text
    client.submit(step="assign")
    assert "Agency workers, if they stay longer than 5 days" in spaced(client)
    (made,) = recorded(app)
    assert (made.least_days, made.due_days) == (5, 0)
