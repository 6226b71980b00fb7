"""Which column of a staff list is which: the row of headings is found, and each is matched by the words in use."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from lms.people import folded
from lms.roster.headings import FIELD_OF, Field
from lms.roster.table import Cell, RosterRefused, Row, Table, letters

__all__ = ["Columns", "Field", "Heading", "find_columns", "rows_below"]

_ROWS_LOOKED_AT = 40
_ALONE = {Field.NAME, Field.SURNAME, Field.FORENAME, Field.STAFF_NO, Field.EMAIL}
"""A row with one heading that is known is the row of headings if it is one of these."""
_SAMPLES = 3
_LONGEST_HEADING = 80


@dataclass(frozen=True, slots=True)
class Heading:
    """One column of the file: its heading and what it was matched with."""

    column: int
    """From 0."""
    text: str
    """As the file has it; "Column F" where it is empty."""
    key: str
    """The heading without case and punctuation, told apart from others alike: what a correction is remembered by."""
    field: Field | None
    """None for a column that isn't read."""
    sample: tuple[str, ...]
    """The first few values below it."""


@dataclass(frozen=True, slots=True)
class Columns:
    """The headings of a table."""

    line: int
    """The headings' own line; the rows below it are read."""
    width: int
    """How many columns the row of headings has."""
    headings: tuple[Heading, ...]
    missing: tuple[Field, ...]
    """What can't be done without and wasn't found: a file with any is not read until a column is chosen by hand."""

    @property
    def column_of(self) -> dict[Field, int]:
        """The column of each field that was found."""
        return {h.field: h.column for h in self.headings if h.field is not None}

    @property
    def remembered(self) -> dict[str, str]:
        """The matching as JSON can keep it: heading key → field, "" for a column that isn't read."""
        return {h.key: h.field or "" for h in self.headings}


def find_columns(table: Table, corrections: Mapping[str, str] | None = None) -> Columns:
    """Find the row of headings, below any title, and what each column holds.

    `corrections` is what somebody chose by hand, or `Columns.remembered` of an earlier file: heading key → field, ""
    for a column that isn't read. It comes before the synonyms; keys of headings that aren't here are passed over. Of
    two columns chosen for one field the first is taken. Raises RosterRefused for a table without a row.
    """
    chosen = dict(corrections or {})
    row = _headings_row(table, chosen)
    below = [r for r in table.rows if r.line > row.line]
    texts = [_text(cell) for cell in row.cells]
    texts += [""] * (max((len(r.cells) for r in below[:_ROWS_LOOKED_AT]), default=0) - len(texts))
    keys = _keys(texts)
    fields = _fields(keys, chosen)
    headings = tuple(
        Heading(n, text[:_LONGEST_HEADING] or f"Column {letters(n)}", key, fields.get(n), _sample(below, n))
        for n, (text, key) in enumerate(zip(texts, keys, strict=True))
    )
    return Columns(row.line, len(row.cells), headings, _missing(set(fields.values())))


def rows_below(table: Table, columns: Columns) -> tuple[Row, ...]:
    """Return the rows below the headings, blank ones included."""
    return tuple(row for row in table.rows if row.line > columns.line)


def _headings_row(table: Table, chosen: Mapping[str, str]) -> Row:
    rows = [row for row in table.rows[:_ROWS_LOOKED_AT] if not row.is_blank]
    if not rows:
        raise RosterRefused("The first 40 rows of this sheet are empty: put the headings at the top.")
    found = {row.line: set(_fields(_keys([_text(c) for c in row.cells]), chosen).values()) for row in rows}
    best = max(rows, key=lambda row: len(found[row.line]))
    if len(found[best.line]) > 1 or found[best.line] & _ALONE:
        return best
    # None is known: the first row as wide as most is where a person would look for headings.
    usual = Counter(len(row.cells) for row in rows).most_common(1)[0][0]
    return next(row for row in rows if len(row.cells) == usual)


def _text(cell: Cell) -> str:
    return "" if cell is None else " ".join(str(cell).split())


def _keys(texts: list[str]) -> list[str]:
    """Return what each heading is known by; a second one alike is told apart by a number."""
    seen: Counter[str] = Counter()
    keys = []
    for number, text in enumerate(texts):
        key = (
            folded(text.replace("_", " ")).replace(" ", "")[:_LONGEST_HEADING] or f"column {letters(number)}"
        )
        seen[key] += 1
        keys.append(key if seen[key] == 1 else f"{key} {seen[key]}")
    return keys


def _fields(keys: list[str], chosen: Mapping[str, str]) -> dict[int, Field]:
    """Return column → field: what was chosen first, then of the columns that are left the best word for each."""
    fields: dict[int, Field] = {}
    known = set(Field)
    for number, key in enumerate(keys):
        if chosen.get(key) in known and Field(chosen[key]) not in fields.values():
            fields[number] = Field(chosen[key])
    taken = set(fields.values())
    matches = (
        (rank, number, field)
        for number, key in enumerate(keys)
        if key not in chosen and key in FIELD_OF
        for field, rank in [FIELD_OF[key]]
    )
    for _, number, field in sorted(matches):
        if field not in taken:
            taken.add(field)
            fields[number] = field
    return fields


def _missing(found: set[Field]) -> tuple[Field, ...]:
    if Field.NAME in found:
        return ()
    return tuple(field for field in (Field.SURNAME, Field.FORENAME) if field not in found)


def _sample(rows: list[Row], column: int) -> tuple[str, ...]:
    cells = (row.cells[column] for row in rows[:_ROWS_LOOKED_AT] if column < len(row.cells))
    return tuple(text[:_LONGEST_HEADING] for text in map(_text, cells) if text)[:_SAMPLES]
