"""What a policy's owner should look at. The text is shown as it stands; nothing here changes it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lms.policy_import.found import Flag
from lms.policy_import.inline import LINK, PLACEHOLDER, is_live
from lms.policy_import.pages import Line
from lms.policy_text import PLACEHOLDERS


@dataclass(frozen=True)
class Rule:
    """Words to look for on a line, what to say of them, and words anywhere that make it needless to."""

    finds: re.Pattern[str]
    advice: str
    unless: re.Pattern[str] | None = None


def _words(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


RULES = (
    Rule(
        _words(r"Regulation of Investigatory Powers Act|\bRIPA\b"),
        "Most interception of communications is now governed by the Investigatory Powers Act 2016, not by "
        "the Act of 2000. Ask whoever advises you on the law.",
        unless=_words(r"Investigatory Powers Act 2016"),
    ),
    Rule(
        _words(r"\bGDPR\)?,?\s+(?:of\s+)?2018|General Data Protection Regulations?,?\s+(?:of\s+)?2018"),
        "There is no GDPR of 2018: the law is the UK GDPR and the Data Protection Act 2018.",
    ),
    Rule(
        _words(
            r"^(?!.*\b(?:not|never|no one|nobody)\b[^.]{0,60}password)"
            r".*\b(?:hand(?:s|ed|ing)?[ -](?:over|in)|surrender\w*|provid\w+|supply\w*|disclos\w+)\b"
            r"[^.]{0,40}\b(?:passwords?|log-?\s?in details)\b"
        ),
        "This asks people to hand over passwords. Services forbid it, and it may be neither lawful nor "
        "needed: ask HR and your data protection officer whether it should stay.",
    ),
    Rule(_words(r"\bGoogle ?\+|\bGoogle Plus\b"), "Google+ closed in 2019."),
    Rule(
        _words(r"\bTwitter\b"),
        "Twitter has been called X since 2023.",
        unless=_words(r"\bX \(|\(X\)|\bX\s*/\s*Twitter|Twitter\s*/\s*X\b|now (?:called |known as )?X\b"),
    ),
    Rule(
        _words(
            r"\b(?:keep|save|retain|take)\b.{0,60}\b(?:records?|evidence|screen ?(?:shots?|prints?|grabs?))\b"
        ),
        "This asks people to keep evidence, and the policy doesn't say that a sexual image of anyone "
        "under 18 must never be copied, saved or sent on: to do so is a crime. Tell them to leave it and to "
        "go to the safeguarding lead.",
        unless=_words(
            r"^(?=.*\b(?:never|not|don['’]t|crime|offence|illegal)\b)(?=.*\b(?:cop(?:y|ied)|sav(?:e|ed)|forward\w*"
            r"|shar(?:e|ed)|download\w*|print\w*)\b).*\b(?:sexual|indecent|nude|naked)\b.{0,40}"
            r"\b(?:images?|photos?|pictures?|videos?)"
        ),
    ),
    Rule(
        re.compile(
            r"</?(?:p|br|div|span|table|tr|td|b|i|u|a|img|font|h\d|ul|ol|li)\b[^<>]*>|<!--", re.IGNORECASE
        ),
        "Web page code is shown as it is typed.",
    ),
    Rule(
        re.compile("\ufffd"),
        "A letter was lost here before the file was imported: check it with the original.",
    ),
)

_MONTHS = [
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
]
_DATE = re.compile(
    rf"\b(?:(?P<month>\d{{1,2}})[\s/.-]+|(?P<name>{'|'.join(_MONTHS)})\s+)(?P<year>20\d\d)\b", re.IGNORECASE
)
_VERSION = re.compile(r"[|\s]*(?:version|v\.?|issue)\s*\d", re.IGNORECASE)
_REVIEWED = re.compile(r"\b(?:last\s+)?(?:reviewed|updated|approved|review date)\b", re.IGNORECASE)
_DEAD_LINK = "This link leads nowhere, so its words are shown without it. Put its full address in."
_NO_SUCH_NAME = "This looks like a placeholder, but there is none of this name: it is shown as it stands."
_EXCERPT = 60
_COMING = re.compile(r"\b(?:to be|next|will be|due)\b", re.IGNORECASE)


def flags_of(lines: Sequence[Line]) -> tuple[Flag, ...]:
    """Return what to look at in a text's lines, front page and all, in the order it stands."""
    everything = "\n".join(line.bare for line in lines)
    found = [*_by_rule(lines, everything), *_links(lines), *_unknown_names(lines), *_versions(lines)]
    return tuple(sorted(found, key=lambda flag: flag.line))


def _by_rule(lines: Sequence[Line], everything: str) -> Iterator[Flag]:
    for rule in RULES:
        if rule.unless and re.search(rule.unless.pattern, everything, re.IGNORECASE | re.MULTILINE):
            continue
        for line in lines:
            if found := rule.finds.search(line.bare):
                yield Flag(line.number, _round(line.bare, found), rule.advice)


def _links(lines: Sequence[Line]) -> Iterator[Flag]:
    for line in lines:
        for link in LINK.finditer(line.text):
            if not is_live(link["target"]):
                yield Flag(line.number, link[0], _DEAD_LINK)


def _unknown_names(lines: Sequence[Line]) -> Iterator[Flag]:
    for line in lines:
        for name in PLACEHOLDER.finditer(line.text):
            if name[1] not in PLACEHOLDERS:
                advice = _NO_SUCH_NAME
                yield Flag(line.number, name[0], advice)


def _versions(lines: Sequence[Line]) -> Iterator[Flag]:
    """Flag a version table whose last date is before the review that the document claims."""
    versions = [(_latest(line), line) for line in lines if _VERSION.match(line.bare)]
    reviews = [
        (_latest(line), line)
        for line in lines
        if _REVIEWED.search(line.bare) and not _COMING.search(line.bare) and len(line.bare) < 80
    ]
    newest, row = max(versions, key=lambda one: one[0], default=((0, 0), None))
    reviewed, claim = max(reviews, key=lambda one: one[0], default=((0, 0), None))
    if row and claim and (0, 0) < newest < reviewed:
        advice = (
            f"The version table ends here, before the date on line {claim.number} "
            f"({_squeezed(claim.bare)}): check which version this is and bring the table up to date."
        )
        yield Flag(row.number, _squeezed(row.bare), advice)


def _latest(line: Line) -> tuple[int, int]:
    """Return the latest (year, month) on a line, or (0, 0)."""
    return max((_year_and_month(date) for date in _DATE.finditer(line.bare)), default=(0, 0))


def _year_and_month(date: re.Match[str]) -> tuple[int, int]:
    month = int(date["month"]) if date["month"] else _MONTHS.index(date["name"].lower()) + 1
    return int(date["year"]), month


def _round(bare: str, found: re.Match[str]) -> str:
    """Return what was found with some of the words round it."""
    start, end = max(found.start() - _EXCERPT, 0), found.end() + _EXCERPT
    return ("…" if start else "") + _squeezed(bare[start:end]) + ("…" if end < len(bare) else "")


def _squeezed(text: str) -> str:
    return " ".join(text.split())
