"""What governors are told: counts, how they have changed from term to term, and exceptions. Never a name.

Some governors may sit on a panel about one of these people, so nobody can be told apart here.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import Enum
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from lms import compliance, ledger, tallies, terms
from lms.absences import read_spans
from lms.attestations import SIGNING_KINDS, Attestation
from lms.clock import add_months, end_of_day, london_day, start_of_day
from lms.db import session, stream
from lms.items import Item, deadlines, items
from lms.people import Engagement, EngagementType
from lms.policies import Policy, PolicyVersion
from lms.record import CategoryCount, Scope
from lms.schools import Kind, Organisation
from lms.status import Status
from lms.tallies import Adults, Tally

MOST_TERMS = 6


class Exceptional(Enum):
    """A way in which something isn't as it should be: what, what to do about it, and whose it is to do."""

    WEEK = ("Late by up to 7 days", "Remind them", "HR")
    MONTH = ("Late by 8 to 28 days", "Speak with them and agree a day", "Line managers")
    LONG = ("Late by more than 28 days", "See each of them in person", "Head")
    AGAIN = ("Signed before, and must sign again", "Ask them to sign again", "HR")
    DECLINED = ("Read it and chose not to sign", "Speak with each; the policy still applies", "HR")
    EXEMPT = ("Need not sign, for a reason on record", "See that each reason still holds", "HR")

    @property
    def what(self) -> str:
        """What isn't as it should be."""
        return str(self.value[0])

    @property
    def action(self) -> str:
        """What to do about it."""
        return str(self.value[1])

    @property
    def owner(self) -> str:
        """Whose it is to do: an office, not a person."""
        return str(self.value[2])


@dataclass(frozen=True, slots=True)
class ExceptionCount:
    """How many people at a school are an exception of one kind, on one policy."""

    school: str
    policy: str
    kind: Exceptional
    people: int
    longest: int | None
    """Days, of whoever has waited longest; None where nothing is late."""


@dataclass(frozen=True, slots=True)
class SchoolCount:
    """Where one school's adults stand, and its ledger as it is now."""

    count: CategoryCount
    ledger_size: int
    ledger_root: bytes


@dataclass(frozen=True, slots=True)
class TermCount:
    """Where everybody stood on the last day of a term, as was recorded by the end of it."""

    term: str
    day: date
    count: CategoryCount


@dataclass(frozen=True, slots=True)
class Published:
    """A version of a policy, and at how many schools it was published."""

    policy: str
    version: str
    published: date
    sign_again_by: date | None
    sha256: str
    schools: int


@dataclass(frozen=True, slots=True)
class Year:
    """What happened in the twelve months up to the day."""

    since: date
    joined: int
    left: int
    signed: int


@dataclass(frozen=True, slots=True)
class Pack:
    """All that the governors' pack says."""

    schools: list[SchoolCount]
    categories: list[CategoryCount]
    trend: list[TermCount]
    are_terms_entered: bool
    """Whether all the terms of the trend were; the usual ones stand for those that were not."""
    exceptions: list[ExceptionCount]
    history: list[Published]
    year: Year
    total: CategoryCount = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "total", _total(self.categories))


def schools_of(organisation: Organisation) -> list[Organisation]:
    """Return a school by itself, or the schools of a trust by name. One query."""
    if organisation.kind is Kind.SCHOOL:
        return [organisation]
    below = sa.select(Organisation).where(
        Organisation.parent_id == organisation.id, Organisation.kind == Kind.SCHOOL
    )
    return list(session.scalars(below.order_by(Organisation.name, Organisation.id)))


def scope_of(organisation: Organisation, moment: datetime) -> Scope:
    """Return the scope of a report on everything at a school, or at all the schools of a trust."""
    ids = [school.id for school in schools_of(organisation)]
    return Scope(organisation, tuple(items(ids, moment)), moment)


