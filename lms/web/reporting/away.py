"""Who is away and who is back, and what somebody learnt elsewhere. Why somebody is away is HR's alone to see."""

from __future__ import annotations

from datetime import date
from typing import Any, cast
from uuid import UUID

from flask import flash, render_template, request
from flask.typing import ResponseReturnValue
from flask_wtf import FlaskForm
from wtforms import Form, StringField
from wtforms.validators import DataRequired, ValidationError

from lms import absences, history, outside_training
from lms.absences import Absence
from lms.audit import Event
from lms.clock import day_in_words, london_day
from lms.errors import ConflictError, NotFoundError
from lms.outside_training import OutsideTraining
from lms.people import Person
from lms.web import access
from lms.web.reporting.blueprint import blueprint
from lms.web.reporting.fields import DayField, not_in_the_future
from lms.web.reporting.person_forms import FURTHEST, reason, words
from lms.web.reporting.recording import audited, to_person

BACK, NEVER = "back", "never"


class AwayForm(FlaskForm):  # type: ignore[misc]
    """From when until when somebody is away, and why."""

    starts = DayField("First day away", description="For example, 7 9 2026")
    ends = DayField("Last day away", description="Leave it empty if it isn’t known yet.")
    reason = reason(
        "Why are they away?",
        "You may leave it empty. Only HR and administrators see it: it is in no report, and no manager sees it.",
    )

    def validate_starts(self, field: DayField) -> None:
        """Ask for a first day that can be meant."""
        if field.errors:
            return
        if field.data is None:
            raise ValidationError("Enter the first day away")
        if field.data > london_day(access.request_time()) + FURTHEST:
            raise ValidationError("Enter a first day within two years")

    def validate_ends(self, field: DayField) -> None:
        """Refuse a last day before the first."""
        if field.data is not None and self.starts.data is not None and field.data < self.starts.data:
            raise ValidationError("The last day away can’t be before the first")

    @property
    def first(self) -> date:
        """The first day, of a form that is without fault."""
        return cast(date, self.starts.data)


class BackForm(FlaskForm):  # type: ignore[misc]
    """The first day back."""

    back = DayField("First day back", description="For example, 7 9 2026", validators=[not_in_the_future])

    def validate_back(self, field: DayField) -> None:
        """Ask for a day."""
        if field.data is None and not field.errors:
            raise ValidationError("Enter the first day back")

    @property
    def first_day(self) -> date:
        """The day, of a form that is without fault."""
        return cast(date, self.back.data)


class OutsideForm(FlaskForm):  # type: ignore[misc]
    """What somebody learnt elsewhere, when, and who says so."""

    title = words("What was the training?", "For example, Safeguarding update 2026")
    done_on = DayField("When was it done?", validators=[not_in_the_future])
    said_by = words("Who says so?", "For example, a certificate of Tandem Education, or she herself")

    def validate_title(self, field: StringField) -> None:
        """Ask what it was."""
        DataRequired("Enter what the training was")(self, field)

    def validate_done_on(self, field: DayField) -> None:
        """Ask when."""
        if field.data is None and not field.errors:
            raise ValidationError("Enter the day on which it was done")

    @property
    def day(self) -> date:
        """The day, of a form that is without fault."""
        return cast(date, self.done_on.data)

    def validate_said_by(self, field: StringField) -> None:
        """Ask who says so: without that it is worth nothing."""
        DataRequired("Enter who says so")(self, field)


@blueprint.route("/schools/<school>/records/people/<uuid:person_id>/away", methods=["GET", "POST"])
def add_absence(school: str, person_id: UUID) -> ResponseReturnValue:
    """Record that somebody is or will be away: the clock stands still, and nobody chases them."""
    del school
    person, form = history.person_at(access.school(), person_id), AwayForm()
    if form.validate_on_submit() and _is_recorded(person, form):
        flash(f"Saved. {_until(person, form)} Nothing is asked of them while they are away.")
        return to_person(person)
    return _page("reporting/people_away.html", form, person=person, absence=None)


def _is_recorded(person: Person, form: AwayForm) -> bool:
    try:
        made = absences.record_absence(person, access.school().id, **_entered(form), **_by_now())
    except ConflictError as error:
        form.starts.errors = [str(error)]
        return False
    audited(Event.ABSENCE_SAVED, person.id, absence=str(made.id))
    return True


