"""A mailing as HR sees it: how far sending it is, how to take back what waits, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from flask import Response, make_response, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from lms import mail, mailings
from lms.audit import Event
from lms.mail import MessageKind
from lms.mailings import Mailing
from lms.web import access
from lms.web.reporting.blueprint import blueprint
from lms.web.reporting.noting import note


@dataclass(frozen=True, slots=True)
class Place:
    """What a kind of mailing is called, and the list that says what became of each letter."""

    title: str
    endpoint: str
    anchor: str
    after: str
    """What HR may do about those that were taken back."""


PLACES = {
    MessageKind.REMINDER: Place(
        "Reminders",
        "reporting.reminders",
        "sent",
        "It counts as if they had not been reminded: you can remind them again, today too.",
    ),
    MessageKind.PERSONAL_LINK: Place(
        "Personal links",
        "links.links",
        "made",
        "Their links and codes do not work. Send them again from the list: each gets a new code.",
    ),
}


@blueprint.get("/schools/<school>/records/reminders/mailings/<uuid:mailing_id>")
def mailing(school: str, mailing_id: UUID) -> str:
    """Show a mailing: how far it is, or what came of it."""
    del school
    found, standing = _standing(mailing_id)
    presses = mailings.presses(access.school().id, found)
    return render_template("reporting/mailing.html", places=PLACES, presses=presses, **standing)


@blueprint.get("/schools/<school>/records/reminders/mailings/<uuid:mailing_id>/progress")
def mailing_progress(school: str, mailing_id: UUID) -> Response:
    """Return how far it is, alone; nothing (204) when none waits, so that the whole page is wanted."""
    del school
    _, standing = _standing(mailing_id)
    if standing["progress"] is None:
        return make_response("", 204)
    response = make_response(render_template("reporting/_mailing_progress.html", **standing))
    # Part of a page: opened by itself it is text and nothing that a browser runs.
    response.mimetype = "text/plain"
    return response


@blueprint.post("/schools/<school>/records/reminders/mailings/<uuid:mailing_id>/cancel")
def cancel_mailing(school: str, mailing_id: UUID) -> ResponseReturnValue:
    """Take back what still waits; what has left by then has left."""
    organisation_id = access.school().id
    mailings.find(organisation_id, mailing_id, access.request_time())
    if taken := mailings.cancel(organisation_id, mailing_id):
        note(Event.MAILING_TAKEN_BACK, mailing=str(mailing_id), people=taken)
    return redirect(url_for(".mailing", school=school, mailing_id=mailing_id), 303)


def _standing(mailing_id: UUID) -> tuple[Mailing, dict[str, object]]:
    now = access.request_time()
    found = mailings.find(access.school().id, mailing_id, now)
    is_late = mail.is_late(found.first, now)
    progress = mailings.progress(found, now, is_late=is_late) if found.waiting else None
    return found, {"mailing": found, "progress": progress, "is_late": is_late}
