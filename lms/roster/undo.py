"""Undoing an import, while nothing that came later depends on it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from lms import audit
from lms.audit import Event
from lms.corrections import Correction, correct_person
from lms.db import Base, session
from lms.errors import ConflictError
from lms.people import ENGAGEMENT_FACTS, Engagement, Person, correct_engagements, full_name
from lms.roster.imports import Done, ImportState, RosterEffect, RosterImport
from lms.schools import Organisation

MOST_NAMED = 5
"""So many of the people who stand in the way are named."""

_DEPENDS = {
    "attestation.person_id": "has signed, or chosen not to",
    "attempt.person_id": "has begun a module",
    "help_request.person_id": "has asked for help",
    "role.person_id": "was given a role",
    "credential.person_id": "has a password",
    "exemption.person_id": "was exempted from something",
    "absence.person_id": "is recorded as away",
    "visit.person_id": "was expected at reception",
    "personal_link.person_id": "was given a personal link",
    "correction.person_id": "was corrected by hand",
    "merge.merged_id": "was merged into another record",
    "merge.kept_id": "was merged with another record",
    "engagement.person_id": "was engaged again",
    "engagement.manager_id": "is somebody’s line manager",
}
"""What may have come of somebody whom an import added, in words; other tables say that there is something."""
_HARMLESS = frozenset({"engagement.recorded_by", "message.person_id", "reminder.person_id"})
"""What may stay when an import is undone."""


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Why an import can't be undone."""

    name: str
    words: str


def obstacles(found: RosterImport) -> list[Obstacle]:
    """Return what stands in the way of undoing an import, some of it; nothing where it can be undone. A few queries."""
    assert found.applied_at is not None
    rows = session.execute(sa.union_all(*_changed_since(found), *_later_records(found)).limit(MOST_NAMED * 4))
    words: dict[UUID, str] = {}
    for row in rows:
        words.setdefault(row[0], row[1])
    people = session.scalars(sa.select(Person).where(Person.id.in_(words)).order_by(Person.sort_name))
    return [Obstacle(full_name(p.forename, p.surname), words[p.id]) for p in people if words][:MOST_NAMED]


def undo(found: RosterImport, *, by: UUID, now: datetime) -> None:
    """Undo an import: what it recorded is recorded no longer, and earlier reports keep what they said.

    Whoever it added stays without an engagement, so that reports of the days between still have their name.

    Raises:
        ConflictError: it isn't applied, or something that came later depends on it.
    """
    root_id = sa.select(sa.func.coalesce(Organisation.parent_id, Organisation.id)).where(
        Organisation.id == found.organisation_id
    )
    session.execute(
        sa.select(Organisation.id)
        .where(Organisation.id == root_id.scalar_subquery())
        .with_for_update(key_share=True)
    )
    session.refresh(found)
    if found.state is not ImportState.APPLIED:
        raise ConflictError("This import is undone already.")
    if standing := obstacles(found):
        raise ConflictError(
            f"It can’t be undone any more: {standing[0].name} {standing[0].words} since. "
            "Put single records right by hand."
        )
    _take_back_corrections(found, by, now)
    _take_back_changes(found, by, now)
    _end_engagements(found, now)
    found.state, found.undone_at, found.undone_by = ImportState.UNDONE, now, by
    session.flush()
    audit.record(
        Event.ROSTER_UNDONE,
        organisation_id=found.organisation_id,
        now=now,
        actor_id=by,
        roster_import=str(found.id),
    )


def _effects(found: RosterImport, *done: Done) -> sa.Select[*tuple[Any, ...]]:
    return sa.select(RosterEffect).where(RosterEffect.import_id == found.id, RosterEffect.done.in_(done))


