"""One platform: its deployments, roles, addresses, refusals, and whether it is well."""

from __future__ import annotations

import pytest
from flask import Flask

from lms.audit import Event
from lms.db import session, transaction
from lms.lti.platforms import Registration, RegistrationState
from lms.people import Person
from lms.schools import Organisation
from tests.client import StrictClient
from tests.conftest import NOW
from tests.factories import make_school
from tests.lti.stand_in import Fault, StandIn
from tests.web.platforms.steps import a_trust, audited, connected, deployments, launched, now_is, sign_in

pytestmark = pytest.mark.usefixtures("time")


def test_a_deployment_that_waits_is_approved_for_the_school(
    app: Flask, client: StrictClient, school: Organisation, admin: Person
) -> None:
    made = connected(app, school, "7")
    client.get(f"/admin/platforms/{made.id}")
    assert "Waits for approval" in client.text

    client.submit(button="Approve")

    assert "Approved. It is for the people of Ysgol Môr." in client.text
    assert "Waits for approval" not in client.text
    approved = deployments(app)["7"]
    assert (approved.organisation_id, approved.approved_at) == (school.id, NOW)
    (entry,) = audited(app, Event.DEPLOYMENT_APPROVED)
    assert entry.details == {"registration": str(made.id), "deployment": str(approved.id)}


def test_a_trust_says_for_which_of_its_schools_a_deployment_is(
    app: Flask, client: StrictClient, school: Organisation
) -> None:
    trust, (_, second) = a_trust(app)
    sign_in(app, client, trust, second)
    made = connected(app, trust, "7", "8")
    client.get(f"/admin/platforms/{made.id}")

    assert client.submit(button="Approve deployment 7").status_code == 400
    assert client.submit(button="Approve deployment 7", organisation=str(school.id)).status_code == 400
    assert "Choose a school from the list" in client.text
    client.submit(button="Approve deployment 7", organisation=str(second.id))

    found = deployments(app)
    assert (found["7"].organisation_id, found["7"].approved_at) == (second.id, NOW)
    assert found["8"].approved_at is None


def test_a_deployment_is_approved_once(
    app: Flask, client: StrictClient, school: Organisation, admin: Person
) -> None:
    made = connected(app, school, "7")
    client.get(f"/admin/platforms/{made.id}")
    client.submit(button="Approve")
    token = client.page.xpath("//main//input[@name='csrf_token']/@value")[0]
    address = f"/admin/platforms/{made.id}/deployments/{deployments(app)['7'].id}"

    assert client.post(address, data={"csrf_token": token}).status_code == 409
    assert len(audited(app, Event.DEPLOYMENT_APPROVED)) == 1


def test_a_deployment_of_another_platform_is_not_approved_through_ones_own(
    app: Flask, client: StrictClient, school: Organisation, admin: Person
) -> None:
    with app.app_context(), transaction():
        other = make_school()
    connected(app, other, "7")
    mine = connected(app, school)
    client.get(f"/admin/platforms/{mine.id}")
    token = client.page.xpath("//main//input[@name='csrf_token']/@value")[0]
    address = f"/admin/platforms/{mine.id}/deployments/{deployments(app)['7'].id}"

    assert client.post(address, data={"csrf_token": token}).status_code == 404
    assert deployments(app)["7"].approved_at is None


def test_a_refused_launch_can_be_found_by_the_reference_that_the_learner_saw(
    app: Flask, client: StrictClient, school: Organisation, admin: Person
) -> None:
    made = connected(app, school)
    reference = launched(app, made, "wrong_audience", detail="aud <another>, wanted tool-1")

    client.get(f"/admin/platforms/{made.id}")

    assert "What your learning platform sent is meant for another tool." in client.text
    assert f"Reference {reference}, code wrong_audience: aud <another>, wanted tool-1" in client.text


def test_a_role_of_the_platform_can_be_given_more_or_less(
    app: Flask, client: StrictClient, school: Organisation, admin: Person
) -> None:
    made = connected(app, school)
    client.get(f"/admin/platforms/{made.id}")
    assert client.page.xpath("//select[@name='Instructor']/option[@selected]/@value") == ["usual"]

    client.submit(button="Save roles", Instructor="manager", Administrator="hr")

    assert now_is(app, made).role_overrides == {"Instructor": "manager", "Administrator": "hr"}
    assert client.page.xpath("//select[@name='Instructor']/option[@selected]/@value") == ["manager"]
    (entry,) = audited(app, Event.PLATFORM_CHANGED)
    assert entry.details == {"registration": str(made.id), "names": "Administrator Instructor"}
    client.submit(button="Save roles", Instructor="usual", Administrator="usual")
    assert now_is(app, made).role_overrides == {}


