"""What somebody tries who means harm: each attempt is refused, says so in words, and leaves nothing behind."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from itsdangerous import URLSafeTimedSerializer

from lms import help_requests, my_training, scenarios, training
from lms.attestations import Attestation, IdentityAssurance
from lms.db import session, transaction
from lms.help_requests import HelpKind, HelpRequest
from lms.mail import Message
from lms.people import EngagementType, Person, RoleName
from lms.schools import Organisation
from lms.training import Answer, Assignment, Attempt, Completion, Exemption
from tests.client import StrictClient
from tests.conftest import NOW, Clock
from tests.factories import BEFORE, engagement_of, make_assignment, make_person, make_policy
from tests.learners import Classroom, sign

NASTY = "\"'><script>alert(1)</script><img src=x onerror=alert(1)>"
"""A text that runs, if anything here runs it."""


@dataclass(frozen=True)
class Place:
    """One school with somebody of each kind, something to do, and something done."""

    slug: str
    assignment: UUID
    alone: UUID
    learner: UUID
    colleague: UUID
    hr: UUID
    manager: UUID
    admin: UUID
    attempt: UUID
    request: UUID
    receipt: UUID


def place(app: Flask, **words: Any) -> Place:
    """Make a school in which a learner is half-way, and a colleague has signed and has a question."""
    with app.app_context(), transaction():
        room = Classroom(modules=["friend-request"])
        alone = make_assignment(room.school, make_policy(room.school, slug="conduct"))
        colleague = make_person(room.school, **words)
        staff = {role: make_person(room.school, role=role, **words) for role in RoleName}
        attempt = training.start(
            room.assignment,
            room.person.id,
            _module(),
            cycle=0,
            engagement_type=EngagementType.TEACHER,
            now=NOW,
        )
        text = words.get("surname", "Why?")
        asked = help_requests.ask(room.school, colleague.id, alone.id, HelpKind.QUESTION, text, NOW)
        made = (room.school.slug, room.assignment.id, alone.id, room.person.id, colleague.id)
        roles = (staff[RoleName.HR].id, staff[RoleName.MANAGER].id, staff[RoleName.ADMIN].id)
        ids = (*made, *roles, attempt.id, asked.id)
    return Place(*ids, receipt=sign(app, ids[4], ids[2]))


def _module() -> scenarios.Module:
    return scenarios.shipped_modules()["friend-request"]


@pytest.fixture
def here(app: Flask, time: Clock) -> Place:
    return place(app)


def as_(app: Flask, person: UUID) -> StrictClient:
    """Somebody's browser, whose every form has a token that fits."""
    browser = app.test_client()
    assert isinstance(browser, StrictClient)
    with browser.session_transaction() as cookie:
        cookie["csrf_token"] = "0" * 40
    token = URLSafeTimedSerializer(app.secret_key or "", salt="wtf-csrf-token").dumps("0" * 40)
    browser.environ_base["HTTP_X_CSRFTOKEN"] = str(token)
    browser.sign_in_as(person)
    return browser


def rows(app: Flask, table: type) -> int:
    with app.app_context(), transaction(write=False):
        return session.scalar(sa.select(sa.func.count()).select_from(table)) or 0


def left_behind(app: Flask) -> list[int]:
    return [
        rows(app, t) for t in (Attestation, Completion, Attempt, Assignment, Exemption, HelpRequest, Message)
    ]


def posts(app: Flask, values: dict[str, object]) -> Iterator[str]:
    """Every address that takes a POST, filled in with these values."""
    for rule in app.url_map.iter_rules():
        if "POST" in (rule.methods or ()):
            filled = {name: values.get(name, uuid4()) for name in rule.arguments}
            with app.test_request_context():
                yield app.url_map.bind("localhost").build(rule.endpoint, filled)


def values_of(at: Place) -> dict[str, object]:
    return {
        "school": at.slug,
        "slug": "friend-request",
        "attempt": at.attempt,
        "step": 1,
        "assignment": at.assignment,
        "assignment_id": at.assignment,
        "person_id": at.learner,
        "request_id": at.request,
        "way": "question",
        "secret": "x" * 43,
    }


def test_no_form_is_taken_from_another_site(app: Flask, here: Place) -> None:
    before = left_behind(app)
    for person in (here.learner, here.hr, here.admin):
        for address in posts(app, values_of(here)):
            browser = as_(app, person)
            browser.environ_base["HTTP_X_CSRFTOKEN"] = "forged"
            sent = browser.post(address, data={"text": "x", "reason": "x", "lift": "1"})
            # There the invitation's secret is asked for, and not the form's.
            refused = 404 if address.startswith("/lti/register/") else 400
            assert sent.status_code == refused, address
    assert left_behind(app) == before


def test_a_cookie_that_was_copied_is_worth_nothing_after_signing_out(app: Flask, here: Place) -> None:
    browser, thief = as_(app, here.learner), app.test_client()
    browser.get("/")
    stolen = browser.get_cookie("countersign")
    assert stolen is not None

    browser.post("/sign-out")

    thief.set_cookie("countersign", stolen.value)
    assert thief.get("/").status_code == 302


