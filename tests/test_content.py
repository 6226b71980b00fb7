"""The social media programme says what it must: every clause, every trap, in our own words."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from lms import policy_text
from lms.policy_text import PLACEHOLDERS
from lms.scenario_check import check
from lms.scenarios import Choice, Module, load_programme

REPOSITORY = Path(__file__).resolve().parents[1]
FOLDER = REPOSITORY / "scenarios" / "social-media"
SEED = REPOSITORY.parent / "shared" / "seed" / "social-media-policy.txt"
MODULES = ("friend-request", "personal-use", "security-settings")

# How many clauses each section of the policy has: 1.1, then 2.1 and 2.2, and so on.
CLAUSES_IN_SECTION = (1, 2, 8, 1, 5, 3, 2, 4, 3, 2, 1)
CLAUSES = [
    f"{section}.{number}"
    for section, count in enumerate(CLAUSES_IN_SECTION, 1)
    for number in range(1, count + 1)
]

SHARED_WORDS = 8
"""A run of this many words in common with another's text is a copied sentence."""

TRAPS = [
    ("friend-request", "sunday-night", "accept", "unsafe", "5.3"),
    ("friend-request", "eighteen-in-year-13", "join-for-one-game", "unsafe", "5.3"),
    ("friend-request", "three-requests", "marek-and-gwen", "best", "5.3"),
    ("friend-request", "three-requests", "only-gwen", "acceptable", "5.3"),
    ("friend-request", "three-requests", "all-three", "unsafe", "5.4"),
    ("friend-request", "niece-in-year-8", "leave-and-tell", "best", "5.3"),
    ("friend-request", "niece-in-year-8", "stay-and-watch", "unsafe", "5.3"),
    ("friend-request", "governor-and-mother", "accept-as-governor", "unsafe", "5.3"),
    ("personal-use", "by-the-hall-doors", "staffroom", "best", "5.5"),
    ("personal-use", "by-the-hall-doors", "on-the-bench", "unsafe", "5.5"),
    ("personal-use", "first-to-reply", "reply-now", "unsafe", "5.5"),
    ("personal-use", "nine-seconds", "straight-to-senior-manager", "best", "7.1"),
    ("personal-use", "six-wives", "post-it-now", "unsafe", "5.5"),
    ("personal-use", "screen-time", "tickets-are-done", "unsafe", "3.3"),
    ("personal-use", "am-i-agreeing", "read-and-understood", "best", "10.2"),
    ("personal-use", "am-i-agreeing", "tick-box", "unsafe", "3.6"),
    ("personal-use", "am-i-agreeing", "not-if-you-dont-sign", "unsafe", "2.2"),
    ("security-settings", "tagged-on-saturday", "every-setting", "best", "3.5"),
    ("security-settings", "tagged-on-saturday", "change-nothing", "unsafe", "3.5"),
    ("security-settings", "ten-c", "post-to-friends", "unsafe", "5.1"),
    ("security-settings", "is-this-you", "recover-and-report", "best", "6.3"),
    ("security-settings", "about-you", "keep-and-report", "best", "7.2"),
    ("security-settings", "about-you", "answer-it", "unsafe", "7.1"),
    ("security-settings", "a-picture-of-ellie", "have-it-sent", "unsafe", "7.2"),
    ("security-settings", "a-picture-of-ellie", "go-with-her", "best", "6.3"),
]


def policy() -> str:
    return load_programme(FOLDER).policy_markdown


def clause(name: str) -> str:
    return policy_text.clauses(policy())[name].markdown


def module(slug: str) -> Module:
    return load_programme(FOLDER).modules[slug]


def choice(slug: str, scene: str, chosen: str) -> Choice:
    return module(slug).scene(scene).choice(chosen)


def list_items(markdown: str) -> list[str]:
    return [line for line in markdown.splitlines() if line.startswith("- ")]


def as_one_line(text: str) -> str:
    return " ".join(text.split())


def test_the_checker_finds_no_fault_in_the_content() -> None:
    assert check(FOLDER).faults == ()


def test_the_policy_has_every_clause_once_and_in_order() -> None:
    assert list(policy_text.clauses(policy())) == CLAUSES
    assert re.findall(r"^\*\*(\d+\.\d+)\*\*", policy(), re.MULTILINE) == CLAUSES


def test_the_policy_has_its_title_and_eleven_numbered_sections() -> None:
    assert policy().startswith("# Social media policy\n")
    assert [section.number for section in policy_text.sections(policy())] == [str(n) for n in range(1, 12)]


def test_the_policy_lists_the_nine_things_never_to_post() -> None:
    assert len(list_items(clause("5.2"))) == 9


