"""What a reminder says when it leaves: what is still to be signed then, and only in hours when it may leave.

Each is looked up anew. So whoever has signed, left, gone away or been excused since it was queued gets none, and of
several that waited while the worker stood still only the newest goes.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import sqlalchemy as sa

from lms import compliance, open_items, reminder_texts, title_words
from lms.clock import day_in_words, london_day, start_of_day
from lms.compliance import Obligation
from lms.db import session
from lms.errors import CountersignError, NotFoundError
from lms.items import Item
from lms.mail import Message, MessageKind, MessageState
from lms.people import Person, people_with_email
from lms.recipients import is_in_team
from lms.reminder_plan import Open
from lms.reminder_settings import ReminderSettings, school_days, settings_of
from lms.reminders import Reminder, ReminderKind
from lms.schools import Organisation
from lms.status import Status
from lms.training import Assignment

KINDS = frozenset({MessageKind.REMINDER, MessageKind.TEAM_DIGEST, MessageKind.ESCALATION})
LONGEST_LIST = 200
"""People in one letter; more are counted."""
_NEVER = frozenset({MessageState.FAILED, MessageState.TAKEN_BACK})
"""The states of a letter that doesn't go any more."""
IF_UNKNOWN = timedelta(days=7)
"""How long a letter waits where nobody has entered when the school opens again."""


class NotYetError(CountersignError):
    """The letter may not leave now: `until` says when it is looked at again."""

    def __init__(self, until: datetime) -> None:
        super().__init__("The school is closed.")
        self.until = until


def compose(message: Message, base_url: str, now: datetime) -> tuple[str, str]:
    """Return the subject and body of a reminder.

    Raises:
        NotYetError: it is night, a weekend, a bank holiday or the holidays.
        NotFoundError: there is nothing to remind anybody of any more; the sentence says why.
    """
    school_id = message.organisation_id
    opens = school_days([school_id])[school_id].opens_at(now)
    if opens != now:
        raise NotYetError(opens or now + IF_UNKNOWN)
    school, settings = session.get_one(Organisation, school_id), settings_of(school_id)
    if not settings.is_on and message.payload.get("kind") != ReminderKind.BY_HAND:
        raise NotFoundError("reminders were switched off before it was sent")
    kind = message.kind.value
    listed = _LISTS[message.kind](message, settings, compliance.items([school_id], now), now)
    text = settings.texts.get(kind) or reminder_texts.usual(kind)
    return reminder_texts.letter(text, values(school, settings, _name(message), listed, base_url, kind))


def values(
    school: Organisation, settings: ReminderSettings, name: str, listed: str, base_url: str, kind: str
) -> dict[str, str]:
    """Return what is put in place of the names in a text."""
    records = f"/schools/{school.slug}/records"
    return {
        "name": name,
        "school": school.name,
        "list": listed,
        "link": base_url + (records if kind == MessageKind.TEAM_DIGEST else "/"),
        "days": str(settings.escalate_after),
        "hr_contact": school.contacts.get("hr_contact") or "the school office",
    }


def lines_of(opens: Sequence[Open], now: datetime) -> str:
    """Return what one person has to do, a line each; once what reads alike, of one school."""
    titles = title_words.told_apart(
        [(one.assignment_id, one.organisation_id, one.title, one.modules) for one in opens]
    )
    lines = {
        (one.organisation_id, f"- {titles[one.assignment_id]}: {_by_when(one, now)}"): None for one in opens
    }
    return "\n".join(line for _, line in lines)


def _titles(items: Sequence[Item]) -> dict[UUID, str]:
    assigned = ((item, item.assignment) for item in items)
    return title_words.told_apart(
        [(one.id, one.organisation_id, item.policy.title, tuple(one.modules)) for item, one in assigned]
    )


def _by_when(one: Open, now: datetime) -> str:
    assert one.due is not None
    day, late = day_in_words(one.due), one.days_late(london_day(now))
    if one.status is Status.SIGNED:
        return f"signed; sign again before {day}"
    if one.status is Status.EXPIRED:
        return f"what you signed stopped counting on {day}"
    if late <= 0:
        return "due today" if late == 0 else f"due by {day}"
    return f"was due on {day}, {_days(late)} ago"


def _name(message: Message) -> str:
    person = session.get(Person, message.person_id) if message.person_id else None
    return (person.known_as or person.forename or person.surname) if person else ""


def _of_person(message: Message, settings: ReminderSettings, items: list[Item], now: datetime) -> str:
    del settings, items
    person = session.get_one(Person, message.person_id)
    if [one.id for one in people_with_email(message.address)] != [person.id]:
        raise NotFoundError("the person's address was changed or is shared")
    _refuse_second(message, now)
    wanted = {UUID(one) for one in message.payload["assignments"].split()}
    left = open_items.to_do(_items_of(wanted, now), [person.id])
    if not left:
        raise NotFoundError("there was nothing left to sign when it was to be sent")
    return lines_of(sorted(left, key=lambda one: (str(one.due), one.title, one.modules)), now)


