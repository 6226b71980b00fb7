"""Who is who: the rows of a staff list beside the people on record, by numbers, addresses and names. No database."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from uuid import UUID

from lms.people import EngagementType, folded
from lms.roster.rows import RosterRow

fold = lru_cache(maxsize=1 << 16)(folded)
"""`folded`, remembered: the same names are compared again and again."""


@dataclass(frozen=True, slots=True)
class KnownEngagement:
    """An engagement at this school, as it is recorded now."""

    id: UUID
    type: EngagementType
    job_title: str | None
    agency: str | None
    department: str | None
    manager_id: UUID | None
    starts: date
    ends: date | None
    """The last day."""

    def is_over(self, today: date) -> bool:
        """Say whether it ended before today."""
        return self.ends is not None and self.ends < today


@dataclass(frozen=True, slots=True)
class KnownPerson:
    """Somebody on record in the school's trust."""

    id: UUID
    surname: str
    forename: str
    known_as: str | None
    email: str | None
    staff_no: str | None
    engagements: tuple[KnownEngagement, ...] = ()
    """At this school, the ended ones too."""
    is_elsewhere: bool = False
    """Known at other schools of the trust alone: found by a number or an own address, never shown for a name."""
    has_powers: bool = False
    """Whether they may open more than their own pages: then no list leads their sign-in links elsewhere."""

    @property
    def name(self) -> str:
        """Forename and surname."""
        return f"{self.forename} {self.surname}".strip()


@dataclass(frozen=True, slots=True)
class Who:
    """Whom a row is about: a person on record, somebody new, or one that has to be asked about."""

    person: KnownPerson | None = None
    candidates: tuple[KnownPerson, ...] = ()
    """Those it may be, where a person must say."""
    why: str = ""
    """Why it is asked, in a sentence."""
    is_settled: bool = True
    """Whether it is known who it is; an answer settles a question too."""


NOBODY = Who()


def who_is_who(
    rows: Sequence[RosterRow], known: Sequence[KnownPerson], answers: Mapping[int, UUID | None]
) -> dict[int, Who]:
    """Return whom each row is about, by its line.

    A staff number comes first, then a work e-mail address that is one person's alone, then the name; where any of
    them disagree, it is asked. Further rows of one person (`same_as`) are about whom their first row is about.

    Args:
        rows: the rows that can be read.
        known: everybody on record in the trust.
        answers: what was said of the rows that are asked about, by line: the person's id, or None for somebody else.
    """
    first = [row for row in rows if row.same_as is None]
    search = _Search(first, known)
    found: dict[int, Who] = {}
    # What is certain first: whoever is found by a number or an address is nobody else by name.
    for certain in (search.by_number, search.by_address):
        for row in first:
            if row.line not in found and (who := certain(row)) is not None:
                found[row.line] = who
                search.take(who)
    for row in first:
        if row.line not in found:
            found[row.line] = search.by_name(row)
    found = {line: _answered(who, line, answers) for line, who in found.items()}
    return found | {row.line: found.get(row.same_as, NOBODY) for row in rows if row.same_as is not None}


def number_key(staff_no: str | None) -> str:
    """Return what two writings of one staff number share: spreadsheets eat the zeros at its beginning."""
    text = (staff_no or "").strip().casefold()
    return text.lstrip("0") or text


