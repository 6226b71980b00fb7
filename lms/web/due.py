"""When a task is due, in words."""

from __future__ import annotations

from datetime import date

from lms.clock import day_in_words, london_day
from lms.compliance import Obligation
from lms.status import Status


def due_in_words(obligation: Obligation, today: date) -> str:
    """Return what a person is told about when: "Due by 21 September 2026, in 14 days."."""
    match obligation.status:
        case Status.SIGNED:
            return _signed(obligation)
        case Status.DECLINED:
            return "You chose not to sign. The policy still applies to you."
        case Status.NOT_REQUIRED:
            return "You don’t need to do this."
        case Status.EXPIRED:
            ended = obligation.signature_ends or obligation.due
            return f"What you signed stopped counting on {day_in_words(ended)}. Please sign again."
        case _ if obligation.is_away:
            return "You are away, so nothing is due until you are back. You may do it now if you like."
        case _:
            return _open(obligation.due, (obligation.due - today).days)


def _signed(obligation: Obligation) -> str:
    signed = f"Signed on {day_in_words(london_day(obligation.signed_at))}." if obligation.signed_at else ""
    if obligation.next_due is None:
        return signed
    return f"{signed} Sign again before {day_in_words(obligation.next_due)}."


def _open(due: date, days: int) -> str:
    day = day_in_words(due)
    if days < 0:
        return f"This was due on {day}, {_days(-days)} ago."
    if days == 0:
        return f"Due today, {day}."
    return f"Due tomorrow, {day}." if days == 1 else f"Due by {day}, in {_days(days)}."


def _days(number: int) -> str:
    return "1 day" if number == 1 else f"{number} days"
