"""People, items and rows for the tests of workbooks: a test changes only what it is about."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from lms.outside_training import DoneElsewhere
from lms.record import About, CategoryCount, ItemStatus, RecordItem, RecordRow
from lms.register import RegisterRow
from lms.status import Status

AS_AT = date(2026, 9, 10)
TITLES = (
    "Social media policy",
    "Code of conduct",
    "Keeping Children Safe in Education, part one",
    "Data protection",
    "Online safety",
    "Whistleblowing",
    "Health and safety",
    "Physical contact",
)
CATEGORIES = (
    "Teacher",
    "Support staff",
    "Senior leader",
    "Governor",
    "Trustee or member",
    "Agency worker",
    "Contractor",
    "Volunteer",
    "Trainee",
    "Peripatetic teacher",
)
ABOUT = About(
    report="Training record",
    school="St Mary & St John's School",
    filters="none",
    as_at=AS_AT,
    made_at=datetime(2026, 9, 10, 13, 51, 7, tzinfo=UTC),
    made_by="Priya Shah",
    policies=tuple((title, "4", f"{number:x}" * 64) for number, title in enumerate(TITLES, start=1)),
    ledger_origin="countersign.example/st-mary",
    ledger_size=1234,
    ledger_root="qkXPfWgFmxLZ6v0p1VqgNwPZ0c9mXa1aZ8tT9f3oB8k=",
)


def items(count: int) -> tuple[RecordItem, ...]:
    """Return so many items, each with a title of its own."""
    return tuple(
        RecordItem(UUID(int=number), TITLES[number % len(TITLES)], "4", f"{number:064x}")
        for number in range(count)
    )


def standing(status: Status, days: int = 1) -> ItemStatus:
    """Return a status with dates that fit it: due so many days ago, or ahead where it is not yet late."""
    if status is Status.NOT_REQUIRED:
        return ItemStatus(status)
    ahead = status in (Status.SIGNED, Status.IN_PROGRESS, Status.NOT_STARTED)
    signed = AS_AT - timedelta(days=days + 30) if status in (Status.SIGNED, Status.EXPIRED) else None
    return ItemStatus(status, signed, AS_AT + timedelta(days=days if ahead else -days))


EVERY_STANDING = tuple(standing(status, days) for status in Status for days in (1, 5, 40))
MOSTLY_SIGNED = (standing(Status.SIGNED, 90),) * 80 + EVERY_STANDING


PERSON = RecordRow(
    person_id=UUID(int=7),
    staff_no="T0042",
    surname="Llewellyn-Jones",
    forename="Siân",
    known_as=None,
    category="Teacher",
    role="Teacher of maths; also governor",
    agency=None,
    department="Maths",
    school="St Mary & St John's School",
    manager="Jo Okafor",
    start=date(2024, 9, 1),
    end=None,
    items=(),
    next_due=date(2026, 12, 1),
    days_overdue=None,
    identity_check="Work e-mail",
)
DONE_ELSEWHERE = DoneElsewhere(
    title="First aid at work",
    done_on=date(2026, 8, 28),
    said_by="a certificate of Tandem",
    recorded_on=date(2026, 9, 7),
)
ENTRY = RegisterRow(
    person_id=UUID(int=7),
    surname="Llewellyn-Jones",
    forename="Siân",
    category="Teacher",
    role="Teacher of maths",
    agency=None,
    school="St Mary & St John's School",
    start=date(2024, 9, 1),
    end=None,
    policy="Social media policy",
    version="4",
    hash_prefix="00e0ab12cd34",
    assigned=date(2026, 8, 20),
    due=date(2026, 9, 3),
    status=Status.SIGNED,
    signed_at=datetime(2026, 9, 1, 23, 30, 59, 400_000, tzinfo=UTC),
    method="Typed name",
    identity_check="Work e-mail",
    identity_checked_by=None,
    reminders=1,
    next_due=date(2027, 9, 1),
    receipt_id=UUID(int=99),
)
SUMMARY = tuple(
    CategoryCount(
        category,
        people=number + 9,
        counts={status: (number * 3 + place * 5) % 17 for place, status in enumerate(Status)},
    )
    for number, category in enumerate(CATEGORIES)
)


def people(count: int, item_count: int) -> Iterator[RecordRow]:
    """Yield so many different people: four in five of their items are signed, the rest of every kind."""
    for number in range(count):
        standings = tuple(
            MOSTLY_SIGNED[(number * 7 + place * 31) % len(MOSTLY_SIGNED)] for place in range(item_count)
        )
        late = any(each.status is Status.OVERDUE for each in standings)
        yield replace(
            PERSON,
            person_id=UUID(int=number),
            staff_no=f"T{number:04}",
            surname=f"Llewellyn-Jones {number}",
            category=CATEGORIES[number % len(CATEGORIES)],
            agency="Bright Supply Teachers Ltd" if number % 10 == 5 else None,
            items=standings,
            days_overdue=5 if late else None,
        )
