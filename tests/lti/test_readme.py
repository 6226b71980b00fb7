"""The README's table of what you see, why, and what to do says what the pages say."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from lms.lti.refusal_words import WORDS
from lms.lti.refusals import Refusal

README = (Path(__file__).parent.parent.parent / "README.md").read_text(encoding="utf-8")
SEEN = re.findall(r"^\| (.*?) \|", README.partition("| what you see |")[2].partition("\n\n")[0], re.MULTILINE)
TABLE = [(re.findall(r"“(.*?)”", seen), re.findall(r"`([a-z_]+)`", seen)) for seen in SEEN]


def test_the_table_has_each_code_of_a_refusal_once() -> None:
    assert sorted(code for _, codes in TABLE for code in codes) == sorted(Refusal)


@pytest.mark.parametrize(("quoted", "codes"), [row for row in TABLE if row[1]])
def test_the_table_quotes_what_the_pages_of_these_codes_say(quoted: list[str], codes: list[str]) -> None:
    said = [WORDS[Refusal(code)].happened for code in codes]
    assert all(any(words in sentence for sentence in said) for words in quoted)
    assert all(any(words in sentence for words in quoted) for sentence in said)
