"""For HR: who has signed, the person's whole history, what is assigned, exports. For managers: done or not done."""

from __future__ import annotations

from lms.web.reporting import (
    assigning,
    assignments,
    away,
    comparing,
    course,
    exempting,
    exporting,
    mailing,
    merging,
    people,
    platform,
    publishing,
    recording,
    records,
    reminders,
    roster,
    term_dates,
    trust,
)
from lms.web.reporting.blueprint import blueprint

__all__ = [
    "assigning",
    "assignments",
    "away",
    "blueprint",
    "comparing",
    "course",
    "exempting",
    "exporting",
    "mailing",
    "merging",
    "people",
    "platform",
    "publishing",
    "recording",
    "records",
    "reminders",
    "roster",
    "term_dates",
    "trust",
]
