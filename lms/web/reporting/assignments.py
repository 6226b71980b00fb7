"""What is assigned at a school: the list, and withdrawing an assignment."""

from __future__ import annotations

from uuid import UUID

import sqlalchemy as sa
from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_wtf import FlaskForm

from lms import assignments as recorded
from lms import audit, compliance
from lms.assignments import Assignment
from lms.audit import Event
from lms.compliance import Item
from lms.db import session
from lms.effects import effects
from lms.errors import NotFoundError
from lms.policies import Policy
from lms.schools import Organisation
from lms.web import access
from lms.web.reporting.assignment_words import line
from lms.web.reporting.blueprint import blueprint

ALREADY_WITHDRAWN = "That was withdrawn already. Nobody has to do it."


@blueprint.get("/schools/<school>/records/assignments")
def assignments(school: str) -> str:
    """Show what the school's adults are asked to sign, the latest first, and what they no longer are."""
    del school
    found = access.school()
    items = compliance.items([found.id], access.request_time())
    done = effects(items)
    return render_template(
        "reporting/assignments.html",
        lines=[line(item, done[item.assignment.id]) for item in reversed(items)],
        withdrawn=_withdrawn(found),
    )


@blueprint.route("/schools/<school>/records/assignments/<uuid:assignment>/withdraw", methods=["GET", "POST"])
def withdraw_assignment(school: str, assignment: UUID) -> ResponseReturnValue:
    """Say what withdrawing means; at the button, do it. A second press changes nothing."""
    found, form = latest(access.school(), assignment), FlaskForm()
    if found.recorded_to is not None:
        flash(ALREADY_WITHDRAWN)
        return redirect(url_for(".assignments", school=school), 303)
    if form.validate_on_submit():
        recorded.withdraw(found, access.request_time())
        write_down(Event.ASSIGNMENT_ENDED, found)
        flash("Withdrawn. From now on nobody has to do it. What was signed stays on record.")
        return redirect(url_for(".assignments", school=school), 303)
    item = item_of(found)
    shown = line(item, effects([item])[found.id])
    return render_template("reporting/assignments_withdraw.html", form=form, line=shown)


def latest(school: Organisation, assignment_id: UUID) -> Assignment:
    """Return an assignment of a school as it was last recorded, withdrawn or not. Raises NotFoundError."""
    found = session.scalar(
        sa.select(Assignment)
        .where(Assignment.id == assignment_id, Assignment.organisation_id == school.id)
        .order_by(Assignment.recorded_from.desc())
        .limit(1)
    )
    if found is None:
        raise NotFoundError("There is no such assignment at this school.")
    return found


def item_of(assignment: Assignment) -> Item:
    """Return an assignment in force with its policy and versions."""
    there = compliance.items([assignment.organisation_id], access.request_time())
    return next(item for item in there if item.assignment.id == assignment.id)


def write_down(event: Event, assignment: Assignment) -> None:
    """Put in the audit what the signed-in person did to an assignment."""
    audit.record(
        event,
        organisation_id=assignment.organisation_id,
        now=access.request_time(),
        actor_id=access.user().person.id,
        assignment=str(assignment.id),
    )


def _withdrawn(school: Organisation) -> list[tuple[Policy, Assignment]]:
    """Return what is assigned no longer: the last row of each, where that has ended."""
    newer = sa.orm.aliased(Assignment)
    rows = session.execute(
        sa.select(Policy, Assignment)
        .join(Policy, Policy.id == Assignment.policy_id)
        .where(Assignment.organisation_id == school.id, Assignment.recorded_to.is_not(None))
        .where(~sa.exists().where(newer.id == Assignment.id, newer.recorded_from > Assignment.recorded_from))
        .order_by(Assignment.recorded_to.desc(), Policy.title)
    )
    return [(policy, assignment) for policy, assignment in rows]
