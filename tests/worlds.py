"""Small made-up worlds of engagements, signatures and the rest, as plain facts: what the rules are tried on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from lms.attestations import SIGNING_KINDS, Kind
from lms.people import EngagementType

DAYS = st.dates(date(2026, 2, 20), date(2026, 4, 2))
"""Over the end of February, and the night on which the clocks go forward."""
MOMENTS = st.builds(
    lambda day, hour: datetime(day.year, day.month, day.day, hour, 30, tzinfo=UTC),
    DAYS,
    st.sampled_from([0, 9, 23]),
)
DEPARTMENTS = st.sampled_from([None, "Maths", "Ysgrifen & Art"])
TYPES = st.sampled_from([EngagementType.TEACHER, EngagementType.GOVERNOR, EngagementType.VOLUNTEER])
PEOPLE = st.integers(0, 2)
EARLY = datetime(2026, 1, 1, tzinfo=UTC)


def maybe(of: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | of


@dataclass(frozen=True)
class World:
    """What is on record, as numbers: people are 0, 1 and 2; versions are counted from 1."""

    audience: list[EngagementType]
    assigned_on: date
    due_days: int | None
    due_on: date | None
    months: int | None
    least_days: int | None
    departments: list[str]
    counts_earlier: bool
    resign: list[tuple[datetime, date | None]]
    engagements: list[dict[str, Any]]
    attestations: list[dict[str, Any]]
    exemptions: list[dict[str, Any]]
    attempts: list[tuple[int, datetime]]
    absences: list[dict[str, Any]]


@st.composite
def worlds(draw: st.DrawFn) -> World:
    due_on = draw(maybe(DAYS))
    versions = st.lists(st.tuples(MOMENTS, maybe(DAYS)), max_size=2, unique_by=lambda v: v[0])
    resign = [(EARLY, None), *sorted(draw(versions), key=lambda v: v[0])]
    engagement = st.fixed_dictionaries(
        {
            "who": PEOPLE,
            "type": TYPES,
            "department": DEPARTMENTS,
            "starts": DAYS,
            "days": maybe(st.sampled_from([0, 1, 4, 5, 6]) | st.integers(0, 60)),
            "ended": maybe(MOMENTS),
        }
    )
    attestation = st.fixed_dictionaries(
        {
            "who": PEOPLE,
            "kind": st.sampled_from([*SIGNING_KINDS, Kind.DECLINED]),
            "version": st.integers(1, len(resign)),
            "at": MOMENTS,
            "withdrawn": maybe(MOMENTS),
            "for_earlier": st.booleans(),
        }
    )
    exemption = st.fixed_dictionaries(
        {"who": PEOPLE, "from": MOMENTS, "until": maybe(DAYS), "to": maybe(MOMENTS)}
    )
    absence = st.fixed_dictionaries(
        {
            "who": PEOPLE,
            "starts": DAYS,
            "days": maybe(st.integers(0, 40)),
            "from": MOMENTS,
            "to": maybe(MOMENTS),
        }
    )
    return World(
        audience=draw(st.lists(TYPES, min_size=1, max_size=2, unique=True)),
        assigned_on=draw(DAYS),
        due_days=None if due_on else draw(st.sampled_from([0, 7, 14])),
        due_on=due_on,
        months=draw(st.sampled_from([None, 1, 2])),
        least_days=draw(st.sampled_from([None, 1, 5, 30])),
        departments=draw(st.sampled_from([[], [], ["Maths"], ["Maths", "Ysgrifen & Art"]])),
        counts_earlier=draw(st.booleans()),
        resign=resign,
        engagements=draw(st.lists(engagement, min_size=1, max_size=5)),
        attestations=[
            {**a, "version": min(a["version"], sum(when <= a["at"] for when, _ in resign))}
            for a in draw(st.lists(attestation, max_size=5, unique_by=lambda a: (a["who"], a["at"])))
        ],
        exemptions=draw(st.lists(exemption, max_size=2, unique_by=lambda e: e["who"])),
        absences=_apart(draw(st.lists(absence, max_size=4))),
        attempts=draw(st.lists(st.tuples(PEOPLE, MOMENTS), max_size=2, unique_by=lambda a: a[0])),
    )


def _apart(absences: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Leave out what overlaps with an earlier one of the same person: no two may be on record."""
    kept: list[dict[str, Any]] = []
    for a in absences:
        others = [b for b in kept if b["who"] == a["who"]]
        if not any(
            a["starts"] <= (last_day(b) or date.max) and b["starts"] <= (last_day(a) or date.max)
            for b in others
        ):
            kept.append(a)
    return kept


def last_day(e: dict[str, Any]) -> date | None:
    return None if e["days"] is None else e["starts"] + timedelta(days=e["days"])


def ended(e: dict[str, Any]) -> datetime | None:
    return e["to"] if e["to"] and e["to"] > e["from"] else None


ONE_SIGNED_FOR_AN_EARLIER_ASSIGNMENT = World(
    audience=[EngagementType.TEACHER],
    assigned_on=date(2026, 2, 20),
    due_days=7,
    due_on=None,
    months=None,
    least_days=None,
    departments=["Maths"],
    counts_earlier=True,
    resign=[(EARLY, None)],
    engagements=[
        {
            "who": who,
            "type": EngagementType.TEACHER,
            "department": "Maths",
            "starts": date(2026, 2, 20),
            "days": None,
            "ended": None,
        }
        for who in (0, 1)
    ],
    attestations=[
        {
            "who": 0,
            "kind": Kind.SIGNED,
            "version": 1,
            "at": datetime(2026, 2, 21, 9, 30, tzinfo=UTC),
            "withdrawn": None,
            "for_earlier": True,
        }
    ],
    exemptions=[],
    attempts=[],
    absences=[],
)
