"""How pages are made: Jinja's words and dates, what base.html needs, and the headers every response has.

A page is laid out whole, or plainly for a frame in a platform's page: without header, footer and navigation.
"""

from __future__ import annotations

import functools
import hashlib
import re
import secrets
from collections.abc import Iterable, Sequence
from typing import Any, cast

from flask import Flask, Response, g, url_for
from flask import session as cookie
from flask.globals import request
from flask_login import current_user
from jinja2 import ChoiceLoader, PackageLoader, PrefixLoader
from werkzeug.wrappers import Response as BaseResponse

from lms.clock import day_in_words, time_in_words
from lms.config import PACKAGE
from lms.web import access, navigation
from lms.web.navigation import Link
from lms.wording import NOT_CLEARANCE

_POLICY = (
    "default-src 'none'; script-src 'self' 'nonce-{nonce}'; style-src 'self'; img-src 'self'; font-src 'self'; "
    "connect-src 'self'; form-action 'self'{forms}; base-uri 'none'; frame-ancestors {frames}"
)
_SOURCE = re.compile(r"\*|https?:|https?://(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]+)?")
_FRAMES = frozenset({"iframe", "frame", "embed", "object"})


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
    app.before_request(_remember_where_it_began)
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


def is_framed() -> bool:
    """Say whether the browser tells us that the answer will be shown in a frame. Browsers before 2023 say nothing."""
    return request.headers.get("Sec-Fetch-Dest") in _FRAMES


def lay_plainly(framed_by: Sequence[str] = ("*",)) -> None:
    """Lay this answer's page out for a frame, without asking who is signed in.

    `framed_by` are the origins that may frame it; by itself every page may, which is for words alone, with nothing to
    press that does anything to anybody.
    """
    g.framed_by = tuple(framed_by)


def allow_form_to(*sources: str) -> None:
    """Let this answer's forms be sent to these origins, or to a scheme ("https:"), beside our own.

    Chromium holds a form to that on redirects too.
    """
    g.form_targets = sources


def show_at(address: str) -> None:
    """Have the browser show this address for the page, so that to load it again is a plain GET."""
    g.shown_at = address


def _remember_where_it_began() -> None:
    """Keep what the session knows of its platform: the page that ends a session is still shown in the frame."""
    if not access.needs_no_database(request.endpoint):
        g.began_in = access.lti_session()


def _launched() -> access.LtiSession | None:
    """Return the platform's session that this answer belongs to: one that has just begun, goes on or has just ended."""
    return access.lti_session() or g.get("began_in")


def _is_plain() -> bool:
    if "framed_by" in g:
        return True
    launched = _launched()
    in_window = request.headers.get("Sec-Fetch-Dest") == "document"
    return launched is not None and bool(launched.frame_origins) and not in_window


def _frame() -> dict[str, Any]:
    """Return what base.html needs on every page. An error page, made after a rollback, asks no database."""
    is_plain = _is_plain()
    links = _links(is_plain)
    return {
        "school": None if g.get("after_failure") else g.get("school"),
        "lti": is_plain,
        "wide": False,
        "errors": None,
        "shown_at": g.get("shown_at"),
        "here": _here(),
        "navigation": [{"text": text, "href": href, "current": current} for text, href, current in links],
        "sign_out_url": url_for(_WAY_OUT["visit" in cookie]) if links else None,
        "sign_out_words": "I’m finished" if "visit" in cookie else "Sign out",
    }


_WAY_OUT = {False: "sign_in.sign_out", True: "join.finish"}


def _links(is_plain: bool) -> list[Link]:
    if "framed_by" in g:
        return []
    if g.get("after_failure"):
        return [navigation.start(_here())] if is_plain and "_user_id" in cookie else []
    if not current_user.is_authenticated:
        return []
    return navigation.in_frame(_launched(), _here()) if is_plain else navigation.whole()


def _here() -> str:
    """Return the address that opens this page again; after a form that says what is wrong in it, the start."""
    if "shown_at" in g:
        return str(g.shown_at)
    return request.full_path.rstrip("?") if request.method == "GET" else "/"


_KEPT_OUTSIDE = {"static", "lti.jwks"}
"""What says itself how long it may be kept; everything else is somebody's own."""

_FROM_OUTSIDE = {"reception.scan"}
"""What somebody else made: should a browser ever show it, then as a stranger's, with nothing allowed."""


def _headers(response: Response) -> BaseResponse:
    response.headers["Content-Security-Policy"] = _POLICY.format(
        nonce=csp_nonce(),
        forms="".join(f" {source}" for source in _sources(g.get("form_targets", ()))),
        frames=" ".join(_sources(_framed_by())) or "'none'",
    )
    if request.endpoint in _FROM_OUTSIDE and response.mimetype != "text/html":
        response.headers["Content-Security-Policy"] = "default-src 'none'; frame-ancestors 'none'; sandbox"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "same-origin"
    response.headers["Permissions-Policy"] = "camera=(), geolocation=(), microphone=()"
    # A platform that opened us in a window waits there for our word that registration or choosing is done.
    opener = "unsafe-none" if request.blueprint == "lti" else "same-origin"
    response.headers["Cross-Origin-Opener-Policy"] = opener
    if request.endpoint not in _KEPT_OUTSIDE:
        response.headers["Cache-Control"] = "no-store"
    if access.settings().is_secure:
        response.headers["Strict-Transport-Security"] = "max-age=31536000"
    return response


def _framed_by() -> tuple[str, ...]:
    if "framed_by" in g:
        return cast(tuple[str, ...], g.framed_by)
    # What is served without a session mustn't look at it: its answer may be kept for everybody.
    launched = None if access.needs_no_database(request.endpoint) else _launched()
    return launched.frame_origins if launched else ()


def _sources(wanted: Iterable[str]) -> list[str]:
    """Return those that are origins and nothing else: what platforms tell us can't add to our policy."""
    return [source for source in wanted if _SOURCE.fullmatch(source)]
