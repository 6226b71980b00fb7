"""Columns: each is defined once, and serves the workbook and the CSV file alike."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from enum import Enum, auto
from typing import Generic, TypeVar

from exports.cell_text import clean
from lms.status import Status

Row = TypeVar("Row")
Value = str | date | int | float | Status | None

LONGEST_HEADING = 200
"""Characters. Excel refuses a table heading over 255; this leaves room for what we add to a title."""


class Kind(Enum):
    """What a column holds, and so how its cells are written and shown."""

    TEXT = auto()
    CODE = auto()
    """Text that is kept on one line, such as an id."""
    DATE = auto()
    MOMENT = auto()
    """An aware datetime, shown by the clock of its own time zone."""
    WHOLE = auto()
    PERCENT = auto()
    """A fraction from 0 to 1."""
    STATUS = auto()


@dataclass(frozen=True, slots=True)
class Column(Generic[Row]):
    """One column: its heading, its width in characters, what it holds, and how to read it from a row."""

    heading: str
    width: int
    kind: Kind
    value: Callable[[Row], Value]


def status_in_words(status: Status) -> str:
    """Return a status as a cell shows it: "Not started"."""
    return status.value.capitalize()


def distinct(titles: Iterable[str]) -> list[str]:
    """Return the titles fit for headings: one line, not too long, and no two the same.

    Excel compares the headings of a table without regard to case, and repairs a file where two are the same.
    """
    headings: list[str] = []
    seen: set[str] = set()
    for title in titles:
        wanted = " ".join(clean(title).split())[:LONGEST_HEADING] or "Untitled"
        heading, number = wanted, 1
        while heading.casefold() in seen:
            number += 1
            heading = f"{wanted} ({number})"
        seen.add(heading.casefold())
        headings.append(heading)
    return headings
