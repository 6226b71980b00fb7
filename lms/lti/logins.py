"""One OIDC login: the state and nonce that a platform must bring back, once, from the browser that began.

Source: OpenID Connect third-party initiated login as in the 1EdTech Security Framework 1.0, section 5.1.1.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast
from uuid import UUID, uuid4

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from lms.db import Base, session

LASTS = timedelta(minutes=10)
"""How long somebody may take to sign in at the platform on the way."""


class OidcTransaction(Base):
    """One login that was begun. Only hashes of what the browser holds are kept."""

    __tablename__ = "oidc_txn"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    state_hash: Mapped[str] = mapped_column(sa.String(64), unique=True)
    nonce: Mapped[str]
    registration_id: Mapped[UUID] = mapped_column(sa.ForeignKey("lti_registration.id"))
    browser_hash: Mapped[str] = mapped_column(sa.String(64))
    """Of the secret that the browser keeps, in a cookie or in the platform's storage."""
    storage_target: Mapped[str | None]
    """The frame that keeps the secret, where the platform offered storage (lti_storage_target)."""
    expires: Mapped[datetime] = mapped_column(index=True)
    used_at: Mapped[datetime | None]
    claims: Mapped[dict[str, Any] | None] = mapped_column(sa.JSON)
    """Verified claims that wait for the secret to come back from the platform's storage; then null again."""


@dataclass(frozen=True, slots=True)
class Login:
    """What begins at the browser: the state and nonce for the platform, the secret for the browser alone."""

    state: str
    nonce: str
    browser_secret: str


def hashed(secret: str) -> str:
    """Return the hash under which a state or a browser's secret is kept."""
    return hashlib.sha256(secret.encode()).hexdigest()


# Every login runs this. On the table and not the class: nothing asks for the row as an object.
_INSERT = sa.insert(cast(sa.Table, OidcTransaction.__table__))


def begin(registration_id: UUID, *, storage_target: str | None, now: datetime) -> Login:
    """Write a new login down. The platform must bring its state back within `LASTS`."""
    login = Login(secrets.token_urlsafe(32), secrets.token_urlsafe(32), secrets.token_urlsafe(32))
    values = {
        "id": uuid4(),
        "state_hash": hashed(login.state),
        "nonce": login.nonce,
        "registration_id": registration_id,
        "browser_hash": hashed(login.browser_secret),
        "storage_target": storage_target,
        "expires": now + LASTS,
    }
    session.execute(_INSERT, values)
    return login


def sweep(now: datetime) -> None:
    """Forget logins that ran out an hour ago."""
    session.execute(sa.delete(OidcTransaction).where(OidcTransaction.expires < now - timedelta(hours=1)))
