"""The same person twice in one staff list: a further engagement, or a line too many."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date
from itertools import chain

from lms.people import folded
from lms.roster.found import RosterRow


def told_apart(rows: Sequence[RosterRow]) -> tuple[list[RosterRow], dict[int, str]]:
    """Return the rows that can go in, and the reason for each other line.

    A person's further engagements stay, with `same_as` set. Left out are a second row of the same engagement, a
    staff number that two names share, and two rows of one name that nothing tells apart.
    """
    refused = _shared_numbers(rows)
    people = _People()
    kept = []
    for row in rows:
        if row.line in refused:
            continue
        try:
            kept.append(people.placed(row))
        except _RefusedError as error:
            refused[row.line] = str(error)
    return kept, refused


class _RefusedError(Exception):
    """Why a row can't stand beside an earlier one."""


class _People:
    """Whom the rows so far are about."""

    def __init__(self) -> None:
        self._by_number: dict[str, RosterRow] = {}
        self._by_name: dict[str, list[RosterRow]] = defaultdict(list)
        self._engagements: dict[int, list[RosterRow]] = defaultdict(list)

    def placed(self, row: RosterRow) -> RosterRow:
        """Return a row with the person whom it is about. Raises _RefusedError."""
        name = folded(f"{row.forename} {row.surname}")
        first = self._first(row, name)
        if first:
            _refuse_clash(row, first, self._engagements[first.line])
            row = replace(row, same_as=first.line)
        self._engagements[first.line if first else row.line].append(row)
        if row.staff_no:
            self._by_number.setdefault(row.staff_no.casefold(), first or row)
        if not first:
            self._by_name[name].append(row)
        return row

    def _first(self, row: RosterRow, name: str) -> RosterRow | None:
        """Return the first row of the same person."""
        if row.staff_no and (first := self._by_number.get(row.staff_no.casefold())):
            return first
        alike = [other for other in self._by_name.get(name, ()) if not _are_two(row, other)]
        for other in alike:
            if row.email and row.email == other.email:
                return other
        for other in alike:
            raise _RefusedError(
                f"line {other.line} has the same name, and nothing tells the two apart: give both a staff number or an "
                "e-mail address, or take one away"
            )
        return None


def _are_two(row: RosterRow, other: RosterRow) -> bool:
    """Say whether two rows of one name are surely about two people."""
    if row.staff_no and other.staff_no:
        return True
    return bool(row.email and other.email and row.email != other.email)


def _shared_numbers(rows: Iterable[RosterRow]) -> dict[int, str]:
    """Return the lines on which one staff number has two names: which of them is right can't be told."""
    by_number: dict[str, list[RosterRow]] = defaultdict(list)
    for row in rows:
        if row.staff_no:
            by_number[row.staff_no.casefold()].append(row)
    shared = (_shared(alike) for alike in by_number.values() if len(alike) > 1)
    return dict(chain.from_iterable(shared))


def _shared(alike: list[RosterRow]) -> Iterable[tuple[int, str]]:
    first = alike[0]
    other = next((row for row in alike if not _go_together(row, first)), None)
    if other is None:
        return []
    reason = (
        f"lines {first.line} and {other.line} give the staff number {first.staff_no} to two names, "
        f"{first.forename} {first.surname} and {other.forename} {other.surname}"
    )
    return [(row.line, reason) for row in alike]


def _go_together(row: RosterRow, other: RosterRow) -> bool:
    """Say whether two names under one staff number may be one person's: a surname, and a forename they share."""
    if folded(row.surname) != folded(other.surname):
        return False
    given, known = (set(folded(f"{r.forename} {r.known_as or ''}").split()) for r in (row, other))
    return bool(given & known) or not given or not known


def _refuse_clash(row: RosterRow, first: RosterRow, before: Iterable[RosterRow]) -> None:
    if row.email and first.email and row.email != first.email:
        raise _RefusedError(f"line {first.line} is about the same person, with another e-mail address")
    for other in before:
        if replace(row, line=other.line, same_as=other.same_as) == other:
            raise _RefusedError(f"line {other.line} says the same")
        if _kind(row) == _kind(other) and _overlap(row, other):
            raise _RefusedError(
                f"line {other.line} has the same person in the same category at the same time: keep one of the two"
            )


def _kind(row: RosterRow) -> tuple[str, str]:
    return row.type or "", folded(row.agency or "")


def _overlap(row: RosterRow, other: RosterRow) -> bool:
    return (row.starts or date.min) <= (other.ends or date.max) and (other.starts or date.min) <= (
        row.ends or date.max
    )
