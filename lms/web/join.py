"""The way in for somebody without an account: the code that reception handed out, on one device, for two hours."""

from __future__ import annotations

import re
import secrets
from datetime import timedelta
from uuid import UUID

from flask import Blueprint, current_app, g, redirect, render_template, url_for
from flask import session as cookie
from flask.globals import request
from flask.typing import ResponseReturnValue
from flask_login import current_user
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response
from wtforms import StringField
from wtforms.validators import InputRequired, Length, ValidationError

from lms import audit, desk_codes, my_training, passport
from lms.attestations import IdentityAssurance
from lms.audit import Event
from lms.clock import london_day
from lms.db import session
from lms.desk import Place, Visit
from lms.desk_codes import Pause, Refusal
from lms.my_training import Task
from lms.people import Person
from lms.schools import Organisation
from lms.short_codes import NotACode
from lms.status import Status
from lms.web import access, tablet

blueprint = Blueprint("join", __name__)

DEVICE = "countersign-device"
"""The cookie by which a device is known again: a secret of its own, sent to these pages alone."""
_OURS = re.compile(r"[A-Za-z0-9_-]{43}")
"""A device's secret as we make them: nobody's own may pass for a tablet's."""
MISTYPED = "No visit has this code. Look at it again. If it is right, ask reception for a new one"
STATUS = {
    Refusal.UNKNOWN: 404,
    Refusal.EXPIRED: 410,
    Refusal.LEFT: 410,
    Refusal.OTHER_DEVICE: 409,
    Refusal.OTHER_SCHOOL: 409,
}


class CodeForm(FlaskForm):  # type: ignore[misc]
    """The code, typed."""

    code = StringField(
        "Your code",
        description="Eight letters and numbers. Small letters are fine, and so is leaving out the line between.",
        validators=[
            InputRequired("Enter the code that reception gave you"),
            Length(max=40, message="A code has eight letters and numbers: look at it again"),
        ],
    )

    def validate_code(self, field: StringField) -> None:
        """Read the code, or say what no code has in it."""
        try:
            field.data = desk_codes.read(field.data)
        except NotACode as problem:
            raise ValidationError(str(problem)) from problem


@blueprint.route("/join", methods=["GET", "POST"])
def enter() -> ResponseReturnValue:
    """Take a typed code. A school's tablet has a start of its own for it."""
    if request.method != "POST" and tablet.is_open():
        return redirect(url_for("kiosk.welcome", ended=request.args.get("ended")))
    form = CodeForm()
    if not form.validate_on_submit():
        return _form_page(form)
    answer = _try(form.code.data)
    if answer is not Refusal.UNKNOWN:
        return _answered(answer, form.code.data)
    form.code.errors = [MISTYPED]
    return _form_page(form)


def _form_page(form: CodeForm) -> ResponseReturnValue:
    page = render_template("join/enter.html", form=form, ended=request.args.get("ended"))
    return page, 400 if form.errors else 200


@blueprint.route("/join/<code>", methods=["GET", "POST"])
def join(code: str) -> ResponseReturnValue:
    """Show one button to whoever followed the QR code, and name nobody; pressing it begins.

    Opening it looks nothing up: what a camera or a message opens beforehand spends nothing and learns nothing.
    """
    try:
        read = desk_codes.read(code)
    except NotACode as problem:
        return render_template("join/refused.html", why="not a code", problem=str(problem)), 404
    if request.method == "POST":
        return _answered(_try(read), read)
    if _is_somebody_signed_in():
        return _told_first(read)
    return render_template("join/begin.html", code=read)


@blueprint.post("/join/finish")
def finish() -> ResponseReturnValue:
    """End a visitor's session and their code, so that nothing of theirs is left on a phone that others use."""
    end_visit()
    return _keep(redirect(url_for(".enter", ended="finished"), 303), "", timedelta())


def end_visit() -> None:
    """Sign a visitor out of every device and end their code; of anybody else's session nothing changes."""
    visit_id = cookie.get("visit")
    if visit_id is not None and current_user.is_authenticated:
        desk_codes.finish(UUID(visit_id), access.request_time())
        visit = session.get_one(Visit, UUID(visit_id))
        _record(Event.SIGNED_OUT, visit)
        access.sign_out()
    elif visit_id is not None:
        tablet.begin_anew()


