"""What a desk is shown of a visitor's signature at another school of the trust: name, agency, school and date."""

from __future__ import annotations

from lms import passport
from lms.desk import Visit
from lms.desk_day import Line, State
from lms.passport import Passport
from lms.web import access, reading


def shown(visit: Visit, line: Line) -> list[Passport]:
    """Return what a visitor need only confirm, to be shown now; that it was shown is written down at both schools."""
    # Who declined can't confirm any more. Were others who aren't done shown it, the desk would know who declined.
    if line.state in (State.SIGNED, State.NOT_DONE) or visit.left_at is not None:
        return []
    found = passport.of_person(line.person, access.school(), access.request_time())
    if found:
        reading.afterwards(lambda: _record(found))
    return found


def _record(found: list[Passport]) -> None:
    for one in found:
        passport.record_look_up(one, access.user().person.id, access.request_time())
