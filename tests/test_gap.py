"""The gap: what is read of another list, and whom its lines mean. No database."""

from __future__ import annotations

from datetime import date
from io import BytesIO
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import Workbook

from lms.gap_list import MOST_LINES, Listed, ListRefused, read_pasted, read_table
from lms.gap_matching import Gap, Known, Standing, compare
from lms.people import EngagementType
from lms.roster.file import read_table as read_file


def known(
    name: str,
    *,
    staff_no: str | None = None,
    known_as: str | None = None,
    standing: Standing = Standing.HERE,
    is_assigned: bool = True,
) -> Known:
    """Return somebody; of the name, what stands after the | is the surname."""
    forename, _, surname = name.rpartition("|")
    return Known(
        uuid4(),
        surname,
        forename,
        known_as,
        staff_no,
        EngagementType.TEACHER,
        None,
        None,
        date(2026, 9, 1),
        date(2026, 10, 1) if standing is Standing.LEFT else None,
        standing,
        is_assigned,
    )


def read(text: str) -> list[tuple[str, str]]:
    return [(one.name, one.staff_no) for one in read_pasted(text)]


def held(text: str, *people: Known) -> Gap:
    return compare(read_pasted(text), people)


def on_both(text: str, *people: Known) -> bool:
    """Say whether every line surely means somebody here, and nobody here is left over."""
    gap = held(text, *people)
    return not gap.not_here and not gap.not_listed


@pytest.mark.parametrize(
    ("pasted", "found"),
    [
        ("Jane Smith\n\n  Smith,  Jane \n", [("Jane Smith", ""), ("Jane Smith", "")]),
        ("Mrs Jane Smith\tT0042\tMaths", [("Jane Smith", "T0042")]),
        ("T0042, Jane Smith", [("Jane Smith", "T0042")]),
        ("Smith\tJane\t12\t01/09/2026\tj@school.test", [("Jane Smith", "12")]),
        ("12345", [("", "12345")]),
        ("Maria Santos, Tandem Staffing, 23/11/2026, 24/11/2026", [("Maria Santos", "")]),
        ("Surname\tForename\tDBS number\tStaff No\nSmith\tJane\t001234567890\t42", [("Jane Smith", "42")]),
        ("Name\nSmith, Jane\n", [("Jane Smith", "")]),
        ('"Smith, Jane";42', [("Jane Smith", "42")]),
    ],
)
def test_of_a_pasted_line_the_name_and_the_staff_number_are_read(
    pasted: str, found: list[tuple[str, str]]
) -> None:
    assert read(pasted) == found


def test_a_workbook_is_read_by_its_headings_below_a_title_and_no_other_column_is_looked_at() -> None:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    for row in (
        ["Single central record"],
        [],
        ["Name", "Staff No", "DBS number", "Date of birth"],
        ["Smith, Jane", 42, "001234567890", date(1980, 1, 2)],
        ["Ann Lee", "0007", None, None],
    ):
        sheet.append(row)
    file = BytesIO()
    book.save(file)
    found = read_table(read_file(file.getvalue(), "scr.xlsx"))
    assert [(one.line, one.name, one.staff_no) for one in found] == [
        (4, "Jane Smith", "42"),
        (5, "Ann Lee", "0007"),
    ]
    assert "001234567890" not in repr(found)


@pytest.mark.parametrize(
    ("pasted", "said"),
    [
        ("", "nobody on this list"),
        (" , ,\n--\n", "nobody on this list"),
        ("Ann Lee\n" * (MOST_LINES + 1), "Compare it in parts"),
    ],
)
def test_a_list_without_names_or_too_long_is_refused_in_words(pasted: str, said: str) -> None:
    with pytest.raises(ListRefused, match=said):
        read_pasted(pasted)


@pytest.mark.parametrize(
    "written",
    [
        "Sian Pritchard",
        "PRITCHARD, SIÂN",
        "pritchard siân",
        "Ms Siân Mair Pritchard",
        "Shan Pritchard",
        "Pritchard, Shan, Maths",
    ],
)
def test_a_name_is_the_same_without_case_accents_order_middle_names_and_as_known(written: str) -> None:
    assert on_both(written, known("Siân|Pritchard", known_as="Shan"))


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("van der Berg, Jan", "Jan|van der Berg"),
        ("Jan van der Berg", "Jan|van der Berg"),
        ("Kim O'Neil-Jones", "Kim|ONeil Jones"),
        ("Pele", "|Pele"),
    ],
)
def test_surnames_of_several_words_and_people_of_one_name_are_found(written: str, name: str) -> None:
    assert on_both(written, known(name))


