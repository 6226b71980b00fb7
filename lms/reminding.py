"""The hourly look at whom to remind: worked out in one pass over every school, and put in the outbox.

Nothing is put there but between eight and six on a school day (`lms.school_days`), and a letter that didn't leave in
time waits for the next such hour. What it says is looked up when it leaves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from uuid import UUID, uuid4

import sqlalchemy as sa

from lms import compliance, mail, open_items, recipients, reminder_settings, reminders
from lms.clock import london_day, start_of_day
from lms.db import session
from lms.items import Item
from lms.mail import Draft, Message, MessageKind
from lms.recipients import Addresses
from lms.reminder_plan import USUAL, Open, is_to_escalate, is_wanted
from lms.reminder_settings import ReminderSettings
from lms.reminders import Latest, Reminder, ReminderKind


@dataclass(frozen=True, slots=True)
class Planned:
    """A letter, and what it is about."""

    draft: Draft
    about: tuple[Open, ...]
    kind: ReminderKind | None
    """None for a manager's list, which reminds nobody of anything."""


@dataclass(frozen=True, slots=True)
class _Seen:
    """What is known of every school that reminds people and is open now."""

    now: datetime
    settings: dict[UUID, ReminderSettings]
    days: dict[UUID, Callable[[date], date]]
    """The last school day up to a day, by school."""
    schedules: dict[UUID, tuple[int, ...]]
    items: list[Item]
    open: list[Open]
    reminded: Latest
    escalated: Latest
    addresses: Addresses
    written: frozenset[str]
    """The `dedupe` of this week's letters to managers and heads."""

    @property
    def day(self) -> date:
        """Today."""
        return london_day(self.now)

    def wants(self, one: Open, last: date | None) -> bool:
        """Say whether the schedule asks for a reminder, where the latest was on a day."""
        offsets = self.schedules.get(one.assignment_id, USUAL)
        return is_wanted(one, offsets, last, self.day, self.days[one.organisation_id])


def plan(now: datetime) -> list[Planned]:
    """Return the letters that are due now, of all schools. Reads only; the number of queries doesn't grow with people.

    One letter a person a day at most, whichever of a trust's schools asks.
    """
    on = reminder_settings.all_on()
    days = reminder_settings.school_days(on)
    here = {one: settings for one, settings in on.items() if days[one].is_open(now)}
    items = compliance.items(here, now) if here else []
    if not items:
        return []
    day = london_day(now)
    seen = _Seen(
        now=now,
        settings=here,
        days={one: cache(days[one].school_day_by) for one in here},
        schedules=reminder_settings.schedules(here),
        items=items,
        open=open_items.to_do(items),
        reminded=reminders.asked_for(here, day),
        escalated=reminders.escalated(here, day),
        addresses=recipients.addresses(here),
        written=_written_this_week(here, day),
    )
    return [*_to_people(seen), *_to_managers(seen), *_to_heads(seen)]


def remind(now: datetime) -> int:
    """Put the letters that are due now in the outbox; return how many. The caller commits."""
    return put_in_outbox(plan(now), now)


def put_in_outbox(planned: Sequence[Planned], now: datetime) -> int:
    """Queue letters, and write down who is reminded of what; return how many letters there are."""
    mail.queue_all([one.draft for one in planned], now)
    rows = [
        {
            "id": uuid4(),
            "organisation_id": about.organisation_id,
            "person_id": about.person_id,
            "assignment_id": about.assignment_id,
            "message_id": one.draft.id,
            "kind": one.kind,
            "reminded_on": london_day(one.draft.leaves),
        }
        for one in planned
        if one.kind is not None
        for about in one.about
    ]
    if rows:
        session.execute(sa.insert(Reminder), rows)
    return len(planned)


