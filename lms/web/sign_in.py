"""Getting in: a link sent to one's own work address, or a password for HR and admins; and getting out."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import sqlalchemy as sa
from flask import Blueprint, flash, redirect, render_template, url_for
from flask.globals import request
from flask.typing import ResponseReturnValue
from flask_wtf import FlaskForm
from wtforms import PasswordField, StringField
from wtforms.validators import InputRequired, Length, Regexp

from lms import audit, mail, tokens
from lms.attestations import IdentityAssurance
from lms.audit import Event
from lms.credentials import check_password
from lms.db import session
from lms.mail import MessageKind
from lms.people import Engagement, Person, Role, RoleName, people_with_email, roles_of
from lms.schools import Kind, Organisation
from lms.tokens import Purpose
from lms.web import access

blueprint = Blueprint("sign_in", __name__)

WINDOW = timedelta(minutes=15)
LINKS_PER_ADDRESS = 5
WRONG_PASSWORDS_PER_NETWORK = 300
"""Only wrong guesses count: a whole school has one address on the internet, and all of it signs in on one morning."""
LONGEST_NEXT = 500
LONGEST_PASSWORD = 1000
ADDRESS_WANTED = "Enter your work e-mail address, such as name@school.sch.uk"
WRONG = (
    "That address and password don’t go together. After 10 wrong tries a password can’t be used for "
    "15 minutes: you can ask for a link instead."
)


def _email_field() -> StringField:
    return StringField(
        "Work e-mail address",
        filters=[lambda typed: "".join(filter(str.isprintable, typed or "")).strip()],
        validators=[
            InputRequired(ADDRESS_WANTED),
            Length(max=254, message=ADDRESS_WANTED),
            Regexp(r"[^@\s]+@[^@\s]+\Z", message=ADDRESS_WANTED),
        ],
    )


class AddressForm(FlaskForm):  # type: ignore[misc]
    """Where to send a link."""

    email = _email_field()


class PasswordForm(FlaskForm):  # type: ignore[misc]
    """An address and its password."""

    email = _email_field()
    password = PasswordField(
        "Password",
        validators=[
            InputRequired("Enter your password"),
            # Hashing a whole book would hold up everybody who signs meanwhile.
            Length(max=LONGEST_PASSWORD, message="Enter your password, not a longer text"),
        ],
    )


@blueprint.route("/sign-in", methods=["GET", "POST"])
def sign_in() -> ResponseReturnValue:
    """Ask for a work address and send a link to it. The answer is the same whether or not it is known."""
    form = AddressForm()
    if form.validate_on_submit():
        send_link(form.email.data, _next())
        return redirect(url_for(".sent", next=_next_or_none()), 303)
    return _form_page("sign_in/address.html", form)


@blueprint.get("/sign-in/sent")
def sent() -> str:
    """Say that a link is on its way, if we know the address."""
    return render_template("sign_in/sent.html", next=_next_or_none())


@blueprint.route("/sign-in/link/<secret>", methods=["GET", "POST"])
def link(secret: str) -> ResponseReturnValue:
    """Show one button; pressing it spends the link and signs its owner in.

    Opening the link spends nothing and names nobody, because mail scanners open links before people do.
    """
    now = access.request_time()
    if request.method != "POST":
        usable = tokens.peek(secret, Purpose.SIGN_IN, now) is not None
        return _link_page(secret) if usable else _dead_link()
    person = _living(tokens.spend(secret, Purpose.SIGN_IN, now))
    if person is None:
        _refused(_living(tokens.owner(secret, Purpose.SIGN_IN)), "link")
        return _dead_link()
    _begin(person, IdentityAssurance.WORK_EMAIL, "link")
    return redirect(_next(), 303)


@blueprint.route("/sign-in/password", methods=["GET", "POST"])
def password() -> ResponseReturnValue:
    """Sign HR and admins in by password. The refusal is the same whatever was wrong."""
    form = PasswordForm()
    if not form.validate_on_submit():
        return _form_page("sign_in/password.html", form)
    now, network = access.request_time(), f"wrong passwords from {request.remote_addr}"
    if tokens.used(network, within=WINDOW, now=now) >= WRONG_PASSWORDS_PER_NETWORK:
        return render_template("sign_in/wait.html"), 429
    person = check_password(form.email.data, form.password.data, now)
    if person is None:
        tokens.allow(network, most=WRONG_PASSWORDS_PER_NETWORK, within=WINDOW, now=now)
        _refused(_only_person_at(form.email.data), "password")
        form.form_errors.append(WRONG)
        return _form_page("sign_in/password.html", form)
    _begin(person, IdentityAssurance.PASSWORD, "password")
    return redirect(_next(_desk_of(person)), 303)


@blueprint.post("/sign-out")
def sign_out() -> ResponseReturnValue:
    """End the sessions of this person, here and on other devices."""
    person = access.user().person
    _record(Event.SIGNED_OUT, person)
    access.sign_out()
    flash("You have signed out. Other devices that you were signed in on are signed out too.")
    return redirect(url_for(".sign_in"), 303)


def send_link(address: str, wanted: str) -> None:
    """Queue a link that leads to `wanted`, or the message that a shared address gets none, or (unseen) nothing.

    The same is done whichever it is, and taken back for an address we don't know: neither the answer nor the time
    that it takes tells who works here.
    """
    now = access.request_time()
    allowed = tokens.allow(f"links to {address.lower()}", most=LINKS_PER_ADDRESS, within=WINDOW, now=now)
    people = people_with_email(address)
    to = people[0] if people else _nobody(address)
    if to is None:
        return
    with session.begin_nested() as kept:
        if len(people) > 1:
            _queue(MessageKind.SHARED_ADDRESS, to)
        else:
            _queue(MessageKind.SIGN_IN_LINK, to, person_id=to.id if people else None, next=wanted)
        session.flush()
        if not allowed or not people:
            kept.rollback()
    mail.leave_after_commit()


def _nobody(address: str) -> Person | None:
    """Return a person who isn't on record, with this address; None while there is no school to write for."""
    root_id = session.scalar(sa.select(Organisation.id).limit(1))
    return Person(id=uuid4(), root_id=root_id, email=address) if root_id else None


