"""Read a policy: find its title and sections, leave out what the pages needed, account for every line."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise, takewhile
from pathlib import PurePath

from lms.policy_import.decoding import decode, is_markdown
from lms.policy_import.flags import flags_of
from lms.policy_import.found import Flag, ImportedPolicy, ImportedSection, PolicyRefusedError, Unplaced
from lms.policy_import.headings import CLAUSE, RULED, Headings, find_headings, heading_words, names_a_policy
from lms.policy_import.inline import as_marked, as_written
from lms.policy_import.pages import Contents, Line, contents_list, furniture, lines_of
from lms.policy_import.writing import Piece, marked_markdown, plain_markdown
from lms.policy_text import list_items_by_section, title_of

_PROSE_WORDS = 12
_FINISHED = re.compile(r"[.!?:;][\"'’”)\]]*$")
_UNFINISHED = re.compile(
    r"(?:,|\b(?:a|an|and|are|as|at|be|but|by|for|from|has|have|if|in|is|it|its|may|must|not|of|on|or|our|should|"
    r"that|the|their|they|this|to|was|were|which|who|will|with|you|your))$",
    re.IGNORECASE,
)
_HEADER = "Repeated at the top or foot of {pages}: a header, a footer or a page number."
_CONTENTS = "The contents list: a new one is made from the headings."
_FRONT = "Before the first section: the cover, contacts or version table. Not part of the text people sign."
_JOINED = "Joined to the end of line {line}, across a page break: check that it reads on."
_OPENING = "This stands before the first section and is kept, at the top of the text."
_RULED = "A ruled line."


@dataclass(frozen=True)
class _Sorted:
    """The lines of a file: those that make the policy, and those that don't with the reasons."""

    kept: tuple[Line, ...]
    contents: Contents
    unplaced: tuple[Unplaced, ...]


def read_policy(content: bytes, name: str) -> ImportedPolicy:
    """Return the policy in a file of plain text (.txt) or Markdown (.md), its words as they stand.

    `content` is the file's bytes and `name` its name, which says the kind. Raises PolicyRefusedError, with a
    sentence that says what to do, for a file that isn't such text, is empty, is over 1 MB or has no section.
    """
    text = decode(content, name)
    marked = is_markdown(name)
    lines = _sorted(lines_of(text), marked)
    headings = find_headings(lines.kept, lines.contents)
    if headings is None:
        raise PolicyRefusedError(
            "No section was found in this file. Give each section a heading on a line by itself, "
            "such as “1. Introduction”, with a blank line above and below, and import it again."
        )
    title = _title(lines, headings, name)
    pieces, front = _pieces(lines.kept, headings)
    body = marked_markdown(pieces) if marked else plain_markdown(pieces)
    shown = f"# {as_marked(title) if marked else as_written(title)}\n\n{body}"
    counted = list_items_by_section(shown)
    return ImportedPolicy(
        title=title_of(shown),
        markdown=shown,
        sections=tuple(ImportedSection(section.number, section.title, items) for section, items in counted),
        list_items=sum(items for _, items in counted),
        unplaced=tuple(sorted((*lines.unplaced, *front), key=lambda one: one.line)),
        flags=tuple(
            sorted((*flags_of(lines.kept), *_joins(pieces), *_opening(pieces)), key=lambda one: one.line)
        ),
    )


def _sorted(every: Sequence[Line], marked: bool) -> _Sorted:
    """Take the headers, footers and contents list out, and mark where a page turned."""
    headers = furniture(every)
    dropped = {at for places in headers for at in places}
    contents = contents_list(every, dropped)
    ruled = set() if marked else {at for at in range(len(every)) if _is_rule(every, at)} - dropped
    dropped |= set(contents.positions) | ruled
    unplaced = [_repeated([every[at] for at in places]) for places in headers]
    if contents.positions:
        unplaced.append(_block([every[at] for at in contents.positions], _CONTENTS))
    unplaced += [Unplaced(every[at].number, every[at].bare, _RULED) for at in ruled]
    kept = [line for at, line in enumerate(every) if at not in dropped]
    return _Sorted(tuple(_with_page_breaks(kept)), contents, tuple(unplaced))


def _is_rule(lines: Sequence[Line], at: int) -> bool:
    """A line of dashes or stars, but not one that underlines the words above it."""
    underlines = at > 0 and not lines[at].blank_before and lines[at].bare[0] in "-="
    return RULED.fullmatch(lines[at].text) is not None and not underlines


def _with_page_breaks(kept: Sequence[Line]) -> Iterable[Line]:
    yield from kept[:1]
    for before, line in pairwise(kept):
        yield replace(line, blank_before=True) if line.page != before.page else line


def _repeated(lines: Sequence[Line]) -> Unplaced:
    pages = len({line.page for line in lines})
    words = "a page" if pages == 1 else f"{pages} pages"
    return Unplaced(lines[0].number, lines[0].bare, _HEADER.format(pages=words))


def _block(lines: Sequence[Line], reason: str) -> Unplaced:
    return Unplaced(lines[0].number, "\n".join(line.bare for line in lines), reason)


def _title(lines: _Sorted, headings: Headings, name: str) -> str:
    """Take the title from the text, or from a header that runs through it, or from the file's name."""
    if headings.title_at is not None:
        return heading_words(lines.kept[headings.title_at].bare)
    if running := next((one.text for one in lines.unplaced if names_a_policy(one.text)), None):
        return running
    return PurePath(name).stem.replace("-", " ").replace("_", " ").strip().capitalize() or "Policy"


def _pieces(kept: Sequence[Line], headings: Headings) -> tuple[list[Piece], list[Unplaced]]:
    """Put the headings and text in order, with whole sentences from before the first section at the top."""
    pieces, front = [], []
    for at, line in enumerate(kept):
        if at == headings.title_at or at in headings.underlines:
            continue
        if at < headings.first and not _is_prose(line):
            front.append(Unplaced(line.number, line.bare, _FRONT))
        else:
            pieces.append(Piece(line, headings.levels.get(at, 0), _goes_on(kept, at, headings)))
    return pieces, front


def _is_prose(line: Line) -> bool:
    return len(line.bare.split()) >= _PROSE_WORDS and line.bare[-1] == "."


def _goes_on(kept: Sequence[Line], at: int, headings: Headings) -> bool:
    """Whether a page break fell in the middle of a sentence, and this line goes on from the one before."""
    if at <= headings.first or at in headings.levels or at - 1 in headings.levels:
        return False
    before, line = kept[at - 1], kept[at]
    if before.page == line.page or line.is_item or CLAUSE.match(line.text) or _FINISHED.search(before.bare):
        return False
    return line.bare[0].islower() or _UNFINISHED.search(before.bare) is not None


def _joins(pieces: Sequence[Piece]) -> Iterable[Flag]:
    for before, piece in pairwise(pieces):
        if piece.goes_on:
            yield Flag(piece.line.number, piece.line.bare, _JOINED.format(line=before.line.number))


def _opening(pieces: Sequence[Piece]) -> Iterable[Flag]:
    opening = takewhile(lambda piece: not piece.level, pieces)
    return (Flag(piece.line.number, piece.line.bare, _OPENING) for piece in opening)
