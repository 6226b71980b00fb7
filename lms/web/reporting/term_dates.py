"""When the school is open: term dates and closed days, typed or read from a calendar file."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_wtf import FlaskForm
from flask_wtf.file import FileField
from wtforms.validators import ValidationError

from lms import reminder_settings as kept
from lms.audit import Event
from lms.calendar_file import LARGEST, CalendarRefusedError, Found, read_calendar
from lms.clock import london_day
from lms.school_days import Days, DaysKind
from lms.web import access
from lms.web.reporting.blueprint import blueprint
from lms.web.reporting.noting import note
from lms.web.reporting.reminder_forms import DaysForm

MOST_ENTERED = 400
"""Entries that one school may have: thirty years of terms."""


class CalendarForm(FlaskForm):  # type: ignore[misc]
    """A calendar file."""

    file = FileField("Choose a calendar file", description="It ends in .ics, and is at most 500 kB.")
    found: list[Found]
    repeating = 0

    def validate_file(self, field: FileField) -> None:
        """Read it, or say why it can't be."""
        if not field.data:
            raise ValidationError("Choose a calendar file")
        try:
            self.found, self.repeating = read_calendar(field.data.read(LARGEST + 1))
        except CalendarRefusedError as error:
            raise ValidationError(str(error)) from error
        finally:
            field.data.close()


@blueprint.route("/schools/<school>/records/reminders/terms", methods=["GET", "POST"])
def term_dates(school: str) -> ResponseReturnValue:
    """Show the school's terms and closed days; enter more by hand."""
    form = DaysForm()
    if form.validate_on_submit() and _has_room(form):
        _enter([form.days])
        return redirect(url_for(".term_dates", school=school), 303)
    return _page(form, CalendarForm(None))


@blueprint.post("/schools/<school>/records/reminders/terms/<uuid:days_id>/remove")
def remove_term_dates(school: str, days_id: UUID) -> ResponseReturnValue:
    """Take one entry out."""
    kept.remove_days(access.school().id, days_id)
    note(Event.TERM_DATES_CHANGED, days=-1)
    flash("Taken out.")
    return redirect(url_for(".term_dates", school=school), 303)


@blueprint.post("/schools/<school>/records/reminders/terms/file")
def term_dates_file(school: str) -> ResponseReturnValue:
    """Show what is in a calendar file, to choose what of it counts; at a second button, enter that."""
    if request.form.get("step") == "enter":
        _enter(_chosen())
        return redirect(url_for(".term_dates", school=school), 303)
    form = CalendarForm()
    if not form.validate_on_submit():
        return _page(DaysForm(None), form)
    return render_template(
        "reporting/term_dates_file.html", found=form.found, repeating=form.repeating, kinds=list(DaysKind)
    )


def _chosen() -> list[Days]:
    """Return what was chosen of a file's days, each checked as if it had been typed."""
    found = []
    for number in range(MOST_ENTERED):
        kind = request.form.get(f"kind-{number}")
        if kind is None:
            break
        typed: dict[str, Any] = {
            name: request.form.get(f"{name}-{number}", "") for name in ("first", "last", "words")
        }
        form = DaysForm(_as_typed({**typed, "kind": kind}), meta={"csrf": False})
        if kind and form.validate():
            found.append(form.days)
    return found


def _as_typed(values: dict[str, str]) -> Any:
    return type(request.form)(values)


def _has_room(form: DaysForm) -> bool:
    if len(kept.term_dates(access.school().id)) < MOST_ENTERED:
        return True
    form.form_errors.append(f"There are {MOST_ENTERED} entries already. Take old ones out first")
    return False


def _enter(days: list[Days]) -> None:
    room = MOST_ENTERED - len(kept.term_dates(access.school().id))
    number = kept.enter_days(access.school().id, days[: max(0, room)])
    if number:
        note(Event.TERM_DATES_CHANGED, days=number)
    flash(f"Entered: {number}." if number else "Nothing new was entered.")


def _page(form: DaysForm, calendar: CalendarForm) -> ResponseReturnValue:
    entered, today = kept.term_dates(access.school().id), london_day(access.request_time())
    days = kept.school_days([access.school().id])[access.school().id]
    page = render_template(
        "reporting/term_dates.html",
        form=form,
        calendar=calendar,
        errors=bool(form.errors or calendar.errors),
        entered=entered,
        today=today,
        known_until=days.known_until,
    )
    return page, 400 if form.errors or calendar.errors else 200
