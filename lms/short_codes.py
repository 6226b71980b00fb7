"""Short codes that people read from paper or hear on the phone, and type. Only hashes of them are kept.

30 letters: six of them make 7.29 × 10⁸ codes, eight make 6.56 × 10¹¹. How many guesses that allows is each user's.
"""

from __future__ import annotations

import hashlib
import secrets
from ipaddress import IPv6Address, ip_address

from lms.errors import CountersignError

LETTERS = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Without 0, 1, I, L, O and U, which people take for one another."""
_NUMBERS = {6: "six", 8: "eight"}
_PARTING = "-–—‑.·_"


class NotACode(CountersignError):
    """What was typed can't be a code; the message says what is wrong with it. It costs no guess."""


def new(length: int) -> str:
    """Return a code of so many letters, at random."""
    return "".join(secrets.choice(LETTERS) for _ in range(length))


def made_from(press: str, purpose: str, length: int) -> str:
    """Return the code that one press of a button makes for one purpose.

    `press` is a secret of at least 128 bits that the page held: the same press twice shows the same code, though
    nobody keeps it.
    """
    number = int.from_bytes(hashlib.sha256(f"{purpose}:{press}".encode()).digest())
    letters = []
    for _ in range(length):
        number, place = divmod(number, len(LETTERS))
        letters.append(LETTERS[place])
    return "".join(letters)


def in_halves(code: str) -> str:
    """Return a code as people read it: "K7Q-M2X"."""
    half = len(code) // 2
    return f"{code[:half]}-{code[half:]}"


def read(typed: str, length: int) -> str:
    """Return the letters of a code, typed in any case, with spaces or hyphens or none.

    Raises:
        NotACode: it has a letter that no code has, or too few or too many.
    """
    code = "".join(c for c in typed.upper() if not c.isspace() and c not in _PARTING)
    if not code:
        raise NotACode("Enter the code")
    strange = sorted({c for c in code if c not in LETTERS})
    if strange and set(strange) <= set("01ILOU"):
        raise NotACode(f"A code never has {' or '.join(strange)} in it: look at it again")
    if strange:
        raise NotACode("A code has only letters and numbers in it: look at it again")
    if len(code) != length:
        raise NotACode(f"A code has {_NUMBERS[length]} letters and numbers, and this has {len(code)}")
    return code


def hashed(code: str, of: str) -> str:
    """Return what is kept of a code: a hash that is good only for what the code is `of`."""
    return hashlib.sha256(f"{of}:{code}".encode()).hexdigest()


def network_of(address: str | None) -> str:
    """Return what guesses are counted against: an address, or the /64 that one IPv6 customer has all of."""
    try:
        found = ip_address(address or "")
    except ValueError:
        return str(address)
    if isinstance(found, IPv6Address) and found.ipv4_mapped is None:
        return f"{int(found) >> 64:x}/64"
    return str(getattr(found, "ipv4_mapped", None) or found)
