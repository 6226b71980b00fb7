"""My training: what to do, by when, and what it costs to say so."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from flask import Flask

from lms import scenarios, training
from lms.db import transaction
from lms.people import EngagementType, RoleName, end_engagement, engage, give_role
from lms.training import Attempt
from tests.client import StrictClient
from tests.conftest import NOW, Clock
from tests.counting import queries
from tests.factories import BEFORE, engagement_of, make_assignment, make_person, make_policy, make_school
from tests.learners import Classroom, do_modules, sign
from tests.web.practice import begin, choose, rows, token, within


def test_my_training_says_what_to_do_by_when_and_gives_one_button(learner: StrictClient) -> None:
    learner.get("/")
    assert learner.heading == "My training"
    assert "Social media policy" in learner.text
    assert "Due by 15 September 2026, in 8 days." in learner.text
    assert "Not started" in learner.text
    assert "A friend request from an ex-pupil 5 minutes" in learner.text
    assert "Practice is private." in learner.text
    assert len(learner.page.xpath("//main//a[contains(@class, 'govuk-button')]")) == 1
    learner.follow("Start")
    assert learner.heading == "A friend request from an ex-pupil"


def test_the_school_is_named_at_the_head_of_the_page_and_not_on_the_card_of_the_only_school(
    learner: StrictClient, classroom: Classroom
) -> None:
    learner.get("/")
    assert classroom.school.name in learner.page.xpath("string(//header)")
    assert classroom.school.name not in learner.text


def test_go_on_opens_the_very_question_on_another_device(
    app: Flask, learner: StrictClient, classroom: Classroom
) -> None:
    begin(learner, classroom)
    choose(learner, "acceptable")
    learner.follow("Continue")
    where, heading = learner.address, learner.heading
    other = app.test_client()
    assert isinstance(other, StrictClient)
    other.sign_in_as(classroom.person.id)
    other.get("/")
    assert "In progress" in other.text
    other.follow("Go on")
    assert (other.address, other.heading) == (where, heading)


def test_when_the_modules_are_done_the_button_says_read_and_sign(
    app: Flask, learner: StrictClient, classroom: Classroom
) -> None:
    within(app, lambda: do_modules(classroom.person, classroom.assignment))
    learner.get("/")
    button = learner.page.xpath("//main//a[contains(@class, 'govuk-button')]")[0]
    assert button.text_content().strip().startswith("Read and sign")
    assert button.get("href") == f"/sign/{classroom.assignment.id}"


def test_after_one_module_the_next_is_offered(
    app: Flask, learner: StrictClient, classroom: Classroom
) -> None:
    within(app, lambda: do_modules(classroom.person, classroom.assignment, 1))
    learner.get("/")
    assert "A friend request from an ex-pupil Done" in learner.text
    learner.follow("Go on")
    assert learner.heading == scenarios.shipped_modules()["personal-use"].title


def test_a_signed_task_shows_when_and_its_receipt(
    app: Flask, learner: StrictClient, classroom: Classroom
) -> None:
    receipt = sign(app, classroom.person.id, classroom.assignment.id)
    learner.get("/")
    assert "You are up to date." in learner.text
    assert "Signed on 7 September 2026. Sign again before 7 September 2027." in learner.text
    assert learner.page.xpath(f"//main//a[@href='/receipts/{receipt}']")
    assert not learner.page.xpath("//main//a[contains(@class, 'govuk-button')]")


def test_a_signature_that_runs_out_soon_can_be_renewed(
    app: Flask, learner: StrictClient, classroom: Classroom, time: Clock
) -> None:
    sign(app, classroom.person.id, classroom.assignment.id)
    time.now = NOW + timedelta(days=350)
    learner.get("/")
    assert "Coming up" in learner.text
    assert "Sign again before 7 September 2027." in learner.text
    learner.follow("Start")
    learner.submit(button="Start")
    assert "Question 1 of" in learner.text


def test_sign_again_is_the_button_when_a_signed_policy_without_modules_is_due_once_more(
    app: Flask, client: StrictClient, time: Clock
) -> None:
    with app.app_context(), transaction():
        alone = Classroom(modules=[])
    sign(app, alone.person.id, alone.assignment.id)
    time.now = NOW + timedelta(days=370)
    client.sign_in_as(alone.person.id)
    client.get("/")
    assert "What you signed stopped counting on 7 September 2027." in client.text
    assert "Expired" in client.text
    button = client.page.xpath("//main//a[contains(@class, 'govuk-button')]")[0]
    assert button.text_content().strip().startswith("Sign again")


@pytest.mark.parametrize(
    ("day", "words"),
    [
        (date(2026, 9, 7), "Due today, 7 September 2026."),
        (date(2026, 9, 8), "Due tomorrow, 8 September 2026."),
        (date(2026, 9, 6), "This was due on 6 September 2026, 1 day ago."),
        (date(2026, 9, 1), "This was due on 1 September 2026, 6 days ago."),
    ],
)
def test_when_it_is_due_is_said_in_words(
    app: Flask, client: StrictClient, time: Clock, day: date, words: str
) -> None:
    with app.app_context(), transaction():
        school = make_school()
        make_assignment(school, make_policy(school), due_on=day)
        person = make_person(school, starts=date(2026, 1, 5))
    client.sign_in_as(person.id)
    client.get("/")
    assert words in client.text


def test_somebody_who_starts_later_can_do_it_before_then(
    app: Flask, client: StrictClient, classroom: Classroom
) -> None:
    person = within(app, lambda: make_person(classroom.school, starts=date(2026, 10, 1)))
    client.sign_in_as(person.id)
    client.get("/")
    assert "Due by 15 October 2026" in client.text
    assert "You start here on 1 October 2026, and can do it before then." in client.text


def test_a_person_with_two_schools_sees_which_is_which(
    app: Flask, learner: StrictClient, classroom: Classroom
) -> None:
    with app.app_context(), transaction():
        other = make_school()
        make_assignment(other, make_policy(other))
        engage(classroom.person, other.id, EngagementType.GOVERNOR, starts=date(2026, 9, 1), now=BEFORE)
    learner.get("/")
    assert classroom.school.name in learner.text
    assert other.name in learner.text
    learner.get("/policies")
    assert learner.text.count("Social media policy") == 2
    learner.get(f"/policies/social-media?school={other.slug}")
    assert f"Think before you post, at {other.name}." in learner.text


def test_somebody_with_nothing_to_do_is_told_so(
    app: Flask, client: StrictClient, classroom: Classroom
) -> None:
    other = within(app, lambda: make_person(make_school()))
    client.sign_in_as(other.id)
    client.get("/")
    assert "There is nothing for you to do." in client.text


def test_somebody_who_has_left_has_nothing_to_do_and_keeps_her_receipts(
    app: Flask, learner: StrictClient, classroom: Classroom
) -> None:
    receipt = sign(app, classroom.person.id, classroom.assignment.id)
    with app.app_context(), transaction():
        end_engagement(engagement_of(classroom.person), ends=date(2026, 9, 4), now=NOW)
    learner.get("/")
    assert "There is nothing for you to do." in learner.text
    learner.follow("your receipts")
    assert learner.page.xpath(f"//main//a[@href='/receipts/{receipt}']")
    learner.get("/policies")
    assert "There are no policies for you to read." in learner.text
    assert learner.get("/policies/social-media").status_code == 404


def test_somebody_exempt_is_told_that_it_is_not_required(
    app: Flask, learner: StrictClient, classroom: Classroom
) -> None:
    within(
        app,
        lambda: training.exempt(
            classroom.assignment, classroom.person.id, reason="On leave", until=None, now=BEFORE
        ),
    )
    learner.get("/")
    assert "You don’t need to do this." in learner.text
    learner.get(f"/modules/friend-request?assignment={classroom.assignment.id}")
    assert learner.heading == "There is nothing to do here now"
    learner.post(f"/modules/friend-request?assignment={classroom.assignment.id}", data=token(learner))
    assert rows(app, Attempt) == 0


def test_hr_without_training_of_her_own_still_finds_the_records(app: Flask, client: StrictClient) -> None:
    with app.app_context(), transaction():
        left, school = make_school("Abbey School"), make_school("Zion School")
        person = make_person(left)
        give_role(person, school.id, RoleName.HR)
        end_engagement(engagement_of(person), ends=date(2026, 9, 1), now=NOW)
    client.sign_in_as(person.id)
    client.get("/")
    assert "There is nothing for you to do." in client.text
    assert client.page.xpath(f"//nav//a[@href='/schools/{school.slug}/records']")


def test_a_learners_pages_take_six_queries_at_most_however_many_adults_there_are(
    app: Flask, learner: StrictClient, classroom: Classroom
) -> None:
    question = begin(learner, classroom)
    choose(learner, "best")
    with app.app_context(), transaction():
        mate = make_person(classroom.school)
        do_modules(mate, classroom.assignment, 1)
        nobody = make_person(make_school())
    addresses = [
        "/",
        "/policies",
        "/policies/social-media",
        f"/modules/friend-request?assignment={classroom.assignment.id}",
        question,
        question[:-1] + "2",
    ]
    few = {address: queries(app, learner, address) for address in addresses}
    with app.app_context(), transaction():
        for _ in range(500):
            make_person(classroom.school)
    many = {address: queries(app, learner, address) for address in addresses}
    assert many == few
    assert max(few.values()) <= 6
    assert few["/"] <= 4
    learner.sign_in_as(mate.id)
    learner.get("/")
    summary = learner.page.xpath("//main//li//a/@href")[0]
    assert queries(app, learner, summary) <= 6
    learner.sign_in_as(nobody.id)
    assert queries(app, learner, "/") <= 6
