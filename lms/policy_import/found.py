"""What reading a policy finds, and how it refuses."""

from __future__ import annotations

from dataclasses import dataclass

from lms.errors import CountersignError


class PolicyRefusedError(CountersignError):
    """The file can't be read as a policy; the message says why and what to do."""


@dataclass(frozen=True)
class ImportedSection:
    """A section as the text has it: its number ("" for none), its title, and how many list items it holds."""

    number: str
    title: str
    list_items: int


@dataclass(frozen=True)
class Unplaced:
    """Text that is not in the policy people read: the line where it first stood (1 is the top), and why."""

    line: int
    text: str
    reason: str


@dataclass(frozen=True)
class Flag:
    """A point for the policy's owner to look at. The text itself is never changed."""

    line: int
    text: str
    advice: str


@dataclass(frozen=True)
class ImportedPolicy:
    """A policy in Markdown, ready to keep, with an account of everything that was found in the file."""

    title: str
    markdown: str
    sections: tuple[ImportedSection, ...]
    list_items: int
    unplaced: tuple[Unplaced, ...]
    flags: tuple[Flag, ...]
