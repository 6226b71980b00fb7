"""Who looked at, exported or changed what. Rows hold ids, never what anyone wrote."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID, uuid4

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from lms.db import APPEND_ONLY, Base, session


class Event(StrEnum):
    """What can be audited, and the keys its `details` have."""

    SIGNED_IN = "signed_in"  # method
    SIGN_IN_REFUSED = "sign_in_refused"  # method
    SIGNED_OUT = "signed_out"  #
    EXPORTED = "exported"  # report, rows, sha256
    EXPORT_FETCHED = "export_fetched"  # report, rows, sha256 (of a file that was made before)
    WORK_CANCELLED = "work_cancelled"  # job
    ASSIGNMENT_SAVED = "assignment_saved"  # assignment
    ASSIGNMENT_CHANGED = "assignment_changed"  # assignment
    ASSIGNMENT_ENDED = "assignment_ended"  # assignment
    LIST_COMPARED = (
        "list_compared"  # way (page, workbook), lines, not_here, not_listed, unassigned (how many)
    )
    EXEMPTION_SAVED = "exemption_saved"  # assignment
    EXEMPTION_LIFTED = "exemption_lifted"  # assignment
    PERSON_ADDED = "person_added"  #
    PERSON_CORRECTED = "person_corrected"  # names (of the facts)
    KNOWN_PERSON_SHOWN = "known_person_shown"  #
    ENGAGEMENT_ADDED = "engagement_added"  # type
    ENGAGEMENT_CORRECTED = "engagement_corrected"  # names (of the facts)
    PEOPLE_MERGED = "people_merged"  # merge
    ABSENCE_SAVED = "absence_saved"  # absence
    ABSENCE_ENDED = "absence_ended"  # absence
    OUTSIDE_TRAINING_RECORDED = "outside_training_recorded"  # training
    OUTSIDE_TRAINING_WITHDRAWN = "outside_training_withdrawn"  # training
    CONTACTS_CHANGED = "contacts_changed"  # names (of the placeholders and settings)
    POLICY_PUBLISHED = "policy_published"  # policy, label, sha256
    HELP_ANSWERED = "help_answered"  # request
    USER_CREATED = "user_created"  # role
    SCHOOL_JOINED = "school_joined"  # trust
    PLATFORM_INVITED = "platform_invited"  # invite
    PLATFORM_CONNECTED = "platform_connected"  # registration
    PLATFORM_CHANGED = "platform_changed"  # registration, names (of what was changed)
    DEPLOYMENT_APPROVED = "deployment_approved"  # registration, deployment
    ENGAGEMENT_STATED = "engagement_stated"  # type (as the person says)
    SCORE_RESENT = "score_resent"  # score
    COURSE_READ = "course_read"  # course (asked for by hand)
    COURSE_EMPTIED = "course_emptied"  # course (HR took the platform's empty list as it was)
    MEMBER_ADDED = "member_added"  # course, type
    MEMBER_LINKED = "member_linked"  # course
    LEAVER_ENDED = "leaver_ended"  # course, last_day
    LEAVER_KEPT = "leaver_kept"  # course
    KNOWN_VISITOR_SHOWN = "known_visitor_shown"  #
    VISITOR_EXPECTED = "visitor_expected"  #
    DESK_CODE_GIVEN = "desk_code_given"  #
    SENT_TO_CLASS = "sent_to_class"  #
    LINK_MADE = "link_made"  # way (e-mail, letter), code (CodeWay), mailing (where it went out with others)
    LINK_REVOKED = "link_revoked"  #
    LINK_LOCKED = "link_locked"  #
    GATHERING_OPENED = "gathering_opened"  # gathering
    GATHERING_CLOSED = "gathering_closed"  # gathering
    GATHERING_CODES_MADE = "gathering_codes_made"  # gathering, people (how many)
    PAPER_PRINTED = "paper_printed"  # form
    PAPER_RECORDED = "paper_recorded"  # form
    SCAN_TAKEN = "scan_taken"  # scan
    PASSPORT_SHOWN = "passport_shown"  # at (the school that looked), attestation
    KIOSK_OPENED = "kiosk_opened"  #
    KIOSK_LEFT = "kiosk_left"  #
    ROSTER_APPLIED = "roster_applied"  # roster_import, new, changed, unchanged, refused, ended
    ROSTER_UNDONE = "roster_undone"  # roster_import
    REMINDERS_CHANGED = "reminders_changed"  # names (of the settings, texts or schedules)
    TERM_DATES_CHANGED = "term_dates_changed"  # days (how many entries, below zero where taken out)
    REMINDED_BY_HAND = "reminded_by_hand"  # assignment, mailing, people (how many)
    MAILING_TAKEN_BACK = "mailing_taken_back"  # mailing, people (how many)
    MATCH_SETTLED = "match_settled"  # identity, same (yes, no)


class AuditEntry(Base):
    """One event. `actor_id` is null for the command line; `subject_id` is the person it is about, if any."""

    __tablename__ = "audit"
    __table_args__ = (sa.Index("ix_audit_organisation_at", "organisation_id", "at"), {"info": APPEND_ONLY})

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    organisation_id: Mapped[UUID] = mapped_column(sa.ForeignKey("organisation.id"))
    at: Mapped[datetime]
    actor_id: Mapped[UUID | None]
    event: Mapped[Event]
    subject_id: Mapped[UUID | None]
    details: Mapped[dict[str, Any]] = mapped_column(default=dict)


def record(
    event: Event,
    *,
    organisation_id: UUID,
    now: datetime,
    actor_id: UUID | None = None,
    subject_id: UUID | None = None,
    **details: str | int,
) -> None:
    """Write one event down, in the transaction of what it tells of."""
    session.add(
        AuditEntry(
            id=uuid4(),
            organisation_id=organisation_id,
            at=now,
            actor_id=actor_id,
            event=event,
            subject_id=subject_id,
            details=dict(details),
        )
    )
