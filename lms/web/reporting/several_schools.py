"""The schools for which somebody does the work of HR: those of a trust whose records they may open."""

from __future__ import annotations

import sqlalchemy as sa

from lms.db import session
from lms.people import RoleName
from lms.schools import Kind, Organisation
from lms.web import access


def schools_of_hr(school: Organisation) -> list[Organisation]:
    """Return a school, and the others of its trust at which the signed-in person is HR too, by name. One query."""
    if school.parent_id is None:
        return [school]
    siblings = session.scalars(
        sa.select(Organisation)
        .where(Organisation.parent_id == school.parent_id, Organisation.kind == Kind.SCHOOL)
        .order_by(Organisation.name, Organisation.id)
    )
    wanted, user = {RoleName.HR, RoleName.ADMIN}, access.user()
    return [found for found in siblings if access.is_opened(found) and user.roles_at(found) & wanted]
