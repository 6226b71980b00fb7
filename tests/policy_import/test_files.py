"""Files of every encoding, length and content: each is read without loss, or refused in a sentence."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lms.policy_import import PolicyRefusedError, read_policy
from lms.policy_text import unknown_placeholders
from tests.policy_import.reading import BODY, read, shown, titles, words


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
