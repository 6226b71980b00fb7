"""Staff lists as schools have them, made for tests: files of both kinds, and rosters with every mess."""

from __future__ import annotations

import csv
import io
import random
import zipfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

import openpyxl

from lms.roster.columns import find_columns
from lms.roster.file import Cell, read_table
from lms.roster.rows import Rows, read_rows

TODAY = date(2026, 11, 23)
HEADINGS = ("Staff Code", "First Name", "Last Name", "Preferred Name", "Work Email", "Category", "Job Title")
DATED = (*HEADINGS, "Department", "Line Manager", "Start Date", "Leaving Date")


def csv_of(rows: Iterable[Sequence[object]], encoding: str = "utf-8", delimiter: str = ",") -> bytes:
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter).writerows(rows)
    return text.getvalue().encode(encoding)


def xlsx_of(rows: Iterable[Sequence[Any]], change: Callable[[Any], None] = lambda _: None) -> bytes:
    """A workbook of one sheet, "Staff"; `change` may do to the sheet what rows alone can't say."""
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "Staff"
    for row in rows:
        sheet.append(row)
    change(sheet)
    return saved(book)


def saved(book: openpyxl.Workbook) -> bytes:
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def with_part(workbook: bytes, name: str, change: Callable[[bytes], bytes]) -> bytes:
    """The same workbook with one part changed, or added."""
    file = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(workbook)) as old,
        zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for part in old.namelist():
            if part != name:
                new.writestr(part, old.read(part))
        new.writestr(name, change(old.read(name) if name in old.namelist() else b""))
    return file.getvalue()


def read(content: bytes, name: str = "staff.csv", corrections: dict[str, str] | None = None) -> Rows:
    table = read_table(content, name)
    return read_rows(table, find_columns(table, corrections), TODAY)


def read_lines(*rows: Sequence[Cell], headings: Sequence[str] = HEADINGS) -> Rows:
    """Read rows under some headings as a workbook has them, line 2 being the first."""
    return read(xlsx_of([headings, *rows]), "staff.xlsx")


@dataclass(frozen=True, slots=True)
class Messy:
    """A roster with every mess, and what must come of it."""

    rows: list[tuple[Any, ...]]
    """With a title, the headings and blank rows."""
    good: int
    bad: int
    passed_over: int


_SURNAMES = (
    *(
        "SMITH",
        "O'BRIEN",
        "McDONALD",
        "Taylor-Jones",
        "Évans",
        "VAN DER BERG",
        "Khan",
        "  Patel",
        "Ng",
        "Żak",
    ),
    *("NÍ BHRIAIN", "Begum "),
)
_FORENAMES = (
    "Jane",
    "JO",
    "Anne-Marie",
    "Zoë",
    "Mohammed",
    "  Siân  ",
    "AJ",
    "Seán",
    "Chloé",
    "Olu",
    "Ewa",
    "Tom",
)
_JOBS = (
    ("Teacher", "Teacher of Maths"),
    ("Support Staff", "Teaching  Assistant"),
    (None, "Midday Supervisor"),
    ("SLT", "Deputy Headteacher"),
    ("Governing body", None),
    ("Supply", "Cover teacher"),
    ("Peripatetic", "Violin"),
)


def messy_roster(adults: int) -> Messy:
    """A roster of so many adults and, after every fifty of them, one of each fault and one blank row.

    The last of the faults takes the staff number of an adult, so that both lines are refused.
    """
    chance = random.Random(adults)
    rows: list[tuple[Any, ...]] = [("Staff list, printed 01/09/2026",), (), DATED]
    bad = passed_over = 0
    for number in range(adults):
        rows.append(_adult(number, chance))
        if number % 50 == 49:
            faulty = _faults(number)
            rows += [(), *faulty]
            bad, passed_over = bad + len(faulty) + 1, passed_over + 1
    return Messy(rows, adults - passed_over, bad, passed_over)


def _adult(number: int, chance: random.Random) -> tuple[Any, ...]:
    type_, job = chance.choice(_JOBS)
    starts = date(2015, 1, 1) + timedelta(days=chance.randrange(4000))
    written: Any = (
        datetime.combine(starts, time.min),
        f"{starts:%d/%m/%Y}",
        f"{starts:%d %B %Y}",
    )
    email = ("office@school.sch.uk", None, f"P{number}@School.sch.uk")[min(number % 10, 2)]
    return (
        f"{number:05}",
        chance.choice(_FORENAMES),
        f"{chance.choice(_SURNAMES)} {_word(number)}",
        chance.choice((None, "Kit")),
        email,
        type_,
        job,
        chance.choice(("Maths", None, " English")),
        f"{number // 20:05}",
        written[number % 3],
        "31/08/2026" if number % 17 == 0 else None,
    )


def _word(number: int) -> str:
    return "X" + "".join(chr(65 + int(digit)) for digit in str(number))


def _faults(number: int) -> list[tuple[Any, ...]]:
    good = (
        f"B{number}",
        "Jane",
        f"Faulty{_word(number)}",
        None,
        None,
        "Teacher",
        None,
        None,
        None,
        "01/09/2020",
        None,
    )
    changes: tuple[dict[int, Any], ...] = (
        {1: None},
        {4: "jane@"},
        {5: "Wizard"},
        {9: "31/02/2020"},
        {10: "01/01/2019"},
        {6: "#N/A"},
        {2: "=A1"},
        {0: f"{number:05}"},
    )
    # Each under a number of its own but for the last, who has that of the adult before.
    return [
        tuple(change.get(n, f"{cell}{index}" if n == 0 else cell) for n, cell in enumerate(good))
        for index, change in enumerate(changes)
    ]


SMALL_LIST: list[tuple[Any, ...]] = [
    ("Our staff list",),
    (),
    DATED,
    (
        "1",
        "Jane",
        "Smith",
        None,
        "JANE@school.test",
        "Teacher",
        "Head of Maths",
        "Science",
        None,
        "01/09/2026",
    ),
    ("2", "New", "Person", None, "new@school.test", "Support Staff", "TA", "Science", "1", "01/09/2020"),
    ("3", "Sam", "Left", None, None, "Teacher", None, None, "Nobody Known"),
    ("4", "Jon", "Ng", None, "jon@school.test", "Teacher"),
    ("5", "=Bad", "Date", None, None, "Teacher", None, None, None, "31/02/2026"),
    ("6", "Odd", "Word", None, None, "Wizard", None, None, None, "01/02/2026"),
]
"""Somebody changed, new, with an unknown manager, unchanged, and two rows that are refused."""
