"""Who is on the other list and not here, and the other way round: names compared in a forgiving way. No database."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import Enum
from itertools import cycle
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

    @property
    def surnames(self) -> frozenset[str]:
        """The words of the surname, or of all that there is."""
        return frozenset(folded(self.surname or self.forename).split())

    @property
    def forenames(self) -> frozenset[str]:
        """The words of the forename and of what they are known as."""
        return frozenset(folded(f"{self.forename} {self.known_as or ''}").split())


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
    meant = _Search(known).meant(listed)
    matched = {person.person_id for person in meant.values()}
    gap = Gap(lines=len(listed), unassigned=[p for p in known if _is_here(p) and not p.is_assigned])
    gap.on_both = sum(person.standing is not Standing.LEFT for person in meant.values())
    open_people = [p for p in known if p.person_id not in matched]
    resembling = _Resemblance(open_people)
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
        NotListed(p, tuple(perhaps_of[p.person_id][:MOST_PERHAPS])) for p in open_people if _is_here(p)
    ]
    return gap


def number_key(staff_no: str | None) -> str:
    """Return what two writings of a staff number share: a spreadsheet eats the zeros before it."""
    text = (staff_no or "").strip().casefold()
    return text.lstrip("0") or text


def _is_here(person: Known) -> bool:
    return person.standing is Standing.HERE


def _fits(reading: str, person: Known) -> bool:
    """Say whether a name is surely this person's: the whole surname and a forename, in any order."""
    given = set(folded(reading).split())
    return person.surnames <= given and (bool(given & person.forenames) or not person.forename)


class _Search:
    """Everybody on record, by what a line can surely mean them by."""

    def __init__(self, known: Sequence[Known]) -> None:
        self._numbers = _index(known, lambda p: [number_key(p.staff_no)])
        # By one word of the surname, which the line must have.
        self._surnames = _index(known, lambda p: sorted(p.surnames)[:1])

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
        holders = self._numbers.get(number_key(one.staff_no), []) if one.staff_no else []
        alike = [p for p in holders if not one.name or _shares_a_word(one, p)]
        return alike[0] if len(alike) == 1 else None

    def _by_name(self, one: Listed, taken: set[UUID], numbers_agree: bool) -> list[Known]:
        words = {word for reading in one.readings for word in folded(reading).split()}
        candidates = {p.person_id: p for word in sorted(words) for p in self._surnames.get(word, [])}
        fitting = [
            p
            for p in candidates.values()
            if any(_fits(reading, p) for reading in one.readings)
            and not (numbers_agree and one.staff_no and p.staff_no)
        ]
        free = [p for p in fitting if p.person_id not in taken]
        # A second line of somebody who was found by number is about them, unless a namesake is left.
        best = min((p.standing.value for p in free or fitting), default=0)
        return [p for p in free or fitting if p.standing.value == best]


def _shares_a_word(one: Listed, person: Known) -> bool:
    given = {word for reading in one.readings for word in folded(reading).split()}
    return bool(given & (person.surnames | person.forenames))


class _Resemblance:
    """People to whom a name may belong that isn't surely theirs: a letter is wrong, or only an initial is given."""

    def __init__(self, people: Sequence[Known]) -> None:
        self._words = _index(people, lambda p: {v for w in p.surnames | p.forenames for v in _variants(w)})
        self._numbers = _index(people, lambda p: [number_key(p.staff_no)])

    def to(self, one: Listed) -> tuple[Known, ...]:
        """Return the likeliest few."""
        words = set(folded(one.readings[0]).split()) if one.readings else set()
        reached: Counter[UUID] = Counter()
        people: dict[UUID, Known] = {}
        for word in words:
            near = {p.person_id: p for v in _variants(word) for p in self._words.get(v, [])}
            people |= near
            reached.update(near.keys())
        alike = [p for p in people.values() if _may_be(words, p, reached[p.person_id])]
        alike.sort(key=lambda p: (p.standing.value, -reached[p.person_id], p.surname, p.forename))
        same_number = self._numbers.get(number_key(one.staff_no), []) if one.staff_no else []
        return tuple({p.person_id: p for p in (*same_number, *alike)}.values())[:MOST_PERHAPS]


def _may_be(words: set[str], person: Known, reached: int) -> bool:
    if reached >= 2 or len(words) == 1:
        return True
    if not person.surnames <= words:
        return False
    letters = {word[0] for word in words - person.surnames}
    return bool(letters & {name[0] for name in person.forenames})


def _variants(word: str) -> set[str]:
    """Return a word and what is left of it without each of its letters: two words alike but for one share some."""
    if len(word) < _LEAST_TO_RESEMBLE:
        return {word}
    return {word, *(word[:n] + word[n + 1 :] for n in range(len(word)))}


def _index(people: Sequence[Known], keys: Callable[[Known], Iterable[str]]) -> defaultdict[str, list[Known]]:
    found: defaultdict[str, list[Known]] = defaultdict(list)
    for person in people:
        for key in keys(person):
            if key:
                found[key].append(person)
    return found
