"""A text's lines and pages, and what only the pages needed: headers, footers and contents lists."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

_GLYPHS = "•·▪◦●○‣■□➢➤✓\uf0b7\uf0a7"
MARKER = re.compile(
    rf"\s*(?:(?P<bullet>[{_GLYPHS}])\s*|(?P<dash>[-*+–—])\s+|(?P<letter>o)(?:\t|\s{{2,}})|"
    r"(?P<label>\((?:[a-z]|[ivx]{1,5}|\d{1,3})\)|(?:[a-z]|[ivx]{1,5}|\d{1,3})[.)])\s+)(?=\S)"
)
"""How a list item begins: a bullet, a dash, (a), a), i., 1. or 1)."""
NUMBERED = re.compile(r"(?:(?:section|part)\s+)?\d{1,2}\b", re.IGNORECASE)
PAGE_NUMBER = re.compile(r"page\s*\|?\s*\d{1,3}(?:\s*(?:of|/)\s*\d{1,3})?", re.IGNORECASE)

_BARE_NUMBER = re.compile(r"[-–—|\s]*\d{1,3}(?:\s*(?:of|/)\s*\d{1,3})?[-–—|\s]*")
_NEW_LINE = re.compile(r"\r\n|\r|\n")
_SOFT_LINE = re.compile(r"[\v\x1c-\x1e\x85\u2028\u2029]")
_QUOTES = re.compile(r"[\"'‘’“”`´]")
_CONTENTS = re.compile(r"(?:table of )?contents(?: page)?:?", re.IGNORECASE)
_PAGE_TAIL = re.compile(r"(?:\t|\s{2,}|\s*(?:\.\s?){3,}|\s*…+)\s*\d{1,3}$")
_ANCHOR_LINK = re.compile(r"(?:[-*+]|\d{1,2}[.)])\s+\[([^\]]*)\]\(#[^)]*\)$")
_LONGEST_ENTRY = 250
_EDGE = 3
_GAP = 3


@dataclass(frozen=True)
class Line:
    """A line with words on it: its number in the file, its page, whether a blank line is before it."""

    number: int
    text: str
    page: int
    blank_before: bool

    @property
    def bare(self) -> str:
        """The line without the space round it."""
        return self.text.strip()

    @property
    def is_item(self) -> bool:
        """Whether it begins a list item."""
        return MARKER.match(self.text) is not None


@dataclass(frozen=True)
class Contents:
    """A list of contents: the positions it covers, and the titles it names, folded for comparing."""

    positions: tuple[int, ...] = ()
    titles: frozenset[str] = frozenset()


def folded(text: str) -> str:
    """Return a line for comparing: no case, no quotes of either style, no emphasis, single spaces."""
    return " ".join(_QUOTES.sub("", text.replace("*", "").lstrip("#")).casefold().split())


def lines_of(text: str) -> tuple[Line, ...]:
    """Split a text into its lines with words. A form feed, a page number or three blank lines end a page."""
    lines: list[Line] = []
    page, blanks = 0, 0
    for number, whole in enumerate(_NEW_LINE.split(text), 1):
        for sheet_number, sheet in enumerate(whole.split("\f")):
            page += bool(sheet_number)
            for piece in _SOFT_LINE.split(sheet):
                if not piece.strip():
                    blanks += 1
                    continue
                page += blanks >= _GAP
                lines.append(Line(number, piece, page, blanks > 0))
                page += bool(PAGE_NUMBER.fullmatch(piece.strip()))
                blanks = 0
    return _with_lone_bullets_joined(lines)


def _with_lone_bullets_joined(lines: Sequence[Line]) -> tuple[Line, ...]:
    """Put a bullet that stands on a line by itself, as text copied from a PDF has it, before its words."""
    joined: list[Line] = []
    for line in lines:
        before = joined[-1] if joined else None
        if before and before.bare in _GLYPHS and before.page == line.page:
            joined[-1] = replace(before, text=f"{before.text.rstrip()} {line.bare}")
        else:
            joined.append(line)
    return tuple(joined)


def furniture(lines: Sequence[Line]) -> tuple[tuple[int, ...], ...]:
    """Find what repeats at the top or foot of pages, whichever quotes it wears, and page numbers.

    Returns the positions of each header or footer, one tuple a text.
    """
    pages = len({line.page for line in lines})
    repeated: dict[str, list[int]] = defaultdict(list)
    for at in _edges(lines, range(len(lines)), _EDGE):
        if _may_repeat(lines[at].bare):
            repeated[re.sub(r"\d+", "#", folded(lines[at].text))].append(at)
    enough = max(2 if pages == 2 else 3, (pages + 1) // 2)
    found = [
        tuple(places) for places in repeated.values() if len({lines[at].page for at in places}) >= enough
    ]
    taken = {at for places in found for at in places}
    numbers = tuple(_page_numbers(lines, [at for at in range(len(lines)) if at not in taken]))
    return (*found, numbers) if numbers else tuple(found)


def _edges(lines: Sequence[Line], among: Iterable[int], depth: int) -> list[int]:
    """Return the positions that are the first or last few on their page, in order."""
    pages: dict[int, list[int]] = defaultdict(list)
    for at in among:
        pages[lines[at].page].append(at)
    return sorted({at for page in pages.values() for at in (*page[:depth], *page[-depth:])})


def _may_repeat(bare: str) -> bool:
    """Keep from headers what a policy itself repeats: list items, lead-ins and numbered headings."""
    if PAGE_NUMBER.search(bare):
        return True
    return not (bare.endswith(":") or MARKER.match(bare) or bare.startswith("#") or NUMBERED.match(bare))


def _page_numbers(lines: Sequence[Line], among: Sequence[int]) -> Iterator[int]:
    """Find "Page 3 of 9" anywhere, and a number by itself where a page of several begins or ends."""
    outermost = set(_edges(lines, among, 1)) if lines and lines[-1].page != lines[0].page else set()
    for at in among:
        bare = lines[at].bare
        if PAGE_NUMBER.fullmatch(bare) or (at in outermost and _BARE_NUMBER.fullmatch(bare)):
            yield at


def contents_list(lines: Sequence[Line], passing: Iterable[int] = ()) -> Contents:
    """Find the list of contents: under its heading, or three lines in a row that end in page numbers.

    `passing` are the positions to look past, such as page headers.
    """
    skipped = set(passing)
    kept = [at for at in range(len(lines)) if at not in skipped]
    last_seen = {_entry(lines[at].bare): at for at in kept}
    for order, at in enumerate(kept):
        if _CONTENTS.fullmatch(folded(lines[at].text)):
            entries = _entries(lines, kept[order + 1 :], last_seen)
            if entries:
                return _contents(lines, (at, *entries), entries)
        elif all(_ends_in_page(lines[n].bare) for n in kept[order : order + 3]) and order + 3 <= len(kept):
            entries = _entries(lines, kept[order:], last_seen)
            return _contents(lines, entries, entries)
    return Contents()


def _contents(lines: Sequence[Line], positions: tuple[int, ...], entries: tuple[int, ...]) -> Contents:
    return Contents(positions, frozenset(_entry(lines[at].bare) for at in entries))


def _entries(lines: Sequence[Line], order: Sequence[int], last_seen: dict[str, int]) -> tuple[int, ...]:
    """Take lines while each ends in a page number, links into the page, or stands again later in the text."""
    entries = []
    for at in order:
        bare = lines[at].bare
        if not (_ends_in_page(bare) or _ANCHOR_LINK.fullmatch(bare) or last_seen[_entry(bare)] > at):
            break
        entries.append(at)
    return tuple(entries)


def _ends_in_page(bare: str) -> bool:
    """Return whether a line ends as a contents list's do. No title is longer than a couple of lines of print."""
    return len(bare) < _LONGEST_ENTRY and _PAGE_TAIL.search(bare) is not None


def _entry(bare: str) -> str:
    """Return a contents entry as its heading would read: no page number, no link, no bullet."""
    if linked := _ANCHOR_LINK.fullmatch(bare):
        return folded(linked[1])
    entry = re.sub(r"^[-*+•]\s+", "", bare)
    return folded(_PAGE_TAIL.sub("", entry) if _ends_in_page(bare) else entry)


def is_listed(bare: str, contents: Contents) -> bool:
    """Return whether the contents list names this line."""
    return folded(bare) in contents.titles
