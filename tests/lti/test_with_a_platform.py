"""A platform that somebody else wrote launches us, takes what was picked, a score, and lists a course's members."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import sqlalchemy as sa
from flask import Flask

from app import create_app
from lms import clock, scenarios
from lms.config import Settings
from lms.db import db, session, transaction
from lms.lti import deliveries, launch_log, memberships, platforms
from lms.lti.fetching import Outgoing
from lms.lti.identities import Identity
from lms.lti.launch_log import Launch
from lms.lti.memberships import Membership
from lms.lti.services import Services
from tests.learners import Classroom
from tests.lti.platform import CLIENT_ID, DEPLOYMENT_ID, INSTRUCTOR, PICK, Link, School, User, platform
from tests.lti.served import Visitor, sites

PRIYA = User("u-17", "Priya Nair", "priya@school.test")
SAM = User("u-20", "Sam Editor", "sam@school.test", INSTRUCTOR)


@dataclass
class Connected:
    """Our app and a platform that knows it, each at an address of its own."""

    app: Flask
    school: School
    classroom: Classroom

    def click(self, user: User, hint: str) -> Visitor:
        """Open something on the platform as somebody in a browser of their own, up to our first page."""
        visitor = Visitor()
        visitor.open(f"{self.school.address}/open/{hint}", user=user.id)
        visitor.submit("Go on")
        return visitor

    def begin(self, user: User, hint: str) -> Visitor:
        """Do the same as a teacher whom nobody here has seen, up to the training."""
        visitor = self.click(user, hint)
        visitor.submit("Continue", type="teacher")
        return visitor

    @property
    def services(self) -> Services:
        """What the worker asks platforms with."""
        return Services(Outgoing(allow_private=True), self.app.config["LTI_KEYS"], self.school.tool)


@pytest.fixture
def connected(settings: Settings) -> Iterator[Connected]:
    with sites(2) as (ours, theirs):
        settings = settings.model_copy(update={"base_url": ours.address, "lti_allow_private_hosts": True})
        school = School(theirs.address, ours.address)
        school.add(PRIYA, SAM)
        theirs.app, ours.app = platform(school), create_app(settings)
        with ours.app.app_context():
            with transaction():
                classroom = Classroom(modules=["friend-request"])
                register(school, classroom)
            yield Connected(ours.app, school, classroom)
            db.session.remove()
            db.engine.dispose()


def register(school: School, classroom: Classroom) -> None:
    registration = platforms.register(
        classroom.school.id,
        name="A platform",
        issuer=school.address,
        client_id=CLIENT_ID,
        authorization_endpoint=f"{school.address}/auth",
        token_endpoint=f"{school.address}/token",
        jwks_uri=f"{school.address}/jwks",
        now=clock.now(),
    )
    platforms.deploy(
        registration, DEPLOYMENT_ID, organisation_id=classroom.school.id, now=clock.now(), approved=True
    )


def test_a_learner_is_launched_says_what_she_is_and_sees_her_training(connected: Connected) -> None:
    connected.school.links["all"] = Link("Induction", f"{connected.school.tool}/")
    learner = connected.click(PRIYA, "all")
    assert connected.classroom.school.name in learner.text
    learner.submit("Continue", type="teacher")
    assert (learner.status, learner.heading) == (200, "My training")
    assert "Social media policy" in learner.text
    with transaction(write=False):
        assert session.scalars(sa.select(Launch.outcome)).all() == [launch_log.ACCEPTED]
        assert session.scalars(sa.select(Identity.name)).all() == ["Priya Nair"]


def test_what_a_course_editor_picks_becomes_links_that_open_it(connected: Connected) -> None:
    editor = connected.click(SAM, PICK)
    editor.submit("Add to the course", chosen=["programme", "friend-request"])
    editor.submit("Go on to the course")
    assert editor.text == "2 added"
    opened = {link.title: hint for hint, link in connected.school.links.items()}
    module = scenarios.shipped_modules()["friend-request"].title
    learner = connected.begin(PRIYA, opened[module])
    assert learner.heading == module
    (programme,) = set(opened) - {module}
    assert connected.click(PRIYA, opened[programme]).heading == "My training"


def test_the_grade_book_hears_that_she_began_and_that_she_signed(connected: Connected) -> None:
    connected.school.links["all"] = Link("Induction", f"{connected.school.tool}/")
    learner = connected.begin(PRIYA, "all")
    learner.follow("Start")
    learner.submit("Start")
    deliveries.deliver(connected.services, clock.now())
    finish(learner)
    learner.follow("Read and sign")
    learner.submit("Sign", statement="y", typed_name="Priya Nair")
    assert "Signed" in learner.text
    deliveries.deliver(connected.services, clock.now())
    begun, signed = connected.school.scores
    assert begun["activityProgress"] == "InProgress"
    assert "scoreGiven" not in begun
    assert {signed[key] for key in ("lineitem", "userId")} == {"all", PRIYA.id}
    assert (signed["activityProgress"], signed["gradingProgress"]) == ("Completed", "FullyGraded")
    assert (signed["scoreGiven"], signed["scoreMaximum"]) == (1, 1)
    assert signed["timestamp"] > begun["timestamp"]


def finish(learner: Visitor) -> None:
    """Answer every question of the module by its best choice."""
    scenes = {scene.id: scene for scene in scenarios.shipped_modules()["friend-request"].scenes}
    while offered := set(learner.page.xpath("//input[@type='radio']/@value")):
        scene = next(s for s in scenes.values() if {c.id for c in s.choices} == offered)
        learner.submit("Continue", choice=next(c.id for c in scene.choices if c.outcome == "best"))
        learner.follow("Continue")


def test_the_members_of_the_course_are_read(connected: Connected) -> None:
    connected.school.links["all"] = Link("Induction", f"{connected.school.tool}/")
    connected.begin(PRIYA, "all")
    with transaction():
        (course,) = memberships.courses(connected.classroom.school.id)
        memberships.want(course, clock.now())
    assert memberships.sync_next(connected.services, clock.now())
    with transaction(write=False):
        listed = session.scalars(sa.select(Membership).order_by(Membership.sub)).all()
    assert [(one.sub, one.name, one.email) for one in listed] == [
        (user.id, user.name, user.email) for user in (PRIYA, SAM)
    ]