def pack(scope: Scope) -> Pack:
    """Count what governors are told, as recorded at the scope's moment: about everybody, on all items or the one."""
    schools = schools_of(scope.school)
    found, adults = tallies.tallies(scope.wanted), tallies.adults([s.id for s in schools], scope.moment)
    trend, entered = _trend(scope, schools, found, adults)
    return Pack(
        schools=_by_school(schools, found, adults),
        categories=_by_category(found, adults),
        trend=trend,
        are_terms_entered=entered,
        exceptions=_exceptions(scope, schools),
        history=_history(schools, scope),
        year=_year(schools, scope.moment),
    )


def _by_category(found: Iterable[Tally], adults: Iterable[Adults]) -> list[CategoryCount]:
    counts = _counted(found, adults, lambda one: one.type, lambda one: one.type)
    return [_named(type_.words, *counts[type_]) for type_ in EngagementType if type_ in counts]


def _by_school(
    schools: Sequence[Organisation], found: Iterable[Tally], adults: Iterable[Adults]
) -> list[SchoolCount]:
    counts = _counted(
        found, adults, lambda one: one.item.assignment.organisation_id, lambda one: one.school_id
    )
    states = ledger.states([school.id for school in schools])
    return [
        SchoolCount(_named(school.name, *counts.get(school.id, (0, Counter()))), *states[school.id])
        for school in schools
    ]


def _counted(
    found: Iterable[Tally],
    adults: Iterable[Adults],
    of_tally: Callable[[Tally], Any],
    of_adults: Callable[[Adults], Any],
) -> dict[Any, tuple[int, Counter[Status]]]:
    people: Counter[Any] = Counter()
    statuses: defaultdict[Any, Counter[Status]] = defaultdict(Counter)
    for one in adults:
        people[of_adults(one)] += one.people
    for tally in found:
        statuses[of_tally(tally)][tally.status] += tally.people
    return {key: (people[key], statuses[key]) for key in {*people, *statuses}}


def _named(name: str, people: int, statuses: Counter[Status]) -> CategoryCount:
    return CategoryCount(name, people, {status: statuses[status] for status in Status})


def _total(counts: Iterable[CategoryCount], name: str = "Total") -> CategoryCount:
    people, statuses = 0, Counter[Status]()
    for count in counts:
        people += count.people
        statuses.update(count.counts)
    return _named(name, people, statuses)


def _trend(
    scope: Scope, schools: Sequence[Organisation], found: list[Tally], adults: list[Adults]
) -> tuple[list[TermCount], bool]:
    """Return how things stood at the end of each term in which anything was asked, and on the day itself."""
    ids, day = [school.id for school in schools], london_day(scope.moment)
    over, entered = terms.ended(ids, day, MOST_TERMS)
    counts = []
    for term in over:
        moment = end_of_day(term.last)
        wanted = _same(scope, items(ids, moment))
        count = _total(_by_category(tallies.tallies(wanted), tallies.adults(ids, moment)))
        if wanted:
            counts.append(TermCount(term.words, term.last, count))
    return [*counts, TermCount("This report", day, _total(_by_category(found, adults)))], entered


def _same(scope: Scope, found: list[Item]) -> list[Item]:
    """Return of what was assigned then what this report is about."""
    if scope.item is None:
        return found
    return [item for item in found if item.assignment.id == scope.item.assignment.id]


def _exceptions(scope: Scope, schools: Sequence[Organisation]) -> list[ExceptionCount]:
    names = {school.id: school.name for school in schools}
    people: Counter[tuple[str, str, Exceptional]] = Counter()
    longest: dict[tuple[str, str, Exceptional], int] = {}
    for item in scope.wanted:
        for kind, days in _exceptional(item):
            key = (names[item.assignment.organisation_id], item.policy.title, kind)
            people[key] += 1
            if days is not None:
                longest[key] = max(days, longest.get(key, 0))
    order = {kind: place for place, kind in enumerate(Exceptional)}
    keys = sorted(people, key=lambda key: (key[0], key[1], order[key[2]]))
    return [ExceptionCount(*key, people[key], longest.get(key)) for key in keys]


