"""Signing, the five ways of not signing, and receipts."""

from __future__ import annotations

from functools import lru_cache
from typing import Any
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from flask import Blueprint, Response, current_app, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from lms import (
    attestations,
    help_requests,
    ledger,
    merges,
    my_training,
    policies,
    receipts,
    scenarios,
    wording,
)
from lms.attestations import Attestation, IdentityAssurance, Signing
from lms.checkpoint import VerifierKey
from lms.errors import ConflictError, NotAllowedError, NotFoundError
from lms.lti import platforms, scores
from lms.my_training import Task
from lms.people import Person, RoleName, name_person, split_name
from lms.policy_changes import changes
from lms.policy_text import Rendered, block_html, to_html
from lms.receipts import Receipt
from lms.schools import Organisation
from lms.status import Status
from lms.web import access
from lms.web.signing_forms import REQUESTS, WAYS, DeclineForm, RequestForm, SignForm, Way, WayForm

blueprint = Blueprint("signing", __name__)
blueprint.add_app_template_filter(block_html, "policy_paragraph")


@blueprint.route("/sign/<uuid:assignment>", methods=["GET", "POST"])
def sign(assignment: UUID) -> ResponseReturnValue:
    """Show the policy and the statement; record the signature."""
    form = SignForm()
    form.typed_name.description = _whose_name(access.user().person)
    if form.is_submitted():
        return _submitted(assignment, form)
    task = _task(assignment)
    return _signing_page(task, form) if task.is_ready_to_sign else _not_ready(task)


def _whose_name(person: Person) -> str:
    if person.is_nameless:
        return "We don’t have your name yet. What you type here becomes your name on record."
    return f"You are signed in as {person.name}."


def _submitted(assignment: UUID, form: SignForm) -> ResponseReturnValue:
    if form.is_somebody_else:
        return redirect(url_for(".not_signing_way", assignment=assignment, way="not-me"))
    person, now = access.user().person, access.request_time()
    signing = my_training.signing_now(person, assignment, access.assurance(), form.cycle.data or 0, now)
    g.school = signing.school
    _check_platform(signing.school)
    is_complete = form.check(person, text_changed=form.text_sha256.data != signing.text_sha256)
    if is_complete and form.cycle.data == 0:
        return _record(signing, form)
    # A renewal has its day, which takes a look at where she stands; so does showing the page again.
    task = _task(assignment)
    if form.cycle.data in range(task.cycle):
        earlier = attestations.recorded(person.id, task.id, form.cycle.data)
        return _to_receipt(earlier) if earlier else redirect(url_for(".sign", assignment=assignment))
    if not task.is_ready_to_sign:
        return redirect(url_for(".sign", assignment=assignment))
    return _record(signing, form) if is_complete else _signing_page(task, form)


def _record(signing: Signing, form: SignForm) -> ResponseReturnValue:
    if signing.person.is_nameless:
        name_person(signing.person, *split_name(form.typed_name.data))
    attestation = attestations.sign(
        signing,
        typed_name=form.typed_name.data,
        shown_sha256=form.text_sha256.data,
        key=_key(),
        now=access.request_time(),
        name_confirmed=form.name_is_in_doubt(signing.person),
    )
    receipts.send_copy(signing, attestation, access.request_time())
    scores.signed(signing.person.id, signing.assignment, signing.cycle, attestation.recorded_at)
    return _to_receipt(attestation)


def _signing_page(task: Task, form: SignForm) -> ResponseReturnValue:
    signing = _signing(task, task.cycle)
    form.cycle.data, form.text_sha256.data = task.cycle, signing.text_sha256
    form.asked_name.data = form.typed_name.data if form.name_is_in_doubt(signing.person) else ""
    page = render_template(
        "signing/sign.html",
        task=task,
        form=form,
        policy=_rendered(signing.text),
        statement=signing.statement,
        notice=wording.notice(task.school.placeholder_values),
        has_declined=task.obligation.status is Status.DECLINED,
        **_since_last_signed(signing),
    )
    return page, 400 if form.errors else 200


@lru_cache(maxsize=32)
def _rendered(text: str) -> Rendered:
    return to_html(text)


