"""The records page: where everybody stands on one item. A manager's page says only done or not done."""

from __future__ import annotations

from flask import render_template, url_for
from flask.typing import ResponseReturnValue
from wtforms import Form, SelectField, StringField

from lms import compliance, history, standings
from lms.compliance import Item
from lms.people import EngagementType, RoleName
from lms.record import CategoryCount
from lms.status import Status
from lms.web import access
from lms.web.reporting.blueprint import blueprint
from lms.web.reporting.fields import one_line
from lms.web.reporting.filters import Links, ListForm, asked, chosen, page_number, titles

TILES = (Status.SIGNED, Status.IN_PROGRESS, Status.OVERDUE, Status.NOT_STARTED)
RARER = (Status.EXPIRED, Status.DECLINED, Status.NOT_REQUIRED)
COLUMNS = {
    "name": "Name",
    "type": "Engagement type",
    "department": "Department",
    "status": "Status",
    "due": "Due",
    "signed": "Signed",
}


class TeamForm(Form):  # type: ignore[misc]
    """Which of a manager's people."""

    name = StringField("Name", filters=[one_line])
    done = SelectField(
        "Done or not", choices={"": "Everyone", "yes": "Done", "no": "Not done"}, validate_choice=False
    )
    item = SelectField("What to sign", validate_choice=False)


@blueprint.get("/schools/<school>/records")
def records(school: str) -> ResponseReturnValue:
    """Show where the school's people stand; to a manager, whether their own team have signed."""
    del school
    if not access.user().roles_at(access.school()) & {RoleName.HR, RoleName.ADMIN}:
        return _team_page()
    form = ListForm(asked())
    form.validate()
    school_, now = access.school(), access.request_time()
    moment = form.moment(now)
    items = compliance.items([school_.id], moment)
    item = chosen(items, form.item.data)
    item_is_gone = bool(form.item.data) and item is None and bool(items)
    form.offer(items, standings.departments(school_.id, moment))
    form.item.data = str(item.assignment.id) if item else None
    page = render_template(
        "reporting/records.html",
        form=form,
        links=Links(school_, form.query, *form.order),
        item_is_gone=item_is_gone,
        # What is asked for today isn't part of how things stood on an earlier day.
        requests=history.open_requests(school_.id) if moment == now else [],
        **_standing(form, item or next(iter(items), None)),
    )
    return page, 400 if form.errors else 200


def _standing(form: ListForm, item: Item | None) -> dict[str, object]:
    if item is None:
        return {"item": None}
    bars, counts = _counted(item)
    sort, descending = form.order
    people = standings.people(item, form.filters, sort=sort, descending=descending, page=form.page_number)
    return {
        "item": item,
        "bars": bars,
        "counts": counts,
        "must_sign": sum(counts.values()) - counts[Status.NOT_REQUIRED],
        "people": people,
        "columns": COLUMNS,
        "tiles": TILES,
        "rarer": RARER,
    }


def _counted(item: Item) -> tuple[list[CategoryCount], dict[Status, int]]:
    """Return how many stand where, by engagement type and in all."""
    by_type, totals = dict[EngagementType, dict[Status, int]](), dict.fromkeys(Status, 0)
    for type_, status, number in compliance.counts(item):
        by_type.setdefault(type_, {})[status] = number
        totals[status] += number
    bars = [
        CategoryCount(t.words, sum(by_type[t].values()), by_type[t]) for t in EngagementType if t in by_type
    ]
    return bars, totals


def _team_page() -> ResponseReturnValue:
    """Show a manager who of their team has signed, and nothing else: no dates, no reasons, no way further in."""
    school, manager = access.school(), access.user().person
    form = TeamForm(asked())
    items = compliance.items([school.id], access.request_time())
    item = chosen(items, form.item.data) or next(iter(items), None)
    form.item.choices = titles(items)
    form.item.data = str(item.assignment.id) if item else None
    query = {name: value for name, value in form.data.items() if value}
    done = {"yes": True, "no": False}.get(form.done.data or "")
    return render_template(
        "reporting/team.html",
        form=form,
        item=item,
        is_filtered=bool(form.name.data or form.done.data),
        people=standings.team(
            manager.id, item, name=form.name.data or "", done=done, page=page_number(asked().get("page"))
        )
        if item
        else None,
        done_count=standings.team(manager.id, item, done=True).total if item else 0,
        all_count=standings.team(manager.id, item).total if item else 0,
        link=lambda number: url_for(".records", school=school.slug, **{**query, "page": number}),
    )
