"""Text made fit for a cell: what a spreadsheet may hold, and how it is written down."""

from __future__ import annotations

import re

LONGEST_TEXT = 32_767
"""UTF-16 code units in one cell (Microsoft, "Excel specifications and limits")."""

_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_UNCLEAN = re.compile("[\x00-\x08\x0b-\x1f\ud800-\udfff\ufffe\uffff]")
_NEEDS_ESCAPE = re.compile("[&<>_\n\t]")
_LOOKS_ESCAPED = re.compile("_(?=x[0-9A-Fa-f]{4}_)")


def clean(text: str) -> str:
    """Return `text` as a spreadsheet can hold it; almost always `text` itself.

    Control characters that XML 1.0 forbids (section 2.2, Char) go; a lone surrogate, being a letter that
    was lost, becomes U+FFFD; line ends become line feeds; what is too long ends in an ellipsis.
    """
    if _UNCLEAN.search(text):
        text = text.replace("\r\n", "\n").replace("\r", "\n")
        text = _LONE_SURROGATE.sub("\ufffd", _NOT_XML.sub("", text))
    return text if len(text) <= LONGEST_TEXT // 2 else _shortened(text)


def _shortened(text: str) -> str:
    units = text.encode("utf-16-le")
    if len(units) <= LONGEST_TEXT * 2:
        return text
    # A cut through the middle of a character leaves half of it, which is dropped.
    return units[: (LONGEST_TEXT - 1) * 2].decode("utf-16-le", errors="ignore") + "…"


def escaped(text: str) -> str:
    """Return clean text in this format's own escapes, before those of XML.

    A run such as `_x0041_` stands for a letter (ECMA-376 part 1, 22.9.2.19 ST_Xstring), so a name that
    really holds one has its first underscore escaped.
    """
    return _LOOKS_ESCAPED.sub("_x005F_", text)


def inline(text: str) -> str:
    """Return the XML that goes between `<is>` and `</is>` for clean text that is not empty."""
    if _NEEDS_ESCAPE.search(text):
        text = escaped(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        return f'<t xml:space="preserve">{text}</t>'
    if text[0] == " " or text[-1] == " ":
        return f'<t xml:space="preserve">{text}</t>'
    return f"<t>{text}</t>"
