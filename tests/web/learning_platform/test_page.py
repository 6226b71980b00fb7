"""HR's page about the learning platform: what waits, scores that were refused, who is who, and whose it all is."""

from __future__ import annotations

import sqlalchemy as sa
from flask import Flask

from lms import jobs
from lms.audit import Event
from lms.db import db, session
from lms.lti import platforms
from lms.lti.identities import Identity
from lms.lti.places import ResourceLink
from lms.lti.scores import Score, ScoreState
from lms.people import Engagement, RoleName
from tests.client import StrictClient
from tests.conftest import NOW
from tests.counting import counted
from tests.web.learning_platform.moodle import REFUSAL, Platform, read
from tests.web.office import Office, cells, people_shown


def test_a_school_without_a_platform_is_told_what_one_is_for(office: Office, hr: StrictClient) -> None:
    hr.get(office.records)
    hr.follow("The school’s learning platform")
    assert hr.heading == "No learning platform is connected"
    assert "An administrator connects a platform." in hr.text
    assert not hr.page.xpath("//main//a")


def test_a_deployment_that_waits_for_approval_is_not_connected(
    app: Flask, office: Office, hr: StrictClient, platform: Platform
) -> None:
    def wait() -> None:
        session.get_one(platforms.Deployment, platform.deployment.id).approved_at = None

    office.do(wait)
    hr.get(platform.page)
    assert hr.heading == "No learning platform is connected"


def test_nothing_to_settle_is_said_in_words(hr: StrictClient, platform: Platform) -> None:
    hr.get(platform.page)
    assert "Nothing to settle." in hr.text
    assert "No score was refused." in hr.text
    assert "Our Moodle." in hr.text


def test_the_records_page_says_what_waits(office: Office, hr: StrictClient, platform: Platform) -> None:
    hr.get(office.records)
    assert "From the learning platform" not in hr.text
    platform.score(office.add(forename="Ada"), ScoreState.REFUSED, REFUSAL)
    platform.gone("Priya")
    office.add(forename="Tomos", email="tomos@school.test")
    platform.sent("Tomos", "Evans", "tomos@school.test")
    hr.get(office.records)
    assert (
        "From the learning platform: 1 person to match, 1 score refused, 1 person who may have left."
        in hr.text
    )
    hr.follow("learning platform")
    assert hr.heading == "Learning platform"


# Scores


def test_a_refused_score_says_why_and_is_sent_again(
    app: Flask, office: Office, hr: StrictClient, platform: Platform
) -> None:
    score_id = platform.score(office.add(forename="Ada", surname="Okafor"), ScoreState.REFUSED, REFUSAL)
    hr.get(platform.page)
    assert cells(hr, "Why") == [f"{REFUSAL} Send again: Ada Okafor, Social media"]
    hr.submit(button="Send again")
    assert "The score is on its way again." in hr.text
    assert "No score was refused." not in hr.text, "what waits is shown now"
    assert cells(hr, "Next try") == ["7 September 2026, 9:30am"]
    (row,) = read(app, sa.select(Score))
    assert (row.id, row.state, row.attempts, row.next_at) == (score_id, ScoreState.QUEUED, 0, NOW)
    assert office.audited(Event.SCORE_RESENT)[0].details == {"score": str(score_id)}


def test_sending_again_wakes_the_worker(
    app: Flask, office: Office, hr: StrictClient, platform: Platform
) -> None:
    platform.score(office.add(), ScoreState.REFUSED, REFUSAL)
    hr.get(platform.page)
    hr.submit(button="Send again")
    with app.app_context():
        assert [task.name for task in jobs._queues[db.engine].huey.pending()] == ["scores"]


def test_scores_are_filtered_by_the_address(office: Office, hr: StrictClient, platform: Platform) -> None:
    platform.score(office.add(forename="Ada"), ScoreState.REFUSED, REFUSAL)
    platform.score(office.add(forename="Ben"), ScoreState.QUEUED, "Moodle is busy, and asks us to wait.")
    platform.score(office.add(forename="Cai"), ScoreState.SENT)
    hr.get(platform.page)
    for words, name in (
        ("Waiting to be sent: 1", "Ben Nair"),
        ("Sent: 1", "Cai Nair"),
        ("Refused: 1", "Ada Nair"),
    ):
        hr.follow(words)
        assert people_shown(hr)[-1] == name
    assert hr.get(f"{platform.page}?scores=happy&page=x").status_code == 200


