"""For HR: who has signed, the person's whole history, what is assigned, exports. For managers: done or not done."""

from __future__ import annotations

from lms.web.reporting import assignments, course, exporting, people, platform, records
from lms.web.reporting.blueprint import blueprint

__all__ = ["assignments", "blueprint", "course", "exporting", "people", "platform", "records"]