def _try(code: str) -> Visit | Refusal | Pause | None:
    """Look a code up, as far as wrong guesses allow; None where whoever is signed in must be told first."""
    if _is_somebody_signed_in() and "instead" not in request.form:
        return None
    now, device, school_id = access.request_time(), _device(), tablet.school_id()
    # What is guessed from phones on the school's own network doesn't stop its tablet.
    network = tablet.name() or request.remote_addr
    paused = desk_codes.pause(network, now, is_ours=school_id is not None)
    # A device that is bound already guesses nothing.
    if paused is not None and not desk_codes.is_bound(code, device):
        return paused
    place = Place.PHONE if school_id is None else Place.TABLET
    found = desk_codes.use(code, device, place, now, only_at=school_id)
    if found is Refusal.UNKNOWN:
        desk_codes.count_wrong(network, now)
    return found


def _answered(found: Visit | Refusal | Pause | None, code: str) -> ResponseReturnValue:
    if isinstance(found, Visit):
        return _begin(found)
    if isinstance(found, Pause):
        return render_template("join/wait.html", pause=found.name), 429
    if found is None:
        return _told_first(code)
    # Returned and not raised, so that the count of wrong guesses is kept.
    return render_template("join/refused.html", why=found.name, problem=None), STATUS[found]


def _told_first(code: str) -> ResponseReturnValue:
    return render_template("join/instead.html", code=code, name=access.user().person.name)


def _is_somebody_signed_in() -> bool:
    """Say whether somebody with an account uses this browser; a visitor who resumes needn't be told."""
    return bool(current_user.is_authenticated) and "visit" not in cookie


def _begin(visit: Visit) -> ResponseReturnValue:
    device, kept = _device(), tablet.kept()
    person = session.get_one(Person, visit.person_id)
    access.sign_in(
        person, IdentityAssurance.PHOTO_ID, until=visit.code_expires, only_at=visit.organisation_id
    )
    cookie.update(kept, visit=str(visit.id))
    _record(Event.SIGNED_IN, visit, method="desk code")
    answer = redirect(_first_page(person, visit), 303)
    # A tablet is everybody's, and must know nobody again.
    return answer if kept else _keep(answer, device, desk_codes.LASTS)


def _first_page(person: Person, visit: Visit) -> str:
    """Return the page of what is to be done first: what is due today, else the start, else the card."""
    now = access.request_time()
    here = [task for task in my_training.tasks(person, now) if task.school.id == visit.organisation_id]
    to_do = [task for task in here if _is_to_do(task)]
    if to_do and passport.for_task(person, to_do[0], now) is not None:
        return url_for("join.confirm", assignment=to_do[0].id)
    if to_do and to_do[0].obligation.due <= london_day(now):
        return _way_into(to_do[0])
    if to_do:
        return url_for("learning.home")
    return url_for("card.card", school=session.get_one(Organisation, visit.organisation_id).slug)


def _is_to_do(task: Task) -> bool:
    return task.is_open and task.obligation.status not in (Status.SIGNED, Status.DECLINED)


def _way_into(task: Task) -> str:
    state = task.next_module
    if state is None:
        return url_for("signing.sign", assignment=task.id)
    if state.attempt_id is None:
        return url_for("learning.module", slug=state.module.slug, assignment=task.id)
    return url_for("learning.step", slug=state.module.slug, attempt=state.attempt_id, step=0)


def _device() -> str:
    """Return this device's secret: the tablet's own, the one in its cookie, or a new one."""
    if "device" not in g:
        ours = tablet.school_id()
        kept = request.cookies.get(DEVICE, "")
        own = kept if _OURS.fullmatch(kept) else secrets.token_urlsafe(32)
        g.device = f"tablet of {ours}" if ours else own
    return str(g.device)


def _keep(answer: Response, secret: str, lasts: timedelta) -> Response:
    """Have the browser keep the device's secret; it is kept or refused as the session's cookie is."""
    config = current_app.config
    answer.set_cookie(
        DEVICE,
        secret,
        max_age=lasts,
        path="/join",
        httponly=True,
        secure=config["SESSION_COOKIE_SECURE"],
        samesite=config["SESSION_COOKIE_SAMESITE"],
        partitioned=config["SESSION_COOKIE_PARTITIONED"],
    )
    return answer


def _record(event: Event, visit: Visit, **details: str) -> None:
    audit.record(
        event,
        organisation_id=visit.organisation_id,
        now=access.request_time(),
        actor_id=visit.person_id,
        subject_id=visit.person_id,
        **details,
    )
