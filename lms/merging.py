"""Making one of two records that are the same person's. Nothing is deleted, and what each signed stays where it is."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import sqlalchemy as sa

from lms.absences import Absence
from lms.corrections import correct_person
from lms.db import Versioned, session
from lms.errors import ConflictError
from lms.help_requests import HelpRequest
from lms.lti.identities import Identity
from lms.merges import Merge
from lms.outside_training import OutsideTraining
from lms.people import Engagement, Person, roles_of
from lms.recording import record_anew

_MOVED: tuple[tuple[type[Versioned], str], ...] = (
    (Engagement, "person_id"),
    (Engagement, "manager_id"),
    (OutsideTraining, "person_id"),
    (Absence, "person_id"),
    (Merge, "kept_id"),
)
"""What goes over to the record that goes on, from now on: reports of earlier days keep both."""


def merge(kept: Person, merged: Person, *, by: UUID, now: datetime) -> Merge:
    """Record that two records are one person's: `merged` comes to rest, and `kept` goes on with what both have.

    Engagements, who they manage, absences and training elsewhere go over, and so does signing in. Attestations and
    completions stay where they are as evidence; compliance looks at both. What reports said of earlier days stays.

    Raises:
        ConflictError: they are the same record, not of one trust, merged already; or `merged` has a role, or both
            were away at the same time.
    """
    _check(kept, merged)
    moved = {f"{table.__tablename__}.{column}": ids for table, column, ids in _move(kept, merged, by, now)}
    for table in (Identity, HelpRequest):
        session.execute(sa.update(table).where(table.person_id == merged.id).values(person_id=kept.id))
    _hand_over(kept, merged, by, now)
    made = Merge(
        id=uuid4(),
        recorded_from=now,
        root_id=kept.root_id,
        kept_id=kept.id,
        merged_id=merged.id,
        moved=moved,
        recorded_by=by,
    )
    session.add(made)
    session.flush()
    return made


def _check(kept: Person, merged: Person) -> None:
    # Two officers at once: the second waits here. In one order, so that they don't wait for each other.
    both = sa.select(Person).where(Person.id.in_((kept.id, merged.id))).order_by(Person.id)
    session.scalars(both.with_for_update().execution_options(populate_existing=True)).all()
    if kept.id == merged.id or kept.root_id != merged.root_id:
        raise ConflictError("Choose another person of the same trust.")
    if kept.merged_into or merged.merged_into:
        raise ConflictError("One of these records was merged already. Look at what is there.")
    if roles_of(merged.id):
        raise ConflictError(
            f"{merged.name} may open pages of others. Merge the other way round, or ask an administrator."
        )
    mine, theirs = (_absences(person) for person in (kept, merged))
    if any(
        a.overlaps(b.starts, b.ends) for a in mine for b in theirs if a.organisation_id == b.organisation_id
    ):
        raise ConflictError(
            "Both are recorded as away on the same days. Take one of the absences back first."
        )


def _absences(person: Person) -> list[Absence]:
    current = sa.select(Absence).where(Absence.person_id == person.id, Absence.recorded_to.is_(None))
    return list(session.scalars(current))


def _move(
    kept: Person, merged: Person, by: UUID, now: datetime
) -> Iterable[tuple[type[Any], str, list[str]]]:
    for table, column in _MOVED:
        held = sa.select(table).where(getattr(table, column) == merged.id, table.recorded_to.is_(None))
        rows = session.scalars(held).all()
        record_anew([(row, {column: kept.id}) for row in rows], by=by, now=now)
        yield table, column, [str(row.id) for row in rows]


def _hand_over(kept: Person, merged: Person, by: UUID, now: datetime) -> None:
    """Give the record that goes on the address and number that it lacks, and end what opens the other."""
    facts = {fact: getattr(kept, fact) or getattr(merged, fact) for fact in ("known_as", "email", "staff_no")}
    correct_person(merged, {"email": None, "staff_no": None}, by=by, now=now)
    correct_person(kept, facts, by=by, now=now)
    merged.merged_into = kept.id
    merged.sign_in_epoch += 1
