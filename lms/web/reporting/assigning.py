"""Assigning a policy, at one school or at several of a trust; and changing what was assigned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4, uuid5

import sqlalchemy as sa
from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from lms import assignments, compliance, scenarios
from lms.assignments import Assignment, counting_for, drafted, redrafted
from lms.audit import Event
from lms.clock import day_in_words, london_day
from lms.compliance import Item
from lms.db import session
from lms.effects import Effect, Names, changed_names, departments, difference, effects, names
from lms.errors import ConflictError
from lms.policies import Policy, PolicyVersion
from lms.schools import Organisation
from lms.web import access
from lms.web.reporting.assignment_form import AssignmentForm, as_typed
from lms.web.reporting.assignment_words import Line, groups, line
from lms.web.reporting.assignments import ALREADY_WITHDRAWN, item_of, latest, write_down
from lms.web.reporting.blueprint import blueprint
from lms.web.reporting.filters import page_number
from lms.web.reporting.several_schools import schools_of_hr

ASSIGN, CHANGE = "assign", "change"
InForce = dict[UUID, list[tuple[Policy, tuple[PolicyVersion, ...]]]]
"""Policies by title with their versions, the last of which is in force; by school."""


@dataclass(frozen=True, slots=True)
class Preview:
    """What an assignment would do, before it is one."""

    lines: list[Line]
    """One for each school."""
    total: Effect
    """At all of them together."""
    groups: str
    names: Names
    twice: list[Line]
    """What some of the same people are asked to sign of the same policy already."""


@blueprint.route("/schools/<school>/records/assignments/new", methods=["GET", "POST"])
def new_assignment(school: str) -> ResponseReturnValue:
    """Ask what to assign; show whom it obliges; then, at a second button, assign it."""
    schools = schools_of_hr(access.school())
    in_force = _in_force(schools)
    form, step = _new_form(schools, in_force), request.form.get("step")
    if step == CHANGE or not form.validate_on_submit() or not _all_have_it(form, schools, in_force):
        page = render_template(
            "reporting/assignments_new.html",
            form=form,
            title="Assign a policy",
            check="Check before you assign",
            has_policies=bool(in_force.get(access.school().id)),
        )
        return page, 400 if form.errors else 200
    own_id = request.form.get("assignment", type=UUID)
    if step == ASSIGN and own_id:
        _assign(_drafts(form, schools, in_force, own_id))
        return redirect(url_for(".assignments", school=school), 303)
    # Each look at this page gives its button an id, so that two presses of it are one assignment.
    own_id = uuid4()
    preview = _preview(_drafts(form, schools, in_force, own_id))
    return render_template(
        "reporting/assignments_check.html",
        form=form,
        preview=preview,
        own_id=own_id,
        names={one.id: one.name for one in schools},
    )


@blueprint.route("/schools/<school>/records/assignments/<uuid:assignment>/change", methods=["GET", "POST"])
def change_assignment(school: str, assignment: UUID) -> ResponseReturnValue:
    """Ask what is to be different; show who must sign then, and who no longer; at a second button, change it."""
    found, step = latest(access.school(), assignment), request.form.get("step")
    if found.recorded_to is not None:
        flash(ALREADY_WITHDRAWN)
        return redirect(url_for(".assignments", school=school), 303)
    before = item_of(found)
    form = _change_form(before)
    if step == CHANGE or not form.validate_on_submit():
        title = f"Change who must sign {before.policy.title}"
        page = render_template(
            "reporting/assignments_new.html",
            form=form,
            title=title,
            check="Check before you change it",
            has_policies=True,
        )
        return page, 400 if form.errors else 200
    now = access.request_time()
    if step == ASSIGN and request.form.get("seen") == found.recorded_from.isoformat():
        write_down(Event.ASSIGNMENT_CHANGED, assignments.change(found, form.terms, now))
        flash("Changed, from now on. What was signed counts as before.")
        return redirect(url_for(".assignments", school=school), 303)
    after = Item(redrafted(found, form.terms, now), before.policy, before.versions, now)
    done = effects([after])[found.id]
    return render_template(
        "reporting/assignments_check_change.html",
        form=form,
        line=line(after, done),
        seen=found.recorded_from.isoformat(),
        difference=difference(before, after),
        people=changed_names(before, after, page_number(request.form.get("page"))),
    )


def _new_form(schools: Sequence[Organisation], in_force: InForce) -> AssignmentForm:
    here, now = access.school(), access.request_time()
    form = AssignmentForm(data={"schools": [str(here.id)]})
    ids = [one.id for one in schools]
    form.offer(
        [(policy, versions[-1]) for policy, versions in in_force.get(here.id, [])],
        scenarios.shipped_programmes(),
        departments(ids, now),
        london_day(now),
    )
    form.schools.choices = {str(one.id): one.name for one in schools}
    if len(schools) == 1:
        del form.schools
    if not session.scalar(sa.select(sa.exists().where(Assignment.organisation_id.in_(ids)))):
        del form.earlier
    return form


def _change_form(before: Item) -> AssignmentForm:
    assignment, now = before.assignment, access.request_time()
    form = AssignmentForm(data=as_typed(assignment))
    there = dict.fromkeys([*departments([assignment.organisation_id], now), *assignment.departments])
    form.offer([(before.policy, before.version)], scenarios.shipped_programmes(), there, london_day(now))
    form.kept_day = assignment.due_on
    form.due_days.description = (
        f"Counted from {day_in_words(assignment.assigned_on)}, when it was assigned, or from their first day if that "
        "is later."
    )
    del form.schools, form.earlier
    return form


def _in_force(schools: Sequence[Organisation]) -> InForce:
    rows = session.execute(
        sa.select(Policy, PolicyVersion)
        .join(PolicyVersion, PolicyVersion.policy_id == Policy.id)
        .where(Policy.organisation_id.in_([one.id for one in schools]))
        .order_by(Policy.title, Policy.id, PolicyVersion.number)
    )
    versions: dict[Policy, list[PolicyVersion]] = {}
    for policy, version in rows:
        versions.setdefault(policy, []).append(version)
    found: InForce = {}
    for policy, its in versions.items():
        found.setdefault(policy.organisation_id, []).append((policy, tuple(its)))
    return found


def _all_have_it(form: AssignmentForm, schools: Sequence[Organisation], in_force: InForce) -> bool:
    """Say whether every chosen school has the policy; put an error on the form for those that don't."""
    policy = _policy(form, in_force)
    without = [
        one.name
        for one in _chosen(form, schools)
        if not any(other.slug == policy.slug for other, _ in in_force.get(one.id, []))
    ]
    if without:
        form.schools.errors = [
            f"{policy.title} isn’t published at {', '.join(without)}. Publish it there first, or leave that school out"
        ]
    return not without


