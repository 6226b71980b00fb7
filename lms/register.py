"""The attestation register: every obligation and what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from lms.status import Status


@dataclass(frozen=True, slots=True)
class RegisterRow:
    """One obligation of one adult, with the evidence for it where there is any.

    Never holds what anyone chose in a scenario.
    """

    person_id: UUID
    surname: str
    forename: str
    category: str
    role: str
    agency: str | None
    school: str
    start: date
    end: date | None
    policy: str
    version: str
    hash_prefix: str
    """The first 12 hex digits of the SHA-256 of the policy version's source."""
    assigned: date
    due: date | None
    status: Status
    signed_at: datetime | None
    """Aware UTC; the register shows it in UTC and in London time."""
    method: str | None
    identity_check: str | None
    identity_checked_by: str | None
    reminders: int
    next_due: date | None
    receipt_id: UUID | None
