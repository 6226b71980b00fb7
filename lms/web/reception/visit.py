"""One visitor's page: the three ticks, the code to start with, and what reception writes down after that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import segno
from flask import flash, redirect, render_template, request, url_for
from flask import session as cookie
from flask.typing import ResponseReturnValue
from flask_wtf import FlaskForm
from markupsafe import Markup
from wtforms import BooleanField, RadioField, TextAreaField
from wtforms.validators import DataRequired, InputRequired, Length

from lms import desk, desk_codes, desk_day
from lms.audit import Event
from lms.desk import Assistance, Checks, PhotoId, Place, Visit
from lms.desk_day import Line, State
from lms.web import access
from lms.web.reception import paper, passport
from lms.web.reception.blueprint import blueprint, write_down
from lms.web.reception.fields import words_field
from lms.web.reporting.fields import plain_text

MOST_CODES = 8
"""How many codes a desk's cookie keeps, so that each can be shown again while its visitor types."""
LONGEST_REASON = 500


class ArriveForm(FlaskForm):  # type: ignore[misc]
    """The three ticks. Which button sent it says what the visitor starts on."""

    agency_confirmed = BooleanField(
        "I have seen the agency’s written confirmation of its checks",
        validators=[DataRequired("Tick when you have seen the agency’s written confirmation")],
    )
    id_kind = RadioField(
        "Which photo ID have you seen?",
        description="Don’t write down a number and don’t take a copy.",
        choices={kind.value: kind.words for kind in PhotoId},
        validators=[InputRequired("Choose the photo ID that you have seen")],
    )
    same_person = BooleanField(
        "It is the same person: the face, the name and who is expected all match",
        validators=[DataRequired("Tick when it is the same person")],
    )

    @property
    def checks(self) -> Checks:
        """What was ticked."""
        agency = bool(self.agency_confirmed.data) if "agency_confirmed" in self else False
        return Checks(PhotoId(self.id_kind.data), bool(self.same_person.data), agency)


class ToClassForm(FlaskForm):  # type: ignore[misc]
    """A named senior's decision that somebody starts before they sign."""

    senior = words_field("Who decided?", "Enter the name of the senior member of staff who decided")
    reason = TextAreaField(
        "Why could it not wait?",
        filters=[plain_text],
        validators=[
            DataRequired("Say why it could not wait"),
            Length(max=LONGEST_REASON, message=f"Use no more than {LONGEST_REASON} characters"),
        ],
    )


class AssistedForm(FlaskForm):  # type: ignore[misc]
    """Who helps somebody to read it, and how."""

    how = RadioField(
        "How are they helped?",
        choices={kind.value: kind.words for kind in Assistance},
        validators=[InputRequired("Choose how they are helped")],
    )
    by = words_field("Who reads or interprets?", "Enter the name of who reads or interprets")


@dataclass(frozen=True, slots=True)
class Code:
    """A code as the desk shows it: in two fours, and as a QR code for a phone's camera."""

    text: str
    page: str
    """Where it is typed."""
    address: str
    """Where it needn't be."""
    drawing: Markup


@blueprint.get("/schools/<school>/reception/visits/<uuid:visit>")
def visit(school: str, visit: UUID) -> ResponseReturnValue:
    """Show one visitor: what is to be checked, the code, and what can be written down."""
    del school
    return _page(_visit(visit))


@blueprint.post("/schools/<school>/reception/visits/<uuid:visit>/arrive")
def arrive(school: str, visit: UUID) -> ResponseReturnValue:
    """Record the three ticks, and start the visitor on a phone or on the school's tablet."""
    found, now = _visit(visit), access.request_time()
    line = desk_day.line_of(found, now)
    form = _arrive_form(line)
    if not form.validate_on_submit():
        return _page(found, arriving=form)
    desk.arrive(found, form.checks, from_agency=line.from_agency, by=access.user().person.id, now=now)
    if found.started_at is None and found.left_at is None and "place" in request.form:
        _issue(found)
    return redirect(url_for(".visit", school=school, visit=visit), 303)


