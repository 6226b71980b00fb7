"""A course of the learning platform: reading it, putting its members on record, and its leavers."""

from __future__ import annotations

from datetime import date

import pytest
import sqlalchemy as sa
from flask import Flask

from lms import jobs
from lms.audit import Event
from lms.db import db, session
from lms.lti import memberships, platforms
from lms.lti.identities import Identity
from lms.lti.places import Context
from lms.people import Engagement, EngagementType, Person
from tests.client import StrictClient
from tests.conftest import NOW
from tests.web.learning_platform.moodle import Platform, read
from tests.web.office import Office, cells, people_shown


def test_a_course_is_read_when_hr_asks(
    app: Flask, office: Office, hr: StrictClient, platform: Platform
) -> None:
    hr.get(platform.page)
    hr.submit(button="Sync now")
    assert "We are asking Our Moodle who is in Induction. Look again in a minute." in hr.text
    assert read(app, sa.select(Context.sync_wanted_at)) == [NOW]
    with app.app_context():
        assert [task.name for task in jobs._queues[db.engine].huey.pending()] == ["courses"]
    assert office.audited(Event.COURSE_READ)[0].details == {"course": str(platform.course.id)}


def test_a_course_of_a_paused_platform_isnt_read(
    app: Flask, office: Office, hr: StrictClient, platform: Platform
) -> None:
    def pause() -> None:
        session.get_one(
            platforms.Registration, platform.registration.id
        ).state = platforms.RegistrationState.PAUSED

    hr.get(platform.page)
    office.do(pause)
    assert hr.submit(button="Sync now").status_code == 409
    assert "Our Moodle is paused." in hr.text
    assert read(app, sa.select(Context.sync_wanted_at)) == [None]


def test_a_course_whose_platform_keeps_its_members_to_itself_says_so(
    hr: StrictClient, platform: Platform
) -> None:
    course = platform.course_called("Old", None)
    hr.get(platform.page)
    assert "This platform doesn’t say who is in the course" in hr.text
    assert "Sync now" not in hr.get(f"{platform.page}/courses/{course.id}").get_data(as_text=True)


def test_a_course_says_why_it_could_not_be_read(office: Office, hr: StrictClient, platform: Platform) -> None:
    def fail() -> None:
        found = session.get_one(Context, platform.course.id)
        found.sync_problem = "Moodle answered with an error of its own (503)."

    office.do(fail)
    hr.get(platform.page)
    assert "Moodle answered with an error of its own (503)." in cells(hr, "List last read")[0]
    hr.get(platform.course_page)
    assert "Moodle answered with an error of its own (503)." in hr.text
    assert "It is right" not in hr.text


def test_hr_says_what_somebody_is_and_they_are_on_record(
    app: Flask, office: Office, hr: StrictClient, platform: Platform
) -> None:
    priya = platform.member("u-1", "Priya", "Nair", email="priya@moodle.test")
    platform.member("u-2", "Tomos", "Evans", role="Instructor")
    hr.get(platform.page)
    assert cells(hr, "Not on record yet") == ["2"]
    hr.follow("Induction")
    assert people_shown(hr) == ["Tomos Evans", "Priya Nair"]
    assert cells(hr, "Role in the course") == ["Teacher of the course", "Learner"]
    assert set(hr.page.xpath("//select[starts-with(@name, 'as-')]/option[@selected]/@value")) == set()
    hr.submit(button="Put them on record", do="join", **{f"as-{priya}": "governor"})
    assert "Saved: 1 person is on record." in hr.text
    assert people_shown(hr) == ["Tomos Evans"]
    (person,) = read(app, sa.select(Person).where(Person.email == "priya@moodle.test"))
    (engagement,) = read(app, sa.select(Engagement).where(Engagement.person_id == person.id))
    assert (engagement.type, engagement.starts) == (EngagementType.GOVERNOR, date(2026, 9, 7))
    (audited,) = office.audited(Event.MEMBER_ADDED)
    assert audited.subject_id == person.id
    assert audited.details == {"course": str(platform.course.id), "type": "governor"}


def test_everybody_on_a_page_is_put_on_record_at_once(
    app: Flask, hr: StrictClient, platform: Platform
) -> None:
    for n in range(27):
        platform.member(f"u-{n}", f"P{n:02}", "Many")
    hr.get(platform.course_page)
    hr.submit(button="Put them on record", do="join", rest="support_staff")
    assert "Saved: 25 people are on record." in hr.text
    assert people_shown(hr) == ["P25 Many", "P26 Many"]


def test_nobody_chosen_is_an_error_and_changes_nothing(
    app: Flask, hr: StrictClient, platform: Platform
) -> None:
    platform.member("u-1", "Priya", "Nair")
    hr.get(platform.course_page)
    assert hr.submit(button="Put them on record", do="join").status_code == 400
    assert "Choose what at least one of them is" in hr.text
    assert read(app, sa.select(Identity)) == []


