"""The one definition of who must do what by when, and whether they have.

An obligation is one per person, school and assignment. Nothing is materialised: the status is an SQL expression,
so that counts, lists, workbooks and the learner's own page can't differ. "As at a day" means as was recorded by
the end of that London day.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, field, fields
from datetime import date, datetime
from enum import Enum
from functools import lru_cache
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from lms import absences, audience, given, merges
from lms.attestations import IdentityAssurance, Kind
from lms.clock import london_day
from lms.db import UTCDateTime, session
from lms.db import stream as stream_rows
from lms.items import Item as Item
from lms.items import deadlines
from lms.items import items as items
from lms.items import moment_of as moment_of
from lms.lateness import is_overdue, school_of
from lms.people import Engagement, EngagementType, Person, full_name
from lms.status import Status
from lms.training import Assignment, Exemption


class Standing(Enum):
    """Whose obligations to look at."""

    ENGAGED = "engaged on the day"
    EXPECTED = "engaged on the day, or starting later"
    LEFT = "engaged before the day, and no longer"


@dataclass(frozen=True, slots=True)
class Obligation:
    """Where one person stands on one item."""

    person_id: UUID
    surname: str
    forename: str
    known_as: str | None
    staff_no: str | None
    type: EngagementType
    job_title: str | None
    agency: str | None
    department: str | None
    manager_id: UUID | None
    starts: date
    ends: date | None
    assignment_id: UUID
    status: Status
    due: date
    signed_at: datetime | None
    attestation_id: UUID | None
    signed_kind: Kind | None
    signed_number: int | None
    """The number of the policy version that was signed."""
    identity_assurance: IdentityAssurance | None
    next_due: date | None
    """When the signature stops counting, or the day it is due if there is none that counts."""
    days_overdue: int | None
    signature_ends: date | None
    """When what was signed last stops, or stopped, counting."""
    is_away: bool
    """Whether they are away on the day: then the clock stands still, and nothing is asked of them."""

    @property
    def name(self) -> str:
        """Forename and surname, or words where none was given."""
        return full_name(self.forename, self.surname)

    @property
    def sign_by(self) -> date | None:
        """The day by which they must sign, or sign again; None where none is known, as while they are away."""
        if self.status is Status.SIGNED:
            return self.next_due
        return None if self.is_away or self.status is Status.NOT_REQUIRED else self.due


Among = Sequence[UUID] | sa.BindParameter[UUID] | None
"""Ids of the people to look at, or a parameter that stands for them; None for everybody."""

# Made once: an alias takes as long to make as the rest of the statement.
_OTHER = aliased(Engagement, name="other")


def obligations(item: Item, standing: Standing = Standing.ENGAGED, among: Among = None) -> sa.Subquery:
    """Return one row a person obliged by an item, with `status` worked out: the definition.

    The columns are what `read` needs; select from it to count, filter, sort and page. What isn't selected from it
    costs nothing: a count doesn't look up names. With `among`, only these people are looked at. An item with others
    `alike` has one row a person and item.
    """
    engaged = _engaged(item, standing, among)
    own = _told(item, standing, engaged, given.is_own)
    if not item.has_merged:
        return own.where(engaged.c.rank == 1).subquery("obligation")
    # Whose records were merged are few, and looked at by all their records; the others as ever.
    several = merges.has_several(engaged.c.person_id, _by_then(item))
    together = _told(item, standing, engaged, given.is_one_of(_by_then(item)))
    return sa.union_all(
        own.where(engaged.c.rank == 1, ~several), together.where(engaged.c.rank == 1, several)
    ).subquery("obligation")


def _told(
    item: Item, standing: Standing, engaged: sa.Subquery, whose: given.Whose
) -> sa.Select[*tuple[Any, ...]]:
    signed = given.SIGNED
    return (
        sa.select(
            *(() if item.alike else (sa.literal(item.assignment.id, sa.Uuid()).label("assignment_id"),)),
            *(column for column in engaged.c if column.key != "rank"),
            *(Person.surname, Person.forename, Person.known_as, Person.staff_no, Person.sort_name),
            signed.recorded_at.label("signed_at"),
            signed.id.label("attestation_id"),
            signed.kind.label("signed_kind"),
            signed.cycle.label("signed_cycle"),
            _number(item, signed).label("signed_number"),
            signed.identity_assurance,
            _status(item, standing, engaged, whose).label("status"),
            absences.spans(engaged.c.person_id, school_of(item, engaged), item.day, _by_then(item)).label(
                "absences"
            ),
        )
        .select_from(engaged)
        # Outer, though there always is one: a database leaves out an outer join that nothing is selected from.
        .outerjoin(Person, Person.id == engaged.c.person_id)
        .outerjoin(signed, given.is_last_signed(item, engaged, whose, _by_then(item)))
    )


def obliged(item: Item) -> sa.Subquery:
    """Return one row a person obliged by an item, without working out where they stand: to list and page by name."""
    engaged = _engaged(item, Standing.ENGAGED, None)
    return (
        sa.select(engaged.c.person_id, engaged.c.type, engaged.c.department, Person.sort_name)
        .join(Person, Person.id == engaged.c.person_id)
        .where(engaged.c.rank == 1)
        .subquery("obliged")
    )


def _by_then(item: Item) -> sa.BindParameter[datetime]:
    """Return the item's moment, by a name: a statement that is kept can be asked about another moment of its day."""
    return sa.bindparam("by_then", item.moment, UTCDateTime())


