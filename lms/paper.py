"""Signed on paper: what was printed for whom, and how what came back is recorded.

A form is what it said when it was printed, whatever is in force once it comes back. Modules that weren't done stay
undone in the record: the form says in print the three rules that matter most, and the record names their words.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID, uuid4

import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy.orm import Mapped, mapped_column

from lms import attestations, desk, ledger, policies, short_codes, training
from lms.attestations import SIGNING_KINDS, Act, Attestation, IdentityAssurance, Kind, Signing
from lms.clock import day_in_words, london_day
from lms.db import Base, session
from lms.desk import Place, Visit
from lms.errors import ConflictError, NotFoundError
from lms.my_training import Task
from lms.people import Engagement, Person
from lms.policies import Policy, PolicyVersion
from lms.schools import Organisation
from lms.training import Assignment
from lms.wording import PAPER_STATEMENT, must_know

CODE_LENGTH = 8


class PaperForm(Base):
    """A form that was printed for one person: the policy version and statement on it, found again by its code."""

    __tablename__ = "paper_form"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    organisation_id: Mapped[UUID] = mapped_column(sa.ForeignKey("organisation.id"), index=True)
    person_id: Mapped[UUID] = mapped_column(sa.ForeignKey("person.id"), index=True)
    assignment_id: Mapped[UUID]
    policy_version_id: Mapped[UUID] = mapped_column(sa.ForeignKey("policy_version.id"))
    cycle: Mapped[int]
    statement: Mapped[str]
    text_sha256: Mapped[str] = mapped_column(sa.String(64))
    notice_sha256: Mapped[str] = mapped_column(sa.String(64))
    points_sha256: Mapped[str] = mapped_column(sa.String(64))
    """Of the policy as this school showed it then, of what was said before signing, and of the three rules in print."""
    code: Mapped[str] = mapped_column(unique=True)
    """Printed on the form, in two fours; it opens nothing by itself."""
    printed_by: Mapped[UUID] = mapped_column(sa.ForeignKey("person.id"))
    printed_at: Mapped[datetime]
    attestation_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("attestation.id"))


class Scan(Base):
    """A picture of a signed form: a file in the data folder, never served but as a download."""

    __tablename__ = "scan"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    organisation_id: Mapped[UUID] = mapped_column(sa.ForeignKey("organisation.id"), index=True)
    attestation_id: Mapped[UUID] = mapped_column(sa.ForeignKey("attestation.id"), unique=True)
    sha256: Mapped[str] = mapped_column(sa.String(64))
    media_type: Mapped[str]
    size: Mapped[int]
    kept_by: Mapped[UUID] = mapped_column(sa.ForeignKey("person.id"))
    kept_at: Mapped[datetime]


@dataclass(frozen=True, slots=True)
class Printed:
    """A form with all that stands on it."""

    form: PaperForm
    person: Person
    engagement: Engagement
    policy: Policy
    version: PolicyVersion

    @property
    def points(self) -> list[str]:
        """The three rules, as they were printed."""
        return _paragraphs(self.form.points_sha256)

    @property
    def notice(self) -> list[str]:
        """What was said of the record that is kept."""
        return _paragraphs(self.form.notice_sha256)


@dataclass(frozen=True, slots=True)
class Returned:
    """What came back: the day written beside the signature, who saw it signed, and the hash of a scan, if any."""

    signed_on: date
    witness: str
    scan_sha256: str | None


def print_form(visit: Visit, task: Task, *, by: UUID, now: datetime) -> PaperForm:
    """Return a form for a visitor to sign; the one that was printed today for the same, where there is one.

    Raises:
        ConflictError: nobody has checked who they are, or there is nothing to sign.
    """
    if visit.arrived_at is None:
        raise ConflictError("They have not arrived yet. Check who they are first.")
    if not task.is_open:
        raise ConflictError("There is nothing for them to sign at the moment.")
    visit.place, visit.started_at, visit.changed_at = Place.PAPER, visit.started_at or now, now
    return _printed_today(visit, task, now) or _new_form(visit, task, by, now)


def _printed_today(visit: Visit, task: Task, now: datetime) -> PaperForm | None:
    form = session.scalar(
        sa.select(PaperForm)
        .where(PaperForm.organisation_id == visit.organisation_id, PaperForm.person_id == visit.person_id)
        .where(PaperForm.assignment_id == task.id, PaperForm.cycle == task.cycle)
        .where(PaperForm.policy_version_id == task.item.version.id)
        .order_by(PaperForm.printed_at.desc())
        .limit(1)
    )
    is_same = (
        form is not None
        and london_day(form.printed_at) == london_day(now)
        and form.text_sha256 == policies.sha256_of(policies.rendered(task.item.version, task.school))
    )
    return form if is_same else None


def _new_form(visit: Visit, task: Task, by: UUID, now: datetime) -> PaperForm:
    person = session.get_one(Person, visit.person_id)
    signing = Signing(
        school=task.school,
        person=person,
        engagement=task.engagement,
        assignment=task.item.assignment,
        policy=task.item.policy,
        version=task.item.version,
        cycle=task.cycle,
        identity_assurance=IdentityAssurance.PHOTO_ID,
    )
    text, notice = attestations.keep_shown(signing)
    form = PaperForm(
        id=uuid4(),
        organisation_id=task.school.id,
        person_id=person.id,
        assignment_id=task.id,
        policy_version_id=task.item.version.id,
        cycle=task.cycle,
        statement=PAPER_STATEMENT.format(policy=task.title, version=task.item.version.label),
        text_sha256=text,
        notice_sha256=notice,
        points_sha256=policies.store("\n\n".join(must_know(task.school.placeholder_values)).encode()),
        code=short_codes.in_halves(short_codes.new(CODE_LENGTH)),
        printed_by=by,
        printed_at=now,
    )
    session.add(form)
    session.flush()
    return form


def waiting(visit: Visit) -> list[PaperForm]:
    """Return the forms of a visitor that were printed and haven't come back, the newest first."""
    return list(
        session.scalars(
            sa.select(PaperForm)
            .where(PaperForm.organisation_id == visit.organisation_id)
            .where(PaperForm.person_id == visit.person_id, PaperForm.attestation_id.is_(None))
            .order_by(PaperForm.printed_at.desc(), PaperForm.id)
        )
    )


