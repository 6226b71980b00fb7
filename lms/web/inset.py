"""An INSET day: the host's screen and list, and the page that a hall opens on its phones."""

from __future__ import annotations

from datetime import UTC, datetime, time
from uuid import UUID, uuid4

from flask import Blueprint, flash, g, jsonify, redirect, render_template, request, url_for
from flask import session as cookie
from flask.typing import ResponseReturnValue
from flask_login import current_user
from flask_wtf import FlaskForm
from wtforms import HiddenField, StringField, TimeField
from wtforms.validators import DataRequired, InputRequired, Length, ValidationError

from lms import audit, compliance, gatherings, help_requests, short_codes, standings
from lms.attestations import IdentityAssurance
from lms.audit import Event
from lms.clock import LONDON, london_day
from lms.db import session
from lms.gatherings import CODE_LENGTH, MOST_CODES, Gathering, Refusal
from lms.help_requests import HelpKind
from lms.people import Person
from lms.schools import Organisation
from lms.standings import Filters
from lms.web import access
from lms.web.link_forms import ChooseForm, PeopleForm, code_form, id_of
from lms.web.link_opening import NAMED_FOR, engaged_as
from lms.web.qr_codes import drawing_of
from lms.web.reporting.fields import one_line
from lms.web.reporting.filters import asked
from lms.web.sign_in import AddressForm, send_link

blueprint = Blueprint("inset", __name__)

MOST_SHOWN = 25
LONGEST_TITLE = 80
STATUS = {Refusal.UNKNOWN: 404, Refusal.CLOSED: 410, Refusal.NOT_HERE: 403, Refusal.PAUSED: 429}
ListCodeForm = code_form(CODE_LENGTH, "Enter the code from the host’s list")


class OpenForm(FlaskForm):  # type: ignore[misc]
    """What a session is called, and when nobody may join it any more."""

    own_id = HiddenField()
    title = StringField(
        "What is it called?",
        description="For example, INSET day, main hall. Everybody sees it.",
        filters=[one_line],
        validators=[
            DataRequired("Enter what the session is called"),
            Length(max=LONGEST_TITLE, message=f"Use no more than {LONGEST_TITLE} characters for the name"),
        ],
    )
    until = TimeField(
        "Until when may people join, today?",
        description="For example, 15:30, and no more than 12 hours from now. You can close it earlier.",
        validators=[InputRequired("Enter a time, such as 15:30")],
    )

    def validate_until(self, field: TimeField) -> None:
        """Refuse a time that isn't to come."""
        if field.data is not None and self.closes <= access.request_time():
            raise ValidationError("Enter a time later than now")

    @property
    def closes(self) -> datetime:
        """The moment that the form asks for."""
        today, at = london_day(access.request_time()), self.until.data
        assert isinstance(at, time)
        return datetime.combine(today, at, LONDON).astimezone(UTC)


class CodesForm(ChooseForm):
    """Who gets a code of their own."""

    most = MOST_CODES


@blueprint.route("/schools/<school>/inset", methods=["GET", "POST"])
def home(school: str) -> ResponseReturnValue:
    """List the school's sessions, and open one. A second press opens the same."""
    form, found, now = OpenForm(), access.school(), access.request_time()
    if form.validate_on_submit():
        own_id, host = id_of(form.own_id.data) or uuid4(), access.user().person.id
        made = gatherings.open_gathering(found.id, host, form.title.data, form.closes, now, own_id)
        return redirect(url_for(".host", school=school, gathering=made.id), 303)
    if id_of(form.own_id.data) is None:
        form.own_id.data = str(uuid4())
    page = render_template(
        "inset/home.html", form=form, sessions=gatherings.gatherings(found.id, MOST_SHOWN), now=now
    )
    return page, 400 if form.errors else 200


@blueprint.get("/schools/<school>/inset/<uuid:gathering>")
def host(school: str, gathering: UUID) -> str:
    """Show the hall how to join, and how many have: no names, for everybody sees this screen."""
    del school
    found, now = _ours(gathering), access.request_time()
    address = _address(found)
    return render_template(
        "inset/host.html",
        gathering=found,
        code=short_codes.in_halves(found.code),
        address=address,
        drawing=drawing_of(address),
        counts=gatherings.counts(found, now),
        is_open=found.is_open(now),
        is_paused=gatherings.is_paused(found, now),
    )


@blueprint.get("/schools/<school>/inset/<uuid:gathering>/count")
def count(school: str, gathering: UUID) -> ResponseReturnValue:
    """Return the counts alone, for the screen that asks every few seconds."""
    del school
    found = gatherings.counts(_ours(gathering), access.request_time())
    return jsonify(joined=found.joined, signed=found.signed, not_yet=found.not_yet, expected=found.expected)


@blueprint.route("/schools/<school>/inset/<uuid:gathering>/codes", methods=["GET", "POST"])
def codes(school: str, gathering: UUID) -> ResponseReturnValue:
    """Choose who gets a code of their own; show the codes this once. The same press again shows the same."""
    del school
    found, form, now = _ours(gathering), CodesForm(), access.request_time()
    items = compliance.items([found.organisation_id], now)
    if form.validate_on_submit():
        people, _ = standings.unsigned_people(items, Filters(), MOST_CODES, form.chosen)
        if people:
            return _codes_made(found, [one.person for one in people], form.secret)
        form.form_errors.append("Choose somebody who has something to sign")
    wanted = PeopleForm(asked())
    people, total = standings.unsigned_people(items, wanted.filters, MOST_CODES)
    form.renew()
    page = render_template(
        "inset/codes.html",
        gathering=found,
        form=form,
        wanted=wanted,
        people=people,
        total=total,
        listed=gatherings.listed(found),
    )
    return page, 400 if form.errors else 200


