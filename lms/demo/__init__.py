"""The demo: a fictional school with a year behind it, made through the functions that the pages use."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from random import Random

import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from lms import mail, scenarios, schools
from lms.clock import london_day
from lms.db import session
from lms.demo.adults import DOMAIN, adults
from lms.demo.history import History
from lms.demo.reception import expect_today
from lms.demo.texts import Text, model_policy, own_policy
from lms.demo.year import School
from lms.mail import Message, MessageState
from lms.people import Person
from lms.schools import Organisation

__all__ = ["HOST", "Demo", "Text", "is_demo", "make_school", "model_policy", "own_policy"]

HOST = "demo.countersign.example"
"""What the origin of every demo ledger begins with, and of no other."""

CONTACTS = {
    "safeguarding_lead": "Siân Pritchard",
    "safeguarding_lead_room": "Room 14",
    "safeguarding_lead_extension": "214",
    "deputy_safeguarding_lead": "José Fernández-Muñoz",
    "deputy_safeguarding_lead_room": "Room 31",
    "deputy_safeguarding_lead_extension": "231",
    "head": "Catrin Llewelyn-Hughes",
    "chair_of_governors": "Olumide Bankole",
    "senior_manager": "Rosalind Achebe",
    "first_aid": "The office, extension 200",
    "hr_contact": "Meera Raghunathan, HR officer",
    "data_protection_officer": "Judith Farrow",
    "data_protection_officer_email": f"dpo@{DOMAIN}",
}


@dataclass(frozen=True)
class Demo:
    """What was made: the school, and the people to sign in as, by what they show."""

    school: Organisation
    people: dict[str, Person]


def make_school(seed: int, own: Text, key: Ed25519PrivateKey, now: datetime) -> Demo:
    """Record a school of about 150 adults with a year of history up to `now`, in this transaction.

    The same seed, policy and day make the same people doing the same things. `own` is the policy that the
    modules teach. Nothing of it leaves by e-mail: what its year would have sent counts as sent.
    """
    chance = Random(seed)  # noqa: S311 (nothing secret is drawn from it)
    crowd = adults(chance, london_day(now))
    organisation = schools.add_school("Harrowmere School", slug="harrowmere", host=HOST)
    organisation.contacts = CONTACTS
    school = School(organisation, key, chance, scenarios.shipped_modules())
    History(school, crowd, own, now, chance).live()
    hr = next(school.people[adult].person for adult in crowd if adult.part == "HR")
    expect_today(organisation, hr, now)
    for message in session.scalars(sa.select(Message).where(Message.state == MessageState.QUEUED)):
        mail.settle(message, message.queued_at)
    session.flush()
    return Demo(organisation, {a.part: school.people[a].person for a in crowd if a.part})


def is_demo() -> bool:
    """Say whether every school in this database is a demo one, and there is one."""
    origins = session.scalars(sa.select(Organisation.ledger_origin)).all()
    return bool(origins) and all(origin.startswith(f"{HOST}/") for origin in origins)
