"""A Moodle that is connected to a school, and who is in its course."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from flask import Flask

from lms.db import session, transaction
from lms.lti import platforms
from lms.lti.identities import Identity
from lms.lti.memberships import Membership
from lms.lti.places import PROGRAMME, Context, ResourceLink
from lms.lti.scores import ActivityProgress, Score, ScoreState
from lms.people import EngagementType, Person, add_person, engage, folded
from tests.conftest import NOW
from tests.factories import BEFORE
from tests.web.office import Office

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


def read(app: Flask, statement: Any) -> list[Any]:
    with app.app_context(), transaction(write=False):
        return list(session.scalars(statement))
