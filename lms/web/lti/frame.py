"""In a platform's frame: to the platform and back with a cookie, with its storage, or in a window of our own.

Browsers keep third-party cookies out of frames, some the partitioned ones too. What a login needs is one secret that
only the browser that began it has: in a cookie, or else kept for us by the platform's page. A session needs a cookie,
so a frame without any hands over to a window of its own.

Source: 1EdTech "LTI OIDC Login with LTI Client Side postMessages" and "LTI Client Side postMessages Storage", 0.1.
"""

from __future__ import annotations

import functools
import logging
import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from flask import Response, after_this_request, current_app, make_response, redirect, render_template
from flask.globals import request
from flask.typing import ResponseReturnValue
from itsdangerous import BadSignature, URLSafeSerializer

from lms import tokens
from lms.db import session
from lms.lti.logins import LASTS, Login, hashed
from lms.lti.platforms import origin
from lms.people import Person, RoleName, roles_of
from lms.tokens import Purpose
from lms.web import access, presentation
from lms.web.access import LtiSession
from lms.web.lti.blueprint import blueprint

log = logging.getLogger("countersign")

COOKIES_WORK = "countersign-cookies"
"""A cookie that means nothing but that cookies come back from here. Scripts may read it."""
REMEMBERED = timedelta(days=180)
HAND_OVER_LASTS = timedelta(minutes=2)


def send_to_platform(login: Login, authorization: str, *, storage_target: str | None) -> Response:
    """Return the answer to a login: on to `authorization`, the platform's address with its whole query.

    The login's secret goes along in a cookie. In a frame that hasn't shown yet that it keeps cookies, a page tries that
    first, and else leaves the secret in the platform's storage (`storage_target`, as the platform named it) or offers
    a new window, before the platform's hints are used up: they serve once.
    """
    _say_what_cookies_are_used(access.settings().is_secure)
    if presentation.is_framed() and not cookies_work():
        response = _try_cookies_first(login, authorization, storage_target)
    else:
        response = make_response(redirect(authorization))
    _set(response, _login_cookie(login.state), login.browser_secret, LASTS)
    _set(response, COOKIES_WORK, "1", REMEMBERED, script_may_read=True)
    return response


def cookies_work() -> bool:
    """Say whether a cookie of ours came back, from where this request comes from."""
    return COOKIES_WORK in request.cookies


def browser_secret(state: str) -> str | None:
    """Return the secret that this browser's cookie holds for a login, and have the cookie removed: it serves once."""
    name = _login_cookie(state)
    if name in request.cookies:
        after_this_request(lambda response: _remove(response, name))
    return request.cookies.get(name)


def ask_storage(state: str, *, storage_target: str, authorization_endpoint: str) -> Response:
    """Return a page that asks the platform's storage for a login's secret and sends both to `lti.proven`."""
    presentation.lay_plainly()
    page = render_template(
        "lti/storage.html",
        state=state,
        key=_login_cookie(state),
        message_id=secrets.token_urlsafe(16),
        storage_target=storage_target,
        storage_origin=origin(authorization_endpoint),
    )
    return make_response(page)


def hand_over(person_id: UUID, launched: LtiSession, address: str, *, back: str | None = None) -> Response:
    """Return a page whose button goes on in a window of its own: a pass that serves once, for two minutes.

    `address` is the page to open there; `back` the one to stay with, where the frame has a session too. Whoever has
    proven to be this person, in the platform's frame, may have it. It writes, so it wants a transaction.
    """
    secret = tokens.mint(person_id, Purpose.LTI_WINDOW, lasts=HAND_OVER_LASTS, now=access.request_time())
    presentation.lay_plainly(launched.frame_origins)
    window_pass = _seal(secret, launched, address)
    return make_response(render_template("lti/window.html", window_pass=window_pass, back=back))


def is_from_our_page() -> bool:
    """Say whether this form was sent by a page of ours. What is in it may be another's own, kept for somebody else."""
    sender = request.headers.get("Origin")
    return sender is None or sender in (origin(request.url_root), origin(access.settings().base_url))


