"""Saying of several people at once that something is not required of them: those of a filtered list."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from lms import assignments, audit, compliance, standings
from lms.audit import Event
from lms.compliance import Item, Obligation
from lms.errors import ConflictError, NotFoundError
from lms.web import access
from lms.web.reporting.blueprint import blueprint
from lms.web.reporting.filters import PeopleForm, asked, chosen
from lms.web.reporting.people import ExemptForm

MOST = 200
"""How many people can be ticked on one page."""


@blueprint.route("/schools/<school>/records/not-required", methods=["GET", "POST"])
def exempt_many(school: str) -> ResponseReturnValue:
    """Show the people of a filtered list, ticked; record of those who stay ticked that it isn't required of them."""
    wanted, here, now = PeopleForm(asked()), access.school(), access.request_time()
    query: dict[str, Any] = {**wanted.query}
    item = chosen(compliance.items([here.id], now), wanted.item.data)
    if item is None:
        raise NotFoundError("That is not assigned at this school, or it has been withdrawn.")
    people, total = standings.asked(item, wanted.filters, MOST)
    form, ticked = ExemptForm(), {*request.form.getlist("people", type=UUID)}
    if form.validate_on_submit() and ticked:
        _exempt(item, people, ticked, form)
        return redirect(url_for(".records", school=school, **query), 303)
    if form.is_submitted() and not ticked:
        form.form_errors = ["Tick at least one person"]
    page = render_template(
        "reporting/exempt_many.html",
        form=form,
        item=item,
        filters=wanted.filters.words,
        people=people,
        total=total,
        ticked=ticked if form.is_submitted() else {person.person_id for person in people},
        contacts=here.placeholder_values,
        back=url_for(".records", school=school, **query),
    )
    return page, 400 if form.errors else 200


def _exempt(item: Item, people: Sequence[Obligation], ticked: set[UUID], form: ExemptForm) -> None:
    if not ticked <= {person.person_id for person in people}:
        raise ConflictError(
            "The list has changed meanwhile: somebody you ticked has left, or it isn’t required of them any more. "
            "Nothing was saved. Go back to Staff records and begin again."
        )
    now, by = access.request_time(), access.user().person.id
    ids = sorted(ticked)
    assignments.exempt_all(item.assignment, ids, reason=form.reason.data, until=form.last_day, now=now)
    for person_id in ids:
        audit.record(
            Event.EXEMPTION_SAVED,
            organisation_id=item.assignment.organisation_id,
            now=now,
            actor_id=by,
            subject_id=person_id,
            assignment=str(item.assignment.id),
        )
    flash(f"Saved. {len(ids):,} {'person is' if len(ids) == 1 else 'people are'} not required to sign.")
