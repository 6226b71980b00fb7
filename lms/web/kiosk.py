"""The school's shared tablet: visitors in turn, and nothing of one that the next could find.

Each page goes back to the start when nobody touches it (lms/static/kiosk.js; without JavaScript, by itself after a
while), and no page leads anywhere that isn't a visitor's (lms/web/tablet.py).
"""

from __future__ import annotations

import re
from typing import Any

from flask import Blueprint, Response, flash, g, make_response, redirect, render_template, url_for
from flask import session as cookie
from flask.globals import request
from flask.typing import ResponseReturnValue
from flask_login import current_user
from flask_wtf import FlaskForm
from wtforms import PasswordField
from wtforms.validators import EqualTo, InputRequired, Regexp

from lms import audit, kiosks
from lms.audit import Event
from lms.db import session
from lms.kiosks import Kiosk, Leaving
from lms.schools import Organisation
from lms.web import access, tablet
from lms.web.join import CodeForm, end_visit

blueprint = Blueprint("kiosk", __name__)

WARNED_AFTER, THEN = 40, 20
"""Seconds without a touch until somebody is asked whether they are still there, and then until the start is shown."""
READING = 300
"""The same without JavaScript, where only opening a page counts as a touch: a policy takes longer to read."""
LONG = frozenset({"signing.sign", "learning.policy"})
AWAKE = 1800
"""The empty start asks for itself this often, so that a tablet on its charger is still open next morning."""
_LEADS_OUT = re.compile(r'<a\b[^>]*\bhref="(?!/(?!/)|[?#])[^"]*"[^>]*>(.*?)</a>', re.DOTALL)


class OpenForm(FlaskForm):  # type: ignore[misc]
    """The PIN that reception chooses, twice."""

    pin = PasswordField(
        "Choose a PIN",
        description="Four to eight digits. You need it to get the tablet back from the visitors’ pages.",
        validators=[
            InputRequired("Choose a PIN of four to eight digits"),
            Regexp(kiosks.PIN, message="A PIN is four to eight digits, and nothing else"),
        ],
    )
    again = PasswordField(
        "Type the PIN again",
        validators=[
            InputRequired("Type the PIN again"),
            EqualTo("pin", message="The two PINs differ. Type both again"),
        ],
    )


class LeaveForm(FlaskForm):  # type: ignore[misc]
    """The PIN that the tablet was opened with."""

    pin = PasswordField("PIN", validators=[InputRequired("Enter the PIN that this tablet was opened with")])


@blueprint.route("/schools/<school>/reception/kiosk", methods=["GET", "POST"])
def start(school: str) -> ResponseReturnValue:
    """Have reception choose a PIN; then their session on this tablet gives way to the visitors'."""
    del school
    form, now = OpenForm(), access.request_time()
    if not form.validate_on_submit():
        return render_template("kiosk/start.html", form=form), 400 if form.errors else 200
    by = access.user().person.id
    kiosk = kiosks.open_at(access.school().id, form.pin.data, by=by, now=now)
    audit.record(Event.KIOSK_OPENED, organisation_id=kiosk.organisation_id, now=now, actor_id=by)
    tablet.open_for(kiosk, now)
    return _empty(redirect(url_for(".welcome"), 303))


@blueprint.get("/kiosk")
def welcome() -> ResponseReturnValue:
    """Show the start, and forget whoever was here; or, without JavaScript, first ask whether they still are."""
    kiosk = tablet.kiosk()
    if kiosk is None:
        return _not_open()
    g.school = session.get_one(Organisation, kiosk.organisation_id)
    still = request.args.get("still")
    if still is not None and "_user_id" in cookie:
        return render_template("kiosk/still.html", back=access.safe_next(still), seconds=THEN)
    was_used = "_user_id" in cookie
    if was_used:
        tablet.begin_anew()
    form = CodeForm()
    form.code.label.text = "Type the code from reception"
    page = render_template("kiosk/welcome.html", form=form, ended=request.args.get("ended"))
    return _empty(make_response(page)) if was_used else page


