"""The dialect that policies are written in: sections, clauses, placeholders, and the HTML made of them."""

from __future__ import annotations

import html5lib
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lms.errors import CountersignError
from lms.policy_text import (
    PLACEHOLDERS,
    PlaceholderError,
    block_html,
    clauses,
    fill,
    inline_html,
    list_items_by_section,
    sections,
    to_html,
    unknown_placeholders,
)

POLICY = """# Phones *and* friends

Before anything else.

## 1. Aims

**1.1** Be kind at [[school]].

**1.2** Never:

- shout
- post what is
  - secret
  - untrue

It matters.

### For managers

**1.3** Ask.

## 2. Help

Tell [[head]], or read [the guidance](https://example.org/a).
"""

HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x](data:text/html;base64,PHNjcmlwdD4=)",
    "[x](vbscript:x)",
    "<javascript:alert(1)>",
    "[a]: javascript:alert(1)\n\n[a]",
    "![x](https://example.org/pixel.png)",
    '[x](https://example.org/"onmouseover=alert(1))',
    "```\n</pre><script>\n```",
    "|a|\n|-|\n|<b onclick=x>|",
    "## <svg onload=x> {#id}",
    '**1.1"onclick="x** y',
]


def parsed(markup: str) -> list[html5lib.treebuilders.etree.Element]:
    return [element for element in html5lib.parseFragment(markup, namespaceHTMLElements=False).iter()]


def words(markup: str) -> str:
    return " ".join("".join(html5lib.parseFragment(markup, namespaceHTMLElements=False).itertext()).split())


def assert_harmless(markup: str) -> None:
    allowed = {"class", "id", "href", "start", "scope", "title"}
    tags = {
        "p",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "ul",
        "ol",
        "li",
        "strong",
        "em",
        "a",
        "br",
        "hr",
        "blockquote",
        "table",
        "thead",
        "tbody",
        "tr",
        "th",
        "td",
    }
    for element in parsed(markup):
        if element.tag == "DOCUMENT_FRAGMENT":
            continue
        assert element.tag in tags
        assert set(element.attrib) <= allowed
        assert element.get("href", "https://").lower().startswith(("https://", "http://", "mailto:"))


def test_sections_have_the_numbers_titles_and_anchors_of_their_headings() -> None:
    assert [(s.number, s.title, s.anchor) for s in sections(POLICY)] == [
        ("1", "Aims", "section-1"),
        ("2", "Help", "section-2"),
    ]


@pytest.mark.parametrize(
    ("heading", "number", "title"),
    [
        ("3) Scope", "3", "Scope"),
        ("Section 4: Roles", "4", "Roles"),
        ("SECTION 12 – Law", "12", "Law"),
        ("7 Records", "7", "Records"),
        ("Scope", "", "Scope"),
        ("24 hours a day", "", "24 hours a day"),
        ("5.3 Friends", "", "5.3 Friends"),
    ],
)
def test_a_heading_keeps_its_own_way_of_numbering(heading: str, number: str, title: str) -> None:
    (section,) = sections(f"## {heading}\n")

    assert (section.number, section.title) == (number, title)


def test_sections_without_numbers_get_anchors_and_no_invented_number() -> None:
    found = sections("## Preface\n\n## 1. Aims\n\n## Annex\n\n## 1. Aims\n")

    assert [s.number for s in found] == ["", "1", "", "1"]
    assert len({s.anchor for s in found}) == 4


def test_a_clause_holds_its_lists_and_ends_at_the_next_clause_or_heading() -> None:
    found = clauses(POLICY)

    assert list(found) == ["1.1", "1.2", "1.3"]
    assert found["1.2"].markdown.endswith("  - untrue\n\nIt matters.")
    assert found["1.2"].section.title == "Aims"
    assert found["1.3"].markdown == "**1.3** Ask."


def test_a_clause_is_cut_at_the_right_line_whatever_line_ends_the_file_has() -> None:
    odd = "## 1. A\r\n\r\n**1.1** One\u2028still\x0cone.\r\n\r\n**1.2** Two.\r\n"

    assert clauses(odd)["1.2"].markdown == "**1.2** Two."


def test_bold_numbers_within_a_sentence_or_a_list_are_no_clauses() -> None:
    assert clauses("## 1. A\n\nSee **1.2** there.\n\n- **1.3** in a list\n\n**Note** 1.4\n") == {}


def test_the_first_of_two_clauses_with_one_id_is_the_clause() -> None:
    text = "## 1. A\n\n**1.1** First.\n\n**1.1** Second.\n"

    assert clauses(text)["1.1"].markdown.startswith("**1.1** First.")
    assert to_html(text).html.count('id="clause-1-1"') == 1


def test_list_items_are_counted_by_section_nested_ones_too() -> None:
    assert [(section.number, count) for section, count in list_items_by_section(POLICY)] == [
        ("1", 4),
        ("2", 0),
    ]


def test_filling_puts_in_every_value() -> None:
    assert fill("Tell [[head]] of [[school]].", {"head": "Ms Roe", "school": "Elm"}) == "Tell Ms Roe of Elm."


