"""What a learner sees and does, page by page."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy import event

from lms import my_training, policies, training
from lms.db import db, session, transaction
from lms.people import EngagementType, RoleName, end_engagement, engage, give_role
from lms.training import Answer, Attempt, Completion
from tests.client import StrictClient
from tests.conftest import NOW, Clock
from tests.factories import BEFORE, engagement_of, make_assignment, make_person, make_policy, make_school
from tests.learners import CONTACTS, Classroom, do_modules, sign

OWN_POLICY = """# Social media policy

## 3. Getting help

Ask Jo.

## 5. Acceptable use

Be kind. Keep your own accounts for your own friends.
"""


@pytest.fixture
def classroom(app: Flask, time: Clock) -> Classroom:
    with app.app_context(), transaction():
        return Classroom()


@pytest.fixture
def learner(client: StrictClient, classroom: Classroom) -> StrictClient:
    client.sign_in_as(classroom.person.id)
    return client


def add(app: Flask, work: Callable[[], Any]) -> Any:
    """Do something in a transaction of its own, as another request would."""
    with app.app_context(), transaction():
        return work()


def rows(app: Flask, table: type) -> int:
    with app.app_context(), transaction(write=False):
        return session.scalar(sa.select(sa.func.count()).select_from(table)) or 0


@contextmanager
def counted(app: Flask) -> Iterator[list[str]]:
    """Collect the statements that the database is sent."""
    sent: list[str] = []

    def note(*args: Any) -> None:
        sent.append(args[2])

    with app.app_context():
        event.listen(db.engine, "before_cursor_execute", note)
    yield sent
    with app.app_context():
        event.remove(db.engine, "before_cursor_execute", note)


def queries(app: Flask, client: StrictClient, address: str) -> int:
    client.get(address)  # content is read once a process
    with counted(app) as sent:
        assert client.get(address).status_code == 200
    return len([s for s in sent if s.lstrip().upper().startswith("SELECT")])


def begin(learner: StrictClient, classroom: Classroom, slug: str = "friend-request") -> str:
    """Start a module; return the address of its first question."""
    learner.get(f"/modules/{slug}?assignment={classroom.assignment.id}")
    learner.submit(button="Start")
    return learner.address


def choose(learner: StrictClient, outcome: str, slug: str = "friend-request") -> None:
    """Answer the question that is shown by its first choice with an outcome."""
    ids = {v for v in learner.page.xpath("//input[@type='radio']/@value")}
    scenes = my_training.modules()[slug].scenes
    scene = next(s for s in scenes if {c.id for c in s.choices} == ids)
    learner.submit(button="Continue", choice=next(c.id for c in scene.choices if c.outcome == outcome))


def finish(learner: StrictClient, slug: str = "friend-request") -> None:
    """Answer every question that is left by its best choice."""
    while learner.page.xpath("//input[@type='radio']"):
        choose(learner, "best", slug)
        learner.follow("Continue")


# My training


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
    add(app, lambda: do_modules(classroom.person, classroom.assignment))
    learner.get("/")
    button = learner.page.xpath("//main//a[contains(@class, 'govuk-button')]")[0]
    assert button.text_content().strip().startswith("Read and sign")
    assert button.get("href") == f"/sign/{classroom.assignment.id}"


def test_after_one_module_the_next_is_offered(
    app: Flask, learner: StrictClient, classroom: Classroom
) -> None:
    add(app, lambda: do_modules(classroom.person, classroom.assignment, 1))
    learner.get("/")
    assert "A friend request from an ex-pupil Done" in learner.text
    learner.follow("Go on")
    assert learner.heading == my_training.modules()["personal-use"].title


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
    person = add(app, lambda: make_person(classroom.school, starts=date(2026, 10, 1)))
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
    other = add(app, lambda: make_person(make_school()))
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


def test_somebody_exempt_is_told_that_it_is_not_required(
    app: Flask, learner: StrictClient, classroom: Classroom
) -> None:
    add(
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


def token(client: StrictClient) -> dict[str, str]:
    """Return the form token of the page that is open."""
    return {"csrf_token": client.page.xpath("string(//input[@name='csrf_token']/@value)")}


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


# A module


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
    colleague = add(app, lambda: make_person(classroom.school))
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

    add(app, withdraw)
    assert learner.get(address).status_code == 404
    assert "it has been withdrawn" in learner.text


def test_she_finishes_the_version_that_she_began(
    app: Flask, learner: StrictClient, classroom: Classroom
) -> None:
    module = my_training.modules()["friend-request"]
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
    assert learner.heading == my_training.modules()["personal-use"].title


def test_the_last_summary_leads_to_reading_and_signing(
    app: Flask, learner: StrictClient, classroom: Classroom
) -> None:
    add(app, lambda: do_modules(classroom.person, classroom.assignment, 2))
    begin(learner, classroom, "security-settings")
    finish(learner, "security-settings")
    button = learner.page.xpath("//main//a[@role='button']")[0]
    assert button.text_content().strip() == "Read and sign"
    assert button.get("href") == f"/sign/{classroom.assignment.id}"


def test_a_completed_module_opens_at_its_summary(
    app: Flask, learner: StrictClient, classroom: Classroom
) -> None:
    add(app, lambda: do_modules(classroom.person, classroom.assignment, 1))
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


# Policies


def test_a_policy_has_its_contents_its_version_and_whom_to_ask(
    learner: StrictClient, classroom: Classroom
) -> None:
    learner.get("/policies")
    assert "Version 3." in learner.text
    assert "Not started" in learner.text
    learner.follow("Social media policy")
    assert learner.heading == "Social media policy"
    assert classroom.version.source_sha256[:12] in learner.text
    assert f"ask {CONTACTS['senior_manager']}, or in HR {CONTACTS['hr_contact']}." in learner.text
    anchors = learner.page.xpath("//main//nav//a/@href")
    assert len(anchors) == 12
    for anchor in anchors:
        assert learner.page.xpath(f"//*[@id='{anchor[1:]}']")


def test_the_policy_is_one_tap_from_every_page_of_a_module(
    app: Flask, learner: StrictClient, classroom: Classroom
) -> None:
    def leads_to_the_policy_and_back() -> None:
        before, heading = learner.address, learner.heading
        learner.follow("Read the policy: Social media policy")
        assert learner.heading == "Social media policy"
        learner.follow("Back to the module")
        assert (learner.address, learner.heading) == (before, heading)

    learner.get(f"/modules/friend-request?assignment={classroom.assignment.id}")
    leads_to_the_policy_and_back()
    begin(learner, classroom)
    leads_to_the_policy_and_back()
    choose(learner, "best")
    leads_to_the_policy_and_back()
    learner.follow("Continue")
    finish(learner)
    leads_to_the_policy_and_back()


@pytest.mark.parametrize(
    "back", ["https://evil.test/", "//evil.test/modules/", "/modules/\\evil.test", "/sign-out"]
)
def test_the_way_back_from_a_policy_is_only_ever_a_module(
    learner: StrictClient, classroom: Classroom, back: str
) -> None:
    learner.get("/policies/social-media", query_string={"back": back})
    ways = learner.page.xpath("//a[@class='govuk-back-link']/@href")
    assert ways in (["/policies"], ["/"])


def test_a_policy_of_another_school_is_not_there(
    app: Flask, learner: StrictClient, classroom: Classroom
) -> None:
    def another() -> str:
        school = make_school()
        make_assignment(school, make_policy(school, slug="conduct"))
        return school.slug

    slug = add(app, another)
    assert learner.get("/policies/conduct").status_code == 404
    assert learner.get(f"/policies/social-media?school={slug}").status_code == 404
    assert learner.get("/policies/nothing").status_code == 404


def test_a_policy_that_only_others_must_sign_can_be_read(
    app: Flask, learner: StrictClient, classroom: Classroom
) -> None:
    def for_governors() -> None:
        version = make_policy(classroom.school, slug="governors")
        make_assignment(classroom.school, version, audience=[EngagementType.GOVERNOR])

    add(app, for_governors)
    learner.get("/policies")
    assert "You haven’t been asked to sign this one." in learner.text
    assert learner.get("/policies/governors").status_code == 200


def test_a_signed_policy_is_marked_as_signed(app: Flask, learner: StrictClient, classroom: Classroom) -> None:
    sign(app, classroom.person.id, classroom.assignment.id)
    learner.get("/policies")
    assert "Signed" in learner.text
    assert "You signed on 7 September 2026, 9:30am." in learner.text


@pytest.fixture
def own_policy(app: Flask, classroom: Classroom) -> Classroom:
    def publish() -> None:
        policies.publish(
            classroom.school,
            slug="social-media",
            title="Social media policy",
            label="4",
            markdown=OWN_POLICY,
            now=BEFORE,
        )

    add(app, publish)
    return classroom


def test_a_schools_own_policy_is_never_misquoted(learner: StrictClient, own_policy: Classroom) -> None:
    begin(learner, own_policy)
    choose(learner, "best")
    assert "The rule behind this" in learner.text
    assert "What the policy says" not in learner.text
    assert "These are the words of the model policy" in learner.text
    links = learner.page.xpath("//div[contains(@class, 'govuk-inset-text')]//a")
    assert [(a.text_content().strip(), a.get("href").partition("#")[2]) for a in links] == [
        ("Read section 5, Acceptable use, in your school’s policy", "section-5"),
        ("Read your school’s policy", ""),
    ]
    assert "5.3" not in learner.text
    learner.follow("Read section 5")
    assert "Be kind." in learner.text


# What it costs


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
    learner.sign_in_as(mate.id)
    learner.get("/")
    summary = learner.page.xpath("//main//li//a/@href")[0]
    assert queries(app, learner, summary) <= 6
    learner.sign_in_as(nobody.id)
    assert queries(app, learner, "/") <= 6
