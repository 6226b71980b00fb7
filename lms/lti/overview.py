"""How the platforms of some organisations are: for their administrators, and for whoever runs the server."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from lms.db import session
from lms.lti.launch_log import ACCEPTED, Launch
from lms.lti.platforms import Deployment, Registration, RegistrationState
from lms.schools import Organisation


@dataclass(frozen=True, slots=True)
class Line:
    """One platform: how many places of it may launch us or wait to, and its last launches."""

    registration: Registration
    organisation: Organisation
    approved: int
    waiting: int
    launch: Launch | None
    refusal: Launch | None

    @property
    def state(self) -> str:
        """How it is, in a word or two."""
        if self.registration.state is RegistrationState.PAUSED:
            return "paused"
        if self.waiting:
            return "waits for approval"
        return "in use" if self.launch else "not used yet"


def lines(organisation_ids: Collection[UUID] | None = None) -> list[Line]:
    """Return the platforms of these organisations, or all, by name. Two queries, however many there are."""
    accepted, refused = aliased(Launch), aliased(Launch)
    wanted = (
        sa.select(Registration, Organisation, accepted, refused)
        .join(Organisation, Organisation.id == Registration.organisation_id)
        .outerjoin(accepted, accepted.id == _newest(Launch.outcome == ACCEPTED))
        .outerjoin(refused, refused.id == _newest(Launch.outcome != ACCEPTED))
        .order_by(Registration.name, Registration.registered_at)
    )
    if organisation_ids is not None:
        wanted = wanted.where(Registration.organisation_id.in_(organisation_ids))
    found = session.execute(wanted).all()
    counts = _deployments([row[0].id for row in found])
    return [
        Line(registration, organisation, *counts.get(registration.id, (0, 0)), launch, refusal)
        for registration, organisation, launch, refusal in found
    ]


def _newest(kind: sa.ColumnElement[bool]) -> sa.ScalarSelect[UUID]:
    # One by one along the index: the log of a school's year is long, and the newest are at its end.
    ids = sa.select(Launch.id).where(Launch.registration_id == Registration.id, kind)
    return ids.order_by(Launch.at.desc()).limit(1).correlate(Registration).scalar_subquery()


def _deployments(ids: list[UUID]) -> dict[UUID, tuple[int, int]]:
    """Return how many deployments are approved and how many wait, by registration."""
    approved = sa.func.count(Deployment.approved_at)
    counted = (
        sa.select(Deployment.registration_id, approved, sa.func.count() - approved)
        .where(Deployment.registration_id.in_(ids))
        .group_by(Deployment.registration_id)
    )
    return {row[0]: (row[1], row[2]) for row in session.execute(counted)}


def refusals(registration_id: UUID | None, most: int) -> list[Launch]:
    """Return the latest launches of a platform that were refused, newest first; None: of unknown platforms."""
    wanted = sa.select(Launch).where(Launch.registration_id == registration_id, Launch.outcome != ACCEPTED)
    return list(session.scalars(wanted.order_by(Launch.at.desc()).limit(most)))
