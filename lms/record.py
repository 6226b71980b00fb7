"""The training record: every adult engaged by a school, and where each stands on every item."""

from __future__ import annotations

from base64 import b64encode
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import lru_cache
from itertools import groupby
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from lms import compliance, ledger
from lms.absences import is_away, read_spans
from lms.attestations import IdentityAssurance, Kind
from lms.clock import london_day
from lms.compliance import Item, Standing
from lms.db import stream
from lms.errors import ConflictError
from lms.items import deadlines
from lms.outside_training import DoneElsewhere
from lms.people import Engagement, EngagementType, Person
from lms.schools import Organisation
from lms.standings import Filters
from lms.status import Status


@dataclass(frozen=True, slots=True)
class RecordItem:
    """One thing to sign: a policy, assigned to somebody at this school."""

    assignment_id: UUID
    title: str
    policy_label: str
    policy_sha256: str
    asked_of: str = ""
    """Whom it is for, in words: what tells two items of one title apart."""


@dataclass(frozen=True, slots=True)
class ItemStatus:
    """Where one person stands on one item. `signed_on` is the London day of the last signing."""

    status: Status
    signed_on: date | None = None
    due: date | None = None


@dataclass(frozen=True, slots=True)
class RecordRow:
    """One adult at one school, with one ItemStatus for each RecordItem, in the items' order."""

    person_id: UUID
    staff_no: str | None
    surname: str
    forename: str
    known_as: str | None
    category: str
    """The engagement type in words, such as "Agency worker"."""
    role: str
    """The job title, with any further engagement added: "Teacher of maths; also governor"."""
    agency: str | None
    department: str | None
    school: str
    manager: str | None
    start: date
    end: date | None
    items: tuple[ItemStatus, ...]
    next_due: date | None
    days_overdue: int | None
    identity_check: str | None
    elsewhere: tuple[DoneElsewhere, ...] = ()
    """Training done elsewhere, in a report that tells of it (lms/elsewhere.py). It is no signature."""


@dataclass(frozen=True, slots=True)
class CategoryCount:
    """How many obligations of one engagement type have each status; `people` counts adults."""

    category: str
    people: int
    counts: dict[Status, int]


@dataclass(frozen=True, slots=True)
class About:
    """What a workbook says of itself (sheet About)."""

    report: str
    school: str
    filters: str
    """The filters in words, "none" where there are none."""
    as_at: date
    made_at: datetime
    made_by: str
    policies: tuple[tuple[str, str, str], ...]
    """(title, version label, SHA-256 of the version's source) for each policy in the report."""
    ledger_origin: str
    ledger_size: int
    ledger_root: str
    """Base64 of the root hash, as in the checkpoint."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What a report is about: a school and what is assigned there, as recorded at a moment, and the people wanted."""

    school: Organisation
    items: tuple[Item, ...]
    moment: datetime
    filters: Filters = field(default_factory=Filters)
    item: Item | None = None
    """The one item that the report is about, where HR chose one of several."""
    with_names: bool = False
    """Whether the governors' pack has an appendix that names people."""

    @property
    def wanted(self) -> tuple[Item, ...]:
        """The items in the report."""
        return (self.item,) if self.item else self.items

    @property
    def is_whole(self) -> bool:
        """Whether nobody is left out."""
        return not self.filters.words


def scope_of(school: Organisation, moment: datetime) -> Scope:
    """Return the scope of a report on everybody and everything at a school. One query."""
    return Scope(school, tuple(compliance.items([school.id], moment)), moment)


def items(scope: Scope) -> tuple[RecordItem, ...]:
    """Return what the record has columns for."""
    return tuple(
        RecordItem(
            item.assignment.id,
            item.policy.title,
            item.version.label,
            item.version.source_sha256,
            audience_in_words(item),
        )
        for item in scope.wanted
    )


def audience_in_words(item: Item) -> str:
    """Return whom an item is for: "agency worker, staying longer than 5 days"."""
    asked = item.assignment
    types = [EngagementType(type_).words.lower() for type_ in asked.audience]
    days = asked.least_days
    staying = [f"staying longer than {days} day{'s' if days > 1 else ''}"] if days else []
    return ", ".join([*types, *(f"in {name}" for name in asked.departments), *staying])


