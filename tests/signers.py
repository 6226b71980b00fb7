"""Signing, for tests that are about something else."""

from __future__ import annotations

from datetime import datetime

from flask import Flask

from lms import attestations, compliance, my_training
from lms.attestations import Attestation, IdentityAssurance
from lms.people import Person
from lms.schools import Organisation
from tests.conftest import NOW


def sign(
    app: Flask, school: Organisation, person: Person, *, item: int = 0, now: datetime = NOW
) -> Attestation:
    """Sign one of the school's items (the oldest is 0) as a person would, her modules being done."""
    assignment = compliance.items([school.id], now)[item].assignment
    cycle = attestations.cycle_of(person.id, assignment.id)
    signing = my_training.signing_now(person, assignment.id, IdentityAssurance.WORK_EMAIL, cycle, now)
    key = app.config["LEDGER_KEY"]
    return attestations.sign(
        signing, typed_name=person.name, shown_sha256=signing.text_sha256, key=key, now=now
    )


def decline(
    app: Flask, school: Organisation, person: Person, *, reason: str, now: datetime = NOW
) -> Attestation:
    """Choose not to sign the school's oldest item."""
    assignment = compliance.items([school.id], now)[0].assignment
    signing = my_training.signing_now(person, assignment.id, IdentityAssurance.WORK_EMAIL, 0, now)
    return attestations.decline(signing, reason=reason, key=app.config["LEDGER_KEY"], now=now)