@blueprint.route(
    "/schools/<school>/records/people/<uuid:person_id>/away/<uuid:absence_id>", methods=["GET", "POST"]
)
def absence(school: str, person_id: UUID, absence_id: UUID) -> ResponseReturnValue:
    """Record that somebody is back; or put an absence right, or take it back."""
    del school
    person = history.person_at(access.school(), person_id)
    found, step = _absence(person, absence_id), request.form.get("step")
    form = AwayForm(None if step else request.form or None, obj=found)
    back = BackForm(request.form if step == BACK else None, back=london_day(access.request_time()))
    if step == NEVER:
        return _come_back(person, found, found.starts)
    if step == BACK and back.validate():
        return _come_back(person, found, back.first_day)
    if request.method == "POST" and not step and form.validate() and _is_changed(person, found, form):
        flash(f"Saved. {_until(person, form)}")
        return to_person(person)
    return _page("reporting/people_away.html", form, back, person=person, absence=found)


def _is_changed(person: Person, found: Absence, form: AwayForm) -> bool:
    try:
        absences.change_absence(found, person, _entered(form), **_by_now())
    except ConflictError as error:
        form.starts.errors = [str(error)]
        return False
    audited(Event.ABSENCE_SAVED, person.id, absence=str(found.id))
    return True


def _come_back(person: Person, found: Absence, day: date) -> ResponseReturnValue:
    absences.come_back(found, person, day, **_by_now())
    audited(Event.ABSENCE_ENDED, person.id, absence=str(found.id))
    if day <= found.starts:
        flash(f"Saved. {person.name} was not away then.")
    else:
        flash(f"Saved. {person.name} is back since {day_in_words(day)}, with as many days left as before.")
    return to_person(person)


@blueprint.route("/schools/<school>/records/people/<uuid:person_id>/elsewhere", methods=["GET", "POST"])
def add_outside(school: str, person_id: UUID) -> ResponseReturnValue:
    """Record training that somebody did elsewhere, and who says so. It is no signature."""
    del school
    person, form = history.person_at(access.school(), person_id), OutsideForm()
    if not form.validate_on_submit():
        return _page("reporting/people_elsewhere.html", form, person=person)
    made = outside_training.record_outside(
        person.id,
        access.school().id,
        title=form.title.data,
        done_on=form.day,
        said_by=form.said_by.data,
        **_by_now(),
    )
    audited(Event.OUTSIDE_TRAINING_RECORDED, person.id, training=str(made.id))
    flash("Saved. It is always shown as done elsewhere, and is no signature.")
    return to_person(person)


@blueprint.post("/schools/<school>/records/people/<uuid:person_id>/elsewhere/<uuid:training_id>/withdraw")
def withdraw_outside(school: str, person_id: UUID, training_id: UUID) -> ResponseReturnValue:
    """Take back training elsewhere that was recorded by mistake."""
    del school
    person = history.person_at(access.school(), person_id)
    theirs = outside_training.outside_of(person.id, access.school().id)
    found: OutsideTraining | None = next((one for one in theirs if one.id == training_id), None)
    if found is not None:
        outside_training.withdraw_outside(found, access.request_time())
        audited(Event.OUTSIDE_TRAINING_WITHDRAWN, person.id, training=str(training_id))
    flash("Taken back. Reports of earlier days keep it.")
    return to_person(person)


def _entered(form: AwayForm) -> dict[str, Any]:
    return {"starts": form.starts.data, "ends": form.ends.data, "reason": form.reason.data or None}


def _by_now() -> dict[str, Any]:
    return {"by": access.user().person.id, "now": access.request_time()}


def _until(person: Person, form: AwayForm) -> str:
    first = day_in_words(form.first)
    until = f"until {day_in_words(form.ends.data)}" if form.ends.data else "until you say that they are back"
    return f"{person.name} is away from {first} {until}."


def _absence(person: Person, absence_id: UUID) -> Absence:
    theirs = absences.absences_of(person.id, access.school().id)
    for one in theirs:
        if one.id == absence_id:
            return one
    raise NotFoundError(f"There is no such absence of {person.name}.")


def _page(template: str, form: Form, back: Form | None = None, **values: object) -> ResponseReturnValue:
    errors = bool(form.errors or (back and back.errors))
    page = render_template(
        template,
        form=form,
        back=back,
        errors=errors,
        contacts=access.school().placeholder_values,
        today=london_day(access.request_time()),
        **values,
    )
    return page, 400 if errors else 200
