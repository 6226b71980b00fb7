"""Forms on paper: one is printed for a visitor, and recorded once it comes back signed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from uuid import UUID, uuid4

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from flask import Response, current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_wtf import FlaskForm
from flask_wtf.file import FileField
from wtforms import HiddenField, StringField
from wtforms.validators import ValidationError

from lms import audit, desk, my_training, paper, policies, receipts, scans
from lms.attestations import Attestation, Kind
from lms.audit import Event
from lms.clock import day_in_words, london_day
from lms.db import session
from lms.desk import Visit
from lms.desk_day import Line
from lms.errors import NotFoundError, StorageError
from lms.lti import scores
from lms.my_training import Task
from lms.paper import PaperForm, Printed, Returned, Scan
from lms.people import Person
from lms.scans import NotAScan
from lms.short_codes import NotACode
from lms.status import Status
from lms.training import current_assignment
from lms.web import access, reading
from lms.web.reception.blueprint import blueprint
from lms.web.reception.fields import words_field
from lms.web.reporting.fields import DayField

MOST_SENT = scans.LARGEST + 512 * 1024
"""Bytes of a whole request that brings a scan: the rest of the form, and room to say that a scan is too large."""


@dataclass(frozen=True, slots=True)
class Papers:
    """What a visit's page says of paper: what can be printed, and what was printed and hasn't come back."""

    tasks: list[Task]
    waiting: list[PaperForm]


class CodeForm(FlaskForm):  # type: ignore[misc]
    """The code that is printed on a form, typed. It is sent by GET, as nothing changes."""

    class Meta:
        """Without a token: it only looks something up."""

        csrf = False

    code = StringField("Code on the form", description="Eight letters and numbers, at the top of the form.")

    def validate_code(self, field: StringField) -> None:
        """Find the form, or say what is wrong with the code."""
        try:
            self.found = paper.by_code(access.school(), field.data or "")
        except (NotACode, NotFoundError) as problem:
            raise ValidationError(str(problem)) from problem


class RecordForm(FlaskForm):  # type: ignore[misc]
    """What came back with a form."""

    code = HiddenField()
    signed_on = DayField("Date beside the signature", description="For example, 24 11 2026")
    witness = words_field(
        "Who saw it signed?",
        "Enter the name of the member of staff who saw it signed",
        "The member of staff whose name is on the witness line.",
    )
    scan = FileField(
        "Scan or photo of the form, if you have one", description="PDF, JPEG or PNG, up to 5 MB."
    )

    def __init__(self, printed_on: date) -> None:
        super().__init__()
        self.printed_on, self.media_type, self.content = printed_on, "", b""

    @property
    def day(self) -> date:
        """The day beside the signature, once it has been checked."""
        assert self.signed_on.data is not None
        return self.signed_on.data

    def validate_signed_on(self, field: DayField) -> None:
        """Refuse a day before the form was printed, or one to come."""
        if field.errors:
            return
        if field.data is None:
            raise ValidationError("Enter the date beside the signature")
        if field.data > london_day(access.request_time()):
            raise ValidationError("The date can’t be in the future")
        if field.data < self.printed_on:
            raise ValidationError(
                f"The form was printed on {day_in_words(self.printed_on)}: enter that day or a later one"
            )

    def validate_scan(self, field: FileField) -> None:
        """Look at what the file is, whatever it says of itself."""
        if not field.data:
            return
        self.content = field.data.read(scans.LARGEST + 1)
        field.data.close()
        try:
            self.media_type = scans.sniff(self.content)
        except NotAScan as problem:
            raise ValidationError(str(problem)) from problem


@blueprint.url_value_preprocessor
def allow_a_scan(endpoint: str | None, values: dict[str, object] | None) -> None:
    """Let the one page that takes scans be sent more than others. It runs before anything reads what was sent."""
    del values
    if endpoint == "reception.record_paper":
        request.max_content_length = MOST_SENT


def shown(visit: Visit, line: Line) -> Papers:
    """Return what a visit's page says of paper."""
    if visit.arrived_at is None:
        return Papers([], [])
    tasks = [] if visit.left_at else _tasks(line.person)
    return Papers(tasks, paper.waiting(visit))


def _tasks(person: Person) -> list[Task]:
    found = my_training.tasks(person, access.request_time())
    here = [task for task in found if task.school.id == access.school().id and task.is_open]
    return [task for task in here if task.obligation.status is not Status.SIGNED]


@blueprint.post("/schools/<school>/reception/visits/<uuid:visit>/paper")
def print_form(school: str, visit: UUID) -> ResponseReturnValue:
    """Make a form for one visitor and show it, ready to be printed. Pressed twice, it is the same form."""
    del school
    found, wanted = desk.visit_at(access.school().id, visit), request.form.get("assignment", type=UUID)
    person = session.get_one(Person, found.person_id)
    task = next((task for task in _tasks(person) if wanted in (None, task.id)), None)
    if task is None:
        flash("There is nothing for them to sign at the moment.")
        return redirect(url_for(".visit", school=access.school().slug, visit=visit), 303)
    now, by = access.request_time(), access.user().person.id
    form = paper.print_form(found, task, by=by, now=now)
    _audit(Event.PAPER_PRINTED, form.person_id, form=str(form.id))
    return render_template(
        "reception/paper_form.html", printed=paper.printed(form), visit=found, agency=task.engagement.agency
    )


