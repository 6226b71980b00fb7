"""A day at the desk: where every visitor stands, worked out from what was recorded and from the evidence.

It says "not done" and never why: a refusal, a question and a phone that ran out look the same here.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from lms import compliance
from lms.attestations import Attestation
from lms.clock import london_day
from lms.compliance import Obligation, Standing
from lms.db import session
from lms.desk import Place, Visit
from lms.help_requests import HelpRequest
from lms.items import Item, items
from lms.people import Engagement, EngagementType, Person
from lms.status import Status
from lms.training import Assignment, Exemption


class State(StrEnum):
    """Where a visit stands, as reception says it."""

    EXPECTED = "expected"
    ARRIVED = "arrived"
    DOING = "doing"
    SIGNED = "signed"
    NOT_DONE = "not done"


@dataclass(frozen=True, slots=True)
class Line:
    """One visitor of the day."""

    visit: Visit
    person: Person
    engagement: Engagement
    state: State
    signed_at: datetime | None
    """When what is due today was signed; None while any of it isn't."""
    is_asked: bool
    """Whether there is anything to sign."""

    @property
    def name(self) -> str:
        """Forename and surname."""
        return self.person.name

    @property
    def from_agency(self) -> bool:
        """Whether an agency sent them, whose written confirmation must be seen."""
        return self.engagement.type is EngagementType.AGENCY_WORKER

    @property
    def is_unsigned_in_class(self) -> bool:
        """Whether a senior sent them to class before they signed, and they still haven't."""
        return self.visit.to_class_at is not None and self.signed_at is None and self.visit.left_at is None


def lines(school_id: UUID, now: datetime) -> list[Line]:
    """Return everybody expected or arrived today, by name. Four queries, however many there are."""
    return _lines(school_id, [Visit.day == london_day(now)], now)


def line_of(visit: Visit, now: datetime) -> Line:
    """Return where one visit stands now."""
    return _lines(visit.organisation_id, [Visit.id == visit.id], now)[0]


def counts(found: Sequence[Line]) -> dict[State, int]:
    """Return how many are in each state, in the order of a morning."""
    held = Counter(line.state for line in found)
    return {state: held[state] for state in State}


