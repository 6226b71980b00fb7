"""Titles of what is to be signed, as letters say them: two assignments of one policy are told apart."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from lms.scenarios import shipped_modules

Asked = tuple[UUID, UUID, str, tuple[str, ...]]
"""An assignment's id, its school's, the policy's title, and the slugs of the modules that go before signing."""


def told_apart(asked: Sequence[Asked]) -> dict[UUID, str]:
    """Return the titles by assignment: where a school has one twice with other modules, these are added.

    Such as "Social media policy (Must know today)" beside "Social media policy (7 modules)". What differs in nothing
    that its reader does keeps the title alone.
    """
    variants: dict[tuple[UUID, str], set[tuple[str, ...]]] = {}
    for _, school_id, title, modules in asked:
        variants.setdefault((school_id, title), set()).add(modules)
    return {
        assignment_id: title + _difference(modules, variants[school_id, title])
        for assignment_id, school_id, title, modules in asked
    }


def _difference(modules: tuple[str, ...], variants: set[tuple[str, ...]]) -> str:
    if len(variants) == 1:
        return ""
    as_many = [other for other in variants if len(other) == len(modules)]
    return f" ({_listed(modules) if len(as_many) > 1 else _counted(modules)})"


def _counted(modules: tuple[str, ...]) -> str:
    return f"{len(modules)} modules" if len(modules) > 1 else _listed(modules)


def _listed(modules: tuple[str, ...]) -> str:
    known = shipped_modules()
    titles = [known[slug].title for slug in modules if slug in known]
    return ", ".join(titles) or "only to read and sign"
