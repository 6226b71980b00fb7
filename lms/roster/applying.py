"""A school's staff list, brought in: shown beside what is recorded, then applied in one transaction."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, cast
from uuid import UUID, uuid4, uuid5

import sqlalchemy as sa

from lms import audit
from lms.audit import Event
from lms.clock import london_day
from lms.corrections import correct_person
from lms.db import Base, session, transaction
from lms.errors import ConflictError
from lms.people import Engagement, Person, Role, RoleName, correct_engagements, folded
from lms.roster import imports
from lms.roster.changes import Absent, Change, Changes, Choices, Terms, compare
from lms.roster.imports import Done, ImportState, RosterEffect, RosterImport
from lms.roster.matching import KnownEngagement, KnownPerson
from lms.schools import Organisation
from lms.worker import Kind, Running


class ListChanged(ConflictError):
    """What is recorded isn't what the preview was made from."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What applying did."""

    changes: Changes
    ended: int
    """How many of those absent from the file were recorded as having left."""


def known_people(school: Organisation) -> list[KnownPerson]:
    """Return everybody on record in a school's trust, with their engagements at the school. Four queries."""
    engagements: dict[UUID, list[KnownEngagement]] = defaultdict(list)
    for row in session.execute(_ENGAGEMENTS.where(Engagement.organisation_id == school.id)):
        engagements[row[0]].append(KnownEngagement(*row[1:]))
    elsewhere = set(
        session.scalars(
            sa.select(Engagement.person_id)
            .join(Organisation, Organisation.id == Engagement.organisation_id)
            .where(Engagement.recorded_to.is_(None), Organisation.parent_id == school.root_id)
            .where(Organisation.id != school.id)
        )
    )
    people = session.execute(_PEOPLE.where(Person.root_id == school.root_id))
    powerful = set(session.scalars(sa.select(Role.person_id).where(Role.name != RoleName.LEARNER)))
    return [
        KnownPerson(
            *facts,
            tuple(engagements[facts[0]]),
            is_elsewhere=facts[0] in elsewhere and facts[0] not in engagements,
            has_powers=facts[0] in powerful,
        )
        for facts in people
    ]


_PEOPLE = (
    sa.select(Person.id, Person.surname, Person.forename, Person.known_as, Person.email, Person.staff_no)
    .where(Person.erased_at.is_(None), Person.merged_into.is_(None))
    .order_by(Person.sort_name, Person.id)
)
_ENGAGEMENTS = (
    sa.select(
        Engagement.person_id,
        Engagement.id,
        Engagement.type,
        Engagement.job_title,
        Engagement.agency,
        Engagement.department,
        Engagement.manager_id,
        Engagement.starts,
        Engagement.ends,
    )
    .where(Engagement.recorded_to.is_(None))
    .order_by(Engagement.starts, Engagement.id)
)


def latest_start(school: Organisation, engagements: Collection[UUID]) -> date | None:
    """Return the latest first day of some engagements at a school; None where there are none. One query."""
    return session.scalar(
        sa.select(sa.func.max(Engagement.starts)).where(
            Engagement.organisation_id == school.id,
            Engagement.recorded_to.is_(None),
            Engagement.id.in_(engagements),
        )
    )


def changes_of(found: RosterImport, school: Organisation, choices: Choices | None = None) -> Changes:
    """Return what an import would change, as things are recorded now.

    Raises:
        ConflictError: the file was swept.
        RosterRefused: a column is missing.
    """
    table = imports.table_of(found)
    if table is None:
        raise ConflictError("The file is kept for a day and is gone. Upload it again.")
    terms = _terms(found, school)
    rows = imports.rows_of(found, table, terms.today)
    return compare(rows, known_people(school), terms, choices or Choices())


def apply(
    found: RosterImport,
    school: Organisation,
    choices: Choices,
    *,
    fingerprint: str | None,
    by: UUID | None,
    now: datetime,
) -> Outcome:
    """Apply an import: everything that was shown, with what was chosen. The caller's transaction keeps all of it.

    Args:
        found: the import.
        school: whose it is.
        choices: what was chosen in the preview.
        fingerprint: of the changes that the preview showed; None where nobody has looked at one (the command line).
        by: who applies it; None for the command line.
        now: when.

    Raises:
        ListChanged: what is recorded has changed since the preview, so that it would do something else.
        ConflictError: it was applied already, or its file was swept.
    """
    # Two at once: the second waits here, and then sees what the first did.
    session.execute(
        sa.select(Organisation.id).where(Organisation.id == school.root_id).with_for_update(key_share=True)
    )
    session.refresh(found)
    if found.state is not ImportState.OPEN:
        raise ConflictError("This list was applied already. Look at what it did before you upload it again.")
    shown = changes_of(found, school)
    if fingerprint is not None and shown.fingerprint != fingerprint:
        raise ListChanged("The records changed since you looked. Nothing was applied: look again.")
    changes = shown if choices == Choices() else changes_of(found, school, choices)
    leavers = [absent for absent in shown.absent if absent.engagement.id in choices.leavers]
    _Writing(found, school, by, now).write(changes, leavers, choices)
    found.choices = imports.packed_choices(choices)
    _note(found, changes, len(leavers), by, now)
    return Outcome(changes, len(leavers))


