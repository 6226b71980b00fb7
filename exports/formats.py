"""How cells look: fonts, colours and number formats, each registered once with a workbook."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
from openpyxl.worksheet._write_only import WriteOnlyWorksheet

from lms.status import Status

NAVY = "17365D"
INK = "16202C"
SECONDARY = "4A5563"

_FACE = "Calibri"
_DATE = "dd mmm yyyy"
_MOMENT = "dd mmm yyyy hh:mm:ss"
_LINE = Border(bottom=Side("thin", color="D5DAE1"))
_RULE = Border(top=Side("medium", color=NAVY))
_WRAPPED = Alignment(vertical="top", wrap_text=True)
_LEFT = Alignment(vertical="top", horizontal="left")
_RIGHT = Alignment(vertical="top", horizontal="right", indent=1)

_STATUS_COLOURS: dict[Status, tuple[str | None, str]] = {
    # (fill, ink); each pair has a contrast of at least 4.5 to 1
    Status.NOT_REQUIRED: (None, SECONDARY),
    Status.SIGNED: ("DCF1E6", "0D6B4B"),
    Status.DECLINED: ("F6DCE4", "7A1F3D"),
    Status.EXPIRED: ("FBE0DD", "8C1D18"),
    Status.OVERDUE: ("B3261E", "FFFFFF"),
    Status.IN_PROGRESS: ("DBE8F8", "1C4F8F"),
    Status.NOT_STARTED: ("E4E8ED", SECONDARY),
}


class TextFormat(NamedTuple):
    """Style numbers for text as it is, and for text that would turn into a formula on being edited."""

    plain: int
    quoted: int


@dataclass(frozen=True, slots=True)
class Formats:
    """Style numbers for each kind of cell, in the rows of a table or in a line of totals."""

    text: TextFormat
    code: TextFormat
    date: int
    moment: int
    whole: int
    percent: int
    statuses: dict[Status, int]


@dataclass(frozen=True, slots=True)
class PageFormats:
    """Style numbers for the words around the rows."""

    heading: TextFormat
    number_heading: TextFormat
    title: TextFormat
    line: TextFormat
    label: TextFormat
    value: TextFormat


class FormatRegister:
    """Makes looks known to one workbook, and gives their style numbers."""

    def __init__(self, workbook: Workbook) -> None:
        # openpyxl numbers a style through a cell, and a cell must belong to a sheet: this one is never saved.
        self._sheet = WriteOnlyWorksheet(workbook, "Formats")

    def rows(self, *, total: bool = False) -> Formats:
        """Return the formats for the rows of a table, or for the line of totals under it."""
        font = Font(name=_FACE, size=11, bold=total, color=INK)
        border = _RULE if total else _LINE
        return Formats(
            text=self._number(font, border, _WRAPPED),
            code=self._number(font, border, _LEFT),
            date=self._number(font, border, _LEFT, shows=_DATE).plain,
            moment=self._number(font, border, _LEFT, shows=_MOMENT).plain,
            whole=self._number(font, border, _RIGHT, shows="0").plain,
            percent=self._number(font, border, _RIGHT, shows="0.0%").plain,
            statuses={status: self._status(status) for status in Status},
        )

    def page(self) -> PageFormats:
        """Return the formats for headings, titles and the lines of the sheet About."""
        return PageFormats(
            heading=self._heading("left"),
            number_heading=self._heading("right"),
            title=self._number(_font(18, NAVY, bold=True), Border(), Alignment(vertical="center")),
            line=self._number(_font(11, INK), Border(), Alignment(vertical="center")),
            label=self._number(_font(11, NAVY, bold=True), _LINE, _WRAPPED),
            value=self._number(_font(11, INK), _LINE, _WRAPPED),
        )

    def _heading(self, side: str) -> TextFormat:
        place = Alignment(vertical="center", horizontal=side, wrap_text=True, indent=int(side == "right"))
        return self._number(_font(11, "FFFFFF", bold=True), Border(), place, fill=NAVY)

    def _status(self, status: Status) -> int:
        fill, ink = _STATUS_COLOURS[status]
        return self._number(_font(11, ink, bold=status is Status.OVERDUE), _LINE, _LEFT, fill=fill).plain

    def _number(
        self,
        font: Font,
        border: Border,
        alignment: Alignment,
        *,
        shows: str = "General",
        fill: str | None = None,
    ) -> TextFormat:
        numbers = []
        for quoted in (False, True):
            # A cell each: openpyxl keeps the style it was given, not a copy of it.
            cell = WriteOnlyCell(self._sheet)
            cell.font, cell.border, cell.alignment, cell.number_format = font, border, alignment, shows
            if fill:
                cell.fill = PatternFill("solid", fgColor=fill)
            cell.quotePrefix = quoted
            numbers.append(cell.style_id)
        return TextFormat(*numbers)


def _font(size: int, colour: str, *, bold: bool = False) -> Font:
    return Font(name=_FACE, size=size, bold=bold, color=colour)
