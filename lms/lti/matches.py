"""Whether somebody whom a platform sent is an adult on HR's list: offered to HR, who says so, and never guessed."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy.orm import aliased

from lms import audit
from lms.attestations import SIGNING_KINDS, Attestation, Kind
from lms.audit import Event
from lms.confirmations import confirm
from lms.db import session
from lms.errors import NotFoundError
from lms.lti import scores
from lms.lti.identities import Identity, release
from lms.lti.platforms import Deployment
from lms.people import Engagement, Person, engage, is_current
from lms.schools import Organisation


@dataclass(frozen=True, slots=True)
class Candidate:
    """Somebody on HR's list who may be the same adult, and why."""

    person: Person
    has_same_email: bool
    has_same_staff_no: bool


@dataclass(frozen=True, slots=True)
class Offer:
    """Somebody who was made at a first launch, with everybody on HR's list who may be the same adult."""

    identity: Identity
    person: Person
    signed: int
    """How many things they have signed since."""
    candidates: tuple[Candidate, ...]


def offers(school: Organisation) -> list[Offer]:
    """Return what HR of a school is asked about the people whom platforms sent there, the oldest first. Two queries.

    A person belongs to the whole tree, so a candidate may work at another school of the trust.
    """
    signed = (
        sa.select(sa.func.count())
        .where(Attestation.person_id == Person.id, Attestation.kind.in_(SIGNING_KINDS))
        .scalar_subquery()
    )
    ordered = sa.select(Identity, Person, signed).order_by(Identity.first_seen_at, Identity.id)
    rows = session.execute(ordered.select_from(Identity).join(Person, _IS_PERSON).where(*_asked_of(school)))
    waiting = [(identity, person, n or 0) for identity, person, n in rows]
    alike = _Alike(_listed(school, [identity for identity, _, _ in waiting]))
    return [Offer(identity, person, n, alike.to(identity)) for identity, person, n in waiting]


def number(school: Organisation) -> sa.ScalarSelect[int]:
    """Return how many offers there are, as part of a query about other things too."""
    counted = sa.select(sa.func.count()).select_from(Identity).join(Person, _IS_PERSON)
    return counted.where(*_asked_of(school)).scalar_subquery()


class _Alike:
    """HR's list by e-mail address and by staff number."""

    def __init__(self, people: Iterable[Person]) -> None:
        self._by_email: dict[str, list[Person]] = {}
        self._by_staff_no: dict[str, list[Person]] = {}
        for person in people:
            if person.email is not None:
                self._by_email.setdefault(person.email, []).append(person)
            if person.staff_no is not None:
                self._by_staff_no.setdefault(person.staff_no, []).append(person)

    def to(self, identity: Identity) -> tuple[Candidate, ...]:
        """Return everybody who may be the same adult, by name."""
        same_email = self._by_email.get(identity.email or "", [])
        same_staff_no = self._by_staff_no.get(identity.staff_no or "", [])
        people = {person.id: person for person in (*same_email, *same_staff_no)}.values()
        by_name = sorted(people, key=lambda person: (person.sort_name, person.id))
        return tuple(Candidate(p, p in same_email, p in same_staff_no) for p in by_name)


_IS_PERSON = Person.id == Identity.person_id
_other = aliased(Person)


def _asked_of(school: Organisation) -> list[sa.ColumnElement[bool]]:
    """Return the conditions that HR is asked about an identity.

    The list is looked through once: an OR in a join would do it for each identity.
    """
    emails = sa.select(_other.email).where(_other.email.is_not(None), *_is_listed(school))
    staff_nos = sa.select(_other.staff_no).where(_other.staff_no.is_not(None), *_is_listed(school))
    return [
        Identity.made_person.is_(True),
        Identity.match_settled_at.is_(None),
        Person.root_id == school.root_id,
        _was_sent_to(school),
        sa.or_(Identity.email.in_(emails), Identity.staff_no.in_(staff_nos)),
    ]


def _is_listed(school: Organisation) -> list[sa.ColumnElement[bool]]:
    """Return the conditions that somebody is on HR's list, and not only known from a platform."""
    made = sa.select(Identity.person_id).where(Identity.made_person)
    here = (_other.root_id == school.root_id, _other.erased_at.is_(None), _other.merged_into.is_(None))
    return [*here, _other.id.not_in(made)]


