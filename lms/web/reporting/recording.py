"""Putting people and engagements on record by hand, and putting them right. Nobody is ever deleted."""

from __future__ import annotations

from uuid import UUID, uuid4

import sqlalchemy as sa
from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_wtf import FlaskForm
from wtforms import Form

from lms import audit, corrections, history, people
from lms.audit import Event
from lms.clock import day_in_words
from lms.db import session
from lms.errors import NotFoundError
from lms.likely import Likely, likely
from lms.people import Engagement, Person, RoleName
from lms.web import access
from lms.web.reporting.blueprint import blueprint
from lms.web.reporting.person_forms import (
    AddForm,
    EndForm,
    EngagementForm,
    PersonForm,
    as_sent,
    shown_manager,
)

SOMEBODY_ELSE = "new"
APPLY, CHANGE = "apply", "change"
WARNING = "warning"
"""The category of a message about something that is to be looked at again."""


@blueprint.route("/schools/<school>/records/people/add", methods=["GET", "POST"])
def add_person(school: str) -> ResponseReturnValue:
    """Put somebody on record; where the trust may know them already, show whom, and ask."""
    del school
    form, batch = AddForm(), request.form.get("batch", type=UUID) or uuid4()
    if (made := _made_before(batch)) is not None:
        return to_person(made)
    if request.form.get("step") == CHANGE or not form.validate_on_submit():
        return _page("reporting/people_add.html", form, batch=batch)
    offered = _offered(form)
    chosen = request.form.get("same", "") if request.form.get("step") == APPLY else ""
    may_be = {SOMEBODY_ELSE, *(str(one.person.id) for one in offered)}
    if offered and chosen not in may_be:
        return _who(form, offered, batch)
    return _add(form, batch, UUID(chosen) if offered and chosen != SOMEBODY_ELSE else None)


def _made_before(batch: UUID) -> Person | None:
    """Return whom the first of two presses of the button put on record."""
    here = sa.exists().where(
        Engagement.person_id == Person.id, Engagement.organisation_id == access.school().id
    )
    return session.scalar(sa.select(Person).where(Person.id == batch, here))


def _offered(form: AddForm) -> list[Likely]:
    name = f"{form.forename.data} {form.surname.data}"
    return likely(
        access.school().root_id, name=name, email=form.email.data, staff_no=form.staff_no.data or None
    )


def _who(form: AddForm, offered: list[Likely], batch: UUID) -> ResponseReturnValue:
    for one in offered:
        audited(Event.KNOWN_PERSON_SHOWN, one.person.id)
    is_missing = request.form.get("step") == APPLY
    page = render_template(
        "reporting/people_same.html",
        form=FlaskForm(),
        name=people.full_name(form.forename.data, form.surname.data),
        sent=as_sent(form.data),
        offered=offered,
        batch=batch,
        errors=["Say whether it is the same person"] if is_missing else [],
    )
    return page, 400 if is_missing else 200


def _add(form: AddForm, batch: UUID, known: UUID | None) -> ResponseReturnValue:
    now, by = access.request_time(), access.user().person.id
    if known is None:
        person = people.add_person(access.school().root_id, **form.person, id=batch)  # type: ignore[arg-type]
        audited(Event.PERSON_ADDED, person.id)
        _warn_of_the_same(person)
    else:
        person = session.get_one(Person, known)
    people.engage(person, access.school().id, **form.engagement, now=now, by=by)
    audited(Event.ENGAGEMENT_ADDED, person.id, type=str(form.engagement["type"]))
    flash(f"Saved. {person.name} is on record here.")
    return to_person(person)


@blueprint.route("/schools/<school>/records/people/<uuid:person_id>/correct", methods=["GET", "POST"])
def correct_person(school: str, person_id: UUID) -> ResponseReturnValue:
    """Put right what is on record of a person. What it was stays on their page, for HR alone."""
    del school
    found = history.person_at(access.school(), person_id)
    form = PersonForm(obj=found)
    if not form.validate_on_submit() or not _may_take_address(found, form):
        return _page("reporting/people_correct.html", form, person=found)
    made = corrections.correct_person(
        found, form.person, by=access.user().person.id, now=access.request_time()
    )
    if "email" in {one.fact for one in made}:
        # Whoever came in by the address that was wrong is out.
        found.sign_in_epoch += 1
    if made:
        audited(Event.PERSON_CORRECTED, found.id, names=", ".join(one.fact for one in made))
    flash("Saved." if made else "Nothing was changed.")
    if {one.fact for one in made} & {"email", "staff_no"}:
        _warn_of_the_same(found)
    return to_person(found)


def _warn_of_the_same(person: Person) -> None:
    """Say who else has their e-mail address, which then signs nobody in, or their staff number."""
    for one, is_address in people.with_the_same(person):
        who = one.name if _is_known_here(one) else "Somebody at another school"
        if is_address:
            flash(
                f"{who} has this e-mail address too. Until each has their own, it signs neither of them in, and no "
                "reminder goes to it.",
                WARNING,
            )
        else:
            flash(f"{who} has this staff number too. Correct one of the two.", WARNING)


