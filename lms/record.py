"""The training record: every adult engaged by a school, and where each stands on every item."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from lms.status import Status


@dataclass(frozen=True, slots=True)
class RecordItem:
    """One thing to sign: a policy, assigned to somebody at this school."""

    assignment_id: UUID
    title: str
    policy_label: str
    policy_sha256: str


@dataclass(frozen=True, slots=True)
class ItemStatus:
    """Where one person stands on one item. `signed_on` is the London day of the last signing."""

    status: Status
    signed_on: date | None = None
    due: date | None = None


@dataclass(frozen=True, slots=True)
class RecordRow:
    """One adult at one school, with one ItemStatus for each RecordItem, in the items' order."""

    person_id: UUID
    staff_no: str | None
    surname: str
    forename: str
    known_as: str | None
    category: str
    """The engagement type in words, such as "Agency worker"."""
    role: str
    """The job title, with any further engagement added: "Teacher of maths; also governor"."""
    agency: str | None
    department: str | None
    school: str
    manager: str | None
    start: date
    end: date | None
    items: tuple[ItemStatus, ...]
    next_due: date | None
    days_overdue: int | None
    identity_check: str | None


@dataclass(frozen=True, slots=True)
class CategoryCount:
    """How many obligations of one engagement type have each status; `people` counts adults."""

    category: str
    people: int
    counts: dict[Status, int]


@dataclass(frozen=True, slots=True)
class About:
    """What a workbook says of itself (sheet About)."""

    report: str
    school: str
    filters: str
    """The filters in words, "none" where there are none."""
    as_at: date
    made_at: datetime
    made_by: str
    policies: tuple[tuple[str, str, str], ...]
    """(title, version label, SHA-256 of the version's source) for each policy in the report."""
    ledger_origin: str
    ledger_size: int
    ledger_root: str
    """Base64 of the root hash, as in the checkpoint."""