def test_the_policy_names_everyone_that_a_school_can_fill_in() -> None:
    named = set(re.findall(r"\[\[(\w+)\]\]", policy()))

    assert named == set(PLACEHOLDERS)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("2.2", "governors"),
        ("2.2", "agency workers"),
        ("5.3", "18-year-old who is still in Year 13 is a pupil"),
        ("5.3", "former pupil who is 18 or over is not barred"),
        ("5.3", "unless they are your family"),
        ("5.3", "A colleague is not a parent"),
        ("5.3", "parent who is also a governor is both"),
        ("5.5", "A break is not work time. Use it as you like, but not in front of pupils"),
        ("5.5", "lesson is work time even if the phone is your own"),
        ("6.3", "About an adult in school: tell the head, [[head]]"),
        ("6.3", "About the head: tell the chair of governors, [[chair_of_governors]]"),
        ("6.3", "999"),
        ("7.2", "the time, the date and the address"),
        ("7.2", "Never copy, save or forward a sexual image of anyone under 18"),
        ("8.2", "within 24 hours"),
        ("8.3", "with your consent"),
        ("10.1", "filtered and monitored as a routine"),
        ("10.1", "reasonably believes"),
        ("10.2", "not part of anyone's contract"),
        ("10.2", "only after consultation with the recognised trade unions"),
        ("11.1", "Investigatory Powers Act 2016"),
        ("11.1", "Regulation of Investigatory Powers Act 2000, where it remains in force"),
    ],
)
def test_the_policy_says_what_is_easily_forgotten(name: str, said: str) -> None:
    assert said in as_one_line(clause(name))


@pytest.mark.parametrize(("slug", "scene", "chosen", "outcome", "cited"), TRAPS)
def test_a_trap_turns_out_as_the_policy_says(
    slug: str, scene: str, chosen: str, outcome: str, cited: str
) -> None:
    trap = choice(slug, scene, chosen)

    assert trap.outcome == outcome
    assert cited in trap.clauses


@pytest.mark.parametrize(
    ("slug", "scene", "chosen", "said"),
    [
        ("friend-request", "eighteen-in-year-13", "join-for-one-game", "still in Year 13, so he is a pupil"),
        ("friend-request", "three-requests", "marek-and-gwen", "An ex-pupil of 18 or over is not barred"),
        ("friend-request", "three-requests", "marek-and-gwen", "A colleague is not a parent"),
        ("friend-request", "niece-in-year-8", "cut-ffion-off-too", "Family is excepted"),
        ("friend-request", "governor-and-mother", "by-school-e-mail", "also a governor is both"),
        ("personal-use", "first-to-reply", "reply-now", "A lesson is work time, whoever owns the phone"),
        ("personal-use", "am-i-agreeing", "read-and-understood", "read and understood the policy"),
        ("security-settings", "ten-c", "post-to-friends", "can copy it on"),
        (
            "security-settings",
            "a-picture-of-ellie",
            "have-it-sent",
            "Never copy, save or forward a sexual image of anyone under 18",
        ),
    ],
)
def test_the_reason_for_a_trap_is_given_in_words(slug: str, scene: str, chosen: str, said: str) -> None:
    assert said in as_one_line(choice(slug, scene, chosen).why)


@pytest.mark.parametrize("slug", MODULES)
def test_some_unsafe_choice_has_to_be_put_right_from_a_worse_place(slug: str) -> None:
    scenes = module(slug).scenes
    unsafe = [choice for scene in scenes for choice in scene.choices if not choice.is_safe]
    on_by_safe_choices = {choice.goto for scene in scenes for choice in scene.choices if choice.is_safe}

    worse = {choice.goto for choice in unsafe if choice.goto}

    assert worse
    assert not worse & on_by_safe_choices


@pytest.mark.parametrize("slug", MODULES)
def test_the_place_of_a_choice_does_not_give_the_best_away(slug: str) -> None:
    places = [
        index
        for scene in module(slug).scenes
        for index, choice in enumerate(scene.choices)
        if choice.outcome == "best"
    ]

    assert len(set(places)) >= 3


@pytest.mark.parametrize("slug", MODULES)
def test_the_length_of_a_choice_does_not_give_the_best_away(slug: str) -> None:
    scenes = module(slug).scenes
    longest_is_best = [max(s.choices, key=lambda c: len(c.text)).outcome == "best" for s in scenes]

    assert sum(longest_is_best) <= len(scenes) / 2


@pytest.mark.parametrize("slug", MODULES)
def test_a_summary_has_three_to_five_points(slug: str) -> None:
    assert 3 <= len(module(slug).summary.points) <= 5


@pytest.mark.parametrize("name", ["policy.md", *(f"{slug}.yaml" for slug in MODULES)])
def test_nobody_is_asked_to_agree_or_comply(name: str) -> None:
    text = as_one_line((FOLDER / name).read_text("utf-8")).lower()

    assert not re.search(r"\bi agree\b|\bagree to\b|\bcompl(?:y|ies|iance)\b", text)


@pytest.mark.parametrize("name", ["policy.md", *(f"{slug}.yaml" for slug in MODULES)])
def test_no_sentence_is_copied_from_the_policy_the_rules_come_from(name: str) -> None:
    if not SEED.exists():
        pytest.skip(f"There is no policy to compare with at {SEED}.")

    shared = runs((FOLDER / name).read_text("utf-8")) & runs(SEED.read_text("utf-8"))

    assert shared == set()


def runs(text: str) -> set[str]:
    words = re.findall(r"[a-z0-9']+", text.lower())
    return {" ".join(words[i : i + SHARED_WORDS]) for i in range(len(words) - SHARED_WORDS + 1)}
