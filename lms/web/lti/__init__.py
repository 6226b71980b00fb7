"""LTI 1.3 on the web: login and launch, frames and windows, deep linking, registration."""

from __future__ import annotations

from lms.web.lti import frame, jwks, launching
from lms.web.lti.blueprint import blueprint

__all__ = ["blueprint", "frame", "jwks", "launching"]
