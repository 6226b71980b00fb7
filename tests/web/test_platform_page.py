"""HR's pages about the learning platform: who is who, scores that were refused, courses, joins and leavers."""

from __future__ import annotations

from copy import copy
from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from flask import Flask

from lms import jobs
from lms.audit import Event
from lms.db import db, session, transaction
from lms.lti import memberships, platforms
from lms.lti.identities import Identity
from lms.lti.memberships import Membership
from lms.lti.places import PROGRAMME, Context, ResourceLink
from lms.lti.scores import ActivityProgress, Score, ScoreState
from lms.people import Engagement, EngagementType, Person, RoleName, add_person, engage, folded
from tests.client import StrictClient
from tests.conftest import NOW
from tests.counting import counted
from tests.factories import BEFORE, make_school
from tests.web.office import Office, cells, people_shown

ROLE = "http://purl.imsglobal.org/vocab/lis/v2/membership#"
REFUSAL = "Moodle refused: not a learner in this course."


class Platform:
    """A Moodle that is connected to the office's school, with a course and a link."""

    def __init__(self, office: Office) -> None:
        self.office = office
        office.do(self._connect)
        self.page = f"{office.records}/lms"
        self.course_page = f"{self.page}/courses/{self.course.id}"

    def _connect(self) -> None:
        self.registration = platforms.register(
            self.office.school.id,
            name="Our Moodle",
            issuer=f"https://moodle-{uuid4()}.test",
            client_id=str(uuid4()),
            authorization_endpoint="https://moodle.test/a",
            token_endpoint="https://moodle.test/t",
            jwks_uri="https://moodle.test/j",
            now=NOW,
            product="moodle",
        )
        self.deployment = platforms.deploy(
            self.registration, "1", organisation_id=self.office.school.id, now=NOW, approved=True
        )
        self.course = self._course("Induction")
        self.link = ResourceLink(
            id=uuid4(),
            deployment_id=self.deployment.id,
            context_id=self.course.id,
            value="l",
            title="Social media",
            target=PROGRAMME,
            lineitem="https://moodle.test/li",
            first_seen_at=NOW,
        )
        session.add(self.link)
        session.flush()

    def _course(self, title: str, url: str | None = "https://moodle.test/m") -> Context:
        course = Context(
            id=uuid4(),
            deployment_id=self.deployment.id,
            organisation_id=self.office.school.id,
            value=title,
            title=title,
            memberships_url=url,
            synced_at=NOW,
            sync_problem=None,
        )
        session.add(course)
        session.flush()
        return course

    def course_called(self, title: str, url: str | None) -> Context:
        course: Context = self.office.do(self._course, title, url)
        return course

    def identity(self, person: Person, *, made: bool = False, email: str | None = None) -> Identity:
        identity = Identity(
            id=uuid4(),
            registration_id=self.registration.id,
            sub=f"sub-{person.id}",
            person_id=person.id,
            name=person.name,
            email=email,
            staff_no=None,
            first_seen_at=NOW,
            made_person=made,
            match_settled_at=None,
        )
        session.add(identity)
        session.flush()
        return identity

    def score(self, person: Person, state: ScoreState, reason: str | None = None) -> UUID:
        def add() -> UUID:
            score = Score(
                id=uuid4(),
                organisation_id=self.office.school.id,
                resource_link_id=self.link.id,
                identity_id=self.identity(person).id,
                assignment_id=self.office.assignment.id,
                cycle=0,
                progress=ActivityProgress.COMPLETED,
                state=state,
                happened_at=NOW,
                attempts=1,
                next_at=NOW + timedelta(minutes=5),
                sent_at=NOW if state is ScoreState.SENT else None,
                reason=reason,
            )
            session.add(score)
            return score.id

        found: UUID = self.office.do(add)
        return found

    def member(
        self,
        sub: str,
        forename: str,
        surname: str,
        *,
        ended: bool = False,
        role: str = "Learner",
        **more: Any,
    ) -> UUID:
        def add() -> UUID:
            row = Membership(
                id=uuid4(),
                recorded_from=BEFORE,
                recorded_to=NOW - timedelta(days=1) if ended else None,
                context_id=self.course.id,
                sub=sub,
                forename=forename,
                surname=surname,
                sort_name=folded(f"{surname} {forename}"),
                email=more.get("email"),
                staff_no=None,
                roles=[ROLE + role],
            )
            session.add(row)
            return row.id

        found: UUID = self.office.do(add)
        return found

    def gone(self, forename: str, surname: str = "Nair") -> tuple[Person, UUID]:
        """Add somebody who works here and is in the course no more."""
        person = self.office.add(forename=forename, surname=surname)
        identity = self.office.do(self.identity, person)
        return person, self.member(identity.sub, forename, surname, ended=True)

    def sent(self, forename: str, surname: str, email: str) -> Identity:
        """Have somebody come by the platform whom nobody had on a list."""

        def add() -> Identity:
            person = add_person(self.office.school.root_id, forename=forename, surname=surname)
            engage(person, self.office.school.id, EngagementType.TEACHER, starts=NOW.date(), now=NOW)
            return self.identity(person, made=True, email=email)

        found: Identity = self.office.do(add)
        return found


@pytest.fixture
def platform(office: Office) -> Platform:
    return Platform(office)


@pytest.fixture
def elsewhere(app: Flask, office: Office) -> Platform:
    """The platform of another school."""
    other = copy(office)
    other.school = office.do(make_school)
    return Platform(other)


def read(app: Flask, statement: Any) -> list[Any]:
    with app.app_context(), transaction(write=False):
        return list(session.scalars(statement))


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


# Courses


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
        return len(sent)

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
