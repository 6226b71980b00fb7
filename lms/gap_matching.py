"""Who is on the other list and not here, and the other way round: names compared in a forgiving way. No database."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import Enum
from heapq import nsmallest
from itertools import chain, cycle
from uuid import UUID

from lms.gap_list import Listed
from lms.people import EngagementType, folded

MOST_PERHAPS = 3
_LEAST_TO_RESEMBLE = 4
"""Letters that a word needs for one of them to be wrong: shorter ones are alike too often."""


class Standing(Enum):
    """Whether somebody is here today; the best first."""

    HERE = 0
    LATER = 1
    LEFT = 2


@dataclass(frozen=True, slots=True)
class Known:
    """Somebody on record at the school."""

    person_id: UUID
    surname: str
    forename: str
    known_as: str | None
    staff_no: str | None
    type: EngagementType
    department: str | None
    agency: str | None
    starts: date
    ends: date | None
    standing: Standing
    is_assigned: bool

    @property
    def name(self) -> str:
        """Forename and surname, with what they are known as."""
        whole = f"{self.forename} {self.surname}".strip()
        return f"{whole} ({self.known_as})" if self.known_as else whole


@dataclass(frozen=True, slots=True)
class NotHere:
    """A line of the list with nobody here who is surely meant."""

    listed: Listed
    perhaps: tuple[Known, ...] = ()
    left: Known | None = None
    """Who is surely meant, and has left."""


@dataclass(frozen=True, slots=True)
class NotListed:
    """Somebody here whom no line surely means."""

    person: Known
    perhaps: tuple[Listed, ...] = ()


@dataclass(slots=True)
class Gap:
    """What a list and the record have that the other hasn't."""

    not_here: list[NotHere] = field(default_factory=list)
    not_listed: list[NotListed] = field(default_factory=list)
    unassigned: list[Known] = field(default_factory=list)
    """Here today, on the list or not, and asked for nothing."""
    lines: int = 0
    on_both: int = 0
    """Lines that surely mean somebody who is here, or will be."""


def compare(listed: Sequence[Listed], known: Sequence[Known]) -> Gap:
    """Return the gap between a list and everybody on record at a school, leavers too; each in the order given."""
    named = [_Named(person) for person in known]
    meant = _Search(named).meant(listed)
    matched = {person.person_id for person in meant.values()}
    gap = Gap(lines=len(listed), unassigned=[p for p in known if _is_here(p) and not p.is_assigned])
    gap.on_both = sum(person.standing is not Standing.LEFT for person in meant.values())
    left_over = [p for p in named if p.person.person_id not in matched]
    resembling = _Resemblance(left_over)
    perhaps_of: defaultdict[UUID, list[Listed]] = defaultdict(list)
    for one in listed:
        person = meant.get(one.line)
        if person is None:
            found = resembling.to(one)
            gap.not_here.append(NotHere(one, found))
            for other in found:
                perhaps_of[other.person_id].append(one)
        elif person.standing is Standing.LEFT:
            gap.not_here.append(NotHere(one, left=person))
    gap.not_listed = [
        NotListed(p.person, tuple(perhaps_of[p.person.person_id][:MOST_PERHAPS]))
        for p in left_over
        if _is_here(p.person)
    ]
    return gap


def number_key(staff_no: str | None) -> str:
    """Return what two writings of a staff number share: a spreadsheet eats the zeros before it."""
    text = (staff_no or "").strip().casefold()
    return text.lstrip("0") or text


def _is_here(person: Known) -> bool:
    return person.standing is Standing.HERE


class _Named:
    """Somebody on record with the words of their name, taken apart once."""

    def __init__(self, person: Known) -> None:
        self.person = person
        self.surnames = frozenset(folded(person.surname or person.forename).split())
        self.forenames = frozenset(folded(f"{person.forename} {person.known_as or ''}").split())
        self.number = number_key(person.staff_no)

    def is_surely(self, words: frozenset[str]) -> bool:
        """Say whether a name is surely theirs: it has the whole surname and a forename, in any order."""
        return self.surnames <= words and (bool(words & self.forenames) or not self.person.forename)

    def has_initial_in(self, words: frozenset[str]) -> bool:
        """Say whether a name has the whole surname, and a word that begins as a forename does: "J Smith"."""
        initials = {word[0] for word in words - self.surnames}
        return self.surnames <= words and bool(initials & {name[0] for name in self.forenames})


def _words(one: Listed) -> list[frozenset[str]]:
    return [frozenset(folded(reading).split()) for reading in one.readings]


