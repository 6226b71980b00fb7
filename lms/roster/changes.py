"""What a staff list would change: the comparison of its rows with what is recorded. Nothing is read or written."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any
from uuid import UUID

from lms.clock import day_in_words
from lms.people import EngagementType
from lms.roster.facts import (
    FieldChange,
    engagement_changes,
    keeps_email,
    named,
    new_facts,
    person_changes,
)
from lms.roster.managers import Managers
from lms.roster.matching import KnownEngagement, KnownPerson, Who, fold, who_is_who
from lms.roster.pairs import pair_up
from lms.roster.rows import BadRow, Fault, RosterRow, Rows

KEEPS_EMAIL = (
    "Their e-mail stays as it is: they may open others’ records. An administrator can correct it by hand."
)


@dataclass(frozen=True, slots=True)
class Terms:
    """What a comparison goes by besides the rows."""

    today: date
    """The London day of the upload, which stays the same until it is applied."""
    school: str
    """Its name."""
    otherwise: EngagementType
    """What somebody new is, where the file doesn't say."""
    new_id: Callable[[int], UUID]
    """Gives whoever is new in a line their id: the same for the same line."""


@dataclass(frozen=True, slots=True)
class Choices:
    """What somebody chose in the preview."""

    same: Mapping[int, UUID | None] = field(default_factory=dict)
    """Of possible duplicates, by line: who it is, or None for somebody else. Others are left out."""
    returned: frozenset[int] = frozenset()
    """The lines of those on record as having left who have come back."""
    leavers: frozenset[UUID] = frozenset()
    """The engagements that ended, of those absent from the file."""
    last_day: date | None = None
    """The leavers' last day."""


@dataclass(frozen=True, slots=True)
class Change:
    """What one row changes."""

    row: RosterRow
    person_id: UUID
    person: KnownPerson | None
    """None for somebody new to the trust."""
    engagement: KnownEngagement | None
    """None where a new one is recorded."""
    person_facts: Mapping[str, str | None] = field(default_factory=dict)
    engagement_facts: Mapping[str, Any] = field(default_factory=dict)
    fields: tuple[FieldChange, ...] = ()
    notes: tuple[str, ...] = ()
    """What of the row is passed over, and why."""

    @property
    def name(self) -> str:
        """As the row has it."""
        return f"{self.row.forename} {self.row.surname}".strip()

    @property
    def type(self) -> EngagementType:
        """What they are at the school from then on."""
        found = self.engagement_facts.get("type") or (self.engagement and self.engagement.type)
        assert isinstance(found, EngagementType)
        return found


@dataclass(frozen=True, slots=True)
class Question:
    """A row that may be about somebody on record."""

    row: RosterRow
    candidates: tuple[KnownPerson, ...]
    why: str
    fields: Mapping[UUID, tuple[FieldChange, ...]]
    """What would change of each, if it is them."""


@dataclass(frozen=True, slots=True)
class Absent:
    """Somebody who works here on record and isn't in the file."""

    person: KnownPerson
    engagement: KnownEngagement
    is_listed_type: bool
    """Whether the file has anybody of this type: where it has none, it likely leaves all of them out."""


@dataclass(frozen=True, slots=True)
class Changes:
    """What a staff list would change. new + changed + unchanged + refused are all its rows."""

    new: tuple[Change, ...]
    changed: tuple[Change, ...]
    unchanged: tuple[Change, ...]
    refused: tuple[BadRow, ...]
    """Those that can't be read, and those left out because nobody has said who they are about."""
    questions: tuple[Question, ...]
    returned: tuple[Change, ...]
    """Of `unchanged` and `changed`: those on record as having left, until somebody says that they are back."""
    absent: tuple[Absent, ...]

    @property
    def total(self) -> int:
        """How many rows the list has, without those that are blank."""
        return len(self.new) + len(self.changed) + len(self.unchanged) + len(self.refused)

    @property
    def counts(self) -> str:
        """The four counts in words: "3 new, 1 changed, 176 unchanged, 2 refused"."""
        return (
            f"{len(self.new)} new, {len(self.changed)} changed, "
            f"{len(self.unchanged)} unchanged, {len(self.refused)} refused"
        )

    @property
    def fingerprint(self) -> str:
        """A hash of all that would be done and asked: another one means that something changed meanwhile."""
        whole = (self.new, self.changed, self.refused, self.questions, self.returned, self.absent)
        return hashlib.sha256(repr(whole).encode()).hexdigest()


_EMPTY = Choices()


def compare(rows: Rows, known: Sequence[KnownPerson], terms: Terms, choices: Choices = _EMPTY) -> Changes:
    """Compare a staff list with what is recorded.

    Args:
        rows: the list, read.
        known: everybody on record in the school's trust.
        terms: the day, the school and what the file leaves open.
        choices: what was chosen in a preview; without them nothing is assumed.
    """
    return _Comparison(rows, known, terms, choices).result()


