"""The list of what is assigned: what it says, who may see it, and withdrawing from it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask

from lms import compliance, policies, scenarios, training
from lms.attestations import IdentityAssurance, Signing, sign
from lms.audit import Event
from lms.db import session, transaction
from lms.people import EngagementType, RoleName
from lms.schools import Organisation
from lms.training import Assignment
from tests.client import StrictClient
from tests.conftest import NOW, Clock
from tests.counting import queries
from tests.factories import BEFORE, engagement_of, make_assignment, make_person, make_policy, make_school
from tests.web.assignments.office import LIST, NEW, Office, assigned, audited, recorded, spaced

pytestmark = pytest.mark.usefixtures("time")


def test_a_school_where_nothing_is_assigned_says_so_and_leads_to_assigning(
    client: StrictClient, office: Office
) -> None:
    client.get(LIST)
    assert "Nothing is assigned yet" in client.text
    client.follow("Assign a policy")
    assert client.heading == "Assign a policy"


def test_the_list_says_what_who_by_when_and_how_many_have_signed(
    app: Flask, client: StrictClient, office: Office
) -> None:
    assignment = assigned(
        app,
        modules=["friend-request"],
        audience=[EngagementType.TEACHER, EngagementType.SUPPORT_STAFF],
        due_days=1,
        months=1,
    )
    with app.app_context(), transaction():
        training.exempt(assignment, office.hr.id, reason="On leave", until=None, now=NOW)
    client.get(LIST)
    assert "Social media policy, version 1" in client.text
    assert scenarios.shipped_modules()["friend-request"].title in client.text
    assert "Teachers and support staff" in client.text
    assert "9 August 2026. Whoever starts later: 1 day after their first day." in client.text
    assert "How long a signature counts 1 month" in spaced(client)
    assert "Assigned on 8 August 2026" in spaced(client)
    # Whoever need not sign is not counted.
    assert "0 of 2 adults asked" in client.text


def test_the_list_counts_those_who_have_signed(app: Flask, client: StrictClient, office: Office) -> None:
    assignment = assigned(app, audience=[EngagementType.TEACHER])
    with app.app_context(), transaction():
        item = compliance.items([office.school.id], NOW)[0]
        teacher = make_person(session.get_one(Organisation, office.school.id))
        session.flush()
        signing = Signing(
            school=session.get_one(Organisation, office.school.id),
            person=teacher,
            engagement=engagement_of(teacher),
            assignment=session.get_one(Assignment, (assignment.id, assignment.recorded_from)),
            policy=item.policy,
            version=item.version,
            cycle=0,
            identity_assurance=IdentityAssurance.WORK_EMAIL,
        )
        shown = policies.sha256_of(policies.rendered(item.version, signing.school))
        sign(signing, typed_name="Priya Nair", shown_sha256=shown, key=app.config["LEDGER_KEY"], now=NOW)
    client.get(LIST)
    assert "1 of 3 adults asked" in client.text


def test_a_withdrawn_assignment_obliges_nobody_and_earlier_reports_still_show_it(
    app: Flask, client: StrictClient, office: Office
) -> None:
    assignment = assigned(app)
    client.get(LIST)
    client.follow("Withdraw")
    assert client.heading == "Withdraw this assignment?"
    assert "What was signed stays on record" in client.text
    assert "you say then whether what was signed counts" in client.text
    client.submit()
    assert "Withdrawn." in client.text
    assert "Nothing is assigned now" in client.text
    assert "assigned on 8 August 2026 and withdrawn on 7 September 2026, 9:30am" in client.text
    with app.app_context(), transaction(write=False):
        assert compliance.items([office.school.id], NOW) == []
        assert len(compliance.items([office.school.id], NOW - timedelta(days=1))) == 1
    assert audited(app) == [(Event.ASSIGNMENT_ENDED, office.hr.id, {"assignment": str(assignment.id)})]


def test_a_second_press_of_withdraw_says_it_was_done_and_records_nothing_more(
    app: Flask, client: StrictClient, office: Office, time: Clock
) -> None:
    assignment = assigned(app)
    client.get(f"{LIST}/{assignment.id}/withdraw")
    page = client.page
    client.submit()
    time.now += timedelta(minutes=5)
    client.page, client.address = page, f"{LIST}/{assignment.id}/withdraw"
    client.submit()
    assert "withdrawn already" in client.text
    assert recorded(app)[0].recorded_to == NOW
    assert len(audited(app)) == 1
    client.get(f"{LIST}/{assignment.id}/withdraw", follow_redirects=True)
    assert "withdrawn already" in client.text


def test_another_schools_assignment_is_not_there_to_withdraw(
    app: Flask, client: StrictClient, office: Office
) -> None:
    with app.app_context(), transaction():
        elsewhere = make_school("Elsewhere Academy")
        theirs = make_assignment(elsewhere, make_policy(elsewhere))
    assert client.get(f"{LIST}/{theirs.id}/withdraw").status_code == 404
    client.get(NEW)
    token = client.page.xpath("//main//input[@name='csrf_token']/@value")[0]
    assert client.post(f"{LIST}/{theirs.id}/withdraw", data={"csrf_token": token}).status_code == 404
    assert recorded(app)[0].recorded_to is None


@pytest.mark.parametrize("role", [RoleName.MANAGER, None])
def test_managers_and_learners_may_not_assign(
    app: Flask, client: StrictClient, office: Office, role: RoleName | None
) -> None:
    with app.app_context(), transaction():
        person = make_person(office.school, role=role)
    client.sign_in_as(person.id)
    for address in (LIST, NEW):
        assert client.get(address).status_code in {403, 404}


def test_the_list_takes_as_many_queries_however_much_is_assigned_and_however_large_the_school(
    app: Flask, client: StrictClient, office: Office
) -> None:
    with_none = queries(app, client, LIST)
    for _ in range(3):
        assigned(app)
    with app.app_context(), transaction():
        for _ in range(10):
            make_person(office.school, now=BEFORE)
    assert queries(app, client, LIST) <= with_none + 1