def _is_known_here(person: Person) -> bool:
    here = sa.select(Engagement.id).where(
        Engagement.person_id == person.id, Engagement.organisation_id == access.school().id
    )
    return session.scalar(here.limit(1)) is not None


def _may_take_address(person: Person, form: PersonForm) -> bool:
    """Refuse to lead the sign-in links of somebody with more powers to another address."""
    if (form.email.data or "").lower() == (person.email or "") or may_answer_for(person):
        return True
    form.email.errors = ["They may open pages that you may not: ask an administrator to change their e-mail"]
    return False


def may_answer_for(person: Person) -> bool:
    """Say whether whoever is signed in may do as much, wherever somebody has a role."""
    user = access.user()
    above = user.roles.get(person.root_id, frozenset())
    for organisation_id, names in people.roles_of(person.id).items():
        mine = user.roles.get(organisation_id, frozenset()) | above
        if RoleName.ADMIN not in mine and (RoleName.ADMIN in names or RoleName.HR not in mine):
            return False
    return True


@blueprint.route("/schools/<school>/records/people/<uuid:person_id>/engagements/add", methods=["GET", "POST"])
def add_engagement(school: str, person_id: UUID) -> ResponseReturnValue:
    """Record that somebody is something else to this school too, or is back after they left."""
    del school
    found, form = history.person_at(access.school(), person_id), EngagementForm()
    if not form.validate_on_submit():
        return _page("reporting/people_engagement.html", form, person=found, engagement=None)
    now, by = access.request_time(), access.user().person.id
    people.engage(found, access.school().id, **form.engagement, now=now, by=by)
    audited(Event.ENGAGEMENT_ADDED, found.id, type=str(form.engagement["type"]))
    flash(f"Saved. {found.name} has another engagement.")
    return to_person(found)


@blueprint.route(
    "/schools/<school>/records/people/<uuid:person_id>/engagements/<uuid:engagement_id>",
    methods=["GET", "POST"],
)
def correct_engagement(school: str, person_id: UUID, engagement_id: UUID) -> ResponseReturnValue:
    """Put an engagement right. Reports of earlier days keep what was recorded then."""
    del school
    found = history.person_at(access.school(), person_id)
    engagement = _engagement(found, engagement_id)
    form = EngagementForm(obj=engagement, manager=shown_manager(engagement.manager_id))
    form.standing = engagement
    if not form.validate_on_submit():
        return _page("reporting/people_engagement.html", form, person=found, engagement=engagement)
    changed = {name for name, value in form.engagement.items() if getattr(engagement, name) != value}
    people.correct_engagement(
        engagement, form.engagement, by=access.user().person.id, now=access.request_time()
    )
    if changed:
        audited(Event.ENGAGEMENT_CORRECTED, found.id, names=", ".join(sorted(changed)))
    flash("Saved. Reports of earlier days stay as they were." if changed else "Nothing was changed.")
    return to_person(found)


@blueprint.route(
    "/schools/<school>/records/people/<uuid:person_id>/engagements/<uuid:engagement_id>/end",
    methods=["GET", "POST"],
)
def end_engagement(school: str, person_id: UUID, engagement_id: UUID) -> ResponseReturnValue:
    """Record the last day of an engagement; or, where there is one, that there is none."""
    del school
    found = history.person_at(access.school(), person_id)
    engagement = _engagement(found, engagement_id)
    if request.method == "POST" and "reopen" in request.form:
        return _end(found, engagement, EndForm(formdata=None))
    form = EndForm(obj=engagement)
    form.begins = engagement.starts
    if not form.validate_on_submit():
        return _page("reporting/people_end.html", form, person=found, engagement=engagement)
    return _end(found, engagement, form)


def _end(person: Person, engagement: Engagement, form: EndForm) -> ResponseReturnValue:
    people.end_engagement(
        engagement, ends=form.ends.data, by=access.user().person.id, now=access.request_time()
    )
    audited(Event.ENGAGEMENT_CORRECTED, person.id, names="ends")
    if form.ends.data:
        flash(f"Saved. The last day is {day_in_words(form.ends.data)}. What they signed stays on record.")
    else:
        flash("Saved. There is no last day.")
    return to_person(person)


def _engagement(person: Person, engagement_id: UUID) -> Engagement:
    found = session.scalar(
        sa.select(Engagement).where(
            Engagement.id == engagement_id,
            Engagement.person_id == person.id,
            Engagement.organisation_id == access.school().id,
            Engagement.recorded_to.is_(None),
        )
    )
    if found is None:
        raise NotFoundError(f"{person.name} has no such engagement here.")
    return found


def _page(template: str, form: Form, **values: object) -> ResponseReturnValue:
    page = render_template(template, form=form, **values)
    return page, 400 if form.errors else 200


def to_person(person: Person) -> ResponseReturnValue:
    """Lead to a person's page."""
    return redirect(url_for(".person", school=access.school().slug, person_id=person.id), 303)


def audited(event: Event, subject_id: UUID, **details: str | int) -> None:
    """Write down what HR did, with about whom."""
    audit.record(
        event,
        organisation_id=access.school().id,
        now=access.request_time(),
        actor_id=access.user().person.id,
        subject_id=subject_id,
        **details,
    )