def _queue(kind: MessageKind, person: Person, *, person_id: UUID | None = None, **payload: Any) -> None:
    assert person.email is not None
    mail.queue(
        kind,
        organisation_id=_organisation_id(person),
        address=person.email,
        now=access.request_time(),
        person_id=person_id,
        **payload,
    )


def _begin(person: Person, assurance: IdentityAssurance, method: str) -> None:
    access.sign_in(person, assurance)
    _record(Event.SIGNED_IN, person, method=method)


def _refused(person: Person | None, method: str) -> None:
    if person is not None:
        _record(Event.SIGN_IN_REFUSED, person, method=method)


def _record(event: Event, person: Person, **details: str) -> None:
    signed_in = event is not Event.SIGN_IN_REFUSED
    audit.record(
        event,
        organisation_id=_organisation_id(person),
        now=access.request_time(),
        actor_id=person.id if signed_in else None,
        subject_id=person.id,
        **details,
    )


def _organisation_id(person: Person) -> UUID:
    """Return where a person works, has a role, or else belongs: in whose name we write to them."""
    engaged = (
        sa.select(Engagement.organisation_id)
        .where(Engagement.person_id == person.id, Engagement.recorded_to.is_(None))
        .order_by(Engagement.starts.desc())
        .limit(1)
    )
    given = sa.select(Role.organisation_id).where(Role.person_id == person.id).limit(1)
    return session.scalar(engaged) or session.scalar(given) or person.root_id


def _living(person_id: UUID | None) -> Person | None:
    person = session.get(Person, person_id) if person_id else None
    return person if person is not None and person.erased_at is None else None


def _only_person_at(address: str) -> Person | None:
    people = people_with_email(address)
    return people[0] if len(people) == 1 else None


def _desk_of(person: Person) -> str:
    """Return the page that somebody who signs in by password most likely wants."""
    roles = roles_of(person.id)
    if any(RoleName.ADMIN in held for held in roles.values()):
        return url_for("admin.home")
    for organisation_id, held in roles.items():
        school = session.get_one(Organisation, organisation_id)
        if school.kind is Kind.SCHOOL and held & {RoleName.HR, RoleName.MANAGER}:
            return url_for("reporting.records", school=school.slug)
        if school.kind is Kind.SCHOOL and RoleName.RECEPTIONIST in held:
            return url_for("reception.desk", school=school.slug)
    return "/"


def _next(otherwise: str = "/") -> str:
    """Return the page that was wanted before signing in. Its address came from outside, so it is checked."""
    wanted = request.args.get("next")
    safe = access.safe_next(wanted if wanted and len(wanted) <= LONGEST_NEXT else None)
    return otherwise if safe == "/" else safe


def _next_or_none() -> str | None:
    wanted = _next()
    return None if wanted == "/" else wanted


def _form_page(template: str, form: FlaskForm) -> ResponseReturnValue:
    return render_template(template, form=form, next=_next_or_none()), 400 if form.errors else 200


def _link_page(secret: str) -> ResponseReturnValue:
    return render_template("sign_in/link.html", action=url_for(".link", secret=secret, next=_next_or_none()))


def _dead_link() -> ResponseReturnValue:
    # Returned and not raised, so that what was written down about it is kept.
    return render_template("sign_in/dead_link.html", next=_next_or_none()), 410
