"""Exception to page: one table. Every page says what happened, what to do, and a reference that is in the log."""

from __future__ import annotations

import logging
import secrets
from dataclasses import dataclass

from flask import Flask, g, redirect, render_template, url_for
from flask import session as cookie
from flask.globals import request
from flask.logging import default_handler
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import DBAPIError
from werkzeug.exceptions import HTTPException

from lms import errors
from lms.web import presentation, tablet
from lms.web.access import SignInNeeded

log = logging.getLogger("countersign")


@dataclass(frozen=True)
class Page:
    """What an error page says."""

    status: int
    heading: str
    advice: str


TRY_AGAIN = "Go back and try again. If it happens again, tell your administrator the reference below."
TYPE_AGAIN = "Go back, take out what you pasted, and type it by hand."
START_AGAIN = "Go to My training and start from there."
TELL_ADMIN = "Nothing you typed was kept. Tell your administrator the reference below."

PAGES: tuple[tuple[type[errors.CountersignError], Page], ...] = (
    (errors.NotFoundError, Page(404, "We can’t find that page", START_AGAIN)),
    (errors.NotAllowedError, Page(403, "You can’t open this page", START_AGAIN)),
    (errors.ConflictError, Page(409, "Something has changed", START_AGAIN)),
    (errors.UnreadableTextError, Page(400, "We can’t read what was sent", TYPE_AGAIN)),
    (errors.ClockError, Page(503, "The server’s clock is wrong", TELL_ADMIN)),
    (errors.StorageBusyError, Page(503, "The service is busy", TRY_AGAIN)),
    (errors.StorageError, Page(503, "The records can’t be reached", TELL_ADMIN)),
    (errors.CountersignError, Page(500, "Something went wrong", TELL_ADMIN)),
)
UNEXPECTED = Page(500, "Something went wrong", TELL_ADMIN)
FORM_EXPIRED = Page(
    400, "This page was open too long", "Open the page again and repeat what you did. Nothing was kept."
)
RAN_OUT = Page(
    401,
    "Open this again from your course",
    "Go to your course and open the training from there. You carry on where you stopped.",
)
HTTP_PAGES = {
    404: Page(404, "We can’t find that page", START_AGAIN),
    405: Page(405, "That isn’t how this page works", START_AGAIN),
    413: Page(
        413,
        "That is too large",
        "Send something smaller: a scan may have 5 MB, a staff list 10 MB, anything else 1 MB.",
    ),
}


def init_app(app: Flask) -> None:
    """Register the table with the app, and see that what it logs is written somewhere."""
    log.setLevel(logging.INFO)
    if not log.hasHandlers():
        log.addHandler(default_handler)
    app.register_error_handler(SignInNeeded, _ask_to_sign_in)
    app.register_error_handler(tablet.LeadsOut, _back_to_welcome)
    app.register_error_handler(errors.CountersignError, _domain_error)
    app.register_error_handler(CSRFError, _form_expired)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(Exception, _unexpected)


def _ask_to_sign_in(error: SignInNeeded) -> ResponseReturnValue:
    if presentation.is_framed():
        return _ran_out(error)
    if tablet.is_open():
        return redirect(url_for("kiosk.welcome", ended="over" if "visit" in cookie else None))
    if "visit" in cookie:
        # A visitor has no account to sign in with: reception gives a new code.
        return redirect(url_for("join.enter", ended="over"))
    wanted = request.full_path.rstrip("?") if request.method == "GET" else None
    return redirect(url_for("sign_in.sign_in", next=wanted))


def _back_to_welcome(error: tablet.LeadsOut) -> ResponseReturnValue:
    del error
    return redirect(url_for("kiosk.welcome"), 303)


def _form_expired(error: CSRFError) -> ResponseReturnValue:
    if presentation.is_framed() and "_user_id" not in cookie:
        return _ran_out(error)
    return _page(FORM_EXPIRED, "Your sign-in or this form had run out.", error)


def _ran_out(error: Exception) -> ResponseReturnValue:
    """Answer in a frame whose session is over. Nobody can sign in there by a link in an e-mail: the course does it."""
    return _page(
        RAN_OUT, "You were away for a while, so your sign-in has run out. What you finished is kept.", error
    )


def _domain_error(error: errors.CountersignError) -> ResponseReturnValue:
    page = next(page for kind, page in PAGES if isinstance(error, kind))
    return _page(page, str(error), error)


def _http_error(error: HTTPException) -> ResponseReturnValue:
    if error.code is None or error.code < 400:
        return error
    page = HTTP_PAGES.get(error.code, Page(error.code, error.name, TRY_AGAIN))
    return _page(page, "", error)


def _unexpected(error: Exception) -> ResponseReturnValue:
    return _page(UNEXPECTED, "Nothing was recorded.", error)


def _page(page: Page, happened: str, error: Exception) -> tuple[str, int]:
    reference = secrets.token_hex(4)
    level = logging.ERROR if page.status >= 500 else logging.INFO
    # The endpoint and not the address: a link's secret is part of an address.
    log.log(
        level,
        "reference %s: %s at %s: %s",
        reference,
        type(error).__name__,
        request.endpoint,
        _reason(error) if page.status >= 500 else "",
        exc_info=error if page.status == 500 else None,
    )
    g.after_failure = True
    if "_user_id" not in cookie and (presentation.is_framed() or request.blueprint == "lti"):
        # Words alone, which a platform that we don't know must be able to show too.
        presentation.lay_plainly()
    html = render_template(
        "errors/page.html",
        heading=page.heading,
        what_happened=happened,
        what_to_do=page.advice,
        reference=reference,
    )
    return html, page.status


def _reason(error: Exception) -> str:
    """Return an error's sentence, with what the database's driver said of it: for the log, not for the page."""
    cause = error.__cause__
    return f"{error} ({cause.orig})" if isinstance(cause, DBAPIError) else str(error)
