"""Policies, their versions, and the exact bytes of everything that was ever shown or signed."""

from __future__ import annotations

import functools
import hashlib
from datetime import date, datetime
from typing import cast
from uuid import UUID, uuid4

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import Mapped, mapped_column

from lms.db import APPEND_ONLY, Base, connection, is_sqlite, session
from lms.errors import ConflictError, NotFoundError
from lms.policy_text import fill, unknown_placeholders
from lms.schools import Organisation, slug_of


class Document(Base):
    """Bytes by their SHA-256 (hex): policy sources, rendered texts, modules, statements."""

    __tablename__ = "document"
    __table_args__ = ({"info": APPEND_ONLY},)

    sha256: Mapped[str] = mapped_column(sa.String(64), primary_key=True)
    content: Mapped[bytes]


# Everybody who signs runs these, so they are built once.
_document = cast(sa.Table, Document.__table__)
_KEPT = sa.select(_document.c.sha256).where(
    _document.c.sha256.in_([sa.bindparam("first"), sa.bindparam("second")])
)


class Policy(Base):
    """What a school asks its adults to read. Its text is in its versions."""

    __tablename__ = "policy"
    __table_args__ = (sa.UniqueConstraint("organisation_id", "slug"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    organisation_id: Mapped[UUID] = mapped_column(sa.ForeignKey("organisation.id"))
    slug: Mapped[str]
    title: Mapped[str]


class PolicyVersion(Base):
    """One text of a policy. A label may repeat or mislead (DOMAIN: the seed's does), the hash can't.

    `resign_by` is the last day of grace, when the owner says that this version is to be signed again;
    null means that signatures of earlier versions go on counting.
    """

    __tablename__ = "policy_version"
    __table_args__ = (
        sa.UniqueConstraint("policy_id", "number"),
        sa.UniqueConstraint("policy_id", "label", "source_sha256"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    organisation_id: Mapped[UUID] = mapped_column(sa.ForeignKey("organisation.id"))
    policy_id: Mapped[UUID] = mapped_column(sa.ForeignKey("policy.id"))
    number: Mapped[int]
    label: Mapped[str]
    source_sha256: Mapped[str] = mapped_column(sa.ForeignKey("document.sha256"))
    recorded_at: Mapped[datetime]
    resign_by: Mapped[date | None]
    is_model: Mapped[bool] = mapped_column(default=False)
    """Whether this is our model text, whose clause ids the modules cite, or a school's own."""


def store(content: bytes) -> str:
    """Keep the bytes, once, and return their SHA-256 in hex."""
    return store_both(content, content)[0]


def store_both(one: bytes, other: bytes) -> tuple[str, str]:
    """Keep each of these bytes, once, and return their SHA-256s in hex. One query where both are kept already."""
    first, second = (hashlib.sha256(content).hexdigest() for content in (one, other))
    by_hash = {first: one, second: other}
    kept = set(connection().scalars(_KEPT, {"first": first, "second": second}))
    # On PostgreSQL another request may be keeping the same bytes at this moment; on SQLite writes wait in line.
    insert = sa.insert(_document) if is_sqlite() else postgresql.insert(_document).on_conflict_do_nothing()
    # In order, so that two who keep the same documents don't wait for each other.
    for sha in sorted(by_hash.keys() - kept):
        session.execute(insert, {"sha256": sha, "content": by_hash[sha]})
    return first, second


def document(sha256: str) -> bytes:
    """Return the bytes with this hash. Raises NotFoundError."""
    content = session.scalar(sa.select(Document.content).where(Document.sha256 == sha256))
    if content is None:
        raise NotFoundError(f"No document with the hash {sha256} is kept here.")
    return content


def publish(
    school: Organisation,
    *,
    slug: str,
    title: str,
    label: str,
    markdown: str,
    now: datetime,
    resign_by: date | None = None,
    is_model: bool = False,
) -> PolicyVersion:
    """Add a version of a policy (and the policy, when it is the first), for everyone from now on.

    Raises:
        ConflictError: the same text under the same label is there already, or a placeholder is unknown.
    """
    if unknown := unknown_placeholders(markdown):
        raise ConflictError("The policy has placeholders nobody can fill in: " + ", ".join(sorted(unknown)))
    policy = _policy(school, slug, title)
    latest = latest_version(policy.id)
    sha = store(markdown.encode())
    refuse_again(policy, label, sha, latest)
    version = PolicyVersion(
        id=uuid4(),
        organisation_id=school.id,
        policy_id=policy.id,
        number=latest.number + 1 if latest else 1,
        label=label,
        source_sha256=sha,
        recorded_at=now,
        resign_by=resign_by,
        is_model=is_model,
    )
    session.add(version)
    session.flush()
    return version


def refuse_again(policy: Policy, label: str, sha: str, latest: PolicyVersion | None) -> None:
    """Raise ConflictError where this text is, or was, a version under this label already."""
    same = sa.select(PolicyVersion.number).where(
        PolicyVersion.policy_id == policy.id,
        PolicyVersion.label == label,
        PolicyVersion.source_sha256 == sha,
    )
    number = session.scalar(same)
    if latest is not None and number == latest.number:
        raise ConflictError(
            f"This is the text of {policy.title}, version {label}, already: nothing was changed."
        )
    if number is not None:
        raise ConflictError(
            f"This text was version {label} of {policy.title} before. Give it another label to bring it back."
        )


def refuse_known(policy_id: UUID, label: str, markdown: str) -> None:
    """Raise ConflictError where publishing this text under this label would be refused."""
    policy = session.get_one(Policy, policy_id)
    refuse_again(policy, label, sha256_of(markdown), latest_version(policy_id))


def refuse_title(school: Organisation, title: str) -> None:
    """Raise ConflictError where a school has a policy of this title, or one whose address would be the same."""
    same = sa.select(Policy.title).where(
        Policy.organisation_id == school.id, Policy.slug == slug_of_title(title)
    )
    if (taken := session.scalar(same)) is not None:
        raise ConflictError(
            f"There is a policy called {taken} already. Choose it in the list to publish a new version."
        )


def _policy(school: Organisation, slug: str, title: str) -> Policy:
    policy = session.scalar(sa.select(Policy).where(Policy.organisation_id == school.id, Policy.slug == slug))
    if policy is None:
        policy = Policy(id=uuid4(), organisation_id=school.id, slug=slug, title=title)
        session.add(policy)
        session.flush()
    return policy


def slug_of_title(title: str) -> str:
    """Return a policy's address part: "Social Media Policy" becomes "social-media"."""
    return slug_of(title).removesuffix("-policy")


def latest_version(policy_id: UUID) -> PolicyVersion | None:
    """Return the version in force, the one with the highest number."""
    return session.scalar(
        sa.select(PolicyVersion)
        .where(PolicyVersion.policy_id == policy_id)
        .order_by(PolicyVersion.number.desc())
        .limit(1)
    )


def source(version: PolicyVersion) -> str:
    """Return the Markdown of a version, with its placeholders."""
    return _text(version.source_sha256)


@functools.lru_cache(maxsize=64)
def _text(sha256: str) -> str:
    # A hash names one text for ever, so a process needs to fetch it once.
    return document(sha256).decode()


def rendered(version: PolicyVersion, school: Organisation) -> str:
    """Return a version's Markdown as this school shows it: with the names of its people."""
    return fill(source(version), school.placeholder_values)


@functools.lru_cache(maxsize=64)
def sha256_of(text: str) -> str:
    """Return the SHA-256, in hex, of a text's UTF-8 bytes."""
    return hashlib.sha256(text.encode()).hexdigest()


def sha256_of_bytes(content: bytes) -> str:
    """Return the SHA-256, in hex, of some bytes."""
    return hashlib.sha256(content).hexdigest()
