"""Numbered headings, told from the numbered lists they look like."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from lms.policy_import.pages import Line
from lms.policy_text import section_number

_WORDS = 14
_MAY_SKIP = 3


def is_heading_like(words: str, most: int) -> bool:
    """Return whether words read as a heading: few, with a capital, and no full stop or comma at the end."""
    first = next((letter for letter in words if letter.isalnum()), "")
    return bool(words) and len(words.split()) <= most and not first.islower() and words[-1] not in ".,;-"


def numbered_sections(lines: Sequence[Line]) -> list[int]:
    """Return the positions of headings numbered 1, 2, 3 …, or [] when there is no such run through the text.

    A heading has words under it before the next number. A number whose neighbours are the next ones up or
    down is more likely a list, so it is taken only where the text offers no better.
    """
    numbers = [_number(line) for line in lines]
    likely = [at for at, number in enumerate(numbers) if number and _reads_as_heading(lines[at])]
    alone = {at for at in likely if not _in_a_run(numbers, at)}
    chain: list[int] = []
    expected, after = 1, -1
    while (at := _next(numbers, likely, alone, expected, after)) is not None:
        chain.append(at)
        expected, after = (numbers[at] or 0) + 1, at
    return chain if len(chain) > 1 and alone & set(chain) else []


def _next(
    numbers: Sequence[int | None], likely: Iterable[int], alone: set[int], expected: int, after: int
) -> int | None:
    """Find the heading with the expected number or, where the author skipped it, one of the next two."""
    later = [at for at in likely if at > after]
    for number in range(expected, expected + (_MAY_SKIP if expected > 1 else 1)):
        matching = [at for at in later if numbers[at] == number]
        if matching:
            return next((at for at in matching if at in alone), matching[-1])
    return None


def _number(line: Line) -> int | None:
    number, _ = section_number(line.bare.replace("*", "").strip())
    return int(number) if number else None


def _reads_as_heading(line: Line) -> bool:
    number, words = section_number(line.bare.replace("*", "").strip())
    return bool(number) and "\t" not in words and is_heading_like(words, _WORDS)


def _in_a_run(numbers: Sequence[int | None], at: int) -> bool:
    number = numbers[at] or 0
    before = numbers[at - 1] if at else None
    after = numbers[at + 1] if at + 1 < len(numbers) else None
    return before == number - 1 or after == number + 1
