"""Reminders that HR sends by hand, to everybody who fits a filter: first looked at, then sent."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from lms import open_items, recipients, reminder_settings, reminders, reminding, standings
from lms.clock import london_day
from lms.compliance import Obligation
from lms.items import Item
from lms.recipients import NoMail
from lms.reminder_plan import Open
from lms.reminders import ReminderKind
from lms.standings import Filters
from lms.status import Status


@dataclass(frozen=True, slots=True)
class Recipient:
    """Somebody who can be reminded: of what, where to, and whether they were today."""

    person_id: UUID
    name: str
    called: str
    """What letters call them."""
    address: str
    about: tuple[Open, ...]
    had_one: bool


@dataclass(frozen=True, slots=True)
class Unreachable:
    """Somebody who has something to sign and can't be reminded by e-mail."""

    person_id: UUID
    name: str
    why: NoMail


@dataclass(frozen=True, slots=True)
class Look:
    """Whom a press of the button would remind, and whom not."""

    recipients: tuple[Recipient, ...]
    unreachable: tuple[Unreachable, ...]
    left_out: Counter[str]
    """How many others fit the filter, by why they aren't reminded."""
    leaves: datetime | None
    """When the letters leave: now, or when the school opens; None where no day is known on which it does."""

    @property
    def had_one(self) -> int:
        """How many were reminded on the day already."""
        return sum(one.had_one for one in self.recipients)

    def would_send(self, *, again: bool) -> bool:
        """Say whether a press would send anything; with `again`, also to whoever had one."""
        return self.leaves is not None and len(self.recipients) > (0 if again else self.had_one)

    @property
    def seen(self) -> str:
        """A short print of whom it is about, to tell whether anything has changed since it was shown."""
        listed = "\n".join(sorted(f"{one.person_id} {one.had_one}" for one in self.recipients))
        return hashlib.sha256(listed.encode()).hexdigest()[:16]


def look(item: Item, items: Sequence[Item], filters: Filters) -> Look:
    """Return whom reminding everybody who fits some filters under an item would reach. `items` are the school's.

    Eight queries or so, however many people.
    """
    school_id, now = item.assignment.organisation_id, item.moment
    fitting = list(open_items.obligations([item], lambda _, table: standings.conditions(table, filters)))
    open_of = {
        one.person_id: one for _, one in fitting if open_items.as_open(item, one).can_be_done(item.day)
    }
    left_out = Counter(_why(one) for _, one in fitting if one.person_id not in open_of)
    opens = reminding.by_person(open_items.to_do(items, list(open_of))) if open_of else {}
    reach = recipients.addresses([school_id])
    leaves = reminder_settings.school_days([school_id])[school_id].opens_at(now)
    day = london_day(leaves or now)
    today = reminders.people_on(day)
    found = sorted(open_of.values(), key=_sort)
    return Look(
        recipients=tuple(
            _recipient(one, address, opens[one.person_id], had_one=one.person_id in today)
            for one in found
            if one.person_id in opens and (address := reach.of(one.person_id))
        ),
        unreachable=tuple(
            Unreachable(one.person_id, one.name, why)
            for one in found
            if (why := reach.why_not(one.person_id))
        ),
        left_out=left_out,
        leaves=leaves,
    )


def send(look: Look, *, mailing_id: UUID, again: str, now: datetime) -> int:
    """Queue a digest for everybody in a look, as one mailing; return how many. `again`, if not empty, is the press
    that asks for another on the same day; without it, whoever had one is passed over. The caller commits.
    """
    leaves = look.leaves
    if leaves is None:
        return 0
    planned = [
        reminding.to_person(
            one.person_id,
            one.address,
            one.about,
            ReminderKind.BY_HAND,
            leaves,
            again if one.had_one else "",
            mailing_id,
        )
        for one in look.recipients
        if again or not one.had_one
    ]
    return reminding.put_in_outbox(planned, now)


def unreachable(items: Sequence[Item]) -> list[Unreachable]:
    """Return who has something to do at a school and can't be written to, by name. Three queries."""
    if not items:
        return []
    reach = recipients.addresses([items[0].assignment.organisation_id])
    found: dict[UUID, Obligation] = {}
    for item, one in open_items.obligations(items, lambda item, table: [open_items.is_to_do(item, table)]):
        if reach.why_not(one.person_id) and open_items.as_open(item, one).can_be_done(item.day):
            found[one.person_id] = one
    return [
        Unreachable(one.person_id, one.name, why)
        for one in sorted(found.values(), key=_sort)
        if (why := reach.why_not(one.person_id))
    ]


def _recipient(one: Obligation, address: str, about: Sequence[Open], *, had_one: bool) -> Recipient:
    called = one.known_as or one.forename or one.surname
    return Recipient(one.person_id, one.name, called, address, tuple(about), had_one)


def _sort(one: Obligation) -> tuple[str, str, str]:
    return one.surname.casefold(), one.forename.casefold(), str(one.person_id)


def _why(one: Obligation) -> str:
    return {
        Status.NOT_REQUIRED: "not required to",
        Status.DECLINED: "have declined",
        Status.SIGNED: "have signed",
    }.get(one.status, "are away")