def _not_open() -> ResponseReturnValue:
    if current_user.is_authenticated:
        return redirect(url_for("learning.home"))
    flash("This tablet isn’t open for visitors. Reception can sign in and open it.")
    return redirect(url_for("sign_in.sign_in"))


@blueprint.post("/kiosk/finish")
def finish() -> ResponseReturnValue:
    """End a visitor's session and their code."""
    end_visit()
    return _empty(redirect(url_for(".welcome", ended="finished"), 303))


@blueprint.route("/kiosk/leave", methods=["GET", "POST"])
def leave() -> ResponseReturnValue:
    """Ask for the PIN; then the tablet is as any other browser."""
    kiosk, form = tablet.kiosk(), LeaveForm()
    if kiosk is None:
        return _not_open()
    g.school = session.get_one(Organisation, kiosk.organisation_id)
    if not form.validate_on_submit():
        return _leave_page(form)
    came_of_it = kiosks.leave(kiosk, form.pin.data, access.request_time())
    if came_of_it is Leaving.LEFT:
        return _left(kiosk)
    # Returned and not raised, so that the count of tries is kept.
    if came_of_it is Leaving.LOCKED:
        return render_template("kiosk/wait.html", minutes=kiosks.TRIES_WITHIN.seconds // 60), 429
    form.pin.errors = [f"That isn’t the PIN. After {kiosks.TRIES} tries you must wait"]
    return _leave_page(form)


def _leave_page(form: LeaveForm) -> ResponseReturnValue:
    return render_template("kiosk/leave.html", form=form), 400 if form.errors else 200


def _left(kiosk: Kiosk) -> ResponseReturnValue:
    now = access.request_time()
    audit.record(Event.KIOSK_LEFT, organisation_id=kiosk.organisation_id, now=now)
    cookie.clear()
    flash("This tablet is no longer open for visitors.")
    return _empty(redirect(url_for("sign_in.sign_in"), 303))


def _empty(response: Any) -> ResponseReturnValue:
    """Have the browser drop pages that it may have kept whole for its Back button, though told not to."""
    response.headers["Clear-Site-Data"] = '"cache"'
    return response  # type: ignore[no-any-return]


@blueprint.app_context_processor
def _on_tablet() -> dict[str, Any]:
    """Return what base.html needs on a tablet, with a navigation that has nothing but a visitor's own in it."""
    if not tablet.is_open():
        return {"kiosk": None}
    start, has_visitor = url_for("kiosk.welcome"), "_user_id" in cookie
    mine = {"text": "My training", "href": url_for("learning.home"), "current": False}
    return {
        "kiosk": {"attributes": _attributes(start, has_visitor), "refresh": _refresh(start, has_visitor)},
        "navigation": [mine] if has_visitor else [],
        "sign_out_url": url_for("kiosk.finish") if has_visitor else None,
        "sign_out_words": "I’m finished",
    }


def _attributes(start: str, has_visitor: bool) -> dict[str, str]:
    """Return what kiosk.js reads of a page."""
    told = {"data-kiosk": start, "data-warned-after": str(WARNED_AFTER), "data-then": str(THEN)}
    return told | ({"data-visitor": "yes"} if has_visitor else {})


def _refresh(start: str, has_visitor: bool) -> str:
    """Return what a browser without JavaScript does with the page when it was open long enough."""
    if not has_visitor:
        is_empty_start = request.full_path.rstrip("?") == start
        return f"{AWAKE if is_empty_start else WARNED_AFTER + THEN}; url={start}"
    if request.endpoint == "kiosk.welcome":
        return f"{THEN}; url={url_for('kiosk.welcome', ended='idle')}"
    here = request.full_path.rstrip("?") if request.method == "GET" else "/"
    after = READING if request.endpoint in LONG else WARNED_AFTER
    return f"{after}; url={url_for('kiosk.welcome', still=here)}"


@blueprint.after_app_request
def _nothing_leads_out(response: Response) -> Response:
    """Make plain words of links to other sites and to e-mail: from there no page of ours would lead back."""
    if access.needs_no_database(request.endpoint) or not tablet.is_open() or response.mimetype != "text/html":
        return response
    response.set_data(_LEADS_OUT.sub(r"\1", response.get_data(as_text=True)))
    return response
