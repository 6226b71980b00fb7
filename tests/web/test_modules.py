"""A module, one decision a page: forwards, back, twice, half-way and after signing."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from flask import Flask

from lms import policies, scenarios, training
from lms.choice_counts import ChoiceCount
from lms.db import session, transaction
from lms.people import EngagementType
from lms.training import Answer, Attempt, Completion
from tests.client import StrictClient
from tests.conftest import NOW
from tests.factories import BEFORE, make_person
from tests.learners import MODULES, Classroom, do_modules, sign
from tests.web.practice import begin, choose, finish, rows, token, within


def test_the_start_of_a_module_says_what_how_long_and_that_practice_is_private(
    learner: StrictClient, classroom: Classroom
) -> None:
    learner.get(f"/modules/friend-request?assignment={classroom.assignment.id}")
    assert "About 5 minutes." in learner.text
    assert "Practice is private." in learner.text
    assert "Acceptable use" in learner.text
    learner.submit(button="Start")
    assert "Question 1 of" in learner.text
    assert learner.address.endswith("/1")


def test_a_choice_leads_to_what_happened_next_why_and_the_clause(
    learner: StrictClient, classroom: Classroom
) -> None:
    begin(learner, classroom)
    choose(learner, "best")
    assert learner.heading == "What happened next"
    assert "You chose: Don't accept or answer. Get his exact words to Siân Pritchard tonight" in learner.text
    assert "The boundary holds" in learner.text
    assert "5.3 On your personal accounts, do not send a friend request" in learner.text
    assert "extension 204" in learner.text
    learner.follow("Continue")
    assert "Question 2 of" in learner.text


def test_the_clause_leads_to_its_place_in_the_policy_and_back(
    learner: StrictClient, classroom: Classroom
) -> None:
    first = begin(learner, classroom)
    choose(learner, "best")
    link = learner.page.xpath("//a[contains(., 'Read 5.3 Acceptable use in the policy')]/@href")[0]
    assert link.endswith("#clause-5-3")
    learner.follow("Read 5.3 Acceptable use")
    assert learner.page.xpath("//*[@id='clause-5-3']")
    learner.follow("Back to the module")
    assert learner.address == first


def test_after_an_unsafe_choice_the_one_button_is_try_again(
    learner: StrictClient, classroom: Classroom
) -> None:
    begin(learner, classroom)
    learner.submit(button="Continue", choice="one-kind-reply")
    assert "Not safe" in learner.text
    assert [b.text_content().strip() for b in learner.page.xpath("//main//a[@role='button']")] == [
        "Try again"
    ]
    learner.follow("Try again")
    assert learner.heading == "Rhys wants to add you"
    assert "Question 1 of" in learner.text
    assert learner.address.endswith("/2")


def test_an_unsafe_choice_may_lead_to_a_worse_place_to_put_it_right_from(
    learner: StrictClient, classroom: Classroom
) -> None:
    begin(learner, classroom)
    learner.submit(button="Continue", choice="accept")
    learner.follow("Try again")
    assert learner.heading == "Nearly midnight"


def test_choosing_nothing_asks_again_and_loses_nothing(
    app: Flask, learner: StrictClient, classroom: Classroom
) -> None:
    begin(learner, classroom)
    learner.submit(button="Continue")
    assert learner.page.xpath("string(//title)").startswith("Error: Question 1")
    assert "Choose one of the answers" in learner.text
    assert rows(app, Answer) == 0
    choose(learner, "best")
    assert learner.heading == "What happened next"


def test_a_choice_that_is_not_in_the_scene_is_refused_and_nothing_is_kept(
    app: Flask, learner: StrictClient, classroom: Classroom
) -> None:
    begin(learner, classroom)
    assert learner.submit(button="Continue", choice="made-up").status_code == 404
    assert "That answer is not one of the choices for this question." in learner.text
    assert rows(app, Answer) == 0


def test_back_and_a_second_press_keep_the_first_answer_and_say_so(
    app: Flask, learner: StrictClient, classroom: Classroom
) -> None:
    address = begin(learner, classroom)
    form = token(learner)
    choose(learner, "best")
    learner.post(address, data={**form, "choice": "accept"}, follow_redirects=True)
    assert "Your first answer is kept." in learner.text
    assert "You chose: Don't accept or answer." in learner.text
    assert rows(app, Answer) == 1
    learner.post(address, data={**form, "choice": "tell-safeguarding-lead"}, follow_redirects=True)
    assert "Your first answer is kept." not in learner.text
    learner.post(address, data=form, follow_redirects=True)
    assert learner.heading == "What happened next"
    assert rows(app, Answer) == 1


def test_starting_twice_goes_on_with_the_same_attempt(
    app: Flask, learner: StrictClient, classroom: Classroom
) -> None:
    first = begin(learner, classroom)
    learner.get(f"/modules/friend-request?assignment={classroom.assignment.id}")
    learner.submit(button="Go on")
    assert learner.address == first
    assert rows(app, Attempt) == 1


@pytest.mark.parametrize("number", ["0", "2", "99"])
def test_a_step_that_is_not_reached_leads_to_the_one_that_is(
    app: Flask, learner: StrictClient, classroom: Classroom, number: str
) -> None:
    address = begin(learner, classroom)
    form = token(learner)
    elsewhere = address.rsplit("/", 1)[0] + "/" + number
    learner.get(elsewhere, follow_redirects=True)
    assert learner.address == address
    learner.post(elsewhere, data={**form, "choice": "accept"}, follow_redirects=True)
    assert learner.address == address
    assert rows(app, Answer) == 0
    learner.get(address.rsplit("/", 1)[0] + "/summary", follow_redirects=True)
    assert learner.address == address


def test_another_persons_attempt_is_not_there(
    app: Flask, client: StrictClient, learner: StrictClient, classroom: Classroom
) -> None:
    address = begin(learner, classroom)
    form = token(learner)
    colleague = within(app, lambda: make_person(classroom.school))
    learner.sign_in_as(colleague.id)
    for where in (address, address.rsplit("/", 1)[0] + "/summary"):
        assert learner.get(where).status_code == 404
        assert "There is no practice of yours at this address." in learner.text
    assert learner.post(address, data={**form, "choice": "accept"}).status_code == 404
    assert learner.get(address.replace("friend-request", "personal-use")).status_code == 404
    assert rows(app, Answer) == 0


def test_a_module_that_nobody_asked_for_is_not_there(learner: StrictClient, classroom: Classroom) -> None:
    assert learner.get("/modules/no-such-module").status_code == 404
    assert learner.get(f"/modules/friend-request?assignment={uuid4()}").status_code == 404


def test_without_an_assignment_in_the_address_the_module_is_found(learner: StrictClient) -> None:
    assert learner.get("/modules/friend-request").status_code == 200


def test_a_withdrawn_assignment_says_so_half_way(
    app: Flask, learner: StrictClient, classroom: Classroom
) -> None:
    address = begin(learner, classroom)

    def withdraw() -> None:
        found = training.current_assignment(classroom.assignment.id)
        assert found is not None
        training.withdraw(found, NOW)

    within(app, withdraw)
    assert learner.get(address).status_code == 404
    assert "it has been withdrawn" in learner.text


def test_she_finishes_the_version_that_she_began(
    app: Flask, learner: StrictClient, classroom: Classroom
) -> None:
    module = scenarios.shipped_modules()["friend-request"]
    older = module.content.replace(b"Rhys wants to add you", b"Rhys would like to add you")
    with app.app_context(), transaction():
        attempt = training.start(
            classroom.assignment,
            classroom.person.id,
            training.parse_module(older),
            cycle=0,
            engagement_type=EngagementType.TEACHER,
            now=BEFORE,
        )
    learner.get("/")
    learner.follow("Go on")
    assert learner.heading == "Rhys would like to add you"
    choose(learner, "best")
    learner.follow("Continue")
    finish(learner)
    assert learner.heading == module.summary.heading
    with app.app_context(), transaction(write=False):
        done = session.scalars(sa.select(Completion)).one()
        assert (done.attempt_id, done.module_sha256) == (attempt.id, policies.sha256_of(older.decode()))


def test_the_summary_says_what_to_remember_and_leads_to_the_next_module(
    app: Flask, learner: StrictClient, classroom: Classroom
) -> None:
    begin(learner, classroom)
    finish(learner)
    assert learner.heading == "Before you press accept"
    assert "in room 12 or on extension 204" in learner.text
    assert rows(app, Completion) == 1
    learner.follow("Next module")
    assert learner.heading == scenarios.shipped_modules()["personal-use"].title


def test_the_last_summary_leads_to_reading_and_signing(
    app: Flask, learner: StrictClient, classroom: Classroom
) -> None:
    within(app, lambda: do_modules(classroom.person, classroom.assignment, 2))
    begin(learner, classroom, "security-settings")
    finish(learner, "security-settings")
    button = learner.page.xpath("//main//a[@role='button']")[0]
    assert button.text_content().strip() == "Read and sign"
    assert button.get("href") == f"/sign/{classroom.assignment.id}"


def test_a_completed_module_opens_at_its_summary(
    app: Flask, learner: StrictClient, classroom: Classroom
) -> None:
    within(app, lambda: do_modules(classroom.person, classroom.assignment, 1))
    learner.get(f"/modules/friend-request?assignment={classroom.assignment.id}", follow_redirects=True)
    assert learner.heading == "Before you press accept"


def test_after_signing_the_practice_is_gone_and_the_page_says_so(
    app: Flask, learner: StrictClient, classroom: Classroom
) -> None:
    address = begin(learner, classroom)
    form = token(learner)
    receipt = sign(app, classroom.person.id, classroom.assignment.id)
    for where in (address, address.rsplit("/", 1)[0] + "/summary"):
        learner.get(where)
        assert learner.heading == "You have signed this"
        assert learner.page.xpath(f"//main//a[@href='/receipts/{receipt}']")
    learner.post(address, data={**form, "choice": "accept"}, follow_redirects=True)
    assert learner.heading == "You have signed this"
    learner.get(f"/modules/friend-request?assignment={classroom.assignment.id}")
    assert learner.heading == "There is nothing to do here now"
    assert rows(app, Answer) == 0


def at_once(app: Flask, person_id: UUID, address: str, fields: dict[str, str]) -> list[int]:
    """Send the same form twice at the same moment, from two tabs; return the statuses."""
    app.config["WTF_CSRF_ENABLED"] = False
    ready = threading.Barrier(2)

    def send(client: StrictClient) -> int:
        ready.wait(10)
        return client.post(address, data=fields).status_code

    tabs = [app.test_client(), app.test_client()]
    for tab in tabs:
        assert isinstance(tab, StrictClient)
        tab.sign_in_as(person_id)
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(send, tabs))


def test_two_presses_at_the_same_moment_begin_once_and_answer_once(
    app: Flask, learner: StrictClient, classroom: Classroom
) -> None:
    for module in MODULES:
        assert at_once(app, classroom.person.id, f"/modules/{module}", {}) == [302, 302]
    assert rows(app, Attempt) == len(MODULES)
    learner.get("/")
    learner.follow("Go on")
    question = learner.address
    assert at_once(app, classroom.person.id, question, {"choice": "leave-it"}) == [302, 302]
    assert rows(app, Answer) == 1
    with app.app_context(), transaction(write=False):
        assert session.scalars(sa.select(ChoiceCount.n)).all() == [1]


def test_many_people_begin_the_same_module_at_the_same_moment(app: Flask, classroom: Classroom) -> None:
    app.config["WTF_CSRF_ENABLED"] = False
    with app.app_context(), transaction():
        people = [make_person(classroom.school).id for _ in range(8)]
    ready = threading.Barrier(len(people))

    def start(person_id: UUID) -> int:
        client = app.test_client()
        assert isinstance(client, StrictClient)
        client.sign_in_as(person_id)
        ready.wait(10)
        return client.post("/modules/friend-request").status_code

    with ThreadPoolExecutor(len(people)) as pool:
        assert list(pool.map(start, people)) == [302] * len(people)
    assert rows(app, Attempt) == len(people)
