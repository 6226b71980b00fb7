"""Attestations: what an adult signed, or chose not to sign, in a form that can be checked years later."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from functools import cached_property, lru_cache
from typing import Any, cast
from uuid import UUID, uuid4

import rfc8785
import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy.orm import Mapped, mapped_column

from lms import desk, ledger, training
from lms.clock import london_day
from lms.db import APPEND_ONLY, Base, connection, session
from lms.errors import ConflictError
from lms.people import Engagement, Person
from lms.policies import Policy, PolicyVersion, sha256_of, source, store_both
from lms.policy_text import fill
from lms.schools import Organisation
from lms.wording import DECLINE_STATEMENT, STATEMENT, notice


class Kind(StrEnum):
    """What a leaf of the ledger says. A later one may refer to an earlier; none is ever changed."""

    SIGNED = "signed"
    DECLINED = "declined"
    ON_PAPER = "on paper"
    CONFIRMED = "confirmed"
    WITHDRAWN = "withdrawn"


SIGNING_KINDS = (Kind.SIGNED, Kind.ON_PAPER, Kind.CONFIRMED)
"""The kinds that count as having signed."""


class IdentityAssurance(StrEnum):
    """How we knew who it was. It says what was checked, not who held the device."""

    LMS_ACCOUNT = "lms_account"
    WORK_EMAIL = "work_email"
    PASSWORD = "password"  # noqa: S105 (the name of a method)
    PHOTO_ID = "photo_id"
    SELF_ASSERTED = "self_asserted"
    LINK_AND_HANDED_CODE = "link_and_handed_code"
    LINK_AND_SENT_CODE = "link_and_sent_code"
    LISTED_CODE = "listed_code"

    @property
    def words(self) -> str:
        """The check in words, for receipts and workbooks."""
        return _ASSURANCE_WORDS[self]


_ASSURANCE_WORDS = {
    IdentityAssurance.LMS_ACCOUNT: "Signed in through the school's learning platform",
    IdentityAssurance.WORK_EMAIL: "Opened a one-use link sent to their own work e-mail",
    IdentityAssurance.PASSWORD: "Signed in with their own password",
    IdentityAssurance.PHOTO_ID: "Photo ID seen",
    IdentityAssurance.SELF_ASSERTED: "Said who they are; nothing was checked",
    IdentityAssurance.LINK_AND_HANDED_CODE: "Opened a personal link and gave the code that the school handed over",
    IdentityAssurance.LINK_AND_SENT_CODE: "Opened a personal link and gave the code sent to a second address",
    IdentityAssurance.LISTED_CODE: "Gave their own code from the host's list at a training session",
}


class Attestation(Base):
    """One leaf: the canonical record, with the few columns that queries need. `cycle` counts earlier signings."""

    __tablename__ = "attestation"
    __table_args__ = (
        sa.UniqueConstraint("person_id", "assignment_id", "cycle", "kind"),
        # Holds all that a status asks of an attestation, so that counting 10,000 people reads none of their records.
        sa.Index(
            "ix_attestation_standing",
            "assignment_id",
            "person_id",
            "recorded_at",
            "kind",
            "policy_version_id",
            "identity_assurance",
            "id",
        ),
        {"info": APPEND_ONLY},
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    organisation_id: Mapped[UUID] = mapped_column(sa.ForeignKey("organisation.id"), index=True)
    person_id: Mapped[UUID] = mapped_column(sa.ForeignKey("person.id"))
    assignment_id: Mapped[UUID]
    policy_version_id: Mapped[UUID] = mapped_column(sa.ForeignKey("policy_version.id"))
    kind: Mapped[Kind]
    cycle: Mapped[int]
    identity_assurance: Mapped[IdentityAssurance]
    recorded_at: Mapped[datetime]
    refers_to: Mapped[UUID | None] = mapped_column(index=True)
    record: Mapped[bytes]
    """RFC 8785 canonical JSON: the bytes that are the leaf."""


class Signatory(Base):
    """The personal details behind a leaf's commitment. Erased when retention ends; the ledger still verifies."""

    __tablename__ = "signatory"

    attestation_id: Mapped[UUID] = mapped_column(sa.ForeignKey("attestation.id"), primary_key=True)
    organisation_id: Mapped[UUID] = mapped_column(sa.ForeignKey("organisation.id"))
    salt: Mapped[bytes | None]
    details: Mapped[bytes | None]
    """RFC 8785 canonical JSON."""


@dataclass(frozen=True)
class Signing:
    """Everything about one act of signing or declining that its leaf will say."""

    school: Organisation
    person: Person
    engagement: Engagement
    assignment: training.Assignment
    policy: Policy
    version: PolicyVersion
    cycle: int
    identity_assurance: IdentityAssurance

    @property
    def statement(self) -> str:
        """The exact words that are signed."""
        return STATEMENT.format(policy=self.policy.title, version=self.version.label)

    @property
    def decline_statement(self) -> str:
        """The exact words of choosing not to sign."""
        return DECLINE_STATEMENT.format(policy=self.policy.title, version=self.version.label)

    @cached_property
    def text(self) -> str:
        """The policy as this school shows it."""
        return _filled(source(self.version), tuple(sorted(self.school.placeholder_values.items())))

    @property
    def text_sha256(self) -> str:
        """The hash of that text: a form carries it, so that nobody signs a text that changed meanwhile."""
        return sha256_of(self.text)


