"""Which lines of a text are its title, its sections and its sub-headings."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from lms.policy_import.numbering import is_heading_like, numbered_sections
from lms.policy_import.pages import Contents, Line, is_listed

SECTION, SUBHEAD = 2, 3
CLAUSE = re.compile(r"\s*(\d{1,2}(?:\.\d{1,2})+\.?)(?=\s+\S)")
RULED = re.compile(r"\s*([-=_*~#.·—–])(?:\s*\1){2,}\s*")

_HASH = re.compile(r"\s{0,3}(#{1,6})\s+\S")
_UNDERLINE = re.compile(r"(=+|-{3,})")
_BOLD = re.compile(r"(\*\*|__)[^*_]+\1:?")
_APPENDIX = re.compile(r"(?:appendix|annex|schedule)\b", re.IGNORECASE)
_TITLE = re.compile(
    r"\b(?:policy|policies|procedures?|code|conduct|guidance|guidelines|handbook|agreement|protocol)\W*$"
    r"|^(?:policy|guidance|code of conduct) (?:on|for)\b",
    re.IGNORECASE,
)
_TITLE_WORDS = 12
_TITLE_AMONG = 30
_HEADING_WORDS = 8
_SHOUTED_WORDS = 12


@dataclass(frozen=True)
class Headings:
    """The positions of the headings, with their levels (2 a section, 3 below it), and of the title.

    `underlines` are the lines of dashes that only mark the line above as a heading.
    """

    levels: dict[int, int]
    title_at: int | None
    underlines: frozenset[int]

    @functools.cached_property
    def first(self) -> int:
        """Where the first section begins."""
        return min(self.levels)


def heading_words(bare: str) -> str:
    """Return a heading's words as they stand, without the marks that made it one in Markdown."""
    words = re.sub(r"^#{1,6} | #+$", "", " ".join(bare.split()))
    return re.sub(r"^(\*\*|__)([^*_]+)\1(:?)$", r"\2\3", words).strip()


def names_a_policy(line: str) -> bool:
    """Return whether a line reads as the title of a policy: a few words that end in "policy" or the like."""
    return len(line.split()) <= _TITLE_WORDS and _TITLE.search(heading_words(line)) is not None


def find_headings(lines: Sequence[Line], contents: Contents) -> Headings | None:
    """Find a text's headings by the first sign it uses, or None where it has none.

    The signs, in order: `#` or underlined, numbered 1, 2, 3 …, CAPITALS or bold by themselves, short lines
    that stand alone. Sub-headings are then those named in the contents list, or by a lesser sign.
    """
    marked, underlines = _marked(lines)
    title_at = _title_at(lines, marked)
    levels = _from_marks(marked, title_at)
    if not levels:
        signs = (numbered_sections, _standing(_is_shouted), _standing(_stands_alone))
        found = next((places for sign in signs if len(places := set(sign(lines)) - {title_at}) > 1), None)
        if found is None:
            return None
        levels = dict.fromkeys(found, SECTION)
        levels |= _subheads(lines, contents, levels)
    if title_at is not None and title_at > min(levels):
        title_at = None
    levels.pop(-1 if title_at is None else title_at, None)
    return Headings(levels, title_at, underlines) if levels else None


def _marked(lines: Sequence[Line]) -> tuple[dict[int, int], frozenset[int]]:
    """Return the level of each heading marked by `#` or by a line drawn under it, and those lines."""
    marked, underlines = {}, set()
    for at, line in enumerate(lines):
        if hashes := _HASH.match(line.text):
            marked[at] = len(hashes[1])
        elif at and _is_underline(lines[at - 1], line) and at - 1 not in marked:
            marked[at - 1] = 1 if line.bare.startswith("=") else 2
            underlines.add(at)
    return marked, frozenset(underlines)


def _is_underline(above: Line, line: Line) -> bool:
    if line.blank_before or not _UNDERLINE.fullmatch(line.bare) or RULED.fullmatch(above.text):
        return False
    return above.blank_before and not above.is_item and "|" not in above.text


