"""Reading a policy, and what a test asks of what was read."""

from __future__ import annotations

import re

import html5lib

from lms.policy_import import ImportedPolicy, read_policy
from lms.policy_text import to_html

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
