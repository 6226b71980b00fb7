"""Bytes to text: which files are read, in which encodings, and what is said of the rest."""

from __future__ import annotations

import codecs
import re
from pathlib import PurePath

from lms.policy_import.found import PolicyRefusedError

MOST_BYTES = 1_000_000
_MARKDOWN = {".md", ".markdown"}
_PLAIN = {".txt", ".text"}

_SAVE_AS = (
    "Open it, choose Save As (or copy all the text), and save it as plain text (.txt), then import that."
)
_KINDS = (
    (b"%PDF", {".pdf"}, "a PDF"),
    (b"PK\x03\x04", {".docx", ".odt", ".docm", ".zip", ".pages"}, "a word processor's file or a zip"),
    (b"\xd0\xcf\x11\xe0", {".doc"}, "an old Word file"),
    (b"{\\rtf", {".rtf"}, "a rich text file"),
)
_WEB_PAGE = re.compile(rb"\s*<(?:!doctype html|html)\b", re.IGNORECASE)
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1b\x7f]")


def is_markdown(name: str) -> bool:
    """Return whether the file's name says that it is Markdown. Raises PolicyRefusedError for other kinds."""
    ending = PurePath(name).suffix.lower()
    if ending not in _MARKDOWN | _PLAIN:
        raise PolicyRefusedError(
            f"A policy is read from plain text (.txt) or Markdown (.md), and this file's name ends in "
            f"{ending or 'neither'}. {_SAVE_AS}"
        )
    return ending in _MARKDOWN


def decode(content: bytes, name: str) -> str:
    """Return the text of a file: UTF-8 or UTF-16, with or without a mark, or Windows' cp1252.

    Raises PolicyRefusedError for a file that is empty, over 1 MB, or not text.
    """
    if len(content) > MOST_BYTES:
        raise PolicyRefusedError(
            f"This file is {len(content) / 1_000_000:.1f} MB. A policy's text is at most 1 MB: "
            "save the words alone as plain text, without pictures."
        )
    _refuse_other_kinds(content, name)
    text = _text(content)
    if not text.strip():
        raise PolicyRefusedError("This file is empty: there are no words in it.")
    if len(_CONTROL.findall(text)) > len(text) // 100:
        raise PolicyRefusedError(f"This file isn't text, whatever its name says. {_SAVE_AS}")
    return _CONTROL.sub(" ", text)


def _refuse_other_kinds(content: bytes, name: str) -> None:
    ending = PurePath(name).suffix.lower()
    for start, endings, words in _KINDS:
        if content.startswith(start) or ending in endings:
            raise PolicyRefusedError(f"This is {words}, which can't be imported. {_SAVE_AS}")
    if _WEB_PAGE.match(content.removeprefix(codecs.BOM_UTF8)):
        raise PolicyRefusedError(f"This is a web page, which can't be imported. {_SAVE_AS}")


def _text(content: bytes) -> str:
    try:
        return content.decode(_encoding(content))
    except UnicodeDecodeError:
        pass
    try:
        return content.decode("cp1252")
    except UnicodeDecodeError:
        raise PolicyRefusedError(
            "Some letters in this file can't be read. Open it in a text editor, choose Save As, pick the "
            "encoding UTF-8, and import that."
        ) from None


def _encoding(content: bytes) -> str:
    """Guess from the mark at the start or, for UTF-16 without one, from where its zero bytes fall."""
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    sample = content[:2000]
    zeros = [sample[0::2].count(0), sample[1::2].count(0)]
    if len(content) % 2 == 0 and max(zeros) > len(sample) // 5:
        return "utf-16-be" if zeros[0] > zeros[1] else "utf-16-le"
    return "utf-8-sig"
