"""The session of a school's shared tablet, which reception opened for visitors, and the few routes that it opens.

What makes it one outlives every visitor's session in it; the PIN's hash is on the server, in its `Kiosk`.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from flask import g
from flask import session as cookie

from lms.db import session
from lms.errors import NotAllowedError
from lms.kiosks import Kiosk

SCHOOL, KIOSK, SEEN = "kiosk", "kiosk_id", "kiosk_seen"
"""What the cookie holds: the school, the row, and when something was last asked for."""
AWAY = timedelta(minutes=15)
"""Pages with JavaScript go back to the start by themselves. One that was cut off and is opened again is refused."""
OPENS = frozenset(
    {
        "join.enter",
        "join.join",
        "join.confirm",
        "learning.home",
        "learning.module",
        "learning.start",
        "learning.step",
        "learning.summary",
        "learning.policies",
        "learning.policy",
        "signing.sign",
        "signing.not_signing",
        "signing.not_signing_way",
        "signing.receipts",
        "signing.receipt",
        "card.card",
        "kiosk.welcome",
        "kiosk.finish",
        "kiosk.leave",
        "pages.accessibility",
        "pages.privacy",
        "pages.help",
    }
)
"""What visitors need. Not what downloads: a file would stay on the tablet. Not what signs in otherwise, or out."""


class LeadsOut(NotAllowedError):
    """A visitor's tablet was asked for something that isn't theirs: it goes back to its start."""


def open_for(kiosk: Kiosk, now: datetime) -> None:
    """Replace whoever's session this is by the tablet's."""
    cookie.clear()
    cookie.permanent = True
    cookie[SCHOOL], cookie[KIOSK] = str(kiosk.organisation_id), str(kiosk.id)
    cookie[SEEN] = now.timestamp()


def is_open() -> bool:
    """Say whether this is a tablet that was opened for visitors."""
    return SCHOOL in cookie


def school_id() -> UUID | None:
    """Return the school whose tablet this is; None for anybody's own device."""
    return UUID(cookie[SCHOOL]) if is_open() else None


def name() -> str | None:
    """Return what wrong guesses on this tablet are counted against; None for anybody's own device."""
    return f"tablet {cookie[KIOSK]}" if is_open() else None


def kiosk() -> Kiosk | None:
    """Return this tablet as it is on record; None once it was left, and for anybody's own device."""
    return session.get(Kiosk, UUID(cookie[KIOSK])) if is_open() else None


def kept() -> dict[str, str | float]:
    """Return what stays in the session when a visitor's begins or ends."""
    return {name: cookie[name] for name in (SCHOOL, KIOSK, SEEN) if name in cookie}


def begin_anew() -> None:
    """Drop all that a session holds, its forms' token too, but that this is the school's tablet."""
    still = kept()
    cookie.clear()
    cookie.update(still)
    cookie.permanent = bool(still)
    g.pop("_login_user", None)


def keep_inside(endpoint: str | None, now: datetime) -> None:
    """Let a tablet's request through or raise LeadsOut. A tablet that was left meanwhile is nobody's session."""
    if kiosk() is None:
        cookie.clear()
        g.pop("_login_user", None)
        return
    is_away = now.timestamp() - cookie.get(SEEN, 0) > AWAY.total_seconds()
    if endpoint not in OPENS or (is_away and "_user_id" in cookie and endpoint != "kiosk.welcome"):
        raise LeadsOut("This tablet is open for visitors’ pages alone.")
    cookie[SEEN] = now.timestamp()
