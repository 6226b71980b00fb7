"""Launches that are let in: whoever a platform vouches for, whatever else it leaves out."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from flask import Flask

from lms.attestations import IdentityAssurance
from lms.db import session, transaction
from lms.lti.identities import Identity
from lms.lti.invites import Invite
from lms.lti.launch_log import ACCEPTED, Launch
from lms.lti.places import Context, ResourceLink
from lms.lti.platforms import Deployment, Registration
from lms.lti.refusal_words import WORDS
from lms.lti.refusals import Refusal
from lms.people import Person, Role, RoleName
from lms.schools import Organisation
from tests.client import StrictClient
from tests.conftest import NOW, Clock
from tests.factories import make_person, make_school
from tests.learners import Classroom
from tests.lti import forger
from tests.lti.forger import ADMINISTRATOR, INSTRUCTOR, LEARNER, MISSING, OURS, message, signed

ACCEPTED_CLAIMS: dict[str, dict[str, Any]] = {
    "a short role": {"roles": ["Learner"]},
    "an unknown role": {"roles": ["http://school.test/roles#Caretaker"]},
    "no role in the list": {"roles": []},
    "no name": {"name": MISSING, "given_name": MISSING, "family_name": MISSING},
    "no e-mail": {"email": MISSING},
    "neither": {"name": None, "given_name": None, "family_name": None, "email": None},
    "no context": {"context": MISSING},
    "a variable that wasn't filled in": {"custom": {"countersign": "$Canvas.module", "n": "$Canvas.user.id"}},
    "letters that no column takes": {"name": "\x00\ud800", "context": {"id": "c", "title": "a\x00b\ud800"}},
    "a history of ids that no column takes": {
        "custom": {"link_history": "%00,%ff", "context_history": "%00"}
    },
    "claims of absurd kinds": {
        "name": 1,
        "email": [],
        "context": "c",
        "custom": [],
        "lis": 7,
        "tool_platform": {},
    },
}


@pytest.mark.parametrize("case", ACCEPTED_CLAIMS)
def test_a_launch_that_leaves_out_what_it_may_is_let_in(
    case: str, app: Flask, client: StrictClient, time: Clock
) -> None:
    forger.school_with_platform(app)

    response = forger.launch(client, **ACCEPTED_CLAIMS[case])

    assert response.status_code == 200
    assert outcomes(app) == [ACCEPTED]
    assert forger.signed_in(client) == identity(app).person_id


def outcomes(app: Flask) -> list[str]:
    with app.app_context(), transaction(write=False):
        return [line.outcome for line in session.query(Launch).order_by(Launch.at)]


def identity(app: Flask, sub: str = "42") -> Identity:
    with app.app_context(), transaction(write=False):
        return session.query(Identity).filter_by(sub=sub).one()


def test_a_client_id_is_not_needed_where_the_issuer_has_one(
    app: Flask, client: StrictClient, time: Clock
) -> None:
    forger.school_with_platform(app)
    login = forger.log_in(client, client_id=MISSING)

    forger.send(client, login.state, signed(message(login.nonce)))

    assert forger.signed_in(client) is not None


def test_a_key_that_says_no_algorithm_among_keys_that_we_cannot_read_verifies(
    app: Flask, client: StrictClient, time: Clock
) -> None:
    forger.school_with_platform(app)
    with app.app_context(), transaction():
        session.query(Registration).one().keys = {"keys": [forger.jwk(), {**forger.jwk("second"), "n": "?"}]}

    forger.launch(client)

    assert forger.signed_in(client) is not None


def test_the_session_knows_that_the_platform_vouches_and_who_may_frame_it(
    app: Flask, client: StrictClient, time: Clock
) -> None:
    forger.school_with_platform(app)

    response = forger.launch(client, launch_presentation={"return_url": "https://courses.school.test/back"})

    with client.session_transaction() as cookie:
        assert cookie["assurance"] == IdentityAssurance.LMS_ACCOUNT
        assert cookie["lti"]["role"] == RoleName.LEARNER
        assert set(cookie["lti"]["frame"]) == {forger.ISSUER, "https://courses.school.test"}
    policy = response.headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" not in policy
    assert "https://courses.school.test" in policy.partition("frame-ancestors ")[2]


def test_in_a_window_of_its_own_nobody_frames_it(app: Flask, client: StrictClient, time: Clock) -> None:
    forger.school_with_platform(app)
    login = forger.log_in(client)

    response = client.post(
        "/lti/launch",
        data={"state": login.state, "id_token": signed(message(login.nonce))},
        headers={"Sec-Fetch-Dest": "document"},
    )

    assert "frame-ancestors 'none'" in response.headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    ("roles", "role"),
    [([LEARNER], RoleName.LEARNER), ([INSTRUCTOR], RoleName.LEARNER), ([ADMINISTRATOR], RoleName.ADMIN)],
)
def test_the_platforms_role_lasts_for_the_session_and_is_no_row(
    roles: list[str], role: RoleName, app: Flask, client: StrictClient, time: Clock
) -> None:
    forger.school_with_platform(app)

    forger.launch(client, roles=roles)

    with client.session_transaction() as cookie:
        assert cookie["lti"]["role"] == role
    assert client.get("/admin").status_code == (200 if role is RoleName.ADMIN else 403)
    with app.app_context(), transaction(write=False):
        assert session.query(Role).count() == 0


def known(app: Flask, **options: Any) -> Person:
    """Make a school with training, a platform and a teacher whom the platform knows as 42. Return the teacher."""
    with app.app_context(), transaction():
        classroom = Classroom()
        registration = forger.connect(classroom.school, **options)
        forger.recognise(registration, classroom.person)
        return classroom.person


def test_the_signed_address_counts_and_not_what_the_login_said(
    app: Flask, client: StrictClient, time: Clock
) -> None:
    known(app)
    login = forger.log_in(client, target_link_uri=f"{OURS}/modules/personal-use")

    forger.send(
        client, login.state, signed(message(login.nonce, target_link_uri=f"{OURS}/modules/friend-request"))
    )

    assert client.page.xpath("//body/@data-shown-at")[0].startswith("/modules/friend-request")


@pytest.mark.parametrize("path", ["/policies/social-media", "/receipts?sort=day"])
def test_any_other_page_of_ours_is_gone_to(path: str, app: Flask, client: StrictClient, time: Clock) -> None:
    known(app)

    response = forger.launch(client, target_link_uri=OURS + path)

    assert (response.status_code, response.headers["Location"]) == (303, path)
    assert client.get(path).status_code == 200


@pytest.mark.parametrize(
    "path", ["/no-such-page", "/sign-in", "/lti/login", "//evil.test/", "/static/app.css"]
)
def test_an_address_of_no_page_of_theirs_opens_their_training(
    path: str, app: Flask, client: StrictClient, time: Clock
) -> None:
    known(app)

    response = forger.launch(client, target_link_uri=OURS + path)

    assert response.status_code == 200
    assert client.page.xpath("//body/@data-shown-at") == ["/"]


def test_a_course_and_its_link_are_written_down_once(app: Flask, client: StrictClient, time: Clock) -> None:
    known(app)

    for _ in range(2):
        forger.launch(client, custom={"countersign": "friend-request"})

    with app.app_context(), transaction(write=False):
        link, course = session.query(ResourceLink).one(), session.query(Context).one()
    assert (link.value, link.target, link.title) == ("link-1", "friend-request", "Social media training")
    assert (course.value, course.title, link.context_id) == ("course-1", "Staff induction", course.id)


def test_the_same_state_twice_is_let_in_once_and_offers_the_way_on(
    app: Flask, client: StrictClient, time: Clock
) -> None:
    known(app)
    login = forger.log_in(client)
    id_token = signed(message(login.nonce))
    forger.send(client, login.state, id_token)

    response = forger.send(client, login.state, id_token)

    assert response.status_code == WORDS[Refusal.STATE_USED].status
    assert outcomes(app) == [ACCEPTED, Refusal.STATE_USED]
    assert client.follow("go on to your training").status_code == 200


def test_of_two_launches_of_one_state_at_once_one_is_let_in(
    app: Flask, client: StrictClient, time: Clock
) -> None:
    forger.school_with_platform(app)
    login = forger.log_in(client)
    sent = {"state": login.state, "id_token": signed(message(login.nonce))}
    cookies = "; ".join(f"{c.key}={c.value}" for c in client._cookies.values())
    ready, answers = threading.Barrier(4), []

    def post() -> None:
        browser = app.test_client(use_cookies=False)
        ready.wait()
        answers.append(browser.post("/lti/launch", data=sent, headers={"Cookie": cookies}).status_code)

    threads = [threading.Thread(target=post) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(answers) == [200, 400, 400, 400]
    assert sorted(outcomes(app)) == [ACCEPTED, *[Refusal.STATE_USED] * 3]


def test_one_person_who_opens_two_links_at_once_for_the_first_time_is_one_person(
    app: Flask, client: StrictClient, time: Clock
) -> None:
    forger.school_with_platform(app)
    browsers = [app.test_client() for _ in range(3)]
    logins = [forger.log_in(browser) for browser in browsers]
    tokens = [signed(message(login.nonce, resource_link={"id": "link-1"})) for login in logins]
    ready, answers = threading.Barrier(3), []

    def post(n: int) -> None:
        ready.wait()
        answers.append(forger.send(browsers[n], logins[n].state, tokens[n]).status_code)

    threads = [threading.Thread(target=post, args=(n,)) for n in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert answers == [200, 200, 200]
    with app.app_context(), transaction(write=False):
        assert session.query(Person).count() == session.query(Identity).count() == 1
        assert session.query(ResourceLink).count() == 1


def test_of_two_people_in_one_browser_the_second_finds_nothing_of_the_first(
    app: Flask, client: StrictClient, time: Clock
) -> None:
    person = known(app)
    forger.launch(client, roles=[ADMINISTRATOR], custom={"countersign": "friend-request"})
    assert forger.signed_in(client) == person.id
    with client.session_transaction() as cookie:
        cookie["left"] = "behind"
    form = client.page.xpath("//main//form[contains(@action, '/modules/')]")[0]
    token = form.xpath(".//input[@name='csrf_token']/@value")[0]

    forger.launch(
        client, sub="43", roles=[LEARNER], name="Tom Hale", given_name="Tom", family_name="Hale", email=None
    )

    assert forger.signed_in(client) == identity(app, "43").person_id != person.id
    with client.session_transaction() as cookie:
        assert "left" not in cookie
        assert cookie["lti"]["role"] == RoleName.LEARNER
    assert "Priya" not in client.text
    assert client.get("/admin").status_code == 403
    assert client.post(form.get("action"), data={"csrf_token": token}).status_code == 400


def test_a_refused_launch_leaves_the_session_as_it_was(app: Flask, client: StrictClient, time: Clock) -> None:
    person = known(app)
    forger.launch(client)

    forger.launch(client, sub="43", aud="other")

    assert forger.signed_in(client) == person.id


def test_nobody_is_merged_by_an_address_and_the_same_sub_elsewhere_is_another(
    app: Flask, client: StrictClient, time: Clock
) -> None:
    with app.app_context(), transaction():
        school = make_school()
        on_the_list = make_person(school, email="priya.nair@school.test")
        forger.connect(school)
        forger.connect(school, issuer="https://canvas.school.test")
    forger.launch(client)
    login = forger.log_in(client, iss="https://canvas.school.test")

    forger.send(client, login.state, signed(message(login.nonce, iss="https://canvas.school.test")))

    with app.app_context(), transaction(write=False):
        people = {found.person_id for found in session.query(Identity)}
    assert len(people) == 2
    assert on_the_list.id not in people


def invite(app: Flask, **options: Any) -> None:
    """Make a school with a platform that was invited and has no deployment yet."""
    with app.app_context(), transaction():
        registration = forger.connect(make_school(), deployment=None, **options)
        session.add(
            Invite(
                hash="0" * 64,
                organisation_id=registration.organisation_id,
                made_at=NOW,
                expires=NOW,
                used_at=NOW,
                registration_id=registration.id,
            )
        )


def test_the_first_deployment_of_an_invited_platform_needs_no_approval_and_the_second_does(
    app: Flask, client: StrictClient, time: Clock
) -> None:
    invite(app)

    forger.launch(client, deployment_id="7")
    forger.launch(client, deployment_id="8")

    assert sorted(outcomes(app)) == [ACCEPTED, Refusal.DEPLOYMENT_WAITING]
    with app.app_context(), transaction(write=False):
        school = session.query(Organisation).one()
        kept = {d.value: (d.organisation_id, d.approved_at) for d in session.query(Deployment)}
    assert kept == {"7": (school.id, NOW), "8": (school.id, None)}


def test_the_first_deployment_of_a_platform_that_nobody_invited_waits(
    app: Flask, client: StrictClient, time: Clock
) -> None:
    forger.school_with_platform(app, deployment=None)

    forger.launch(client)
    forger.launch(client)

    assert outcomes(app) == [Refusal.DEPLOYMENT_WAITING] * 2
    with app.app_context(), transaction(write=False):
        assert session.query(Deployment).one().approved_at is None