def test_an_unknown_placeholder_is_refused_by_name() -> None:
    assert unknown_placeholders("[[headteacher]] [[head]] [[headteacher]]") == ("headteacher",)
    with pytest.raises(PlaceholderError, match=r"\[\[headteacher\]\]"):
        fill("Tell [[headteacher]].", {"headteacher": "x"})


@pytest.mark.parametrize("values", [{}, {"head": "  "}])
def test_a_missing_or_blank_value_is_refused_in_words(values: dict[str, str]) -> None:
    with pytest.raises(CountersignError, match="the name of the head"):
        fill("Tell [[head]].", values)


def test_every_placeholder_can_be_filled() -> None:
    text = " ".join(f"[[{name}]]" for name in PLACEHOLDERS)

    assert fill(text, dict.fromkeys(PLACEHOLDERS, "x")) == " ".join("x" for _ in PLACEHOLDERS)


@pytest.mark.parametrize(
    "name",
    [
        "*_[x](y)",
        "O'Neill & Sons",
        "1. First",
        "- dash",
        "# Sharp",
        "a\n\n## 9. New",
        "[[head]]",
        "<b>B</b>",
        "&lt;",
    ],
)
@pytest.mark.parametrize("place", ["Tell {}.", "{}", "- {}", "**1.1** {}", "## {}"])
def test_a_value_shows_as_plain_words_wherever_it_stands(name: str, place: str) -> None:
    filled = fill("## 1. A\n\n" + place.format("[[head]]"), {"head": name})
    plain = fill("## 1. A\n\n" + place.format("[[head]]"), {"head": "x"})

    shape = [element.tag for element in parsed(to_html(filled).html)]
    assert shape == [element.tag for element in parsed(to_html(plain).html)]
    assert " ".join(name.split()) in words(to_html(filled).html)


def test_an_address_can_be_a_link() -> None:
    text = "[Write](mailto:[[data_protection_officer_email]])"

    html = to_html(fill(text, {"data_protection_officer_email": "dpo_1@elm.example"})).html

    assert 'href="mailto:dpo_1@elm.example"' in html


def test_html_has_anchors_and_the_pages_classes() -> None:
    page = to_html(POLICY)

    assert page.title == "Phones and friends"
    assert page.contents == sections(POLICY)
    assert '<h2 id="section-1" class="govuk-heading-m">1. Aims</h2>' in page.html
    assert '<p id="clause-1-2" class="govuk-body"><strong>1.2</strong> Never:</p>' in page.html
    assert '<ul class="govuk-list govuk-list--bullet">' in page.html
    assert '<a href="https://example.org/a" class="govuk-link">' in page.html
    assert "<h1" not in page.html


def test_headings_move_down_with_the_page() -> None:
    tags = [element.tag for element in parsed(to_html(POLICY, heading_level=3).html)]

    assert tags.count("h3") == 2
    assert tags.count("h4") == 1
    assert "h2" not in tags


def test_no_two_ids_are_the_same() -> None:
    text = "## 1. A\n\n### S\n\n### S\n\n**1.1** x\n\n## 1. A\n\n### S\n\n**1.1** x\n\n## B\n\n## B\n"

    ids = [element.get("id") for element in parsed(to_html(text).html) if element.get("id")]

    assert len(ids) == len(set(ids)) == 8


def test_items_that_bring_their_own_labels_get_no_bullet_as_well() -> None:
    assert 'class="govuk-list">' in to_html("- (a) one\n- (b) two\n").html
    assert "govuk-list--bullet" in to_html("- (a) one\n- two\n").html


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_comes_out_as_words(text: str) -> None:
    for markup in (
        to_html(text).html,
        to_html(f"## 1. A\n\n{text}").html,
        block_html(text),
        inline_html(text),
    ):
        assert_harmless(markup)


@settings(max_examples=300, deadline=None)
@given(st.text() | st.lists(st.sampled_from([*HOSTILE, *"<>\"'&[]()`*_#-|!:\\\n "])).map("".join))
def test_no_text_can_make_live_html(text: str) -> None:
    assert_harmless(to_html(text).html)
    assert_harmless(block_html(text))
    assert_harmless(inline_html(text))


@settings(max_examples=200, deadline=None)
@given(st.text(min_size=1).filter(str.strip), st.sampled_from(["{}", "- {}", "## 2. {}", "> {}", "a {} b"]))
def test_no_value_can_add_an_element(value: str, place: str) -> None:
    filled = fill(place.format("[[head]]"), {"head": value})

    assert [e.tag for e in parsed(to_html(filled).html)] == [
        e.tag for e in parsed(to_html(place.format("x")).html)
    ]


def test_a_modules_text_has_paragraphs_emphasis_quotes_and_lists_and_no_more() -> None:
    html = block_html("# No\n\nHe *says*:\n\n> hi **you**\n\n- one\n\n[x](https://example.org)")

    assert {e.tag for e in parsed(html)} == {
        "DOCUMENT_FRAGMENT",
        "p",
        "em",
        "blockquote",
        "strong",
        "ul",
        "li",
    }
    assert "id=" not in html


def test_a_choice_is_one_line_with_its_emphasis() -> None:
    assert inline_html("Say *no*, then <b>go</b>") == "Say <em>no</em>, then &lt;b&gt;go&lt;/b&gt;"
