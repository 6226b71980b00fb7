"""Reading a school's own policy: what is found, what is left out and said so, and that no word changes."""

from __future__ import annotations

import re
from pathlib import Path

import html5lib
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lms.policy_import import ImportedPolicy, PolicyRefusedError, read_policy
from lms.policy_text import clauses, sections, to_html, unknown_placeholders

FIXTURE = Path(__file__).parent / "policies" / "mobile-phones.txt"
SEED = Path(__file__).parents[2] / "shared" / "seed" / "social-media-policy.txt"
BODY = "\n\nSome words that people can read from start to finish here.\n\n"


def read(text: str, name: str = "policy.txt") -> ImportedPolicy:
    return read_policy(text.encode(), name)


def words(text: str) -> list[str]:
    return re.findall(r"\w+", text)


def shown(policy: ImportedPolicy) -> str:
    """The words a reader sees, without the title."""
    tree = html5lib.parseFragment(to_html(policy.markdown).html, namespaceHTMLElements=False)
    return " ".join("".join(tree.itertext()).split())


def numbers(policy: ImportedPolicy) -> list[str]:
    return [section.number for section in policy.sections]


def titles(policy: ImportedPolicy) -> list[str]:
    return [section.title for section in policy.sections]


def advice(policy: ImportedPolicy) -> str:
    return "\n".join(flag.advice for flag in policy.flags)


@pytest.fixture(scope="module")
def phones() -> ImportedPolicy:
    return read_policy(FIXTURE.read_bytes(), FIXTURE.name)


# A policy as a word processor exports it


def test_the_title_and_numbered_sections_are_found_with_their_list_items(phones: ImportedPolicy) -> None:
    assert phones.title == "Mobile Phones and Messaging Policy"
    assert numbers(phones) == ["1", "2", "3", "4"]
    assert [section.list_items for section in phones.sections] == [0, 7, 3, 2]
    assert phones.list_items == 12


def test_a_list_item_and_a_paragraph_split_by_a_page_are_whole_and_said_so(phones: ImportedPolicy) -> None:
    assert "which room you are in and what has happened, so that the right person comes." in phones.markdown
    assert "on who saw it, and on how quickly" in phones.markdown
    assert advice(phones).count("across a page break") == 2


def test_headers_in_either_quotes_are_left_out_and_reported_once_each(phones: ImportedPolicy) -> None:
    headers = [one for one in phones.unplaced if "top or foot of 7 pages" in one.reason]

    assert [one.text for one in headers] == ["‘Every pupil, every day’", "“KIND. CURIOUS. BRAVE.”"]
    assert "Every pupil" not in phones.markdown
    assert "BRAVE" not in phones.markdown


def test_the_contents_list_is_not_text_and_names_the_subheadings(phones: ImportedPolicy) -> None:
    (listed,) = [one for one in phones.unplaced if "contents list" in one.reason]

    assert listed.text.startswith("Contents\n1. Why we have this policy\t4")
    assert listed.text.endswith("4. Law\t6")
    headings = re.findall(r"^### (.+)$", phones.markdown, re.MULTILINE)
    assert headings == ["All staff should:", "Team leaders look after:", "Calling for help"]


def test_a_sentence_that_leads_into_a_list_is_no_heading(phones: ImportedPolicy) -> None:
    assert "\nNobody should send a message that:\n" in phones.markdown


def test_the_cover_and_versions_are_reported_and_a_whole_sentence_is_kept(phones: ImportedPolicy) -> None:
    front = [one.text for one in phones.unplaced if one.reason.startswith("Before the first section")]

    assert "Larkfield High School" in front
    assert "Version 2\t06 2024\tRewritten" in front
    assert "The staff unions were asked" in phones.markdown.split("## 1.")[0]


def test_every_word_of_the_body_is_shown_in_order(phones: ImportedPolicy) -> None:
    text = FIXTURE.read_text()
    body = text[text.rindex("1. Why we have this policy") :]
    body = re.sub(r"\n+.Every pupil, every day.\n+.KIND. CURIOUS. BRAVE..\n+", "\n", body)
    body = body.replace("[Guidance](#)", "Guidance")

    assert words(shown(phones))[-len(words(body)) :] == words(body)


@pytest.mark.parametrize(
    "said",
    [
        "Investigatory Powers Act 2016",
        "no GDPR of 2018",
        "hand over passwords",
        "Google+ closed",
        "called X since",
        "sexual image of anyone under 18",
        "version table ends here",
        "link leads nowhere",
    ],
)
def test_doubtful_points_are_flagged_once_for_the_owner(phones: ImportedPolicy, said: str) -> None:
    assert advice(phones).count(said) == 1


def test_a_flag_names_the_line_in_the_file(phones: ImportedPolicy) -> None:
    lines = FIXTURE.read_text().split("\n")

    (flag,) = [flag for flag in phones.flags if "Investigatory" in flag.advice]

    assert "Investigatory" in lines[flag.line - 1]


def test_a_sound_policy_is_not_flagged() -> None:
    law = (
        "We follow the UK GDPR and the Data Protection Act 2018, and the Regulation of Investigatory Powers "
        "Act 2000 as amended by the Investigatory Powers Act 2016."
    )
    conduct = (
        "Never disclose passwords. Posts on X (formerly Twitter) count. Keep a record of abuse.\n\n"
        "Never save or forward a sexual image of a child."
    )

    policy = read(f"1. Law\n\n{law}\n\n2. Conduct\n\n{conduct}\n")

    assert policy.flags == ()