_LATE = (Status.OVERDUE, Status.EXPIRED, Status.DECLINED, Status.NOT_REQUIRED)


def _exceptional(item: Item) -> Iterable[tuple[Exceptional, int | None]]:
    """Yield the exceptions among those obliged by an item, with how many days each is late."""
    table = compliance.obligations(item)
    needed = (table.c.status, table.c.starts, table.c.signed_at, table.c.signed_number, table.c.absences)
    rows = stream(sa.select(*needed).where(table.c.status.in_([status.value for status in _LATE])))
    for row in rows:
        word, starts, signed_at, number, absences = tuple(row)
        signed_on = london_day(signed_at) if signed_at else None
        status = Status(word)
        days = deadlines(item, status, starts, signed_on, number, read_spans(absences)).days_overdue
        yield _kind(status, days), days


def _kind(status: Status, days: int | None) -> Exceptional:
    match status:
        case Status.NOT_REQUIRED:
            return Exceptional.EXEMPT
        case Status.DECLINED:
            return Exceptional.DECLINED
        case Status.EXPIRED:
            return Exceptional.AGAIN
    late = days or 0
    if late > 28:
        return Exceptional.LONG
    return Exceptional.MONTH if late > 7 else Exceptional.WEEK


def _history(schools: Sequence[Organisation], scope: Scope) -> list[Published]:
    """Return the versions of the policies, each policy's newest first; the same one at several schools once."""
    titles = {item.policy.title for item in scope.wanted} if scope.item else None
    versions = session.execute(
        sa.select(Policy.title, PolicyVersion)
        .join(Policy, Policy.id == PolicyVersion.policy_id)
        .where(PolicyVersion.organisation_id.in_([school.id for school in schools]))
        .where(PolicyVersion.recorded_at <= scope.moment)
        .order_by(Policy.title, PolicyVersion.recorded_at.desc(), PolicyVersion.number.desc())
    )
    found: dict[tuple[str, str, str], list[PolicyVersion]] = {}
    for title, version in versions:
        if titles is None or title in titles:
            found.setdefault((title, version.label, version.source_sha256), []).append(version)
    return [
        Published(title, label, london_day(vs[-1].recorded_at), vs[-1].resign_by, sha256, len(vs))
        for (title, label, sha256), vs in found.items()
    ]


def _year(schools: Sequence[Organisation], moment: datetime) -> Year:
    ids, day = [school.id for school in schools], london_day(moment)
    since = add_months(day, -12)
    signed = sa.select(sa.func.count()).where(
        Attestation.organisation_id.in_(ids),
        Attestation.kind.in_(SIGNING_KINDS),
        Attestation.recorded_at >= start_of_day(since),
        Attestation.recorded_at <= moment,
    )
    # Whoever moved from one school of a trust to another neither joined nor left.
    joined = _people(ids, moment, Engagement.starts > since, Engagement.starts <= day, _OTHER.starts <= since)
    is_open = sa.or_(_OTHER.ends.is_(None), _OTHER.ends >= day)
    left = _people(ids, moment, Engagement.ends >= since, Engagement.ends < day, is_open)
    return Year(since, *(session.scalar(asked) or 0 for asked in (joined, left, signed)))


_OTHER = aliased(Engagement, name="other")


def _people(
    ids: list[UUID],
    moment: datetime,
    first: sa.ColumnElement[bool],
    last: sa.ColumnElement[bool],
    but: sa.ColumnElement[bool],
) -> sa.Select[int]:
    """Return the statement that counts people with an engagement between two days, but those with some other."""
    other = sa.exists().where(
        _OTHER.person_id == Engagement.person_id,
        _OTHER.organisation_id.in_(ids),
        _OTHER.recorded_at(moment),
        but,
    )
    return sa.select(sa.func.count(sa.distinct(Engagement.person_id))).where(
        Engagement.organisation_id.in_(ids), Engagement.recorded_at(moment), first, last, ~other
    )
