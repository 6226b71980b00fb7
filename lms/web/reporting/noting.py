"""Writing down what HR changed of the school's own settings."""

from __future__ import annotations

from lms import audit
from lms.audit import Event
from lms.web import access


def note(event: Event, **details: str | int) -> None:
    """Write down what the signed-in person did at the school, now."""
    audit.record(
        event,
        organisation_id=access.school().id,
        now=access.request_time(),
        actor_id=access.user().person.id,
        subject_id=None,
        **details,
    )
