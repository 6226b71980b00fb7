"""The schools of a trust side by side: where the adults of each stand on one policy. Counts alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from lms import tallies
from lms.db import session
from lms.items import assigned, gathered
from lms.policies import Policy
from lms.record import CategoryCount
from lms.schools import Organisation
from lms.status import Status
from lms.training import Assignment


@dataclass(frozen=True, slots=True)
class SchoolLine:
    """One school's adults, and where those who are asked stand. Nobody stands anywhere where nothing is assigned."""

    school: Organisation
    adults: int
    statuses: Counter[Status] = field(default_factory=Counter)

    @property
    def to_sign(self) -> int:
        """How many must sign, or have."""
        return self.statuses.total() - self.statuses[Status.NOT_REQUIRED]

    @property
    def share(self) -> int | None:
        """How many in a hundred of them have signed, rounded down; None where nobody must."""
        return self.statuses[Status.SIGNED] * 100 // self.to_sign if self.to_sign else None

    @property
    def count(self) -> CategoryCount:
        """The same as a row of bars."""
        return CategoryCount(self.school.name, self.adults, dict(self.statuses))


def policies(school_ids: Collection[UUID], moment: datetime) -> dict[str, str]:
    """Return the titles of what is assigned at any of some schools, by the policy's slug, in order. One query."""
    rows = session.execute(
        sa.select(Policy.slug, sa.func.min(Policy.title))
        .join(Assignment, Assignment.policy_id == Policy.id)
        .where(Assignment.organisation_id.in_(school_ids), Assignment.recorded_at(moment))
        .group_by(Policy.slug)
        .order_by(sa.func.min(Assignment.assigned_on), sa.func.min(Policy.title))
    )
    return {slug: title for slug, title in rows}


def lines(schools: Sequence[Organisation], slug: str, moment: datetime) -> list[SchoolLine]:
    """Return where each school's adults stand on a policy, as recorded at a moment. Three queries, however many."""
    ids = [school.id for school in schools]
    rows = session.execute(assigned(moment).where(Assignment.organisation_id.in_(ids), Policy.slug == slug))
    items = gathered(map(tuple, rows), moment)
    statuses: dict[UUID, Counter[Status]] = {id: Counter() for id in ids}
    for tally in tallies.tallies(items):
        statuses[tally.item.assignment.organisation_id][tally.status] += tally.people
    people: Counter[UUID] = Counter()
    for adults in tallies.adults(ids, moment):
        people[adults.school_id] += adults.people
    return [SchoolLine(school, people[school.id], statuses[school.id]) for school in schools]


def total(found: Sequence[SchoolLine]) -> tuple[int, Counter[Status]]:
    """Return all schools' adults, and where those who are asked stand."""
    statuses: Counter[Status] = Counter()
    for line in found:
        statuses.update(line.statuses)
    return sum(line.adults for line in found), statuses
