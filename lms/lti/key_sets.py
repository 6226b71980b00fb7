"""A platform's public keys: fetched from its JWK Set, kept with its registration, fetched anew for an unknown kid.

Source: 1EdTech Security Framework 1.0, section 6.3; RFC 7517.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast
from uuid import UUID

import sqlalchemy as sa
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey

from lms.db import session, transaction
from lms.lti.fetching import Answer, FetchError, Outgoing
from lms.lti.platforms import Registration
from lms.lti.refusals import LaunchRefusedError, Refusal

FRESH = timedelta(days=1)
"""How long a set serves before it is fetched again, so that a key which the platform took back ends here too."""
COOLDOWN = timedelta(seconds=60)
"""How often a platform is asked at most: anybody can send a token with an unknown kid."""
_WITHIN = 5.0
_MOST_BYTES = 500_000
_MODULUS = range(342, 1368)
"""Letters of base64url in a modulus of 2,048 to 8,192 bits."""

_table = cast(sa.Table, Registration.__table__)
Keys = list[dict[str, str]]


@dataclass(frozen=True, slots=True)
class _Held:
    """What a registration knows of its platform's keys: plain values, whatever becomes of the row's session."""

    keys: Keys
    fetched_at: datetime | None
    tried_at: datetime | None

    def key(self, kid: str) -> dict[str, str] | None:
        return next((key for key in self.keys if key["kid"] == kid), None)

    def is_fresh(self, now: datetime) -> bool:
        return self.fetched_at is not None and now - self.fetched_at < FRESH

    def is_cooling(self, now: datetime) -> bool:
        return self.tried_at is not None and now - self.tried_at < COOLDOWN

    def is_being_fetched(self, now: datetime) -> bool:
        """Say whether somebody asked within the last seconds and has not come back yet."""
        if self.tried_at is None or now - self.tried_at >= timedelta(seconds=_WITHIN):
            return False
        return self.fetched_at is None or self.fetched_at < self.tried_at

    def unknown(self, kid: str) -> LaunchRefusedError:
        failed = self.fetched_at is None or (self.tried_at is not None and self.tried_at > self.fetched_at)
        detail = f"no key {kid!r} among {len(self.keys)}"
        return LaunchRefusedError(Refusal.KEYS_UNREACHABLE if failed else Refusal.KEY_UNKNOWN, detail)


def find_key(registration: Registration, kid: str, outgoing: Outgoing, now: datetime) -> dict[str, str]:
    """Return the platform's RSA signing key of this kid, as a JWK. No query and no fetching while it is known.

    Call it with no transaction open: it may fetch. The row that was passed in is left as it is.

    Raises:
        LaunchRefusedError: KEY_UNKNOWN when the platform publishes no such key, KEYS_UNREACHABLE when it could not be
            asked.
    """
    held = _Held(_kept(registration.keys), registration.keys_fetched_at, registration.keys_tried_at)
    key = held.key(kid)
    if key is not None and held.is_fresh(now):
        return key
    if not held.is_cooling(now) and _may_fetch(registration.id, now):
        return _fetched(registration, kid, key, outgoing, now)
    return key or _by_somebody_else(registration.id, kid, now)


def read(jwks_uri: str, outgoing: Outgoing) -> tuple[Keys, Answer]:
    """Fetch a JWK Set, and return the keys that can sign a launch (perhaps none) and the answer.

    Raises:
        FetchError: there is no answer, or it is no JWK Set.
    """
    answer = outgoing.fetch("GET", jwks_uri, most_bytes=_MOST_BYTES, within=_WITHIN)
    if answer.status != 200:
        raise FetchError(f"{answer.host} answered {answer.status} when asked for its keys.")
    published = answer.json_object().get("keys")
    if not isinstance(published, list):
        raise FetchError(f"{answer.host} answered with something that is not a set of keys.")
    readable = (_signing_key(key) for key in published)
    return [key for key in readable if key is not None], answer


def keep(registration_id: UUID, keys: Keys, now: datetime) -> None:
    """Keep a set that was fetched, in a transaction of its own."""
    with transaction():
        session.execute(
            sa.update(_table)
            .where(_table.c.id == registration_id)
            .values(keys={"keys": keys}, keys_fetched_at=now, keys_tried_at=now)
        )


def _fetched(
    registration: Registration, kid: str, cached: dict[str, str] | None, outgoing: Outgoing, now: datetime
) -> dict[str, str]:
    identity, jwks_uri = registration.id, registration.jwks_uri
    try:
        keys, _ = read(jwks_uri, outgoing)
    except FetchError as error:
        _give_up(identity, now)
        if cached is not None:
            return cached
        raise LaunchRefusedError(Refusal.KEYS_UNREACHABLE, str(error)) from error
    keep(identity, keys, now)
    held = _Held(keys, now, now)
    key = held.key(kid)
    if key is None:
        raise held.unknown(kid)
    return key


def _may_fetch(registration_id: UUID, now: datetime) -> bool:
    """Take the turn to ask, for all threads and processes at once; false when somebody had it within the cooldown."""
    with transaction():
        tried = _table.c.keys_tried_at
        taken = session.scalar(
            sa.update(_table)
            .where(_table.c.id == registration_id, sa.or_(tried.is_(None), tried <= now - COOLDOWN))
            .values(keys_tried_at=now)
            .returning(_table.c.id)
        )
    return taken is not None


def _give_up(registration_id: UUID, now: datetime) -> None:
    """Write down that the fetching is over, in vain, so that nobody waits for it; the cooldown runs on."""
    with transaction():
        session.execute(
            sa.update(_table)
            .where(_table.c.id == registration_id, _table.c.keys_tried_at == now)
            .values(keys_tried_at=now - timedelta(seconds=_WITHIN))
        )


def _by_somebody_else(registration_id: UUID, kid: str, now: datetime) -> dict[str, str]:
    """Return a key that another thread or process has fetched, or is about to: a whole class may launch at once."""
    until = time.monotonic() + _WITHIN
    while True:
        held = _reread(registration_id)
        key = held.key(kid)
        if key is not None:
            return key
        if not held.is_being_fetched(now) or time.monotonic() > until:
            raise held.unknown(kid)
        time.sleep(0.1)


def _reread(registration_id: UUID) -> _Held:
    known = sa.select(Registration.keys, Registration.keys_fetched_at, Registration.keys_tried_at)
    with transaction(write=False):
        keys, fetched_at, tried_at = session.execute(known.where(Registration.id == registration_id)).one()
    return _Held(_kept(keys), fetched_at, tried_at)


def _kept(keys: dict[str, object] | None) -> Keys:
    return cast(Keys, (keys or {}).get("keys", []))


def _signing_key(key: Any) -> dict[str, str] | None:
    """Return the public parts of an RSA signing key; None for one of another kind, or one that can't be read."""
    if not isinstance(key, dict) or key.get("kty") != "RSA" or key.get("alg", "RS256") != "RS256":
        return None
    public: dict[str, str] = {name: key.get(name, 0) for name in ("kty", "kid", "n", "e")}
    if key.get("use", "sig") != "sig" or not all(isinstance(value, str) for value in public.values()):
        return None
    return public if _is_sound(public) else None


def _is_sound(key: dict[str, str]) -> bool:
    if len(key["n"].rstrip("=")) not in _MODULUS or len(key["e"]) > 12:
        return False
    try:
        return RSAKey.import_key(dict(key)).raw_value.key_size >= 2048
    except (JoseError, ValueError):
        return False
