"""LTI 1.3 on the web: login and launch, frames and windows, deep linking, registration."""

from __future__ import annotations

from lms.web.lti import deep_linking, frame, jwks, launching, registering, welcome
from lms.web.lti.blueprint import blueprint

__all__ = ["blueprint", "deep_linking", "frame", "jwks", "launching", "registering", "welcome"]
