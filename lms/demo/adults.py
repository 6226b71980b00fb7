"""The adults of the demo school: the ones with a story, and the many others who make it a school."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import Enum, auto
from random import Random

from lms.demo.names import names
from lms.people import EngagementType as Type
from lms.people import RoleName, folded

DOMAIN = "harrowmere.example"
AGENCIES = ("Brightwater Supply", "Tandem Education Staffing")


class Habit(Enum):
    """How somebody goes about what they are asked to sign."""

    USUAL = auto()
    PROMPT = auto()
    NOT_BEGUN = auto()
    HALF_WAY = auto()
    DECLINES = auto()


@dataclass(frozen=True, eq=False)
class Adult:
    """Somebody as the demo's author imagines them, before anything of them is recorded.

    Two with the same name are two: they are told apart as objects.
    """

    forename: str
    surname: str
    type: Type
    starts: date
    job_title: str | None = None
    department: str | None = None
    known_as: str | None = None
    email: str | None = None
    agency: str | None = None
    ends: date | None = None
    """The last day, known from the beginning."""
    leaves: date | None = None
    """The last day, recorded a fortnight before it."""
    also: Type | None = None
    """A second engagement at the same school."""
    role: RoleName | None = None
    leads: bool = False
    """Whether they manage the others of their department."""
    habit: Habit = Habit.USUAL
    part: str | None = None
    """What the demo calls them when it gives out sign-in links."""

    @property
    def name(self) -> str:
        """Forename and surname."""
        return f"{self.forename} {self.surname}".strip()


TEACHING = {
    "English": 8,
    "Mathematics": 7,
    "Science": 9,
    "Humanities": 8,
    "Languages": 5,
    "Art and technology": 6,
    "Computing": 3,
    "Physical education": 5,
    "Music and drama": 3,
}
SUPPORT = {
    "Learning support": ("Teaching assistant", 11),
    "Office": ("Administrator", 4),
    "Premises": ("Site assistant", 4),
    "Catering": ("Catering assistant", 2),
    "Pastoral": ("Pastoral officer", 5),
    "Science": ("Science technician", 3),
    "Library and IT": ("Technician", 3),
}
OTHERS = (
    (Type.GOVERNOR, "Governor", None, 9),
    (Type.TRUSTEE, "Member", None, 3),
    (Type.AGENCY_WORKER, "Supply teacher", None, 9),
    (Type.CONTRACTOR, "Cleaner", "Spotless Schools Ltd", 3),
    (Type.CONTRACTOR, "Counsellor", "Quiet Harbour Counselling", 1),
    (Type.VOLUNTEER, "Reading volunteer", None, 6),
    (Type.TRAINEE, "Trainee teacher", None, 4),
    (Type.PERIPATETIC_TEACHER, "Instrumental teacher", None, 3),
)


def adults(chance: Random, today: date) -> list[Adult]:
    """Return everybody who is or was at the school in the year up to `today`, the leaders first."""
    drawn = names(chance)
    crowd = [*_named(chance, today), *_teachers(chance, today, drawn), *_support(chance, today, drawn)]
    crowd += [*_others(chance, today, drawn), *_gone(chance, today, drawn)]
    return sorted(_with_addresses(crowd), key=lambda adult: not adult.leads)


def term_start(today: date, month: int, day: int) -> date:
    """Return the last such day of a year that is not after `today`."""
    this_year = date(today.year, month, day)
    return this_year if this_year <= today else date(today.year - 1, month, day)


def _named(chance: Random, today: date) -> Iterator[Adult]:
    yield from _leaders(chance, today)
    yield from _people_with_a_story(chance, today)


def _leaders(chance: Random, today: date) -> Iterator[Adult]:
    since = _long_ago(chance, today)
    lead = {"type": Type.SENIOR_LEADER, "department": "Leadership", "starts": since, "habit": Habit.PROMPT}
    for forename, surname, title in (
        ("Catrin", "Llewelyn-Hughes", "Headteacher"),
        ("Siân", "Pritchard", "Deputy head, safeguarding lead"),
        ("José", "Fernández-Muñoz", "Assistant head, deputy safeguarding lead"),
        ("Rosalind", "Achebe", "Assistant head, behaviour"),
        ("Alan", "Whitcombe", "Assistant head, curriculum"),
        ("Priti", "Vaidya", "Head of sixth form"),
    ):
        yield Adult(forename, surname, job_title=title, leads=surname == "Llewelyn-Hughes", **lead)  # type: ignore[arg-type]
    yield Adult(
        "Thomas",
        "Ashworth",
        known_as="Tom",
        job_title="Business manager",
        role=RoleName.ADMIN,
        part="admin",
        **lead,  # type: ignore[arg-type]
    )


def _people_with_a_story(chance: Random, today: date) -> Iterator[Adult]:
    began = iter([_long_ago(chance, today) for _ in range(10)])
    yield from _hr_and_a_manager(began)
    yield _at_reception(today)
    yield from _beginners(today)
    yield from _long_serving(began)
    yield from _kitchen(today)
    yield Adult(
        "Judith",
        "Farrow",
        Type.CONTRACTOR,
        next(began),
        "Data protection officer",
        agency="Farrow Data Protection",
    )


def _hr_and_a_manager(began: Iterator[date]) -> Iterator[Adult]:
    yield Adult(
        "Meera",
        "Raghunathan",
        Type.SUPPORT_STAFF,
        next(began),
        "HR officer",
        "Office",
        role=RoleName.HR,
        habit=Habit.PROMPT,
        part="HR",
        leads=True,
    )
    yield Adult(
        "Gethin",
        "Rhys-Davies",
        Type.TEACHER,
        next(began),
        "Head of mathematics",
        "Mathematics",
        role=RoleName.MANAGER,
        leads=True,
        habit=Habit.PROMPT,
        part="manager",
    )


def _at_reception(today: date) -> Adult:
    return Adult(
        "Bethan",
        "Tudor-Moss",
        Type.SUPPORT_STAFF,
        today - timedelta(days=900),
        "Receptionist",
        "Office",
        role=RoleName.RECEPTIONIST,
        habit=Habit.PROMPT,
        part="reception",
    )


def _beginners(today: date) -> Iterator[Adult]:
    yield Adult(
        "Priya",
        "Nair",
        Type.TEACHER,
        today - timedelta(days=4),
        "Teacher of mathematics",
        "Mathematics",
        habit=Habit.NOT_BEGUN,
        part="not begun",
    )
    yield Adult(
        "Daniel",
        "O’Connor",
        Type.SUPPORT_STAFF,
        today - timedelta(days=12),
        "Teaching assistant",
        "Learning support",
        known_as="Danny",
        habit=Habit.HALF_WAY,
        part="half-way",
    )


def _long_serving(began: Iterator[date]) -> Iterator[Adult]:
    yield Adult("Sarah", "Jones", Type.TEACHER, next(began), "Teacher of history", "Humanities")
    yield Adult("Sarah", "Jones", Type.SUPPORT_STAFF, next(began), "Cover supervisor", "Pastoral")
    yield Adult(
        "Anwen",
        "Jenkins",
        Type.TEACHER,
        next(began),
        "Teacher of Welsh and French",
        "Languages",
        also=Type.GOVERNOR,
    )
    yield Adult("Olumide", "Bankole", Type.GOVERNOR, next(began), "Chair of governors", habit=Habit.PROMPT)
    yield Adult("", "Suharni", Type.VOLUNTEER, next(began), "Library volunteer", "Library and IT")
    yield Adult("Łukasz", "Wiśniewski", Type.SUPPORT_STAFF, next(began), "Caretaker", "Premises")
    yield Adult(
        "Llinos Gwenllian",
        "Price-Roberts",
        Type.PERIPATETIC_TEACHER,
        next(began),
        "Harp teacher",
        "Music and drama",
        known_as="Llin",
    )


def _kitchen(today: date) -> Iterator[Adult]:
    yield Adult(
        "Derek",
        "Stubbs",
        Type.SUPPORT_STAFF,
        today - timedelta(days=40),
        "Kitchen porter",
        "Catering",
        email="",
    )
    for forename, surname in (("Aileen", "Doyle"), ("Beata", "Kowalczyk"), ("Winston", "Thorne")):
        yield Adult(
            forename,
            surname,
            Type.SUPPORT_STAFF,
            today - timedelta(days=61),
            "Catering assistant",
            "Catering",
            email=f"kitchen@{DOMAIN}",
        )


def _teachers(chance: Random, today: date, drawn: Iterator[tuple[str, str]]) -> Iterator[Adult]:
    for department, count in TEACHING.items():
        for place in range(count):
            leads = place == 0 and department != "Mathematics"
            adult = Adult(
                *next(drawn),
                Type.TEACHER,
                _long_ago(chance, today) if leads or chance.random() < 0.78 else _this_year(chance, today),
                f"Head of {department.lower()}" if leads else f"Teacher of {department.lower()}",
                department,
            )
            yield replace(adult, leads=True, role=RoleName.MANAGER, habit=Habit.PROMPT) if leads else adult
    # One who reads everything and signs nothing, as is everyone's right.
    yield Adult(
        *next(drawn),
        Type.TEACHER,
        _long_ago(chance, today),
        "Teacher of science",
        "Science",
        habit=Habit.DECLINES,
    )


def _support(chance: Random, today: date, drawn: Iterator[tuple[str, str]]) -> Iterator[Adult]:
    for department, (title, count) in SUPPORT.items():
        for _ in range(count):
            starts = _long_ago(chance, today) if chance.random() < 0.8 else _this_year(chance, today)
            yield Adult(*next(drawn), Type.SUPPORT_STAFF, starts, title, department)


def _others(chance: Random, today: date, drawn: Iterator[tuple[str, str]]) -> Iterator[Adult]:
    for kind, title, company, count in OTHERS:
        for _ in range(count):
            adult = Adult(*next(drawn), kind, _long_ago(chance, today), title, agency=company)
            if kind is Type.TRAINEE:
                adult = replace(adult, starts=term_start(today, 9, 1), department="Humanities")
            if kind is Type.AGENCY_WORKER:
                adult = _supply(chance, adult, today - timedelta(days=chance.randint(1, 40)), weeks=12)
            if kind is Type.VOLUNTEER:
                adult = replace(adult, starts=today - timedelta(days=chance.randint(2, 60)))
            yield replace(adult, habit=Habit.HALF_WAY) if chance.random() < 0.25 else adult


def _gone(chance: Random, today: date, drawn: Iterator[tuple[str, str]]) -> Iterator[Adult]:
    """Yield leavers: teachers and support staff whose last day came in the year, and agency workers long finished."""
    for kind, title, department, days in (
        (Type.TEACHER, "Teacher of English", "English", 95),
        (Type.TEACHER, "Teacher of science", "Science", 84),
        (Type.TEACHER, "Teacher of art", "Art and technology", 190),
        (Type.SUPPORT_STAFF, "Teaching assistant", "Learning support", 120),
        (Type.GOVERNOR, "Governor", None, 60),
    ):
        leaves = today - timedelta(days=days)
        yield Adult(*next(drawn), kind, _long_ago(chance, today), title, department, leaves=leaves)
    for days in (300, 210, 130, 75):
        adult = Adult(*next(drawn), Type.AGENCY_WORKER, today, "Supply teacher")
        yield _supply(chance, adult, today - timedelta(days=days), weeks=chance.randint(2, 6))


def _supply(chance: Random, adult: Adult, starts: date, weeks: int) -> Adult:
    return replace(adult, starts=starts, ends=starts + timedelta(weeks=weeks), agency=chance.choice(AGENCIES))


def _long_ago(chance: Random, today: date) -> date:
    month, day = chance.choice(((9, 1), (9, 1), (9, 1), (1, 6), (4, 22)))
    return date(today.year - chance.randint(3, 19), month, day)


def _this_year(chance: Random, today: date) -> date:
    return term_start(today, *chance.choice(((9, 1), (9, 1), (9, 1), (1, 6), (4, 22))))


def _with_addresses(crowd: list[Adult]) -> Iterator[Adult]:
    """Give everybody an address of their own: at the school, or with their agency. "" stays nobody's."""
    taken: set[str] = set()
    for adult in crowd:
        if adult.email is None:
            adult = replace(adult, email=_address(adult, taken))
            taken.add(adult.email or "")
        yield replace(adult, email=adult.email or None)


def _address(adult: Adult, taken: set[str]) -> str:
    host = f"{folded(adult.agency).split()[0]}.example" if adult.agency else DOMAIN
    initial = folded(adult.forename)[:1]
    local = ".".join(filter(None, (initial, folded(adult.surname).replace(" ", ""))))
    tries = (f"{local}{number}@{host}" for number in ("", *map(str, range(2, 100))))
    return next(address for address in tries if address not in taken)