class _Search:
    """The people on record, by what they can be found by."""

    def __init__(self, first: Sequence[RosterRow], known: Sequence[KnownPerson]) -> None:
        self._numbers = _index(known, lambda p: number_key(p.staff_no))
        self._addresses = _index(known, lambda p: p.email or "")
        here = [p for p in known if not p.is_elsewhere]
        self._surnames = _index(here, lambda p: fold(p.surname))
        self._addresses_in_file = Counter(row.email for row in first)
        self._names_in_file = Counter(_name(row) for row in first)
        self._taken: set[UUID] = set()

    def take(self, who: Who) -> None:
        """Remember that somebody is found."""
        if who.person is not None:
            self._taken.add(who.person.id)

    def by_number(self, row: RosterRow) -> Who | None:
        """Find by staff number, which asks where the name is quite another."""
        holders = self._numbers.get(number_key(row.staff_no), [])
        if not holders:
            return None
        same_name = [p for p in holders if _name(p) == _name(row)]
        likely = same_name if len(same_name) == 1 else holders
        if len(likely) == 1 and _shares_a_name(row, likely[0]):
            return Who(likely[0])
        names = " and ".join(p.name for p in holders)
        return _asked(holders, f"The staff number {row.staff_no} is on record for {names}.")

    def by_address(self, row: RosterRow) -> Who | None:
        """Find by a work e-mail address that one person on record has, and one row."""
        holders = self._addresses.get(row.email or "", [])
        if len(holders) != 1 or self._addresses_in_file[row.email] != 1:
            return None
        holder = holders[0]
        if holder.id in self._taken or not _may_be(row, holder):
            return None
        if _differ(number_key(row.staff_no), number_key(holder.staff_no)):
            return _asked(holders, f"{holder.name} has this e-mail address, and another staff number.")
        return Who(holder)

    def by_name(self, row: RosterRow) -> Who:
        """Find by name among those of this school, where nothing speaks against it; otherwise ask, or say it is new."""
        alike = [p for p in self._surnames.get(fold(row.surname), []) if _may_be(row, p)]
        same = [p for p in alike if _name(p) == _name(row)]
        is_only = len(same) == 1 and self._names_in_file[_name(row)] == 1
        if is_only and same[0].id not in self._taken and not _speaks_against(row, same[0]):
            self._taken.add(same[0].id)
            return Who(same[0])
        # Also about whoever another row was found to be: else this row would be new once that is on record.
        if not alike:
            return NOBODY
        return _asked(alike, "Somebody with this name, or nearly, is on record.")


def _asked(candidates: Iterable[KnownPerson], why: str) -> Who:
    return Who(candidates=tuple(candidates), why=why, is_settled=False)


def _answered(who: Who, line: int, answers: Mapping[int, UUID | None]) -> Who:
    if not who.candidates or line not in answers:
        return who
    answer = answers[line]
    chosen = next((p for p in who.candidates if p.id == answer), None)
    return Who(chosen, who.candidates, who.why, is_settled=chosen is not None or answer is None)


def _index(people: Iterable[KnownPerson], key: Callable[[KnownPerson], str]) -> dict[str, list[KnownPerson]]:
    found: dict[str, list[KnownPerson]] = defaultdict(list)
    for person in people:
        if value := key(person):
            found[value].append(person)
    return found


def _name(one: RosterRow | KnownPerson) -> tuple[str, str]:
    return fold(one.surname), fold(one.forename)


def _forenames(one: RosterRow | KnownPerson) -> set[str]:
    return {*fold(one.forename).split(), *fold(one.known_as or "").split()}


def _may_be(row: RosterRow, person: KnownPerson) -> bool:
    """Say whether a name may be the same person's: the surname, and a forename or known-as name in common."""
    mine, theirs = _forenames(row), _forenames(person)
    return fold(row.surname) == fold(person.surname) and (bool(mine & theirs) or not mine or not theirs)


def _shares_a_name(row: RosterRow, person: KnownPerson) -> bool:
    """Say whether a word of the name is the same: who marries keeps a forename."""
    mine = {*fold(row.surname).split(), *_forenames(row)}
    return bool(mine & {*fold(person.surname).split(), *_forenames(person)})


def _speaks_against(row: RosterRow, person: KnownPerson) -> bool:
    other_number = _differ(number_key(row.staff_no), number_key(person.staff_no))
    return other_number or _differ(row.email or "", person.email or "")


def _differ(one: str, other: str) -> bool:
    return bool(one and other and one != other)
