"""What is assigned at a school: the list, a new assignment in two steps, and withdrawing one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import timedelta
from uuid import UUID, uuid4

import sqlalchemy as sa
from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_wtf import FlaskForm

from lms import audit, compliance, scenarios, training
from lms.assignments import Terms, drafted
from lms.audit import Event
from lms.clock import day_in_words, london_day
from lms.compliance import Item, Standing
from lms.db import session
from lms.errors import ConflictError, NotFoundError
from lms.people import EngagementType
from lms.policies import Policy, PolicyVersion
from lms.schools import Organisation
from lms.status import Status
from lms.training import Assignment
from lms.web import access
from lms.web.reporting.assignment_form import AssignmentForm
from lms.web.reporting.blueprint import blueprint

ASSIGN, CHANGE = "assign", "change"
ALREADY_WITHDRAWN = "That was withdrawn already. Nobody has to do it."
_MANY = {
    EngagementType.SUPPORT_STAFF: "support staff",
    EngagementType.TRUSTEE: "trustees or members",
}


@dataclass(frozen=True, slots=True)
class Line:
    """An assignment as HR reads it, with how many it obliges today and how many of them have signed."""

    item: Item
    modules: list[str]
    audience: str
    due: str
    valid: str
    obliged: int
    signed: int


@dataclass(frozen=True, slots=True)
class Preview:
    """What an assignment would do, before it is one."""

    line: Line
    groups: str
    """Such as "80 teachers, 12 governors and 1 volunteer"."""
    later: int
    """How many are on record to start after today."""
    twice: list[Line]
    """What some of the same people are asked to sign of the same policy already."""


@blueprint.get("/schools/<school>/records/assignments")
def assignments(school: str) -> str:
    """Show what the school's adults are asked to sign, the latest first, and what they no longer are."""
    del school
    found = access.school()
    items = compliance.items([found.id], access.request_time())
    return render_template(
        "reporting/assignments.html",
        lines=[_line(item) for item in reversed(items)],
        withdrawn=_withdrawn(found),
    )


@blueprint.route("/schools/<school>/records/assignments/new", methods=["GET", "POST"])
def new_assignment(school: str) -> ResponseReturnValue:
    """Ask what to assign; show whom it obliges; then, at a second button, assign it."""
    found, now = access.school(), access.request_time()
    in_force = _in_force(found)
    form, step = AssignmentForm(), request.form.get("step")
    form.offer(
        [(p, versions[-1]) for p, versions in in_force], scenarios.shipped_programmes(), london_day(now)
    )
    if step == CHANGE or not form.validate_on_submit():
        page = render_template("reporting/assignments_new.html", form=form, has_policies=bool(in_force))
        return page, 400 if form.errors else 200
    own_id = request.form.get("assignment", type=UUID)
    if step == ASSIGN and own_id:
        _assign(found, form.terms, own_id)
        return redirect(url_for(".assignments", school=school), 303)
    preview = _preview(found, form.terms, in_force)
    # Each look at this page gives its button an id, so that two presses of it are one assignment.
    return render_template("reporting/assignments_check.html", form=form, preview=preview, own_id=uuid4())


@blueprint.route("/schools/<school>/records/assignments/<uuid:assignment>/withdraw", methods=["GET", "POST"])
def withdraw_assignment(school: str, assignment: UUID) -> ResponseReturnValue:
    """Say what withdrawing means; at the button, do it. A second press changes nothing."""
    found, form = _latest(access.school(), assignment), FlaskForm()
    if found.recorded_to is not None:
        flash(ALREADY_WITHDRAWN)
        return redirect(url_for(".assignments", school=school), 303)
    if form.validate_on_submit():
        training.withdraw(found, access.request_time())
        _record(Event.ASSIGNMENT_ENDED, found.id)
        flash("Withdrawn. From now on nobody has to do it. What was signed stays on record.")
        return redirect(url_for(".assignments", school=school), 303)
    items = compliance.items([access.school().id], access.request_time())
    item = next(item for item in items if item.assignment.id == found.id)
    return render_template("reporting/assignments_withdraw.html", form=form, line=_line(item))


def _withdrawn(school: Organisation) -> list[tuple[Policy, Assignment]]:
    rows = session.execute(
        sa.select(Policy, Assignment)
        .join(Policy, Policy.id == Assignment.policy_id)
        .where(Assignment.organisation_id == school.id, Assignment.recorded_to.is_not(None))
        .order_by(Assignment.recorded_to.desc(), Policy.title)
    )
    return [(policy, assignment) for policy, assignment in rows]


def _latest(school: Organisation, assignment_id: UUID) -> Assignment:
    found = session.scalar(
        sa.select(Assignment)
        .where(Assignment.id == assignment_id, Assignment.organisation_id == school.id)
        .order_by(Assignment.recorded_from.desc())
        .limit(1)
    )
    if found is None:
        raise NotFoundError("There is no such assignment at this school.")
    return found


