"""The demo school's reception, on the morning that the demo shows."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from uuid import uuid4

from lms import bookings
from lms.booking_lines import Booking
from lms.clock import london_day
from lms.people import EngagementType, Person
from lms.schools import Organisation


def expect_today(school: Organisation, by: Person, now: datetime) -> None:
    """Expect today's visitors, as the cover manager entered them."""
    bookings.expect(school, list(_expected(london_day(now))), {}, batch=uuid4(), by=by.id, now=now)


def _expected(today: date) -> list[Booking]:
    sent, builder = EngagementType.AGENCY_WORKER, EngagementType.CONTRACTOR
    return [
        Booking(number, name, agency, type_, today, today + timedelta(days=days))
        for number, (name, agency, type_, days) in enumerate(
            (
                ("Beatriz Quintanilha", "Tandem Education Staffing", sent, 0),
                ("Oisín Mac Giolla", "Brightwater Supply", sent, 1),
                ("Adaeze Chukwu-Thornbury", "Tandem Education Staffing", sent, 18),
                ("Tobias Lindgren", "Brightwater Supply", sent, 0),
                ("Ffion Cadwaladr", "Cadwaladr Heating", builder, 0),
            ),
            1,
        )
    ]
