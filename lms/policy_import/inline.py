"""Words within a line, as Markdown that shows them exactly as they stand."""

from __future__ import annotations

import re
from collections.abc import Callable

from lms.policy_text import PLACEHOLDERS

PLACEHOLDER = re.compile(r"\[\[([^\[\]\n]*)\]\]")
LINK = re.compile(r"!?(?<!\[)\[(?P<words>[^\[\]]*)\]\((?P<target>[^()\s]*)\)")

_PIECE = re.compile(f"({PLACEHOLDER.pattern})|({LINK.pattern})")
_MARKUP = re.compile(r"([\\`*_\[\]<>|#~])|(&)(?=#?\w+;)")
_BLOCK_START = re.compile(r"^(\s*)(?:([-+=])|(\d{1,9})([.)]))")


def is_live(target: str) -> bool:
    """Return whether a link leads somewhere a reader can go: the web, or an e-mail address."""
    return re.match(r"(?:https?://|mailto:)[^\s]", target, re.IGNORECASE) is not None


def as_written(text: str) -> str:
    """Return plain text as Markdown: every mark escaped, save our placeholders and live links."""
    return _pieces(text, _escaped)


def as_marked(text: str) -> str:
    """Return Markdown as it is, but for dead links (their words stay) and names of no placeholder."""
    return _pieces(text, str)


def at_start(markdown: str) -> str:
    """Escape what would make a list or a rule of a line's first characters."""
    found = _BLOCK_START.match(markdown)
    if not found:
        return markdown
    rest = markdown[found.end() :]
    return f"{found[1]}\\{found[2]}{rest}" if found[2] else f"{found[1]}{found[3]}\\{found[4]}{rest}"


def _pieces(text: str, shown: Callable[[str], str]) -> str:
    parts, end = [], 0
    for piece in _PIECE.finditer(text):
        parts += [shown(text[end : piece.start()]), _piece(piece, shown)]
        end = piece.end()
    return "".join([*parts, shown(text[end:])])


def _piece(piece: re.Match[str], shown: Callable[[str], str]) -> str:
    if piece[1]:
        return piece[0] if piece[2] in PLACEHOLDERS else _escaped(piece[0])
    words = shown(piece["words"])
    return f"[{words}]({piece['target']})" if is_live(piece["target"]) else words


def _escaped(text: str) -> str:
    return _MARKUP.sub(r"\\\1\2", text)
