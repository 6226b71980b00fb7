"""Personal links for governors, volunteers and contractors: the link by one way, a short code by another.

Whoever finds a forwarded link doesn't find the code with it. Five wrong codes lock a link, so a guesser's chance is
five in 7.29 × 10⁸, whatever the code's way.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, StrEnum
from typing import cast
from uuid import UUID, uuid4

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, mapped_column

from lms import audit, compliance, help_requests, mail, short_codes, standings, tokens
from lms.audit import Event
from lms.clock import day_in_words, london_day
from lms.db import Base, is_sqlite, session
from lms.errors import ConflictError, NotFoundError
from lms.help_requests import HelpKind
from lms.mail import Message, MessageKind
from lms.people import Person, works_at
from lms.schools import Organisation

LASTS = timedelta(days=14)
CODE_LENGTH = 6
MOST_WRONG = 5
"""Wrong codes that one link takes before it is locked."""
WHILE = timedelta(minutes=15)
WRONG_FROM_AN_ADDRESS = 50
"""Wrong codes, for any links, that one network address may send in a quarter of an hour: a school has one address."""
MOST_AT_ONCE = 100


class CodeWay(StrEnum):
    """How the short code reaches the person, so that whoever finds a forwarded link doesn't have it."""

    SECOND_ADDRESS = "second_address"
    HANDED_OVER = "handed_over"


