"""The card: whom to turn to at this school today, and whether the holder has signed."""

from __future__ import annotations

import sqlalchemy as sa
from flask import Blueprint, g, render_template, url_for
from flask.typing import ResponseReturnValue

from lms import my_training
from lms.clock import london_day
from lms.compliance import Obligation
from lms.db import session
from lms.errors import NotFoundError
from lms.my_training import Task
from lms.people import Engagement
from lms.schools import Organisation
from lms.status import Status
from lms.web import access
from lms.web.qr_codes import drawing_of

blueprint = Blueprint("card", __name__)


@blueprint.get("/schools/<school>/card")
def card(school: str) -> ResponseReturnValue:
    """Show the card of somebody engaged at the school today. What differs between schools is on it."""
    person, now = access.user().person, access.request_time()
    found = _engaged_at(school)
    here = [task for task in my_training.tasks(person, now) if task.school.id == found.id]
    signed = _last_signed(here)
    receipt = url_for("signing.receipt", attestation=signed.attestation_id) if signed else None
    return render_template(
        "card/card.html",
        person=person,
        today=london_day(now),
        contacts=found.contacts,
        signed=signed,
        due_today=[task for task in here if _is_due(task)],
        receipt=receipt,
        qr=drawing_of(access.settings().base_url.rstrip("/") + receipt) if receipt else None,
    )


def _engaged_at(slug: str) -> Organisation:
    """Return the school at an address, where the reader is engaged today."""
    today = london_day(access.request_time())
    found = session.scalar(
        sa.select(Organisation)
        .join(Engagement, Engagement.organisation_id == Organisation.id)
        .where(Organisation.slug == slug, Engagement.person_id == access.user().person.id)
        .where(Engagement.recorded_to.is_(None), Engagement.starts <= today)
        .where(sa.or_(Engagement.ends.is_(None), Engagement.ends >= today))
        .limit(1)
    )
    if found is None:
        raise NotFoundError("There is no card for you at this address today.")
    g.school = found
    return found


def _last_signed(tasks: list[Task]) -> Obligation | None:
    signed = [task.obligation for task in tasks if task.obligation.status is Status.SIGNED]
    return max(signed, key=lambda obligation: str(obligation.signed_at), default=None)


def _is_due(task: Task) -> bool:
    is_signed = task.obligation.status is Status.SIGNED
    return task.is_open and not is_signed and task.obligation.due <= task.item.day
