"""The two Markdown parsers, and the classes that make their output look like the rest of the pages.

Both leave raw HTML, images and code alone: a policy has none, and a school's own text shows as it stands.
"""

from __future__ import annotations

import re

from markdown_it import MarkdownIt
from markdown_it.token import Token

CLAUSE_ID = re.compile(r"(\d{1,3}(?:\.\d{1,3})+)\.?")
_SAFE_LINK = re.compile(r"(?:https?://|mailto:)\S", re.IGNORECASE)
_ITEM_LABEL = re.compile(r"\(?(?:[a-z]|[ivx]{1,5}|\d{1,3})[.)]\s", re.IGNORECASE)

_CLASSES = {
    "paragraph_open": "govuk-body",
    "ordered_list_open": "govuk-list govuk-list--number",
    "blockquote_open": "govuk-inset-text",
    "link_open": "govuk-link",
    "hr": "govuk-section-break govuk-section-break--m govuk-section-break--visible",
    "table_open": "govuk-table",
    "thead_open": "govuk-table__head",
    "tbody_open": "govuk-table__body",
    "tr_open": "govuk-table__row",
    "th_open": "govuk-table__header",
    "td_open": "govuk-table__cell",
}
_UNUSED = ["html_block", "html_inline", "image", "code", "fence", "backticks", "reference"]


class _Parser(MarkdownIt):
    """CommonMark without raw HTML, whose links lead only to the web or to an e-mail address."""

    def validateLink(self, url: str) -> bool:
        return bool(_SAFE_LINK.match(url))


POLICY = _Parser("commonmark", {"html": False}).disable(_UNUSED).enable("table")
PROSE = _Parser("commonmark", {"html": False}).disable(
    [*_UNUSED, "heading", "lheading", "link", "autolink", "hr"]
)


def words_of(inline: Token) -> str:
    """Return an inline token's text without its markup."""
    parts = (
        " " if child.type in ("softbreak", "hardbreak") else child.content for child in inline.children or []
    )
    return "".join(parts).strip()


def shift_headings(tokens: list[Token], level: int) -> None:
    """Move `##` to heading `level`, and those under it along with it."""
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):
            depth = max(int(token.tag[1:]), 2)
            token.meta["depth"] = depth
            token.tag = f"h{min(depth - 2 + level, 6)}"


def dress(tokens: list[Token]) -> None:
    """Put GOV.UK Frontend's classes on every element, in paragraphs too."""
    for index, token in enumerate(tokens):
        if token.type == "heading_open":
            token.attrSet("class", "govuk-heading-m" if token.meta["depth"] == 2 else "govuk-heading-s")
        elif token.type == "bullet_list_open":
            token.attrSet("class", _list_class(tokens, index))
        elif token.type in _CLASSES:
            _dress_one(token)
        dress(token.children or [])


def _dress_one(token: Token) -> None:
    # The parser aligns cells by a style attribute, which the content security policy refuses.
    token.attrs.pop("style", None)
    token.attrSet("class", _CLASSES[token.type])
    if token.type == "th_open":
        token.attrSet("scope", "col")


def _list_class(tokens: list[Token], start: int) -> str:
    """Leave the bullets off a list whose every item brings a label of its own, such as "(a)"."""
    depth, labelled, expecting = tokens[start].level, [], False
    for token in tokens[start + 1 :]:
        if token.type == "bullet_list_close" and token.level == depth:
            break
        if token.type == "list_item_open" and token.level == depth + 1:
            expecting = True
        elif token.type == "inline" and expecting:
            labelled.append(bool(_ITEM_LABEL.match(token.content.replace("\\", ""))))
            expecting = False
    return "govuk-list" if labelled and all(labelled) else "govuk-list govuk-list--bullet"
