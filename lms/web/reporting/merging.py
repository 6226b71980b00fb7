"""Two records that are one person's: HR says so, sees what it does, and it is done at a second button."""

from __future__ import annotations

from uuid import UUID

import sqlalchemy as sa
from flask import flash, render_template
from flask.typing import ResponseReturnValue
from flask_wtf import FlaskForm
from wtforms import RadioField
from wtforms.validators import InputRequired

from lms import history, merging
from lms.audit import Event
from lms.clock import day_in_words
from lms.db import session
from lms.errors import ConflictError
from lms.likely import Likely, likely
from lms.people import Engagement, Person
from lms.web import access
from lms.web.reporting.blueprint import blueprint
from lms.web.reporting.recording import audited, may_answer_for, to_person


class MergeForm(FlaskForm):  # type: ignore[misc]
    """Which other record is the same person's."""

    other = RadioField(
        "Which record is the same person’s?",
        validators=[InputRequired("Choose the record that is the same person’s")],
        validate_choice=True,
    )


@blueprint.route("/schools/<school>/records/people/<uuid:person_id>/merge", methods=["GET", "POST"])
def merge_people(school: str, person_id: UUID) -> ResponseReturnValue:
    """Offer the records at this school that may be the same person's, and merge the one that HR chooses."""
    del school
    kept = history.person_at(access.school(), person_id)
    offered = _offered(kept)
    form = MergeForm()
    form.other.choices = [(str(one.person.id), one.person.name) for one in offered]
    if form.validate_on_submit() and _is_merged(kept, form):
        flash(f"Saved. Both records are one now. What was signed under either counts for {kept.name}.")
        return to_person(kept)
    page = render_template(
        "reporting/people_merge.html",
        form=form,
        person=kept,
        hints={str(one.person.id): _hint(one) for one in offered},
    )
    return page, 400 if form.errors else 200


def _is_merged(kept: Person, form: MergeForm) -> bool:
    other = session.get_one(Person, UUID(form.other.data))
    try:
        if not may_answer_for(kept) or not may_answer_for(other):
            raise ConflictError(
                "One of them may open pages that you may not. Ask an administrator to merge them."
            )
        made = merging.merge(kept, other, by=access.user().person.id, now=access.request_time())
    except ConflictError as error:
        form.other.errors = [str(error)]
        return False
    audited(Event.PEOPLE_MERGED, kept.id, merge=str(made.id))
    audited(Event.PEOPLE_MERGED, other.id, merge=str(made.id))
    return True


def _offered(kept: Person) -> list[Likely]:
    """Return who is alike and on record at this school: nobody merges what another school has."""
    found = likely(kept.root_id, name=kept.name, email=kept.email, staff_no=kept.staff_no, but=kept.id)
    # A record that was merged in the meantime has no engagement any more.
    elsewhere = sa.select(Engagement.person_id).where(
        Engagement.organisation_id != access.school().id, Engagement.recorded_to.is_(None)
    )
    theirs = set(session.scalars(elsewhere.where(Engagement.person_id.in_([one.person.id for one in found]))))
    return [one for one in found if one.engagement is not None and one.person.id not in theirs]


def _hint(one: Likely) -> str:
    work = one.engagement
    alike = "Same " + ", same ".join(one.alike)
    if work is None:
        return f"{alike}."
    until = f"to {day_in_words(work.ends)}" if work.ends else "onwards"
    return f"{alike}. {work.job_title or work.type.words}, {day_in_words(work.starts)} {until}."