def test_many_scores_come_in_pages(office: Office, hr: StrictClient, platform: Platform) -> None:
    for n in range(26):
        platform.score(office.add(forename=f"P{n}"), ScoreState.SENT)
    hr.get(platform.page)
    assert len(cells(hr, "Sent")) == 25
    hr.follow("Next")
    assert len(cells(hr, "Sent")) == 1


def test_a_link_without_a_grade_has_no_score_to_wait_for(
    app: Flask, office: Office, hr: StrictClient, platform: Platform
) -> None:
    def take_grade() -> None:
        session.get_one(ResourceLink, platform.link.id).lineitem = None

    platform.score(office.add(), ScoreState.QUEUED)
    office.do(take_grade)
    hr.get(platform.page)
    assert "Waiting to be sent: 0" in hr.text


# Who is who


def test_hr_says_that_two_are_the_same(
    app: Flask, office: Office, hr: StrictClient, platform: Platform
) -> None:
    listed = office.add(forename="Tomos", surname="Evans", email="tomos@school.test")
    identity = platform.sent("Tom", "Evans", "tomos@school.test")
    hr.get(platform.page)
    assert "Is this Tomos Evans on your list, who has the same e-mail address?" in hr.text
    hr.submit(button="Yes, the same person")
    assert "Saved: they are the same person." in hr.text
    assert read(app, sa.select(Identity.person_id).where(Identity.id == identity.id)) == [listed.id]


def test_hr_says_that_two_are_not_the_same_and_is_not_asked_again(
    app: Flask, office: Office, hr: StrictClient, platform: Platform
) -> None:
    office.add(forename="Tomos", surname="Evans", email="tomos@school.test")
    identity = platform.sent("Tom", "Evans", "tomos@school.test")
    hr.get(platform.page)
    hr.submit(button="No, somebody else")
    assert "Nothing to settle." in hr.text
    assert read(app, sa.select(Identity.person_id).where(Identity.id == identity.id)) == [identity.person_id]


# Whose it is


def test_what_is_another_schools_is_not_here(
    app: Flask, hr: StrictClient, platform: Platform, elsewhere: Platform
) -> None:
    score_id = elsewhere.score(elsewhere.office.add(forename="Zoe"), ScoreState.REFUSED, REFUSAL)
    person, gone = elsewhere.gone("Yan")
    hr.get(platform.page)
    assert "Zoe" not in hr.text
    assert len(cells(hr, "List last read")) == 1
    token = hr.page.xpath("//input[@name='csrf_token']/@value")[0]
    course = f"courses/{elsewhere.course.id}"
    assert hr.get(f"{platform.page}/{course}").status_code == 404
    for path in (f"scores/{score_id}", f"{course}/sync", course):
        sent = {"csrf_token": token, "do": "end", "left": str(gone), "last_day": "2026-09-04"}
        assert hr.post(f"{platform.page}/{path}", data=sent).status_code == 404, path
    hr.post(f"{platform.course_page}", data=sent)
    assert read(app, sa.select(Score.state)) == [ScoreState.REFUSED]
    assert read(app, sa.select(Engagement.ends).where(Engagement.person_id == person.id)) == [None]


def test_a_manager_is_not_let_in(office: Office, client: StrictClient, platform: Platform) -> None:
    manager = office.add(role=RoleName.MANAGER)
    client.sign_in_as(manager.id)
    assert client.get(platform.page).status_code == 403


def test_the_pages_ask_the_same_of_the_database_however_much_there_is(
    app: Flask, office: Office, hr: StrictClient, platform: Platform
) -> None:
    def asked(page: str) -> int:
        with counted(app) as sent:
            hr.get(page)
        return len([s for s in sent if s.lstrip().upper().startswith(("SELECT", "WITH"))])

    def fill(prefix: str) -> None:
        for n in range(6):
            name = f"{prefix}{n}"
            platform.score(office.add(forename=name), ScoreState.REFUSED, REFUSAL)
            office.add(forename=name, email=f"{name}@school.test")
            platform.sent(name, "Evans", f"{name}@school.test")
            platform.gone(f"G{name}")
            platform.member(f"u-{name}", name, "Lee", email=f"{name}@school.test")
            platform.course_called(name, "https://moodle.test/m")

    fill("a")
    few = asked(platform.page), asked(platform.course_page)
    fill("b")
    assert (asked(platform.page), asked(platform.course_page)) == few
    assert few[0] <= 10
    assert few[1] <= 12