class PersonalLink(Base):
    """One person's link to what they have to sign at one school: one row each, made anew when it is sent again."""

    __tablename__ = "personal_link"
    __table_args__ = (sa.UniqueConstraint("organisation_id", "person_id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    organisation_id: Mapped[UUID] = mapped_column(sa.ForeignKey("organisation.id"))
    person_id: Mapped[UUID] = mapped_column(sa.ForeignKey("person.id"), index=True)
    hash: Mapped[str | None] = mapped_column(sa.String(64), unique=True)
    """Of the link's secret; null until the letter is written, for the outbox holds the intent alone."""
    code_hash: Mapped[str | None] = mapped_column(sa.String(64))
    """Null until the letter is written that takes the code to a second address."""
    code_way: Mapped[CodeWay]
    press_hash: Mapped[str] = mapped_column(sa.String(64))
    """Of the press of the button that made it as it is: the same press again changes nothing."""
    wrong_codes: Mapped[int] = mapped_column(default=0)
    made_by: Mapped[UUID] = mapped_column(sa.ForeignKey("person.id"))
    made_at: Mapped[datetime]
    expires: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    message_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("message.id"))
    """Null for a printed letter."""

    @property
    def is_locked(self) -> bool:
        """Whether too many wrong codes were given."""
        return self.wrong_codes >= MOST_WRONG


class Refusal(Enum):
    """Why a link opens nothing."""

    UNKNOWN = "no link has this secret: not copied whole, or replaced by a newer one"
    EXPIRED = "its fourteen days are over"
    REVOKED = "the school took it back"
    LOCKED = "too many wrong codes"
    LEFT = "the person isn't engaged at the school any more"
    NOTHING_TO_SIGN = "everything is signed, or nothing is asked"


@dataclass(frozen=True, slots=True)
class Press:
    """One press of HR's button: who pressed it when, and the secret that its page held."""

    school: Organisation
    by: UUID
    secret: str
    now: datetime

    @property
    def hash(self) -> str:
        """What is kept of the press."""
        return hashlib.sha256(self.secret.encode()).hexdigest()

    @property
    def mailing_id(self) -> UUID:
        """What the letters of one press go out with: the same press again is the same mailing."""
        return UUID(hex=self.hash[:32], version=4)


@dataclass(frozen=True, slots=True)
class Made:
    """A link as it was just made: what HR may see of it this once."""

    link: PersonalLink
    person: Person
    code: str | None
    """To hand over; None when it goes to a second address."""
    secret: str | None = None
    """For a printed letter; None when the link goes by e-mail."""


def send(press: Press, person: Person, code_to: str | None = None, *, mailing_id: UUID | None = None) -> Made:
    """Queue a link for a person's address, and its code for `code_to`, a second address, where there is one.

    `mailing_id` is what it goes out with, where the press sends several.
    An earlier link and its code die with this. The same press again changes nothing, and returns the same.

    Raises:
        ConflictError: they have no address, or have nothing to sign at the school.
    """
    if not person.email:
        raise ConflictError(f"{person.name} has no e-mail address on record. Print a letter instead.")
    link, is_new = _renewed(press, person)
    code = None if code_to else _code(press, link)
    if is_new:
        link.code_way = CodeWay.SECOND_ADDRESS if code_to else CodeWay.HANDED_OVER
        link.code_hash = short_codes.hashed(code, str(link.id)) if code else None
        link.message_id = _queue(MessageKind.PERSONAL_LINK, link, person.email, mailing_id)
        if code_to:
            _queue(MessageKind.LINK_CODE, link, code_to)
        went_with = {"mailing": str(mailing_id)} if mailing_id else {}
        _record(Event.LINK_MADE, link, press, way="e-mail", code=link.code_way.value, **went_with)
    return Made(link, person, code)


def print_letter(press: Press, person: Person) -> Made:
    """Make a link for a printed letter, its code to be handed over. An earlier link and its code die with this.

    Raises:
        ConflictError: they have nothing to sign at the school.
    """
    link, is_new = _renewed(press, person)
    code, secret = _code(press, link), _secret(press, link)
    if is_new:
        link.code_way, link.message_id = CodeWay.HANDED_OVER, None
        link.code_hash = short_codes.hashed(code, str(link.id))
        link.hash = _hash(secret)
        _record(Event.LINK_MADE, link, press, way="letter", code=link.code_way.value)
    return Made(link, person, code, secret)


def revoke(press: Press, link: PersonalLink) -> None:
    """End a link at once, and every session that its person has open. A second time changes nothing."""
    if link.revoked_at is None:
        _end(link, press.now)
        _record(Event.LINK_REVOKED, link, press)


def disown(link: PersonalLink, now: datetime) -> None:
    """End a link whose opener says that it isn't theirs, and tell HR.

    Raises:
        NotFoundError: nothing is left to sign.
    """
    school, person = session.get_one(Organisation, link.organisation_id), _person(link)
    left = standings.unsigned(compliance.items([school.id], now), [person.id]).get(person.id)
    if not left:
        raise NotFoundError("There is nothing to sign at the moment.")
    asked = help_requests.ask(school, person.id, left[0], HelpKind.NOT_ME, "", now)
    help_requests.tell_hr(school, person, asked, now)
    _end(link, now)


def find(secret: str, now: datetime, *, to_change: bool = False) -> PersonalLink | Refusal:
    """Return the link that a secret opens, or why it opens nothing. With `to_change` others wait meanwhile."""
    wanted = sa.select(PersonalLink).where(PersonalLink.hash == _hash(secret))
    link = session.scalar(wanted.with_for_update() if to_change else wanted)
    return Refusal.UNKNOWN if link is None else _refusal(link, now) or link


def _refusal(link: PersonalLink, now: datetime) -> Refusal | None:
    if _person(link).erased_at is not None:
        return Refusal.UNKNOWN
    if link.revoked_at is not None:
        return Refusal.REVOKED
    if link.is_locked:
        return Refusal.LOCKED
    if link.expires <= now:
        return Refusal.EXPIRED
    if not works_at(link.person_id, link.organisation_id, now):
        return Refusal.LEFT
    items = compliance.items([link.organisation_id], now)
    return None if standings.unsigned(items, [link.person_id]) else Refusal.NOTHING_TO_SIGN


def is_paused(address: str | None, now: datetime) -> bool:
    """Say whether a network address has sent so many wrong codes that none of its codes is looked at for a while."""
    return tokens.used(_guesses(address), within=WHILE, now=now) >= WRONG_FROM_AN_ADDRESS


def give_code(link: PersonalLink, code: str, address: str | None, now: datetime) -> bool:
    """Say whether a code is the link's. A wrong one counts; the fifth locks the link, and HR is told."""
    if link.code_hash and hmac.compare_digest(short_codes.hashed(code, str(link.id)), link.code_hash):
        return True
    tokens.allow(_guesses(address), most=WRONG_FROM_AN_ADDRESS, within=WHILE, now=now)
    link.wrong_codes += 1
    if link.wrong_codes == MOST_WRONG:
        _tell_hr_of_lock(link, now)
    session.flush()
    return False


def link_at(school_id: UUID, link_id: UUID) -> PersonalLink:
    """Return a school's link, held against others' changes. Raises NotFoundError for another school's."""
    found = session.scalar(sa.select(PersonalLink).where(PersonalLink.id == link_id).with_for_update())
    if found is None or found.organisation_id != school_id:
        raise NotFoundError("There is no such link at this school.")
    return found


def mint_secret(link_id: UUID, message: Message) -> str:
    """Make the secret of a link while its letter is written; the one before it, if any, is dead.

    Raises:
        NotFoundError: the link was revoked, or made anew since the letter was queued.
    """
    link = _unchanged(link_id)
    if link.message_id != message.id:
        raise NotFoundError("a newer link has replaced this one")
    secret = secrets.token_urlsafe(32)
    link.hash = _hash(secret)
    return secret


def mint_code(link_id: UUID, made_at: str) -> str:
    """Make the code of a link while the letter to a second address is written; the one before it is dead.

    Raises:
        NotFoundError: the link was revoked, or made anew since `made_at`.
    """
    link = _unchanged(link_id)
    if link.made_at.isoformat() != made_at or link.code_way is not CodeWay.SECOND_ADDRESS:
        raise NotFoundError("a newer link has replaced the one that this code was for")
    code = short_codes.new(CODE_LENGTH)
    link.code_hash = short_codes.hashed(code, str(link.id))
    return short_codes.in_halves(code)


def _renewed(press: Press, person: Person) -> tuple[PersonalLink, bool]:
    """Return a person's link, and whether this press has just made it anew. Nothing of an old one works any more."""
    items = compliance.items([press.school.id], press.now)
    if not standings.unsigned(items, [person.id]):
        raise ConflictError(f"{person.name} has nothing to sign here at the moment, so no link was made.")
    link = _row(press, person)
    if hmac.compare_digest(link.press_hash, press.hash):
        return link, False
    link.press_hash, link.hash, link.code_hash, link.wrong_codes = press.hash, None, None, 0
    link.made_by, link.made_at, link.expires, link.revoked_at = press.by, press.now, press.now + LASTS, None
    return link, True


def _row(press: Press, person: Person) -> PersonalLink:
    insert = sqlite.insert if is_sqlite() else postgresql.insert
    table = cast(sa.Table, PersonalLink.__table__)
    blank = {
        "id": uuid4(),
        "organisation_id": press.school.id,
        "person_id": person.id,
        "code_way": CodeWay.HANDED_OVER,
        "press_hash": "",
        "wrong_codes": 0,
        "made_by": press.by,
        "made_at": press.now,
        "expires": press.now,
    }
    session.execute(insert(table).values(blank).on_conflict_do_nothing())
    held = sa.select(PersonalLink).where(
        PersonalLink.organisation_id == press.school.id, PersonalLink.person_id == person.id
    )
    return session.scalars(held.with_for_update()).one()


def _unchanged(link_id: UUID) -> PersonalLink:
    link = session.get(PersonalLink, link_id, with_for_update=True)
    if link is None or link.revoked_at is not None:
        raise NotFoundError("the link was revoked before this was sent")
    return link


def _queue(
    kind: MessageKind, link: PersonalLink, address: str, mailing_id: UUID | None = None
) -> UUID | None:
    return mail.queue(
        kind,
        organisation_id=link.organisation_id,
        person_id=link.person_id,
        address=address,
        now=link.made_at,
        mailing_id=mailing_id,
        link=str(link.id),
        made=link.made_at.isoformat(),
        until=day_in_words(london_day(link.expires)),
    )


def _end(link: PersonalLink, now: datetime) -> None:
    link.revoked_at = now
    _person(link).sign_in_epoch += 1
    session.flush()


def _tell_hr_of_lock(link: PersonalLink, now: datetime) -> None:
    school, person = session.get_one(Organisation, link.organisation_id), _person(link)
    audit.record(Event.LINK_LOCKED, organisation_id=school.id, now=now, subject_id=person.id)
    for somebody in help_requests.hr_people(school):
        mail.queue(
            MessageKind.LINK_LOCKED,
            organisation_id=school.id,
            person_id=somebody.id,
            address=somebody.email or "",
            now=now,
            of=person.name,
        )


def _record(event: Event, link: PersonalLink, press: Press, **details: str) -> None:
    audit.record(
        event,
        organisation_id=press.school.id,
        now=press.now,
        actor_id=press.by,
        subject_id=link.person_id,
        **details,
    )


def _person(link: PersonalLink) -> Person:
    return session.get_one(Person, link.person_id)


def _code(press: Press, link: PersonalLink) -> str:
    return short_codes.made_from(press.secret, f"code of {link.id}", CODE_LENGTH)


def _secret(press: Press, link: PersonalLink) -> str:
    made = hashlib.sha256(f"secret of {link.id}:{press.secret}".encode()).digest()
    return base64.urlsafe_b64encode(made).rstrip(b"=").decode()


def _guesses(address: str | None) -> str:
    return f"wrong link codes from {short_codes.network_of(address)}"


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
