"""The sheet About: what a workbook says of itself, so that a printed copy can be traced."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from exports.book import Book
from exports.cells import text_cell
from exports.row_sheet import RowSheet
from exports.table import LINE_HEIGHT, lines_taken
from lms.clock import day_in_words, time_in_words
from lms.record import About

MOST_POLICIES_A_PAGE = 12
_WIDTH = 100
"""Characters."""
_NOTES = (
    ("As at", "Shows what had been recorded by the end of that day, UK time."),
    (
        "Signed",
        "The person typed their name to say they have read the policy and understand it. "
        "It is not clearance to work.",
    ),
    ("% signed", "Out of those who have to sign. Rounded down, so 100.0% means everybody."),
    (
        "Checking",
        "The ledger root stands for every signature up to that size. Compare it with a checkpoint of the "
        "same size that was kept elsewhere: if they match, nothing has been changed or lost since.",
    ),
    ("Beside", "Keep this beside the single central record. It does not replace it."),
)


def add_about(book: Book, counts: Mapping[str, int], notes: Iterable[tuple[str, str]] = ()) -> None:
    """Add the sheet About, with the number of rows in each of the other sheets by name.

    `notes` say how to read what not every workbook has: each a label and a sentence.
    """
    sheet = book.sheet("About", pages_tall=1 if len(book.about.policies) <= MOST_POLICIES_A_PAGE else 0)
    sheet.column_dimensions["A"].width = 26
    sheet.column_dimensions["B"].width = _WIDTH
    sheet.append_cells(text_cell("A1", "About this report", book.page.title), height=28)
    sheet.append_cells("")
    for label, value in _facts(book.about, counts):
        _add_line(book, sheet, label, value)
    sheet.append_cells("")
    sheet.append_cells(text_cell(f"A{sheet.next_row}", "How to read it", book.page.title), height=28)
    for label, value in (*notes, *_NOTES):
        _add_line(book, sheet, label, value)


def _add_line(book: Book, sheet: RowSheet, label: str, value: str) -> None:
    number = sheet.next_row
    sheet.append_cells(
        text_cell(f"A{number}", label, book.page.label) + text_cell(f"B{number}", value, book.page.value),
        LINE_HEIGHT * lines_taken(value, _WIDTH),
    )


def _facts(about: About, counts: Mapping[str, int]) -> Iterator[tuple[str, str]]:
    yield "Report", about.report
    yield "School", about.school
    yield "Filters", about.filters
    yield "As at", day_in_words(about.as_at)
    yield "Made at", f"{time_in_words(about.made_at)} (UK time)"
    yield "Made by", about.made_by
    for title, label, sha256 in about.policies:
        yield "Policy", f"{title}, version {label}"
        yield "SHA-256 of its text", sha256
    yield "Ledger origin", about.ledger_origin
    yield "Ledger size", f"{about.ledger_size:,}"
    yield "Ledger root", about.ledger_root
    for name, count in counts.items():
        yield f"Rows in {name}", f"{count:,}"