def _since_last_signed(signing: Signing) -> dict[str, Any]:
    """Return when this policy was last signed and what has changed since; nothing for the first time."""
    earlier = receipts.earlier_text_sha256(signing.person.id, signing.policy.id)
    if earlier is None:
        return {"signed_at": None, "changed": ()}
    at, sha256 = earlier
    if sha256 == signing.text_sha256:
        return {"signed_at": at, "changed": ()}
    return {"signed_at": at, "changed": changes(policies.document(sha256).decode(), signing.text)}


def _not_ready(task: Task) -> ResponseReturnValue:
    if task.obligation.status is Status.SIGNED and not task.is_open:
        return redirect(url_for(".receipt", attestation=task.obligation.attestation_id))
    return render_template("signing/not_ready.html", task=task)


@blueprint.route("/sign/<uuid:assignment>/not-signing", methods=["GET", "POST"])
def not_signing(assignment: UUID) -> ResponseReturnValue:
    """Ask why somebody isn't ready to sign."""
    task, form = _task(assignment), WayForm()
    if not task.is_open:
        return redirect(url_for(".sign", assignment=task.id))
    if form.validate_on_submit():
        return redirect(url_for(".not_signing_way", assignment=task.id, way=form.way.data))
    return render_template("signing/not_signing.html", task=task, form=form), 400 if form.errors else 200


@blueprint.route("/sign/<uuid:assignment>/not-signing/<way>", methods=["GET", "POST"])
def not_signing_way(assignment: UUID, way: str) -> ResponseReturnValue:
    """Do what one of the ways of not signing says."""
    if way not in WAYS:
        raise NotFoundError("That isn’t one of the ways of not signing.")
    task = _task(assignment)
    if way == "more-time" and not task.is_open:
        return redirect(url_for(".sign", assignment=task.id))
    if way == "more-time":
        return render_template("signing/more_time.html", task=task)
    return _decline(task) if way == "decline" else _ask_hr(task, REQUESTS[way])


def _ask_hr(task: Task, way: Way) -> ResponseReturnValue:
    person, form = access.user().person, RequestForm()
    form.text.label.text = way.label
    if form.is_complete(way):
        now = access.request_time()
        asked = help_requests.ask(task.school, person.id, task.id, way.kind, form.text.data or "", now)
        help_requests.tell_hr(task.school, person, asked, now)
        return _asked(way)
    earlier = help_requests.open_request(person.id, task.id, way.kind)
    if earlier and not form.is_submitted():
        if "change" not in request.args:
            shows = _shows_what_was_written()
            return render_template("signing/asked.html", task=task, asked=earlier, shows_text=shows)
        form.text.data = earlier.text if _shows_what_was_written() else ""
    page = render_template("signing/ask.html", task=task, form=form, way=way, contacts=_contacts())
    return page, 400 if form.errors else 200


def _shows_what_was_written() -> bool:
    """Say whether this session shows again what its person wrote for HR alone.

    A desk's code doesn't: reception can make another for anybody who has come, and open it itself.
    """
    return access.assurance() is not IdentityAssurance.PHOTO_ID


def _asked(way: Way) -> ResponseReturnValue:
    if way.kind is not help_requests.HelpKind.NOT_ME:
        return redirect(request.path)
    page = render_template("signing/signed_out.html", contacts=_contacts(), navigation=[], sign_out_url=None)
    access.sign_out()
    return page


def _decline(task: Task) -> ResponseReturnValue:
    form = DeclineForm()
    cycle = task.cycle if form.cycle.data is None else form.cycle.data
    signing = _signing(task, cycle)
    # What a form says of its cycle is only a claim: while a signature counts, the next time hasn't begun.
    if form.validate_on_submit() and (task.is_open or cycle < task.cycle):
        return _to_receipt(
            attestations.decline(signing, reason=form.reason.data, key=_key(), now=access.request_time())
        )
    if not form.is_submitted() and task.obligation.status is Status.DECLINED:
        earlier = attestations.recorded(signing.person.id, task.id, task.cycle)
        if earlier is not None:
            return _to_receipt(earlier)
    if not task.is_open:
        raise ConflictError("There is nothing to sign at the moment, so there is nothing to turn down.")
    form.cycle.data = task.cycle
    page = render_template(
        "signing/decline.html",
        task=task,
        form=form,
        statement=signing.decline_statement,
        contacts=_contacts(),
    )
    return page, 400 if form.errors else 200