class _Search:
    """Everybody on record, by what a line can surely mean them by."""

    def __init__(self, known: Sequence[_Named]) -> None:
        self._known = known
        self._numbers = _index(known, lambda p: [p.number])
        # By one word of the surname and one of the forenames, which the line must have.
        self._surnames = _index(known, lambda p: sorted(p.surnames)[:1])
        self._forenames = _index(known, lambda p: p.forenames or [""])

    def meant(self, listed: Sequence[Listed]) -> dict[int, Known]:
        """Return whom each line surely means, by its number: who has its staff number and a like name, or its name.

        Where several people have the name, the lines must be as many.
        """
        found = {one.line: person for one in listed if (person := self._by_number(one)) is not None}
        # Where no number agrees, theirs are of another kind than ours, and say nothing.
        numbers_agree = bool(found)
        taken = {person.person_id for person in found.values()}
        namesakes: defaultdict[frozenset[UUID], list[tuple[Listed, list[Known]]]] = defaultdict(list)
        for one in listed:
            if one.line not in found:
                people = self._by_name(one, taken, numbers_agree)
                namesakes[frozenset(p.person_id for p in people)].append((one, people))
        for ids, lines in namesakes.items():
            if 0 < len(ids) <= len(lines):
                found |= {
                    one.line: person for (one, _), person in zip(lines, cycle(lines[0][1]), strict=False)
                }
        return found

    def _by_number(self, one: Listed) -> Known | None:
        words = frozenset[str]().union(*_words(one))
        holders = _found(self._numbers, [number_key(one.staff_no)]) if one.staff_no else set()
        named = [self._known[place] for place in holders]
        alike = [p.person for p in named if not one.name or words & (p.surnames | p.forenames)]
        return alike[0] if len(alike) == 1 else None

    def _by_name(self, one: Listed, taken: set[UUID], numbers_agree: bool) -> list[Known]:
        readings = _words(one)
        near = set[int]().union(
            *(_found(self._surnames, r) & _found(self._forenames, [*r, ""]) for r in readings)
        )
        fitting = [
            p.person
            for p in (self._known[place] for place in sorted(near))
            if not (numbers_agree and one.staff_no and p.number) and any(map(p.is_surely, readings))
        ]
        # A second line of somebody who was found by number is about them, unless a namesake is left.
        free = [p for p in fitting if p.person_id not in taken] or fitting
        best = min((p.standing.value for p in free), default=0)
        return [p for p in free if p.standing.value == best]


class _Resemblance:
    """People to whom a name may belong that isn't surely theirs: a letter is wrong, or only an initial is given."""

    def __init__(self, people: Sequence[_Named]) -> None:
        self._people = people
        self._numbers = _index(people, lambda p: [p.number])
        self._parts = _index(people, lambda p: chain.from_iterable(map(_variants, p.surnames | p.forenames)))
        self._initials = _index(
            people, lambda p: [f"{min(p.surnames, default='')} {name[0]}" for name in p.forenames]
        )
        self._near: dict[str, set[int]] = {}

    def to(self, one: Listed) -> tuple[Known, ...]:
        """Return the likeliest few."""
        words = _words(one)[0] if one.readings else frozenset[str]()
        alike = Counter(chain.from_iterable(self._like(word) for word in words))
        likely = {place: n for place, n in alike.items() if n >= 2 or len(words) == 1}
        for place in _found(self._initials, (f"{word} {other[0]}" for word in words for other in words)):
            if place not in likely and self._people[place].has_initial_in(words):
                likely[place] = 1
        best = nsmallest(MOST_PERHAPS, likely.items(), key=self._rank)
        same_number = sorted(_found(self._numbers, [number_key(one.staff_no)])) if one.staff_no else []
        places = dict.fromkeys([*same_number, *(place for place, _ in best)])
        return tuple(self._people[place].person for place in places)[:MOST_PERHAPS]

    def _rank(self, found: tuple[int, int]) -> tuple[int, int, str, str]:
        place, alike = found
        person = self._people[place].person
        return person.standing.value, -alike, person.surname, person.forename

    def _like(self, word: str) -> set[int]:
        if word not in self._near:
            self._near[word] = _found(self._parts, _variants(word))
        return self._near[word]


def _variants(word: str) -> set[str]:
    """Return a word and what is left of it without each of its letters: two words alike but for one share some."""
    if len(word) < _LEAST_TO_RESEMBLE:
        return {word}
    return {word, *(word[:n] + word[n + 1 :] for n in range(len(word)))}


def _index(people: Sequence[_Named], keys: Callable[[_Named], Iterable[str]]) -> dict[str, set[int]]:
    """Return the places of people, from 0, by each of their keys."""
    found: defaultdict[str, set[int]] = defaultdict(set)
    for place, person in enumerate(people):
        for key in keys(person):
            found[key].add(place)
    return dict(found)


def _found(index: dict[str, set[int]], keys: Iterable[str]) -> set[int]:
    return set[int]().union(*(index[key] for key in keys if key in index))