def by_code(school: Organisation, typed: str) -> Printed:
    """Return the form with a code, typed in any case, with spaces or hyphens or none.

    Raises:
        NotACode: it can't be a code.
        NotFoundError: no form of this school has it.
    """
    code = short_codes.in_halves(short_codes.read(typed, CODE_LENGTH))
    form = session.scalar(
        sa.select(PaperForm).where(PaperForm.organisation_id == school.id, PaperForm.code == code)
    )
    if form is None:
        raise NotFoundError("No form printed at this school has this code")
    return printed(form)


def printed(form: PaperForm) -> Printed:
    """Return a form with what stands on it."""
    version = session.get_one(PolicyVersion, form.policy_version_id)
    visit = desk.visit_on(form.organisation_id, form.person_id, london_day(form.printed_at))
    if visit is None:
        raise NotFoundError("The visit that this form was printed for is no longer on record.")
    engagement = session.scalars(
        sa.select(Engagement).where(Engagement.id == visit.engagement_id, Engagement.recorded_to.is_(None))
    ).one()
    person = session.get_one(Person, form.person_id)
    return Printed(form, person, engagement, session.get_one(Policy, version.policy_id), version)


def signed_otherwise(form: PaperForm) -> Attestation | None:
    """Return what somebody signed in another way since a form was printed for it."""
    rows = attestations.given(form.person_id, form.assignment_id)
    found = (row for row in rows if row.kind in SIGNING_KINDS and row.cycle >= form.cycle)
    return next((row for row in found if row.id != form.attestation_id), None)


def record(
    printed: Printed,
    returned: Returned,
    *,
    by: Person,
    key: Ed25519PrivateKey,
    now: datetime,
) -> Attestation:
    """Record that a form was signed by hand; append it to the ledger. A second time returns the first record.

    Raises:
        ConflictError: the day can't be right, or the same was signed in another way meanwhile.
        ClockError, LedgerError: as for `attestations.sign`.
    """
    form = printed.form
    held = ledger.lock(session.get_one(Organisation, form.organisation_id))
    session.refresh(form)
    if form.attestation_id is not None:
        return session.get_one(Attestation, form.attestation_id)
    if not london_day(form.printed_at) <= returned.signed_on <= london_day(now):
        raise ConflictError("The day of the signature must be between the day of printing and today.")
    if (other := signed_otherwise(form)) is not None:
        raise ConflictError(
            f"They signed this already, in another way, on {day_in_words(london_day(other.recorded_at))}. "
            "Nothing more is recorded: keep the paper, or hand it back."
        )
    attestation = attestations.append(
        _signing(printed, held.school), held, _act(printed, returned, by), key, now
    )
    training.forget_answers(form.person_id, form.assignment_id)
    form.attestation_id = attestation.id
    session.flush()
    return attestation


def _signing(printed: Printed, school: Organisation) -> Signing:
    form = printed.form
    assignment = session.scalars(
        sa.select(Assignment)
        .where(Assignment.id == form.assignment_id)
        .order_by(Assignment.recorded_from.desc())
        .limit(1)
    ).one()
    return Signing(
        school=school,
        person=printed.person,
        engagement=printed.engagement,
        assignment=assignment,
        policy=printed.policy,
        version=printed.version,
        cycle=form.cycle,
        identity_assurance=IdentityAssurance.PHOTO_ID,
    )


def _act(printed: Printed, returned: Returned, by: Person) -> Act:
    form = printed.form
    on_form = {
        "form": form.code,
        "printed": attestations.written(form.printed_at),
        "points_sha256": form.points_sha256,
        "signed_on": returned.signed_on.isoformat(),
    }
    if returned.scan_sha256:
        on_form["scan_sha256"] = returned.scan_sha256
    done = training.completed_modules(form.person_id, form.assignment_id, form.cycle)
    return Act(
        kind=Kind.ON_PAPER,
        method="on paper",
        statement=form.statement,
        modules=[{"module": slug, "sha256": sha256} for slug, sha256 in sorted(done.items())],
        details={
            **desk.seen(form.organisation_id, form.person_id, london_day(form.printed_at)),
            "witness": returned.witness,
            "recorded_by": by.name,
            "recorded_by_person": str(by.id),
        },
        shown=(form.text_sha256, form.notice_sha256),
        more={"paper": on_form},
    )


def scan_of(attestation_id: UUID) -> Scan | None:
    """Return the scan that was kept with a record on paper."""
    return session.scalar(sa.select(Scan).where(Scan.attestation_id == attestation_id))


def scan_at(school: Organisation, scan_id: UUID) -> Scan:
    """Return a scan of a school. Raises NotFoundError for one that is unknown or another school's."""
    scan = session.get(Scan, scan_id)
    if scan is None or scan.organisation_id != school.id:
        raise NotFoundError("There is no such scan at this school.")
    return scan


def _paragraphs(sha256: str) -> list[str]:
    return policies.document(sha256).decode().split("\n\n")
