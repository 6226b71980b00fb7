"""Opening a personal link: a code that came another way, then a name, then in. Opening the page spends nothing."""

from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa
from flask import g, redirect, render_template, url_for
from flask import session as cookie
from flask.globals import request
from flask.typing import ResponseReturnValue

from lms import audit, links
from lms.attestations import IdentityAssurance
from lms.audit import Event
from lms.clock import london_day
from lms.db import session
from lms.links import CODE_LENGTH, MOST_WRONG, CodeWay, PersonalLink, Refusal
from lms.people import Engagement, EngagementType, Person
from lms.schools import Organisation
from lms.web import access
from lms.web.link_forms import code_form
from lms.web.links import blueprint as blueprint

NAMED_FOR = timedelta(minutes=15)
"""How long after the code somebody may take to say that it is them."""
ASSURANCES = {
    CodeWay.HANDED_OVER: IdentityAssurance.LINK_AND_HANDED_CODE,
    CodeWay.SECOND_ADDRESS: IdentityAssurance.LINK_AND_SENT_CODE,
}
LinkCodeForm = code_form(CODE_LENGTH, "Enter the code that the school gave you")


@blueprint.route("/link/<secret>", methods=["GET", "POST"])
def open(secret: str) -> ResponseReturnValue:
    """Ask for the code; once it was given, name the person; once they say that it is them, sign them in.

    What a mail scanner opens names nobody and spends nothing.
    """
    now, is_answer = access.request_time(), request.method == "POST"
    link = links.find(secret, now, to_change=is_answer)
    if isinstance(link, Refusal):
        return _dead(link)
    g.school = session.get_one(Organisation, link.organisation_id)
    answer = request.form.get("answer")
    if not _code_was_given(link):
        return _ask_for_code(link, secret)
    if answer == "me":
        return _sign_in(link)
    return _not_me(link) if answer == "not-me" else _name(link)


def _ask_for_code(link: PersonalLink, secret: str) -> ResponseReturnValue:
    form, now, network = LinkCodeForm(), access.request_time(), request.remote_addr
    if form.validate_on_submit():
        if links.is_paused(network, now):
            return render_template("links/wait.html", contacts=g.school.placeholder_values), 429
        if links.give_code(link, form.code.data, network, now):
            cookie["link"] = {"id": link.id.hex, "made": link.press_hash[:16], "at": now.timestamp()}
            return redirect(url_for(".open", secret=secret), 303)
        _record(Event.SIGN_IN_REFUSED, link)
        # Returned and not raised, so that the count of wrong codes is kept.
        if link.is_locked:
            return _dead(Refusal.LOCKED)
        form.code.errors = [_wrong(link)]
    page = render_template("links/code.html", form=form, way=link.code_way.value)
    return page, 400 if form.errors else 200


def _wrong(link: PersonalLink) -> str:
    left = MOST_WRONG - link.wrong_codes
    tries = "1 try" if left == 1 else f"{left} tries"
    return f"That isn’t the code for this link. Look at it again: you have {tries} left"


def _code_was_given(link: PersonalLink) -> bool:
    """Say whether this browser gave the code of the link as it is now, and not long ago."""
    given = cookie.get("link", {})
    is_fresh = access.request_time().timestamp() - given.get("at", 0) < NAMED_FOR.total_seconds()
    return is_fresh and (given.get("id"), given.get("made")) == (link.id.hex, link.press_hash[:16])


def _name(link: PersonalLink) -> ResponseReturnValue:
    person = session.get_one(Person, link.person_id)
    return render_template("links/name.html", person=person, words=engaged_as(person, g.school))


def _sign_in(link: PersonalLink) -> ResponseReturnValue:
    person = session.get_one(Person, link.person_id)
    access.sign_in(person, ASSURANCES[link.code_way], only_at=link.organisation_id)
    _record(Event.SIGNED_IN, link)
    return redirect(url_for("learning.home"), 303)


def _not_me(link: PersonalLink) -> ResponseReturnValue:
    """End the link and this browser's session, and tell HR."""
    links.disown(link, access.request_time())
    cookie.clear()
    contacts = g.school.placeholder_values
    return render_template("signing/signed_out.html", contacts=contacts, navigation=[], sign_out_url=None)


def _dead(refusal: Refusal) -> ResponseReturnValue:
    cookie.pop("link", None)
    return render_template("links/dead.html", why=refusal.name), 410


def _record(event: Event, link: PersonalLink) -> None:
    audit.record(
        event,
        organisation_id=link.organisation_id,
        now=access.request_time(),
        actor_id=link.person_id if event is Event.SIGNED_IN else None,
        subject_id=link.person_id,
        method="personal link",
    )


def engaged_as(person: Person, school: Organisation) -> str:
    """Return what somebody is to a school today or will be, as a sentence goes on: "governor"."""
    found = session.scalar(
        sa.select(Engagement.type)
        .where(Engagement.person_id == person.id, Engagement.organisation_id == school.id)
        .where(Engagement.recorded_to.is_(None))
        .where(sa.or_(Engagement.ends.is_(None), Engagement.ends >= london_day(access.request_time())))
        .order_by(Engagement.starts, Engagement.id)
        .limit(1)
    )
    return EngagementType(found).words.lower() if found else ""
