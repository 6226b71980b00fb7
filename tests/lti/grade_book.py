"""A school whose people come from a strict platform, and what its grade book was told of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import uuid4

import sqlalchemy as sa
from flask import Flask

from lms.db import session, transaction
from lms.lti import deliveries, places, platforms, scores
from lms.lti.identities import Identity
from lms.lti.places import PROGRAMME, Context, ResourceLink
from lms.lti.platforms import Deployment, Registration
from lms.lti.scores import Score
from lms.lti.services import Services
from lms.people import Person
from lms.schools import Organisation
from lms.training import Assignment
from tests.conftest import NOW, Clock
from tests.learners import Classroom
from tests.lti.stand_in import StandIn

MINUTE = timedelta(minutes=1)


@dataclass
class Placed:
    """A platform that is connected to a school, with a course in it."""

    platform: StandIn
    registration: Registration
    deployment: Deployment
    course: Context

    def link(self, target: str = PROGRAMME, name: str = "17", lineitem: str | None = "") -> ResourceLink:
        """Add a link with a line item of the platform. Call it in a transaction."""
        link = ResourceLink(
            id=uuid4(),
            deployment_id=self.deployment.id,
            context_id=self.course.id,
            value=name,
            title="Social media training",
            target=target,
            lineitem=self.platform.lineitem(name) if lineitem == "" else lineitem,
            first_seen_at=NOW,
        )
        session.add(link)
        session.flush()
        return link

    def identity(self, person: Person, sub: str) -> Identity:
        """Say as whom the platform knows somebody. Call it in a transaction."""
        identity = Identity(
            id=uuid4(),
            registration_id=self.registration.id,
            sub=sub,
            person_id=person.id,
            name=person.name,
            email=person.email,
            staff_no=None,
            first_seen_at=NOW,
            made_person=False,
            match_settled_at=None,
        )
        session.add(identity)
        session.flush()
        return identity


def place(platform: StandIn, school: Organisation, **values: Any) -> Placed:
    """Connect a platform to a school. Call it in a transaction."""
    registration = platform.register(school.id, **values)
    deployment = platforms.deploy(registration, "1", organisation_id=school.id, now=NOW, approved=True)
    course = Context(
        id=uuid4(),
        deployment_id=deployment.id,
        organisation_id=school.id,
        value="c-1",
        title="Induction",
        memberships_url=platform.members_url,
        synced_at=None,
        sync_problem=None,
    )
    session.add(course)
    session.flush()
    return Placed(platform, registration, deployment, course)


@dataclass
class GradeBook:
    """One teacher of a classroom, who has opened one link of a platform."""

    app: Flask
    time: Clock
    services: Services
    platform: StandIn
    modules: list[str] = field(default_factory=lambda: ["friend-request"])
    target: str = PROGRAMME
    opened: bool = True
    lineitem: str | None = ""

    def __post_init__(self) -> None:
        with transaction():
            self.classroom = Classroom(modules=self.modules)
            self.placed = place(self.platform, self.classroom.school)
            self.link = self.placed.link(self.target, lineitem=self.lineitem)
            self.identity = self.placed.identity(self.classroom.person, "u-17")
            if self.opened:
                places.note_use(self.link, self.identity.id, NOW)

    @property
    def person(self) -> Person:
        return self.classroom.person

    @property
    def assignment(self) -> Assignment:
        return self.classroom.assignment

    def begin(self, module: str = "friend-request") -> None:
        """Have her begin a module."""
        with transaction():
            scores.begun(self.person.id, self.assignment, 0, module, self.time.now)

    def sign(self, assignment: Assignment | None = None) -> None:
        """Have her sign, as far as the outbox knows."""
        with transaction():
            scores.signed(self.person.id, assignment or self.assignment, 0, self.time.now)

    def deliver(self) -> None:
        """Have the worker look at the outbox once."""
        while deliveries.deliver(self.services, self.time.now):
            pass

    def told(self) -> list[dict[str, Any]]:
        """Return what the platform took, without what says where."""
        return [
            {k: v for k, v in score.items() if k not in ("lineitem", "userId")}
            for score in self.platform.scores
        ]

    def grade(self) -> Any:
        """Return the grade that she has now: 1, or None."""
        found = self.platform.grade(self.platform.lineitem(), "u-17")
        return found and found.get("scoreGiven")

    def rows(self) -> list[Score]:
        """Return the outbox, in order of what happened."""
        with transaction(write=False):
            wanted = (
                sa.select(Score)
                .order_by(Score.happened_at, Score.progress.desc())
                .execution_options(populate_existing=True)
            )
            return list(session.scalars(wanted))

    def states(self) -> list[str]:
        """Return where each score of the outbox is."""
        return [f"{row.progress}: {row.state}" for row in self.rows()]

    def change(self, work: Callable[[], Any]) -> Any:
        """Do something in a transaction of its own."""
        with transaction():
            return work()


Made = Callable[..., GradeBook]
"""How a test gets one, with what is unusual about it."""
