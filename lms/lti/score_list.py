"""The scores of a school as HR sees them: what was refused and why, what waits, what was sent."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from math import ceil
from uuid import UUID

import sqlalchemy as sa

from lms.db import session
from lms.lti.identities import Identity
from lms.lti.places import Context, ResourceLink
from lms.lti.platforms import Registration
from lms.lti.scores import Score, ScoreState
from lms.people import Person

PAGE_SIZE = 25


class Group(StrEnum):
    """What HR can look at."""

    REFUSED = "refused"
    WAITING = "waiting"
    SENT = "sent"


_STATES = {
    Group.REFUSED: ScoreState.REFUSED,
    Group.WAITING: ScoreState.QUEUED,
    Group.SENT: ScoreState.SENT,
}


@dataclass(frozen=True, slots=True)
class Line:
    """One score with whose it is and where it goes."""

    score: Score
    person: Person
    link: ResourceLink
    course: str
    """Its title; empty for a link outside of any course."""
    platform: str


@dataclass(frozen=True, slots=True)
class Lines:
    """One page of them. `total` counts those on all its pages."""

    lines: list[Line]
    total: int
    number: int

    @property
    def pages(self) -> int:
        """How many pages there are, at least one."""
        return max(1, ceil(self.total / PAGE_SIZE))


def counts(school_id: UUID) -> dict[Group, int]:
    """Return how many scores of a school there are in each group. One query."""
    rows = session.execute(
        sa.select(Score.state, sa.func.count())
        .join(ResourceLink, ResourceLink.id == Score.resource_link_id)
        .where(*_shown(school_id))
        .group_by(Score.state)
    )
    found = {state: number for state, number in rows}
    return {group: found.get(state, 0) for group, state in _STATES.items()}


def lines(school_id: UUID, group: Group, total: int, page: int = 1) -> Lines:
    """Return one page of a group, the latest first. `total` is the group's count. One query."""
    number = min(page, max(1, ceil(total / PAGE_SIZE)))
    rows = session.execute(
        sa.select(Score, Person, ResourceLink, sa.func.coalesce(Context.title, ""), Registration.name)
        .join(ResourceLink, ResourceLink.id == Score.resource_link_id)
        .outerjoin(Context, Context.id == ResourceLink.context_id)
        .join(Identity, Identity.id == Score.identity_id)
        .join(Person, Person.id == Identity.person_id)
        .join(Registration, Registration.id == Identity.registration_id)
        .where(*_shown(school_id), Score.state == _STATES[group])
        .order_by(Score.happened_at.desc(), Score.id)
        .offset((number - 1) * PAGE_SIZE)
        .limit(PAGE_SIZE)
    )
    return Lines([Line(*row) for row in rows], total, number)


def _shown(school_id: UUID) -> list[sa.ColumnElement[bool]]:
    # A link without a line item has no grade to wait for.
    has_grade = sa.or_(ResourceLink.lineitem.is_not(None), Score.state != ScoreState.QUEUED)
    return [Score.organisation_id == school_id, has_grade]
