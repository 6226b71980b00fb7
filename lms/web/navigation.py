"""The ways on from every page: the whole navigation, and the few links of a page in a platform's frame."""

from __future__ import annotations

from flask import g, url_for
from flask.globals import request

from lms.db import session
from lms.people import RoleName
from lms.schools import Kind, Organisation
from lms.web import access
from lms.web.access import LtiSession

Link = tuple[str, str, bool]
"""Its words, its address, and whether it is where one is."""

_RECORDS = {"reporting", "links", "inset"}
_TRAINING = {"learning.home", "learning.module", "learning.step", "learning.summary"}


def whole() -> list[Link]:
    """Return the navigation of somebody who is signed in."""
    links = [
        ("My training", url_for("learning.home"), request.endpoint in _TRAINING),
        ("My receipts", url_for("signing.receipts"), request.endpoint == "signing.receipts"),
        (
            "Policies",
            url_for("learning.policies"),
            request.endpoint in {"learning.policies", "learning.policy"},
        ),
    ]
    school: Organisation | None = g.get("school")
    if school is not None:
        links += _of_school(school) if school.kind is Kind.SCHOOL else []
        links += _of_trust(school)
    if any(RoleName.ADMIN in held for held in access.user().roles.values()):
        links.append(_administration())
        links.append(("Platforms", url_for("platforms.home"), request.blueprint == "platforms"))
    return links


def in_frame(launched: LtiSession | None, here: str) -> list[Link]:
    """Return the start, and for those who have one in this session, their desk. `here` is the page's address."""
    held = access.user().roles.get(launched.school_id, frozenset()) if launched else frozenset()
    links = [start(here)]
    if launched is not None and held - {RoleName.LEARNER}:
        school = session.get_one(Organisation, launched.school_id)
        links += _of_school(school) if school.kind is Kind.SCHOOL else []
    if RoleName.ADMIN in held:
        links.append(_administration())
    return links


def start(here: str) -> Link:
    """Return the way to what there is to do."""
    return "My training", url_for("learning.home"), here == url_for("learning.home")


def _administration() -> Link:
    return "Administration", url_for("admin.home"), request.endpoint == "admin.home"


def _of_trust(here: Organisation) -> list[Link]:
    """Return the way to the records of the trust, for its HR."""
    trust_id = here.id if here.kind is Kind.TRUST else here.parent_id
    held = access.user().roles.get(trust_id, frozenset()) if trust_id else frozenset()
    if not held & {RoleName.HR, RoleName.ADMIN}:
        return []
    trust = session.get_one(Organisation, trust_id)
    here_now = request.endpoint == "reporting.trust"
    return [("All schools", url_for("reporting.trust", trust=trust.slug), here_now)]


def _of_school(school: Organisation) -> list[Link]:
    held = access.user().roles_at(school)
    links = []
    if held & {RoleName.RECEPTIONIST, RoleName.HR, RoleName.ADMIN}:
        desk = url_for("reception.desk", school=school.slug)
        links.append(("Reception", desk, request.blueprint == "reception"))
    if held & {RoleName.MANAGER, RoleName.HR, RoleName.ADMIN}:
        records = url_for("reporting.records", school=school.slug)
        links.append(("Staff records", records, request.blueprint in _RECORDS))
    if RoleName.ADMIN in held:
        settings = url_for("admin.settings", school=school.slug)
        links.append(("Settings", settings, request.endpoint == "admin.settings"))
    return links
