"""What changed between two texts of a policy: by section, a paragraph or list item at a time. Pure functions."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import lru_cache

from lms.policy_text import section_number

_LIST_ITEM = re.compile(r"\s*(?:[-*+]|\d{1,3}[.)])\s")
ALIKE = 0.5
"""From this share of common words up, one paragraph in place of another counts as the same one, changed."""
LOOK_AHEAD = 8
"""How many paragraphs may have been removed before one that was changed, so that a new policy takes no longer."""


@dataclass(frozen=True, slots=True)
class Change:
    """One paragraph, as Markdown: `before` is "" where it was added, `after` where it was removed."""

    before: str
    after: str


@dataclass(frozen=True, slots=True)
class SectionChanges:
    """What changed in one section; `heading` is "" for what stands before the first."""

    heading: str
    changes: tuple[Change, ...]


@lru_cache(maxsize=32)
def changes(before: str, after: str) -> tuple[SectionChanges, ...]:
    """Return the sections that differ, in the order of the new text, with those that are gone at the end.

    How lines are folded makes no difference, and neither does a section's number.
    """
    old, new = _sections(before), _sections(after)
    found = [_compare(heading, old.get(key, ("", []))[1], parts) for key, (heading, parts) in new.items()]
    gone = [_compare(heading, parts, []) for key, (heading, parts) in old.items() if key not in new]
    return tuple(section for section in (*found, *gone) if section.changes)


def _sections(markdown: str) -> dict[str, tuple[str, list[str]]]:
    """Return heading and paragraphs of each section, by its title; the document's own title is left out."""
    found: dict[str, tuple[str, list[str]]] = {"": ("", [])}
    key = ""
    for paragraph in _paragraphs(markdown):
        if paragraph.startswith("## "):
            heading = paragraph.removeprefix("## ")
            key = section_number(heading)[1].casefold()
            found.setdefault(key, (heading, []))
        elif not paragraph.startswith("# "):
            found[key][1].append(paragraph)
    return found


def _paragraphs(markdown: str) -> Iterator[str]:
    """Yield headings, paragraphs and list items, each on one line."""
    lines: list[str] = []
    for line in [*markdown.splitlines(), ""]:
        begins = not line.strip() or line.startswith("#") or _LIST_ITEM.match(line)
        if lines and (begins or lines[0].startswith("#")):
            yield " ".join(" ".join(lines).split())
            lines = []
        if line.strip():
            lines.append(line)


def _compare(heading: str, old: list[str], new: list[str]) -> SectionChanges:
    found: list[Change] = []
    for what, a, b, c, d in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if what != "equal":
            found += _replaced(old[a:b], new[c:d])
    return SectionChanges(heading, tuple(found))


def _replaced(old: list[str], new: list[str]) -> Iterator[Change]:
    """Pair each new paragraph with the first old one like it; what has no pair was removed or added."""
    for after in new:
        at = next((n for n, before in enumerate(old[:LOOK_AHEAD]) if _are_alike(before, after)), None)
        if at is None:
            yield Change("", after)
        else:
            yield from (Change(before, "") for before in old[:at])
            yield Change(old[at], after)
            old = old[at + 1 :]
    yield from (Change(before, "") for before in old)


def _are_alike(before: str, after: str) -> bool:
    return SequenceMatcher(None, before.split(), after.split(), autojunk=False).ratio() >= ALIKE