def test_who_says_this_is_not_me_ends_every_session_of_that_person(app: Flask, here: Place) -> None:
    browser, other = as_(app, here.learner), as_(app, here.learner)

    browser.post(f"/sign/{here.alone}/not-signing/not-me", data={"text": ""})

    assert other.get("/").status_code == 302


def test_hr_of_another_school_reaches_nothing_by_the_ids_of_this_one(app: Flask, here: Place) -> None:
    there = place(app)
    before = left_behind(app)
    hr, theirs = as_(app, there.hr), f"/schools/{there.slug}/records"
    wanted = [
        f"{theirs}/people/{here.learner}",
        f"{theirs}/people/{here.learner}/not-required/{here.assignment}",
        f"{theirs}/people/{there.learner}/not-required/{here.assignment}",
        f"{theirs}/assignments/{here.assignment}/withdraw",
        *(f"/receipts/{here.receipt}{part}" for part in ("", "/proof", "/record", "/text")),
    ]
    assert {hr.get(address).status_code for address in wanted} == {404}
    form = {"reason": "x", "how_long": "for-good", "lift": "1"}
    assert {hr.post(address, data=form).status_code for address in wanted[1:4]} == {404}
    assert hr.post(f"{theirs}/requests/{here.request}/settle").status_code == 404
    assert left_behind(app) == before
    with app.app_context(), transaction(write=False):
        asked = session.get(HelpRequest, here.request)
        assert asked is not None
        assert asked.answered_at is None


def test_an_assignment_sent_from_one_school_never_lands_on_anothers(app: Flask, here: Place) -> None:
    there = place(app)
    with app.app_context(), transaction(write=False):
        policy = session.scalar(sa.select(Assignment.policy_id).where(Assignment.id == here.assignment))
        own = session.scalar(sa.select(Assignment.policy_id).where(Assignment.id == there.assignment))
    address = f"/schools/{there.slug}/records/assignments/new"
    form = {"audience": "teacher", "due": "after-days", "due_days": 5, "valid": "until-new", "step": "assign"}
    before, hr = assigned(app, here.slug), as_(app, there.hr)

    foreign_policy = hr.post(address, data=form | {"policy": policy, "assignment": uuid4()})
    assert (foreign_policy.status_code, len(assigned(app, there.slug))) == (400, len(before))
    foreign_id = hr.post(address, data=form | {"policy": own, "assignment": here.assignment})
    assert (foreign_id.status_code, len(assigned(app, there.slug))) == (303, len(before) + 1)
    assert here.assignment not in {assignment_id for assignment_id, _ in assigned(app, there.slug)}
    assert assigned(app, here.slug) == before


def assigned(app: Flask, slug: str) -> list[tuple[UUID, list[str]]]:
    """The assignments of a school, and whom each is for."""
    with app.app_context(), transaction(write=False):
        there = sa.select(Assignment.id, Assignment.audience).join(
            Organisation, Organisation.id == Assignment.organisation_id
        )
        return [
            tuple(row)
            for row in session.execute(there.where(Organisation.slug == slug).order_by(Assignment.id))
        ]


def test_nobody_signs_before_the_modules_are_done_whatever_the_form_says(app: Flask, here: Place) -> None:
    browser = as_(app, here.learner)
    shown = shown_sha256(app, here)
    for cycle in ("0", "1", "-1", "9" * 40, "", "x"):
        for sha256 in ("", "0" * 64, shown):
            form = {"cycle": cycle, "text_sha256": sha256, "statement": "y", "typed_name": "Priya Nair"}
            assert browser.post(f"/sign/{here.assignment}", data=form).status_code < 500
    assert rows(app, Attestation) == 1


def shown_sha256(app: Flask, at: Place) -> str:
    """The hash of the text that the assignment would show."""
    with app.app_context(), transaction(write=False):
        person = session.get_one(Person, at.learner)
        return my_training.signing(
            my_training.task(person, at.assignment, NOW), person, IdentityAssurance.WORK_EMAIL, 0
        ).text_sha256


def test_a_question_that_has_not_been_reached_takes_no_answer(app: Flask, here: Place) -> None:
    browser = as_(app, here.learner)
    best = next(c for c in _module().scene(_module().start).choices if c.outcome == "best")
    for step in (0, 2, 5, 10**12):
        browser.post(f"/modules/friend-request/{here.attempt}/{step}", data={"choice": best.id})
    for scene in _module().scenes:
        if scene.id != _module().start:
            choice = next(c.id for c in scene.choices)
            browser.post(f"/modules/friend-request/{here.attempt}/1", data={"choice": f"{scene.id}:{choice}"})
    assert rows(app, Answer) == 0
    assert rows(app, Completion) == 0


def test_nobody_turns_down_what_is_signed_by_claiming_the_next_time_round(app: Flask, here: Place) -> None:
    browser = as_(app, here.colleague)
    refused = browser.post(f"/sign/{here.alone}/not-signing/decline", data={"cycle": "1", "reason": ""})
    assert refused.status_code == 409
    assert "nothing to sign at the moment" in browser.text
    assert rows(app, Attestation) == 1