def test_nobody_becomes_an_administrator_by_an_override(
    app: Flask, client: StrictClient, school: Organisation, admin: Person
) -> None:
    made = connected(app, school)
    client.get(f"/admin/platforms/{made.id}")

    response = client.submit(button="Save roles", Instructor="admin")

    assert response.status_code == 400
    assert now_is(app, made).role_overrides == {}


def test_a_paused_platform_says_so_until_it_may_launch_again(
    app: Flask, client: StrictClient, school: Organisation, admin: Person
) -> None:
    made = connected(app, school)
    client.get(f"/admin/platforms/{made.id}")

    client.submit(button="Pause")

    assert now_is(app, made).state is RegistrationState.PAUSED
    assert "Nobody gets in from there" in client.text
    client.submit(button="Let it launch again")
    assert now_is(app, made).state is RegistrationState.ACTIVE
    assert [e.details["names"] for e in audited(app, Event.PLATFORM_CHANGED)] == ["state", "state"]


def test_new_addresses_are_kept_and_keys_of_the_old_address_are_not(
    app: Flask, client: StrictClient, school: Organisation, admin: Person
) -> None:
    made = connected(app, school)
    with app.app_context(), transaction():
        session.get_one(Registration, made.id).keys = {"keys": []}
    client.get(f"/admin/platforms/{made.id}")
    client.follow("Change its name or addresses")

    client.submit(
        name="Our Moodle",
        jwks_uri="https://keys.school.test/new",
        token_audience="https://api.brightspace.com/auth/token",
        frame_origins="https://moodle.school.test/course/view.php?id=1\n\n https://other.school.test \n",
    )

    assert client.heading == "Our Moodle"
    changed = now_is(app, made)
    assert (changed.jwks_uri, changed.keys) == ("https://keys.school.test/new", None)
    assert changed.token_audience == "https://api.brightspace.com/auth/token"
    assert changed.frame_origins == ["https://moodle.school.test", "https://other.school.test"]
    (entry,) = audited(app, Event.PLATFORM_CHANGED)
    assert entry.details["names"] == "frame_origins jwks_uri name token_audience"


def test_saving_the_same_addresses_changes_and_records_nothing(
    app: Flask, client: StrictClient, school: Organisation, admin: Person
) -> None:
    made = connected(app, school)
    client.get(f"/admin/platforms/{made.id}/addresses")

    client.submit()

    assert "Nothing was different" in client.text
    assert audited(app, Event.PLATFORM_CHANGED) == []


@pytest.mark.parametrize(
    ("field", "typed", "error"),
    [
        ("name", " ", "Enter a name"),
        ("name", "x" * 121, "Name must be 120 characters or fewer"),
        ("jwks_uri", "", "Enter the keyset address"),
        ("token_endpoint", "moodle", "Token address must be a web address that begins with https://"),
        ("authorization_endpoint", "javascript:alert(1)", "Authentication address must be a web address"),
        (
            "frame_origins",
            "https://ok.test\n*",
            "Sites that may show Countersign in a frame must be a web address",
        ),
        ("frame_origins", "https://a.test;script-src", "must be a web address"),
        ("frame_origins", "https://a.test\n" * 21, "20 lines at most"),
        ("token_audience", "é", "Token audience must be as your LMS shows it"),
    ],
)
def test_an_address_that_cannot_work_is_said_beside_its_box(
    app: Flask, client: StrictClient, school: Organisation, admin: Person, field: str, typed: str, error: str
) -> None:
    made = connected(app, school)
    client.get(f"/admin/platforms/{made.id}/addresses")

    response = client.submit(**{field: typed})

    assert response.status_code == 400
    assert error in client.text
    assert getattr(now_is(app, made), field) == getattr(made, field)


def test_a_connection_that_works_says_so(
    app: Flask, client: StrictClient, school: Organisation, admin: Person, platform: StandIn
) -> None:
    with app.app_context(), transaction():
        made = platform.register(school.id)
    client.get(f"/admin/platforms/{made.id}")

    client.submit(button="Check the connection")

    assert client.heading == "The connection works"
    assert len(platform.asked("jwks")) == len(platform.asked("token")) == 1


def test_a_fault_says_which_address_failed_and_can_be_checked_again(
    app: Flask, client: StrictClient, school: Organisation, admin: Person, platform: StandIn
) -> None:
    with app.app_context(), transaction():
        made = platform.register(school.id)
    platform.next("jwks", Fault.PROSE)
    client.get(f"/admin/platforms/{made.id}")

    client.submit(button="Check the connection")

    assert client.heading == "The connection has a fault"
    assert platform.jwks_uri in client.text
    client.submit(button="Check again")
    assert client.heading == "The connection works"