def to_person(
    person_id: UUID,
    address: str,
    about: Sequence[Open],
    kind: ReminderKind,
    leaves: datetime,
    again: str = "",
    mailing_id: UUID | None = None,
) -> Planned:
    """Return the digest of what one person has to do. `again` makes it another one on the same day."""
    draft = Draft(
        id=uuid4(),
        kind=MessageKind.REMINDER,
        organisation_id=about[0].organisation_id,
        address=address,
        person_id=person_id,
        dedupe=f"reminder:{person_id}:{london_day(leaves)}:{again}",
        payload={
            "assignments": " ".join(str(one.assignment_id) for one in about),
            "kind": kind.value,
            "again": "yes" if again else "",
        },
        leaves=leaves,
        mailing_id=mailing_id,
    )
    return Planned(draft, tuple(about), kind)


def by_person(opens: Iterable[Open]) -> dict[UUID, list[Open]]:
    """Return what each person has to do, the most urgent first."""
    found: dict[UUID, list[Open]] = {}
    for one in sorted(opens, key=lambda one: (one.due or date.max, one.title, one.modules)):
        found.setdefault(one.person_id, []).append(one)
    return found


def _to_people(seen: _Seen) -> list[Planned]:
    had_one = reminders.people_on(seen.day)
    wanted = {
        one.person_id
        for one in seen.open
        if one.person_id not in had_one
        and seen.wants(one, seen.reminded.get((one.person_id, one.assignment_id)))
    }
    # Whoever is written to hears of everything that has come near: the next letter needn't follow tomorrow.
    near = (one for one in seen.open if one.person_id in wanted and seen.wants(one, None))
    return [
        to_person(person_id, address, theirs, ReminderKind.SCHEDULED, seen.now)
        for person_id, theirs in by_person(near).items()
        if (address := seen.addresses.of(person_id))
    ]


def _to_managers(seen: _Seen) -> list[Planned]:
    asked = {school_id for school_id, settings in seen.settings.items() if settings.managers_weekly}
    items = [item for item in seen.items if item.assignment.organisation_id in asked]
    waiting = {(one.organisation_id, one.person_id) for one in seen.open}
    year, week, _ = seen.day.isocalendar()
    found = []
    for (school_id, manager_id), team in recipients.teams(items).items():
        dedupe = f"team:{school_id}:{manager_id}:{year}-{week}"
        address = seen.addresses.of(manager_id)
        if address and dedupe not in seen.written and any((school_id, one) in waiting for one in team):
            draft = _draft(MessageKind.TEAM_DIGEST, school_id, address, manager_id, dedupe, seen.now)
            found.append(Planned(draft, (), None))
    return found


def _to_heads(seen: _Seen) -> list[Planned]:
    late: dict[UUID, list[Open]] = {}
    for one in seen.open:
        settings = seen.settings[one.organisation_id]
        last = seen.escalated.get((one.person_id, one.assignment_id))
        if settings.head_email and is_to_escalate(one, settings.escalate_after, last, seen.day):
            late.setdefault(one.organisation_id, []).append(one)
    found = []
    for school_id, about in late.items():
        dedupe = f"head:{school_id}:{seen.day}"
        address = seen.settings[school_id].head_email
        if address and dedupe not in seen.written:
            draft = _draft(MessageKind.ESCALATION, school_id, address, None, dedupe, seen.now)
            found.append(Planned(draft, tuple(about), ReminderKind.ESCALATED))
    return found


def _draft(
    kind: MessageKind, school_id: UUID, address: str, person_id: UUID | None, dedupe: str, leaves: datetime
) -> Draft:
    return Draft(uuid4(), kind, school_id, address, person_id, dedupe, {}, leaves)


def _written_this_week(organisation_ids: Iterable[UUID], day: date) -> frozenset[str]:
    monday = start_of_day(day - timedelta(days=day.weekday()))
    return frozenset(
        session.scalars(
            sa.select(Message.dedupe).where(
                Message.organisation_id.in_(list(organisation_ids)),
                Message.kind.in_((MessageKind.TEAM_DIGEST, MessageKind.ESCALATION)),
                Message.queued_at >= monday,
            )
        )
    )
