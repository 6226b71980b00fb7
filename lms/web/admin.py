"""For administrators: the schools they look after, the mail, the ledger, and a school's settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa
from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_wtf import FlaskForm
from wtforms import BooleanField, Field, StringField
from wtforms.validators import DataRequired, Length, Optional, Regexp, ValidationError

from lms import audit, ledger, mail
from lms.audit import Event
from lms.db import session
from lms.errors import NotFoundError
from lms.people import RoleName
from lms.policy_text import PLACEHOLDERS
from lms.schools import CARD_CONTACTS, Kind, Organisation
from lms.web import access

blueprint = Blueprint("admin", __name__)

LONGEST = 120
CONTACTS = {**PLACEHOLDERS, **CARD_CONTACTS}
"""Every setting, with what it stands for in words."""
MESSAGE_WORDS = {
    mail.MessageKind.SIGN_IN_LINK: "Sign-in link",
    mail.MessageKind.SHARED_ADDRESS: "Why a shared address gets no link",
    mail.MessageKind.RECEIPT: "Receipt",
    mail.MessageKind.HELP_REQUEST: "Request for HR’s help",
    mail.MessageKind.REMINDER: "Reminder",
    mail.MessageKind.TEAM_DIGEST: "Line manager’s weekly list",
    mail.MessageKind.ESCALATION: "Letter to the head",
}
GROUPS = {
    "The school": ("school", "head", "chair_of_governors", "senior_manager", "hr_contact", "first_aid"),
    "Safeguarding lead": tuple(name for name in PLACEHOLDERS if name.startswith("safeguarding_lead")),
    "Deputy safeguarding lead": tuple(name for name in PLACEHOLDERS if name.startswith("deputy_")),
    "Data protection officer": tuple(name for name in PLACEHOLDERS if name.startswith("data_protection")),
}
"""The settings in the order of the page, under their headings."""
NEEDED = frozenset({"school", "safeguarding_lead"})
"""Every page with a box to write in says whom to tell about a child, so that name can't be left out."""
HINTS = {
    "hr_contact": "A name, and how to reach them. For example: Bethan Lloyd in the office, extension 12.",
    "first_aid": "On the card that visitors get. For example: the office, extension 10.",
    "senior_manager": "Whom to tell when somebody is bullied online.",
    "school": "As it is written on letters. The web address of its pages stays as it is.",
}


class SettingsForm(FlaskForm):  # type: ignore[misc]
    """The school's name and its people (one field a contact, put in below), and what its desk accepts."""

    accepts_passports = BooleanField(
        "A visitor who signed the same policy at another school of the trust only confirms it here"
    )


def _no_brackets(form: FlaskForm, field: Field) -> None:
    del form
    if "[[" in field.data or "]]" in field.data:
        raise ValidationError(f"{field.label.text} can’t have double square brackets in it")


def _field(name: str) -> StringField:
    words = CONTACTS[name].removeprefix("the ")
    label = words[0].upper() + words[1:].replace("'", "’")
    needed = DataRequired(f"Enter {CONTACTS[name]}") if name in NEEDED else Optional()
    validators = [
        needed,
        Length(max=LONGEST, message=f"{label} must be {LONGEST} characters or fewer"),
        _no_brackets,
    ]
    if name.endswith("_email"):
        validators.append(Regexp(r"[^@\s]+@[^@\s]+\Z", message=f"{label} must be like name@school.sch.uk"))
    return StringField(label, description=HINTS.get(name, ""), filters=[_on_one_line], validators=validators)


def _on_one_line(typed: str | None) -> str:
    return " ".join("".join(c if c.isprintable() else " " for c in typed or "").split())


for _name in CONTACTS:
    setattr(SettingsForm, _name, _field(_name))


@dataclass(frozen=True)
class SchoolCard:
    """A school as the administrator's page shows it. `checkpoint` is the newest signed one, line by line."""

    school: Organisation
    entries: int
    checkpoint: list[str]


def administered() -> list[Organisation]:
    """Return the organisations that the person is an admin of, with the schools below them, by name."""
    held = [place for place, roles in access.user().roles.items() if RoleName.ADMIN in roles]
    within = sa.or_(Organisation.id.in_(held), Organisation.parent_id.in_(held))
    return list(session.scalars(sa.select(Organisation).where(within).order_by(Organisation.name)))


@blueprint.get("/admin")
def home() -> str:
    """Show the schools that the administrator looks after, and whether their mail and ledgers are well."""
    organisations = administered()
    outbox = mail.outbox([o.id for o in organisations], access.request_time())
    return render_template(
        "admin/home.html",
        schools=[_card(o) for o in organisations if o.kind is Kind.SCHOOL],
        outbox=outbox,
        message_words=MESSAGE_WORDS,
        smtp_is_set=access.settings().smtp_url is not None,
    )


@blueprint.post("/admin/messages/<uuid:message_id>/resend")
def resend(message_id: UUID) -> ResponseReturnValue:
    """Put a message that failed back in the outbox."""
    message = session.get(mail.Message, message_id)
    if message is None or message.organisation_id not in {o.id for o in administered()}:
        raise NotFoundError("There is no such message.")
    mail.resend(message, access.request_time())
    flash("The message is in the queue again. Look here in a minute to see whether it went.")
    return redirect(url_for(".home"), 303)


@blueprint.route("/schools/<school>/settings", methods=["GET", "POST"])
def settings(school: str) -> ResponseReturnValue:
    """Show and change the school's name and the people whom its pages and policies name."""
    found = access.school()
    kept = {"school": found.name, "accepts_passports": found.accepts_passports}
    form = SettingsForm(data={**found.contacts, **kept})
    if found.parent_id is None:
        del form.accepts_passports
    if form.validate_on_submit():
        accepts = form.accepts_passports.data if "accepts_passports" in form else found.accepts_passports
        _save(found, {name: form[name].data for name in CONTACTS}, accepts_passports=accepts)
        return redirect(url_for(".settings", school=school), 303)
    page = render_template("admin/settings.html", form=form, groups=GROUPS)
    return page, 400 if form.errors else 200


def _card(school: Organisation) -> SchoolCard:
    size, _ = ledger.state(school)
    return SchoolCard(school, size, (ledger.latest_checkpoint(school) or "").splitlines())


def _save(school: Organisation, wanted: Mapping[str, str], *, accepts_passports: bool) -> None:
    before = {**school.contacts, "school": school.name}
    changed = sorted(name for name, value in wanted.items() if value != before.get(name, ""))
    if accepts_passports != school.accepts_passports:
        changed.append("accepts_passports")
        school.accepts_passports = accepts_passports
    if not changed:
        flash("Nothing was different, so nothing was changed.")
        return
    school.name = wanted["school"]
    school.contacts = {name: value for name, value in wanted.items() if name != "school"}
    audit.record(
        Event.CONTACTS_CHANGED,
        organisation_id=school.id,
        now=access.request_time(),
        actor_id=access.user().person.id,
        names=" ".join(changed),
    )
    flash("Saved. Pages and policies show this from now on.")