def _terms(found: RosterImport, school: Organisation) -> Terms:
    return Terms(
        today=london_day(found.uploaded_at),
        school=school.name,
        otherwise=found.otherwise,
        # By its line: two presses of one button add the same person, once.
        new_id=lambda line: uuid5(found.id, str(line)),
    )


def _note(found: RosterImport, changes: Changes, ended: int, by: UUID | None, now: datetime) -> None:
    found.state, found.applied_at, found.applied_by = ImportState.APPLIED, now, by
    counts: dict[str, Any] = {
        "new": len(changes.new),
        "changed": len(changes.changed),
        "unchanged": len(changes.unchanged),
        "refused": len(changes.refused),
        "ended": ended,
    }
    for name, count in counts.items():
        setattr(found, name, count)
    session.flush()
    audit.record(
        Event.ROSTER_APPLIED,
        organisation_id=found.organisation_id,
        now=now,
        actor_id=by,
        roster_import=str(found.id),
        **counts,
    )


class _Writing:
    """What is written by one import: a few statements, however many rows there are."""

    def __init__(self, found: RosterImport, school: Organisation, by: UUID | None, now: datetime) -> None:
        self._found, self._school, self._by, self._now = found, school, by, now
        self._effects: list[dict[str, Any]] = []

    def write(self, changes: Changes, leavers: Sequence[Absent], choices: Choices) -> None:
        everything = [*changes.new, *changes.changed]
        self._correct(everything)
        self._add(everything)
        self._engage([change for change in everything if change.engagement is None])
        endings = {absent.engagement.id: {"ends": choices.last_day} for absent in leavers}
        self._change([c for c in everything if c.engagement is not None], endings)
        if self._effects:
            _insert(RosterEffect, self._effects)

    def _correct(self, changes: Iterable[Change]) -> None:
        wanted = {c.person_id: c.person_facts for c in changes if c.person is not None and c.person_facts}
        for person in session.scalars(sa.select(Person).where(Person.id.in_(wanted))) if wanted else ():
            made = correct_person(person, wanted[person.id], by=self._by, now=self._now)
            if "email" in {one.fact for one in made}:
                # Whoever came in by the address that was wrong is out.
                person.sign_in_epoch += 1
            for correction in made:
                self._effect(person.id, Done.CORRECTED, correction_id=correction.id)
        session.flush()

    def _add(self, changes: Iterable[Change]) -> None:
        """Add whoever is new to the trust."""
        new = {c.person_id: c for c in reversed(list(changes)) if c.person is None}
        if new:
            _insert(Person, [self._person(change) for change in new.values()])
        for person_id in new:
            self._effect(person_id, Done.ADDED)

    def _person(self, change: Change) -> dict[str, Any]:
        row = change.row
        return {
            "id": change.person_id,
            "root_id": self._school.root_id,
            "surname": row.surname,
            "forename": row.forename,
            "known_as": row.known_as,
            "sort_name": folded(" ".join(filter(None, (row.surname, row.forename, row.known_as)))),
            "email": row.email,
            "staff_no": row.staff_no,
        }

    def _engage(self, changes: Sequence[Change]) -> None:
        made = []
        for change in changes:
            facts = {
                # The first row's columns are taken to be every row's.
                "manager_id": None,
                **change.engagement_facts,
                "id": uuid4(),
                "person_id": change.person_id,
                "organisation_id": self._school.id,
                "recorded_from": self._now,
                "recorded_by": self._by,
            }
            made.append(facts)
            self._effect(change.person_id, Done.ENGAGED, engagement_id=facts["id"])
        if made:
            _insert(Engagement, made)

    def _change(self, changes: Sequence[Change], endings: dict[UUID, dict[str, Any]]) -> None:
        wanted = {c.engagement.id: dict(c.engagement_facts) for c in changes if c.engagement}
        wanted = {id: facts for id, facts in {**wanted, **endings}.items() if facts}
        if not wanted:
            return
        current = session.scalars(
            sa.select(Engagement).where(
                Engagement.organisation_id == self._school.id,
                Engagement.recorded_to.is_(None),
                Engagement.id.in_(wanted),
            )
        ).all()
        correct_engagements(((e, wanted[e.id]) for e in current), by=self._by, now=self._now)
        for engagement in current:
            self._effect(engagement.person_id, Done.CHANGED, engagement_id=engagement.id)

    def _effect(self, person_id: UUID, done: Done, **ids: UUID) -> None:
        nothing = {"engagement_id": None, "correction_id": None}
        self._effects.append(
            {
                "id": uuid4(),
                "import_id": self._found.id,
                "person_id": person_id,
                "done": done,
                **nothing,
                **ids,
            }
        )


def _insert(model: type[Base], rows: Sequence[dict[str, Any]]) -> None:
    # Into the table and not as objects, which takes three times as long. All rows need the columns of the first.
    session.execute(sa.insert(cast(sa.Table, model.__table__)), rows)


def _apply_by_worker(running: Running) -> None:
    with transaction():
        school = session.get_one(Organisation, running.organisation_id)
        found = imports.import_at(school.id, UUID(running.params["roster_import"]))
        outcome = apply(
            found,
            school,
            imports.choices_of(found),
            fingerprint=running.params["fingerprint"],
            by=running.asked_by,
            now=running.now(),
        )
        running.settle(f"The staff list is in: {outcome.changes.counts}.", done=outcome.changes.total)


KIND = Kind("roster", _apply_by_worker, when_cancelled="Nothing was changed.")
