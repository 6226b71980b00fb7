"""Reminders by e-mail: whether and when they leave, in which words, what became of them, and reminding by hand."""

from __future__ import annotations

from datetime import timedelta
from math import ceil
from uuid import UUID, uuid4

from flask import current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from lms import compliance, mail, mailings, remind_now, reminder_letters, reminder_log, reminder_texts
from lms import reminder_settings as kept
from lms.audit import Event
from lms.clock import london_day
from lms.compliance import Item
from lms.db import session
from lms.errors import NotFoundError
from lms.reminder_plan import USUAL, offsets_in_words
from lms.web import access
from lms.web.reporting.blueprint import blueprint
from lms.web.reporting.filters import PeopleForm, asked, chosen, page_number, titles, widest
from lms.web.reporting.mailing import PLACES
from lms.web.reporting.noting import note
from lms.web.reporting.reminder_forms import ScheduleForm, SettingsForm, SureForm, TextForm

LOOKED_BACK = timedelta(days=30)
SEND, AGAIN, PREVIEW, USUAL_TEXT = "send", "again", "preview", "usual"
MOST_SHOWN = 100
"""Names on the page that asks whether to remind them; more are counted."""


@blueprint.get("/schools/<school>/records/reminders")
def reminders(school: str) -> str:
    """Show how reminders are set, who can't be reached, and what was sent to whom."""
    found, now, number = access.school(), access.request_time(), page_number(asked().get("page"))
    items = compliance.items([found.id], now)
    own, names = kept.schedules([found.id]), titles(items)
    lines, total = reminder_log.lines(found.id, number)
    days = kept.school_days([found.id])[found.id]
    return render_template(
        "reporting/reminders.html",
        settings=kept.settings_of(found.id),
        schedules=[
            (item.assignment.id, names[str(item.assignment.id)], _words(own.get(item.assignment.id)))
            for item in items
        ],
        kinds=reminder_texts.KINDS.values(),
        days=days,
        has_run_out=days.known_until is not None and days.known_until < london_day(now),
        unreachable=remind_now.unreachable(items),
        lines=lines,
        words={kind: reminder_texts.KINDS[kind].words for kind in reminder_texts.KINDS},
        number=number,
        pages=max(1, ceil(total / reminder_log.PAGE_SIZE)),
        page_address=lambda n: url_for(".reminders", school=school, page=n, _anchor="sent"),
        totals=reminder_log.totals(found.id, now - LOOKED_BACK),
        mailings=mailings.recent(found.id, now),
        places=PLACES,
        is_late=mail.outbox([found.id], now).is_late,
        # The demo shows its letters in the terminal.
        has_mail_server=access.settings().smtp_url is not None or bool(current_app.config.get("DEMO")),
    )


@blueprint.route("/schools/<school>/records/reminders/settings", methods=["GET", "POST"])
def reminder_settings(school: str) -> ResponseReturnValue:
    """Switch reminders on or off, and say who else hears."""
    settings = kept.settings_of(access.school().id)
    form = SettingsForm(obj=settings)
    if not form.validate_on_submit():
        return render_template("reporting/reminder_settings.html", form=form), 400 if form.errors else 200
    names = ("is_on", "managers_weekly", "head_email", "escalate_after")
    wanted = {name: form[name].data for name in names} | {"head_email": form.head_email.data or None}
    changed = [name for name in names if getattr(settings, name) != wanted[name]]
    for name in names:
        setattr(settings, name, wanted[name])
    session.add(settings)
    _changed(" ".join(changed))
    flash("Saved. Reminders are on." if settings.is_on else "Saved. Reminders are off.")
    return redirect(url_for(".reminders", school=school), 303)


@blueprint.route("/schools/<school>/records/reminders/schedule/<uuid:assignment>", methods=["GET", "POST"])
def reminder_schedule(school: str, assignment: UUID) -> ResponseReturnValue:
    """Ask on which days around the day it is due people are reminded of one assignment."""
    found = access.school()
    items = compliance.items([found.id], access.request_time())
    item = chosen(items, str(assignment))
    if item is None:
        raise NotFoundError("That isn’t assigned here any more.")
    form = ScheduleForm.of(kept.schedules([found.id]).get(assignment, USUAL))
    if not form.validate_on_submit():
        title = titles(items)[str(assignment)]
        page = render_template("reporting/reminder_schedule.html", form=form, title=title, usual=_words(None))
        return page, 400 if form.errors else 200
    kept.set_schedule(found.id, assignment, form.offsets)
    _changed(f"schedule {assignment}")
    flash(f"Saved. {item.policy.title}: {offsets_in_words(form.offsets)}.")
    return redirect(url_for(".reminders", school=school), 303)