def rows(scope: Scope) -> Iterator[RecordRow]:
    """Yield a row for every adult engaged on the day, by name. Memory doesn't grow with them."""
    people = _people(scope, Standing.ENGAGED)
    for person, mine in _with_obligations(people, scope.wanted, Standing.ENGAGED):
        if scope.is_whole or _fits(scope.filters, person, mine):
            yield _row(scope, person, mine)


def leavers(scope: Scope) -> Iterator[RecordRow]:
    """Yield a row for everybody who had something to sign and has left, by name: their records stay."""
    people = _people(scope, Standing.LEFT)
    for person, mine in _with_obligations(people, scope.wanted, Standing.LEFT):
        if mine and (scope.is_whole or _fits(scope.filters, person, mine)):
            yield _row(scope, person, mine, has_left=True)


def about(scope: Scope, *, report: str, made_at: datetime, made_by: str) -> About:
    """Return what a report says of itself, with the ledger as it stands now."""
    size, root = ledger.state(scope.school)
    policies = {
        (item.policy.title, item.version.label, item.version.source_sha256): None for item in scope.wanted
    }
    return About(
        report=report,
        school=scope.school.name,
        filters=filters_in_words(scope),
        as_at=london_day(scope.moment),
        made_at=made_at,
        made_by=made_by,
        policies=tuple(policies),
        ledger_origin=scope.school.ledger_origin,
        ledger_size=size,
        ledger_root=b64encode(root).decode(),
    )


def filters_in_words(scope: Scope) -> str:
    """Return who and what the report was narrowed to: "Status: Overdue; Department: Maths", or "none"."""
    narrowed = [f"To sign: {scope.item.policy.title}"] if scope.item else []
    return "; ".join([*narrowed, *scope.filters.words]) or "none"


class _Standing(NamedTuple):
    """What follows from a status and its dates; thousands of people share one."""

    shown: ItemStatus
    next_due: date | None
    days_overdue: int | None


class _Obliged(NamedTuple):
    """What the record needs of an obligation. `place` is its item's."""

    place: int
    standing: _Standing
    signed_at: datetime | None
    assurance: IdentityAssurance | None
    kind: Kind | None


_NEEDED = ("status", "starts", "signed_at", "signed_number", "identity_assurance", "signed_kind", "absences")


@dataclass(frozen=True, slots=True)
class _Engaged:
    """One adult with their engagements, the main one first."""

    key: object
    engagements: list[Any]


def _people(scope: Scope, standing: Standing) -> Iterator[_Engaged]:
    school, day = scope.school, london_day(scope.moment)
    manager = aliased(Person)
    # A leaver is shown by the last engagement, everyone else by the first.
    first = Engagement.ends.desc() if standing is Standing.LEFT else Engagement.starts
    statement = (
        sa.select(
            compliance.key(Person.id),
            *(Person.id, Person.staff_no, Person.surname, Person.forename, Person.known_as, Person.sort_name),
            *(Engagement.type, Engagement.job_title, Engagement.agency, Engagement.department),
            *(Engagement.starts, Engagement.ends),
            *(manager.forename.label("manager_forename"), manager.surname.label("manager_surname")),
        )
        .join(Engagement, Engagement.person_id == Person.id)
        .outerjoin(manager, manager.id == Engagement.manager_id)
        .where(Engagement.organisation_id == school.id, Engagement.recorded_at(scope.moment))
        .where(*compliance.on_the_day(standing, day, school.id, scope.moment))
        .order_by(Person.sort_name, Person.id, first, Engagement.id)
    )
    for key, engagements in groupby(stream(statement), key=lambda row: row.key):
        yield _Engaged(key, list(engagements))


def _with_obligations(
    people: Iterable[_Engaged], wanted: Sequence[Item], standing: Standing
) -> Iterator[tuple[_Engaged, list[_Obliged]]]:
    """Walk along people and obligations together: both come by name."""
    obligations = compliance.stream(wanted, standing, _NEEDED)
    read = [_reading(item) for item in wanted]
    head = next(obligations, None)
    for person in people:
        mine = []
        while head is not None and head[1] == person.key:
            mine.append(read[head[0]](head))
            head = next(obligations, None)
        yield person, mine
    if head is not None:
        # Somebody was added between the two queries, so the rest didn't find their people.
        raise ConflictError("The staff list changed while the report was being made. Make it again.")


