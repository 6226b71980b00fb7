"""Our own keys towards platforms: what we sign with, and the JWK Set that platforms check it with.

Source: LTI 1.3 core and the 1EdTech Security Framework 1.0, section 6; RFC 7517 (JWK Set), RFC 7638 (kid).
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from joserfc import jwt
from joserfc.jwk import RSAKey

from lms import keys

ALGORITHM = "RS256"
KEPT_AFTER_ROTATION = timedelta(days=1)
"""How long a replaced key is still published.

What it signed runs out within minutes. The rest of the day is for platforms that keep a copy of our key set and would
take its next one from a proxy, and for a server of ours that reads the data folder over a network late.
"""


@dataclass(frozen=True)
class _Key:
    """A key as JOSE has it, with its name."""

    private: RSAKey
    kid: str
    until: datetime | None

    @property
    def public(self) -> dict[str, Any]:
        named = {"kid": self.kid, "use": "sig", "alg": ALGORITHM}
        return {**self.private.as_dict(private=False), **named}


class ToolKeys:
    """The keys in the data folder, read again when their file changes: a rotation needs no restart.

    Made at first use. Threads may share it.
    """

    def __init__(self, folder: Path) -> None:
        """Take the keys of a data folder. KeyFileError where they are there and can't be used."""
        self._folder = folder
        self._lock = threading.Lock()
        self._read: tuple[tuple[int, ...], tuple[_Key, ...]] | None = None
        if (folder / keys.LTI_KEYS).exists():
            self._held()

    def sign(self, claims: Mapping[str, Any]) -> str:
        """Return the claims as a JWT (RS256) that names the key it is signed with. Raises KeyFileError."""
        key = self._held()[0]
        return jwt.encode({"alg": ALGORITHM, "kid": key.kid}, dict(claims), key.private)

    def published(self, now: datetime) -> dict[str, Any]:
        """Return the JWK Set for platforms: the key that signs, and replaced ones for a day. Raises KeyFileError."""
        held = self._held()
        return {"keys": [key.public for key in held if key.until is None or key.until > now]}

    def rotate(self, now: datetime) -> tuple[str, datetime]:
        """Sign with a new key from now on; return its kid, and until when the one before it is published.

        Raises KeyFileError.
        """
        until = now + KEPT_AFTER_ROTATION
        keys.rotate_lti_key(self._folder, now=now, until=until)
        return self._held()[0].kid, until

    def _held(self) -> tuple[_Key, ...]:
        with self._lock:
            mark = self._mark()
            if self._read is None or mark is None or self._read[0] != mark:
                # The mark is older than what is read, so a rotation in between is noticed the next time.
                held = tuple(_named(key) for key in keys.lti_keys(self._folder))
                self._read = (mark or (), held)
            return self._read[1]

    def _mark(self) -> tuple[int, ...] | None:
        try:
            found = (self._folder / keys.LTI_KEYS).stat()
        except OSError:
            return None
        return found.st_ino, found.st_mtime_ns, found.st_size


def _named(key: keys.LtiKey) -> _Key:
    private = RSAKey.import_key(key.key)
    return _Key(private, private.thumbprint(), key.until)
