"""What administrators see and set of the platforms that launch us."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa
from flask import Flask

from lms.audit import AuditEntry, Event
from lms.config import Settings
from lms.db import db, session, transaction
from lms.lti import invites, launch_log, platforms
from lms.lti.platforms import Deployment, Registration, RegistrationState
from lms.people import Person, RoleName, give_role
from lms.schools import Kind, Organisation, add_school
from tests.client import StrictClient
from tests.conftest import NOW, Clock
from tests.factories import make_person, make_school
from tests.lti.stand_in import Fault, StandIn

pytestmark = pytest.mark.usefixtures("time")


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Settings of a trial: the stand-in is on loopback, over http."""
    return settings.model_copy(update={"lti_allow_private_hosts": True})


@pytest.fixture
def platform(app: Flask, time: Clock) -> Iterator[StandIn]:
    with StandIn(app.config["LTI_KEYS"].published, clock=lambda: time.now) as made:
        yield made


@pytest.fixture
def school(app: Flask) -> Organisation:
    with app.app_context(), transaction():
        return make_school("Ysgol Môr")


@pytest.fixture
def admin(app: Flask, client: StrictClient, school: Organisation) -> Person:
    return sign_in(app, client, school)


def sign_in(
    app: Flask, client: StrictClient, place: Organisation, school: Organisation | None = None
) -> Person:
    """Sign an administrator of a place in, who works at a school."""
    with app.app_context(), transaction():
        person = make_person(school or place)
        give_role(person, place.id, RoleName.ADMIN)
    client.sign_in_as(person.id)
    return person


def connected(app: Flask, organisation: Organisation, *deployments: str, **values: Any) -> Registration:
    """Add a platform with deployments that wait."""
    described = {
        "name": "Moodle at Ysgol Môr",
        "issuer": "https://moodle.school.test",
        "client_id": f"client-{uuid4()}",
        "authorization_endpoint": "https://moodle.school.test/auth",
        "token_endpoint": "https://moodle.school.test/token",
        "jwks_uri": "https://moodle.school.test/keys",
        "now": NOW,
        **values,
    }
    with app.app_context(), transaction():
        made = platforms.register(organisation.id, **described)
        for value in deployments:
            platforms.deploy(made, value, organisation_id=organisation.id, now=NOW, approved=False)
    return made


def now_is(app: Flask, registration: Registration) -> Registration:
    with app.app_context(), transaction(write=False):
        return session.get_one(Registration, registration.id)


def deployments(app: Flask) -> dict[str, Deployment]:
    with app.app_context(), transaction(write=False):
        return {each.value: each for each in session.scalars(sa.select(Deployment))}


def audited(app: Flask, event: Event) -> list[AuditEntry]:
    with app.app_context(), transaction(write=False):
        return session.query(AuditEntry).filter_by(event=event).all()


def launched(app: Flask, registration: Registration, outcome: str, at: Any = NOW, detail: str = "") -> str:
    with app.app_context(), transaction():
        return launch_log.record(outcome, now=at, registration_id=registration.id, detail=detail)


# The list, and inviting


def test_with_no_platform_the_page_says_how_to_connect_one(
    app: Flask, client: StrictClient, school: Organisation, admin: Person
) -> None:
    client.get("/admin")
    client.follow("Connect Moodle, Canvas or another LMS")

    assert client.heading == "Platforms"
    assert "No platform is connected yet" in client.text
    assert client.page.xpath("//nav//a[@aria-current and contains(., 'Platforms')]")


def test_an_invitation_is_shown_once_with_where_it_goes_and_only_its_hash_is_kept(
    app: Flask, client: StrictClient, school: Organisation, admin: Person
) -> None:
    client.get("/admin/platforms")

    client.submit(button="Make an invitation")

    address = client.page.xpath("string(//code[@id='invitation'])")
    secret = address.removeprefix("http://127.0.0.1:8000/lti/register/")
    assert "It connects one platform to Ysgol Môr, once, until 10 September 2026, 9:30am" in client.text
    assert "Add LTI Advantage" in client.text
    with app.app_context(), transaction(write=False):
        made = invites.find(secret)
        assert made is not None
        assert (made.organisation_id, made.invited_by, made.used_at) == (school.id, admin.id, None)
        assert secret not in str(session.execute(sa.text("SELECT * FROM lti_invite")).one())
    (entry,) = audited(app, Event.PLATFORM_INVITED)
    assert (entry.actor_id, entry.details) == (admin.id, {"invite": str(made.id)})
    client.get("/admin/platforms")
    assert secret not in client.page.text_content()
    client.get(f"/lti/register/{secret}")
    assert "from Ysgol Môr" in client.text


