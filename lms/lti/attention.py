"""What waits for HR on the page about the learning platform, for a line on another page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from lms.db import session
from lms.lti import leavers, matches
from lms.lti.platforms import Deployment
from lms.lti.scores import Score, ScoreState
from lms.schools import Organisation


@dataclass(frozen=True, slots=True)
class Attention:
    """How much there is to settle, and whether a platform is connected at all."""

    platforms: int
    matches: int
    refused: int
    leavers: int

    @property
    def words(self) -> list[str]:
        """What there is, each in words; nothing where there is none."""
        counted = (
            (self.matches, "person to match", "people to match"),
            (self.refused, "score refused", "scores refused"),
            (self.leavers, "person who may have left", "people who may have left"),
        )
        return [f"{number:,} {one if number == 1 else many}" for number, one, many in counted if number]


def attention(school: Organisation, now: datetime) -> Attention:
    """Return what there is to settle at a school. One query."""
    deployed = sa.select(sa.func.count()).where(
        Deployment.organisation_id == school.id, Deployment.approved_at.is_not(None)
    )
    refused = sa.select(sa.func.count()).where(
        Score.organisation_id == school.id, Score.state == ScoreState.REFUSED
    )
    row = session.execute(
        sa.select(
            deployed.scalar_subquery(),
            matches.number(school),
            refused.scalar_subquery(),
            leavers.number(school.id, now),
        )
    ).one()
    return Attention(*row)