def _in_force(school: Organisation) -> list[tuple[Policy, tuple[PolicyVersion, ...]]]:
    """Return the school's policies by title, each with its versions; the last is in force."""
    rows = session.execute(
        sa.select(Policy, PolicyVersion)
        .join(PolicyVersion, PolicyVersion.policy_id == Policy.id)
        .where(Policy.organisation_id == school.id)
        .order_by(Policy.title, Policy.id, PolicyVersion.number)
    )
    found: dict[Policy, list[PolicyVersion]] = {}
    for policy, version in rows:
        found.setdefault(policy, []).append(version)
    return [(policy, tuple(versions)) for policy, versions in found.items()]


def _assign(school: Organisation, terms: Terms, own_id: UUID) -> None:
    made = session.scalar(sa.select(Assignment).where(Assignment.id == own_id).limit(1))
    if made is not None and made.organisation_id != school.id:
        raise ConflictError("This page was made for another school. Open Staff records and start again.")
    if made is not None and made.recorded_to is not None:
        raise ConflictError(
            "This was assigned, and has been withdrawn since. Open Staff records to assign it anew."
        )
    if made is None:
        _save(school, terms, own_id)
    flash("Assigned. People see it when they next open My training.")


def _save(school: Organisation, terms: Terms, own_id: UUID) -> None:
    now = access.request_time()
    training.assign(school.id, **asdict(terms), now=now, assigned_on=london_day(now), id=own_id)
    _record(Event.ASSIGNMENT_SAVED, own_id)


def _record(event: Event, assignment_id: UUID) -> None:
    audit.record(
        event,
        organisation_id=access.school().id,
        now=access.request_time(),
        actor_id=access.user().person.id,
        assignment=str(assignment_id),
    )


def _preview(
    school: Organisation, terms: Terms, in_force: list[tuple[Policy, tuple[PolicyVersion, ...]]]
) -> Preview:
    now = access.request_time()
    policy, versions = next(pair for pair in in_force if pair[0].id == terms.policy_id)
    draft = drafted(school.id, terms, now=now, assigned_on=london_day(now))
    item = Item(draft, policy, versions, now)
    today = _by_type(item, Standing.ENGAGED)
    later = _by_type(item, Standing.EXPECTED).total() - today.total()
    twice = [other for other in compliance.items([school.id], now) if _overlaps(other, draft)]
    return Preview(_line(item), _groups(today), later, [_line(other) for other in twice])


def _overlaps(item: Item, draft: Assignment) -> bool:
    same_people = set(item.assignment.audience) & set(draft.audience)
    return item.policy.id == draft.policy_id and bool(same_people)


def _by_type(item: Item, standing: Standing) -> Counter[EngagementType]:
    found: Counter[EngagementType] = Counter()
    for type_, status, number in compliance.counts(item, standing):
        found[type_] += number if status is not Status.NOT_REQUIRED else 0
    return found


def _line(item: Item) -> Line:
    counts, assignment = compliance.counts(item), item.assignment
    return Line(
        item=item,
        modules=[scenarios.shipped_modules()[slug].title for slug in training.required_modules(assignment)],
        audience=_audience([EngagementType(value) for value in assignment.audience]),
        due=_due(assignment),
        valid=_number(assignment.months, "month") if assignment.months else "Until a new version asks",
        obliged=sum(n for _, status, n in counts if status is not Status.NOT_REQUIRED),
        signed=sum(n for _, status, n in counts if status is Status.SIGNED),
    )


def _due(assignment: Assignment) -> str:
    if assignment.due_on is not None:
        return f"{day_in_words(assignment.due_on)}. Whoever starts later: on their first day."
    days = assignment.due_days or 0
    first = day_in_words(assignment.assigned_on + timedelta(days=days))
    return f"{first}. Whoever starts later: {_number(days, 'day')} after their first day."


def _audience(types: list[EngagementType]) -> str:
    if set(types) == set(EngagementType):
        return "Everyone"
    return _joined(_many(type_) for type_ in types).capitalize()


def _groups(counts: Counter[EngagementType]) -> str:
    present = [(type_, counts[type_]) for type_ in EngagementType if counts[type_]]
    return _joined(f"{n:,} {type_.words.lower() if n == 1 else _many(type_)}" for type_, n in present)


def _many(type_: EngagementType) -> str:
    return _MANY.get(type_, f"{type_.words.lower()}s")


def _number(number: int, thing: str) -> str:
    return f"1 {thing}" if number == 1 else f"{number} {thing}s"


def _joined(words: Iterable[str]) -> str:
    *most, last = [*words] or [""]
    return f"{', '.join(most)} and {last}" if most else last
