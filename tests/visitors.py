"""A school's morning: an agency worker who has come, and the code that reception gives out."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID, uuid4

from flask import Flask

from lms import desk_codes
from lms.clock import london_day
from lms.db import session, transaction
from lms.desk import PhotoId, Visit
from lms.people import EngagementType, Person, add_person, engage
from lms.schools import Organisation
from tests.client import StrictClient
from tests.conftest import NOW
from tests.factories import BEFORE, make_assignment, make_school
from tests.learners import CONTACTS, publish_model

SHORT = "must-know-today"
AGENCY = [EngagementType.AGENCY_WORKER]


class Morning:
    """A school that asks agency workers for the short programme today, and one of them, who has been checked."""

    def __init__(self, now: datetime = NOW) -> None:
        self.school: Organisation = make_school("Ysgol Môr")
        self.school.contacts = {**CONTACTS, "first_aid": "The office, extension 10"}
        version = publish_model(self.school)
        self.short: UUID = make_assignment(
            self.school, version, modules=[SHORT], audience=AGENCY, due_days=0
        ).id
        self.full: UUID = make_assignment(
            self.school, version, modules=["friend-request"], audience=AGENCY, least_days=5
        ).id
        self.visit = self.arrived(now=now)

    def arrived(self, forename: str = "Dilys", *, now: datetime = NOW, days: int = 1) -> Visit:
        """Record an agency worker who is here and was checked."""
        person = add_person(self.school.root_id, forename=forename, surname="Okoro")
        starts = london_day(now)
        ends = starts + timedelta(days=days - 1)
        held = engage(
            person,
            self.school.id,
            EngagementType.AGENCY_WORKER,
            starts=starts,
            ends=ends,
            now=BEFORE,
            agency="Brightwater Supply",
        )
        visit = Visit(
            id=uuid4(),
            organisation_id=self.school.id,
            person_id=person.id,
            engagement_id=held.id,
            day=london_day(now),
            changed_at=now,
            arrived_at=now,
            agency_confirmed=True,
            id_kind=PhotoId.PASSPORT,
            same_person=True,
        )
        session.add(visit)
        session.flush()
        return visit


def code_for(app: Flask, visit: Visit, now: datetime = NOW) -> str:
    """Have reception give out a code."""
    with app.app_context(), transaction():
        return desk_codes.issue(session.get_one(Visit, visit.id), now)


def recorded(app: Flask, visit: Visit) -> Visit:
    """Return the visit as it is on record now."""
    with app.app_context(), transaction(write=False):
        found = session.get_one(Visit, visit.id)
        session.expunge(found)
        return found


def person_of(app: Flask, visit: Visit) -> Person:
    """Return whose visit it is."""
    with app.app_context(), transaction(write=False):
        found = session.get_one(Person, visit.person_id)
        session.expunge(found)
        return found


def begin(client: StrictClient, code: str) -> None:
    """Open the QR code's address and press the button."""
    client.get(f"/join/{code}")
    client.submit(button="Start")
