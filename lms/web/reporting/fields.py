"""Form fields that the pages for HR share."""

from __future__ import annotations

from datetime import date
from typing import Any

from wtforms import DateField, Field, Form
from wtforms.validators import ValidationError

from lms import clock
from lms.web import access

EARLIEST = date(1990, 1, 1)


class DayField(DateField):  # type: ignore[misc]
    """Three boxes, or the ISO date of a link. Left empty it is None; a day that isn't one is an error."""

    def __init__(self, label: str, **options: Any) -> None:
        super().__init__(label, format=["%d %m %Y", "%Y-%m-%d"], **options)

    def process_formdata(self, valuelist: list[str]) -> None:
        """Read what was typed."""
        self.data = None
        if not any(value.strip() for value in valuelist):
            return
        try:
            super().process_formdata([value.strip() for value in valuelist])
        except ValueError as error:
            raise ValueError("Enter a real day, as numbers: for example 7 9 2026") from error
        if self.data is not None and self.data < EARLIEST:
            self.data = None
            raise ValueError("Enter a day with the year in full: for example 7 9 2026")


def not_in_the_future(form: Form, field: Field) -> None:
    """Refuse a day that hasn't come yet: nothing is on record for it."""
    del form
    if field.data is not None and field.data > clock.london_day(access.request_time()):
        raise ValidationError("Choose today or an earlier day: nothing is recorded yet for a day to come")


def one_line(typed: str | None) -> str:
    """Return what was typed without line ends, doubled spaces and marks that can't be seen."""
    return " ".join("".join(c if c.isprintable() else " " for c in typed or "").split())


def plain_text(typed: str | None) -> str:
    """Return what was typed with line ends of one kind, and without marks that can't be seen."""
    lines = "\n".join((typed or "").splitlines())
    return "".join(c for c in lines if c == "\n" or c.isprintable()).strip()
