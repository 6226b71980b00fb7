"""HR's office, where policies are assigned: what is done there, and what that leaves behind."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from flask import Flask

from lms.audit import AuditEntry, Event
from lms.db import session, transaction
from lms.people import Person
from lms.policies import PolicyVersion
from lms.schools import Organisation
from lms.training import Assignment
from tests.client import StrictClient
from tests.factories import make_assignment

LIST = "/schools/ysgol-mor/records/assignments"
NEW = f"{LIST}/new"


@dataclass
class Office:
    """A school with two teachers, a governor, a policy, and its HR officer (support staff) signed in."""

    school: Organisation
    policy: UUID
    hr: Person


def assigned(app: Flask, **how: Any) -> Assignment:
    """Put a policy of the school under an assignment, as somebody did before."""
    with app.app_context(), transaction():
        school = session.query(Organisation).filter_by(slug="ysgol-mor").one()
        version = session.query(PolicyVersion).filter_by(organisation_id=school.id).one()
        return make_assignment(school, version, **how)


def recorded(app: Flask) -> list[Assignment]:
    with app.app_context(), transaction(write=False):
        found = list(session.query(Assignment).order_by(Assignment.recorded_from))
        session.expunge_all()
        return found


def audited(app: Flask) -> list[tuple[Event, UUID | None, dict[str, Any]]]:
    with app.app_context(), transaction(write=False):
        return [(e.event, e.actor_id, e.details) for e in session.query(AuditEntry)]


def check(client: StrictClient, **fields: Any) -> None:
    """Fill in the form and go on to the page that says what it would do."""
    client.get(NEW)
    client.submit(**{"audience": ["teacher", "governor"], **fields})


def spaced(client: StrictClient) -> str:
    """Return the words of the page's facts, each term and its text parted."""
    return " ".join(" ".join(client.page.xpath("//dl//text()")).split())
