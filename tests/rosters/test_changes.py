"""A staff list beside what is recorded: who is who, what would change, and that a second time changes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Any
from uuid import UUID, uuid5

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lms.people import EngagementType
from lms.roster.changes import Change, Changes, Choices, Terms, compare
from lms.roster.found import BadRow, Fault, RosterRow, Rows
from lms.roster.matching import KnownEngagement, KnownPerson
from lms.roster.twice import told_apart
from tests.rosters.making import TODAY

SPACE = UUID(int=7)
UNDECIDED = Choices()
TEACHER, SUPPORT, GOVERNOR = EngagementType.TEACHER, EngagementType.SUPPORT_STAFF, EngagementType.GOVERNOR


def terms(new_ids: str = "first") -> Terms:
    return Terms(TODAY, "Ysgol Môr", SUPPORT, lambda line: uuid5(SPACE, f"{new_ids} {line}"))


def engagement(**facts: Any) -> KnownEngagement:
    values: dict[str, Any] = dict.fromkeys(("job_title", "agency", "department", "manager_id", "ends"))
    values |= {"id": uuid5(SPACE, repr(facts)), "type": TEACHER, "starts": date(2020, 9, 1)}
    return KnownEngagement(**values | facts)


def person(name: str, *engagements: KnownEngagement, **facts: Any) -> KnownPerson:
    forename, _, surname = name.rpartition(" ")
    values: dict[str, Any] = dict.fromkeys(("known_as", "email", "staff_no"))
    values |= {"id": uuid5(SPACE, name + repr(facts)), "surname": surname, "forename": forename}
    return KnownPerson(**values | {"engagements": engagements or (engagement(),)} | facts)


def row(name: str, line: int = 2, **facts: Any) -> RosterRow:
    forename, _, surname = name.rpartition(" ")
    return RosterRow(line, surname, forename, **{"type": TEACHER, **facts})


def changes_of(
    rows: Sequence[RosterRow], *known: KnownPerson, choices: Choices = UNDECIDED, bad: tuple[BadRow, ...] = ()
) -> Changes:
    return compare(Rows(tuple(rows), bad, (), ()), known, terms(), choices)


def fields(change: Change) -> dict[str, tuple[str, str]]:
    return {field.words: (field.before, field.after) for field in change.fields}


JANE = person("Jane Smith", staff_no="0012", email="jane@school.test")


@pytest.mark.parametrize(
    ("listed", "known"),
    [
        (row("Jane Smith", staff_no="0012"), JANE),
        (row("Jane Smith", staff_no="12"), JANE),
        (row("JANE SMITH", email="jane@school.test"), JANE),
        (row("Jane Smith"), JANE),
        (row("Sian O'Brien", staff_no="3"), person("Siân O'Brien", staff_no="3")),
        (row("Kit Smith", staff_no="12"), replace(JANE, known_as="Kit")),
    ],
)
def test_a_row_is_found_by_number_then_address_then_name_and_nothing_is_different(
    listed: RosterRow, known: KnownPerson
) -> None:
    listed = replace(listed, was_capitals=listed.surname.isupper())
    assert changes_of([listed], known).counts == "0 new, 0 changed, 1 unchanged, 0 refused"


@pytest.mark.parametrize(
    ("listed", "known"),
    [
        (row("Piotr Nowak", staff_no="0012"), JANE),
        (row("Jane Smith", staff_no="0099"), JANE),
        (row("Jane Smith", email="other@school.test"), JANE),
        (row("Jane Smith", email="jane@school.test", staff_no="0099"), JANE),
        (row("Kit Smith"), replace(JANE, known_as="Kit")),
    ],
)
def test_where_something_disagrees_it_is_asked_and_left_out_until_it_is_answered(
    listed: RosterRow, known: KnownPerson
) -> None:
    asked = changes_of([listed], known)
    assert [q.candidates for q in asked.questions] == [(known,)]
    assert asked.counts == "0 new, 0 changed, 0 unchanged, 1 refused"
    assert "Jane Smith" in asked.refused[0].faults[0].reason
    assert not asked.absent, "whoever it may be isn't taken for a leaver"
    other = changes_of([listed], known, choices=Choices({2: None}))
    same = changes_of([listed], known, choices=Choices({2: known.id}))
    assert len(other.new) == 1
    assert not same.new
    assert not same.refused


def test_changes_are_told_field_by_field() -> None:
    boss = person("Ada Okafor", staff_no="1")
    listed = row(
        "Jane Jones",
        staff_no="12",
        department="Science",
        type=SUPPORT,
        manager="OKAFOR, Ada",
        ends=date(2027, 7, 31),
    )
    found = changes_of([listed, row("Ada Okafor", 3, staff_no="1")], JANE, boss)
    assert fields(found.changed[0]) == {
        "Surname": ("Smith", "Jones"),
        "Engagement type": ("Teacher", "Support staff"),
        "Department": ("none", "Science"),
        "Line manager": ("none", "Ada Okafor"),
        "Last day": ("none", "31 July 2027"),
    }


def test_a_guess_or_a_blank_changes_nothing_and_an_unknown_manager_is_noted() -> None:
    listed = row("Jane Smith", type=GOVERNOR, type_is_guess=True, manager="Nobody Here")
    (found,) = changes_of([listed], replace(JANE, engagements=(engagement(department="Maths"),))).unchanged
    assert "Nobody Here" in found.notes[0]


def test_leavers_are_proposed_and_nobody_in_a_bad_row_is_one() -> None:
    governor = person("Gov Ernor", engagement(type=GOVERNOR))
    gone, spoilt = person("Tom Gone"), person("Ann Spoilt")
    left = person("Old Leaver", engagement(ends=date(2024, 7, 31)))
    bad = BadRow(9, (Fault("D9", "Start Date", "is no day"),), ("Spoilt", "Ann", "31/02/2026"))
    found = changes_of([row("Jane Smith")], JANE, governor, gone, spoilt, left, bad=(bad,))
    assert [(a.person.name, a.is_listed_type) for a in found.absent] == [
        ("Gov Ernor", False),
        ("Tom Gone", True),
    ]


def test_somebody_who_left_and_is_still_listed_stays_left_until_they_are_ticked() -> None:
    left = person("Sam Left", engagement(ends=date(2026, 7, 17)))
    listed = row("Sam Left", starts=date(2020, 9, 1))
    asked = changes_of([listed], left)
    assert (asked.counts, len(asked.returned)) == ("0 new, 0 changed, 1 unchanged, 0 refused", 1)
    (back,) = changes_of([listed], left, choices=Choices(returned=frozenset({2}))).changed
    assert back.engagement_facts == {"ends": None}
    later = changes_of([replace(listed, starts=date(2026, 9, 1))], left)
    assert later.changed[0].engagement is None, "who begins after they left has come back"
    again = changes_of([replace(listed, ends=date(2026, 7, 17))], left)
    assert again.counts == "0 new, 0 changed, 1 unchanged, 0 refused"


def test_other_schools_rows_and_leavers_who_never_were_here_are_refused() -> None:
    rows = [
        row("Jane Smith", 2, school="Ysgol Mor"),
        row("Ann Else", 3, school="Hill Primary"),
        row("Ben Gone", 4, school="Ysgol Môr", ends=date(2025, 7, 1)),
    ]
    found = changes_of(rows, JANE)
    reasons = [bad.faults[0].reason for bad in found.refused]
    assert "Hill Primary" in reasons[0]
    assert "left on 1 July 2025" in reasons[1]
    assert found.counts == "0 new, 0 changed, 1 unchanged, 2 refused"


def test_two_engagements_of_one_person_are_told_apart_by_their_kind() -> None:
    both = replace(JANE, engagements=(engagement(), engagement(type=GOVERNOR, starts=date(2022, 1, 1))))
    rows = [
        row("Jane Smith", 2, staff_no="12", type=GOVERNOR, department="Board"),
        row("Jane Smith", 3, same_as=2),
    ]
    (found,) = changes_of(rows, both).changed
    assert found.engagement is both.engagements[1]
    once = changes_of(rows, JANE)
    assert [fields(c) for c in once.changed] == [{"Another engagement": ("", "Governor")}]


def test_nobody_at_another_school_is_found_by_name_alone() -> None:
    elsewhere = person(
        "Jane Smith", staff_no="77", email="jane@school.test", engagements=(), is_elsewhere=True
    )
    assert changes_of([row("Jane Smith")], elsewhere).new[0].person is None
    assert changes_of([row("Jane Smith", staff_no="77")], elsewhere).new[0].person == elsewhere


_names = st.sampled_from(["Jane Smith", "Jane Jones", "JANE Smith", "Siân Ng", "Tom Ng", "Kit Ng", "Ng"])
_numbers = st.sampled_from([None, None, "1", "01", "2", "3"])
_emails = st.sampled_from([None, None, "office@school.test", "a@school.test", "b@school.test"])
_types = st.sampled_from([None, TEACHER, SUPPORT, GOVERNOR])
_starts = st.sampled_from([None, date(2019, 1, 7), date(2026, 9, 1), date(2027, 1, 4)])
_ends = st.sampled_from([None, None, None, date(2026, 7, 17), date(2028, 8, 31)])
_words = st.sampled_from([None, "Maths", "Science"])


@st.composite
def _row(draw: st.DrawFn, line: int = 2) -> RosterRow:
    listed = row(
        draw(_names),
        line,
        staff_no=draw(_numbers),
        email=draw(_emails),
        known_as=draw(st.sampled_from([None, "Kit"])),
        type=draw(_types),
        type_is_guess=draw(st.booleans()),
        department=draw(_words),
        job_title=draw(_words),
        manager=draw(st.sampled_from([None, "2", "Tom Ng", "Nobody"])),
        starts=draw(_starts),
        ends=draw(_ends),
        was_capitals=draw(st.booleans()),
    )
    in_order = listed.starts is None or listed.ends is None or listed.starts <= listed.ends
    return listed if in_order else replace(listed, ends=None)


@st.composite
def _rows(draw: st.DrawFn) -> Rows:
    count = draw(st.integers(0, 7))
    kept, refused = told_apart([draw(_row(line)) for line in range(2, 2 + count)])
    bad = tuple(BadRow(line, (Fault("", "", reason),), ()) for line, reason in refused.items())
    return Rows(tuple(kept), bad, (), ())


@st.composite
def _known(draw: st.DrawFn) -> list[KnownPerson]:
    people = []
    for number in range(draw(st.integers(0, 4))):
        listed = draw(_row())
        starts = listed.starts or date(2020, 1, 1)
        ends = listed.ends if listed.ends and listed.ends >= starts else None
        held = engagement(id=UUID(int=number + 1), type=listed.type or TEACHER, starts=starts, ends=ends)
        facts = {"staff_no": listed.staff_no, "email": listed.email, "known_as": listed.known_as}
        engagements = (held,) if draw(st.booleans()) else ()
        name = f"{listed.forename} {listed.surname}".strip()
        people.append(person(name, id=UUID(int=100 + number), engagements=engagements, **facts))
    return people


@given(_rows(), _known(), st.booleans(), st.booleans())
@settings(max_examples=150)
def test_no_row_is_lost_and_the_same_list_twice_changes_nothing(
    rows: Rows, known: list[KnownPerson], are_new: bool, are_back: bool
) -> None:
    shown = compare(rows, known, terms())
    choices = Choices(
        {q.row.line: None if are_new else q.candidates[0].id for q in shown.questions},
        frozenset(change.row.line for change in shown.returned) if are_back else frozenset(),
    )
    first = compare(rows, known, terms(), choices)
    for changes in (shown, first):
        assert changes.total == len(rows.good) + len(rows.bad)
        lines = [c.row.line for c in (*changes.new, *changes.changed, *changes.unchanged)]
        assert sorted([*lines, *(bad.line for bad in changes.refused)]) == sorted(
            [*(r.line for r in rows.good), *(bad.line for bad in rows.bad)]
        )
    second = compare(rows, recorded(known, first), terms("second"))
    # A row that was left out may be somebody's whose record is another now, and be understood the second time.
    if len(first.refused) == len(rows.bad):
        assert not second.new, second.new
        assert not second.changed, [(c.row, c.fields) for c in second.changed]


def recorded(known: Sequence[KnownPerson], changes: Changes) -> list[KnownPerson]:
    """What is on record once the changes are applied, as lms/roster.py does it."""
    people, added = {p.id: p for p in known}, set[UUID]()
    for number, change in enumerate((*changes.new, *changes.changed)):
        before = people.get(change.person_id) or person("x x", id=change.person_id, engagements=())
        held = {e.id: e for e in before.engagements}
        if change.engagement is None:
            new = engagement(id=UUID(int=1000 + number), **change.engagement_facts)
            held[new.id] = new
        else:
            as_recorded = next(e for e in before.engagements if e.id == change.engagement.id)
            held[as_recorded.id] = replace(as_recorded, **change.engagement_facts)
        # A new person's first row says who they are; each has the names, in case the first can't go in.
        facts = {} if change.person_id in added else change.person_facts
        added |= {change.person_id} if change.person is None else set()
        people[change.person_id] = replace(before, **facts, engagements=tuple(held.values()))
    return list(people.values())
