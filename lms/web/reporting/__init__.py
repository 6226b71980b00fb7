"""For HR: who has signed, the person's whole history, what is assigned, exports. For managers: done or not done."""

from __future__ import annotations

from lms.web.reporting import assigning, assignments, course, exporting, people, platform, records
from lms.web.reporting.blueprint import blueprint

__all__ = ["assigning", "assignments", "blueprint", "course", "exporting", "people", "platform", "records"]
