"""The organisation tree (a trust and its schools), the people to turn to, and who a page is for."""

from __future__ import annotations

import re
import unicodedata
from enum import StrEnum
from uuid import UUID, uuid4

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from lms.db import Base, session
from lms.errors import ConflictError, NotFoundError
from lms.policy_text import PLACEHOLDERS

CARD_CONTACTS: dict[str, str] = {"first_aid": "first aid"}
"""Contacts that a visitor's card names and no policy can, so that a policy's text never changes with them."""


class Kind(StrEnum):
    """What an organisation is. A school by itself is the root of its own tree."""

    TRUST = "trust"
    SCHOOL = "school"


class Organisation(Base):
    """A trust or a school. People belong to the root of the tree, engagements to a school."""

    __tablename__ = "organisation"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    parent_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("organisation.id"), index=True)
    kind: Mapped[Kind]
    slug: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    ledger_origin: Mapped[str] = mapped_column(unique=True)
    contacts: Mapped[dict[str, str]] = mapped_column(default=dict)
    """The people that policies and pages name, by placeholder (policy_text.PLACEHOLDERS but `school`);
    and CARD_CONTACTS."""
    accepts_passports: Mapped[bool] = mapped_column(default=True, server_default=sa.true())
    """Whether what a visitor signed at another school of the trust may be confirmed here with one tap."""

    @property
    def root_id(self) -> UUID:
        """The organisation that its people belong to."""
        return self.parent_id or self.id

    @property
    def placeholder_values(self) -> dict[str, str]:
        """Every placeholder with its value; one nobody has filled in says so in words."""
        blank = {name: f"(ask the office: {words})" for name, words in PLACEHOLDERS.items()}
        return {**blank, **{k: v for k, v in self.contacts.items() if v}, "school": self.name}


def slug_of(name: str) -> str:
    """Return an address part for a name: "Ysgol Tŷ Gwyn" becomes "ysgol-ty-gwyn"."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-") or "school"


def add_school(
    name: str, *, slug: str | None = None, host: str, parent: Organisation | None = None
) -> Organisation:
    """Add a school. Its ledger's origin is `<host>/<slug>`, and never changes.

    Raises:
        ConflictError: another organisation has that slug.
    """
    return _add(Kind.SCHOOL, name, slug or slug_of(name), host, parent)


def add_trust(name: str, *, host: str) -> Organisation:
    """Add a trust, which has no schools yet. Raises ConflictError where another organisation has its address."""
    return _add(Kind.TRUST, name, slug_of(name), host, None)


def _add(kind: Kind, name: str, slug: str, host: str, parent: Organisation | None) -> Organisation:
    if session.scalar(sa.select(Organisation.id).where(Organisation.slug == slug)):
        raise ConflictError(
            f"There is a school or trust with the address {slug!r} already. Tell the new one apart by its name, "
            "such as with its town."
        )
    organisation = Organisation(
        id=uuid4(),
        parent_id=parent.id if parent else None,
        kind=kind,
        slug=slug,
        name=name,
        ledger_origin=f"{host}/{slug}",
        contacts={},
    )
    session.add(organisation)
    session.flush()
    return organisation


def school_by_slug(slug: str) -> Organisation:
    """Return the school at an address. Raises NotFoundError."""
    school = session.scalar(sa.select(Organisation).where(Organisation.slug == slug))
    if school is None:
        raise NotFoundError(f"There is no school at the address {slug!r}.")
    return school


def only_school() -> Organisation:
    """Return the school of an installation that has one. Raises NotFoundError where it must be named."""
    found = session.scalars(sa.select(Organisation).where(Organisation.kind == Kind.SCHOOL).limit(2)).all()
    if len(found) == 1:
        return found[0]
    if found:
        raise NotFoundError("There are several schools: say which with --school SLUG.")
    raise NotFoundError(
        "There is no school yet. Make it with its first administrator: countersign user create --new-school NAME"
    )
