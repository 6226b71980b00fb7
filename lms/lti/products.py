"""The learning platforms that we know by name, and what each of them needs said."""

from __future__ import annotations

from enum import StrEnum


class Product(StrEnum):
    """A platform that we know; the value is what our pages go by."""

    MOODLE = "moodle"
    CANVAS = "canvas"
    BRIGHTSPACE = "brightspace"
    BLACKBOARD = "blackboard"
    OTHER = "other"

    @property
    def words(self) -> str:
        """Its name as people write it."""
        return "LMS" if self is Product.OTHER else self.capitalize()

    @property
    def family(self) -> str:
        """Its product_family_code, as it gives it itself (in lower case); empty for one that we don't know."""
        return next((code for code, product in _FAMILIES.items() if product is self), "")

    @property
    def token_audience(self) -> str | None:
        """Whom our assertions must be addressed to, where it isn't the token endpoint."""
        return "https://api.brightspace.com/auth/token" if self is Product.BRIGHTSPACE else None


_FAMILIES = {
    "moodle": Product.MOODLE,
    "canvas": Product.CANVAS,
    "desire2learn": Product.BRIGHTSPACE,
    "brightspace": Product.BRIGHTSPACE,
    "d2l": Product.BRIGHTSPACE,
    "blackboardlearn": Product.BLACKBOARD,
    "blackboard": Product.BLACKBOARD,
    "learn": Product.BLACKBOARD,
}


def product_of(family_code: str) -> Product:
    """Return the product that a platform's product_family_code stands for."""
    return _FAMILIES.get(family_code.strip().lower(), Product.OTHER)


def name_of(family_code: str) -> str:
    """Return a product's name for people: as we know it, else its own code, else "LMS"."""
    known = product_of(family_code)
    return family_code if known is Product.OTHER and family_code else known.words
