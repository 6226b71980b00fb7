"""The way in from a platform: the login that it begins, the launch that it sends, and the page that is opened.

These views see to their own transactions: what may be used once is used up first, the platform's keys are fetched with
none open, and then it is written who came. A refusal is returned, with a line in the launch log.
"""

from __future__ import annotations

from flask import current_app, make_response, redirect, render_template
from flask import session as cookie
from flask.globals import request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException

from lms.db import transaction
from lms.lti import admission, key_sets, launching, verifying
from lms.lti.admission import Entry
from lms.lti.claims import Claims, MessageType, text
from lms.lti.deep_linking import check_return
from lms.lti.fetching import Outgoing
from lms.lti.launching import Found, LoginRequest
from lms.lti.places import TARGET
from lms.lti.platforms import origin
from lms.lti.refusal_words import WORDS
from lms.lti.refusals import LaunchRefusedError, Refusal
from lms.web import access, presentation
from lms.web.access import LtiSession
from lms.web.lti import deep_linking, frame, landing, welcome
from lms.web.lti.blueprint import blueprint


@blueprint.route("/login", methods=["GET", "POST"])
def login() -> ResponseReturnValue:
    """Begin: somebody has opened a link of ours in a platform, which wants us to ask it who that is."""
    try:
        with transaction():
            begun = launching.begin(
                _login_request(), base_url=access.settings().base_url, now=access.request_time()
            )
    except LaunchRefusedError as refused:
        return _refused(refused, None)
    return frame.send_to_platform(begun.login, begun.address, storage_target=begun.storage_target)


def _login_request() -> LoginRequest:
    sent = request.values
    return LoginRequest(
        issuer=sent.get("iss", ""),
        client_id=sent.get("client_id", ""),
        login_hint=sent.get("login_hint", ""),
        target_link_uri=sent.get("target_link_uri", ""),
        message_hint=sent.get("lti_message_hint", ""),
        storage_target=sent.get("lti_storage_target", ""),
    )


@blueprint.route("/launch", methods=["GET", "POST"])
def launch() -> ResponseReturnValue:
    """Take what the platform sends back: somebody with their claims, or an error. Its state is used up either way.

    Claims come by POST alone (response_mode form_post), so that no token is in an address; some errors come by GET.
    """
    state, id_token, now = (
        request.values.get("state", ""),
        request.form.get("id_token", ""),
        access.request_time(),
    )
    with transaction():
        found = launching.find(state, verifying.unverified(id_token), now)
        is_first = found is not None and launching.consume(found.login, now)
    try:
        _check_for_error()
        return _go_on(_fresh(found, state, is_first), state, id_token)
    except LaunchRefusedError as refused:
        return _refused(refused, found)


def _check_for_error() -> None:
    if "error" in request.values:
        said = f"{request.values['error']}: {request.values.get('error_description', '')}"
        raise LaunchRefusedError(Refusal.PLATFORM_ERROR, text(said))


def _fresh(found: Found | None, state: str, is_first: bool) -> Found:
    if found is None:
        raise LaunchRefusedError(Refusal.STATE_UNKNOWN if state else Refusal.STATE_MISSING)
    if not is_first:
        raise LaunchRefusedError(Refusal.STATE_USED)
    launching.check_login(found.login, found.registration, access.request_time())
    return found


def _go_on(found: Found, state: str, id_token: str) -> ResponseReturnValue:
    secret = frame.browser_secret(state)
    if secret is not None:
        launching.check_browser(found.login, secret)
        return _enter(found, _verified(found, id_token), keeps_cookies=True)
    target = found.login.storage_target
    if target is None:
        # Where cookies come back, this one would have too, had the login begun here.
        raise LaunchRefusedError(Refusal.OTHER_BROWSER if frame.cookies_work() else Refusal.COOKIES_BLOCKED)
    claims = _verified(found, id_token)
    with transaction():
        launching.hold(found.login, claims)
    return frame.ask_storage(
        state, storage_target=target, authorization_endpoint=found.registration.authorization_endpoint
    )


def _verified(found: Found, id_token: str) -> Claims:
    registration, now = found.registration, access.request_time()
    outgoing = Outgoing(allow_private=access.settings().lti_allow_private_hosts)
    return verifying.verify(
        id_token,
        issuer=registration.issuer,
        client_id=registration.client_id,
        nonce=found.login.nonce,
        find_key=lambda kid: key_sets.find_key(registration, kid, outgoing, now),
        now=now,
    )


