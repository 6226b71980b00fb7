"""Trusts: several schools whose people are on record once, and whose HR sees them side by side."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from lms import audit
from lms.audit import Event
from lms.corrections import Correction
from lms.db import session
from lms.errors import ConflictError
from lms.merges import Merge
from lms.people import Person
from lms.schools import Kind, Organisation


def take_in(trust: Organisation, school: Organisation, now: datetime) -> int:
    """Put a school that stood by itself under a trust, with everybody on record there; return how many that are.

    Who is on record at both stays so: HR merges the two, having looked at them. The school's ledger goes on unchanged.

    Raises:
        ConflictError: it is a trust's already; or a staff number is somebody's here and somebody's there, and
            a staff list would take the one for the other.
    """
    if trust.kind is not Kind.TRUST:
        raise ConflictError(f"{trust.name} is a school. Make the trust first: countersign trust create NAME")
    if school.kind is not Kind.SCHOOL or school.parent_id is not None:
        raise ConflictError(
            f"{school.name} is not a school by itself, so it can’t be put under {trust.name}."
        )
    if shared := _shared_numbers(trust, school):
        raise ConflictError(
            f"These staff numbers are on record both at {school.name} and in {trust.name}: {', '.join(shared)}. "
            "Correct them at one of the two first, on each person's page. Nothing was changed."
        )
    moved = session.execute(_moved(Person, school, trust))
    for table in (Correction, Merge):
        session.execute(_moved(table, school, trust))
    school.parent_id = trust.id
    audit.record(Event.SCHOOL_JOINED, organisation_id=school.id, now=now, trust=str(trust.id))
    session.flush()
    return int(moved.rowcount)  # type: ignore[attr-defined]


def _moved(
    table: type[Person] | type[Correction] | type[Merge], school: Organisation, trust: Organisation
) -> sa.Update:
    return sa.update(table).where(table.root_id == school.id).values(root_id=trust.id)


def _shared_numbers(trust: Organisation, school: Organisation) -> list[str]:
    other = aliased(Person)
    rows = session.scalars(
        sa.select(Person.staff_no)
        .join(other, other.staff_no == Person.staff_no)
        .where(Person.root_id == school.id, other.root_id == trust.id)
        .where(Person.erased_at.is_(None), other.erased_at.is_(None))
        .where(Person.merged_into.is_(None), other.merged_into.is_(None))
        .distinct()
        .order_by(Person.staff_no)
        .limit(10)
    )
    return [number for number in rows if number]