@pytest.mark.parametrize("written", ["Jane Smyth", "J Smith", "Smith", "Jan Smith", "Jane Smithe"])
def test_what_is_only_alike_is_shown_as_perhaps_on_both_sides(written: str) -> None:
    jane = known("Jane|Smith")
    gap = held(written, jane, known("Bob|Evans"))
    assert [row.perhaps for row in gap.not_here] == [(jane,)]
    assert {row.person.name: len(row.perhaps) for row in gap.not_listed} == {jane.name: 1, "Bob Evans": 0}
    assert gap.on_both == 0


def test_a_staff_number_settles_who_is_meant_and_zeros_before_it_do_not_matter() -> None:
    jane, other = known("Jane|Smith", staff_no="0042"), known("Jane|Smith", staff_no="43")
    gap = held("Jane Smith\t42", jane, other)
    assert [row.person for row in gap.not_listed] == [other]
    # She has married, and the list has her new name.
    assert on_both("Jane Jones\t42", jane)
    # The number is somebody else's: that isn't for us to decide.
    gap = held("Mary Evans\t42", jane)
    assert [row.perhaps for row in gap.not_here] == [(jane,)]


def test_numbers_of_another_kind_than_ours_do_not_stand_in_the_way_of_names() -> None:
    assert on_both(
        "Jane Smith\t9001\nAnn Lee\t9002", known("Jane|Smith", staff_no="1"), known("Ann|Lee", staff_no="2")
    )
    # Where the numbers are ours, the same name with another number is another person, perhaps.
    gap = held(
        "Jane Smith\t9001\nAnn Lee\t2",
        jane := known("Jane|Smith", staff_no="1"),
        known("Ann|Lee", staff_no="2"),
    )
    assert [row.perhaps for row in gap.not_here] == [(jane,)]


def test_namesakes_are_settled_where_the_list_has_as_many_and_are_perhaps_where_it_has_fewer() -> None:
    people = [known("Jane|Smith"), known("Jane|Smith")]
    assert on_both("Jane Smith\nSmith, Jane", *people)
    gap = held("Jane Smith", *people)
    assert {p.person_id for p in gap.not_here[0].perhaps} == {p.person_id for p in people}
    assert len(gap.not_listed) == 2
    # The same person twice on the list, as with two days' bookings.
    assert on_both("Jane Smith\nJane Smith", people[0])


def test_who_has_left_is_on_the_list_and_not_here_and_who_is_yet_to_come_is_on_record() -> None:
    left, later = known("Jane|Smith", standing=Standing.LEFT), known("Ann|Lee", standing=Standing.LATER)
    gap = held("Jane Smith\nAnn Lee", left, later)
    assert [(row.listed.name, row.left) for row in gap.not_here] == [("Jane Smith", left)]
    assert (gap.on_both, gap.not_listed) == (1, [])
    # A namesake who is here is meant before one who has left.
    assert on_both("Jane Smith", left, known("Jane|Smith"))


def test_who_is_here_with_nothing_assigned_is_named_on_the_list_or_not() -> None:
    bare = [known("Jane|Smith", is_assigned=False), known("Ann|Lee", is_assigned=False)]
    gone = known("Bob|Evans", is_assigned=False, standing=Standing.LEFT)
    assert held("Jane Smith", *bare, gone).unassigned == bare


NAMES = st.sampled_from(["Ann|Lee", "Anne|Lee", "Jane|Smith", "Jan|Smith Jones", "|Pele", "Bob|Evans"])
PEOPLE = st.lists(
    st.builds(
        lambda name, no, standing: known(name, staff_no=no, standing=standing),
        NAMES,
        st.none() | st.sampled_from(["1", "02", "3"]),
        st.sampled_from(Standing),
    ),
    max_size=6,
)
LISTS = st.lists(
    st.tuples(NAMES.map(lambda n: n.replace("|", " ").strip()), st.sampled_from(["", "1", "2", "9"])),
    max_size=6,
)


@given(PEOPLE, LISTS)
def test_every_line_and_everybody_here_is_accounted_for_once(
    people: list[Known], lines: list[tuple[str, str]]
) -> None:
    listed = [Listed(n, name, no, (name,)) for n, (name, no) in enumerate(lines, 1)]
    gap = compare(listed, people)
    assert gap.on_both + len(gap.not_here) == gap.lines == len(lines)
    not_listed = {row.person.person_id for row in gap.not_listed}
    here = [p for p in people if p.standing is Standing.HERE]
    assert not_listed <= {p.person_id for p in here}
    assert len(here) - len(not_listed) <= gap.on_both
    for row in gap.not_here:
        assert row.left is None or row.left.standing is Standing.LEFT