_OF_ENGAGEMENT = (
    Engagement.person_id,
    Engagement.type,
    Engagement.job_title,
    Engagement.agency,
    Engagement.department,
    Engagement.manager_id,
    Engagement.starts,
    Engagement.ends,
)


def _engaged_at_several(item: Item) -> sa.Subquery:
    """Return who is engaged on the day and obliged by an item, or by one that is alike at another school."""
    ids = [one.assignment.id for one in (item, *item.alike)]
    rank = sa.func.row_number().over(
        partition_by=(Assignment.id, Engagement.person_id), order_by=(Engagement.starts, Engagement.id)
    )
    # Beside a column they are told apart by; of one school alone, a literal is quicker.
    of_which = (Assignment.id.label("assignment_id"), Engagement.organisation_id)
    return (
        sa.select(*of_which, *_OF_ENGAGEMENT, rank.label("rank"))
        .join(Engagement, Engagement.organisation_id == Assignment.organisation_id)
        .where(Assignment.id.in_(ids), Assignment.recorded_at(_by_then(item)))
        .where(Engagement.recorded_at(_by_then(item)), *audience.conditions(item.assignment))
        .where(*on_the_day(Standing.ENGAGED, item.day, item.assignment.organisation_id, _by_then(item)))
        .subquery("engaged")
    )


def _engaged(item: Item, standing: Standing, among: Among) -> sa.Subquery:
    if item.alike:
        return _engaged_at_several(item)
    # Whoever holds several engagements is obliged by the first of them, and a leaver by the last.
    first = (Engagement.ends.desc(),) if standing is Standing.LEFT else (Engagement.starts,)
    rank = sa.func.row_number().over(partition_by=Engagement.person_id, order_by=(*first, Engagement.id))
    statement = sa.select(*_OF_ENGAGEMENT, rank.label("rank")).where(
        Engagement.organisation_id == item.assignment.organisation_id,
        Engagement.recorded_at(_by_then(item)),
        *audience.conditions(item.assignment),
        *on_the_day(standing, item.day, item.assignment.organisation_id, _by_then(item)),
    )
    if standing is Standing.LEFT:
        # Whoever left before it was assigned was never asked.
        statement = statement.where(Engagement.ends >= item.assignment.assigned_on)
    if among is not None:
        statement = statement.where(Engagement.person_id.in_(among))
    return statement.subquery("engaged")


def on_the_day(
    standing: Standing, day: date, organisation_id: UUID, moment: datetime | sa.BindParameter[datetime]
) -> list[sa.ColumnElement[bool]]:
    """Return the conditions that an Engagement has such a standing at a school on a day."""
    not_ended = sa.or_(Engagement.ends.is_(None), Engagement.ends >= day)
    if standing is Standing.EXPECTED:
        return [not_ended]
    if standing is Standing.ENGAGED:
        return [Engagement.starts <= day, not_ended]
    still_here = sa.exists().where(
        _OTHER.person_id == Engagement.person_id,
        _OTHER.organisation_id == organisation_id,
        _OTHER.recorded_at(moment),
        sa.or_(_OTHER.ends.is_(None), _OTHER.ends >= day),
    )
    return [Engagement.ends < day, ~still_here]


def _status(
    item: Item, standing: Standing, engaged: sa.Subquery, whose: given.Whose
) -> sa.ColumnElement[Any]:
    left, signed = standing is Standing.LEFT, given.SIGNED
    has_signed = signed.id.is_not(None)
    cases: list[tuple[sa.ColumnElement[bool], Status]] = [
        (_exempt(item, engaged), Status.NOT_REQUIRED),
        # A leaver's signature is judged by whether it was given, not by what has run out since.
        (has_signed if left else sa.and_(has_signed, *_counts(item, signed)), Status.SIGNED),
        (given.has_declined(item, engaged, whose, _by_then(item)), Status.DECLINED),
        (has_signed, Status.EXPIRED),
        (sa.false() if left else is_overdue(item, engaged, _by_then(item)), Status.OVERDUE),
        (given.has_begun(item, engaged, whose, _by_then(item)), Status.IN_PROGRESS),
    ]
    return sa.case(
        *((when, sa.literal(s.value)) for when, s in cases), else_=sa.literal(Status.NOT_STARTED.value)
    )


def _number(item: Item, signed: Any) -> sa.ColumnElement[Any]:
    versions = (version for one in (item, *item.alike) for version in one.versions)
    return sa.case(*((signed.policy_version_id == v.id, v.number) for v in versions))


