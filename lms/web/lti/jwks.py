"""Our public keys, for platforms. Read from the data folder: no database, no session."""

from __future__ import annotations

from typing import cast

from flask import Response, current_app, jsonify

from lms.lti.tool_keys import ToolKeys
from lms.web import access
from lms.web.lti.blueprint import blueprint

KEPT_FOR = 300
"""Seconds that a platform may keep the answer: short beside the day for which a replaced key stays in it."""


@blueprint.get("/jwks")
def jwks() -> Response:
    """Publish the keys that our messages and assertions are signed with."""
    keys = cast(ToolKeys, current_app.config["LTI_KEYS"])
    response = jsonify(keys.published(access.request_time()))
    response.headers["Cache-Control"] = f"public, max-age={KEPT_FOR}"
    return response