def version(school_id: UUID, now: datetime) -> str:
    """Return a short text that differs whenever the day's list may: what a desk that polls holds against ours.

    One query. A minute alone changes it too, as codes run out without anything being written.
    """
    here = sa.select(Visit.person_id).where(Visit.organisation_id == school_id, Visit.day == london_day(now))
    row = session.execute(
        sa.select(
            sa.func.max(Visit.changed_at),
            # Two changes within one tick of the clock still differ in what they filled in.
            *(sa.func.count(column) for column in _FILLED_IN),
            _number(sa.select(sa.func.count()).where(Attestation.person_id.in_(here))),
            _number(
                sa.select(sa.func.count()).where(
                    HelpRequest.person_id.in_(here), HelpRequest.answered_at.is_(None)
                )
            ),
            _number(sa.select(sa.func.count()).where(Exemption.person_id.in_(here))),
            _number(sa.select(sa.func.count()).where(Assignment.organisation_id == school_id)),
        ).where(Visit.organisation_id == school_id, Visit.day == london_day(now))
    ).one()
    seen = "|".join(map(str, (*row, london_day(now), int(now.timestamp()) // 60)))
    return hashlib.sha256(seen.encode()).hexdigest()[:24]


_FILLED_IN = (
    Visit.id,
    Visit.arrived_at,
    Visit.started_at,
    Visit.code_hash,
    Visit.assisted_by,
    Visit.to_class_at,
    Visit.left_at,
)


def _number(statement: sa.Select[int]) -> sa.ScalarSelect[int]:
    return statement.scalar_subquery()


def _lines(school_id: UUID, wanted: list[sa.ColumnElement[bool]], now: datetime) -> list[Line]:
    rows = session.execute(
        sa.select(Visit, Person, Engagement)
        .join(Person, Person.id == Visit.person_id)
        .join(Engagement, sa.and_(Engagement.id == Visit.engagement_id, Engagement.recorded_to.is_(None)))
        .where(Visit.organisation_id == school_id, *wanted)
        .order_by(Person.sort_name, Visit.id)
    ).all()
    people = [visit.person_id for visit, _, _ in rows]
    wanted_of = {engagement.type for _, _, engagement in rows}
    owed, asking = _obligations(school_id, people, wanted_of, now), _with_open_requests(school_id, people)
    return [
        _line(visit, person, engagement, owed.get(person.id, []), asking, now)
        for visit, person, engagement in rows
    ]


def _line(
    visit: Visit,
    person: Person,
    engagement: Engagement,
    owed: list[Obligation],
    asking: set[tuple[UUID, UUID]],
    now: datetime,
) -> Line:
    due = _due_now(owed, london_day(now))
    signed = [obligation.signed_at for obligation in due if obligation.status is Status.SIGNED]
    signed_at = max(filter(None, signed), default=None) if len(signed) == len(due) else None
    has_stopped = any(o.status is Status.DECLINED or (person.id, o.assignment_id) in asking for o in due)
    state = _state(visit, is_signed=signed_at is not None, has_stopped=has_stopped, now=now)
    return Line(visit, person, engagement, state, signed_at, is_asked=bool(due))


def _state(visit: Visit, *, is_signed: bool, has_stopped: bool, now: datetime) -> State:
    if visit.arrived_at is None:
        return State.EXPECTED
    if is_signed:
        return State.SIGNED
    has_begun = visit.started_at is not None
    if has_stopped or visit.left_at is not None or (has_begun and _is_over(visit, now)):
        return State.NOT_DONE
    return State.DOING if has_begun else State.ARRIVED


def _is_over(visit: Visit, now: datetime) -> bool:
    """Say whether the code that somebody began with is no longer good. Paper needs none."""
    return visit.place is not Place.PAPER and (visit.code_expires is None or visit.code_expires <= now)


def _due_now(owed: list[Obligation], today: date) -> list[Obligation]:
    """Return what somebody must have signed by today; where nothing is due yet, all that they are asked for."""
    asked = [obligation for obligation in owed if obligation.status is not Status.NOT_REQUIRED]
    return [obligation for obligation in asked if obligation.due <= today] or asked


def _obligations(
    school_id: UUID, people: list[UUID], types: set[EngagementType], now: datetime
) -> dict[UUID, list[Obligation]]:
    """Return what each is asked for, of what is asked of anybody who comes as they do."""
    held: dict[UUID, list[Obligation]] = {}
    there = items([school_id], now) if people else []
    wanted = {item.assignment.id: item for item in there if types & set(item.assignment.audience)}
    if not wanted:
        return held
    for row in session.execute(sa.union_all(*(_statement(item, people) for item in wanted.values()))):
        obligation = compliance.read(wanted[row[0]], row[1:])
        held.setdefault(obligation.person_id, []).append(obligation)
    return held


def _statement(item: Item, people: list[UUID]) -> sa.Select[*tuple[Any, ...]]:
    table = compliance.obligations(item, Standing.ENGAGED, people)
    return sa.select(table.c.assignment_id.label("of"), *compliance.columns(table))


def _with_open_requests(school_id: UUID, people: list[UUID]) -> set[tuple[UUID, UUID]]:
    """Return who has asked HR for something about which assignment, and waits for an answer."""
    if not people:
        return set()
    asked = sa.select(HelpRequest.person_id, HelpRequest.assignment_id).where(
        HelpRequest.organisation_id == school_id,
        HelpRequest.person_id.in_(people),
        HelpRequest.answered_at.is_(None),
    )
    return {(person_id, assignment_id) for person_id, assignment_id in session.execute(asked)}
