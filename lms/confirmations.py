"""Confirmations: what somebody signed under another account is theirs, says HR, and nothing is changed or moved."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from uuid import UUID, uuid4

import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from lms import attestations, ledger, training
from lms.attestations import SIGNING_KINDS, Attestation, Kind
from lms.db import session
from lms.people import Person
from lms.schools import Organisation
from lms.wording import CONFIRMATION


def confirm(
    original: Attestation, person: Person, *, by: Person, key: Ed25519PrivateKey, now: datetime
) -> Attestation | None:
    """Record that what somebody signed was signed by `person`, who was here under another account; `by` says so.

    The new leaf repeats the original's and refers to it. None where the person has signed the same thing since, so
    that nothing needs confirming. A second time returns the first confirmation.

    Raises ClockError and LedgerError as `sign` does.
    """
    held = ledger.lock(session.get_one(Organisation, original.organisation_id))
    rows = attestations.given(person.id, original.assignment_id)
    if (done := next((row for row in rows if row.refers_to == original.id), None)) is not None:
        return done
    if any(row.kind in SIGNING_KINDS and row.recorded_at >= original.recorded_at for row in rows):
        return None
    training.forget_answers(person.id, original.assignment_id)
    return _confirmed(held, original, attestations.open_cycle(rows), person, by, key, now)


def _confirmed(
    held: ledger.Held,
    original: Attestation,
    cycle: int,
    person: Person,
    by: Person,
    key: Ed25519PrivateKey,
    now: datetime,
) -> Attestation:
    at, identity, salt = ledger.tick(held, now).astimezone(UTC), uuid4(), os.urandom(32)
    given = attestations.signatory_details(original.id) or {}
    kept = {name: given.get(name) for name in ("name_typed", "name_confirmed", "job_title", "agency")}
    personal = rfc8785.dumps(
        {**attestations.on_record(person, kept), "confirmed_by": by.name, "confirmed_by_person": str(by.id)}
    )
    changed = {
        "id": identity,
        "person_id": person.id,
        "kind": Kind.CONFIRMED,
        "cycle": cycle,
        "recorded_at": at,
        "refers_to": original.id,
        "record": _confirming(original, identity, cycle, attestations.commitment(salt, personal), at),
    }
    same = ("organisation_id", "assignment_id", "policy_version_id", "identity_assurance")
    leaf = {name: getattr(original, name) for name in same} | changed
    return attestations.write(held, leaf, salt, personal, key)


def _confirming(original: Attestation, identity: UUID, cycle: int, personal: str, at: datetime) -> bytes:
    first = json.loads(original.record)
    return rfc8785.dumps(
        {
            **first,
            "type": Kind.CONFIRMED.value,
            "id": str(identity),
            "cycle": cycle,
            "time": attestations.written(at),
            "method": "confirmed by HR",
            "confirmation": CONFIRMATION,
            "refers_to": str(original.id),
            "signed": first["time"],
            "personal_details_sha256": personal,
        }
    )
