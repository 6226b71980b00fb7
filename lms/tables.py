"""Every module that has tables, so that the metadata is whole whoever asks for it."""

from __future__ import annotations

from lms import (  # noqa: F401 (imported for the tables that they define)
    absences,
    attestations,
    audit,
    choice_counts,
    corrections,
    credentials,
    desk,
    gatherings,
    help_requests,
    kiosks,
    ledger,
    links,
    mail,
    merges,
    outside_training,
    paper,
    people,
    policies,
    reminder_settings,
    reminders,
    schools,
    tokens,
    training,
    work,
)
from lms.db import Base
from lms.lti import (  # noqa: F401 (for their tables too)
    identities,
    invites,
    launch_log,
    logins,
    memberships,
    places,
    platforms,
    scores,
)
from lms.roster import imports  # noqa: F401 (for its tables too)

METADATA = Base.metadata
"""Filled by importing the modules above."""
