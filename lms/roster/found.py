"""What the rows of a staff list say, and what is wrong with those that can't be used."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from lms.people import EngagementType
from lms.roster.table import Cell


@dataclass(frozen=True, slots=True)
class RosterRow:
    """One engagement of one adult, put right as it will be recorded. None: the file doesn't say.

    Blank cells are None too: a blank never takes away what is on record.
    """

    line: int
    surname: str
    forename: str
    """May be empty: some people have one name."""
    staff_no: str | None = None
    known_as: str | None = None
    email: str | None = None
    """Lower case. Several people may share an office's."""
    type: EngagementType | None = None
    type_is_guess: bool = False
    """Whether the type was taken from the job title or the agency, the file having no word for it in this row."""
    job_title: str | None = None
    department: str | None = None
    manager: str | None = None
    """As the file has it: a staff number, an e-mail address or a name."""
    agency: str | None = None
    school: str | None = None
    starts: date | None = None
    ends: date | None = None
    """The last day; one that has gone by is a leaver who is still listed."""
    was_capitals: bool = False
    """Whether a name stood in capitals: then "McDonald" is our reading, and a difference in case alone is none."""
    same_as: int | None = None
    """The line of the first row of the same person, where this is a further engagement of theirs."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong in a row."""

    cell: str
    """As a spreadsheet names it: "D17"; empty where it is the whole row."""
    heading: str
    reason: str
    """A clause to follow the heading: "“31/02/2026” is not a day: write it as 23/11/2026"."""


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that can't be used, with all that is wrong in it and its cells as they were, to be written back."""

    line: int
    faults: tuple[Fault, ...]
    """One or more."""
    cells: tuple[Cell, ...]

    @property
    def cell(self) -> str:
        """The cell of the first fault."""
        return self.faults[0].cell

    @property
    def heading(self) -> str:
        """The heading of the first fault."""
        return self.faults[0].heading

    @property
    def reason(self) -> str:
        """Every reason, in one line; of several, each with its heading."""
        if len(self.faults) == 1:
            return self.faults[0].reason
        return "; ".join(f"{f.heading}: {f.reason}" if f.heading else f.reason for f in self.faults)


@dataclass(frozen=True, slots=True)
class Rows:
    """A staff list, read. No row is lost: good + bad + passed_over are all the rows below the headings."""

    good: tuple[RosterRow, ...]
    bad: tuple[BadRow, ...]
    passed_over: tuple[int, ...]
    """The lines of blank rows, and of headings that are repeated at the top of each page."""
    unknown_types: tuple[str, ...]
    """The words for a type that weren't understood, as the file has them, to ask once for each what it means."""
