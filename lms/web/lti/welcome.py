"""Asking somebody whom nobody here has heard of what they are at the school, once."""

from __future__ import annotations

from datetime import date

import sqlalchemy as sa
from flask import g, redirect, render_template
from flask.globals import request
from flask.typing import ResponseReturnValue
from flask_wtf import FlaskForm
from wtforms import RadioField, StringField
from wtforms.validators import AnyOf, Length

from lms import audit
from lms.audit import Event
from lms.clock import london_day
from lms.db import session
from lms.lti.places import PROGRAMME
from lms.people import EngagementType, Person, RoleName, engage, last_day_at, works_at
from lms.schools import Organisation
from lms.web import access, presentation
from lms.web.access import LtiSession
from lms.web.lti import landing
from lms.web.lti.blueprint import blueprint

LONGEST = 200
WITH_EMPLOYER = (EngagementType.AGENCY_WORKER, EngagementType.CONTRACTOR)


def _one_line(text: str | None) -> str:
    return " ".join("".join(c if c.isprintable() else " " for c in text or "").split())


class WelcomeForm(FlaskForm):  # type: ignore[misc]
    """What somebody is at a school, in their own words for it."""

    type = RadioField(
        choices={kind.value: kind.words for kind in EngagementType},
        validate_choice=False,
        validators=[AnyOf(list(EngagementType), message="Choose what you are at the school")],
    )
    employer = StringField(
        "Your agency or company",
        description="Only if you are an agency worker or a contractor.",
        filters=[_one_line],
        validators=[Length(max=LONGEST, message=f"Use no more than {LONGEST} characters")],
    )

    def is_complete(self) -> bool:
        """Say whether the form was sent with all that it needs; the errors say what is missing."""
        is_valid = bool(self.validate_on_submit())
        if self.type.data in WITH_EMPLOYER and not self.employer.data:
            self.employer.errors = ["Type the name of your agency or company"]
            return False
        return is_valid


@blueprint.route("/welcome", methods=["GET", "POST"])
def welcome() -> ResponseReturnValue:
    """Ask what somebody is at the school, unless it is known; then open what the link was for."""
    launched, target = access.lti_session(), request.args.get("to", PROGRAMME)
    if launched is None:
        return redirect("/")
    school, person, form = (
        session.get_one(Organisation, launched.school_id),
        access.user().person,
        WelcomeForm(),
    )
    if request.method == "POST":
        # Two presses at once wait for each other, and the second finds what the first wrote.
        session.execute(sa.select(Person.id).where(Person.id == person.id).with_for_update(key_share=True))
    if works_at(person.id, school.id, access.request_time()):
        return landing.page(school, target) if request.method == "GET" else _onwards(target)
    last_day = last_day_at(person.id, school.id, access.request_time())
    if last_day is not None:
        return _left(school, last_day)
    if not form.is_complete():
        return _ask(launched, school, target, form)
    _engage(person, school, form)
    return _onwards(target)


def page(launched: LtiSession, school: Organisation, target: str) -> ResponseReturnValue:
    """Return the page that asks, on its way to a link's target. One query."""
    last_day = last_day_at(access.user().person.id, school.id, access.request_time())
    if last_day is not None:
        return _left(school, last_day)
    return _ask(launched, school, target, WelcomeForm(formdata=None))


def _left(school: Organisation, last_day: date) -> ResponseReturnValue:
    """Say that the school has them down as gone: that somebody is back is for HR to say, and not for them."""
    g.school = school
    return render_template("lti/left.html", school=school, last_day=last_day)


def _ask(launched: LtiSession, school: Organisation, target: str, form: WelcomeForm) -> ResponseReturnValue:
    g.school = school
    form.type.label.text = f"What are you at {school.name}?"
    presentation.show_at(landing.address(target))
    text = render_template(
        "lti/welcome.html",
        form=form,
        person=access.user().person,
        action=landing.address(target),
        is_admin=launched.role is RoleName.ADMIN,
    )
    return text, 400 if form.errors else 200


def _engage(person: Person, school: Organisation, form: WelcomeForm) -> None:
    now, type = access.request_time(), EngagementType(form.type.data)
    employer = form.employer.data if type in WITH_EMPLOYER else None
    engage(person, school.id, type, starts=london_day(now), now=now, agency=employer)
    audit.record(
        Event.ENGAGEMENT_STATED,
        organisation_id=school.id,
        now=now,
        actor_id=person.id,
        subject_id=person.id,
        type=type.value,
    )


def _onwards(target: str) -> ResponseReturnValue:
    return redirect(landing.address(target), 303)