def _exempt(item: Item, engaged: sa.Subquery) -> sa.ColumnElement[bool]:
    holds = sa.or_(Exemption.until.is_(None), Exemption.until >= item.day)
    return given.is_listed(item, engaged, Exemption, Exemption.recorded_at(_by_then(item)), holds)


def _counts(item: Item, signed: Any) -> list[sa.ColumnElement[bool]]:
    conditions: list[sa.ColumnElement[bool]] = []
    if item.least_number:
        items_ = (item, *item.alike)
        counting = [v.id for one in items_ for v in one.versions if v.number >= one.least_number]
        conditions.append(signed.policy_version_id.in_(counting))
    if item.signed_since is not None:
        conditions.append(signed.recorded_at >= item.signed_since)
    return conditions


_WORKED_OUT = {"due", "next_due", "days_overdue", "signature_ends", "is_away"}
_WANTED = (*(f.name for f in fields(Obligation) if f.name not in _WORKED_OUT), "absences")


def columns(table: sa.Subquery) -> list[sa.ColumnElement[Any]]:
    """Return the columns of `obligations(…)` in the order that `read` takes them."""
    return [table.c[name] for name in _WANTED]


def read(item: Item, row: Sequence[Any]) -> Obligation:
    """Make an Obligation of a row of `columns(obligations(item))`."""
    found = dict(zip(_WANTED, row, strict=True))
    status, signed_at = Status(found.pop("status")), found["signed_at"]
    signed_on = london_day(signed_at) if signed_at else None
    away = absences.read_spans(found.pop("absences"))
    dates = deadlines(item, status, found["starts"], signed_on, found["signed_number"], away)
    return Obligation(
        **found,
        status=status,
        due=dates.due,
        next_due=dates.next_due,
        days_overdue=dates.days_overdue,
        signature_ends=dates.signature_ends,
        is_away=absences.is_away(away, item.day),
    )


def of_person(person_id: UUID, wanted: Sequence[Item], standing: Standing) -> list[tuple[Item, Obligation]]:
    """Return a person's obligations under some items of one moment, in the items' order. One query."""
    if not wanted:
        return []
    asked = {"among": [person_id], "by_then": wanted[0].moment}
    rows = session.execute(_of_some(alike(wanted), standing), asked).all()
    held = {row.assignment_id: tuple(row) for row in rows}
    found = ((item, held.get(item.assignment.id)) for item in wanted)
    return [(item, read(item, row)) for item, row in found if row is not None]


@dataclass(frozen=True, slots=True)
class Alike:
    """Items, alike where a statement about them is the statement about the others, but for the moment."""

    facts: tuple[Hashable, ...]
    items: tuple[Item, ...] = field(compare=False)


def alike(wanted: Sequence[Item]) -> Alike:
    """Return items of one day as what a statement about them is kept by; it is asked with their moment, `by_then`."""
    # Rows of assignments and versions are never changed, only ended.
    facts = (
        (
            item.assignment.id,
            item.assignment.recorded_from,
            item.day,
            item.has_merged,
            *(v.id for v in item.versions),
        )
        for item in wanted
    )
    return Alike(tuple(facts), tuple(wanted))


@lru_cache(maxsize=64)
def _of_some(wanted: Alike, standing: Standing) -> sa.CompoundSelect[*tuple[Any, ...]]:
    """Return the statement about some people. To build it takes several times as long as to ask it."""
    among = sa.bindparam("among", expanding=True, type_=sa.Uuid())
    parts = (obligations(item, standing, among) for item in wanted.items)
    return sa.union_all(*(sa.select(*columns(part)) for part in parts))


def counts(item: Item, standing: Standing = Standing.ENGAGED) -> list[tuple[EngagementType, Status, int]]:
    """Return how many people of each engagement type have each status."""
    table = obligations(item, standing)
    rows = session.execute(
        sa.select(table.c.type, table.c.status, sa.func.count()).group_by(table.c.type, table.c.status)
    )
    return [(type_, Status(status), n) for type_, status, n in rows]


def stream(wanted: Sequence[Item], standing: Standing, names: Sequence[str]) -> Iterator[Sequence[Any]]:
    """Yield some columns of every obligation under some items, without holding them all in memory.

    The order is that of `Person.sort_name` and the person's id, then of the items. Before the columns come the item's
    place among them, from 0, and the person's `key`.
    """
    if not wanted:
        return
    parts = [
        sa.select(
            sa.literal(place).label("place"),
            key(table.c.person_id),
            table.c.sort_name,
            *(table.c[name] for name in names),
        )
        for place, table in enumerate(obligations(item, standing) for item in wanted)
    ]
    everyone = sa.union_all(*parts).subquery("everyone")
    columns = [everyone.c.place, everyone.c.key, *(everyone.c[name] for name in names)]
    order = (everyone.c.sort_name, everyone.c.key, everyone.c.place)
    yield from stream_rows(sa.select(*columns).order_by(*order))


def key(person_id: Any) -> sa.ColumnElement[Any]:
    """Return a person's id as the driver gives it: to compare with another, without the cost of making a UUID."""
    return sa.type_coerce(person_id, sa.types.NullType()).label("key")
