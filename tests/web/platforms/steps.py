"""Platforms that are there already, and what became of them."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import sqlalchemy as sa
from flask import Flask

from lms.audit import AuditEntry, Event
from lms.db import session, transaction
from lms.lti import launch_log, platforms
from lms.lti.platforms import Deployment, Registration
from lms.people import Person, RoleName, give_role
from lms.schools import Kind, Organisation, add_school
from tests.client import StrictClient
from tests.conftest import NOW
from tests.factories import make_person, make_school


def sign_in(
    app: Flask, client: StrictClient, place: Organisation, school: Organisation | None = None
) -> Person:
    """Sign an administrator of a place in, who works at a school."""
    with app.app_context(), transaction():
        person = make_person(school or place)
        give_role(person, place.id, RoleName.ADMIN)
    client.sign_in_as(person.id)
    return person


def connected(app: Flask, organisation: Organisation, *deployments: str, **values: Any) -> Registration:
    """Add a platform with deployments that wait."""
    described = {
        "name": "Moodle at Ysgol Môr",
        "issuer": "https://moodle.school.test",
        "client_id": f"client-{uuid4()}",
        "authorization_endpoint": "https://moodle.school.test/auth",
        "token_endpoint": "https://moodle.school.test/token",
        "jwks_uri": "https://moodle.school.test/keys",
        "now": NOW,
        **values,
    }
    with app.app_context(), transaction():
        made = platforms.register(organisation.id, **described)
        for value in deployments:
            platforms.deploy(made, value, organisation_id=organisation.id, now=NOW, approved=False)
    return made


def now_is(app: Flask, registration: Registration) -> Registration:
    with app.app_context(), transaction(write=False):
        return session.get_one(Registration, registration.id)


def deployments(app: Flask) -> dict[str, Deployment]:
    with app.app_context(), transaction(write=False):
        return {each.value: each for each in session.scalars(sa.select(Deployment))}


def audited(app: Flask, event: Event) -> list[AuditEntry]:
    with app.app_context(), transaction(write=False):
        return session.query(AuditEntry).filter_by(event=event).all()


def launched(app: Flask, registration: Registration, outcome: str, at: Any = NOW, detail: str = "") -> str:
    with app.app_context(), transaction():
        return launch_log.record(outcome, now=at, registration_id=registration.id, detail=detail)


def a_trust(app: Flask) -> tuple[Organisation, list[Organisation]]:
    with app.app_context(), transaction():
        trust = make_school("Môr Trust")
        trust.kind = Kind.TRUST
        return trust, [add_school(name, host="x.test", parent=trust) for name in ("Ysgol Un", "Ysgol Dau")]