def test_whoever_looks_after_several_schools_says_for_which_the_invitation_is(
    app: Flask, client: StrictClient, school: Organisation
) -> None:
    trust, (_, second) = a_trust(app)
    sign_in(app, client, trust, second)
    client.get("/admin/platforms")
    assert client.page.xpath("//select[@name='organisation']/option/text()") == [
        "Choose a school",
        "Môr Trust (all its schools)",
        "Ysgol Dau",
        "Ysgol Un",
    ]

    client.submit(button="Make an invitation", organisation=str(second.id))

    assert "It connects one platform to Ysgol Dau" in client.text


def test_nobody_invites_a_platform_to_a_school_that_is_not_theirs(
    app: Flask, client: StrictClient, school: Organisation
) -> None:
    trust, (first, _) = a_trust(app)
    sign_in(app, client, trust, first)
    client.get("/admin/platforms")

    assert client.submit(button="Make an invitation").status_code == 400
    assert "Choose a school" in client.text
    assert client.submit(button="Make an invitation", organisation=str(school.id)).status_code == 400

    assert audited(app, Event.PLATFORM_INVITED) == []


def a_trust(app: Flask) -> tuple[Organisation, list[Organisation]]:
    with app.app_context(), transaction():
        trust = make_school("Môr Trust")
        trust.kind = Kind.TRUST
        return trust, [add_school(name, host="x.test", parent=trust) for name in ("Ysgol Un", "Ysgol Dau")]


def test_each_platform_says_how_it_is(
    app: Flask, client: StrictClient, school: Organisation, admin: Person
) -> None:
    used = connected(app, school, name="A: used")
    connected(app, school, "7", "8", name="B: waits")
    connected(app, school, name="C: new")
    launched(app, used, launch_log.ACCEPTED, NOW - timedelta(hours=2))
    launched(app, used, launch_log.ACCEPTED, NOW - timedelta(hours=1))
    launched(app, used, "expired", NOW - timedelta(days=2))
    launched(app, used, "bad_signature", NOW - timedelta(days=1))

    client.get("/admin/platforms")

    first, second, third = (
        " ".join(card.text_content().split()) for card in client.page.xpath("//main//section")[:3]
    )
    assert first.startswith("A: used In use For Ysgol Môr")
    assert "Last launch 7 September 2026, 8:30am" in first
    assert (
        "Last error The signature of what your learning platform sent is wrong.6 September 2026, 9:30am"
        in first
    )
    assert "Waits for approval" in second
    assert "0 approved, 2 wait for your approval" in second
    assert "Not used yet" in third
    assert "Nobody has come from there yet" in third


def test_the_list_costs_the_same_however_many_platforms_there_are(
    app: Flask, client: StrictClient, school: Organisation, admin: Person
) -> None:
    def queries() -> int:
        with app.app_context():
            engine = db.engine
        counted: list[str] = []
        listener = lambda *values: counted.append(values[2])  # noqa: E731
        sa.event.listen(engine, "before_cursor_execute", listener)
        client.get("/admin/platforms")
        sa.event.remove(engine, "before_cursor_execute", listener)
        return len([each for each in counted if each.lstrip().upper().startswith("SELECT")])

    connected(app, school, "1")
    one = queries()
    for number in range(5):
        launched(app, connected(app, school, str(number)), "expired")

    assert queries() == one <= 5


def test_a_platform_of_another_school_can_neither_be_seen_nor_touched(
    app: Flask, client: StrictClient, school: Organisation, admin: Person
) -> None:
    with app.app_context(), transaction():
        other = make_school("Elsewhere Academy")
    theirs = connected(app, other, "7", name="Moodle elsewhere")
    deployment = deployments(app)["7"].id
    client.get("/admin/platforms")
    assert "elsewhere" not in client.text
    token = {"csrf_token": client.page.xpath("//main//input[@name='csrf_token']/@value")[0]}

    start = f"/admin/platforms/{theirs.id}"
    assert client.get(start).status_code == 404
    assert client.get(f"{start}/addresses").status_code == 404
    for path, fields in (
        ("check", {}),
        ("state", {"state": "paused"}),
        ("roles", {"Instructor": "hr"}),
        ("addresses", {"name": "Mine"}),
        (f"deployments/{deployment}", {"organisation": str(school.id)}),
    ):
        assert client.post(f"{start}/{path}", data={**token, **fields}).status_code == 404, path
    assert now_is(app, theirs).state is RegistrationState.ACTIVE
    assert deployments(app)["7"].approved_at is None


# One platform


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


# Checking the connection


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


# By hand


def by_hand(client: StrictClient, product: str, **fields: str) -> Any:
    client.get("/admin/platforms/new")
    client.follow(product)
    typed = {
        "name": "Our LMS",
        "issuer": "https://moodle.school.test",
        "client_id": "abc123",
        "authorization_endpoint": "https://moodle.school.test/auth",
        "token_endpoint": "https://moodle.school.test/token",
        "jwks_uri": "https://moodle.school.test/keys",
    }
    return client.submit(button="Connect", **{**typed, **fields})


