"""A staff list's file to a table: which kinds are read, and what is said of the rest."""

from __future__ import annotations

from lms.roster_table import Cell, RosterRefused, Row, Table

__all__ = ["Cell", "RosterRefused", "Row", "Table", "read_table"]


def read_table(content: bytes, file_name: str, sheet: str | None = None) -> Table:
    """Read an .xlsx workbook or a CSV file, in bounded time and memory; its kind is told by what is in it.

    `sheet` names the sheet to read; without it, the fullest of those that can be seen. Raises RosterRefused, with a
    sentence that a person can act on.
    """
    raise NotImplementedError