@blueprint.get("/receipts", endpoint="receipts")
def receipt_list() -> ResponseReturnValue:
    """Show what the signed-in person has signed or declined."""
    g.school = access.home_school()
    lines = receipts.receipts_of(access.user().person.id, access.only_at())
    return render_template("signing/receipts.html", lines=lines)


@blueprint.get("/receipts/<uuid:attestation>")
def receipt(attestation: UUID) -> ResponseReturnValue:
    """Show every recorded fact of one attestation, in words."""
    found = _receipt(attestation)
    return render_template(
        "signing/receipt.html",
        receipt=found,
        record=found.record,
        is_own=_is_own(found, access.user().person),
        shows_reason=_shows_what_was_written(),
        module_titles={slug: module.title for slug, module in scenarios.shipped_modules().items()},
        verifier_key=VerifierKey(found.school.ledger_origin, _key().public_key()),
    )


@blueprint.get("/receipts/<uuid:attestation>/proof")
def proof(attestation: UUID) -> ResponseReturnValue:
    """Give the proof that the entry is in the ledger (C2SP tlog-proof)."""
    found = _receipt(attestation)
    text = ledger.prove(found.school, attestation)
    return _download(text.encode(), f"receipt-{attestation}.tlog-proof", "text/plain")


@blueprint.get("/receipts/<uuid:attestation>/record")
def record(attestation: UUID) -> ResponseReturnValue:
    """Give the exact bytes that are the ledger's leaf."""
    found = _receipt(attestation)
    return _download(found.attestation.record, f"receipt-{attestation}.json", "application/json")


@blueprint.get("/receipts/<uuid:attestation>/text")
def text(attestation: UUID) -> ResponseReturnValue:
    """Give the exact text of the policy that was shown."""
    policy = _receipt(attestation).record["policy"]
    content = policies.document(policy["text_sha256"])
    return _download(content, f"{policy['slug']}-{policy['text_sha256'][:12]}.md", "text/plain")


def _receipt(attestation_id: UUID) -> Receipt:
    """Return a receipt of the signed-in person, or of one whose school they are HR or admin of."""
    found, user = receipts.receipt(attestation_id), access.user()
    sees_all = user.roles_at(found.school) & {RoleName.HR, RoleName.ADMIN}
    if not sees_all and not _is_own(found, user.person):
        raise NotFoundError("There is no receipt at this address, or it isn’t yours.")
    g.school = found.school
    _check_platform(found.school)
    return found


def _is_own(found: Receipt, person: Person) -> bool:
    """Say whether somebody gave it, under this record or one that was merged into it."""
    signer = found.attestation.person_id
    return signer == person.id or any(one.merged_id == signer for one in merges.merges_of(person.id))


def _download(content: bytes, name: str, mimetype: str) -> Response:
    response = Response(content, mimetype=mimetype)
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _to_receipt(attestation: Attestation) -> ResponseReturnValue:
    return redirect(url_for(".receipt", attestation=attestation.id))


def _task(assignment: UUID) -> Task:
    task = my_training.task(access.user().person, assignment, access.request_time())
    g.school = task.school
    _check_platform(task.school)
    return task


def _check_platform(school: Organisation) -> None:
    """Refuse what is of a school whose own platform this session didn't begin in.

    A platform's administrator can act as any of its users, and another school's records aren't theirs.
    """
    launched = access.lti_session()
    if launched is None or launched.school_id == school.id:
        return
    if not platforms.is_of(launched.registration_id, school.id):
        raise NotAllowedError(
            f"The learning platform that you came from isn’t one of {school.name}. "
            f"For your training at {school.name}, open this from its own platform, or sign in "
            "with your work e-mail address."
        )


def _signing(task: Task, cycle: int) -> Signing:
    return my_training.signing(task, access.user().person, access.assurance(), cycle)


def _contacts() -> dict[str, str]:
    return access.school().placeholder_values


def _key() -> Ed25519PrivateKey:
    key = current_app.config["LEDGER_KEY"]
    assert isinstance(key, Ed25519PrivateKey)
    return key
