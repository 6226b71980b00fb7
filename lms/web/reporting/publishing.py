"""A school's policies: their versions, and publishing a new one, with whom it asks to sign again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from uuid import UUID

import sqlalchemy as sa
from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from lms import audit, compliance, policies, policy_changes
from lms.audit import Event
from lms.clock import day_in_words, london_day
from lms.db import session
from lms.effects import Effect, effects
from lms.policies import Policy, PolicyVersion
from lms.policy_text import Rendered, fill, to_html
from lms.schools import Organisation
from lms.web import access
from lms.web.reporting.assignment_words import audience
from lms.web.reporting.blueprint import blueprint
from lms.web.reporting.publish_form import Draft, PublishForm

PUBLISH, CHANGE = "publish", "change"


@dataclass(frozen=True, slots=True)
class Asked:
    """One assignment of the policy, and whom the new version is put before."""

    audience: str
    effect: Effect


@dataclass(frozen=True, slots=True)
class Preview:
    """What publishing would do, and what was read."""

    draft: Draft
    policy: Policy | None
    """None for a policy that isn't here yet."""
    in_force: PolicyVersion | None
    changed: tuple[policy_changes.SectionChanges, ...]
    text: Rendered
    asked: list[Asked]
    remarks: list[str]
    """What its owner should look at."""


@blueprint.get("/schools/<school>/records/policies")
def school_policies(school: str) -> str:
    """Show the school's policies, each with its versions, the one in force first."""
    del school
    here = access.school()
    items = compliance.items([here.id], access.request_time())
    assigned = {item.policy.id for item in items}
    return render_template("reporting/policies.html", policies=_versions(here), assigned=assigned)


@blueprint.route("/schools/<school>/records/policies/publish", methods=["GET", "POST"])
def publish_policy(school: str) -> ResponseReturnValue:
    """Ask for a text and whether it is to be signed again; show whom that obliges; at a second button, publish it."""
    here, step = access.school(), request.form.get("step")
    form, versions = PublishForm(data=_offered()), _versions(here)
    form.offer([policy for policy, _ in versions], london_day(access.request_time()))
    if step == CHANGE or not (form.validate_on_submit() and form.is_new(here)):
        page = render_template("reporting/publish.html", form=form, has_policies=bool(versions))
        return page, 400 if form.errors else 200
    draft, policy = form.draft, next((p for p, _ in versions if str(p.id) == form.policy.data), None)
    if step == PUBLISH and form.text.data:
        _publish(here, policy, draft)
        return redirect(url_for(".school_policies", school=school), 303)
    return render_template("reporting/publish_check.html", form=form, preview=_preview(here, policy, form))


def _offered() -> dict[str, object]:
    chosen = request.args.get("policy", type=UUID)
    return {"policy": str(chosen) if chosen else "", "label": f"{london_day(access.request_time()):%B %Y}"}


def _versions(school: Organisation) -> list[tuple[Policy, list[PolicyVersion]]]:
    """Return the policies by title, each with its versions, the newest first. One query."""
    rows = session.execute(
        sa.select(Policy, PolicyVersion)
        .join(PolicyVersion, PolicyVersion.policy_id == Policy.id)
        .where(Policy.organisation_id == school.id)
        .order_by(Policy.title, Policy.id, PolicyVersion.number.desc())
    )
    found: dict[Policy, list[PolicyVersion]] = {}
    for policy, version in rows:
        found.setdefault(policy, []).append(version)
    return list(found.items())


def _preview(school: Organisation, policy: Policy | None, form: PublishForm) -> Preview:
    draft = form.draft
    in_force = policies.latest_version(policy.id) if policy else None
    text = fill(draft.markdown, school.placeholder_values)
    return Preview(
        draft=draft,
        policy=policy,
        in_force=in_force,
        changed=policy_changes.changes(policies.rendered(in_force, school), text) if in_force else (),
        text=to_html(text, heading_level=3),
        asked=_asked(policy) if policy else [],
        remarks=(form.remarks.data or "").splitlines(),
    )


def _asked(policy: Policy) -> list[Asked]:
    there = compliance.items([policy.organisation_id], access.request_time())
    items = [item for item in there if item.policy.id == policy.id]
    done = effects(items)
    return [Asked(audience(item.assignment), done[item.assignment.id]) for item in items]


def _publish(school: Organisation, policy: Policy | None, draft: Draft) -> None:
    now = access.request_time()
    version = policies.publish(
        school,
        slug=policy.slug if policy else policies.slug_of_title(draft.title),
        title=policy.title if policy else draft.title,
        label=draft.label,
        markdown=draft.markdown,
        now=now,
        resign_by=draft.resign_by if policy else None,
    )
    audit.record(
        Event.POLICY_PUBLISHED,
        organisation_id=school.id,
        now=now,
        actor_id=access.user().person.id,
        policy=str(version.policy_id),
        label=version.label,
        sha256=version.source_sha256,
    )
    flash(_said(policy, version.resign_by, draft))


def _said(policy: Policy | None, resign_by: date | None, draft: Draft) -> str:
    if policy is None:
        return f"Published: {draft.title}, version {draft.label}. Nobody is asked to sign it until you assign it."
    after = (
        f"Those who signed an earlier version sign again by {day_in_words(resign_by)}."
        if resign_by
        else "What was signed before goes on counting."
    )
    return f"Published: {policy.title}, version {draft.label}. {after}"
