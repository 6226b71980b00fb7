"""Names as staff lists have them, to names as people write them."""

from __future__ import annotations

import re

from lms.people import folded, split_name

_TITLES = {
    "mr",
    "mrs",
    "ms",
    "miss",
    "mx",
    "dr",
    "prof",
    "professor",
    "rev",
    "revd",
    "sir",
    "dame",
    "fr",
    "sr",
}
_PARTICLES = {
    *(
        "van",
        "von",
        "der",
        "den",
        "de",
        "da",
        "dos",
        "das",
        "do",
        "du",
        "del",
        "della",
        "di",
        "la",
        "le",
        "les",
    ),
    *("bin", "bint", "ibn", "ap", "ab", "ter", "ten", "y", "e"),
}
"""Words that are small inside a surname; the last word of one never is."""
_NUMERALS = {"II", "III", "IV"}
_MACS = {
    *(
        "macallister",
        "macalister",
        "macarthur",
        "macaskill",
        "macaulay",
        "macbride",
        "maccallum",
        "macdonald",
    ),
    *(
        "macdougall",
        "macfarlane",
        "macgregor",
        "macinnes",
        "macintosh",
        "macintyre",
        "maciver",
        "mackay",
        "mackenzie",
    ),
    *(
        "mackinnon",
        "maclachlan",
        "maclaren",
        "maclean",
        "maclennan",
        "macleod",
        "macmillan",
        "macnab",
        "macneil",
    ),
    *("macneill", "macphail", "macpherson", "macqueen", "macrae", "mactaggart", "macvicar"),
}
"""Surnames in which a capital after Mac is usual. Mackie, Macey and Machin have none, so it can't be a rule."""
_APART = re.compile(r"([ \-‐‑–'’‘`./()])")
_MADE_OF_TWO = re.compile(r"[BCDFGHJKLMNPQRSTVWXYZ][AEIOUY]|AL|ED|OZ|OM|IB|UR")
"""Forenames of two letters; any other two capitals are initials."""


def is_capitals(name: str) -> bool:
    """Say whether a name is written in capitals alone (but for the c of McDONALD), and so must be put right."""
    plain = name.replace("Mc", "MC").replace("Mac", "MAC")
    return plain.isupper() and sum(map(str.isalpha, name)) > 1


def surname_in_case(name: str) -> str:
    """Return a surname in capitals as it is usually written: McDonald, O'Brien, Smith-Jones, van der Berg.

    A name that isn't in capitals alone stays as it is. What we make of it is a reading: people see it before it is
    recorded.
    """
    if not is_capitals(name):
        return name
    parts = name.upper().split(" ")
    last = len(parts) - 1
    return " ".join(_surname_word(part, n, last) for n, part in enumerate(parts))


def _surname_word(word: str, number: int, last: int) -> str:
    if number < last and word.lower() in _PARTICLES:
        return word.lower()
    if number and word in _NUMERALS:
        return word
    return _in_case(word)


def forename_in_case(name: str) -> str:
    """Return a forename in capitals as it is usually written; "AJ" and "J P" are initials and stay."""
    if not is_capitals(name):
        return name
    return " ".join(word if _is_initials(word) else _in_case(word) for word in name.split(" "))


def _is_initials(word: str) -> bool:
    return len(word) <= 2 and not _MADE_OF_TWO.fullmatch(word)


def _in_case(word: str) -> str:
    parts = _APART.split(word)
    return "".join(_part_in_case(part, parts[n - 1] if n else "") for n, part in enumerate(parts))


def _part_in_case(part: str, before: str) -> str:
    # Python gives the dotted İ of Turkish a second dot.
    lower = part.replace("İ", "i").lower()
    if len(part) == 1 and before and before in "'’‘`":
        return lower
    if lower.startswith("mc") and len(part) > 3:
        return "Mc" + part[2] + lower[3:]
    if lower in _MACS:
        return "Mac" + part[3] + lower[4:]
    return part[:1] + lower[1:]


def parted(name: str) -> tuple[str, str]:
    """Return (forename, surname) of a whole name: "Smith, Jane", "Mrs Jane Smith" or "Jane SMITH-JONES LEE"."""
    surname, comma, forename = (part.strip() for part in name.partition(","))
    if comma:
        return _untitled(forename), surname
    given = _untitled(name).split(" ")
    capitals = len(given)
    while capitals and is_capitals(given[capitals - 1]):
        capitals -= 1
    if 0 < capitals < len(given):
        return " ".join(given[:capitals]), " ".join(given[capitals:])
    return _before_particles(" ".join(given))


def _before_particles(name: str) -> tuple[str, str]:
    """Part a name before its last word and the small words that belong to that: Ana | de Souza."""
    forename, surname = split_name(name)
    words = forename.split(" ")
    while len(words) > 1 and words[-1] in _PARTICLES:
        surname = f"{words.pop()} {surname}"
    return " ".join(words), surname


def _untitled(name: str) -> str:
    first, _, rest = name.partition(" ")
    return rest if rest and folded(first) in _TITLES else name


def short_name(known_as: str, surname: str) -> str:
    """Return what somebody is known as without the surname, which some programs repeat there."""
    known, name = folded(known_as), folded(surname)
    if name and known.endswith(f" {name}") and len(known_as.split()) > len(surname.split()):
        return " ".join(known_as.split()[: -len(surname.split())])
    return known_as
