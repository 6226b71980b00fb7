"""The words of reminders: the texts that come with the product, and a school's own. The first line is the subject.

What a school writes is never run as a template: `fill` puts values for names in curly brackets, once, and knows
nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from lms.config import resource_dir

LONGEST_SUBJECT, LONGEST_BODY = 120, 3000
_PLACEHOLDER = re.compile(r"\{ *([a-z_]{1,40}) *\}")
WORDS = {
    "name": "what the person goes by",
    "school": "the school’s name",
    "list": "what there is to sign, or who",
    "link": "the address of the page to open",
    "days": "the days after which the head is told",
    "hr_contact": "whom to ask in HR",
}
"""Every placeholder, with what is put in its place."""


@dataclass(frozen=True, slots=True)
class LetterKind:
    """One of the letters: what it may and must have in it."""

    name: str
    words: str
    to: str
    placeholders: tuple[str, ...]
    needed: tuple[str, ...]


KINDS = {
    kind.name: kind
    for kind in (
        LetterKind(
            "reminder",
            "Reminder",
            "To each person who has something to sign, one a day at most.",
            ("name", "school", "list", "link", "hr_contact"),
            ("list", "link"),
        ),
        LetterKind(
            "team_digest",
            "Line manager’s weekly list",
            "To each line manager, once a week while somebody in their team isn’t done.",
            ("name", "school", "list", "link", "hr_contact"),
            ("list",),
        ),
        LetterKind(
            "escalation",
            "Letter to the head",
            "To the head’s address, when somebody is long overdue.",
            ("school", "list", "days", "hr_contact"),
            ("list",),
        ),
    )
}


@cache
def usual(name: str) -> str:
    """Return the text that comes with the product."""
    return (resource_dir("templates") / "mail" / f"{name}.txt").read_text(encoding="utf-8")


def split(text: str) -> tuple[str, str]:
    """Return a text's subject and body."""
    subject, _, body = text.partition("\n")
    return subject, body


def faults(kind: LetterKind, subject: str, body: str) -> dict[str, str]:
    """Return what is wrong with a school's text, in a sentence each, by `subject` and `body`; nothing if it is fit."""
    found = {
        "subject": _fault(kind, subject, LONGEST_SUBJECT, "subject"),
        "body": _fault(kind, body, LONGEST_BODY, "text"),
    }
    if "list" in names_in(subject):
        found["subject"] = found["subject"] or "The list can’t be in the subject: take {list} out of it"
    missing = [name for name in kind.needed if name not in names_in(body)]
    if missing and not found["body"]:
        found["body"] = f"Put {{{missing[0]}}} into the text: {WORDS[missing[0]]}"
    return {field: sentence for field, sentence in found.items() if sentence}


def names_in(text: str) -> list[str]:
    """Return the names in curly brackets."""
    return _PLACEHOLDER.findall(text)


def _fault(kind: LetterKind, text: str, longest: int, what: str) -> str:
    if not text.strip():
        return f"Enter the {what}"
    if len(text) > longest:
        return f"The {what} must be {longest:,} characters or fewer"
    for name in names_in(text):
        if name not in kind.placeholders:
            return f"{{{name}}} means nothing in this letter. You can use {_listed(kind)}"
    if re.search(r"[{}]", _PLACEHOLDER.sub("", text)):
        return f"There are curly brackets that belong to nothing. You can use {_listed(kind)}"
    return ""


def _listed(kind: LetterKind) -> str:
    return ", ".join(f"{{{name}}}" for name in kind.placeholders)


def fill(text: str, values: Mapping[str, str]) -> str:
    """Return a text with the values put in. What is in a value stays as it is, brackets and all."""
    return _PLACEHOLDER.sub(lambda found: values.get(found[1], found[0]), text)


def letter(text: str, values: Mapping[str, str]) -> tuple[str, str]:
    """Return the subject and body of a letter. Only the list has lines of its own: a name can't write any."""
    lines = {name: value if name == "list" else " ".join(value.split()) for name, value in values.items()}
    subject, body = split(text)
    return " ".join(fill(subject, lines).split()), fill(body, lines)