@pytest.mark.parametrize(
    "junk", ["a\0b", "\ud800", "9" * 5000, f"[[head]]%_{NASTY}"], ids=["NUL", "half", "long", "marks"]
)
def test_what_no_person_would_type_is_never_a_fault_of_the_server(app: Flask, here: Place, junk: str) -> None:
    sent = junk.encode("utf-8", "surrogatepass")
    fields = (
        "email password next choice cycle text_sha256 statement typed_name asked_name whose_name text reason way "
        "how_long until policy modules audience due due_days due_on valid months step assignment report format "
        "name type department status item as_at sort page school head back"
    )
    form = {name: sent for name in fields.split()}
    query = {
        name: sent
        for name in ("name", "type", "department", "status", "item", "as_at", "sort", "page", "next")
    }
    for person in (here.learner, here.admin):
        for address in posts(app, values_of(here)):
            assert sent_to(as_(app, person), address, method="POST", data=form) < 500, address
        for address in (f"/schools/{here.slug}/records", f"/schools/{here.slug}/records/exports", "/sign-in"):
            assert sent_to(as_(app, person), address, query_string=query) < 500, address


def sent_to(browser: StrictClient, address: str, **request: Any) -> int:
    """The status alone: a page that shows junk again isn't valid HTML, and needn't be."""
    response = FlaskClient.open(browser, address, **request)
    response.close()
    return response.status_code


@pytest.mark.parametrize("part", ["%00", "%ff%fe", "a" * 3000, "%27%20OR%201=1", "%0d%0aX-Evil:%201"])
def test_an_address_that_nobody_wrote_is_never_a_fault_of_the_server(
    app: Flask, here: Place, part: str
) -> None:
    browser = as_(app, here.hr)
    for address in (
        "/schools/{}/records",
        "/policies/{}",
        "/modules/{}",
        "/modules/{}/" + str(here.attempt) + "/1",
        "/sign-in/link/{}",
        f"/sign/{here.alone}/not-signing/{{}}",
        f"/schools/{here.slug}/records/people/{{}}",
        "/receipts/{}",
    ):
        response = browser.get(address.format(part))
        assert response.status_code in (400, 404, 410), address
        assert "X-Evil" not in response.headers


def test_no_name_or_reason_runs_as_a_script_on_any_page(app: Flask, time: Clock) -> None:
    at = place(app, surname=NASTY, forename=NASTY, known_as=NASTY, department=NASTY)
    with app.app_context(), transaction():
        write_everywhere(at)
    for person in (at.learner, at.colleague, at.hr, at.manager, at.admin):
        browser = as_(app, person)
        for address in pages(at):
            shown = browser.get(address)
            if shown.mimetype == "text/html" and shown.status_code == 200:
                assert "<script>alert" not in shown.text, address
                assert not browser.page.xpath("//*[@onerror] | //script[not(@nonce)] | //img[@src='x']"), (
                    address
                )


def write_everywhere(at: Place) -> None:
    """Put the text in every place that a staff list or an administrator fills in."""
    for person in (at.learner, at.colleague):
        engagement = engagement_of(session.get_one(Person, person))
        engagement.job_title = engagement.agency = NASTY
    school = session.query(Organisation).filter_by(slug=at.slug).one()
    school.name = NASTY
    school.contacts = {name: NASTY for name in school.placeholder_values if name != "school"}
    assignment = training.current_assignment(at.assignment)
    assert assignment is not None
    training.exempt(assignment, at.colleague, reason=NASTY, until=None, now=BEFORE)


def pages(at: Place) -> list[str]:
    records = f"/schools/{at.slug}/records"
    return [
        "/",
        "/policies",
        "/policies/social-media",
        "/modules/friend-request",
        f"/modules/friend-request/{at.attempt}/1",
        f"/sign/{at.alone}",
        f"/sign/{at.assignment}/not-signing",
        *(f"/sign/{at.alone}/not-signing/{way}" for way in ("question", "another-way", "not-me", "decline")),
        "/receipts",
        f"/receipts/{at.receipt}",
        records,
        f"{records}?name=%22%3E%3Cscript%3Ealert(1)%3C/script%3E",
        f"{records}/exports",
        f"{records}/people/{at.learner}",
        f"{records}/people/{at.colleague}",
        f"{records}/people/{at.colleague}/not-required/{at.assignment}",
        f"{records}/assignments",
        f"{records}/assignments/new",
        f"{records}/assignments/{at.alone}/withdraw",
        f"/schools/{at.slug}/settings",
        "/admin",
        "/help",
        "/privacy",
    ]


def test_a_password_as_long_as_a_book_is_not_hashed(app: Flask, here: Place) -> None:
    browser = as_(app, here.learner)
    sent = browser.post("/sign-in/password", data={"email": "a@school.test", "password": "x" * 1001})
    assert sent.status_code == 400
    assert "not a longer text" in browser.text
