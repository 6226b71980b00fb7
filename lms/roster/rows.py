"""The rows of a staff list, read: what each says of somebody, or why it can't be used."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any

from lms.people import EngagementType, folded
from lms.roster.columns import Columns, Field, rows_below
from lms.roster.days import first_day, last_day
from lms.roster.found import BadRow, Fault, RosterRow, Rows
from lms.roster.names import forename_in_case, is_capitals, parted, short_name, surname_in_case
from lms.roster.table import Cell, RosterRefused, Row, Table, letters
from lms.roster.twice import told_apart
from lms.roster.types import guessed_type, type_of
from lms.roster.words import UnusableError, email_address, optional_words, shown, staff_number, words

__all__ = ["BadRow", "Fault", "RosterRow", "Rows", "read_rows"]

_NO_HALF = {"-", "–", "—", "."}
"""What stands in one column of a name where somebody has one name alone."""
_LEFT = {
    *(
        "left",
        "leaver",
        "has left",
        "former",
        "former employee",
        "past",
        "ex",
        "ex employee",
        "inactive",
        "terminated",
    ),
    *(
        "resigned",
        "retired",
        "dismissed",
        "not current",
        "no longer employed",
        "ended",
        "finished",
        "archived",
    ),
}
_YES, _NO = {"y", "yes", "true", "1", "t"}, {"n", "no", "false", "0", "f"}


def read_rows(
    table: Table, columns: Columns, today: date, type_words: Mapping[str, str] | None = None
) -> Rows:
    """Read every row below the headings.

    `type_words` says what a school's own words for a type mean, by `lms.people.folded` word: "cover" →
    "agency_worker". Raises RosterRefused if `columns` lacks what can't be done without.
    """
    if columns.missing:
        raise RosterRefused(_missing_words(columns))
    headings = next((row.cells for row in table.rows if row.line == columns.line), ())
    reader = _Reader(columns, today, type_words or {}, is_text=not table.sheet)
    good: list[RosterRow] = []
    bad: list[BadRow] = []
    passed_over: list[int] = []
    below = rows_below(table, columns)
    for row in below:
        if row.is_blank or row.cells == headings:
            passed_over.append(row.line)
        elif isinstance(found := reader.read(row), RosterRow):
            good.append(found)
        else:
            bad.append(found)
    kept, refused = told_apart(good)
    bad += [BadRow(r.line, (Fault("", "", refused[r.line]),), r.cells) for r in below if r.line in refused]
    bad.sort(key=lambda row: row.line)
    return Rows(tuple(kept), tuple(bad), tuple(passed_over), tuple(reader.unknown_types))


def _missing_words(columns: Columns) -> str:
    lacking = " and the ".join(field.words.lower() for field in columns.missing)
    return f"No column was found for the {lacking}. Choose the column that has it."


class _Reader:
    """Reads rows one by one; what was read in a cell once is not worked out again for the next alike."""

    def __init__(self, columns: Columns, today: date, type_words: Mapping[str, str], is_text: bool) -> None:
        self.unknown_types: dict[str, None] = {}
        self._column_of = columns.column_of
        self._headings = {h.column: h.text for h in columns.headings}
        self._width = columns.width if is_text else None
        self._type_words = type_words
        readers = self._readers(today)
        self._fields = [(field, n, readers[field]) for field, n in self._column_of.items()]
        self._known: dict[Field, dict[Cell, Any]] = {field: {} for field in readers}
        self._types: dict[tuple[str | None, str | None], tuple[EngagementType | None, bool]] = {}

    def _readers(self, today: date) -> dict[Field, Callable[[Cell], Any]]:
        return {
            **dict.fromkeys(Field, optional_words),
            **dict.fromkeys((Field.SURNAME, Field.FORENAME, Field.NAME, Field.STATUS), words),
            **dict.fromkeys((Field.STAFF_NO, Field.MANAGER), staff_number),
            Field.EMAIL: email_address,
            Field.STARTS: lambda cell: first_day(cell, today),
            Field.ENDS: lambda cell: last_day(cell, today),
        }

    def read(self, row: Row) -> RosterRow | BadRow:
        """Return what a row says, or all that is wrong with it."""
        faults = self._faults_of_shape(row)
        said: dict[Field, Any] = {}
        for field, column, reader in () if faults else self._fields:
            cell = row.cells[column] if column < len(row.cells) else None
            if cell is None:
                continue
            try:
                said[field] = self._said(field, cell, reader)
            except UnusableError as error:
                faults.append(self._fault(row, field, str(error)))
        if not faults:
            found = self._row(row, said, faults)
        return BadRow(row.line, tuple(faults), row.cells) if faults else found

    def _faults_of_shape(self, row: Row) -> list[Fault]:
        if row.fault:
            return [Fault("", "", row.fault)]
        if self._width is not None and any(cell is not None for cell in row.cells[self._width :]):
            place = f"{letters(self._width)}{row.line}"
            words_ = (
                "there are more cells than headings: a comma inside a cell needs quotation marks around it"
            )
            return [Fault(place, "", words_)]
        return []

    def _said(self, field: Field, cell: Cell, reader: Callable[[Cell], Any]) -> Any:
        # True, 1 and 1.0 are one key of a dict: only what can't be mistaken is kept.
        if not isinstance(cell, str | datetime):
            return reader(cell)
        known = self._known[field]
        if cell not in known:
            known[cell] = reader(cell)
        return known[cell]

    def _fault(self, row: Row, field: Field, reason: str) -> Fault:
        column = self._column_of.get(field)
        if column is None:
            return Fault("", "", reason)
        return Fault(f"{letters(column)}{row.line}", self._headings[column], reason)

    def _row(self, row: Row, said: Mapping[Field, Any], faults: list[Fault]) -> RosterRow:
        forename, surname = self._names(row, said, faults)
        as_written = (forename, surname)
        forename, surname = forename_in_case(forename), surname_in_case(surname)
        known_as = self._known_as(said.get(Field.KNOWN_AS), forename, surname)
        type_, is_guess = self._type(row, said.get(Field.TYPE), said.get(Field.JOB_TITLE), faults)
        if type_ is None and said.get(Field.AGENCY):
            type_, is_guess = EngagementType.AGENCY_WORKER, True
        self._check_days(row, said, faults)
        return RosterRow(
            row.line,
            surname,
            forename,
            known_as=known_as,
            type=type_,
            type_is_guess=is_guess,
            was_capitals=any(map(is_capitals, as_written)),
            **{field: said.get(field) for field in _AS_SAID},
        )

    def _names(self, row: Row, said: Mapping[Field, Any], faults: list[Fault]) -> tuple[str, str]:
        """Return (forename, surname) as the row has them."""
        halves = Field.SURNAME in self._column_of and Field.FORENAME in self._column_of
        if not halves:
            return self._parted(row, said, faults)
        forename, surname = said.get(Field.FORENAME, ""), said.get(Field.SURNAME, "")
        if not forename and not surname:
            faults.append(self._fault(row, Field.SURNAME, "there is no name in this row"))
        for field, half in ((Field.FORENAME, forename), (Field.SURNAME, surname)):
            if not half and (forename or surname):
                lacking = f"the {field.words.lower()} is missing (put - for somebody who has one name)"
                faults.append(self._fault(row, field, lacking))
            elif half and half not in _NO_HALF:
                self._check_name(row, field, half, faults)
        names = [name for name in (forename, surname) if name not in _NO_HALF]
        if len(names) == 2:
            return forename, surname
        if not names:
            faults.append(self._fault(row, Field.SURNAME, "there is no name in this row"))
        return "", "".join(names)

    def _parted(self, row: Row, said: Mapping[Field, Any], faults: list[Fault]) -> tuple[str, str]:
        name, surname = said.get(Field.NAME, ""), said.get(Field.SURNAME, "")
        if not name:
            faults.append(self._fault(row, Field.NAME, "there is no name in this row"))
        else:
            self._check_name(row, Field.NAME, name, faults)
        if not surname:
            return parted(name)
        if folded(surname) in folded(name):
            forename = " ".join(
                w for w in parted(name)[0].split() if folded(w) not in folded(surname).split()
            )
            return forename, surname
        return name, surname

    def _check_name(self, row: Row, field: Field, name: str, faults: list[Fault]) -> None:
        if not any(map(str.isalpha, name)):
            faults.append(self._fault(row, field, f"“{shown(name)}” is not a name"))
        elif "?" in name:
            # What programs put for a letter that isn't in the encoding they save in.
            faults.append(
                self._fault(row, field, f"“{shown(name)}” has lost a letter on its way: type it anew")
            )

    def _known_as(self, known_as: str | None, forename: str, surname: str) -> str | None:
        if known_as is None:
            return None
        short = forename_in_case(short_name(known_as, surname))
        return None if folded(short) == folded(forename) else short

    def _type(
        self, row: Row, word: str | None, title: str | None, faults: list[Fault]
    ) -> tuple[EngagementType | None, bool]:
        """Return the type, and whether it is a guess; a word of the school's own that nothing explains is a fault."""
        if (word, title) not in self._types:
            self._types[word, title] = self._type_from(word, title)
        type_, is_guess = self._types[word, title]
        if word and type_ is None:
            faults.append(self._fault(row, Field.TYPE, _unknown(word)))
        return type_, is_guess

    def _type_from(self, word: str | None, title: str | None) -> tuple[EngagementType | None, bool]:
        if word:
            chosen = self._type_words.get(folded(word), "")
            if named := EngagementType(chosen) if chosen in _TYPES else type_of(word):
                return named, False
            if guess := guessed_type(word):
                return guess, True
            self.unknown_types[word] = None
        guess = guessed_type(title) if title else None
        return guess, guess is not None

    def _check_days(self, row: Row, said: Mapping[Field, Any], faults: list[Fault]) -> None:
        starts, ends = said.get(Field.STARTS), said.get(Field.ENDS)
        if starts and ends and ends < starts:
            faults.append(self._fault(row, Field.ENDS, "the last day comes before the first"))
        status = said.get(Field.STATUS)
        if status and ends is None and self._has_left(status):
            reason = f"“{shown(status)}” says that they have left, but there is no last day: put it in"
            faults.append(self._fault(row, Field.STATUS, reason))

    def _has_left(self, status: str) -> bool:
        heading = folded(self._headings[self._column_of[Field.STATUS]])
        word = folded(status)
        if "leaver" in heading and "current" not in heading:
            return word in _YES | _LEFT
        return word in _NO | _LEFT


_TYPES = set(EngagementType)
_AS_SAID = (
    *(
        Field.STAFF_NO,
        Field.EMAIL,
        Field.JOB_TITLE,
        Field.DEPARTMENT,
        Field.MANAGER,
        Field.AGENCY,
        Field.SCHOOL,
    ),
    *(Field.STARTS, Field.ENDS),
)
"""The fields that are recorded just as they were read."""


def _unknown(word: str) -> str:
    known = ", ".join(type_.words for type_ in EngagementType)
    return f"“{shown(word)}” is not a category that Countersign knows: say what it means, or write one of {known}"
