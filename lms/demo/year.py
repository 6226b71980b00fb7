"""What the demo school recorded, through the same functions that its pages use."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from random import Random
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from lms import attestations, audit, help_requests, people, policies, training
from lms.attestations import IdentityAssurance, Signing
from lms.audit import Event
from lms.clock import london_day
from lms.db import session
from lms.demo.adults import Adult
from lms.people import Engagement, EngagementType, Person
from lms.policies import Policy
from lms.scenarios import Module, Outcome
from lms.schools import Organisation

BETWEEN_ANSWERS = timedelta(seconds=25)
OUTCOMES = (Outcome.BEST, Outcome.ACCEPTABLE, Outcome.UNSAFE)
HOW_OFTEN = (62, 22, 16)


@dataclass
class Recorded:
    """A person of the demo with the engagement they sign under."""

    person: Person
    engagement: Engagement


@dataclass
class School:
    """The demo school while its year is lived. Every method takes the moment at which it happens."""

    organisation: Organisation
    key: Ed25519PrivateKey
    chance: Random
    modules: dict[str, Module]
    people: dict[Adult, Recorded] = field(default_factory=dict)
    leaders: dict[str, UUID] = field(default_factory=dict)
    """Who manages each department."""
    assignments: dict[str, training.Assignment] = field(default_factory=dict)
    """By what the demo calls them: the policy's slug, and a name of their own for agency workers' two."""

    def engage(self, adult: Adult, now: datetime) -> None:
        """Record somebody, with what they are engaged as and the role they have."""
        person = people.add_person(
            self.organisation.root_id,
            forename=adult.forename,
            surname=adult.surname,
            known_as=adult.known_as,
            email=adult.email,
            staff_no=None if adult.agency else f"HM{1001 + len(self.people)}",
        )
        leader = None if adult.leads else self.leaders.get(adult.department or "")
        self.people[adult] = Recorded(person, self._engagement(person, adult, leader, now))
        if adult.leads:
            self.leaders[adult.department or ""] = person.id
        if adult.role:
            people.give_role(person, self.organisation.id, adult.role)
            self._note(Event.USER_CREATED, now, subject_id=person.id, role=adult.role)

    def _engagement(self, person: Person, adult: Adult, leader: UUID | None, now: datetime) -> Engagement:
        engagement = people.engage(
            person,
            self.organisation.id,
            adult.type,
            starts=adult.starts,
            ends=adult.ends,
            now=now,
            job_title=adult.job_title,
            agency=adult.agency,
            department=adult.department,
            manager_id=leader,
        )
        if adult.also:
            second = adult.starts + timedelta(days=400)
            people.engage(person, self.organisation.id, adult.also, starts=second, now=now)
        return engagement

    def leave(self, adult: Adult, last_day: date, now: datetime) -> None:
        """Record somebody's last day."""
        recorded = self.people[adult]
        recorded.engagement = people.end_engagement(recorded.engagement, ends=last_day, now=now)

    def publish(
        self, slug: str, title: str, markdown: str, now: datetime, resign_by: date | None, *, is_model: bool
    ) -> None:
        """Publish a version, labelled with its month."""
        version = policies.publish(
            self.organisation,
            slug=slug,
            title=title,
            label=f"{london_day(now):%B %Y}",
            markdown=markdown,
            now=now,
            resign_by=resign_by,
            is_model=is_model,
        )
        self._note(
            Event.POLICY_PUBLISHED, now, policy=slug, label=version.label, sha256=version.source_sha256
        )

    def assign(
        self,
        called: str,
        slug: str,
        audience: list[EngagementType],
        now: datetime,
        *,
        modules: list[str],
        due_days: int,
        months: int | None,
        least_days: int | None = None,
    ) -> None:
        """Put the adults of some engagement types under an obligation to a policy."""
        policy = session.query(Policy).filter_by(organisation_id=self.organisation.id, slug=slug).one()
        self.assignments[called] = training.assign(
            self.organisation.id,
            policy.id,
            modules=modules,
            audience=audience,
            now=now,
            assigned_on=london_day(now),
            due_days=due_days,
            months=months,
            least_days=least_days,
        )
        self._note(Event.ASSIGNMENT_SAVED, now, assignment=str(self.assignments[called].id))

    def exempt(self, adult: Adult, slug: str, reason: str, until: date | None, now: datetime) -> None:
        """Record that somebody needn't sign."""
        person = self.people[adult].person
        training.exempt(self.assignments[slug], person.id, reason=reason, until=until, now=now)
        self._note(
            Event.EXEMPTION_SAVED, now, subject_id=person.id, assignment=str(self.assignments[slug].id)
        )

    def learn(self, adult: Adult, slug: str, most_answers: int | None, now: datetime) -> None:
        """Work through the modules in order; stop after so many answers, or at the end."""
        assignment, recorded = self.assignments[slug], self.people[adult]
        cycle = attestations.cycle_of(recorded.person.id, assignment.id)
        left = most_answers if most_answers is not None else 1000
        for module in (self.modules[name] for name in assignment.modules):
            if left <= 0:
                return
            attempt = training.start(
                assignment,
                recorded.person.id,
                module,
                cycle=cycle,
                engagement_type=recorded.engagement.type,
                now=now,
            )
            left, now = self._answer(attempt, module, left, now)

    def _answer(
        self, attempt: training.Attempt, module: Module, left: int, now: datetime
    ) -> tuple[int, datetime]:
        progress = training.progress(attempt, module.content)
        while not progress.is_done and left > 0:
            now, left = now + BETWEEN_ANSWERS, left - 1
            step = progress.steps[-1]
            outcome = self.chance.choices(OUTCOMES, HOW_OFTEN)[0]
            fitting = [choice for choice in step.scene.choices if choice.outcome is outcome]
            choice = self.chance.choice(fitting or list(step.scene.choices))
            training.answer(progress, step.number, choice.id, now)
            progress = training.progress(attempt, module.content)
        return left, now

    def sign(self, adult: Adult, slug: str, now: datetime) -> None:
        """Sign what stands at that moment, with the name as it is on record."""
        signing = self._signing(adult, slug)
        attestations.sign(
            signing,
            typed_name=signing.person.name,
            shown_sha256=signing.text_sha256,
            key=self.key,
            now=now,
        )

    def decline(self, adult: Adult, slug: str, reason: str, now: datetime) -> None:
        """Record that somebody has read it and chooses not to sign."""
        attestations.decline(self._signing(adult, slug), reason=reason, key=self.key, now=now)

    def _signing(self, adult: Adult, slug: str) -> Signing:
        assignment, recorded = self.assignments[slug], self.people[adult]
        policy = session.get_one(Policy, assignment.policy_id)
        version = policies.latest_version(policy.id)
        assert version is not None
        return Signing(
            school=self.organisation,
            person=recorded.person,
            engagement=recorded.engagement,
            assignment=assignment,
            policy=policy,
            version=version,
            cycle=attestations.cycle_of(recorded.person.id, assignment.id),
            identity_assurance=self._assurance(adult, assignment),
        )

    def _assurance(self, adult: Adult, assignment: training.Assignment) -> IdentityAssurance:
        if assignment.due_days == 0:
            return IdentityAssurance.PHOTO_ID
        return IdentityAssurance.PASSWORD if adult.role else IdentityAssurance.WORK_EMAIL

    def ask(
        self, adult: Adult, slug: str, kind: help_requests.HelpKind, text: str, now: datetime
    ) -> help_requests.HelpRequest:
        """Ask HR for something instead of signing."""
        person = self.people[adult].person
        return help_requests.ask(self.organisation, person.id, self.assignments[slug].id, kind, text, now)

    def settle(self, request: help_requests.HelpRequest, by: Adult, now: datetime) -> None:
        """Write down that HR has dealt with a request."""
        help_requests.settle(request, self.people[by].person.id, now)
        self._note(Event.HELP_ANSWERED, now, subject_id=request.person_id, request=str(request.id))

    def _note(self, event: Event, now: datetime, subject_id: UUID | None = None, **details: str) -> None:
        school_id = self.organisation.id
        audit.record(
            event, organisation_id=school_id, now=now, actor_id=None, subject_id=subject_id, **details
        )
