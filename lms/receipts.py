"""Receipts: one attestation with all that is recorded of it, and where it stands in the ledger."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from lms import mail
from lms.attestations import Attestation, IdentityAssurance, Kind, Signatory, Signing
from lms.checkpoint import parse_checkpoint
from lms.clock import time_in_words
from lms.db import connection, session
from lms.errors import NotFoundError
from lms.ledger import Checkpoint, Entry
from lms.mail import MessageKind
from lms.merges import records_of
from lms.people import EngagementType, Person
from lms.policies import Policy, PolicyVersion
from lms.schools import Organisation


@dataclass(frozen=True, slots=True)
class Receipt:
    """Everything recorded about one act of signing or declining."""

    attestation: Attestation
    school: Organisation
    record: dict[str, Any]
    """The leaf, read."""
    details: dict[str, str] | None
    """The personal details; None once they have been erased."""
    index: int
    """The entry's number in the ledger, from 0."""
    leaf_hash: bytes
    size: int
    root: bytes
    """Size and root of the tree once this entry had been added."""

    @property
    def is_signed(self) -> bool:
        """Whether this is a signature, and not a refusal to sign."""
        return self.attestation.kind is not Kind.DECLINED

    @property
    def given_at(self) -> datetime:
        """When the person gave it: for a confirmation, when they first signed."""
        return datetime.fromisoformat(self.record.get("signed", self.record["time"]))

    @property
    def engagement_type(self) -> EngagementType:
        """What the person was to the school when they signed."""
        return EngagementType(self.record["engagement_type"])

    @property
    def identity_assurance(self) -> IdentityAssurance:
        """How we knew who it was."""
        return IdentityAssurance(self.record["identity_assurance"])

    @property
    def signed_on_paper(self) -> date | None:
        """The day beside the signature on a paper form; None for what was signed in another way."""
        on_form = self.record.get("paper")
        return date.fromisoformat(on_form["signed_on"]) if on_form else None

    @property
    def confirmed_of(self) -> datetime | None:
        """When the record was signed that this one confirms; None for what confirms nothing."""
        first = self.record.get("signed")
        return datetime.fromisoformat(first) if first else None

    @property
    def method(self) -> str:
        """How it was given, in words."""
        if self.attestation.kind is Kind.CONFIRMED:
            by_tap = "signed_at_school" in self.record
            return "Confirmed with one tap, as signed at another school" if by_tap else "Confirmed by HR"
        return _METHODS[self.record["method"]]

    @property
    def name_on_record(self) -> str:
        """Forename and surname as they stood; "" once erased."""
        found = self.details or {}
        return f"{found.get('forename', '')} {found.get('surname', '')}".strip()


_METHODS: dict[str, str] = {
    "typed name": "By typing the name and ticking the box",
    "button": "By pressing the button under the statement",
    "on paper": "On paper, signed by hand",
}


@dataclass(frozen=True, slots=True)
class Line:
    """One receipt in the list of a person's own."""

    id: UUID
    kind: Kind
    at: datetime
    policy: str
    version: str
    school: str


def receipt(attestation_id: UUID) -> Receipt:
    """Return the receipt of an attestation. One query. Raises NotFoundError; whose it is the caller checks."""
    row = session.execute(
        sa.select(Attestation, Organisation, Signatory.details, Entry.index, Entry.hash, Checkpoint.note)
        .join(Organisation, Organisation.id == Attestation.organisation_id)
        .join(Entry, Entry.attestation_id == Attestation.id)
        .join(
            Checkpoint,
            sa.and_(Checkpoint.organisation_id == Entry.organisation_id, Checkpoint.size == Entry.index + 1),
        )
        .outerjoin(Signatory, Signatory.attestation_id == Attestation.id)
        .where(Attestation.id == attestation_id)
    ).one_or_none()
    if row is None:
        raise NotFoundError("There is no receipt at this address, or it isn’t yours.")
    attestation, school, details, index, hashed, note = row
    tree = parse_checkpoint(note)
    read = json.loads(details) if details else None
    return Receipt(
        attestation, school, json.loads(attestation.record), read, index, hashed, tree.size, tree.root
    )


def receipts_of(person_id: UUID, only_at: UUID | None = None) -> list[Line]:
    """Return what a person has signed or declined, at every school or `only_at` one, the newest first. One query.

    What was given under a record that was merged into theirs is theirs.
    """
    wanted = [Attestation.organisation_id == only_at] if only_at else []
    rows = session.execute(
        sa.select(
            Attestation.id,
            Attestation.kind,
            Attestation.recorded_at,
            Policy.title,
            PolicyVersion.label,
            Organisation.name,
        )
        .join(PolicyVersion, PolicyVersion.id == Attestation.policy_version_id)
        .join(Policy, Policy.id == PolicyVersion.policy_id)
        .join(Organisation, Organisation.id == Attestation.organisation_id)
        .where(Attestation.person_id.in_(records_of(person_id)), *wanted)
        .order_by(Attestation.recorded_at.desc(), Attestation.id)
    )
    return [Line(*row) for row in rows]


_READERS = (
    sa.select(sa.func.count())
    .select_from(Person)
    .where(Person.email == sa.bindparam("address"), Person.erased_at.is_(None))
)


def _readers(address: str) -> int | None:
    return connection().scalar(_READERS, {"address": address})


def send_copy(signing: Signing, attestation: Attestation, now: datetime) -> None:
    """Queue a copy to the signer's work address, once; not to one that several people read."""
    send_copy_to(signing.person, attestation, signing.policy.title, signing.version.label, now)


def send_copy_to(person: Person, attestation: Attestation, policy: str, version: str, now: datetime) -> None:
    """Queue the same of what somebody else recorded."""
    if person.email is None or _readers(person.email) != 1:
        return
    mail.queue(
        MessageKind.RECEIPT,
        organisation_id=attestation.organisation_id,
        address=person.email,
        person_id=person.id,
        dedupe=f"receipt:{attestation.id}",
        # A hall that signs at once would wake the worker for each of them.
        can_wait=True,
        now=now,
        receipt=str(attestation.id),
        policy=policy,
        version=version,
        signed=time_in_words(attestation.recorded_at),
    )


def earlier_text_sha256(person_id: UUID, policy_id: UUID) -> tuple[datetime, str] | None:
    """Return when a person last signed a policy, and the hash of the text they signed; None if never.

    What was confirmed for them was shown to them when they first signed it.
    """
    row = session.execute(
        sa.select(Attestation.recorded_at, Attestation.record)
        .join(PolicyVersion, PolicyVersion.id == Attestation.policy_version_id)
        .where(Attestation.person_id == person_id, PolicyVersion.policy_id == policy_id)
        .where(Attestation.kind.in_([Kind.SIGNED, Kind.CONFIRMED]))
        .order_by(Attestation.recorded_at.desc())
        .limit(1)
    ).one_or_none()
    return (row[0], str(json.loads(row[1])["policy"]["text_sha256"])) if row else None
