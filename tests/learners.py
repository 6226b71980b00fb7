"""A school that asks its adults to do the real modules and sign the real model policy."""

from __future__ import annotations

from dataclasses import dataclass, field
from uuid import UUID

from flask import Flask

from lms import attestations, my_training, policies, scenarios, training
from lms.attestations import IdentityAssurance
from lms.config import resource_dir
from lms.db import session, transaction
from lms.people import Person
from lms.policies import PolicyVersion
from lms.schools import Organisation
from lms.training import Assignment, Attempt, Progress
from tests.conftest import NOW
from tests.factories import BEFORE, make_assignment, make_person, make_school

MODULES = ["friend-request", "personal-use", "security-settings"]
CONTACTS = {
    "safeguarding_lead": "Siân Pritchard",
    "safeguarding_lead_room": "room 12",
    "safeguarding_lead_extension": "204",
    "deputy_safeguarding_lead": "Tom O'Neill",
    "head": "Dr Amara Bello",
    "senior_manager": "Ruth Lowe",
    "hr_contact": "Jo Marsh",
    "data_protection_officer": "Ada Okafor",
    "data_protection_officer_email": "dpo@school.test",
}


@dataclass
class Classroom:
    """A school with the model policy, its three modules, and one teacher who has to do them."""

    modules: list[str] = field(default_factory=lambda: list(MODULES))
    school: Organisation = field(default_factory=make_school)

    def __post_init__(self) -> None:
        self.school.contacts = CONTACTS
        self.version = publish_model(self.school)
        self.assignment = make_assignment(self.school, self.version, modules=self.modules)
        self.person = make_person(self.school)


def publish_model(school: Organisation, *, slug: str = "social-media") -> PolicyVersion:
    """Publish the model policy at a school."""
    text = (resource_dir("scenarios") / "social-media" / "policy.md").read_text(encoding="utf-8")
    return policies.publish(
        school,
        slug=slug,
        title="Social media policy",
        label="3",
        markdown=text,
        now=BEFORE,
        is_model=True,
    )


def do_modules(person: Person, assignment: Assignment, count: int | None = None) -> None:
    """Complete some modules of an assignment (all of them unless a number is given) by the best choices."""
    for slug in assignment.modules[:count]:
        attempt = training.start(
            assignment,
            person.id,
            scenarios.shipped_modules()[slug],
            cycle=attestations.cycle_of(person.id, assignment.id),
            engagement_type=my_training.task(person, assignment.id, NOW).engagement.type,
            now=NOW,
        )
        while not (at := progress(attempt)).is_done:
            best = next(c for c in at.steps[-1].scene.choices if c.outcome == "best")
            training.answer(at, at.next_number, best.id, NOW)


def progress(attempt: Attempt) -> Progress:
    """Return how far an attempt has got, on today's content."""
    return training.progress(attempt, scenarios.shipped_modules()[attempt.module].content)


def sign(app: Flask, person_id: UUID, assignment_id: UUID) -> UUID:
    """Complete and sign an assignment as a person would; return the attestation's id."""
    with app.app_context(), transaction():
        person = session.get(Person, person_id)
        assignment = training.current_assignment(assignment_id)
        assert person is not None
        assert assignment is not None
        do_modules(person, assignment)
        task = my_training.task(person, assignment_id, NOW)
        signing = my_training.signing(task, person, IdentityAssurance.WORK_EMAIL, task.cycle)
        signed = attestations.sign(
            signing,
            typed_name=person.name,
            shown_sha256=signing.text_sha256,
            key=app.config["LEDGER_KEY"],
            now=NOW,
        )
        return signed.id
