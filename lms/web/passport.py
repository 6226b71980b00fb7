"""A visitor's one tap: what they signed at another school of the trust holds here too."""

from __future__ import annotations

from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from flask import current_app, g, redirect, render_template, url_for
from flask.globals import request
from flask.typing import ResponseReturnValue

from lms import my_training, passport, receipts, wording
from lms.attestations import IdentityAssurance, Signing
from lms.lti import scores
from lms.my_training import Task
from lms.status import Status
from lms.web import access, join

blueprint = join.blueprint


@blueprint.route("/join/confirm/<uuid:assignment>", methods=["GET", "POST"])
def confirm(assignment: UUID) -> ResponseReturnValue:
    """Show what was signed elsewhere, and record that it is confirmed here. Then comes this school's card, always."""
    person, now = access.user().person, access.request_time()
    task = my_training.task(person, assignment, now)
    g.school = task.school
    if task.obligation.status is Status.SIGNED:
        return _to_card(task)
    # ID is seen at every school: only who came in by this school's own code may confirm.
    is_visitor = access.assurance() is IdentityAssurance.PHOTO_ID
    found = passport.for_task(person, task, now) if is_visitor else None
    if found is None:
        return redirect(url_for("signing.sign", assignment=assignment), 303)
    if request.method == "POST":
        return _confirmed(task, found)
    return render_template(
        "join/confirm.html",
        task=task,
        passport=found,
        statement=passport.statement(found),
        text_sha256=_signing(task).text_sha256,
        notice=wording.notice(task.school.placeholder_values),
    )


def _confirmed(task: Task, found: passport.Passport) -> ResponseReturnValue:
    signing, now = _signing(task), access.request_time()
    shown = request.form.get("text_sha256", "")
    attestation = passport.confirm(signing, found, shown_sha256=shown, key=_key(), now=now)
    receipts.send_copy(signing, attestation, now)
    scores.signed(signing.person.id, signing.assignment, signing.cycle, attestation.recorded_at)
    return _to_card(task)


def _signing(task: Task) -> Signing:
    return my_training.signing(task, access.user().person, IdentityAssurance.PHOTO_ID, task.cycle)


def _to_card(task: Task) -> ResponseReturnValue:
    return redirect(url_for("card.card", school=task.school.slug), 303)


def _key() -> Ed25519PrivateKey:
    key = current_app.config["LEDGER_KEY"]
    assert isinstance(key, Ed25519PrivateKey)
    return key
