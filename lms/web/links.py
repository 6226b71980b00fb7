"""Personal links, for HR: who gets one, by e-mail or as a letter, and where each stands."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.globals import request
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from lms import compliance, link_lines, links, short_codes, standings
from lms.clock import day_in_words, london_day
from lms.db import session
from lms.items import Item
from lms.links import MOST_AT_ONCE, Made, PersonalLink, Press
from lms.people import Person
from lms.standings import Filters
from lms.web import access
from lms.web.link_forms import ChooseForm, PeopleForm, PressForm, address_field, id_of
from lms.web.qr_codes import drawing_of
from lms.web.reporting.filters import asked, chosen, page_number, titles

blueprint = Blueprint("links", __name__)

PAGE_SIZE = 25
LETTER = "letter"


class SendForm(ChooseForm):
    """Who gets a link; for one person alone, where the code goes."""

    most = MOST_AT_ONCE
    second = address_field(
        "Second e-mail address, for the code (optional)",
        "Not the one that the link goes to. Leave it empty to hand the code over yourself.",
    )


@dataclass(frozen=True, slots=True)
class Slip:
    """A link just made, as HR sees it this once."""

    made: Made
    until: str
    code: str | None
    address: str | None
    drawing: Markup | None


@blueprint.route("/schools/<school>/records/links", methods=["GET", "POST"], endpoint="links")
def links_of_school(school: str) -> ResponseReturnValue:
    """Show who has something to sign and how the school's links stand; make links for those chosen."""
    del school
    items, form = compliance.items([access.school().id], access.request_time()), SendForm()
    if form.validate_on_submit():
        return _send(items, form)
    return _page(items, form)


def _page(items: list[Item], form: SendForm) -> ResponseReturnValue:
    found, now, wanted = access.school(), access.request_time(), PeopleForm(asked())
    wanted.item.choices = {"": "Everything", **titles(items)}
    item, one = chosen(items, wanted.item.data), id_of(request.args.get("person"))
    among = [one] if one else None
    people, total = standings.unsigned_people([item] if item else items, wanted.filters, MOST_AT_ONCE, among)
    number = page_number(asked().get("page"))
    lines, made = link_lines.lines(found.id, items, now, page=number, size=PAGE_SIZE)
    form.renew()
    page = render_template(
        "links/links.html",
        form=form,
        wanted=wanted,
        people=people,
        total=total,
        one=one,
        ticked=set(form.chosen) or set(among or []),
        lines=lines,
        number=number,
        pages=max(1, ceil(made / PAGE_SIZE)),
        page_address=lambda n: url_for(".links", school=found.slug, page=n, _anchor="made"),
        has_items=bool(items),
    )
    return page, 400 if form.errors else 200


def _send(items: list[Item], form: SendForm) -> ResponseReturnValue:
    # Whoever left or signed since the page was opened drops out here; another school's people never were in.
    people, _ = standings.unsigned_people(items, Filters(), MOST_AT_ONCE, form.chosen)
    second = (form.second.data or "").lower() if len(people) == 1 else ""
    if not people:
        form.form_errors.append("Choose somebody who has something to sign")
    elif second and second == people[0].person.email:
        form.second.errors = ["Enter another address than the one that the link goes to"]
    if form.errors:
        return _page(items, form)
    press, wanted = _press(form), [one.person for one in people]
    if request.form.get("how") == LETTER:
        return _made([links.print_letter(press, person) for person in wanted])
    with_address = [person for person in wanted if person.email]
    mailing_id = press.mailing_id if len(with_address) > 1 else None
    return _made(
        [links.send(press, person, second or None, mailing_id=mailing_id) for person in with_address],
        [person for person in wanted if not person.email],
        mailing_id,
    )


@blueprint.post("/schools/<school>/records/links/<uuid:link>/resend")
def resend(school: str, link: UUID) -> ResponseReturnValue:
    """Send a link anew, with a new code to hand over. The old ones die."""
    del school
    return _anew(link, links.send)


@blueprint.post("/schools/<school>/records/links/<uuid:link>/letter")
def letter(school: str, link: UUID) -> ResponseReturnValue:
    """Print a letter with the link made anew, and a new code to hand over. The old ones die."""
    del school
    return _anew(link, links.print_letter)


@blueprint.post("/schools/<school>/records/links/<uuid:link>/revoke")
def revoke(school: str, link: UUID) -> ResponseReturnValue:
    """End a link, and the sessions of whoever opened it."""
    found = links.link_at(access.school().id, link)
    links.revoke(_press(PressForm()), found)
    flash("Revoked. The link no longer works, and whoever had it open is signed out.")
    return redirect(url_for(".links", school=school), 303)


def _anew(link_id: UUID, make: Callable[[Press, Person], Made]) -> ResponseReturnValue:
    found: PersonalLink = links.link_at(access.school().id, link_id)
    return _made([make(_press(PressForm()), session.get_one(Person, found.person_id))])


def _press(form: PressForm) -> Press:
    return Press(access.school(), access.user().person.id, form.secret, access.request_time())


def _made(
    made: Sequence[Made], without_address: Sequence[Person] = (), mailing_id: UUID | None = None
) -> ResponseReturnValue:
    """Show what was made, this once: codes aren't kept. The same press again shows the same."""
    return render_template(
        "links/made.html",
        slips=[_slip(one) for one in made],
        without_address=without_address,
        mailing_id=mailing_id,
    )


def _slip(made: Made) -> Slip:
    address = None
    if made.secret is not None:
        address = access.settings().base_url + url_for(".open", secret=made.secret)
    return Slip(
        made,
        until=day_in_words(london_day(made.link.expires)),
        code=short_codes.in_halves(made.code) if made.code else None,
        address=address,
        drawing=drawing_of(address) if address else None,
    )
