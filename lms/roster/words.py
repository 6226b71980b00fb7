"""One cell of a staff list to the words that will be recorded, or to why it can't be."""

from __future__ import annotations

import re
import unicodedata

from lms.roster.table import Cell

LONGEST_WORDS = 120
"""How many characters a name, a job title or an agency may have."""
_LONGEST_EMAIL = 254
_MOST_EXACT = 1e15
_SHOWN = 40

_ERRORS = re.compile(r"#(?:N/A|REF!|VALUE!|NAME\?|DIV/0!|NUM!|NULL!|SPILL!|CALC!|BUSY!|#+|GETTING_DATA)")
_QUOTED_FORMULA = re.compile(r'="([^"]*)"')
_MARKED_TEXT = re.compile(r"'(?=[\d=+@-])")
_ESCAPED = re.compile(r"_x00[01][0-9A-Fa-f]_")
_INVISIBLE = re.compile("[\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff\u00ad]")
_GARBLED = re.compile("\ufffd|[ÃÂ][\u0080-\u00bf€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ]|â€")
_EMAIL = re.compile(r"[^\s@,;<>\"()]+@[^\s@,;<>\"()]+\.[^\s@,;<>\"().\d]{2,}")
_SHORTENED = re.compile(r"\d(?:[.,]\d+)?E\+\d+", re.IGNORECASE)
_NOTHING = {
    "",
    "-",
    "--",
    "---",
    "–",
    "—",
    ".",
    "?",
    "n/a",
    "na",
    "nil",
    "none",
    "null",
    "nan",
    "(blank)",
    "0",
}


class UnusableError(Exception):
    """Why a cell can't be used: a clause to follow its heading."""


def words(cell: Cell) -> str:
    """Return a cell's words: in one line, single-spaced, composed (NFC), without marks that can't be seen.

    Raises UnusableError for a formula, an error that Excel shows, a date, and letters that were garbled.
    """
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return str(cell)
    if isinstance(cell, int | float):
        return _number(cell)
    if not isinstance(cell, str):
        raise UnusableError("the spreadsheet has made a date or a time of it: type it as text")
    text = cell if cell.isascii() and cell.isprintable() and "_x00" not in cell else _visible(cell)
    text = " ".join(text.split())
    if text[:1] in ("=", "#", "'"):
        text = _unmarked(text)
    if len(text) > LONGEST_WORDS:
        raise UnusableError(f"it is longer than {LONGEST_WORDS} characters")
    return text


def _number(number: float) -> str:
    # Beyond fifteen digits a spreadsheet has lost some; this is also how infinity and what is no number fall out.
    if not abs(number) < _MOST_EXACT:
        raise UnusableError(
            "the spreadsheet has not kept all digits of this number: format it as text, and type it anew"
        )
    return str(int(number)) if number == int(number) else str(number)


def _visible(text: str) -> str:
    composed = unicodedata.normalize("NFC", _ESCAPED.sub(" ", _INVISIBLE.sub("", text)))
    if _GARBLED.search(composed):
        raise UnusableError(f"the letters of “{shown(text)}” were garbled on their way: type it anew")
    return "".join(c if c.isprintable() else " " for c in composed)


def _unmarked(text: str) -> str:
    """Take off what programs put before a text to keep it one (="00123", '00123); refuse formulas and errors."""
    if quoted := _QUOTED_FORMULA.fullmatch(text):
        return " ".join(quoted[1].split())
    if text.startswith("="):
        raise UnusableError(f"“{shown(text)}” is a formula: type what it stands for")
    if _ERRORS.fullmatch(text):
        raise UnusableError(f"the spreadsheet shows the error {shown(text)}: type what should be there")
    return _MARKED_TEXT.sub("", text, count=1)


def shown(text: str) -> str:
    """Return so much of a text as fits into a sentence."""
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"


def optional_words(cell: Cell) -> str | None:
    """Return a cell's words; None where there are none, or a mark that stands for none ("n/a")."""
    text = words(cell)
    return None if text.casefold() in _NOTHING else text


def staff_number(cell: Cell) -> str | None:
    """Return a staff number as text, its leading noughts kept; 1234.0, which a program made of 1234, is 1234."""
    text = optional_words(cell)
    if text is None:
        return None
    if _SHORTENED.fullmatch(text):
        raise UnusableError(f"the spreadsheet has shortened the number to {shown(text)}: format it as text")
    whole, point, rest = text.partition(".")
    return whole if point and whole.isdecimal() and not rest.strip("0") else text


def email_address(cell: Cell) -> str | None:
    """Return an e-mail address in lower case."""
    text = (optional_words(cell) or "").casefold()
    text = text.removeprefix("mailto:").strip(" <>")
    if text in _NOTHING:
        return None
    if len(text) > _LONGEST_EMAIL or not _EMAIL.fullmatch(text):
        raise UnusableError(f"“{shown(text)}” is not an e-mail address")
    return text
