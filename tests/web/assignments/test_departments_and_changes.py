"""Assigning to some departments, counting what was signed, at several schools, and changing what was assigned."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask

from lms import compliance, policies
from lms.attestations import IdentityAssurance, Signing, sign
from lms.audit import Event
from lms.db import session, transaction
from lms.people import EngagementType, Person, RoleName, engage, give_role
from lms.schools import Organisation
from lms.training import Assignment
from tests.client import StrictClient
from tests.conftest import NOW, Clock
from tests.counting import queries
from tests.factories import BEFORE, engagement_of, make_person, make_policy, make_school
from tests.web.assignments.office import LIST, NEW, Office, assigned, audited, check, recorded, spaced

pytestmark = pytest.mark.usefixtures("time")


def signed(app: Flask, person: Person, assignment: Assignment) -> None:
    """Have somebody sign what they were assigned."""
    with app.app_context(), transaction():
        (item,) = [
            i for i in compliance.items([assignment.organisation_id], NOW) if i.assignment.id == assignment.id
        ]
        school = session.get_one(Organisation, assignment.organisation_id)
        person = session.get_one(Person, person.id)
        signing = Signing(
            school=school,
            person=person,
            engagement=engagement_of(person),
            assignment=item.assignment,
            policy=item.policy,
            version=item.version,
            cycle=0,
            identity_assurance=IdentityAssurance.WORK_EMAIL,
        )
        shown = policies.sha256_of(policies.rendered(item.version, school))
        sign(signing, typed_name=person.name, shown_sha256=shown, key=app.config["LEDGER_KEY"], now=NOW)


def at(app: Flask, office: Office, **values: object) -> Person:
    with app.app_context(), transaction():
        return make_person(office.school, **values)  # type: ignore[arg-type]


def named(client: StrictClient) -> list[tuple[str, str]]:
    """Return the names on the page, each with what it means for them."""
    rows = client.page.xpath("//table[.//th='What it means for them']/tbody/tr")
    return [(row.xpath("string(th)"), row.xpath("normalize-space(td[last()])")) for row in rows]


def test_what_is_for_some_departments_obliges_only_them(
    app: Flask, client: StrictClient, office: Office
) -> None:
    at(app, office, forename="Ann", surname="Maths", department="Maths")
    at(app, office, forename="Bob", surname="Art", department="Art")
    check(client, departments=["Maths"])
    assert "This puts 1 adult under obligation: 1 teacher." in client.text
    assert "Teachers and governors in Maths" in spaced(client)
    assert named(client) == [("Ann Maths", "Must sign")]
    client.submit(step="assign")
    assert recorded(app)[0].departments == ["Maths"]
    assert "0 of 1 adult asked" in client.text
    assert client.get(NEW).status_code == 200
    assert client.submit(audience=["teacher"], departments=["Juggling"]).status_code == 400
    assert "Choose departments from the list" in client.text


def test_who_has_signed_the_policy_already_meets_a_new_assignment_unless_they_are_to_sign_again(
    app: Flask, client: StrictClient, office: Office
) -> None:
    ann = at(app, office, forename="Ann", surname="Abel")
    old = assigned(app, audience=[EngagementType.TEACHER])
    signed(app, ann, old)
    check(client)
    assert "3 teachers and 1 governor. 1 of them already meets it." in client.text
    assert ("Ann Abel", "Meets it already") in named(client)
    client.submit(step="assign")
    assert "1 of 4 adults asked" in client.text
    check(client, earlier="again")
    assert "None of them meets it yet" in client.text
    # More modules than were done then: what was signed isn't enough.
    check(client, modules=["friend-request"])
    assert "None of them meets it yet" in client.text


def test_the_names_are_paged_and_take_as_many_queries_for_many(
    app: Flask, client: StrictClient, office: Office
) -> None:
    check(client)
    few = queries(app, client, LIST)
    with app.app_context(), transaction():
        for number in range(60):
            make_person(office.school, forename="Zed", surname=f"Number {number:02}", now=BEFORE)
    check(client)
    assert "This puts 63 adults under obligation" in client.text
    first = named(client)
    client.submit(page="2")
    assert len(first) == len(named(client)) == 25
    assert not set(first[2:]) & set(named(client))
    client.submit(page="3")
    assert named(client)[-1][0] == "Zed Number 59"
    client.submit(step="assign")
    assert len(recorded(app)) == 1
    assert queries(app, client, LIST) <= few + 1


def test_changing_says_how_many_more_and_how_many_fewer_and_who_before_it_is_done(
    app: Flask, client: StrictClient, office: Office, time: Clock
) -> None:
    at(app, office, forename="Ann", surname="Maths", department="Maths")
    volunteer = at(
        app, office, type=EngagementType.VOLUNTEER, forename="Vic", surname="Olds", department="Maths"
    )
    old = assigned(app, audience=[EngagementType.TEACHER], due_days=90)
    client.get(LIST)
    client.follow("Change")
    assert client.page.xpath("//input[@name='audience'][@checked]/@value") == ["teacher"]
    client.submit(audience=["teacher", "volunteer"], departments=["Maths"])
    assert "1 adult more must sign, and 2 adults no longer have to." in client.text
    assert "After the change that is 2 adults today, of whom 0 already meet it." in client.text
    assert ("Vic Olds", "Must sign") in named(client)
    assert [means for _, means in named(client)].count("No longer asked") == 2
    assert len(recorded(app)) == 1
    time.now += timedelta(minutes=1)
    client.submit(step="assign")
    assert "Changed, from now on." in client.text
    before, after = recorded(app)
    assert (before.id, before.recorded_to) == (after.id, after.recorded_from)
    assert (after.departments, after.due_days, after.assigned_on) == (["Maths"], 90, old.assigned_on)
    assert audited(app) == [(Event.ASSIGNMENT_CHANGED, office.hr.id, {"assignment": str(old.id)})]
    with app.app_context(), transaction(write=False):
        then, today = (compliance.items([office.school.id], moment)[0] for moment in (NOW, time.now))
        asked = [
            compliance.of_person(volunteer.id, [item], compliance.Standing.ENGAGED) for item in (then, today)
        ]
        assert [bool(found) for found in asked] == [False, True]


def test_a_change_made_meanwhile_is_shown_and_not_overwritten(
    app: Flask, client: StrictClient, office: Office, time: Clock
) -> None:
    old = assigned(app, due_days=3)
    address = f"{LIST}/{old.id}/change"
    client.get(address)
    client.submit(audience=["teacher"])
    assert "3 adults" not in client.text
    assert "2 of them would be late at once" in client.text
    page = client.page
    time.now += timedelta(minutes=1)
    client.submit(step="assign")
    client.page, client.address = page, address
    time.now += timedelta(minutes=1)
    client.submit(step="assign")
    assert client.heading == "Check before you change it"
    assert "The same people must sign." in client.text
    assert len(recorded(app)) == 2


@pytest.fixture
def trust(app: Flask, office: Office) -> list[Organisation]:
    """Put the office's school in a trust with another that has the policy, one that hasn't, and one elsewhere."""
    with app.app_context(), transaction():
        here = session.get_one(Organisation, office.school.id)
        root, other, bare, elsewhere = (make_school(name) for name in ("Trust", "Bryn", "Coed", "Elsewhere"))
        for one in (here, other, bare):
            one.parent_id = root.id
        for one in (other, elsewhere):
            make_policy(one)
        hr = session.get_one(Person, office.hr.id)
        for one in (other, bare):
            give_role(hr, one.id, RoleName.HR)
        for _ in range(2):
            make_person(other)
        return [other, bare, elsewhere]


def test_hr_of_several_schools_assigns_at_each_where_the_policy_is_published(
    app: Flask, client: StrictClient, office: Office, trust: list[Organisation]
) -> None:
    other, bare, elsewhere = trust
    here = str(office.school.id)
    client.get(NEW)
    assert client.page.xpath("//input[@name='schools']/@value") == [str(other.id), str(bare.id), here]
    client.submit(audience=["teacher"], schools=[here, str(bare.id)])
    assert "isn’t published at Coed" in client.page.xpath("string(//*[contains(@class, 'error-summary')])")
    client.submit(audience=["teacher"], schools=[here, str(elsewhere.id)])
    assert "Choose schools from the list" in client.text
    client.submit(audience=["teacher"], schools=[here, str(other.id)])
    assert "This puts 4 adults under obligation: 4 teachers." in client.text
    page = client.page
    client.submit(step="assign")
    client.page, client.address = page, NEW
    client.submit(step="assign")
    assert {one.organisation_id for one in recorded(app)} == {office.school.id, other.id}
    assert len(recorded(app)) == len(audited(app)) == 2


def test_whoever_has_no_role_at_another_school_is_not_offered_it(
    app: Flask, client: StrictClient, office: Office, trust: list[Organisation]
) -> None:
    with app.app_context(), transaction():
        colleague = make_person(office.school, role=RoleName.HR)
        engage(colleague, trust[0].id, EngagementType.GOVERNOR, starts=BEFORE.date(), now=BEFORE)
    client.sign_in_as(colleague.id)
    client.get(NEW)
    assert not client.page.xpath("//input[@name='schools']")
    client.submit(audience=["teacher"], schools=[str(trust[0].id)])
    client.submit(step="assign")
    assert [one.organisation_id for one in recorded(app)] == [office.school.id]