@lru_cache(maxsize=64)
def _filled(markdown: str, values: tuple[tuple[str, str], ...]) -> str:
    return fill(markdown, dict(values))


@dataclass(frozen=True, slots=True)
class Act:
    """What differs between signing, declining, signing on paper and confirming."""

    kind: Kind
    method: str
    statement: str
    modules: list[dict[str, str]]
    details: dict[str, str]
    shown: tuple[str, str] | None = None
    """What `keep_shown` returned, where text and notice were shown at another time than now."""
    refers_to: UUID | None = None
    more: dict[str, Any] = field(default_factory=dict)
    """What only this kind of record says."""


def sign(
    signing: Signing,
    *,
    typed_name: str,
    shown_sha256: str,
    key: Ed25519PrivateKey,
    now: datetime,
    name_confirmed: bool = False,
) -> Attestation:
    """Record that the person read, understood and signed; append it to the ledger; forget the practice answers.

    `name_confirmed` says that the name differs from the record's, and that the person was asked and stood by it.
    Signing the same thing twice (a second press, a second tab) returns the first attestation.

    Raises:
        ConflictError: the text is not the one that was shown, a module isn't completed, or the form is of a
            cycle that hasn't begun.
        ClockError: the clock has gone back.
        LedgerError: the ledger's key or newest checkpoint isn't the one that belongs to it.
    """
    held = ledger.lock(signing.school)
    if (earlier := earlier_of(signing, SIGNING_KINDS)) is not None:
        return earlier
    if shown_sha256 != signing.text_sha256:
        raise ConflictError(
            "The policy was changed while you were reading. Please read it again before you sign."
        )
    completed = _completed_modules(signing)
    details = {"name_typed": typed_name} | ({"name_confirmed": "yes"} if name_confirmed else {})
    act = Act(Kind.SIGNED, "typed name", signing.statement, completed, details)
    attestation = append(signing, held, act, key, now)
    training.forget_answers(signing.person.id, signing.assignment.id)
    return attestation


def decline(signing: Signing, *, reason: str, key: Ed25519PrivateKey, now: datetime) -> Attestation:
    """Record that the person has read the policy and chooses not to sign. The reason is HR's alone to see.

    Declining the same thing twice returns the first attestation.

    Raises:
        ConflictError: it was signed meanwhile.
        ClockError, LedgerError: as for `sign`.
    """
    held = ledger.lock(signing.school)
    earlier = earlier_of(signing, (*SIGNING_KINDS, Kind.DECLINED))
    if earlier is not None and earlier.kind is not Kind.DECLINED:
        raise ConflictError("You have signed this already. If it was a mistake, tell HR: nothing is deleted.")
    if earlier is not None:
        return earlier
    details = {"reason": reason} if reason else {}
    act = Act(Kind.DECLINED, "button", signing.decline_statement, [], details)
    return append(signing, held, act, key, now)


def cycle_of(person_id: UUID, assignment_id: UUID) -> int:
    """Return how often somebody has signed an assignment: the number of the cycle that is open now."""
    rows = connection().execute(_EARLIER, {"person": person_id, "assignment": assignment_id}).all()
    return open_cycle(rows)


def recorded(person_id: UUID, assignment_id: UUID, cycle: int) -> Attestation | None:
    """Return what a person recorded last in one cycle: a signature or a declining. None before either."""
    return session.scalar(
        sa.select(Attestation)
        .filter_by(person_id=person_id, assignment_id=assignment_id, cycle=cycle)
        .order_by(Attestation.recorded_at.desc())
        .limit(1)
    )


def signatory_details(attestation_id: UUID) -> dict[str, Any] | None:
    """Return the personal details of a leaf; None when they have been erased."""
    details = session.scalar(sa.select(Signatory.details).where(Signatory.attestation_id == attestation_id))
    return json.loads(details) if details else None


def commitment(salt: bytes, details: bytes) -> str:
    """Return the SHA-256, in hex, of a salt and canonical personal details: what the leaf says of them."""
    return hashlib.sha256(salt + details).hexdigest()


# Signing is the busiest write there is: what it needs is built once, and no objects are made to be written.
_attestation, _signatory = (cast(sa.Table, model.__table__) for model in (Attestation, Signatory))
_ADD_ATTESTATION, _ADD_SIGNATORY = sa.insert(_attestation), sa.insert(_signatory)
_EARLIER = sa.select(_attestation.c.id, _attestation.c.kind, _attestation.c.cycle).where(
    _attestation.c.person_id == sa.bindparam("person"),
    _attestation.c.assignment_id == sa.bindparam("assignment"),
)


def given(person_id: UUID, assignment_id: UUID) -> Sequence[Attestation]:
    """Return all that somebody has given for an assignment, by cycle."""
    return session.scalars(
        sa.select(Attestation)
        .where(Attestation.person_id == person_id, Attestation.assignment_id == assignment_id)
        .order_by(Attestation.cycle)
    ).all()


