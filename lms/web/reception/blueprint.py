"""The blueprint that the desk's pages belong to."""

from __future__ import annotations

from flask import Blueprint

from lms import audit
from lms.audit import Event
from lms.desk import Visit
from lms.web import access

blueprint = Blueprint("reception", __name__)


def write_down(event: Event, visit: Visit) -> None:
    """Write down what whoever is at the desk did about a visit."""
    audit.record(
        event,
        organisation_id=visit.organisation_id,
        now=access.request_time(),
        actor_id=access.user().person.id,
        subject_id=visit.person_id,
    )
