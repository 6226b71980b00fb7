"""Policy text: Markdown in a small dialect, with numbered sections, clauses and placeholders.

`# Title`, then sections such as `## 5. Acceptable use`, sub-headings `###`, and clauses: a paragraph that
begins with its id in bold (`**5.3** Text`) and all that follows it up to the next clause or heading.
`[[school]]` stands for a value from the school's settings. Pure functions: no database, no request.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from markdown_it.token import Token
from markupsafe import Markup

from lms.errors import CountersignError
from lms.policy_markup import CLAUSE_ID, POLICY, PROSE, dress, shift_headings, words_of

PLACEHOLDERS: dict[str, str] = {
    "school": "the name of the school",
    "safeguarding_lead": "the name of the safeguarding lead",
    "safeguarding_lead_room": "the safeguarding lead's room",
    "safeguarding_lead_extension": "the safeguarding lead's extension",
    "deputy_safeguarding_lead": "the name of the deputy safeguarding lead",
    "deputy_safeguarding_lead_room": "the deputy safeguarding lead's room",
    "deputy_safeguarding_lead_extension": "the deputy safeguarding lead's extension",
    "head": "the name of the head",
    "chair_of_governors": "the name of the chair of governors",
    "senior_manager": "the name of the senior manager to tell",
    "hr_contact": "whom to ask in HR",
    "data_protection_officer": "the name of the data protection officer",
    "data_protection_officer_email": "the data protection officer's e-mail address",
}
"""Every placeholder there is, with what it stands for in words."""

_PLACEHOLDER = re.compile(r"\[\[([^\[\]\n]*)\]\]")
_SECTION = re.compile(
    r"(?:(?i:section|part)\s+)?(\d{1,3})(?:\s*[.):–—-](?!\d)\s*|\s+(?=[A-Z])|$)(.*)", re.DOTALL
)
_LINE_END = re.compile(r"\r\n|\r|\n")
_PUNCTUATION = re.compile(r"([!-/:-@\[-`{-~])")


class PlaceholderError(CountersignError):
    """A text asks for a value that nobody has given, or that doesn't exist; the message names each."""


@dataclass(frozen=True)
class Section:
    """A `##` heading. `number` is "" where the text gives none; `anchor` is the id in the page."""

    number: str
    title: str
    anchor: str


@dataclass(frozen=True)
class Clause:
    """A numbered rule with its lists, as Markdown, and the section it stands in."""

    id: str
    section: Section
    markdown: str

    @property
    def anchor(self) -> str:
        """The clause's id in the page: "clause-5-3"."""
        return "clause-" + self.id.replace(".", "-")


@dataclass(frozen=True)
class Rendered:
    """A text ready for a page: the body without its title, its contents, the title in plain words."""

    html: Markup
    contents: tuple[Section, ...]
    title: str


@dataclass
class _Outline:
    """Where in the tokens each section, clause and sub-heading begins."""

    title_at: int | None = None
    sections: dict[int, Section] = field(default_factory=dict)
    clauses: dict[int, tuple[str, Section]] = field(default_factory=dict)
    subheads: dict[int, str] = field(default_factory=dict)


def sections(markdown: str) -> tuple[Section, ...]:
    """Return the sections (`##` headings) in order."""
    return tuple(_outline(POLICY.parse(markdown)).sections.values())


@lru_cache(maxsize=64)
def title_of(markdown: str) -> str:
    """Return the `# Title` in plain words, or "" where there is none."""
    tokens = POLICY.parse(markdown)
    at = _outline(tokens).title_at
    return "" if at is None else words_of(tokens[at + 1])


def clauses(markdown: str) -> dict[str, Clause]:
    """Return the clauses by id, in order. Where an id is used twice the first is the clause."""
    tokens = POLICY.parse(markdown)
    outline = _outline(tokens)
    lines = _LINE_END.split(markdown)
    starts = sorted({_first_line(tokens[i]) for i in _boundaries(tokens)} | {len(lines)})
    found = {}
    for index, (name, section) in outline.clauses.items():
        start = _first_line(tokens[index])
        end = next(line for line in starts if line > start)
        found[name] = Clause(name, section, "\n".join(lines[start:end]).strip())
    return found


def list_items_by_section(markdown: str) -> tuple[tuple[Section, int], ...]:
    """Return each section with the number of list items in it, nested ones too."""
    tokens = POLICY.parse(markdown)
    counted: list[tuple[Section, int]] = []
    found = _outline(tokens).sections
    for index, token in enumerate(tokens):
        if index in found:
            counted.append((found[index], 0))
        elif token.type == "list_item_open" and counted:
            section, items = counted[-1]
            counted[-1] = (section, items + 1)
    return tuple(counted)