@blueprint.route("/schools/<school>/reception/paper", methods=["GET", "POST"])
def record_paper(school: str) -> ResponseReturnValue:
    """Find a form by its code, show whose it is and which version, and record that it was signed."""
    del school
    sent = request.form if request.method == "POST" else request.args
    asked = CodeForm(sent if "code" in sent else None)
    if "code" not in sent or not asked.validate():
        page = render_template("reception/paper_find.html", form=asked)
        return page, 400 if asked.errors else 200
    found = asked.found
    if found.form.attestation_id is not None:
        return _recorded(found, session.get_one(Attestation, found.form.attestation_id))
    if (other := paper.signed_otherwise(found.form)) is not None:
        return render_template("reception/paper_otherwise.html", printed=found, other=other)
    form = RecordForm(london_day(found.form.printed_at))
    if not form.validate_on_submit():
        form.code.data = found.form.code
        page = render_template(
            "reception/paper_record.html", form=form, printed=found, version_now=_newer(found)
        )
        return page, 400 if form.errors else 200
    _record(found, form)
    return redirect(url_for(".record_paper", school=access.school().slug, code=found.form.code), 303)


def _newer(found: Printed) -> str | None:
    """Return the label of the version in force, where it isn't the printed one any more."""
    latest = policies.latest_version(found.policy.id)
    return latest.label if latest and latest.id != found.version.id else None


def _record(found: Printed, form: RecordForm) -> None:
    now, by = access.request_time(), access.user().person
    digest = policies.sha256_of_bytes(form.content) if form.content else None
    returned = Returned(form.day, form.witness.data, digest)
    attestation = paper.record(found, returned, by=by, key=_key(), now=now)
    if digest:
        _keep_scan(attestation, form, digest)
    _audit(Event.PAPER_RECORDED, found.person.id, form=str(found.form.id))
    receipts.send_copy_to(found.person, attestation, found.policy.title, found.version.label, now)
    if (assignment := current_assignment(found.form.assignment_id)) is not None:
        scores.signed(found.person.id, assignment, attestation.cycle, attestation.recorded_at)
    flash("Saved. It is recorded as signed on paper.")


def _keep_scan(attestation: Attestation, form: RecordForm, digest: str) -> None:
    scan = Scan(
        id=uuid4(),
        organisation_id=attestation.organisation_id,
        attestation_id=attestation.id,
        sha256=digest,
        media_type=form.media_type,
        size=len(form.content),
        kept_by=access.user().person.id,
        kept_at=access.request_time(),
    )
    session.add(scan)
    session.flush()
    try:
        scans.keep(access.settings().data_dir, scan.id, form.content)
    except OSError as error:
        raise StorageError(
            "The scan can’t be kept: the server’s data folder is full, or can’t be written to. Nothing was recorded."
        ) from error


def _recorded(found: Printed, attestation: Attestation) -> ResponseReturnValue:
    return render_template(
        "reception/paper_recorded.html",
        printed=found,
        receipt=receipts.receipt(attestation.id),
        scan=paper.scan_of(attestation.id),
        visit=desk.visit_on(found.form.organisation_id, found.person.id, london_day(access.request_time())),
    )


@blueprint.get("/schools/<school>/reception/scans/<uuid:scan>")
def scan(school: str, scan: UUID) -> ResponseReturnValue:
    """Hand a scan out as a download, and write down who took it. It is never shown in a page."""
    del school
    found = paper.scan_at(access.school(), scan)
    content = scans.read(access.settings().data_dir, found.id)
    if policies.sha256_of_bytes(content) != found.sha256:
        raise NotFoundError("The file of this scan isn’t the one that was recorded. Tell your administrator.")
    attestation = session.get_one(Attestation, found.attestation_id)
    reading.afterwards(lambda: _audit(Event.SCAN_TAKEN, attestation.person_id, scan=str(found.id)))
    response = Response(content, mimetype=found.media_type)
    name = f"{Kind.ON_PAPER.replace(' ', '-')}-{attestation.id}.{scans.ENDINGS[found.media_type]}"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _audit(event: Event, person_id: UUID, **details: str) -> None:
    audit.record(
        event,
        organisation_id=access.school().id,
        now=access.request_time(),
        actor_id=access.user().person.id,
        subject_id=person_id,
        **details,
    )


def _key() -> Ed25519PrivateKey:
    key = current_app.config["LEDGER_KEY"]
    assert isinstance(key, Ed25519PrivateKey)
    return key