@blueprint.post("/launch/proof")
def proven() -> ResponseReturnValue:
    """Let somebody in whose browser brought its secret back from the platform's storage.

    Only our own page brings it: another site's could send a proof of its own, and sign a visitor in as somebody else.
    """
    state, now = request.form.get("state", ""), access.request_time()
    with transaction():
        found, claims = launching.release(state, now)
    try:
        if found is None or claims is None:
            raise LaunchRefusedError(Refusal.STATE_USED if found else Refusal.STATE_UNKNOWN)
        launching.check_login(found.login, found.registration, now)
        if not frame.is_from_our_page():
            raise LaunchRefusedError(Refusal.OTHER_BROWSER, "the proof was sent by a page of another site")
        launching.check_browser(found.login, request.form.get("secret", ""))
        return _enter(found, claims, keeps_cookies=frame.cookies_work())
    except LaunchRefusedError as refused:
        return _refused(refused, found)


def _enter(found: Found, claims: Claims, *, keeps_cookies: bool) -> ResponseReturnValue:
    """Write down who came and show the first page, or hand over to a window where this frame keeps no cookies."""
    if claims.message_type is MessageType.DEEP_LINKING:
        check_return(claims, allow_http=access.settings().lti_allow_private_hosts)
        if not keeps_cookies:
            raise LaunchRefusedError(Refusal.COOKIES_BLOCKED, "deep linking needs a cookie in the frame")
    with transaction():
        entry = admission.admit(found, claims, base_url=access.settings().base_url, now=access.request_time())
        launched = _session(entry)
        if not keeps_cookies:
            return frame.hand_over(
                entry.person.id, launched, _page_named(claims) or landing.address(entry.target)
            )
    access.sign_in_by_launch(entry.person, entry.held_roles, launched)
    with transaction(write=False):
        return make_response(opened(entry, launched))


def _session(entry: Entry) -> LtiSession:
    return LtiSession(entry.registration.id, entry.school.id, entry.role, _framing_origins(entry))


def _framing_origins(entry: Entry) -> tuple[str, ...]:
    if request.headers.get("Sec-Fetch-Dest") == "document":
        return ()
    back = entry.claims.return_url
    return tuple(dict.fromkeys([*entry.registration.frame_origins, *([origin(back)] if back else [])]))


# What a launch opens by itself; of any other page of ours the browser is sent to its own address.
_OPENED_HERE = frozenset({"learning.home", "learning.module"})
_BLUEPRINTS_TO_OPEN = frozenset({"learning", "signing", "reporting", "admin", "platforms"})


def opened(entry: Entry, launched: LtiSession) -> ResponseReturnValue:
    """Return the first page of somebody who has just come in, or send them on to the page that the link names."""
    if entry.claims.message_type is MessageType.DEEP_LINKING:
        return deep_linking.picker(entry.registration, entry.school, entry.claims)
    named = _page_named(entry.claims)
    if named is not None:
        return redirect(named, 303)
    if not entry.is_engaged:
        return welcome.page(launched, entry.school, entry.target)
    return landing.page(entry.school, entry.target)


def _page_named(claims: Claims) -> str | None:
    """Return the address of the page that the signed message names, where that is none that we open by ourselves."""
    path = launching.own_path(claims.target_link_uri or "", access.settings().base_url)
    if path is None or TARGET in claims.custom:
        return None
    try:
        endpoint, _ = current_app.url_map.bind("").match(path.partition("?")[0], "GET")
    except HTTPException:
        return None
    is_opened = endpoint.partition(".")[0] in _BLUEPRINTS_TO_OPEN and endpoint not in _OPENED_HERE
    return request.script_root + path if is_opened else None


def _refused(refused: LaunchRefusedError, found: Found | None) -> ResponseReturnValue:
    """Return the page of a refusal. It is shown in any frame, since the platform may be one that nobody knows."""
    with transaction():
        reference = admission.refuse(refused, found, access.request_time())
    presentation.lay_plainly()
    words = WORDS[refused.refusal]
    page = render_template(
        "lti/refused.html",
        words=words,
        code=refused.refusal.value,
        reference=reference,
        goes_on=refused.refusal is Refusal.STATE_USED and "_user_id" in cookie,
    )
    return page, words.status
