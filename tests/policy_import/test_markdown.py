"""A policy in Markdown: its own marks are kept, and brought to one shape."""

from __future__ import annotations

from lms.policy_text import to_html
from tests.policy_import.reading import BODY, advice, numbers, read, shown, titles


def test_markdown_with_headings_and_no_numbers_keeps_its_own_marks() -> None:
    policy = read(
        "---\nauthor: R\n---\n\n# Phone *policy*\n\n## Aims\n\nBe **kind**.\n\n1. one\n1. two\n\n"
        "> quoted\n\n| a | b |\n|---|---|\n| c | d |\n\n### Detail\n\n* x\n    * y\n\n## Law\n\nSee [us](https://a.org).\n",
        "phones.md",
    )

    assert policy.title == "Phone policy"
    assert titles(policy) == ["Aims", "Law"]
    assert numbers(policy) == ["", ""]
    assert policy.list_items == 4
    html = to_html(policy.markdown).html
    assert "<strong>kind</strong>" in html
    assert '<td class="govuk-table__cell">d</td>' in html
    assert '<h3 id="part-1-part-1" class="govuk-heading-s">Detail</h3>' in html


def test_our_own_dialect_reads_back_the_same() -> None:
    text = (
        "# Phones\n\n## 1. Aims\n\n**1.1** Be kind at [[school]].\n\n- a\n- b\n\n### More\n\n**1.2** Ask.\n"
    )

    assert read(text, "policy.md").markdown == text


def test_markdown_whose_sections_are_top_headings_is_brought_to_one_shape() -> None:
    policy = read(f"# Aims{BODY}## Why{BODY}# Law{BODY}", "online-safety.md")

    assert policy.title == "Online safety"
    assert titles(policy) == ["Aims", "Law"]
    assert "### Why" in policy.markdown


def test_a_linked_contents_list_in_markdown_is_left_out() -> None:
    policy = read(
        f"# P\n\n## Contents\n\n- [Aims](#aims)\n- [Law](#law)\n\n## Aims{BODY}## Law{BODY}", "p.md"
    )

    assert titles(policy) == ["Aims", "Law"]


def test_dead_links_in_markdown_keep_their_words() -> None:
    policy = read(f"# P\n\n## Aims\n\nSee [the *form*](form.docx).\n\n## Law{BODY}", "p.md")

    assert "See the *form*." in policy.markdown
    assert "leads nowhere" in advice(policy)


def test_web_code_in_markdown_is_shown_and_flagged() -> None:
    policy = read(f"# P\n\n## Aims\n\nOne<br>two\n\n## Law{BODY}", "p.md")

    assert "One<br>two" in shown(policy)
    assert "Web page code" in advice(policy)