def earlier_of(signing: Signing, kinds: Collection[Kind]) -> Attestation | None:
    """Return what is recorded already for the form's cycle, a signing before a declining.

    Raises ConflictError for a cycle that hasn't begun, or is over without a signing of these kinds.
    """
    wanted = {"person": signing.person.id, "assignment": signing.assignment.id}
    rows = connection().execute(_EARLIER, wanted).all()
    found = [row for row in rows if row.cycle == signing.cycle and row.kind in kinds]
    if not found and signing.cycle != open_cycle(rows):
        raise ConflictError("This page belongs to another time you signed. Please start again.")
    first = min(found, key=lambda row: row.kind is Kind.DECLINED, default=None)
    return session.get_one(Attestation, first.id) if first else None


def open_cycle(rows: Sequence[Attestation | sa.Row[UUID, Kind, int]]) -> int:
    """Return the number of the cycle that is open, from all that somebody has given for an assignment."""
    return sum(row.kind in SIGNING_KINDS for row in rows)


def _completed_modules(signing: Signing) -> list[dict[str, str]]:
    completed = training.completed_modules(signing.person.id, signing.assignment.id, signing.cycle)
    required = training.required_modules(signing.assignment)
    if missing := [m for m in required if m not in completed]:
        raise ConflictError("Finish these modules first, then sign: " + ", ".join(missing) + ".")
    return [{"module": m, "sha256": completed[m]} for m in required]


def append(
    signing: Signing, held: ledger.Held, act: Act, key: Ed25519PrivateKey, now: datetime
) -> Attestation:
    """Record one act, with the personal details as they stand on record, in a ledger that is held."""
    at, identity, salt = ledger.tick(held, now).astimezone(UTC), uuid4(), os.urandom(32)
    engagement = signing.engagement
    work = {"job_title": engagement.job_title, "agency": engagement.agency}
    is_visitor = signing.identity_assurance is IdentityAssurance.PHOTO_ID
    seen = desk.seen(signing.school.id, signing.person.id, london_day(at)) if is_visitor else {}
    personal = rfc8785.dumps({**on_record(signing.person, work), **seen, **act.details})
    leaf = {
        "id": identity,
        "organisation_id": signing.school.id,
        "person_id": signing.person.id,
        "assignment_id": signing.assignment.id,
        "policy_version_id": signing.version.id,
        "kind": act.kind,
        "cycle": signing.cycle,
        "identity_assurance": signing.identity_assurance,
        "recorded_at": at,
        "refers_to": act.refers_to,
        "record": _record(signing, act, identity, commitment(salt, personal), at),
    }
    return write(held, leaf, salt, personal, key)


def write(
    held: ledger.Held, leaf: dict[str, Any], salt: bytes, personal: bytes, key: Ed25519PrivateKey
) -> Attestation:
    """Write an attestation (its columns are `leaf`) with its personal details, and append it to a ledger."""
    execute = connection().execute
    execute(_ADD_ATTESTATION, leaf)
    kept = {"attestation_id": leaf["id"], "organisation_id": held.school.id}
    execute(_ADD_SIGNATORY, {**kept, "salt": salt, "details": personal})
    ledger.append(held, leaf["id"], leaf["record"], leaf["recorded_at"], key)
    return Attestation(**leaf)


def on_record(person: Person, work: dict[str, str | None]) -> dict[str, str]:
    """Return the personal details of somebody as they stand on record, with some of their work; no blanks."""
    found = {
        "person": str(person.id),
        "forename": person.forename,
        "surname": person.surname,
        "known_as": person.known_as,
        "staff_no": person.staff_no,
        **work,
    }
    return {name: value for name, value in found.items() if value}


def _record(signing: Signing, act: Act, identity: UUID, personal: str, at: datetime) -> bytes:
    text_sha256, notice_sha256 = act.shown or keep_shown(signing)
    return rfc8785.dumps(
        {
            "type": act.kind.value,
            "id": str(identity),
            "school": signing.school.ledger_origin,
            "assignment": str(signing.assignment.id),
            "cycle": signing.cycle,
            "policy": {
                "slug": signing.policy.slug,
                "title": signing.policy.title,
                "version": signing.version.label,
                "source_sha256": signing.version.source_sha256,
                "text_sha256": text_sha256,
            },
            "modules": act.modules,
            "statement": act.statement,
            "notice_sha256": notice_sha256,
            "time": written(at),
            "method": act.method,
            "identity_assurance": signing.identity_assurance.value,
            "engagement_type": signing.engagement.type.value,
            "personal_details_sha256": personal,
            **({"refers_to": str(act.refers_to)} if act.refers_to else {}),
            **act.more,
        }
    )


def keep_shown(signing: Signing) -> tuple[str, str]:
    """Keep what is shown now, the policy's text and what is said before signing, and return their hashes."""
    told = "\n\n".join(notice(signing.school.placeholder_values))
    return store_both(signing.text.encode(), told.encode())


def written(at: datetime) -> str:
    """Return a moment in UTC as records write it."""
    return at.isoformat().replace("+00:00", "Z")