def _codes_made(found: Gathering, people: list[Person], secret: str) -> ResponseReturnValue:
    host_id, now = access.user().person.id, access.request_time()
    made = gatherings.make_codes(found, [person.id for person in people], secret, by=host_id, now=now)
    strips = [(person.name, short_codes.in_halves(made[person.id])) for person in people]
    return render_template(
        "inset/list.html", gathering=found, strips=strips, address=_address(found), closes=found.closes
    )


@blueprint.post("/schools/<school>/inset/<uuid:gathering>/close")
def close(school: str, gathering: UUID) -> ResponseReturnValue:
    """Let nobody join any more."""
    gatherings.close(_ours(gathering), access.user().person.id, access.request_time())
    flash("Closed. Nobody can join any more. Whoever is signed in can go on.")
    return redirect(url_for(".host", school=school, gathering=gathering), 303)


@blueprint.route("/inset/<code>", methods=["GET", "POST"])
def join(code: str) -> ResponseReturnValue:
    """Let somebody in the hall sign in as themselves: by a link to their work address, or by a code of their own."""
    found = gatherings.find(code, access.request_time())
    if isinstance(found, Refusal):
        return _refused(found)
    g.school = session.get_one(Organisation, found.organisation_id)
    way = request.form.get("way")
    if way == "mail":
        return _send_link(found)
    if way == "code":
        return _try_code(found)
    if way == "join" and current_user.is_authenticated:
        return _joined(found, access.user().person)
    named = _named(found)
    if named is None:
        return _join_page(found)
    if way in ("me", "not-me"):
        return _joined_by_code(found, named) if way == "me" else _not_me(found, named)
    return render_template("links/name.html", person=named, words=engaged_as(named, g.school), answer="way")


def _join_page(found: Gathering, failed: FlaskForm | None = None) -> ResponseReturnValue:
    address, typed = AddressForm(), ListCodeForm()
    if isinstance(failed, AddressForm):
        address, typed = failed, ListCodeForm(formdata=None)
    elif failed is not None:
        address, typed = AddressForm(formdata=None), failed
    me = access.user().person if current_user.is_authenticated else None
    page = render_template(
        "inset/join.html", gathering=found, address=address, typed=typed, form=failed or address, me=me
    )
    return page, 400 if failed else 200


def _send_link(found: Gathering) -> ResponseReturnValue:
    form = AddressForm()
    if not form.validate_on_submit():
        return _join_page(found, form)
    back = url_for(".join", code=found.code)
    send_link(form.email.data, back)
    return redirect(url_for("sign_in.sent", next=back), 303)


def _try_code(found: Gathering) -> ResponseReturnValue:
    form, now = ListCodeForm(), access.request_time()
    if not form.validate_on_submit():
        return _join_page(found, form)
    person = gatherings.person_with(found, form.code.data, now)
    if person is Refusal.PAUSED:
        return _refused(person)
    if isinstance(person, Refusal):
        # Returned and not raised, so that the count of wrong codes is kept.
        form.code.errors = ["Nobody on the host’s list has this code. Look at it again, or ask the host"]
        return _join_page(found, form)
    cookie["inset"] = {
        "at": now.timestamp(),
        "in": found.id.hex,
        "person": person.id.hex,
        "code": gatherings.mark_of(found, person.id),
    }
    return redirect(url_for(".join", code=found.code), 303)


def _named(found: Gathering) -> Person | None:
    """Return whose code this browser gave at this gathering, if that was not long ago and it is still theirs."""
    given = cookie.get("inset", {})
    is_fresh = access.request_time().timestamp() - given.get("at", 0) < NAMED_FOR.total_seconds()
    if not is_fresh or given["in"] != found.id.hex:
        return None
    person_id = UUID(given["person"])
    is_theirs = given.get("code") is not None and given["code"] == gatherings.mark_of(found, person_id)
    return session.get(Person, person_id) if is_theirs else None


def _joined_by_code(found: Gathering, person: Person) -> ResponseReturnValue:
    refusal = gatherings.join(found, person.id, access.request_time())
    if refusal is not None:
        return _refused(refusal)
    access.sign_in(person, IdentityAssurance.LISTED_CODE, only_at=found.organisation_id)
    audit.record(
        Event.SIGNED_IN,
        organisation_id=found.organisation_id,
        now=access.request_time(),
        actor_id=person.id,
        subject_id=person.id,
        method="code from a list",
    )
    return redirect(url_for("learning.home"), 303)


def _joined(found: Gathering, person: Person) -> ResponseReturnValue:
    refusal = gatherings.join(found, person.id, access.request_time())
    return redirect(url_for("learning.home"), 303) if refusal is None else _refused(refusal)


def _not_me(found: Gathering, person: Person) -> ResponseReturnValue:
    """End the code, and tell HR that somebody else has it."""
    now = access.request_time()
    gatherings.forget_code(found, person.id)
    left = standings.unsigned(compliance.items([found.organisation_id], now), [person.id]).get(person.id)
    if left:
        asked_ = help_requests.ask(g.school, person.id, left[0], HelpKind.NOT_ME, "", now)
        help_requests.tell_hr(g.school, person, asked_, now)
    cookie.clear()
    flash("Thank you. HR has been told, and nobody is signed in. Ask the host for your own code.")
    return redirect(url_for(".join", code=found.code), 303)


def _refused(refusal: Refusal) -> ResponseReturnValue:
    cookie.pop("inset", None)
    return render_template("inset/refused.html", why=refusal.name), STATUS[refusal]


def _ours(gathering_id: UUID) -> Gathering:
    return gatherings.gathering_at(access.school().id, gathering_id)


def _address(found: Gathering) -> str:
    return access.settings().base_url + url_for(".join", code=found.code)
