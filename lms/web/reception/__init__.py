"""The reception desk: who is expected, who has come, and one visitor's page."""

from __future__ import annotations

from lms.web.reception import desk, expected, paper, visit
from lms.web.reception.blueprint import blueprint

__all__ = ["blueprint", "desk", "expected", "paper", "visit"]
