"""One person's page: the whole history, "not required", and requests for help."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_wtf import FlaskForm
from wtforms import RadioField, TextAreaField
from wtforms.validators import DataRequired, InputRequired, Length, ValidationError

from lms import audit, help_requests, history, training
from lms.audit import Event
from lms.clock import london_day
from lms.db import session
from lms.errors import ConflictError, NotFoundError
from lms.help_requests import HelpRequest
from lms.people import Person
from lms.training import Assignment
from lms.web import access
from lms.web.reporting.blueprint import blueprint
from lms.web.reporting.fields import DayField, plain_text
from lms.web.reporting.filters import titles

LONGEST_REASON = 500
UNTIL, FOR_GOOD = "until", "for-good"


class ExemptForm(FlaskForm):  # type: ignore[misc]
    """Why somebody needn't do something, and until when."""

    reason = TextAreaField(
        "Why is it not required?",
        description="For example: on maternity leave until January. Only HR and administrators see this.",
        filters=[plain_text],
        validators=[
            DataRequired("Say why it is not required"),
            Length(
                max=LONGEST_REASON, message=f"Use no more than {LONGEST_REASON} characters for the reason"
            ),
        ],
    )
    how_long = RadioField(
        "For how long?",
        choices={UNTIL: "Until a day", FOR_GOOD: "For good"},
        validators=[InputRequired("Choose until when it is not required")],
    )
    until = DayField("The last day on which it is not required", description="For example, 31 12 2026")

    def validate_until(self, field: DayField) -> None:
        """Ask for a day to come, where one is wanted."""
        if self.how_long.data != UNTIL or field.errors:
            return
        if field.data is None:
            raise ValidationError("Enter the last day on which it is not required")
        if field.data < london_day(access.request_time()):
            raise ValidationError("Enter today or a later day")

    @property
    def last_day(self) -> date | None:
        """The last day, or None for good."""
        return self.until.data if self.how_long.data == UNTIL else None


@blueprint.get("/schools/<school>/records/people/<uuid:person_id>")
def person(school: str, person_id: UUID) -> str:
    """Show everything on record about one person at this school."""
    del school
    found = history.person_at(access.school(), person_id)
    now = access.request_time()
    told = history.history_of(access.school(), found, now)
    return render_template(
        "reporting/person.html",
        person=found,
        history=told,
        titles=titles([item for item, _ in told.obligations]),
        left=_left(told, now),
        away=next((one for one in told.absences if one.is_on(london_day(now))), None),
        is_over=lambda engagement: history.is_over(engagement, now),
        today=london_day(now),
    )


def _left(told: history.History, now: datetime) -> date | None:
    """Return the last day of somebody who has left; None for whoever is here still or has another record."""
    latest = [versions[0] for versions in told.engagements]
    if told.person.merged_into or not all(history.is_over(one, now) for one in latest):
        return None
    return max((one.ends for one in latest if one.ends), default=None)


@blueprint.route(
    "/schools/<school>/records/people/<uuid:person_id>/not-required/<uuid:assignment_id>",
    methods=["GET", "POST"],
)
def exempt(school: str, person_id: UUID, assignment_id: UUID) -> ResponseReturnValue:
    """Record that somebody needn't do an assignment, or that they must after all."""
    del school
    found, assignment = history.person_at(access.school(), person_id), _assignment(assignment_id)
    title, standing = _title_for(found, assignment), history.exemption_of(assignment.id, found.id)
    if request.method == "POST" and "lift" in request.form:
        return _lift(found, assignment)
    form = ExemptForm()
    if form.validate_on_submit():
        return _exempt(found, assignment, form)
    page = render_template(
        "reporting/exempt.html", form=form, person=found, title=title, standing=standing, contacts=_contacts()
    )
    return page, 400 if form.errors else 200


@blueprint.post("/schools/<school>/records/requests/<uuid:request_id>/settle")
def settle_request(school: str, request_id: UUID) -> ResponseReturnValue:
    """Record that HR has dealt with a request."""
    asked = session.get(HelpRequest, request_id)
    if asked is None or asked.organisation_id != access.school().id:
        raise NotFoundError("There is no such request.")
    if asked.answered_at is None:
        help_requests.settle(asked, access.user().person.id, access.request_time())
        _audit(Event.HELP_ANSWERED, asked.person_id, request=str(asked.id))
    flash("Dealt with. The request stays on the person’s page.")
    if request.form.get("back") == "person":
        return redirect(url_for(".person", school=school, person_id=asked.person_id), 303)
    return redirect(url_for(".records", school=school), 303)


def _exempt(person: Person, assignment: Assignment, form: ExemptForm) -> ResponseReturnValue:
    training.exempt(
        assignment, person.id, reason=form.reason.data, until=form.last_day, now=access.request_time()
    )
    _audit(Event.EXEMPTION_SAVED, person.id, assignment=str(assignment.id))
    flash(f"Saved. {person.name} is not required to sign.")
    return _to_person(person)


def _lift(person: Person, assignment: Assignment) -> ResponseReturnValue:
    training.lift_exemption(assignment.id, person.id, access.request_time())
    _audit(Event.EXEMPTION_LIFTED, person.id, assignment=str(assignment.id))
    flash(f"Saved. {person.name} must sign from now on.")
    return _to_person(person)


def _assignment(assignment_id: UUID) -> Assignment:
    found = training.current_assignment(assignment_id)
    if found is None or found.organisation_id != access.school().id:
        raise NotFoundError("That is not assigned at this school, or it has been withdrawn.")
    return found


def _title_for(person: Person, assignment: Assignment) -> str:
    mine = history.obligations_of(access.school(), person, access.request_time())
    title = titles([item for item, _ in mine]).get(str(assignment.id))
    if title is None:
        raise ConflictError(f"{person.name} doesn’t have to sign that: it is for other engagement types.")
    return title


def _contacts() -> dict[str, str]:
    return access.school().placeholder_values


def _to_person(person: Person) -> ResponseReturnValue:
    return redirect(url_for(".person", school=access.school().slug, person_id=person.id), 303)


def _audit(event: Event, subject_id: UUID, **details: str) -> None:
    audit.record(
        event,
        organisation_id=access.school().id,
        now=access.request_time(),
        actor_id=access.user().person.id,
        subject_id=subject_id,
        **details,
    )
