"""A policy in plain text of any shape: sections, lists, contents and page furniture are known for what they are."""

from __future__ import annotations

import re

import pytest

from lms.policy_text import clauses, sections, to_html, unknown_placeholders
from tests.policy_import.reading import BODY, advice, numbers, read, shown, titles, words


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("1) Aims", "2) Scope"),
        ("1. Aims", "2. Scope"),
        ("1.\tAims", "2.\tScope"),
        ("1 Aims", "2 Scope"),
        ("Section 1: Aims", "Section 2: Scope"),
        ("SECTION 1 – AIMS", "SECTION 2 – SCOPE"),
        ("**1. Aims**", "**2. Scope**"),
    ],
)
def test_numbered_headings_of_every_shape_are_sections(first: str, second: str) -> None:
    policy = read(f"Phone Policy\n\n{first}{BODY}{second}{BODY}")

    assert policy.title == "Phone Policy"
    assert numbers(policy) == ["1", "2"]
    assert [title.title() for title in titles(policy)] == ["Aims", "Scope"]
    assert words(first + BODY + second + BODY) == words(shown(policy))


def test_a_numbered_list_in_a_section_is_not_taken_for_sections() -> None:
    policy = read(
        "1. Aims\n\nWe do three things:\n\n1. Teach\n2. Listen\n3. Learn\n\n2. Scope\n\nIt covers all.\n\n"
        "3. Order\n\nDo this:\n\n1. Stop\n2. Think\n3. Ask\n\n4. Law\n\nWe keep to it.\n"
    )

    assert titles(policy) == ["Aims", "Scope", "Order", "Law"]
    assert [section.list_items for section in policy.sections] == [3, 0, 3, 0]
    assert "1. Teach 2. Listen 3. Learn" in shown(policy)


def test_a_number_the_author_skipped_loses_no_section() -> None:
    policy = read(f"1. Aims{BODY}2. Scope{BODY}4. Law{BODY}")

    assert numbers(policy) == ["1", "2", "4"]


def test_numbered_clauses_become_clauses() -> None:
    policy = read(
        "1. Aims\n\n1.1 Be kind to everyone.\n\n1.2. Be careful\nwith words:\n\n(a) spoken\n(b) written\n\n"
        "2. Scope\n\n2.1 Who\n\nEverybody who works here, paid or not.\n"
    )

    found = clauses(policy.markdown)
    assert list(found) == ["1.1", "1.2"]
    assert "(b) written" in found["1.2"].markdown
    assert "### 2.1 Who" in policy.markdown


def test_headings_in_capitals_are_sections_without_invented_numbers() -> None:
    policy = read(f"ACCEPTABLE USE POLICY\n\nINTRODUCTION{BODY}WHO IT COVERS{BODY}")

    assert policy.title == "ACCEPTABLE USE POLICY"
    assert [(section.number, section.title) for section in policy.sections] == [
        ("", "INTRODUCTION"),
        ("", "WHO IT COVERS"),
    ]
    assert all(section.anchor for section in sections(policy.markdown))


def test_short_lines_that_stand_alone_are_sections_where_nothing_better_is() -> None:
    policy = read(f"Online Safety Policy\n\nAims{BODY}Who it covers{BODY}")

    assert titles(policy) == ["Aims", "Who it covers"]


def test_underlined_headings_are_sections() -> None:
    policy = read(f"Phone Policy\n============\n\nAims\n----{BODY}Scope\n-----{BODY}")

    assert policy.title == "Phone Policy"
    assert titles(policy) == ["Aims", "Scope"]
    assert "---" not in policy.markdown


def test_form_feeds_and_page_numbers_are_page_furniture() -> None:
    policy = read(
        "Phone Policy\n\n1. Aims\n\nWe want calm and\nElm School\nPage 1 of 3\n"
        "\fquiet lessons.\n\n2. Scope\n\nAll staff, all day.\nElm School\nPage 2 of 3\n\f"
        "3. Law\n\nThe law applies.\nElm School\nPage 3 of 3\n"
    )

    assert titles(policy) == ["Aims", "Scope", "Law"]
    assert "We want calm and quiet lessons." in policy.markdown
    assert "Elm School" not in policy.markdown
    assert not re.search(r"Page \d", policy.markdown)