def fill(markdown: str, values: Mapping[str, str]) -> str:
    """Return the text with every placeholder replaced by its value, which shows as plain words.

    Raises PlaceholderError for a placeholder that doesn't exist, and for one whose value is absent or blank.
    """
    if unknown := unknown_placeholders(markdown):
        raise PlaceholderError(f"The text uses placeholders that don't exist: {_listed(unknown)}.")
    wanted = dict.fromkeys(_PLACEHOLDER.findall(markdown))
    if missing := [name for name in wanted if not values.get(name, "").strip()]:
        words = "; ".join(PLACEHOLDERS[name] for name in missing)
        raise PlaceholderError(f"The text needs values that the school's settings don't give: {words}.")
    return _PLACEHOLDER.sub(lambda found: _as_words(values[found[1]]), markdown)


def unknown_placeholders(markdown: str) -> tuple[str, ...]:
    """Return the names in double square brackets that are no placeholder of ours, each once, in order."""
    return tuple(name for name in dict.fromkeys(_PLACEHOLDER.findall(markdown)) if name not in PLACEHOLDERS)


def to_html(markdown: str, heading_level: int = 2) -> Rendered:
    """Return the text as HTML, its sections at `heading_level`, with an id on each heading and clause.

    The title is left to the page, which has the one `<h1>`. Raw HTML and unsafe links come out as plain text.
    """
    tokens = POLICY.parse(markdown)
    outline = _outline(tokens)
    title = "" if outline.title_at is None else words_of(tokens[outline.title_at + 1])
    _give_ids(tokens, outline)
    shift_headings(tokens, heading_level)
    dress(tokens)
    body = [
        t for i, t in enumerate(tokens) if outline.title_at is None or i - outline.title_at not in (0, 1, 2)
    ]
    html = POLICY.renderer.render(body, POLICY.options, {})
    return Rendered(Markup(html), tuple(outline.sections.values()), title)  # noqa: S704 - raw HTML is off


def block_html(markdown: str) -> Markup:
    """Return a module's text as HTML: paragraphs, emphasis, quotes and lists; all else stays plain words."""
    tokens = PROSE.parse(markdown)
    dress(tokens)
    return Markup(PROSE.renderer.render(tokens, PROSE.options, {}))  # noqa: S704 - raw HTML is off


def inline_html(markdown: str) -> Markup:
    """Return a line of a module's text as HTML: emphasis and nothing else, with no paragraph round it."""
    return Markup(PROSE.renderInline(markdown))  # noqa: S704 - raw HTML is off


def section_number(heading: str) -> tuple[str, str]:
    """Return a heading's number ("" for none) and the rest: "5. Conduct" is ("5", "Conduct")."""
    found = _SECTION.fullmatch(heading)
    if found is None:
        return "", heading
    return found[1], found[2] or heading


def _outline(tokens: list[Token]) -> _Outline:
    outline = _Outline()
    section: Section | None = None
    for index, token in _top_level(tokens):
        if token.type == "paragraph_open":
            name = _clause_id(tokens[index + 1])
            if name and section and all(name != taken for taken, _ in outline.clauses.values()):
                outline.clauses[index] = (name, section)
        elif token.tag == "h1" and outline.title_at is None and not outline.sections:
            outline.title_at = index
        elif token.tag == "h2":
            section = _section(words_of(tokens[index + 1]), outline)
            outline.sections[index] = section
        elif section:
            outline.subheads[index] = f"{section.anchor}-part-{len(outline.subheads) + 1}"
    return outline


def _top_level(tokens: list[Token]) -> Iterator[tuple[int, Token]]:
    for index, token in enumerate(tokens):
        if token.level == 0 and token.type in ("heading_open", "paragraph_open"):
            yield index, token


def _boundaries(tokens: list[Token]) -> Iterator[int]:
    for index, token in _top_level(tokens):
        if token.type == "heading_open" or _clause_id(tokens[index + 1]):
            yield index


def _section(heading: str, outline: _Outline) -> Section:
    """Number a section by its own text; one without is `part-N`, so that it can't take another's anchor."""
    number, title = section_number(heading)
    anchor = f"section-{number}" if number else f"part-{len(outline.sections) + 1}"
    taken = {section.anchor for section in outline.sections.values()}
    if anchor in taken:
        anchor = f"{anchor}-again-{len(outline.sections) + 1}"
    return Section(number, title, anchor)


def _clause_id(inline: Token) -> str:
    """Return the id a paragraph begins with in bold, or ""."""
    parts = [child for child in inline.children or [] if child.type != "text" or child.content]
    if len(parts) < 3 or [part.type for part in parts[:3]] != ["strong_open", "text", "strong_close"]:
        return ""
    found = CLAUSE_ID.fullmatch(parts[1].content)
    return found[1] if found else ""


def _give_ids(tokens: list[Token], outline: _Outline) -> None:
    for index, section in outline.sections.items():
        tokens[index].attrSet("id", section.anchor)
    for index, anchor in outline.subheads.items():
        tokens[index].attrSet("id", anchor)
    for index, (name, section) in outline.clauses.items():
        tokens[index].attrSet("id", Clause(name, section, "").anchor)


def _first_line(token: Token) -> int:
    return token.map[0] if token.map else 0


def _as_words(value: str) -> str:
    """Escape every mark Markdown could read; one line, so that a value can't begin a block of its own."""
    return _PUNCTUATION.sub(r"\\\1", " ".join(value.split()))


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(f"[[{name}]]" for name in names)