def _policy(form: AssignmentForm, in_force: InForce) -> Policy:
    return next(policy for policy, _ in in_force[access.school().id] if policy.id == form.terms.policy_id)


def _chosen(form: AssignmentForm, schools: Sequence[Organisation]) -> list[Organisation]:
    return [one for one in schools if "schools" not in form or str(one.id) in form.schools.data]


def _drafts(
    form: AssignmentForm, schools: Sequence[Organisation], in_force: InForce, own_id: UUID
) -> list[Item]:
    """Return the assignment of each chosen school, not recorded. The ids follow from `own_id`."""
    now, slug = access.request_time(), _policy(form, in_force).slug
    return [
        _draft(form, policy, versions, own_id, now)
        for one in _chosen(form, schools)
        for policy, versions in in_force[one.id]
        if policy.slug == slug
    ]


def _draft(
    form: AssignmentForm, policy: Policy, versions: tuple[PolicyVersion, ...], own_id: UUID, now: datetime
) -> Item:
    school_id = policy.organisation_id
    draft = drafted(
        school_id,
        form.terms.of(policy.id),
        now=now,
        assigned_on=london_day(now),
        id=uuid5(own_id, str(school_id)),
    )
    if form.counts_earlier:
        draft.earlier = [str(other) for other in counting_for(draft)]
    return Item(draft, policy, versions, now)


def _assign(drafts: Sequence[Item]) -> None:
    ids = [item.assignment.id for item in drafts]
    made = session.scalars(sa.select(Assignment).where(Assignment.id.in_(ids))).all()
    if any(one.recorded_to is not None for one in made):
        raise ConflictError(
            "This was assigned, and has been changed or withdrawn since. Open Staff records to assign it anew."
        )
    for item in drafts:
        if item.assignment.id not in {one.id for one in made}:
            write_down(Event.ASSIGNMENT_SAVED, assignments.record(item.assignment))
    flash("Assigned. People see it when they next open My training.")


def _preview(drafts: list[Item]) -> Preview:
    done, total = effects(drafts), Effect()
    for effect in done.values():
        total.statuses += effect.statuses
        total.groups += effect.groups
        total.later += effect.later
    there = compliance.items([item.assignment.organisation_id for item in drafts], access.request_time())
    twice = [other for other in there if any(_overlap(other.assignment, item.assignment) for item in drafts)]
    asked_twice = effects(twice)
    return Preview(
        lines=[line(item, done[item.assignment.id]) for item in drafts],
        total=total,
        groups=groups(total.groups),
        names=names(drafts, page_number(request.form.get("page"))),
        twice=[line(other, asked_twice[other.assignment.id]) for other in twice],
    )


def _overlap(one: Assignment, other: Assignment) -> bool:
    """Say whether two assignments of a policy may be for some of the same people."""
    same_types = set(one.audience) & set(other.audience)
    apart = one.departments and other.departments and not set(one.departments) & set(other.departments)
    return one.policy_id == other.policy_id and bool(same_types) and not apart