def test_bare_page_numbers_are_left_out_and_a_number_in_the_text_is_not() -> None:
    policy = read(
        "1. Aims\n\nCalm.\n\n1\n\f2. Scope\n\nAll in a group of\n\n30\n\nand no more.\n\n2\n\f"
        "3. Law\n\nNone.\n\n3\n"
    )

    assert shown(policy) == "1. Aims Calm. 2. Scope All in a group of 30 and no more. 3. Law None."
    assert [one.line for one in policy.unplaced] == [5]


def test_words_a_policy_repeats_itself_are_not_taken_for_headers() -> None:
    section = "Staff must:\n\n- ask first\n- tell the office\n\n\n\n\n"
    policy = read("".join(f"{number}. Part {'ABCD'[number - 1]}\n\n{section}" for number in range(1, 5)))

    assert policy.list_items == 8
    assert shown(policy).count("Staff must:") == 4


@pytest.mark.parametrize("bullet", ["•", "*", "–", "-", "·", "▪", "o\t", "(a)", "a)", "(iv)", "ii.", "•\t"])
def test_list_items_with_any_mark_are_counted_and_keep_their_words(bullet: str) -> None:
    policy = read(f"1. Aims\n\nWe:\n\n{bullet} read it\nand ask\n{bullet} keep to it\n\n2. Law{BODY}")

    assert policy.sections[0].list_items == 2
    assert re.search(r"read it and ask .*keep to it", shown(policy))


def test_a_bullet_on_a_line_by_itself_belongs_to_the_words_below() -> None:
    assert "- read it" in read(f"1. Aims\n\n•\nread it\n\n•\n\nkeep to it\n\n2. Law{BODY}").markdown


def test_lists_within_lists_stay_within() -> None:
    policy = read(f"1. Aims\n\n• staff\n  o\tteachers\n  o\tcooks\n• pupils\n\n2. Law{BODY}")

    assert "- staff\n  - teachers\n  - cooks\n- pupils" in policy.markdown
    assert policy.list_items == 4


def test_a_contents_list_without_page_numbers_is_still_known() -> None:
    policy = read(f"Phone Policy\n\nContents\n\n1. Aims\n2. Scope\n\n1. Aims{BODY}2. Scope{BODY}")

    assert titles(policy) == ["Aims", "Scope"]
    assert policy.markdown.count("Aims") == 1


def test_dotted_contents_without_a_heading_are_known() -> None:
    policy = read(
        f"Phone Policy\n\nAims ........ 2\nScope ....... 3\nLaw ......... 4\n\n1. Aims{BODY}2. Scope{BODY}"
    )

    assert "....." not in policy.markdown


def test_an_appendix_is_a_section_of_its_own() -> None:
    assert titles(read(f"1. Aims{BODY}2. Law{BODY}Appendix A: the form{BODY}"))[-1] == "Appendix A: the form"


def test_short_lines_keep_their_breaks_and_wrapped_lines_flow() -> None:
    long = "A line that a program has wrapped at a fixed width, as\nmany do with plain text, flows again."
    policy = read(f"1. Who\n\nHead: Ms Roe\nDeputy: Mr Poe\n\n{long}\n\n2. Law{BODY}")

    assert "Head: Ms Roe\\\nDeputy: Mr Poe" in policy.markdown
    assert long.replace("\n", " ") in policy.markdown


def test_marks_in_plain_text_show_as_they_are_typed() -> None:
    odd = (
        "Use * and _this_ & <b>that</b>, #tags, 5 > 3, a|b, `x`, ~no~, C:\\dir, AT&amp;T and [[nobody]] [1]."
    )
    policy = read(f"1. Aims\n\n{odd}\n\n+ 1 is one\n\n=====\n\n2. Law{BODY}")

    assert odd in shown(policy)
    assert "<b>" not in to_html(policy.markdown).html
    assert unknown_placeholders(policy.markdown) == ()
    assert "none of this name" in advice(policy)


def test_our_placeholders_and_live_links_stay_what_they_are() -> None:
    policy = read(f"1. Aims\n\nTell [[head]] or see [the law](https://example.org/a_b).\n\n2. Law{BODY}")

    assert "Tell [[head]] or see [the law](https://example.org/a_b)." in policy.markdown
