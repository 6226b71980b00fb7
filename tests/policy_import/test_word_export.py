"""A policy as a word processor exports it: what is found, what is left out and said so; no word changes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from lms.policy_import import ImportedPolicy, read_policy
from tests.policy_import.reading import advice, numbers, read, shown, words

FIXTURE = Path(__file__).parents[1] / "policies" / "mobile-phones.txt"
SEED = Path(__file__).parents[3] / "shared" / "seed" / "social-media-policy.txt"


@pytest.fixture(scope="module")
def phones() -> ImportedPolicy:
    return read_policy(FIXTURE.read_bytes(), FIXTURE.name)


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
