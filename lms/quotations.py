"""What the policy says about a choice: its clauses, in the words that the school's own policy has, or says so."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from dataclasses import dataclass

from markupsafe import Markup

from lms import policies
from lms.config import resource_dir
from lms.policies import PolicyVersion
from lms.policy_text import Clause, Section, block_html, clauses, fill, sections
from lms.scenarios import Programme, load_programme
from lms.schools import Organisation


@dataclass(frozen=True, slots=True)
class Quotation:
    """One rule, and where to read on."""

    clause: str
    """Its id in the model policy: "5.3"."""
    opening: Markup
    rest: Markup
    """The list that follows the opening, where that can be understood without it; else empty."""
    anchor: str
    """In the school's policy; "" for its top."""
    place: str
    """That place in words: "5.3 Acceptable use", or "" for the top."""
    is_from_policy: bool
    """Whether these are the words of the policy that is signed; if not, they are the model policy's."""


def quotations(
    cited: Iterable[str], module: str, version: PolicyVersion, school: Organisation
) -> list[Quotation]:
    """Return what stands behind a choice of a module, a clause each.

    A school's own policy isn't quoted for clauses that were written for ours: its numbers may mean something else.
    There the model policy's words are given as such, with a link to the section that has the same number and title.
    """
    text = policies.rendered(version, school)
    found = [_quoted(name, module, version, school, text) for name in cited]
    return [quotation for quotation in found if quotation is not None]


def _quoted(
    name: str, module: str, version: PolicyVersion, school: Organisation, text: str
) -> Quotation | None:
    if version.is_model and (clause := _clauses(text).get(name)):
        opening, rest = _parts(clause.markdown)
        return Quotation(
            name, opening, rest, clause.anchor, f"{name} {clause.section.title}", is_from_policy=True
        )
    programme = _programme(module)
    rule = programme and _clauses(fill(programme.policy_markdown, school.placeholder_values)).get(name)
    return _rule(rule, text) if rule else None


def _rule(rule: Clause, text: str) -> Quotation:
    # Without its number, which may be another rule's in the school's own policy.
    opening, rest = _parts(rule.markdown.removeprefix(f"**{rule.id}**").lstrip())
    same = next((s for s in _sections(text) if _named(s) == _named(rule.section)), None)
    place = f"section {same.number}, {same.title}" if same else ""
    return Quotation(rule.id, opening, rest, same.anchor if same else "", place, is_from_policy=False)


def _parts(markdown: str) -> tuple[Markup, Markup]:
    """Part a rule's first paragraph from its list, unless that finishes the sentence."""
    opening, _, rest = markdown.partition("\n\n")
    if opening.rstrip().endswith(":"):
        return block_html(markdown), Markup("")
    return block_html(opening), block_html(rest)


def _named(section: Section) -> tuple[str, str]:
    return section.number, " ".join(section.title.casefold().split())


def parts_taught(module: str, taught: Iterable[str]) -> list[str]:
    """Return the titles of the parts of the policy that some clauses of a module's own programme stand in."""
    programme = _programme(module)
    known = _clauses(programme.policy_markdown) if programme else {}
    return list(dict.fromkeys(known[name].section.title for name in taught if name in known))


@functools.cache
def _programme(module: str) -> Programme | None:
    """Return the programme that a module ships with; None for one that no longer ships."""
    folders = sorted(path for path in resource_dir("scenarios").iterdir() if path.is_dir())
    return next((p for p in map(load_programme, folders) if module in p.modules), None)


# The same few texts are asked for all day; each is read once a process.
_clauses = functools.lru_cache(maxsize=64)(clauses)
_sections = functools.lru_cache(maxsize=64)(sections)