def _reading(item: Item) -> Callable[[Sequence[Any]], _Obliged]:
    @lru_cache(maxsize=1024)
    def standing(
        word: str, starts: date, signed_on: date | None, number: int | None, absences: str | None
    ) -> _Standing:
        status, away = Status(word), read_spans(absences)
        dates = deadlines(item, status, starts, signed_on, number, away)
        has_no_day = status is Status.NOT_REQUIRED or is_away(away, item.day)
        due = None if has_no_day else dates.due
        return _Standing(ItemStatus(status, signed_on, due), dates.next_due, dates.days_overdue)

    def read(row: Sequence[Any]) -> _Obliged:
        place, _, word, starts, signed_at, number, assurance, kind, absences = row
        signed_on = london_day(signed_at) if signed_at else None
        return _Obliged(
            place, standing(word, starts, signed_on, number, absences), signed_at, assurance, kind
        )

    return read


def _fits(filters: Filters, person: _Engaged, mine: Iterable[_Obliged]) -> bool:
    return (
        filters.fit_name(person.engagements[0].sort_name)
        and any(filters.fit_engagement(e.type, e.department) for e in person.engagements)
        and any(filters.status in (None, o.standing.shown.status) for o in mine)
    )


def _row(scope: Scope, person: _Engaged, mine: Sequence[_Obliged], *, has_left: bool = False) -> RecordRow:
    main = person.engagements[0]
    next_dues = [o.standing.next_due for o in mine if o.standing.next_due]
    overdue = [o.standing.days_overdue for o in mine if o.standing.days_overdue]
    return RecordRow(
        person_id=main.id,
        staff_no=main.staff_no,
        surname=main.surname,
        forename=main.forename,
        known_as=main.known_as,
        category=main.type.words,
        role=role_in_words(person.engagements),
        agency=main.agency,
        department=main.department,
        school=scope.school.name,
        manager=_full_name(main.manager_forename, main.manager_surname),
        start=main.starts,
        end=main.ends,
        items=_statuses(len(scope.wanted), mine),
        next_due=None if has_left else min(next_dues, default=None),
        days_overdue=max(overdue, default=None),
        identity_check=_last_check(mine),
    )


def role_in_words(engagements: Sequence[Any]) -> str:
    """Return the role of somebody's main engagement with the others added: "Teacher of maths; also governor"."""
    main, *others = (row.job_title or row.type.words for row in engagements)
    return "; also ".join([main, *(_within_sentence(role) for role in others)])


def _within_sentence(role: str) -> str:
    # "Governor" becomes "governor"; "ICT technician" stays.
    return role if role[1:2].isupper() else role[:1].lower() + role[1:]


def _full_name(forename: str | None, surname: str | None) -> str | None:
    return " ".join(filter(None, (forename, surname))) or None


def _statuses(count: int, mine: Iterable[_Obliged]) -> tuple[ItemStatus, ...]:
    found = [_NOT_OBLIGED] * count
    for obliged in mine:
        found[obliged.place] = obliged.standing.shown
    return tuple(found)


_NOT_OBLIGED = ItemStatus(Status.NOT_REQUIRED)


def _last_check(mine: Iterable[_Obliged]) -> str | None:
    checks = [(o.signed_at, _check(o.assurance, o.kind)) for o in mine if o.signed_at and o.assurance]
    return max(checks)[1] if checks else None


def _check(assurance: IdentityAssurance, kind: Kind | None) -> str:
    return f"{assurance.words}; signed on paper" if kind is Kind.ON_PAPER else assurance.words


class Tally:
    """Counts a report's rows as they go by; afterwards, the CategoryCounts of its sheet Summary."""

    def __init__(self) -> None:
        self._people: Counter[str] = Counter()
        self._statuses: Counter[tuple[str, Status]] = Counter()

    def add(self, category: str, statuses: Iterable[Status], *, people: int = 1) -> None:
        """Count some people of a category (an EngagementType in words) and where they stand."""
        self._people[category] += people
        self._statuses.update([(category, status) for status in statuses])

    def __iter__(self) -> Iterator[CategoryCount]:
        """Yield what was counted, by category in the order of EngagementType."""
        for category in (type_.words for type_ in EngagementType):
            if people := self._people[category]:
                counts = {status: self._statuses[category, status] for status in Status}
                yield CategoryCount(category, people, counts)


def counted(tally: Tally, rows: Iterable[RecordRow]) -> Iterator[RecordRow]:
    """Yield rows of the training record, counting each as it goes by."""
    for row in rows:
        tally.add(row.category, [standing.status for standing in row.items])
        yield row