def _listed(school: Organisation, identities: Collection[Identity]) -> Sequence[Person]:
    if not identities:
        return []
    emails = {identity.email for identity in identities if identity.email}
    staff_nos = {identity.staff_no for identity in identities if identity.staff_no}
    same = sa.or_(_other.email.in_(emails), _other.staff_no.in_(staff_nos))
    return session.scalars(sa.select(_other).where(same, *_is_listed(school))).all()


def _was_sent_to(school: Organisation) -> sa.ColumnElement[bool]:
    """Return the condition that somebody works at a school, or has not said where they do and may."""
    engaged = sa.exists().where(Engagement.person_id == Person.id)
    deployed = sa.exists().where(
        Deployment.registration_id == Identity.registration_id, Deployment.organisation_id == school.id
    )
    return sa.or_(engaged.where(Engagement.organisation_id == school.id), sa.and_(~engaged, deployed))


def settle(
    school: Organisation,
    identity_id: UUID,
    kept_id: UUID | None,
    *,
    by: Person,
    key: Ed25519PrivateKey,
    now: datetime,
) -> bool:
    """Record what HR says of an offer: it is this person on their list, or (None) nobody there.

    The same: the platform's user is that person from now on; what was signed is confirmed for them, each an entry of
    its own; the person who was made works nowhere any more, and their sessions end. Practice that was begun and not
    signed stays where it is: it is nobody else's to see, and is begun again. Somebody else: it is never asked again.
    Return whether this settled it; False when it is settled already (a second press).

    Raises:
        NotFoundError: there is no such offer at this school, or the person isn't one of its candidates.
        ClockError, LedgerError: nothing can be signed just now.
    """
    identity = session.get(Identity, identity_id, with_for_update=True, populate_existing=True)
    if identity is not None and identity.match_settled_at is not None:
        return False
    offer = next((one for one in offers(school) if one.identity.id == identity_id), None)
    if offer is None:
        raise NotFoundError("There is nothing to settle about this person. Look at the list again.")
    if kept_id is not None:
        _join(offer, _candidate(offer, kept_id), by, key, now)
        scores.catch_up(offer.identity, now)
    offer.identity.match_settled_at = now
    release(offer.person)
    _note(school, offer, kept_id, by, now)
    return True


def _note(school: Organisation, offer: Offer, kept_id: UUID | None, by: Person, now: datetime) -> None:
    audit.record(
        Event.MATCH_SETTLED,
        organisation_id=school.id,
        now=now,
        actor_id=by.id,
        subject_id=kept_id or offer.person.id,
        identity=str(offer.identity.id),
        same="yes" if kept_id else "no",
    )
    session.flush()


def _candidate(offer: Offer, person_id: UUID) -> Person:
    found = next((one.person for one in offer.candidates if one.person.id == person_id), None)
    if found is None:
        raise NotFoundError("That person isn’t one of those who may be the same. Look at the list again.")
    return found


def _join(offer: Offer, kept: Person, by: Person, key: Ed25519PrivateKey, now: datetime) -> None:
    made = offer.person
    for original in _signed_by(made):
        confirm(original, kept, by=by, key=key, now=now)
    _move_engagements(made, kept, now)
    offer.identity.person_id, offer.identity.made_person = kept.id, False
    made.sign_in_epoch += 1


def _signed_by(made: Person) -> list[Attestation]:
    """Return what somebody has signed, by school, so that two who settle at once lock ledgers in one order."""
    withdrawal = aliased(Attestation)
    return list(
        session.scalars(
            sa.select(Attestation)
            .where(Attestation.person_id == made.id, Attestation.kind.in_(SIGNING_KINDS))
            .where(
                ~sa.exists().where(withdrawal.refers_to == Attestation.id, withdrawal.kind == Kind.WITHDRAWN)
            )
            .order_by(Attestation.organisation_id, Attestation.recorded_at)
        )
    )


def _move_engagements(made: Person, kept: Person, now: datetime) -> None:
    """End what the made person was recorded as; where the kept person has nothing at a school, it is theirs."""
    rows = session.scalars(
        sa.select(Engagement).where(
            Engagement.person_id.in_([made.id, kept.id]), Engagement.recorded_to.is_(None)
        )
    ).all()
    has = {row.organisation_id for row in rows if row.person_id == kept.id and is_current(row, now)}
    for row in (row for row in rows if row.person_id == made.id):
        row.recorded_to = now
        if row.organisation_id not in has:
            engage(
                kept,
                row.organisation_id,
                row.type,
                starts=row.starts,
                ends=row.ends,
                now=now,
                agency=row.agency,
            )
