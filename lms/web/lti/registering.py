"""Dynamic Registration: a platform's administrator opens an invitation there, sees what it means and confirms it."""

from __future__ import annotations

import hmac
from dataclasses import asdict
from datetime import timedelta
from uuid import UUID

from flask import render_template
from flask.globals import request
from flask.typing import ResponseReturnValue

from lms import audit, tokens
from lms.audit import Event
from lms.db import session, transaction
from lms.errors import ConflictError
from lms.lti import configurations, invites, registering
from lms.lti.configurations import Platform, UnfitPlatformError
from lms.lti.fetching import FetchError, Outgoing
from lms.lti.invites import Invite
from lms.lti.platforms import Registration
from lms.lti.registering import Granted
from lms.schools import Organisation
from lms.web import access, presentation
from lms.web.lti.blueprint import blueprint

LOOKS = 30
"""How often in an hour one invitation may have us ask a server for its configuration."""
LONGEST_TOKEN = 8000

ASK_AGAIN = "Ask whoever sent it for a new one. In Countersign: Administration, then Platforms."
BEGIN_AGAIN = (
    "Nothing is connected yet, and your invitation is still good. Put that right and begin again in your LMS."
)
DEAD = {
    "unknown": (
        404,
        "This invitation isn’t one of ours",
        "Check that the whole address was copied. " + ASK_AGAIN,
    ),
    "used": (410, "This invitation was used already", "Each one connects one LMS, once. " + ASK_AGAIN),
    "expired": (410, "This invitation has run out", "It was good for three days. " + ASK_AGAIN),
}


@blueprint.route("/register/<secret>", methods=["GET", "POST"])
def register(secret: str) -> ResponseReturnValue:
    """Show a platform's administrator what connecting means, and connect when they say so.

    Any page may frame it, and its form needs no token of a session: the secret in the address is all the authority
    there is. No cookie counts, so nobody can be made to use somebody else's; whoever doesn't hold the secret can
    neither show the page nor send the form. And a platform shows it in a frame that often keeps no cookies.
    """
    presentation.lay_plainly()
    return _confirm(secret) if request.method == "POST" else _show(secret)


def _show(secret: str) -> ResponseReturnValue:
    now, wanted = access.request_time(), request.args.get("openid_configuration", "")
    with transaction():
        invite = invites.find(secret)
        if (reason := _why_dead(invite)) is not None:
            return _dead(reason)
        assert invite is not None
        organisation = session.get_one(Organisation, invite.organisation_id)
        if not wanted:
            address = f"{access.settings().base_url}/lti/register/{secret}"
            return render_template("lti/register_how.html", organisation=organisation, address=address)
        key = f"lti-register:{invite.id}"
        if not tokens.allow(key, most=LOOKS, within=timedelta(hours=1), now=now):
            return _problem(
                "This was tried very often within an hour.", "Wait an hour, then begin again.", 429
            )
    try:
        platform = _look(invite, wanted)
    except (FetchError, UnfitPlatformError) as error:
        return _problem(str(error), BEGIN_AGAIN)
    with transaction():
        invite.confirmed = asdict(platform)
    return render_template(
        "lti/register.html",
        platform=platform,
        organisation=organisation,
        token=request.args.get("registration_token"),
    )


def _look(invite: Invite, wanted: str) -> Platform:
    """Return what the platform says of itself; what it said before, where it says so only once (Brightspace)."""
    try:
        return configurations.read_platform(wanted, _token(request.args), _outgoing())
    except (FetchError, UnfitPlatformError):
        shown = _shown(invite)
        if shown is None or shown.configuration != wanted:
            raise
        return shown


def _confirm(secret: str) -> ResponseReturnValue:
    now = access.request_time()
    with transaction():
        # Whoever confirms first has it; the other waits here and finds it used.
        invite = invites.lock(secret)
        if (reason := _why_dead(invite)) is not None:
            return _dead(reason)
        assert invite is not None
        platform = _shown(invite)
        if platform is None or not hmac.compare_digest(platform.digest, request.form.get("shown", "")):
            return _problem(
                "This invitation was opened from another LMS, or in another window, after this page was shown.",
                "Begin again in your LMS, and confirm what the page says then.",
                409,
            )
        organisation = session.get_one(Organisation, invite.organisation_id)
        invite.used_at = now
    try:
        granted = registering.register(
            platform, _token(request.form), access.settings().base_url, _outgoing()
        )
        registration = _keep(invite.id, platform, granted)
    except (FetchError, UnfitPlatformError, ConflictError) as error:
        with transaction():
            invites.give_back(invite.id)
        return _problem(str(error), _after_refusal(platform))
    return render_template(
        "lti/register_done.html", platform=platform, registration=registration, organisation=organisation
    )


def _keep(invite_id: UUID, platform: Platform, granted: Granted) -> Registration:
    now = access.request_time()
    with transaction():
        invite = session.get_one(Invite, invite_id)
        organisation = session.get_one(Organisation, invite.organisation_id)
        registration = registering.keep(platform, granted, invite, organisation, now)
        audit.record(
            Event.PLATFORM_CONNECTED,
            organisation_id=organisation.id,
            now=now,
            actor_id=invite.invited_by,
            registration=str(registration.id),
        )
        return registration


def _why_dead(invite: Invite | None) -> str | None:
    if invite is None:
        return "unknown"
    if invite.used_at is not None:
        return "used"
    return None if invite.is_open(access.request_time()) else "expired"


def _dead(reason: str) -> ResponseReturnValue:
    status, happened, to_do = DEAD[reason]
    return render_template("lti/register_problem.html", heading=happened, happened="", to_do=to_do), status


def _problem(happened: str, to_do: str, status: int = 400) -> ResponseReturnValue:
    heading = "We couldn’t connect your LMS"
    page = render_template("lti/register_problem.html", heading=heading, happened=happened, to_do=to_do)
    return page, status


def _after_refusal(platform: Platform) -> str:
    return (
        f"Your invitation is still good. If {platform.name} lists Countersign among its tools now, delete it there. "
        "Then begin again."
    )


def _shown(invite: Invite) -> Platform | None:
    return Platform(**invite.confirmed) if invite.confirmed else None


def _token(sent: dict[str, str]) -> str | None:
    token = sent.get("registration_token", "")
    # It goes into a header, where a line break would begin another.
    if not (token.isascii() and token.isprintable()) or len(token) > LONGEST_TOKEN:
        raise UnfitPlatformError("The registration token that your LMS gave can’t be read.")
    return token or None


def _outgoing() -> Outgoing:
    return Outgoing(allow_private=access.settings().lti_allow_private_hosts)
