"""How pages are made: Jinja's words and dates, the navigation, and the headers every response has."""

from __future__ import annotations

import functools
import hashlib
import secrets
from typing import Any

from flask import Flask, Response, g, url_for
from flask.globals import request
from flask_login import current_user
from jinja2 import ChoiceLoader, PackageLoader, PrefixLoader
from werkzeug.wrappers import Response as BaseResponse

from lms.clock import day_in_words, time_in_words
from lms.config import PACKAGE
from lms.people import RoleName
from lms.schools import Organisation
from lms.web import access
from lms.wording import NOT_CLEARANCE

_POLICY = (
    "default-src 'none'; script-src 'self' 'nonce-{nonce}'; style-src 'self'; img-src 'self'; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


def init_app(app: Flask) -> None:
    """Give the app its template loader, globals, filters and headers."""
    assert app.jinja_loader is not None
    govuk = PrefixLoader({"govuk_frontend_jinja": PackageLoader("govuk_frontend_jinja")})
    app.jinja_loader = ChoiceLoader([app.jinja_loader, govuk])
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.jinja_env.globals.update(csp_nonce=csp_nonce, NOT_CLEARANCE=NOT_CLEARANCE)
    app.jinja_env.filters.update(london_day=day_in_words, london_time=time_in_words)
    app.url_defaults(_name_the_content)
    app.context_processor(_frame)
    app.after_request(_headers)


def _name_the_content(endpoint: str, values: dict[str, Any]) -> None:
    """Put a hash of the file in the address of a style or script, so that it may be kept for a year."""
    filename = values.get("filename", "")
    if endpoint == "static" and filename.endswith((".css", ".js")):
        values["v"] = _content_hash(filename)


@functools.cache
def _content_hash(filename: str) -> str:
    return hashlib.sha256((PACKAGE / "static" / filename).read_bytes()).hexdigest()[:12]


def csp_nonce() -> str:
    """Return this response's nonce for scripts."""
    if "csp_nonce" not in g:
        g.csp_nonce = secrets.token_urlsafe(16)
    return str(g.csp_nonce)


def _frame() -> dict[str, Any]:
    """Return what base.html needs on every page. An error page, made after a rollback, asks no database."""
    failed = g.get("after_failure")
    signed_in = not failed and current_user.is_authenticated
    return {
        "school": None if failed else g.get("school"),
        "lti": False,
        "wide": False,
        "errors": None,
        "navigation": _navigation() if signed_in else [],
        "sign_out_url": url_for("sign_in.sign_out") if signed_in else None,
    }


def _navigation() -> list[dict[str, Any]]:
    links = [
        ("My training", url_for("learning.home"), request.endpoint in _TRAINING),
        ("My receipts", url_for("signing.receipts"), request.endpoint == "signing.receipts"),
        (
            "Policies",
            url_for("learning.policies"),
            request.endpoint in {"learning.policies", "learning.policy"},
        ),
    ]
    school: Organisation | None = g.get("school")
    if school is not None:
        links += _school_links(school)
    if any(RoleName.ADMIN in held for held in access.user().roles.values()):
        links.append(("Administration", url_for("admin.home"), request.endpoint == "admin.home"))
    return [{"text": text, "href": href, "current": current} for text, href, current in links]


_TRAINING = {"learning.home", "learning.module", "learning.step", "learning.summary"}


def _school_links(school: Organisation) -> list[tuple[str, str, bool]]:
    held = access.user().roles_at(school)
    links = []
    if held - {RoleName.LEARNER}:
        records = url_for("reporting.records", school=school.slug)
        links.append(("Staff records", records, request.blueprint == "reporting"))
    if RoleName.ADMIN in held:
        settings = url_for("admin.settings", school=school.slug)
        links.append(("Settings", settings, request.endpoint == "admin.settings"))
    return links


_KEPT_OUTSIDE = {"static", "lti.jwks"}
"""What says itself how long it may be kept; everything else is somebody's own."""


def _headers(response: Response) -> BaseResponse:
    response.headers["Content-Security-Policy"] = _POLICY.format(nonce=csp_nonce())
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "same-origin"
    response.headers["Permissions-Policy"] = "camera=(), geolocation=(), microphone=()"
    response.headers["Cross-Origin-Opener-Policy"] = "same-origin"
    if request.endpoint not in _KEPT_OUTSIDE:
        response.headers["Cache-Control"] = "no-store"
    if access.settings().is_secure:
        response.headers["Strict-Transport-Security"] = "max-age=31536000"
    return response