@blueprint.post("/new-tab")
def new_tab() -> ResponseReturnValue:
    """Offer the page that was open in the frame in a tab of its own."""
    launched, address = access.lti_session(), access.safe_next(request.form.get("next"))
    if launched is None:
        return redirect(address, 303)
    return hand_over(access.user().person.id, launched, address, back=address)


@blueprint.post("/window")
def window() -> ResponseReturnValue:
    """Begin a session in this window by a pass from a frame. No session's token in the form: the pass serves once.

    A page of another site can't spend a pass of its own here: that would sign somebody in as its owner.
    """
    sealed = _unseal(request.form.get("pass", "")) if is_from_our_page() else None
    if sealed is None:
        return _dead_button(), 400
    person = _owner(sealed)
    if person is None:
        return _dead_button(), 410
    access.sign_in_by_launch(person, roles_of(person.id), sealed.launched)
    return redirect(sealed.address, 303)


def _dead_button() -> str:
    presentation.lay_plainly()
    return render_template("lti/window_dead.html")


@dataclass(frozen=True)
class Pass:
    """What goes along to a new window, signed: the secret of one use, and what the session there will know."""

    secret: str
    launched: LtiSession
    address: str


def _seal(secret: str, launched: LtiSession, address: str) -> str:
    carried = [secret, str(launched.registration_id), str(launched.school_id), launched.role.value, address]
    return str(_sealer().dumps(carried))


def _unseal(sealed: str) -> Pass | None:
    try:
        secret, registration, school, role, address = _sealer().loads(sealed)
    except BadSignature:
        return None
    # In a window of its own nobody frames us.
    launched = LtiSession(UUID(registration), UUID(school), RoleName(role), frame_origins=())
    return Pass(secret, launched, access.safe_next(address))


def _sealer() -> URLSafeSerializer:
    return URLSafeSerializer(str(current_app.secret_key), salt="lti-window")


def _owner(sealed: Pass) -> Person | None:
    person_id = tokens.spend(sealed.secret, Purpose.LTI_WINDOW, access.request_time())
    person = session.get(Person, person_id) if person_id else None
    return person if person is not None and person.erased_at is None else None


def _try_cookies_first(login: Login, authorization: str, storage_target: str | None) -> Response:
    presentation.lay_plainly()
    # The new window's login is sent on to the platform, and by it to wherever people sign in.
    presentation.allow_form_to("https:", *([] if access.settings().is_secure else ["http:"]))
    page = render_template(
        "lti/hop.html",
        authorization=authorization,
        key=_login_cookie(login.state),
        secret=login.browser_secret,
        message_id=secrets.token_urlsafe(16),
        storage_target=storage_target,
        storage_origin=origin(authorization),
        again=request.values.to_dict(),
        choosing=_is_for_choosing(),
        host=urlsplit(access.settings().base_url).hostname,
    )
    return make_response(page)


def _is_for_choosing() -> bool:
    """Say whether a course editor is choosing what to link (deep linking): the platform waits for that in its frame."""
    return urlsplit(request.values.get("target_link_uri", "")).path.endswith("/lti/deep-linking")


def _login_cookie(state: str) -> str:
    """Return the name of a login's own cookie: a course page may open us in several frames at once."""
    return f"countersign-login-{hashed(state)[:16]}"


def _set(
    response: Response, name: str, value: str, lasts: timedelta, *, script_may_read: bool = False
) -> None:
    response.set_cookie(name, value, max_age=lasts, httponly=not script_may_read, **_attributes())


def _remove(response: Response, name: str) -> Response:
    # With the attributes that it was set with: without Partitioned it would be another cookie.
    response.delete_cookie(name, httponly=True, **_attributes())
    return response


def _attributes() -> dict[str, Any]:
    is_secure = access.settings().is_secure
    return {
        "path": f"{request.script_root}{blueprint.url_prefix}",
        "samesite": "None" if is_secure else "Lax",
        "secure": is_secure,
        "partitioned": is_secure,
    }


@functools.cache
def _say_what_cookies_are_used(is_secure: bool) -> None:
    if not is_secure:
        log.warning(
            "LMS_BASE_URL is a plain http address: the cookies of launches are SameSite=Lax and not Secure, "
            "so a frame on another site keeps none. That is for trying things out on one computer, where the platform "
            "and this service have the same host name."
        )
