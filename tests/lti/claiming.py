"""Claims as a verified launch gives them, for tests that call the domain and not the web."""

from __future__ import annotations

from typing import Any

from lms.lti import claims
from lms.lti.claims import CLAIM, Claims
from tests.lti import forger

AGS_ENDPOINT = {
    "scope": ["https://purl.imsglobal.org/spec/lti-ags/scope/score"],
    "lineitem": f"{forger.ISSUER}/lineitems/1?type_id=2",
}


def launched(**changes: Any) -> Claims:
    """Return the claims of a launch, with some changed or (MISSING) left out."""
    return claims.read(forger.message("nonce", **changes))


def nameless(**changes: Any) -> Claims:
    """Return the claims of a launch that says nothing of who it is."""
    missing = dict.fromkeys(("name", "given_name", "family_name", "email"), forger.MISSING)
    return launched(**{**missing, **changes})


def with_custom(**custom: str) -> dict[str, Any]:
    """Return the change that gives a launch custom parameters."""
    return {CLAIM + "custom": custom}