@blueprint.post("/schools/<school>/reception/visits/<uuid:visit>/code")
def code(school: str, visit: UUID) -> ResponseReturnValue:
    """Make a new code: the old one is worth nothing from now on, and another device may be used."""
    found = _visit(visit)
    if found.arrived_at is None or found.left_at is not None:
        flash("A code is for somebody who has arrived and has not left.")
    else:
        _issue(found)
    return redirect(url_for(".visit", school=school, visit=visit), 303)


@blueprint.post("/schools/<school>/reception/visits/<uuid:visit>/to-class")
def to_class(school: str, visit: UUID) -> ResponseReturnValue:
    """Record that a named senior sends somebody to class before they sign, and why."""
    found, form = _visit(visit), ToClassForm()
    if not form.validate_on_submit():
        return _page(found, sending=form)
    desk.send_to_class(found, senior=form.senior.data, reason=form.reason.data, now=access.request_time())
    write_down(Event.SENT_TO_CLASS, found)
    flash("Saved. The list shows that they are in class and have not signed, until they sign.")
    return redirect(url_for(".visit", school=school, visit=visit), 303)


@blueprint.post("/schools/<school>/reception/visits/<uuid:visit>/assisted")
def assisted(school: str, visit: UUID) -> ResponseReturnValue:
    """Record who reads it aloud, or interprets."""
    found, form = _visit(visit), AssistedForm()
    if not form.validate_on_submit():
        return _page(found, assisting=form)
    desk.assist(found, by=form.by.data, how=Assistance(form.how.data), now=access.request_time())
    flash("Saved.")
    return redirect(url_for(".visit", school=school, visit=visit), 303)


@blueprint.post("/schools/<school>/reception/visits/<uuid:visit>/leave")
def leave(school: str, visit: UUID) -> ResponseReturnValue:
    """Record that somebody has left."""
    found = _visit(visit)
    desk.leave(found, access.request_time())
    flash("Saved. They have left.")
    return redirect(url_for(".desk", school=school), 303)


def _visit(visit_id: UUID) -> Visit:
    return desk.visit_at(access.school().id, visit_id)


def _page(
    found: Visit,
    arriving: ArriveForm | None = None,
    sending: ToClassForm | None = None,
    assisting: AssistedForm | None = None,
) -> ResponseReturnValue:
    line = desk_day.line_of(found, access.request_time())
    forms: Sequence[FlaskForm] = [form for form in (arriving, sending, assisting) if form is not None]
    page = render_template(
        "reception/visit.html",
        line=line,
        visit=found,
        code=_shown_code(line),
        passports=passport.shown(found, line),
        papers=paper.shown(found, line),
        arriving=arriving or _arrive_form(line, sent=False),
        sending=sending or ToClassForm(formdata=None),
        assisting=assisting or AssistedForm(formdata=None),
        form=forms[0] if forms else FlaskForm(formdata=None),
        contacts=access.school().placeholder_values,
    )
    return page, 400 if any(form.errors for form in forms) else 200


def _arrive_form(line: Line, *, sent: bool = True) -> ArriveForm:
    form = ArriveForm() if sent else ArriveForm(formdata=None)
    if not line.from_agency:
        del form.agency_confirmed
    return form


def _issue(found: Visit) -> None:
    place = request.form.get("place")
    made = desk_codes.issue(found, access.request_time())
    found.place = Place.TABLET if place == Place.TABLET else Place.PHONE
    write_down(Event.DESK_CODE_GIVEN, found)
    # Only its hash is on record: the desk's own cookie is what can show it again.
    kept = {**cookie.get("codes", {}), found.id.hex: [made, found.code_hash]}
    cookie["codes"] = dict(list(kept.items())[-MOST_CODES:])


def _shown_code(line: Line) -> Code | None:
    """Return the code that this desk made last for a visitor, while it can still be used."""
    made, code_hash = cookie.get("codes", {}).get(line.visit.id.hex, ("", ""))
    expires = line.visit.code_expires
    if line.state is State.SIGNED or expires is None or expires <= access.request_time():
        return None
    if code_hash != line.visit.code_hash:
        # Another desk has made a newer one.
        return None
    page = f"{access.settings().base_url}/join"
    address = f"{page}/{made}"
    drawing = segno.make(address, error="m", micro=False).svg_inline(scale=5, border=4, omitsize=True)
    return Code(made, page, address, Markup(drawing))  # noqa: S704 (segno's own drawing)