def _from_marks(marked: dict[int, int], title_at: int | None) -> dict[int, int]:
    """Make the highest level but the title's the sections, and all below it sub-headings."""
    rest = {at: level for at, level in marked.items() if at != title_at}
    top = min(rest.values(), default=0)
    return {at: SECTION if level == top else SUBHEAD for at, level in rest.items()}


def _title_at(lines: Sequence[Line], marked: dict[int, int]) -> int | None:
    first = min(marked, default=None)
    if first is not None and marked[first] == 1:
        alone = list(marked.values()).count(1) == 1
        return first if alone or _TITLE.search(heading_words(lines[first].bare)) else None
    return next((at for at in range(min(len(lines), _TITLE_AMONG)) if _is_title(lines, at, marked)), None)


def _is_title(lines: Sequence[Line], at: int, marked: dict[int, int]) -> bool:
    """A line that ends in "policy" or the like; not one that heads text of its own further down."""
    bare = lines[at].bare
    if at in marked or lines[at].is_item or "\t" in bare or re.match(r"\d", bare):
        return False
    if not names_a_policy(bare):
        return False
    return at == 0 or not (_is_shouted(lines, at) or _stands_alone(lines, at))


def _standing(sign: Callable[[Sequence[Line], int], bool]) -> Callable[[Sequence[Line]], list[int]]:
    return lambda lines: [at for at in range(len(lines)) if sign(lines, at)]


def _subheads(lines: Sequence[Line], contents: Contents, levels: dict[int, int]) -> dict[int, int]:
    found = {}
    for at in range(min(levels), len(lines)):
        if at in levels:
            continue
        if _APPENDIX.match(lines[at].bare) and (_stands_alone(lines, at) or _is_shouted(lines, at)):
            found[at] = SECTION
        elif is_listed(lines[at].bare, contents) or _is_subhead(lines, at, levels):
            found[at] = SUBHEAD
    return found


def _is_subhead(lines: Sequence[Line], at: int, levels: dict[int, int]) -> bool:
    if CLAUSE.match(lines[at].text):
        return _is_numbered_subhead(lines, at, levels)
    return at + 1 not in levels and (_is_shouted(lines, at) or _stands_alone(lines, at))


def _is_numbered_subhead(lines: Sequence[Line], at: int, levels: dict[int, int]) -> bool:
    """Tell "1.1 Scope", with text of its own under it, from a clause 1.1."""
    number = CLAUSE.match(lines[at].text)
    if not number or at + 1 >= len(lines) or at + 1 in levels:
        return False
    after = CLAUSE.match(lines[at + 1].text)
    if after and after[1].count(".") <= number[1].count("."):
        return False
    short = is_heading_like(lines[at].text[number.end() :].strip(), _HEADING_WORDS)
    return short and (lines[at + 1].blank_before or after is not None)


def _is_shouted(lines: Sequence[Line], at: int) -> bool:
    """In capitals, or bold by itself, and with text under it that is not."""
    return _looks_shouted(lines[at]) and at + 1 < len(lines) and not _looks_shouted(lines[at + 1])


def _looks_shouted(line: Line) -> bool:
    bare = line.bare
    if line.is_item or "\t" in bare or len(bare.split()) > _SHOUTED_WORDS or not line.blank_before:
        return False
    in_capitals = bare.isupper() and sum(letter.isalpha() for letter in bare) > 2 and bare[-1] not in ".,;"
    return in_capitals or _BOLD.fullmatch(bare) is not None


def _stands_alone(lines: Sequence[Line], at: int) -> bool:
    """A few words with a blank line on either side, then a list or a longer line."""
    if at + 1 >= len(lines) or not (at == 0 or lines[at].blank_before) or not lines[at + 1].blank_before:
        return False
    bare, after = lines[at].bare, lines[at + 1]
    if lines[at].is_item or "\t" in bare or bare[-1] == ":" or not is_heading_like(bare, _HEADING_WORDS):
        return False
    if after.is_item:
        return True
    # A line that begins in small letters goes on from this one, over the turn of a page.
    return not after.bare[0].islower() and (
        len(after.bare.split()) > _HEADING_WORDS or after.bare[-1] in ".:"
    )
