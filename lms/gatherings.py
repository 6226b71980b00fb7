"""An INSET day: a hall of people who sign in by one code on the screen, each as themselves.

The code on the screen lets nobody in: it opens the page on which each asks for a link to their own work address, or
types their own code from the host's list. A code is good at its own gathering alone, so what a guesser may try there
is what counts: `tests/test_gatherings.py` works the chance out.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Any, cast
from uuid import UUID, uuid4

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, mapped_column

from lms import audit, compliance, short_codes, standings, tokens
from lms.audit import Event
from lms.db import Base, is_sqlite, session
from lms.errors import NotFoundError
from lms.people import Person, works_at
from lms.short_codes import NotACode

CODE_LENGTH = 8
LONGEST = timedelta(hours=12)
WHILE = timedelta(minutes=15)
WRONG_AT_ONE = 500
"""Wrong codes at one gathering in a quarter of an hour: a hall of 150 may mistype three times each."""
HOUR = timedelta(hours=1)
WRONG_IN_ALL = 10_000
"""Wrong codes at all gatherings in an hour."""
MOST_CODES = 300
"""How many codes one list has."""

_EVERYWHERE = "wrong gathering codes from anywhere"


class Gathering(Base):
    """A session that a host opened at a school, until it closes."""

    __tablename__ = "gathering"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    organisation_id: Mapped[UUID] = mapped_column(sa.ForeignKey("organisation.id"), index=True)
    title: Mapped[str]
    host_id: Mapped[UUID] = mapped_column(sa.ForeignKey("person.id"))
    code: Mapped[str] = mapped_column(unique=True)
    """Kept as it is, for it is no secret: a screen shows it to a whole hall, and it lets nobody in."""
    opens: Mapped[datetime]
    closes: Mapped[datetime]

    def is_open(self, now: datetime) -> bool:
        """Say whether people may join."""
        return self.opens <= now < self.closes


class Attendee(Base):
    """Somebody on the host's list, or who joined without being on it."""

    __tablename__ = "gathering_attendee"
    __table_args__ = (sa.UniqueConstraint("gathering_id", "person_id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    gathering_id: Mapped[UUID] = mapped_column(sa.ForeignKey("gathering.id"))
    person_id: Mapped[UUID] = mapped_column(sa.ForeignKey("person.id"))
    code_hash: Mapped[str | None] = mapped_column(sa.String(64), unique=True)
    """Of the code on the host's list, for somebody who has no work address to hand."""
    joined_at: Mapped[datetime | None]


class Refusal(Enum):
    """Why nobody joins."""

    UNKNOWN = "no gathering has this code"
    CLOSED = "it is over, or the host has closed it"
    PAUSED = "too many wrong codes: codes from the list wait a while, links by mail don't"
    WRONG = "nobody on the host's list has this code"
    NOT_HERE = "the person isn't engaged at the school"


@dataclass(frozen=True, slots=True)
class Counts:
    """How a gathering stands, without names."""

    expected: int
    """On the list, or joined without being on it."""
    joined: int
    signed: int

    @property
    def not_yet(self) -> int:
        """How many of those expected haven't signed everything."""
        return self.expected - self.signed


def open_gathering(
    school_id: UUID, host_id: UUID, title: str, closes: datetime, now: datetime, own_id: UUID
) -> Gathering:
    """Open a gathering until a moment; the same id again is the same gathering.

    Raises:
        NotFoundError: the id is another school's gathering's.
    """
    held = session.get(Gathering, own_id)
    if held is not None:
        return gathering_at(school_id, own_id)
    made = Gathering(id=own_id, organisation_id=school_id, title=title, host_id=host_id)
    made.code, made.opens, made.closes = short_codes.new(CODE_LENGTH), now, min(closes, now + LONGEST)
    session.add(made)
    session.flush()
    _record(Event.GATHERING_OPENED, made, host_id, now)
    return made


def close(gathering: Gathering, by: UUID, now: datetime) -> None:
    """Let nobody join any more. Who has signed in stays signed in; a second time changes nothing."""
    if gathering.is_open(now):
        gathering.closes = now
        session.flush()
        _record(Event.GATHERING_CLOSED, gathering, by, now)


def gathering_at(school_id: UUID, gathering_id: UUID) -> Gathering:
    """Return a school's gathering. Raises NotFoundError for one that is unknown or another school's."""
    found = session.get(Gathering, gathering_id)
    if found is None or found.organisation_id != school_id:
        raise NotFoundError("There is no such session at this school.")
    return found


def gatherings(school_id: UUID, most: int) -> list[Gathering]:
    """Return a school's gatherings, the newest first."""
    newest = (
        sa.select(Gathering).where(Gathering.organisation_id == school_id).order_by(Gathering.opens.desc())
    )
    return list(session.scalars(newest.limit(most)))


def find(typed: str, now: datetime) -> Gathering | Refusal:
    """Return the gathering whose code is on the screen, or why nobody joins it."""
    try:
        code = short_codes.read(typed, CODE_LENGTH)
    except NotACode:
        return Refusal.UNKNOWN
    found = session.scalar(sa.select(Gathering).where(Gathering.code == code))
    if found is None:
        return Refusal.UNKNOWN
    return found if found.is_open(now) else Refusal.CLOSED


def counts(gathering: Gathering, now: datetime) -> Counts:
    """Return how many are expected, have joined, and have signed all that they are asked to. Three queries."""
    rows = session.execute(
        sa.select(Attendee.person_id, Attendee.joined_at).where(Attendee.gathering_id == gathering.id)
    ).all()
    items = compliance.items([gathering.organisation_id], now)
    left = standings.unsigned(items, [person_id for person_id, _ in rows])
    return Counts(
        expected=len(rows),
        joined=sum(joined_at is not None for _, joined_at in rows),
        signed=len(rows) - len(left),
    )


def listed(gathering: Gathering) -> set[UUID]:
    """Return who has a code on the host's list already."""
    rows = session.scalars(
        sa.select(Attendee.person_id).where(
            Attendee.gathering_id == gathering.id, Attendee.code_hash.is_not(None)
        )
    )
    return set(rows)


def make_codes(
    gathering: Gathering, people: Iterable[UUID], secret: str, *, by: UUID, now: datetime
) -> dict[UUID, str]:
    """Make a code for each of some people and return them, to show once: only hashes are kept.

    `secret` is of the page that was pressed on: the same press again makes the same codes. Another makes new ones,
    and the old ones stop working.
    """
    made = {
        person_id: short_codes.made_from(secret, f"{gathering.id} {person_id}", CODE_LENGTH)
        for person_id in people
    }
    rows = [
        {**_blank(gathering, person_id), "code_hash": _hash(gathering, code)}
        for person_id, code in made.items()
    ]
    if rows and _upsert(rows, "code_hash"):
        _record(Event.GATHERING_CODES_MADE, gathering, by, now, people=len(rows))
    return made


def mark_of(gathering: Gathering, person_id: UUID) -> str | None:
    """Return what tells somebody's code from the one before it; None where they have none."""
    kept = session.scalar(
        sa.select(Attendee.code_hash).where(
            Attendee.gathering_id == gathering.id, Attendee.person_id == person_id
        )
    )
    return kept[:16] if kept else None


def forget_code(gathering: Gathering, person_id: UUID) -> None:
    """End somebody's code, because whoever has it says that it isn't theirs."""
    session.execute(
        sa.update(Attendee)
        .where(Attendee.gathering_id == gathering.id, Attendee.person_id == person_id)
        .values(code_hash=None)
    )


def person_with(gathering: Gathering, code: str, now: datetime) -> Person | Refusal:
    """Return whose code from the host's list it is, or why nobody's. A wrong one counts; names nobody yet."""
    if is_paused(gathering, now):
        return Refusal.PAUSED
    person = session.scalar(
        sa.select(Person)
        .join(Attendee, Attendee.person_id == Person.id)
        .where(Attendee.gathering_id == gathering.id, Attendee.code_hash == _hash(gathering, code))
        .where(Person.erased_at.is_(None))
    )
    if person is not None:
        return person
    tokens.allow(_guesses(gathering), most=WRONG_AT_ONE, within=WHILE, now=now)
    tokens.allow(_EVERYWHERE, most=WRONG_IN_ALL, within=HOUR, now=now)
    return Refusal.WRONG


def is_paused(gathering: Gathering, now: datetime) -> bool:
    """Say whether codes from the list aren't looked at for a while, because of wrong ones."""
    return (
        tokens.used(_guesses(gathering), within=WHILE, now=now) >= WRONG_AT_ONE
        or tokens.used(_EVERYWHERE, within=HOUR, now=now) >= WRONG_IN_ALL
    )


def join(gathering: Gathering, person_id: UUID, now: datetime) -> Refusal | None:
    """Write down that somebody has joined, or say why they can't. The first time counts."""
    if not gathering.is_open(now):
        return Refusal.CLOSED
    if not works_at(person_id, gathering.organisation_id, now):
        return Refusal.NOT_HERE
    _upsert([_blank(gathering, person_id) | {"joined_at": now}], "joined_at", only_first=True)
    return None


def _blank(gathering: Gathering, person_id: UUID) -> dict[str, object]:
    return {"id": uuid4(), "gathering_id": gathering.id, "person_id": person_id}


def _upsert(rows: list[dict[str, object]], column: str, *, only_first: bool = False) -> bool:
    """Set a column of some attendees, adding those who are none yet; say whether anything changed."""
    table = cast(sa.Table, Attendee.__table__)
    insert = (sqlite.insert if is_sqlite() else postgresql.insert)(table).values(rows)
    held, wanted = table.c[column], insert.excluded[column]
    changed = held.is_(None) if only_first else sa.or_(held.is_(None), held != wanted)
    statement = insert.on_conflict_do_update(
        index_elements=["gathering_id", "person_id"], set_={column: wanted}, where=changed
    )
    return bool(session.execute(statement.returning(table.c.id)).first())


def _record(event: Event, gathering: Gathering, by: UUID, now: datetime, **details: Any) -> None:
    audit.record(
        event,
        organisation_id=gathering.organisation_id,
        now=now,
        actor_id=by,
        gathering=str(gathering.id),
        **details,
    )


def _guesses(gathering: Gathering) -> str:
    return f"wrong codes at gathering {gathering.id}"


def _hash(gathering: Gathering, code: str) -> str:
    return short_codes.hashed(code, str(gathering.id))
