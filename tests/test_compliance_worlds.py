"""The rules of compliance told a second time, in plain Python, and compared with the SQL on small made-up worlds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, example, given, settings

from lms import compliance, policies, standings
from lms.absences import Absence
from lms.attestations import SIGNING_KINDS, Attestation, IdentityAssurance, Kind
from lms.clock import add_months, london_day
from lms.compliance import Standing
from lms.db import session, transaction
from lms.people import Engagement, EngagementType, add_person
from lms.policies import PolicyVersion
from lms.standings import Filters, Sort
from lms.status import Status
from lms.training import Assignment, Attempt, Exemption
from tests.factories import POLICY, make_school
from tests.worlds import EARLY, MOMENTS, ONE_SIGNED_FOR_AN_EARLIER_ASSIGNMENT, World, ended, last_day, worlds

pytestmark = pytest.mark.usefixtures("in_app")


class Recorded:
    """A world put into the database."""

    def __init__(self, world: World) -> None:
        self.school = make_school()
        self.people = [
            add_person(self.school.root_id, forename=f"Person{n}", surname=f"Sur{2 - n}") for n in range(3)
        ]
        self.versions = [self._version(n, *v) for n, v in enumerate(world.resign)]
        self.earlier_id = uuid4()
        self.assignment = self._add(
            Assignment,
            policy_id=self.versions[0].policy_id,
            recorded_from=EARLY,
            modules=[],
            audience=[str(t) for t in world.audience],
            assigned_on=world.assigned_on,
            due_days=world.due_days,
            due_on=world.due_on,
            months=world.months,
            least_days=world.least_days,
            departments=world.departments,
            earlier=[str(self.earlier_id)] if world.counts_earlier else [],
        )
        self.engagement_ids = [self._engage(e) for e in world.engagements]
        for n, a in enumerate(world.attestations):
            self._attest(n, a)
        for e in world.exemptions:
            self._exempt(e)
        for who, when in world.attempts:
            self._begin(who, when)
        for a in world.absences:
            self._leave_for_a_while(a)
        session.flush()

    def _exempt(self, e: dict[str, Any]) -> None:
        span = {"recorded_from": e["from"], "recorded_to": ended(e)}
        self._by(e["who"], Exemption, until=e["until"], reason="Leave", **span)

    def _leave_for_a_while(self, a: dict[str, Any]) -> None:
        span = {"recorded_from": a["from"], "recorded_to": ended(a)}
        self._add(Absence, person_id=self.people[a["who"]].id, starts=a["starts"], ends=last_day(a), **span)

    def _begin(self, who: int, when: datetime) -> None:
        self._by(
            who,
            Attempt,
            module="x",
            module_sha256=policies.store(b"module: x"),
            cycle=0,
            started_at=when,
            engagement_type=EngagementType.TEACHER,
        )

    def _add(self, table: type, **values: Any) -> Any:
        row = table(id=values.pop("id", None) or uuid4(), organisation_id=self.school.id, **values)
        session.add(row)
        return row

    def _by(self, who: int, table: type, **values: Any) -> Any:
        of = {"assignment_id": self.assignment.id, **values}
        return self._add(table, person_id=self.people[who].id, **of)

    def _version(self, n: int, when: datetime, resign_by: date | None) -> PolicyVersion:
        return policies.publish(
            self.school,
            slug="p",
            title="P",
            label=str(n),
            markdown=f"{POLICY}{n}\n",
            now=when,
            resign_by=resign_by,
        )

    def _engage(self, e: dict[str, Any]) -> UUID:
        row = self._add(
            Engagement,
            person_id=self.people[e["who"]].id,
            recorded_from=EARLY,
            recorded_to=e["ended"],
            type=e["type"],
            department=e["department"],
            starts=e["starts"],
            ends=last_day(e),
        )
        return UUID(str(row.id))

    def _attest(self, n: int, a: dict[str, Any]) -> None:
        of = {"assignment_id": self.earlier_id} if a["for_earlier"] else {}
        given = self._by(a["who"], Attestation, **of, **self._leaf(n, a["kind"], a["version"], a["at"]))
        if a["withdrawn"]:
            leaf = self._leaf(n, Kind.WITHDRAWN, a["version"], a["withdrawn"])
            self._by(a["who"], Attestation, **of, **leaf, refers_to=given.id)

    def _leaf(self, n: int, kind: Kind, version: int, when: datetime) -> dict[str, Any]:
        return {
            "kind": kind,
            "cycle": n,
            "policy_version_id": self.versions[version - 1].id,
            "recorded_at": when,
            "identity_assurance": IdentityAssurance.WORK_EMAIL,
            "record": b"{}",
        }


@dataclass(frozen=True)
class Told:
    """The rules, told about one person at one moment."""

    world: World
    who: int
    moment: datetime

    @property
    def away(self) -> set[date]:
        """Every day away so far, as is on record: counted one by one."""
        days = set()
        for a in self.world.absences:
            known = a["from"] <= self.moment and not (ended(a) and ended(a) <= self.moment)
            if a["who"] == self.who and known:
                until = min(last_day(a) or self.day, self.day)
                days |= {a["starts"] + timedelta(days=n) for n in range((until - a["starts"]).days + 1)}
        return days

    def moved(self, due: date, since: date) -> date:
        return due + timedelta(days=sum(day >= since for day in self.away))

    @property
    def day(self) -> date:
        return london_day(self.moment)

    def engaged(self, standing: Standing) -> list[dict[str, Any]]:
        mine = [
            e
            for e in self.world.engagements
            if e["who"] == self.who and not (e["ended"] and e["ended"] <= self.moment)
        ]
        here = [e for e in mine if last_day(e) is None or last_day(e) >= self.day]
        match standing:
            case Standing.ENGAGED:
                found = [e for e in here if e["starts"] <= self.day]
            case Standing.EXPECTED:
                found = here
            case Standing.LEFT:
                found = [] if here else [e for e in mine if last_day(e) >= self.world.assigned_on]
        return [e for e in found if self.is_meant(e) and self.is_long_enough(e)]

    def is_meant(self, e: dict[str, Any]) -> bool:
        departments = self.world.departments or [e["department"]]
        return e["type"] in self.world.audience and e["department"] in departments

    def is_long_enough(self, e: dict[str, Any]) -> bool:
        least, last = self.world.least_days, last_day(e)
        if least is None or last is None:
            return True
        lasts = (last - e["starts"]).days + 1
        return lasts > least

    def given(self, *kinds: Kind) -> list[dict[str, Any]]:
        """What was given and stands, the latest last."""
        mine = [
            a
            for a in self.world.attestations
            if a["who"] == self.who and a["kind"] in kinds and a["at"] <= self.moment and self.is_for_this(a)
        ]
        return sorted(
            (a for a in mine if not (a["withdrawn"] and a["withdrawn"] <= self.moment)), key=lambda a: a["at"]
        )

    def is_for_this(self, a: dict[str, Any]) -> bool:
        """Say whether it was given for this assignment, or counts for it; a refusal never does for another."""
        return not a["for_earlier"] or (self.world.counts_earlier and a["kind"] in SIGNING_KINDS)

    def starts(self, standing: Standing) -> date:
        return min(e["starts"] for e in self.engaged(standing))

    def first_due(self, starts: date) -> date:
        world, begins = self.world, max(starts, self.world.assigned_on)
        if world.due_on:
            return self.moved(max(world.due_on, starts), begins)
        return self.moved(begins + timedelta(days=world.due_days or 0), begins)

    def ends(self, signed: dict[str, Any]) -> date:
        days = [date.max]
        if self.world.months:
            days.append(add_months(london_day(signed["at"]), self.world.months))
        for number, (when, resign_by) in enumerate(self.world.resign, start=1):
            if number > signed["version"] and resign_by and when <= self.moment:
                days.append(resign_by + timedelta(days=1))
        return min(days)

    def is_excused(self) -> bool:
        return any(
            e["who"] == self.who
            and e["from"] <= self.moment
            and not (ended(e) and ended(e) <= self.moment)
            and (e["until"] is None or e["until"] >= self.day)
            for e in self.world.exemptions
        )

    def status(self, standing: Standing) -> Status | None:
        if not self.engaged(standing):
            return None
        left = standing is Standing.LEFT
        signed, declined = self.given(*SIGNING_KINDS), self.given(Kind.DECLINED)
        if self.is_excused():
            return Status.NOT_REQUIRED
        if signed and (left or self.day < self.ends(signed[-1])):
            return Status.SIGNED
        if declined and not (signed and signed[-1]["at"] >= declined[-1]["at"]):
            return Status.DECLINED
        if signed:
            return Status.EXPIRED
        is_late = self.day not in self.away and self.first_due(self.starts(standing)) < self.day
        if not left and is_late:
            return Status.OVERDUE
        begun = any(who == self.who and when <= self.moment for who, when in self.world.attempts)
        return Status.IN_PROGRESS if begun else Status.NOT_STARTED

    def sign_by(self) -> date | None:
        status, signed = self.status(Standing.ENGAGED), self.given(*SIGNING_KINDS)
        if status is Status.NOT_REQUIRED:
            return None
        if status is Status.SIGNED:
            ends = self.ends(signed[-1])
            return None if ends == date.max else ends
        if self.day in self.away:
            return None
        if status is Status.EXPIRED:
            return self.moved(self.ends(signed[-1]), self.ends(signed[-1]))
        return self.first_due(self.starts(Standing.ENGAGED))


@example(world=ONE_SIGNED_FOR_AN_EARLIER_ASSIGNMENT, moment=datetime(2026, 3, 20, 9, 30, tzinfo=UTC))
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(world=worlds(), moment=MOMENTS)
def test_sql_and_python_tell_the_same_of_everybody(world: World, moment: datetime) -> None:
    with transaction():
        recorded = Recorded(world)
    with transaction(write=False):
        (item,) = compliance.items([recorded.school.id], moment)
        told = [Told(world, who, moment) for who in range(3)]
        for standing in Standing:
            found = [
                [o.status for _, o in compliance.of_person(person.id, [item], standing)]
                for person in recorded.people
            ]
            assert [statuses[0] if statuses else None for statuses in found] == [
                t.status(standing) for t in told
            ]
        by_name = {
            f"Person{who}": told[who].sign_by() for who in range(3) if told[who].status(Standing.ENGAGED)
        }
        for descending in (False, True):
            page = standings.people(item, Filters(), sort=Sort.DUE, descending=descending)
            assert {o.forename: o.sign_by for o in page.people} == by_name
            shown = [o.sign_by for o in page.people]
            known = [day for day in shown if day]
            assert shown == sorted(known, reverse=descending) + [None] * (len(shown) - len(known))
