"""All reminders that are due for 10,000 adults, worked out in one pass and put in the outbox."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from time import perf_counter
from uuid import UUID

import sqlalchemy as sa

from lms import clock, reminding
from lms.db import session, transaction
from lms.mail import Message
from lms.people import Engagement, Person
from lms.reminder_settings import ReminderSettings, school_days
from tests.benchmarks.figure import Figure
from tests.benchmarks.population import large_school
from tests.counting import counted
from tests.learners import Classroom

ADULTS, ITEMS = 10_000, 8


def figures() -> list[Figure]:
    """Return the queries, the seconds, and how many people of those who must sign got other than one letter."""
    with large_school(ADULTS, ITEMS) as (app, classroom):
        with app.app_context(), transaction():
            _reach(classroom)
            now = _when_open(classroom.school.id)
        with counted(app) as sent, app.app_context():
            started = perf_counter()
            with transaction(write=False):
                planned = reminding.plan(now)
            seconds = perf_counter() - started
            looked = len(sent)
            with transaction():
                reminding.put_in_outbox(planned, now)
                again = len(reminding.plan(now))
                letters = session.scalar(sa.select(sa.func.count()).select_from(Message)) or 0
    return [
        Figure(f"reminders due for {ADULTS:,} adults × {ITEMS}, worked out", looked, 29, "queries"),
        Figure(f"the same, {letters:,} letters", seconds, 20.0, "seconds"),
        Figure("the same, a second pass", again, 0, "letters"),
    ]


def _reach(classroom: Classroom) -> None:
    """Give everybody an address of their own and a manager, and switch reminders on."""
    address = sa.cast(Person.sort_name, sa.Text()) + "@school.test"
    session.execute(sa.update(Person).values(email=sa.func.replace(address, " ", "-")))
    session.execute(sa.update(Engagement).values(manager_id=classroom.person.id))
    session.add(
        ReminderSettings(
            organisation_id=classroom.school.id,
            is_on=True,
            head_email="head@school.test",
            escalate_after=7,
            managers_weekly=True,
            texts={},
        )
    )


def _when_open(school_id: UUID) -> datetime:
    """Return a moment in school hours when everything is long due."""
    later = clock.now() + timedelta(days=60)
    opens = school_days([school_id])[school_id].opens_at(later)
    assert opens is not None
    return opens.astimezone(UTC)