def test_somebody_on_hrs_list_is_offered_and_taken_only_when_hr_says_so(
    app: Flask, office: Office, hr: StrictClient, platform: Platform
) -> None:
    listed = office.add(forename="P.", surname="Nair", email="priya@school.test")
    member = platform.member("u-1", "Priya", "Nair", email="priya@school.test")
    hr.get(platform.course_page)
    assert "P. Nair on your list (same e-mail)" in hr.text
    hr.submit(button="Put them on record", do="join", **{f"as-{member}": f"same:{listed.id}"})
    assert read(app, sa.select(Identity.person_id)) == [listed.id]
    assert office.audited(Event.MEMBER_LINKED)[0].subject_id == listed.id


def test_somebody_who_isnt_offered_cant_be_taken(
    app: Flask, office: Office, hr: StrictClient, platform: Platform
) -> None:
    stranger = office.add(forename="Ada", email="ada@school.test")
    member = platform.member("u-1", "Priya", "Nair", email="priya@school.test")
    hr.get(platform.course_page)
    hr.submit(button="Put them on record", do="join", **{f"as-{member}": f"same:{stranger.id}"})
    assert "can’t be had any more" in hr.text
    assert read(app, sa.select(Identity)) == []


def test_a_member_of_another_schools_course_cant_be_put_on_record_here(
    app: Flask, hr: StrictClient, platform: Platform, elsewhere: Platform
) -> None:
    theirs = elsewhere.member("u-1", "Priya", "Nair")
    platform.member("u-2", "Tomos", "Evans")
    hr.get(platform.course_page)
    hr.submit(button="Put them on record", do="join", listed=[str(theirs)], **{f"as-{theirs}": "teacher"})
    assert read(app, sa.select(Identity)) == []


# Leavers


def test_hr_ends_the_engagement_of_somebody_who_has_gone(
    app: Flask, office: Office, hr: StrictClient, platform: Platform
) -> None:
    person, gone = platform.gone("Priya")
    hr.get(platform.course_page)
    assert people_shown(hr)[-1] == "Priya Nair"
    hr.submit(button="They have left the school", do="end", left=[str(gone)], last_day=["4", "9", "2026"])
    assert "Saved: 1 person leaves." in hr.text
    ends = sa.select(Engagement.ends).where(
        Engagement.person_id == person.id, Engagement.recorded_to.is_(None)
    )
    assert read(app, ends) == [date(2026, 9, 4)]
    assert "Settled already" in hr.text
    (audited,) = office.audited(Event.LEAVER_ENDED)
    assert audited.subject_id == person.id
    assert audited.details == {"course": str(platform.course.id), "last_day": "2026-09-04"}


def test_hr_keeps_somebody_who_has_left_the_course_alone(
    app: Flask, office: Office, hr: StrictClient, platform: Platform
) -> None:
    person, gone = platform.gone("Priya")
    hr.get(platform.course_page)
    hr.submit(button="They are still here", do="keep", left=[str(gone)])
    assert "Saved: they are still at the school." in hr.text
    assert "May have left (0)" in hr.text
    assert read(app, sa.select(Engagement.ends).where(Engagement.person_id == person.id)) == [None]
    assert office.audited(Event.LEAVER_KEPT)[0].subject_id == person.id


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"left": []}, "Tick at least one of the people who have gone"),
        ({"last_day": ["", "", ""]}, "Enter their last day at the school"),
        ({"last_day": ["31", "2", "2026"]}, "Enter a real day"),
        ({"last_day": ["31", "8", "2026"]}, "Enter a day after Priya Nair started"),
    ],
)
def test_a_last_day_that_cant_be_changes_nothing_and_keeps_what_was_ticked(
    app: Flask, hr: StrictClient, platform: Platform, fields: dict[str, list[str]], error: str
) -> None:
    _, gone = platform.gone("Priya")
    hr.get(platform.course_page)
    sent = {"left": [str(gone)], "last_day": ["4", "9", "2026"], **fields}
    assert hr.submit(button="They have left the school", do="end", **sent).status_code == 400
    assert error in hr.text
    assert set(read(app, sa.select(Engagement.ends))) == {None}
    assert hr.page.xpath("//input[@name='left' and @checked]/@value") == sent["left"]


def test_an_empty_list_is_taken_as_it_is_when_hr_says_so(
    app: Flask, office: Office, hr: StrictClient, platform: Platform
) -> None:
    person = office.add(forename="Priya")
    platform.member(office.do(platform.identity, person).sub, "Priya", "Nair")

    def come_back_empty() -> None:
        session.get_one(Context, platform.course.id).sync_problem = memberships.EMPTY

    office.do(come_back_empty)
    hr.get(platform.course_page)
    assert "May have left (0)" in hr.text
    hr.submit(button="It is right", do="empty")
    assert "May have left (1)" in hr.text
    assert office.audited(Event.COURSE_EMPTIED)
