"""What people have given for an item by a moment, told in SQL: signatures, refusals, and modules begun.

A statement says whose it looks at: what one record gave, or what all the records of a person did that were merged.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from lms import merges
from lms.attestations import SIGNING_KINDS, Attestation, Kind
from lms.db import is_sqlite
from lms.items import Item
from lms.training import Attempt

Moment = sa.BindParameter[datetime]
Whose = Callable[[Any, Any], sa.ColumnElement[bool]]
"""The condition that a column names a record of a person."""

# Made once: an alias takes as long to make as the rest of the statement.
SIGNED = aliased(Attestation, name="signed")
"""The last signature, where `is_last_signed` holds."""
_LATER = aliased(Attestation, name="later")
_REFUSAL = aliased(Attestation, name="refusal")
_WITHDRAWAL = aliased(Attestation, name="withdrawal")


def is_own(column: Any, person_id: Any) -> sa.ColumnElement[bool]:
    """Look at the one record that a person has."""
    condition: sa.ColumnElement[bool] = column == person_id
    return condition


def is_one_of(moment: Moment) -> Whose:
    """Look at all the records of a person that had been merged by a moment."""
    return lambda column, person_id: merges.is_one_of(column, person_id, moment)


def its_id(item: Item, engaged: sa.Subquery) -> Any:
    """Return the id of the assignment that somebody is obliged by: where items are told together, the column."""
    return engaged.c.assignment_id if item.alike else item.assignment.id


def is_listed(
    item: Item, engaged: sa.Subquery, table: Any, *conditions: sa.ColumnElement[bool]
) -> sa.ColumnElement[bool]:
    """Return the condition that a table has somebody's row: one list of the few who have beats many look-ups."""
    if not item.alike:
        of_it = sa.select(table.person_id).where(table.assignment_id == item.assignment.id, *conditions)
        return engaged.c.person_id.in_(of_it)
    ids = [one.assignment.id for one in (item, *item.alike)]
    of_any = sa.select(table.assignment_id, table.person_id).where(table.assignment_id.in_(ids), *conditions)
    return sa.tuple_(engaged.c.assignment_id, engaged.c.person_id).in_(of_any)


def is_last_signed(item: Item, engaged: sa.Subquery, whose: Whose, moment: Moment) -> sa.ColumnElement[bool]:
    """Return the condition that SIGNED is the last signature that somebody gave and hasn't withdrawn."""
    # Where there is but one record, a signature is compared with those of its own: that is quicker to look up.
    person_id = SIGNED.person_id if whose is is_own else engaged.c.person_id
    superseded = sa.exists().where(
        *_signing(item, engaged, person_id, _LATER, whose, moment),
        _LATER.recorded_at >= SIGNED.recorded_at,
        sa.or_(_LATER.recorded_at > SIGNED.recorded_at, _LATER.id > SIGNED.id),
    )
    # In this order: then only the last one of somebody's many is looked at for having been withdrawn.
    return sa.and_(~superseded, *_signing(item, engaged, engaged.c.person_id, SIGNED, whose, moment))


def _signing(
    item: Item, engaged: sa.Subquery, person_id: Any, attestation: Any, whose: Whose, moment: Moment
) -> list[sa.ColumnElement[bool]]:
    assignment, own = item.assignment, attestation.assignment_id
    counting = [assignment.id, *map(UUID, assignment.earlier)]
    # Lower case they are already. By the column itself PostgreSQL looks in the index of kinds, which has no moments.
    lower = sa.func.lower(attestation.kind, type_=attestation.kind.type)
    kind = attestation.kind if is_sqlite() else lower
    return [
        own.in_(counting) if assignment.earlier else own == its_id(item, engaged),
        *_stands(person_id, attestation, whose, moment),
        kind.in_(SIGNING_KINDS),
    ]


def _stands(person_id: Any, attestation: Any, whose: Whose, moment: Moment) -> list[sa.ColumnElement[bool]]:
    """Return the conditions for what one person gave by the moment, and hasn't been withdrawn."""
    return [
        whose(attestation.person_id, person_id),
        attestation.recorded_at <= moment,
        ~sa.exists().where(
            _WITHDRAWAL.refers_to == attestation.id,
            _WITHDRAWAL.kind == Kind.WITHDRAWN,
            _WITHDRAWAL.recorded_at <= moment,
        ),
    ]


def has_declined(item: Item, engaged: sa.Subquery, whose: Whose, moment: Moment) -> sa.ColumnElement[bool]:
    """Return the condition that somebody declined after what they signed last, if anything."""
    has = sa.exists().where(
        _REFUSAL.assignment_id == its_id(item, engaged),
        *_stands(engaged.c.person_id, _REFUSAL, whose, moment),
        _REFUSAL.kind == Kind.DECLINED,
        sa.or_(SIGNED.id.is_(None), _REFUSAL.recorded_at > SIGNED.recorded_at),
    )
    if whose is not is_own:
        return has
    # Few decline: one list of who ever did spares everybody else the look-up.
    return sa.and_(is_listed(item, engaged, _REFUSAL, _REFUSAL.kind == Kind.DECLINED), has)


def has_begun(item: Item, engaged: sa.Subquery, whose: Whose, moment: Moment) -> sa.ColumnElement[bool]:
    """Return the condition that somebody has begun a module."""
    return sa.exists().where(
        whose(Attempt.person_id, engaged.c.person_id),
        Attempt.assignment_id == its_id(item, engaged),
        Attempt.started_at <= moment,
    )