@blueprint.route("/schools/<school>/records/reminders/texts/<kind>", methods=["GET", "POST"])
def reminder_text(school: str, kind: str) -> ResponseReturnValue:
    """Show a letter's text as the school has it; check it, show how it would look, and keep it."""
    del school
    if kind not in reminder_texts.KINDS:
        raise NotFoundError("There is no such letter.")
    settings, step = kept.settings_of(access.school().id), request.form.get("step")
    own = settings.texts.get(kind)
    subject, body = reminder_texts.split(own or reminder_texts.usual(kind))
    form = TextForm(None if step == USUAL_TEXT else request.form or None, subject=subject, body=body)
    form.kind = reminder_texts.KINDS[kind]
    is_sent = request.method == "POST" and step != USUAL_TEXT
    if step == USUAL_TEXT or (is_sent and form.validate() and step != PREVIEW):
        return _keep_text(kind, None if step == USUAL_TEXT else form.text)
    page = render_template(
        "reporting/reminder_text.html",
        form=form,
        letter=form.kind,
        is_own=own is not None,
        words=reminder_texts.WORDS,
        contacts=access.school().placeholder_values,
        shown=None if form.errors else reminder_texts.letter(form.text, _example(kind)),
    )
    return page, 400 if form.errors else 200


def _keep_text(kind: str, text: str | None) -> ResponseReturnValue:
    settings = kept.settings_of(access.school().id)
    others = {name: kept_text for name, kept_text in settings.texts.items() if name != kind}
    settings.texts = others if text is None or text == reminder_texts.usual(kind) else {**others, kind: text}
    session.add(settings)
    _changed(f"text {kind}")
    flash("Saved. Letters from now on say this.")
    return redirect(url_for(".reminders", school=access.school().slug), 303)


def _example(kind: str) -> dict[str, str]:
    found = access.school()
    listed = {
        "reminder": "- Social media policy: due by 30 September 2026\n- Safeguarding policy: due today",
        "team_digest": "Social media policy\nNot done: 1\n  - Tomos Hughes\nDone: 2\n  - Mair Evans\n  - Sam Patel",
        "escalation": "- Tomos Hughes: Social media policy, 23 days late",
    }[kind]
    settings, base_url = kept.settings_of(found.id), access.settings().base_url
    return reminder_letters.values(found, settings, "Tomos", listed, base_url, kind)


@blueprint.route("/schools/<school>/records/reminders/now", methods=["GET", "POST"], endpoint="remind_now")
def remind_these(school: str) -> ResponseReturnValue:
    """Show whom a reminder would go to now, of those in a filtered list; at the button, queue it.

    What was shown is what is sent: where anything has changed since, another press of the same button included, the
    page asks again.
    """
    found, now = access.school(), access.request_time()
    items = compliance.items([found.id], now)
    wanted = PeopleForm(asked())
    item = chosen(items, wanted.item.data) or widest(items)
    if item is None:
        raise NotFoundError("Nothing is assigned here, so there is nothing to remind anybody of.")
    look, form = remind_now.look(item, items, wanted.filters), SureForm()
    step = request.form.get("step") if form.validate_on_submit() else None
    if form.seen.data == look.seen and look.would_send(again=step == AGAIN) and step in (SEND, AGAIN):
        mailing_id, again = uuid4(), str(uuid4()) if step == AGAIN else ""
        sent = remind_now.send(look, mailing_id=mailing_id, again=again, now=now)
        about = {"assignment": str(item.assignment.id), "mailing": str(mailing_id)}
        note(Event.REMINDED_BY_HAND, **about, people=sent)
        return redirect(url_for(".mailing", school=school, mailing_id=mailing_id), 303)
    form.seen.process_data(look.seen)
    form.seen.raw_data = None
    return render_template(
        "reporting/remind_now.html",
        form=form,
        look=look,
        item=item,
        filters=wanted.filters.words,
        has_changed=step is not None,
        most=MOST_SHOWN,
        shown=_letter_to_first(look, item),
        is_open=look.leaves == now,
    )


def _letter_to_first(look: remind_now.Look, item: Item) -> tuple[str, str] | None:
    """Return the letter that the first of them would get."""
    if not look.recipients:
        return None
    found, first = access.school(), look.recipients[0]
    settings = kept.settings_of(found.id)
    listed = reminder_letters.lines_of(first.about, item.moment)
    text = settings.texts.get("reminder") or reminder_texts.usual("reminder")
    base_url = access.settings().base_url
    return reminder_texts.letter(
        text, reminder_letters.values(found, settings, first.called, listed, base_url, "reminder")
    )


def _words(offsets: tuple[int, ...] | None) -> str:
    return offsets_in_words(USUAL if offsets is None else offsets)


def _changed(names: str) -> None:
    if names:
        note(Event.REMINDERS_CHANGED, names=names)