# The same rules on other shapes


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


# Markdown


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


# Files


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_every_encoding_a_school_has_is_read(encoding: str, end: str) -> None:
    text = f"1. Aims\n\n‘Staff’ – £5 at the café{BODY}2. Law{BODY}".replace("\n", end)

    policy = read_policy(text.encode(encoding), "policy.txt")

    assert "‘Staff’ – £5 at the café" in policy.markdown
    assert titles(policy) == ["Aims", "Law"]


@pytest.mark.parametrize(
    ("content", "name", "said"),
    [
        (b"%PDF-1.7 ...", "policy.txt", "PDF.*plain text"),
        (b"x", "policy.pdf", "PDF"),
        (b"PK\x03\x04....", "policy.md", "word processor"),
        (b"x", "Policy.DOCX", "word processor"),
        (b"\xd0\xcf\x11\xe0", "policy.txt", "old Word"),
        (b"{\\rtf1 x}", "policy.txt", "rich text"),
        (b"<!DOCTYPE html><p>x", "policy.txt", "web page"),
        (b"x", "policy.xlsx", r"\.xlsx"),
        (b"", "policy.txt", "empty"),
        (b"\xef\xbb\xbf \n\t", "policy.txt", "empty"),
        (b"x" * 1_000_001, "policy.txt", "1 MB"),
        (bytes(range(256)), "policy.txt", "can't be read|isn't text"),
        (b"\x00\x01\x02\x03abc", "policy.txt", "isn't text"),
        (b"Only a sentence, and nothing that heads it.", "policy.txt", "No section"),
        (b"1. Do this.\n2. Do that.\n", "policy.txt", "No section"),
    ],
)
def test_a_file_that_is_no_policy_is_refused_in_a_sentence(content: bytes, name: str, said: str) -> None:
    with pytest.raises(PolicyRefusedError, match=said):
        read_policy(content, name)


LINES = st.sampled_from(
    [
        *(
            "1. Aims",
            "2. Scope",
            "3) Law",
            "Section 4: Last",
            "1.1 A rule.",
            "1.2 Short",
            "LOUD HEADING",
            "Quiet",
        ),
        *(
            "- item",
            "• item",
            "(a) item",
            "  - nested",
            "1. point",
            "2. point",
            "•",
            "text that goes on and",
            "on.",
        ),
        *("", "", "", "\f", "Page 2 of 9", "7", "Contents", "Aims\t4", "Scope ..... 5", "# Hash", "### Deep"),
        *(
            "---",
            "====",
            "***",
            "| a | b |",
            "[x](#)",
            "[[school]]",
            "[[odd]]",
            "Version 1\t03 2020",
            "<b>",
            "**B**",
        ),
    ]
)


@settings(max_examples=300, deadline=None)
@given(st.lists(LINES | st.text(max_size=20), max_size=40).map("\n".join), st.sampled_from(["a.txt", "a.md"]))
def test_any_text_is_read_or_refused_and_no_word_vanishes(text: str, name: str) -> None:
    try:
        policy = read(text, name)
    except PolicyRefusedError:
        return

    assert policy.sections
    assert unknown_placeholders(policy.markdown) == ()
    account = " ".join([policy.title, shown(policy), *(one.text for one in policy.unplaced)])
    # In Markdown the number of a list item is a mark, which the page draws.
    written = re.sub(r"^\s*\d+[.)]\s", "", text, flags=re.MULTILINE) if name == "a.md" else text
    lost = set(words(written)) - set(words(account))
    assert not {word for word in lost if word.isascii()}


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=300), st.text(max_size=10) | st.sampled_from(["a.txt", "a.md", "a.pdf", ""]))
def test_no_bytes_raise_anything_but_a_refusal(content: bytes, name: str) -> None:
    said = "."
    try:
        read_policy(content, name)
    except PolicyRefusedError as refusal:
        said = str(refusal)

    assert said.endswith(".")


@pytest.mark.parametrize("line", ["a" + " " * 300_000 + "b", "." * 300_000, "a\t" * 100_000])
def test_a_line_of_any_length_is_read_at_once(line: str) -> None:
    assert titles(read(f"1. Aims{BODY}{line}\n\n2. Law{BODY}")) == ["Aims", "Law"]


# The real policy, where it is at hand


@pytest.mark.skipif(not SEED.exists(), reason="the school's own policy is not beside this checkout")
def test_the_real_policy_is_read_whole() -> None:
    policy = read_policy(SEED.read_bytes(), SEED.name)

    assert policy.title == "Social Media Policy"
    assert numbers(policy) == [str(number) for number in range(1, 12)]
    assert [section.list_items for section in policy.sections] == [0, 5, 8, 0, 9, 10, 2, 6, 3, 4, 5]
    assert "images of you which have been taken and/or which" in policy.markdown
    assert "RESPECT" not in policy.markdown
    text = SEED.read_text()
    body = text[text.rindex("1. Introduction") :].replace("[Link](#)", "Link")
    body = re.sub(
        r"\n+.Working together to safeguard children.\n+.RESPECT, BELIEVE, ACHIEVE..\n+", "\n", body
    )
    assert words(shown(policy))[-len(words(body)) :] == words(body)
    for said in (
        "2016",
        "GDPR of 2018",
        "passwords",
        "Google+",
        "called X",
        "under 18",
        "version table",
        "nowhere",
    ):
        assert said in advice(policy)