class _Comparison:
    def __init__(self, rows: Rows, known: Sequence[KnownPerson], terms: Terms, choices: Choices) -> None:
        self._terms, self._choices, self._known = terms, choices, known
        self._bad = list(rows.bad)
        self._rows = rows
        self._good = self._of_this_school(rows.good)
        self._who = who_is_who(self._good, known, choices.same)
        self._questions: list[Question] = []
        self._new: list[Change] = []
        self._changed: list[Change] = []
        self._unchanged: list[Change] = []
        self._returned: list[Change] = []

    def result(self) -> Changes:
        groups = self._groups()
        by_id = {person.id: person for person in self._known}
        self._managers = Managers(
            [self._as_corrected(person, groups) for person in self._known],
            [(rows[0], person_id) for person_id, rows in groups.items() if person_id not in by_id],
            {row.manager for row in self._good if row.manager},
        )
        for person_id, group in groups.items():
            self._compare_person(person_id, by_id.get(person_id), group)
        on_record = {*by_id, *(change.person_id for change in (*self._new, *self._changed))}
        changed = [_managed(change, on_record) for change in self._changed]
        return Changes(
            tuple(_managed(change, on_record) for change in self._new),
            tuple(change for change in changed if change.fields),
            (*self._unchanged, *(change for change in changed if not change.fields)),
            tuple(sorted(self._bad, key=lambda row: row.line)),
            tuple(self._questions),
            tuple(self._returned),
            tuple(self._absent(groups)),
        )

    def _of_this_school(self, rows: Iterable[RosterRow]) -> list[RosterRow]:
        """Leave out the rows for other schools, where the file says which school each is for."""
        rows, ours = list(rows), fold(self._terms.school)
        if len({fold(row.school) for row in rows if row.school}) < 2:
            return rows
        mine: list[RosterRow] = []
        for row in rows:
            theirs = fold(row.school or "")
            if theirs in ours or ours in theirs:
                mine.append(row)
            else:
                reason = (
                    f"it is for “{row.school}”, and this list goes to {self._terms.school}. If they are the same, "
                    "choose “Not read” for the column of schools"
                )
                self._refuse(row, reason)
        return mine

    def _groups(self) -> dict[UUID, list[RosterRow]]:
        """Return the rows that are settled, by the id of the person they are about."""
        groups: dict[UUID, list[RosterRow]] = defaultdict(list)
        for row in self._good:
            who = self._who[row.line]
            if row.same_as is None and who.candidates:
                fields = {person.id: self._fields_if(row, person) for person in who.candidates}
                self._questions.append(Question(row, who.candidates, who.why, fields))
            if not who.is_settled:
                self._refuse(row, f"it may be about {_either(who)}, and nobody has said whether it is")
            else:
                self._join(groups, row, who)
        return groups

    def _fields_if(self, row: RosterRow, person: KnownPerson) -> tuple[FieldChange, ...]:
        """Return what would change, were a row about somebody; of the manager nothing is known yet."""
        _, fields = person_changes(row, person)
        engagement = pair_up([row], person.engagements, self._terms.today)[row.line]
        if engagement is None or engagement.is_over(self._terms.today):
            return fields
        return (*fields, *engagement_changes(row, engagement, None, str)[1])

    def _join(self, groups: dict[UUID, list[RosterRow]], row: RosterRow, who: Who) -> None:
        person_id = who.person.id if who.person else self._terms.new_id(row.same_as or row.line)
        there = groups.get(person_id)
        if row.same_as is None and there:
            self._refuse(row, f"it is about the same person as line {there[0].line}")
        elif row.same_as is not None and not there:
            self._refuse(row, f"it goes with line {row.same_as}, which is left out")
        else:
            groups[person_id].append(row)

    @staticmethod
    def _as_corrected(person: KnownPerson, groups: Mapping[UUID, list[RosterRow]]) -> KnownPerson:
        """Return somebody as they will be on record: managers are named as the same list names them."""
        rows = groups.get(person.id)
        facts: dict[str, Any] = dict(person_changes(rows[0], person)[0]) if rows else {}
        return replace(person, **facts) if facts else person

    def _refuse(self, row: RosterRow, reason: str) -> None:
        self._bad.append(BadRow(row.line, (Fault("", "", reason),), ()))

    def _compare_person(self, person_id: UUID, person: KnownPerson | None, rows: Sequence[RosterRow]) -> None:
        """Pair a person's rows with their engagements, and record what each changes."""
        engagements = person.engagements if person else ()
        pairs = pair_up(rows, engagements, self._terms.today)
        for row in rows:
            is_first = person is None or row is rows[0]
            facts, fields = person_changes(row, person) if is_first else ({}, ())
            notes = (KEEPS_EMAIL,) if is_first and keeps_email(row, person) else ()
            change = Change(row, person_id, person, pairs[row.line], facts, {}, fields, notes)
            self._compare_engagement(change, is_known_here=bool(engagements))

    def _compare_engagement(self, change: Change, *, is_known_here: bool) -> None:
        row, today = change.row, self._terms.today
        manager_id, notes = self._managers.of(row, change.person_id)
        change = replace(change, notes=(*change.notes, *notes)) if notes else change
        engagement = change.engagement
        if engagement is None:
            self._engage(change, manager_id, is_known_here=is_known_here)
        elif engagement.is_over(today) and (row.ends is None or row.ends >= today):
            self._may_be_back(change, manager_id)
        else:
            self._settle(self._with_changes(change, engagement, manager_id))

    def _engage(self, change: Change, manager_id: UUID | None, *, is_known_here: bool) -> None:
        row, terms = change.row, self._terms
        if row.ends is not None and row.ends < terms.today:
            left = day_in_words(row.ends)
            self._refuse(row, f"they left on {left} and were never on record: there is nothing to record")
            return
        facts = new_facts(row, manager_id, terms.otherwise, terms.today)
        if facts["ends"] is not None and facts["ends"] < facts["starts"]:
            self._refuse(row, "the last day is before the first")
            return
        change = replace(change, engagement_facts=facts)
        if is_known_here:
            also = FieldChange("", "Another engagement", "", facts["type"].words)
            self._changed.append(replace(change, fields=(*change.fields, also)))
        else:
            self._new.append(change)

    def _may_be_back(self, change: Change, manager_id: UUID | None) -> None:
        """Leave somebody who has left as they are on record, until somebody says that they are back."""
        self._returned.append(replace(change, person_facts={}, fields=()))
        row, engagement = change.row, change.engagement
        assert engagement is not None
        assert engagement.ends is not None
        if row.line not in self._choices.returned:
            self._unchanged.append(replace(change, person_facts={}, fields=()))
        elif row.starts is not None and row.starts <= engagement.ends:
            self._settle(
                self._with_changes(change, replace(engagement, ends=None), manager_id, was=engagement)
            )
        else:
            self._engage(replace(change, engagement=None), manager_id, is_known_here=True)

    def _with_changes(
        self,
        change: Change,
        engagement: KnownEngagement,
        manager_id: UUID | None,
        was: KnownEngagement | None = None,
    ) -> Change:
        facts, fields = engagement_changes(change.row, engagement, manager_id, self._managers.name)
        if was is not None and "ends" not in facts:
            facts = {**facts, "ends": None}
            fields = (
                *fields,
                FieldChange("ends", named("ends"), day_in_words(was.ends or was.starts), "none"),
            )
        return replace(change, engagement_facts=facts, fields=(*change.fields, *fields))

    def _settle(self, change: Change) -> None:
        engagement, facts = change.engagement, change.engagement_facts
        assert engagement is not None
        starts, ends = facts.get("starts", engagement.starts), facts.get("ends", engagement.ends)
        if ends is not None and ends < starts:
            self._refuse(
                change.row,
                f"the last day, {day_in_words(ends)}, would be before the first, {day_in_words(starts)}",
            )
        else:
            (self._changed if change.fields else self._unchanged).append(change)

    def _absent(self, groups: Iterable[UUID]) -> list[Absent]:
        """Return whoever works here on record and isn't in the file, not even in a row that can't be used."""
        maybe = {p.id for question in self._questions for p in question.candidates}
        seen, today = {*groups, *maybe}, self._terms.today
        spoilt = _Spoilt(self._bad)
        types = {change.type for change in self._all()}
        return [
            Absent(person, engagement, engagement.type in types)
            for person in self._known
            if person.id not in seen
            for engagement in person.engagements
            if engagement.starts <= today and not engagement.is_over(today)
            if not spoilt.mentions(person)
        ]

    def _all(self) -> Iterable[Change]:
        yield from self._new
        yield from self._changed
        yield from self._unchanged