def _changed_since(found: RosterImport) -> list[sa.Select[*tuple[Any, ...]]]:
    """Return the queries for what the import recorded and is recorded otherwise now: person, and why."""
    still = (
        sa.exists()
        .where(Engagement.id == RosterEffect.engagement_id, Engagement.recorded_to.is_(None))
        .where(Engagement.recorded_from <= found.applied_at)
    )
    recorded = _why("has an engagement that was changed").where(
        RosterEffect.import_id == found.id, RosterEffect.engagement_id.is_not(None), ~still
    )
    later = aliased(Correction)
    corrected = (
        _why("was corrected by hand")
        .join(Correction, Correction.id == RosterEffect.correction_id)
        .join(later, sa.and_(later.person_id == Correction.person_id, later.fact == Correction.fact))
        .where(RosterEffect.import_id == found.id, later.corrected_at > found.applied_at)
    )
    signed = (
        _why(_DEPENDS["attestation.person_id"])
        .join(_ATTESTATION, _ATTESTATION.c.person_id == RosterEffect.person_id)
        .where(RosterEffect.import_id == found.id, RosterEffect.done == Done.ENGAGED)
        .where(_ATTESTATION.c.recorded_at >= found.applied_at)
        .where(_ATTESTATION.c.organisation_id == found.organisation_id)
    )
    return [recorded, corrected, signed]


_ATTESTATION = sa.table(
    "attestation",
    sa.column("person_id", sa.Uuid()),
    sa.column("organisation_id", sa.Uuid()),
    sa.column("recorded_at", sa.inspect(RosterImport).c.applied_at.type),
)


def _why(words: str) -> sa.Select[*tuple[Any, ...]]:
    return sa.select(RosterEffect.person_id, sa.literal(words).label("why"))


def _later_records(found: RosterImport) -> Iterable[sa.Select[*tuple[Any, ...]]]:
    """Return a query for every column that names a person, for those whom the import added: person, and why."""
    added = sa.select(RosterEffect.person_id).where(
        RosterEffect.import_id == found.id, RosterEffect.done == Done.ADDED
    )
    own = sa.select(RosterEffect.engagement_id).where(
        RosterEffect.import_id == found.id, RosterEffect.engagement_id.is_not(None)
    )
    for table in Base.metadata.sorted_tables:
        if table.name in (RosterEffect.__tablename__, RosterImport.__tablename__):
            continue
        for column in table.columns:
            name = f"{table.name}.{column.name}"
            if name in _HARMLESS or not any(
                key.column is Person.__table__.c.id for key in column.foreign_keys
            ):
                continue
            query = sa.select(column, sa.literal(_DEPENDS.get(name, "is in later records"))).where(
                column.in_(added)
            )
            yield query.where(table.c.id.not_in(own)) if table.name == "engagement" else query


def _take_back_corrections(found: RosterImport, by: UUID, now: datetime) -> None:
    rows = session.execute(
        sa.select(Person, Correction)
        .join(Correction, Correction.person_id == Person.id)
        .join(RosterEffect, RosterEffect.correction_id == Correction.id)
        .where(RosterEffect.import_id == found.id)
    ).all()
    for person, correction in rows:
        correct_person(person, {correction.fact: correction.before}, by=by, now=now)
    session.flush()


def _take_back_changes(found: RosterImport, by: UUID, now: datetime) -> None:
    ids = _effects(found, Done.CHANGED).with_only_columns(RosterEffect.engagement_id)
    rows = session.scalars(
        sa.select(Engagement)
        .where(Engagement.id.in_(ids))
        .where(sa.or_(Engagement.recorded_to.is_(None), Engagement.recorded_to == found.applied_at))
    ).all()
    before = {row.id: row for row in rows if row.recorded_to is not None}
    correct_engagements(
        (
            (row, {fact: getattr(before[row.id], fact) for fact in ENGAGEMENT_FACTS})
            for row in rows
            if row.recorded_to is None and row.id in before
        ),
        by=by,
        now=now,
    )


def _end_engagements(found: RosterImport, now: datetime) -> None:
    ids = _effects(found, Done.ENGAGED).with_only_columns(RosterEffect.engagement_id)
    session.execute(
        sa.update(Engagement)
        .where(Engagement.id.in_(ids), Engagement.recorded_to.is_(None))
        .values(recorded_to=now)
        .execution_options(synchronize_session=False)
    )
