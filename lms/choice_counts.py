"""How often each choice of a module was made, by nobody in particular: what a school may learn from its practice."""

from __future__ import annotations

import functools
from typing import cast
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, mapped_column

from lms.db import Base, connection, is_sqlite
from lms.people import EngagementType


class ChoiceCount(Base):
    """How often a choice was made, by nobody in particular."""

    __tablename__ = "choice_count"

    organisation_id: Mapped[UUID] = mapped_column(sa.ForeignKey("organisation.id"), primary_key=True)
    module_sha256: Mapped[str] = mapped_column(sa.String(64), primary_key=True)
    scene: Mapped[str] = mapped_column(primary_key=True)
    choice: Mapped[str] = mapped_column(primary_key=True)
    engagement_type: Mapped[EngagementType] = mapped_column(primary_key=True)
    n: Mapped[int]


def count_choice(
    organisation_id: UUID, module_sha256: str, scene: str, choice: str, *, engagement_type: EngagementType
) -> None:
    """Count one more making of a choice, in the content that has this hash. Who made it is not kept."""
    counted = {
        "organisation_id": organisation_id,
        "module_sha256": module_sha256,
        "scene": scene,
        "choice": choice,
        "engagement_type": engagement_type,
        "n": 1,
    }
    connection().execute(_count_one(is_sqlite()), counted)


@functools.cache
def _count_one(sqlite_here: bool) -> sa.Insert:
    # Made once: building it takes longer than running it.
    table = cast(sa.Table, ChoiceCount.__table__)
    insert = (sqlite.insert if sqlite_here else postgresql.insert)(table)
    return insert.on_conflict_do_update(index_elements=list(table.primary_key), set_={"n": table.c.n + 1})
