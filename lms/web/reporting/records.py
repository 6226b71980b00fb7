"""The records page: where everybody stands on one item. A manager's page says only done or not done."""

from __future__ import annotations

from collections import Counter

from flask import render_template, url_for
from flask.typing import ResponseReturnValue
from wtforms import Form, SelectField, StringField

from lms import compliance, history, open_items, staff_list, standings
from lms.compliance import Item, Obligation
from lms.lti.attention import attention
from lms.people import EngagementType, Person, RoleName, ever_at, folded
from lms.record import CategoryCount
from lms.schools import Organisation
from lms.standings import Page
from lms.status import Status
from lms.web import access
from lms.web.reporting.blueprint import blueprint
from lms.web.reporting.fields import one_line
from lms.web.reporting.filters import Links, ListForm, asked, chosen, page_number, titles, widest

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
MOST_OTHERS = 20
"""How many of the same name are shown that the list leaves out."""


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
    form.item.data = str(item.assignment.id) if item else None
    about = item or widest(items)
    shown = _standing(form, items, about)
    links = Links(school_, form.query, *form.order)
    # The list of things to sign names what the page is about, asked for or not; the links keep what was asked for.
    form.item.data = str(about.assignment.id) if about else None
    page = render_template(
        "reporting/records.html",
        form=form,
        links=links,
        item_is_gone=item_is_gone,
        elsewhere=_others(school_, form, shown.get("people")),
        # What is asked for today isn't part of how things stood on an earlier day.
        requests=history.open_requests(school_.id) if moment == now else [],
        attention=attention(school_, now),
        **shown,
    )
    return page, 400 if form.errors else 200


def _standing(form: ListForm, items: list[Item], item: Item | None) -> dict[str, object]:
    found = standings.counts(item) if item else []
    form.offer(items, sorted({department for _, department, _, _ in found if department}, key=folded))
    if item is None:
        return _unassigned(form)
    sort, descending = form.order
    people = standings.people(item, form.filters, sort=sort, descending=descending, page=form.page_number)
    totals = {status: sum(n for _, _, s, n in found if s is status) for status in Status}
    return {
        "item": item,
        "bars": _bars(found),
        "counts": totals,
        "must_sign": sum(totals.values()) - totals[Status.NOT_REQUIRED],
        "people": people,
        "remind_words": _remind_words(item, people),
        "columns": COLUMNS,
        "tiles": TILES,
        "rarer": RARER,
    }


def _remind_words(item: Item, people: Page[Obligation]) -> str | None:
    """Return what the link to remind those of a list says; None where nobody on it has anything to do."""
    if people.pages > 1:
        # To count the others would mean to look at where each of them stands: the page that follows does.
        return "Remind those of them who have something to sign"
    number = sum(open_items.as_open(item, one).can_be_done(item.day) for one in people.people)
    if number == people.total:
        return "Remind this person now" if number == 1 else f"Remind these {number} now"
    if number == 1:
        return "Remind the 1 of them who has something to sign"
    return f"Remind the {number} of them who have something to sign" if number else None


def _unassigned(form: ListForm) -> dict[str, object]:
    """Return who works at the school, where nothing is asked of anybody: HR wants to see whom they brought in."""
    asked_for = (access.school().id, form.moment(access.request_time()), form.filters.name)
    people = staff_list.people(*asked_for, page=form.page_number)
    return {"item": None, "people": people, "later": staff_list.starting_later(*asked_for)}


def _others(school: Organisation, form: ListForm, listed: object) -> list[Person]:
    """Return who else is on record by the name that was asked for: leavers, and whoever has nothing of this to sign."""
    if form.day or not isinstance(listed, standings.Page) or listed.pages > 1:
        return []
    if form.filters != standings.Filters(name=form.filters.name):
        return []
    return ever_at(school.id, form.filters.name, [one.person_id for one in listed.people], MOST_OTHERS)


def _bars(found: list[tuple[EngagementType, str | None, Status, int]]) -> list[CategoryCount]:
    """Return how many of each engagement type stand where."""
    counts: dict[EngagementType, Counter[Status]] = {}
    for type_, _, status, number in found:
        counts.setdefault(type_, Counter())[status] += number
    return [CategoryCount(t.words, counts[t].total(), dict(counts[t])) for t in EngagementType if t in counts]


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