def test_a_platform_is_connected_by_hand_from_its_values(
    app: Flask, client: StrictClient, school: Organisation, admin: Person
) -> None:
    by_hand(client, "Moodle", deployments="7\n\n 8 \n7")

    assert client.heading == "Our LMS"
    assert "Check the connection next" in client.text
    with app.app_context(), transaction(write=False):
        made = session.scalars(sa.select(Registration)).one()
    assert (made.issuer, made.client_id, made.product) == ("https://moodle.school.test", "abc123", "moodle")
    assert (made.organisation_id, made.token_audience) == (school.id, None)
    assert {value: each.approved_at for value, each in deployments(app).items()} == {"7": NOW, "8": NOW}
    assert audited(app, Event.PLATFORM_CONNECTED)[0].actor_id == admin.id


def test_our_values_are_there_to_copy_under_the_names_that_the_platform_gives_them(
    client: StrictClient, school: Organisation, admin: Person
) -> None:
    client.get("/admin/platforms/new?product=moodle")

    shown = {
        " ".join(box.xpath("string(./p)").split()): box.xpath("string(./code)")
        for box in client.page.xpath("//main//div[@class='app-copy']")
    }
    assert shown["Initiate login URL"] == "http://127.0.0.1:8000/lti/login"
    assert shown["Redirection URI(s)"] == "http://127.0.0.1:8000/lti/launch"
    assert shown["Public keyset"] == "http://127.0.0.1:8000/lti/jwks"
    assert shown["Tool URL"] == "http://127.0.0.1:8000/"
    assert not client.page.xpath("//button[@data-copies and not(@hidden)]")


@pytest.mark.parametrize(
    ("product", "field", "filled_in"),
    [
        ("canvas", "issuer", "https://canvas.instructure.com"),
        ("canvas", "jwks_uri", "https://sso.canvaslms.com/api/lti/security/jwks"),
        ("brightspace", "token_audience", "https://api.brightspace.com/auth/token"),
        ("blackboard", "issuer", "https://blackboard.com"),
        ("moodle", "issuer", ""),
    ],
)
def test_what_is_the_same_at_every_school_is_filled_in(
    client: StrictClient, school: Organisation, admin: Person, product: str, field: str, filled_in: str
) -> None:
    client.get(f"/admin/platforms/new?product={product}")

    assert client.page.xpath(f"//input[@name='{field}']/@value") == [filled_in]


@pytest.mark.parametrize(
    ("field", "typed", "error"),
    [
        ("issuer", "", "Enter the issuer"),
        ("issuer", "moodle.school.test", "Issuer must be a web address that begins with https://"),
        ("client_id", " ", "Enter the client id"),
        ("client_id", "x" * 256, "Client id must be as your LMS shows it, 255 letters at most"),
        ("deployments", "7\nñ", "Deployment ids must be as your LMS shows it"),
        ("name", "", "Enter a name"),
    ],
)
def test_values_that_cannot_be_right_are_said_and_what_was_typed_is_kept(
    app: Flask, client: StrictClient, school: Organisation, admin: Person, field: str, typed: str, error: str
) -> None:
    response = by_hand(client, "Canvas", **{field: typed})

    assert response.status_code == 400
    assert error in client.text
    assert client.page.xpath("//input[@name='token_endpoint']/@value") == ["https://moodle.school.test/token"]
    assert client.heading == "Connect Canvas by hand"
    with app.app_context(), transaction(write=False):
        assert session.query(Registration).count() == 0


def test_a_platform_that_is_connected_already_is_not_connected_again(
    app: Flask, client: StrictClient, school: Organisation, admin: Person
) -> None:
    connected(app, school, client_id="abc123")

    response = by_hand(client, "Moodle")

    assert response.status_code == 400
    assert "connected already, with the same client id" in client.text


def test_a_trusts_deployments_wait_until_it_is_said_whose_they_are(app: Flask, client: StrictClient) -> None:
    trust, (first, _) = a_trust(app)
    sign_in(app, client, trust, first)

    by_hand(client, "Another one", deployments="7", organisation=str(trust.id))

    assert deployments(app)["7"].approved_at is None


class TestOnTheInternet:
    """Without the setting for a trial."""

    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        return settings.model_copy(update={"lti_allow_private_hosts": False})

    @pytest.mark.parametrize(
        ("typed", "error"),
        [
            ("http://moodle.school.test/x", "must begin with https:// and not http://"),
            ("https://192.168.1.5/x", "names a computer inside a network"),
            ("https://localhost/x", "names a computer inside a network"),
        ],
    )
    @pytest.mark.usefixtures("admin")
    def test_plain_http_and_hosts_inside_a_network_are_refused_as_typed(
        self, client: StrictClient, typed: str, error: str
    ) -> None:
        assert by_hand(client, "Moodle", token_endpoint=typed).status_code == 400
        assert f"Token address {error}" in client.text