def _managed(change: Change, on_record: set[UUID]) -> Change:
    """Return a change without a manager whose own row, further down the file, turned out not to be usable."""
    manager_id = change.engagement_facts.get("manager_id")
    if manager_id is None or manager_id in on_record:
        return change
    kept = {fact: value for fact, value in change.engagement_facts.items() if fact != "manager_id"}
    fields = tuple(field for field in change.fields if field.fact != "manager_id")
    note = f"The line manager “{change.row.manager}” can’t go in, and is passed over."
    return replace(change, engagement_facts=kept, fields=fields, notes=(*change.notes, note))


def _either(who: Who) -> str:
    return " or ".join(dict.fromkeys(person.name for person in who.candidates))


class _Spoilt:
    """What the rows that can't be used hold, so that whoever is in one isn't taken for a leaver."""

    def __init__(self, bad: Iterable[BadRow]) -> None:
        self._rows = [
            ({fold(str(cell)) for cell in row.cells if cell is not None}, _words(row))
            for row in bad
            if row.cells
        ]

    def mentions(self, person: KnownPerson) -> bool:
        own = {fold(value) for value in (person.staff_no, person.email) if value}
        name = set(fold(person.name).split())
        return any(own & cells or (name and name <= words) for cells, words in self._rows)


def _words(row: BadRow) -> set[str]:
    return {word for cell in row.cells if cell is not None for word in fold(str(cell)).split()}
