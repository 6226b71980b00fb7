"""Lines and headings into the dialect of policy_text: no word added, lost or moved."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from lms.policy_import.headings import CLAUSE, heading_words
from lms.policy_import.inline import as_marked, as_written, at_start
from lms.policy_import.pages import MARKER, Line

_WRAPPED = 40
_NATIVE = re.compile(r"\s*(?:[-*+]|\d{1,9}[.)])\s")


@dataclass(frozen=True)
class Piece:
    """A line to write: its heading level (0 for text), and whether it goes on from the line before."""

    line: Line
    level: int = 0
    goes_on: bool = False


@dataclass
class _Block:
    """A paragraph or a list item that is being gathered, one line of the file after another."""

    indent: int | None
    lines: list[str] = field(default_factory=list)


def plain_markdown(pieces: Sequence[Piece]) -> str:
    """Return plain text as Markdown. Wrapped lines flow; short ones, as in an address, keep their breaks."""
    written: list[str] = []
    markers: list[tuple[int, str]] = []
    block: _Block | None = None
    for piece in pieces:
        if block and not piece.level and _belongs(piece, block):
            _gather(block, piece)
            continue
        if block:
            written.append(_written(block))
        block = None
        if piece.level:
            markers.clear()
            written.append(_heading(piece, as_written))
        else:
            block = _begin(piece.line, markers)
    if block:
        written.append(_written(block))
    return _spaced(written)


def marked_markdown(pieces: Sequence[Piece]) -> str:
    """Return Markdown with its headings at the dialect's levels, and all else as its author marked it."""
    out: list[str] = []
    for piece in pieces:
        text = _heading(piece, as_marked) if piece.level else _marked_line(piece.line)
        if piece.goes_on and out:
            out[-1] = _joined(out[-1], text.strip())
            continue
        if out and (piece.level or piece.line.blank_before or out[-1].startswith("## ")):
            out.append("")
        out.append(text)
    return "\n".join(out) + "\n"


def _heading(piece: Piece, shown: Callable[[str], str]) -> str:
    return f"{'#' * piece.level} {shown(heading_words(piece.line.bare))}"


def _marked_line(line: Line) -> str:
    """Keep the line's own marks, give a clause its bold id, and turn other bullets into Markdown's."""
    text = as_marked(line.text)
    if line.blank_before and (clause := CLAUSE.match(text)):
        return f"**{clause[1]}**{text[clause.end() :]}"
    marker = MARKER.match(text)
    if marker and not _NATIVE.match(text):
        label = f"{marker['label']} " if marker["label"] else ""
        return f"{' ' * _indent(text)}- {label}{text[marker.end() :]}"
    return text


def _belongs(piece: Piece, block: _Block) -> bool:
    """A line belongs to what stands above it unless a blank line, a mark or a clause's id begins anew."""
    if piece.goes_on:
        return True
    starts_clause = CLAUSE.match(piece.line.text) and block.lines[-1][-1] in ".;:"
    return not (piece.line.blank_before or piece.line.is_item or starts_clause)


def _gather(block: _Block, piece: Piece) -> None:
    if piece.goes_on:
        block.lines[-1] = _joined(block.lines[-1], piece.line.bare)
    else:
        block.lines.append(piece.line.bare)


def _begin(line: Line, markers: list[tuple[int, str]]) -> _Block:
    marker = MARKER.match(line.text)
    if not marker:
        markers.clear()
        return _Block(None, [line.bare])
    label = f"{marker['label']} " if marker["label"] else ""
    return _Block(_depth(marker, markers), [label + line.text[marker.end() :].strip()])


def _depth(marker: re.Match[str], markers: list[tuple[int, str]]) -> int:
    """Return how deep an item lies, by its indent and kind of mark; `markers` are those it is within."""
    key = (_indent(marker[0]), _kind(marker))
    if key in markers:
        del markers[markers.index(key) + 1 :]
        return len(markers) - 1
    while markers and markers[-1][0] > key[0]:
        markers.pop()
    if markers and markers[-1][0] == key[0] and markers[-1][1] == key[1]:
        return len(markers) - 1
    markers.append(key)
    return len(markers) - 1


def _kind(marker: re.Match[str]) -> str:
    """Name the kind of mark: the bullet itself, or the shape of a label, "(x)", "x)" or "1."."""
    if marker["label"]:
        return re.sub(r"[a-z]+", "a", re.sub(r"\d+", "1", marker["label"]))
    return marker["bullet"] or marker["dash"] or marker["letter"]


def _indent(text: str) -> int:
    return len(text.expandtabs(4)) - len(text.expandtabs(4).lstrip())


def _written(block: _Block) -> str:
    clause = CLAUSE.match(block.lines[0]) if block.indent is None else None
    lines = [at_start(as_written(line)) for line in block.lines]
    if clause:
        lines[0] = f"**{clause[1]}**{as_written(block.lines[0][clause.end() :])}"
    wrapped = all(len(line) >= _WRAPPED and "\t" not in line for line in block.lines[:-1])
    if block.indent is None:
        return (" " if wrapped else "\\\n").join(lines)
    pad = "  " * block.indent
    return f"{pad}- " + (" " if wrapped else f"\\\n{pad}  ").join(lines)


def _spaced(written: Sequence[str]) -> str:
    """Put a blank line between blocks, and none between the items of a list."""
    text, after_item = "", False
    for block in written:
        is_item = block.lstrip().startswith("- ")
        gap = "\n" if is_item and after_item else "\n\n"
        text += gap + block if text else block
        after_item = is_item
    return text + "\n"


def _joined(before: str, after: str) -> str:
    """Join the halves of a paragraph that a page break split; a word split at a hyphen is one again."""
    return before.rstrip() + ("" if re.search(r"\w-$", before.rstrip()) else " ") + after
