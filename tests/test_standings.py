"""The list of people: filters, order, pages, and a manager's own team."""

from __future__ import annotations

from datetime import date
from uuid import UUID

import pytest

from lms import compliance, standings
from lms.compliance import Item
from lms.people import EngagementType, Person
from lms.schools import Organisation
from lms.standings import Filters, Sort
from lms.status import Status
from lms.training import exempt
from tests.conftest import NOW
from tests.factories import make_assignment, make_person, make_policy, make_school

pytestmark = pytest.mark.usefixtures("in_app")


@pytest.fixture
def school() -> Organisation:
    return make_school()


@pytest.fixture
def item(school: Organisation) -> Item:
    make_assignment(school, make_policy(school), due_days=3)
    (found,) = compliance.items([school.id], NOW)
    return found


def names(item: Item, filters: Filters | None = None, **options: object) -> list[str]:
    page = standings.people(item, filters or Filters(), **options)  # type: ignore[arg-type]
    return [f"{o.forename} {o.surname}" for o in page.people]


@pytest.mark.parametrize("typed", ["sian", "SIÂN", "llywelyn siân", "siân  LLYW", "ffi"])
def test_a_name_is_found_whatever_its_case_accents_and_order(
    school: Organisation, item: Item, typed: str
) -> None:
    make_person(school, forename="Siân", surname="Llywelyn", known_as="Ffion")
    make_person(school, forename="Omar", surname="Haddad")
    assert names(item, Filters(name=typed)) == ["Siân Llywelyn"]


@pytest.mark.parametrize("typed", ["%", "_", "h_d", "'; drop table person; --"])
def test_marks_that_mean_something_to_a_database_mean_nothing_here(
    school: Organisation, item: Item, typed: str
) -> None:
    make_person(school, forename="Omar", surname="Haddad")
    expected = ["Omar Haddad"] if not standings.folded(typed) else []
    assert names(item, Filters(name=typed)) == expected


def test_filters_join_by_and(school: Organisation, item: Item) -> None:
    make_person(school, EngagementType.TEACHER, forename="Ann", department="Maths")
    make_person(school, EngagementType.TEACHER, forename="Ben", department="Art")
    make_person(school, EngagementType.GOVERNOR, forename="Cai", department="Maths")
    wanted = Filters(type=EngagementType.TEACHER, department="Maths", status=Status.OVERDUE)
    assert names(item, wanted) == ["Ann Nair"]
    assert names(item, Filters(status=Status.SIGNED)) == []


def test_nobody_is_missed_or_shown_twice_over_the_pages(school: Organisation, item: Item) -> None:
    for _ in range(standings.PAGE_SIZE * 2 + 1):
        make_person(school)
    pages = [standings.people(item, Filters(), page=n) for n in (1, 2, 3)]
    assert [len(p.people) for p in pages] == [25, 25, 1]
    assert {(p.total, p.pages) for p in pages} == {(51, 3)}
    assert len({o.person_id for p in pages for o in p.people}) == 51, "all have the same name"
    assert (pages[2].first, pages[2].last) == (51, 51)


def test_a_page_beyond_the_last_is_the_last(school: Organisation, item: Item) -> None:
    make_person(school)
    page = standings.people(item, Filters(), page=99)
    assert (page.number, len(page.people)) == (1, 1)


@pytest.mark.parametrize(
    ("sort", "descending", "expected"),
    [
        (Sort.NAME, False, "ABC"),
        (Sort.NAME, True, "CBA"),
        (Sort.TYPE, False, "BAC"),
        (Sort.DEPARTMENT, False, "CBA"),
        (Sort.DEPARTMENT, True, "BCA"),
        (Sort.STATUS, False, "ACB"),
        (Sort.DUE, False, "ACB"),
        (Sort.DUE, True, "CAB"),
    ],
)
def test_every_column_sorts_and_what_is_missing_comes_last(
    school: Organisation, item: Item, sort: Sort, descending: bool, expected: str
) -> None:
    make_person(school, EngagementType.TEACHER, surname="A")
    exempted = make_person(school, EngagementType.GOVERNOR, surname="B", department="music")
    make_person(school, EngagementType.VOLUNTEER, surname="C", department="Art", starts=date(2026, 9, 7))
    exempt(item.assignment, exempted.id, reason="Leave", until=None, now=NOW)
    found = names(item, sort=sort, descending=descending)
    assert "".join(name[-1] for name in found) == expected


def team(item: Item, manager: Person, **options: object) -> set[UUID]:
    return {o.person_id for o in standings.team(manager.id, item, **options).people}  # type: ignore[arg-type]


def test_a_manager_sees_their_own_people_and_none_who_need_not_sign(school: Organisation, item: Item) -> None:
    manager, other = make_person(school, surname="Manager"), make_person(school, surname="Other")
    mine = make_person(school, manager=manager)
    make_person(school, manager=other)
    excused = make_person(school, manager=manager)
    exempt(item.assignment, excused.id, reason="Leave", until=None, now=NOW)
    assert team(item, manager) == {mine.id}
    assert team(item, manager, done=False) == {mine.id}
    assert team(item, manager, done=True) == set()


def test_departments_are_those_of_the_school_in_order(school: Organisation, item: Item) -> None:
    for department in ("Maths", "art", None, "Élan", "Maths"):
        make_person(school, department=department)
    make_person(make_school(), department="Elsewhere")
    assert standings.departments(school.id, NOW) == ["art", "Élan", "Maths"]
