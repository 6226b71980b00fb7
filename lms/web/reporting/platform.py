"""The school's learning platform, for HR: who may be whom, scores that didn't arrive, and the courses."""

from __future__ import annotations

from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from flask import current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from lms import audit
from lms.audit import Event
from lms.db import session
from lms.errors import NotFoundError
from lms.lti import joiners, leavers, matches, memberships, platforms, score_list, scores
from lms.lti.score_list import Group
from lms.lti.scores import Score
from lms.web import access
from lms.web.reporting.blueprint import blueprint
from lms.web.reporting.filters import asked, page_number

MATCHES_SHOWN = 5
GROUPS = {
    Group.REFUSED: "Refused",
    Group.WAITING: "Waiting to be sent",
    Group.SENT: "Sent",
}


@blueprint.get("/schools/<school>/records/lms")
def platform(school: str) -> str:
    """Show what there is to settle about the school's learning platform."""
    del school
    here, now = access.school(), access.request_time()
    connected = platforms.of_school(here.id)
    if not connected:
        return render_template("reporting/platform_none.html", held=access.user().roles_at(here))
    counted = score_list.counts(here.id)
    group = _group(asked().get("scores"), counted)
    shown = score_list.lines(here.id, group, counted[group], page_number(asked().get("page")))
    return render_template(
        "reporting/platform.html",
        connected=connected,
        offers=matches.offers(here),
        matches_shown=MATCHES_SHOWN,
        groups=GROUPS,
        group=group,
        counted=counted,
        scores=shown,
        link=lambda number: url_for(".platform", school=here.slug, scores=group, page=number),
        courses=memberships.courses(here.id),
        joining=joiners.counts(here.id),
        leaving=leavers.counts(here.id, now),
    )


@blueprint.post("/schools/<school>/records/lms/matches/<uuid:identity_id>")
def settle_match(school: str, identity_id: UUID) -> ResponseReturnValue:
    """Record that somebody from the platform is a person on HR's list, or nobody on it."""
    here, now = access.school(), access.request_time()
    kept_id = _uuid(request.form.get("person", ""))
    matches.settle(here, identity_id, kept_id, by=access.user().person, key=_key(), now=now)
    flash("Saved: they are the same person." if kept_id else "Saved: they are two people.")
    return redirect(url_for(".platform", school=school), 303)


@blueprint.post("/schools/<school>/records/lms/scores/<uuid:score_id>")
def resend_score(school: str, score_id: UUID) -> ResponseReturnValue:
    """Put a score that was refused back in the outbox."""
    score = session.get(Score, score_id)
    if score is None or score.organisation_id != access.school().id:
        raise NotFoundError("There is no such score.")
    scores.resend(score, access.request_time())
    audit_here(Event.SCORE_RESENT, score=str(score.id))
    flash("The score is on its way again. Look here in a minute to see whether it arrived.")
    return redirect(url_for(".platform", school=school), 303)


@blueprint.post("/schools/<school>/records/lms/courses/<uuid:course_id>/sync")
def sync(school: str, course_id: UUID) -> ResponseReturnValue:
    """Have a course’s list of members read."""
    found = memberships.course(access.school().id, course_id)
    memberships.want(found, access.request_time())
    audit_here(Event.COURSE_READ, course=str(course_id))
    flash(f"We are asking {found.registration.name} who is in {found.title}. Look again in a minute.")
    if request.form.get("back") == "course":
        return redirect(url_for(".course", school=school, course_id=course_id), 303)
    return redirect(url_for(".platform", school=school), 303)


def audit_here(event: Event, subject_id: UUID | None = None, **details: str) -> None:
    """Write down what HR of this school has done."""
    audit.record(
        event,
        organisation_id=access.school().id,
        now=access.request_time(),
        actor_id=access.user().person.id,
        subject_id=subject_id,
        **details,
    )


def _group(word: str | None, counted: dict[Group, int]) -> Group:
    """Return what was asked for; else what needs somebody: refusals, then what waits."""
    if word in set(Group):
        return Group(word)
    return next((group for group in Group if counted[group]), Group.REFUSED)


def _uuid(word: str) -> UUID | None:
    if not word:
        return None
    try:
        return UUID(word)
    except ValueError as error:
        raise NotFoundError("There is no such person.") from error


def _key() -> Ed25519PrivateKey:
    key = current_app.config["LEDGER_KEY"]
    assert isinstance(key, Ed25519PrivateKey)
    return key
