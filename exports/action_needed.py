"""The sheet Action needed: a line for each thing that somebody has to see to, with what to do next."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from exports.columns import Column, Kind
from lms.record import ItemStatus, RecordItem, RecordRow
from lms.status import Status

SOON = 14
"""Days. What is due within as many is on the sheet."""

NEXT_STEP = {
    Status.OVERDUE: "Ask them to sign today",
    Status.EXPIRED: "Ask them to sign again",
    Status.DECLINED: "HR to speak with them",
    Status.IN_PROGRESS: "Remind them",
    Status.NOT_STARTED: "Remind them",
}


@dataclass(frozen=True, slots=True)
class Action:
    """One person and one item that needs seeing to."""

    person: RecordRow
    item: RecordItem
    standing: ItemStatus
    days_overdue: int | None


ACTION_COLUMNS: tuple[Column[Action], ...] = (
    Column("Staff no.", 10, Kind.TEXT, lambda action: action.person.staff_no),
    Column("Surname", 17, Kind.TEXT, lambda action: action.person.surname),
    Column("Forename", 14, Kind.TEXT, lambda action: action.person.forename),
    Column("Category", 19, Kind.TEXT, lambda action: action.person.category),
    Column("Role", 22, Kind.TEXT, lambda action: action.person.role),
    Column("Agency", 16, Kind.TEXT, lambda action: action.person.agency),
    Column("Manager", 16, Kind.TEXT, lambda action: action.person.manager),
    Column("To sign", 28, Kind.TEXT, lambda action: action.item.title),
    Column("Status", 13, Kind.STATUS, lambda action: action.standing.status),
    Column("Due", 12, Kind.DATE, lambda action: action.standing.due),
    Column("Days overdue", 11, Kind.WHOLE, lambda action: action.days_overdue),
    Column("Next step", 25, Kind.TEXT, lambda action: NEXT_STEP[action.standing.status]),
)


def actions(person: RecordRow, items: Sequence[RecordItem], as_at: date) -> Iterator[Action]:
    """Yield what has to be seen to for one person, in the items' order."""
    for item, standing in zip(items, person.items, strict=True):
        if _needs_action(standing, as_at):
            yield Action(person, item, standing, _days_overdue(standing, as_at))


def _needs_action(standing: ItemStatus, as_at: date) -> bool:
    # Who is away has no day by which to sign, and is left in peace.
    if standing.due is None:
        return False
    match standing.status:
        case Status.OVERDUE | Status.EXPIRED | Status.DECLINED:
            return True
        case Status.IN_PROGRESS | Status.NOT_STARTED:
            return (standing.due - as_at).days <= SOON
        case _:
            return False


def _days_overdue(standing: ItemStatus, as_at: date) -> int | None:
    """Return the days since it was due; None where it isn't late, and for those who have declined."""
    if standing.status is Status.DECLINED or standing.due is None or standing.due >= as_at:
        return None
    return (as_at - standing.due).days
