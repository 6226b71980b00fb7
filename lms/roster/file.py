"""A staff list's file to a table: which kinds are read, and what is said of the rest."""

from __future__ import annotations

import re
from pathlib import PurePath

from lms.roster.table import MOST_BYTES, Cell, RosterRefused, Row, Table
from lms.roster.text import read_text
from lms.roster.workbook import MACROS, read_workbook

__all__ = ["Cell", "RosterRefused", "Row", "Table", "read_table"]

_SAVE_AS = "Open it in Excel, choose Save As, pick “Excel Workbook (.xlsx)” or “CSV UTF-8”, and bring that."
_ZIP = b"PK\x03\x04"
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_KINDS = (
    (b"%PDF", "a PDF, from which rows can't be read safely. Export the list from its own program instead."),
    (b"{\\rtf", f"a word processor's file. {_SAVE_AS}"),
    (b"\x1f\x8b", "packed (gzip). Unpack it, and bring the file that is inside."),
    (b"7z\xbc\xaf", "packed (7-Zip). Unpack it, and bring the file that is inside."),
    (b"Rar!", "packed (RAR). Unpack it, and bring the file that is inside."),
    (b"\x89PNG", "a picture. Bring the list as a workbook or a CSV file."),
    (b"\xff\xd8\xff", "a picture. Bring the list as a workbook or a CSV file."),
)
_WEB_PAGE = re.compile(
    rb"[\s\xef\xbb\xbf]*(?:<(?:!doctype|html|head|meta|table|style|!--)|MIME-Version:)", re.I
)
_XML = re.compile(rb"[\s\xef\xbb\xbf]*<\?xml", re.I)


def read_table(content: bytes, file_name: str, sheet: str | None = None) -> Table:
    """Read an .xlsx workbook or a CSV file, in bounded time and memory; its kind is told by what is in it.

    `sheet` names the sheet to read; without it, the fullest of those that can be seen. Raises RosterRefused, with a
    sentence that a person can act on.
    """
    _refuse_size(content)
    if PurePath(file_name).suffix.lower() in (".xlsm", ".xltm", ".xlsb", ".xlam"):
        raise RosterRefused(MACROS)
    _refuse_other_kinds(content)
    table = read_workbook(content, sheet) if content.startswith(_ZIP) else read_text(content)
    if all(row.is_blank for row in table.rows):
        raise RosterRefused("This file is empty: there are no words in it.")
    return table


def _refuse_size(content: bytes) -> None:
    if len(content) > MOST_BYTES:
        raise RosterRefused(
            f"This file is {len(content) / 1_000_000:.0f} MB. A staff list is at most {MOST_BYTES // 1_000_000} MB: "
            "copy the rows that have people in them into a new workbook, without pictures, and bring that."
        )
    if not content:
        raise RosterRefused("This file is empty: there are no words in it.")


def _refuse_other_kinds(content: bytes) -> None:
    if content.startswith(_OLE):
        _refuse_ole(content)
    for start, words in _KINDS:
        if content.startswith(start):
            raise RosterRefused(f"This file is {words}")
    if _WEB_PAGE.match(content):
        raise RosterRefused(f"This file is a web page, whatever its name says. {_SAVE_AS}")
    if _XML.match(content):
        raise RosterRefused(f"This file is XML, not a workbook or a CSV file. {_SAVE_AS}")


def _refuse_ole(content: bytes) -> None:
    """Tell a workbook behind a password ([MS-OFFCRYPTO] 2.3.4.4: a stream "EncryptedPackage") from Excel 97's."""
    if "EncryptedPackage".encode("utf-16-le") in content:
        raise RosterRefused(
            "This workbook is locked with a password. Open it in Excel, choose File, Info, Protect Workbook, Encrypt "
            "with Password, clear the password, save it, and bring that."
        )
    raise RosterRefused(f"This is an old Excel file (.xls) or another old Office file. {_SAVE_AS}")
