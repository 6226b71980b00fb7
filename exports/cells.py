"""Cells as XML (SpreadsheetML, ECMA-376 part 1, 18.3.1.4).

Text is always an inline string. No function here writes an `<f>` element, so no cell can hold a formula,
whatever a name contains. Text that begins with = + - or @ also gets `quotePrefix`, so that it stays text
when somebody edits the cell and presses Enter. It gets no apostrophe of its own: the record would then
hold a name that nobody has. (Our own CSV files do add one; see exports/csv_export.py.)
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from functools import lru_cache
from typing import Any

from exports.cell_text import clean, inline
from exports.columns import Kind, status_in_words
from exports.formats import Formats, TextFormat

DAY_ZERO = date(1899, 12, 30).toordinal()
FIRST_TRUE_DAY = 61
"""1 March 1900. Excel believes in 29 February 1900, so earlier dates would be a day out."""
SECONDS_A_DAY = 86_400

Draw = Callable[[str, Any], str]
"""Takes a reference such as "B7" and a value that suits the kind; returns the cell's XML."""


def text_cell(reference: str, value: str, form: TextFormat) -> str:
    """Return a cell of text in one of the workbook's formats."""
    return f'<c r="{reference}{_after_reference(value, form)}'


def _after_reference(value: str, form: TextFormat) -> str:
    value = clean(value)
    if not value:
        return f'" s="{form.plain}"/>'
    style = form.quoted if value[0] in "=+-@" else form.plain
    return f'" s="{style}" t="inlineStr"><is>{inline(value)}</is></c>'


# The same roles, agencies and schools come again and again; people's names mostly don't, and pass through.
_remembered = lru_cache(maxsize=1024)(_after_reference)
_WORTH_REMEMBERING = 200
"""Characters: so that what is remembered stays under a few megabytes, whatever people type."""


class CellWriter:
    """Draws cells in one set of formats."""

    def __init__(self, formats: Formats) -> None:
        self._formats = formats
        self._statuses = {
            status: f'" s="{style}" t="inlineStr"><is><t>{status_in_words(status)}</t></is></c>'
            for status, style in formats.statuses.items()
        }

    def drawing(self, kind: Kind) -> Draw:
        """Return the function that draws the cells of one kind."""
        drawings: dict[Kind, Draw] = {
            Kind.TEXT: self.text,
            Kind.CODE: self.code,
            Kind.DATE: self.date,
            Kind.MOMENT: self.moment,
            Kind.WHOLE: self.whole,
            Kind.PERCENT: self.percent,
            Kind.STATUS: self.status,
        }
        return drawings[kind]

    def text(self, reference: str, value: str | None) -> str:
        """Draw text that wraps."""
        return _repeated_text(reference, value, self._formats.text)

    def code(self, reference: str, value: str | None) -> str:
        """Draw text that stays on one line."""
        return text_cell(reference, value or "", self._formats.code)

    def date(self, reference: str, value: date | None) -> str:
        """Draw a day as a real date; as ISO text where it is before Excel's calendar begins."""
        if value is None:
            return f'<c r="{reference}" s="{self._formats.date}"/>'
        serial = value.toordinal() - DAY_ZERO
        if serial < FIRST_TRUE_DAY:
            return self.code(reference, value.isoformat())
        return f'<c r="{reference}" s="{self._formats.date}"><v>{serial}</v></c>'

    def moment(self, reference: str, value: datetime | None) -> str:
        """Draw an aware datetime, to the second, as the clock of its own zone shows it."""
        if value is None:
            return f'<c r="{reference}" s="{self._formats.moment}"/>'
        seconds = value.hour * 3600 + value.minute * 60 + value.second
        serial = value.toordinal() - DAY_ZERO + seconds / SECONDS_A_DAY
        return f'<c r="{reference}" s="{self._formats.moment}"><v>{serial!r}</v></c>'

    def whole(self, reference: str, value: int | None) -> str:
        """Draw a whole number."""
        return _number(reference, value, self._formats.whole)

    def percent(self, reference: str, value: float | None) -> str:
        """Draw a fraction from 0 to 1 as a percentage."""
        return _number(reference, value, self._formats.percent)

    def status(self, reference: str, value: Any) -> str:
        """Draw a status: its word, in its colour."""
        return f'<c r="{reference}{self._statuses[value]}'


def _repeated_text(reference: str, value: str | None, form: TextFormat) -> str:
    if not value:
        return f'<c r="{reference}" s="{form.plain}"/>'
    if len(value) > _WORTH_REMEMBERING:
        return text_cell(reference, value, form)
    return f'<c r="{reference}{_remembered(value, form)}'


def _number(reference: str, value: float | None, style: int) -> str:
    if value is None:
        return f'<c r="{reference}" s="{style}"/>'
    return f'<c r="{reference}" s="{style}"><v>{value!r}</v></c>'
