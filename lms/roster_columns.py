"""Which column of a staff list is which: the headings are found, and matched by the words that schools use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from lms.roster_table import Row, Table


class Field(StrEnum):
    """What a column may hold."""

    STAFF_NO = "staff_no"
    SURNAME = "surname"
    FORENAME = "forename"
    NAME = "name"
    """The whole name in one column: "Jane Smith" or "Smith, Jane"."""
    KNOWN_AS = "known_as"
    EMAIL = "email"
    TYPE = "type"
    JOB_TITLE = "job_title"
    DEPARTMENT = "department"
    MANAGER = "manager"
    AGENCY = "agency"
    SCHOOL = "school"
    STARTS = "starts"
    ENDS = "ends"
    STATUS = "status"
    """Whether somebody is still here: "Current", "Left"."""

    @property
    def words(self) -> str:
        """The field as people say it: "Staff number"."""
        raise NotImplementedError


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
    for a column that isn't read. It comes before the synonyms; keys of headings that aren't here are passed over.
    Raises RosterRefused for a table without a row.
    """
    raise NotImplementedError


def rows_below(table: Table, columns: Columns) -> tuple[Row, ...]:
    """Return the rows below the headings, blank ones included."""
    return tuple(row for row in table.rows if row.line > columns.line)