def _items_of(wanted: set[UUID], now: datetime) -> list[Item]:
    """Return these assignments as they are now: a digest may be about several schools of a trust."""
    schools = sa.select(Assignment.organisation_id).where(Assignment.id.in_(wanted)).distinct()
    return [item for item in compliance.items(session.scalars(schools), now) if item.assignment.id in wanted]


def _refuse_second(message: Message, now: datetime) -> None:
    """Hold to one a day, unless HR asked for another; and of several that waited send the newest."""
    others = sa.select(Message.state, Message.queued_at, Message.sent_at).where(
        Message.person_id == message.person_id,
        Message.kind == MessageKind.REMINDER,
        Message.id != message.id,
        sa.or_(Message.queued_at > message.queued_at, Message.sent_at >= start_of_day(london_day(now))),
    )
    for state, queued_at, sent_at in session.execute(others):
        if queued_at > message.queued_at and state not in _NEVER:
            raise NotFoundError("a later reminder took its place")
        if sent_at is not None and not message.payload.get("again"):
            raise NotFoundError("they had a reminder that day already")


def _of_team(message: Message, settings: ReminderSettings, items: list[Item], now: datetime) -> str:
    """Return who in a team is done and who isn't: never that somebody declined, nor why, nor who is away."""
    del settings, now
    assert message.person_id is not None
    manager_id = message.person_id
    found = open_items.obligations(items, lambda item, table: [is_in_team(item, table, manager_id)])
    titles = _titles(items)
    shown = [
        (titles[one.assignment_id], one.status is Status.SIGNED, one)
        for item, one in found
        if one.status is not Status.NOT_REQUIRED and not one.is_away
    ]
    if all(is_done for _, is_done, _ in shown):
        raise NotFoundError("everybody in the team was done when it was to be sent")
    by_title: dict[str, list[tuple[bool, Obligation]]] = {}
    for title, is_done, one in shown:
        by_title.setdefault(title, []).append((is_done, one))
    return "\n\n".join("\n".join([title, *_done_or_not(theirs)]) for title, theirs in by_title.items())


def _done_or_not(theirs: Sequence[tuple[bool, Obligation]]) -> list[str]:
    """Return who isn't done and who is. Whoever has two that read alike is there once, and done when both are."""
    not_done = {one.person_id: _sorted_name(one) for is_done, one in theirs if not is_done}
    done = {one.person_id: _sorted_name(one) for _, one in theirs if one.person_id not in not_done}
    return [*_block("Not done", [*not_done.values()]), *_block("Done", [*done.values()])]


def _block(heading: str, names: list[str]) -> list[str]:
    shown = [f"  - {name}" for name in sorted(names)[:LONGEST_LIST]]
    more = [f"  - and {len(names) - LONGEST_LIST} more"] if len(names) > LONGEST_LIST else []
    return [f"{heading}: {len(names)}", *shown, *more]


def _sorted_name(one: Obligation) -> str:
    return " ".join(one.name.split())


def _of_late(message: Message, settings: ReminderSettings, items: list[Item], now: datetime) -> str:
    """Return who is still late of those for whom the letter was queued."""
    del settings, now
    pairs = sa.select(Reminder.person_id, Reminder.assignment_id).where(Reminder.message_id == message.id)
    wanted = {(person_id, assignment_id) for person_id, assignment_id in session.execute(pairs)}
    theirs = [item for item in items if item.assignment.id in {assignment_id for _, assignment_id in wanted}]
    among = list({person_id for person_id, _ in wanted})
    found = open_items.obligations(theirs, lambda item, table: [open_items.is_to_do(item, table)], among)
    titles = _titles(theirs)
    late = {
        (-one.days_overdue, _sorted_name(one), titles[one.assignment_id], one.person_id)
        for _, one in found
        if (one.person_id, one.assignment_id) in wanted and one.days_overdue
    }
    if not late:
        raise NotFoundError("nobody was late any more when it was to be sent")
    shown = [
        f"- {name}: {title}, {_days(-days)} late" for days, name, title, _ in sorted(late)[:LONGEST_LIST]
    ]
    more = [f"- and {len(late) - LONGEST_LIST} more"] if len(late) > LONGEST_LIST else []
    return "\n".join([*shown, *more])


def _days(number: int) -> str:
    return f"{number:,} day{'s' if number != 1 else ''}"


_LISTS = {
    MessageKind.REMINDER: _of_person,
    MessageKind.TEAM_DIGEST: _of_team,
    MessageKind.ESCALATION: _of_late,
}
