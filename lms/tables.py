"""Every module that has tables, so that the metadata is whole whoever asks for it."""

from __future__ import annotations

from lms import (
    attestations,
    audit,
    choice_counts,
    credentials,
    help_requests,
    ledger,
    mail,
    people,
    policies,
    schools,
    tokens,
    training,
)
from lms.db import Base

MODULES = (
    attestations,
    audit,
    choice_counts,
    credentials,
    help_requests,
    ledger,
    mail,
    people,
    policies,
    schools,
    tokens,
    training,
)
METADATA = Base.metadata
"""Filled by importing the modules above."""
