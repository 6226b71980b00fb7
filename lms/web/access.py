"""Who is signed in, and the one check before every view of who may open it (the table is in rules.py)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import cast
from uuid import UUID

import sqlalchemy as sa
from flask import current_app, g
from flask import session as cookie
from flask.globals import request
from flask_login import UserMixin, current_user, login_user, logout_user

from lms import clock
from lms.attestations import IdentityAssurance
from lms.config import Settings
from lms.db import session
from lms.errors import NotAllowedError, NotFoundError
from lms.lti.platforms import Registration, RegistrationState
from lms.people import Engagement, Person, Role, RoleName, roles_by_organisation, roles_of
from lms.schools import Kind, Organisation, school_by_slug
from lms.web import tablet
from lms.web.rules import RULES, Rule

_OWN_TRANSACTIONS = frozenset({Rule.OWN_TRANSACTIONS, Rule.ADMIN_OWN_TRANSACTIONS})
_OF_ADMINS = frozenset({Rule.ADMIN_ANYWHERE, Rule.ADMIN_OWN_TRANSACTIONS})
_SCHOOL_ROLES: dict[Rule, frozenset[RoleName]] = {
    Rule.RECORDS: frozenset({RoleName.MANAGER, RoleName.HR, RoleName.ADMIN}),
    Rule.RECEPTION: frozenset({RoleName.RECEPTIONIST, RoleName.HR, RoleName.ADMIN}),
    Rule.HR: frozenset({RoleName.HR, RoleName.ADMIN}),
    Rule.ADMIN: frozenset({RoleName.ADMIN}),
    Rule.TRUST_HR: frozenset({RoleName.HR, RoleName.ADMIN}),
}


Roles = dict[UUID, frozenset[RoleName]]
"""Role names by the organisation that they are held at."""


class SignInNeeded(NotAllowedError):
    """Nobody is signed in; the page that was wanted comes after signing in."""


@dataclass(frozen=True)
class LtiSession:
    """What a session knows that began in a platform. It is kept in the cookie, so it holds nothing personal."""

    registration_id: UUID
    school_id: UUID
    role: RoleName
    """What the platform's role gives at that school, for as long as this session lasts."""
    frame_origins: tuple[str, ...]
    """The platform's origins, which alone may show our pages in a frame; none in a window of its own."""


@dataclass(frozen=True)
class User(UserMixin):  # type: ignore[misc]
    """The signed-in person with the roles they hold, loaded once a request."""

    person: Person
    roles: Roles

    def get_id(self) -> str:
        """Return what the cookie holds: the person and the epoch of their sessions."""
        return f"{self.person.id}.{self.person.sign_in_epoch}"

    def roles_at(self, school: Organisation) -> frozenset[RoleName]:
        """Return the roles that hold at a school: those given there, and above it in the tree."""
        above = self.roles.get(school.parent_id, frozenset()) if school.parent_id else frozenset()
        return self.roles.get(school.id, frozenset()) | above


# Every request of somebody signed in runs this, so it is built once.
_USER = (
    sa.select(Person, Role)
    .outerjoin(Role, Role.person_id == Person.id)
    .where(Person.id == sa.bindparam("person"))
)
_USER_OF_PLATFORM = _USER.where(
    sa.exists().where(
        Registration.id == sa.bindparam("registration"), Registration.state == RegistrationState.ACTIVE
    )
)


def load_user(cookie_id: str) -> User | None:
    """Return the user whom a cookie names, unless the session is over, was ended since, or its platform is paused."""
    identity, _, epoch = cookie_id.partition(".")
    if cookie.get("until", request_time().timestamp()) < request_time().timestamp():
        return None
    launched, named = lti_session(), {"person": UUID(identity)}
    if launched is None:
        rows = session.execute(_USER, named).all()
    else:
        rows = session.execute(_USER_OF_PLATFORM, named | {"registration": launched.registration_id}).all()
    if not rows or _is_at_rest(rows[0][0]) or str(rows[0][0].sign_in_epoch) != epoch:
        return None
    held = roles_by_organisation(role for _, role in rows if role is not None)
    return User(rows[0][0], _roles_in(launched, held, cookie.get("assurance")))


def _is_at_rest(person: Person) -> bool:
    return person.erased_at is not None or person.merged_into is not None


WITHOUT_ROLES = frozenset(
    {
        IdentityAssurance.PHOTO_ID,
        IdentityAssurance.LINK_AND_HANDED_CODE,
        IdentityAssurance.LINK_AND_SENT_CODE,
        IdentityAssurance.LISTED_CODE,
    }
)
"""Ways of signing in that somebody at one school arranges for another person: to learn and to sign, and no more."""


def _roles_in(launched: LtiSession | None, held: Roles, known_by: str | None = None) -> Roles:
    """Return what somebody may do in this session, whose `IdentityAssurance` is `known_by`.

    What reception or HR hand out lets its holder sign, and never opens what that person may see elsewhere. A platform
    vouches for who somebody is at one school, and its administrator can act as any of its users: so a session that
    began there opens that school alone, whatever roles the person has elsewhere.
    """
    if known_by in WITHOUT_ROLES:
        return {}
    if launched is None:
        return held
    here = held.get(launched.school_id, frozenset())
    return {launched.school_id: here | {launched.role}}


def sign_in(
    person: Person,
    assurance: IdentityAssurance,
    *,
    until: datetime | None = None,
    only_at: UUID | None = None,
) -> None:
    """Begin a new session for somebody, and remember how we know who it is. With `until`, it ends then.

    `only_at` is the school that arranged it for another person: nothing of other schools is opened in it.
    """
    _begin(User(person, _roles_in(None, roles_of(person.id), assurance)), assurance)
    if only_at is not None:
        cookie["only_at"] = str(only_at)
    if until is not None:
        cookie["until"] = until.timestamp()


def sign_in_by_launch(person: Person, roles: Roles, launched: LtiSession) -> None:
    """Begin a new session for somebody whom a platform vouches for. `roles` are those that the person holds."""
    user = User(person, _roles_in(launched, roles))
    # Who opens a second link of the course goes on in the page of the first: what is in its forms stays good.
    kept = cookie.get("csrf_token") if cookie.get("_user_id") == user.get_id() else None
    _begin(user, IdentityAssurance.LMS_ACCOUNT)
    if kept is not None:
        cookie["csrf_token"] = kept
    cookie["lti"] = {
        "registration": str(launched.registration_id),
        "school": str(launched.school_id),
        "role": launched.role.value,
        "frame": list(launched.frame_origins),
    }


def _begin(user: User, assurance: IdentityAssurance) -> None:
    cookie.clear()
    cookie.permanent = True
    login_user(user)
    cookie["assurance"] = assurance.value


def lti_session() -> LtiSession | None:
    """Return what the session knows of the platform that it began in; None for one that began with us."""
    kept = cookie.get("lti")
    if kept is None:
        return None
    return LtiSession(
        UUID(kept["registration"]), UUID(kept["school"]), RoleName(kept["role"]), tuple(kept["frame"])
    )


def sign_out() -> None:
    """End every session of this person: a cookie that was copied is worth nothing, wherever it is."""
    user().person.sign_in_epoch += 1
    logout_user()
    tablet.begin_anew()


def forget_person() -> None:
    """Drop who was loaded in this request, so that a page made after a rollback doesn't claim to know."""
    g.pop("_login_user", None)


def user() -> User:
    """Return who is signed in. Only for routes whose rule asks for it."""
    return cast(User, current_user._get_current_object())


def assurance() -> IdentityAssurance:
    """Return how we know who is signed in."""
    return IdentityAssurance(cookie["assurance"])


def school() -> Organisation:
    """Return the school in the address. Only for routes that have one."""
    return cast(Organisation, g.school)


def settings() -> Settings:
    """Return the app's settings."""
    return cast(Settings, current_app.config["SETTINGS"])


def request_time() -> datetime:
    """Return the moment of this request, the same wherever it is asked for."""
    if "now" not in g:
        g.now = clock.now()
    return cast(datetime, g.now)


def needs_no_database(endpoint: str | None) -> bool:
    """Say whether a route is served without a transaction."""
    return RULES.get(endpoint or "") is Rule.NO_DATABASE


def sees_to_transactions(endpoint: str | None) -> bool:
    """Say whether a route's view opens transactions of its own, because it fetches from outside between them."""
    return RULES.get(endpoint or "") in _OWN_TRANSACTIONS


def is_for_anyone(endpoint: str | None) -> bool:
    """Say whether a route that sees to its own transactions is for anyone, so that there is nothing to look up.

    On a visitors' tablet it isn't: a launch would put somebody's session in the place of the lock.
    """
    return RULES.get(endpoint or "") is Rule.OWN_TRANSACTIONS and not tablet.is_open()


def check() -> None:
    """Let the request through or raise: SignInNeeded, NotFoundError (another school's), NotAllowedError, LeadsOut."""
    rule = RULES[request.endpoint or ""]
    if tablet.is_open():
        tablet.keep_inside(request.endpoint, request_time())
    if rule in (Rule.ANYONE, Rule.OWN_TRANSACTIONS):
        return
    if not current_user.is_authenticated:
        raise SignInNeeded("Sign in to go on.")
    if rule in _OF_ADMINS and not any(RoleName.ADMIN in held for held in user().roles.values()):
        raise NotAllowedError("This page is for administrators.")
    if rule in _SCHOOL_ROLES:
        _check_school(_SCHOOL_ROLES[rule])


def _check_school(wanted: frozenset[RoleName]) -> None:
    named = request.view_args or {}
    found = school_by_slug(named["trust"] if "trust" in named else named["school"])
    held = user().roles_at(found)
    if not held or ("trust" in named and found.kind is not Kind.TRUST):
        # As if it weren't there: whether a school uses this is not everybody's to know.
        raise NotFoundError(f"There is no school at the address {found.slug!r}.")
    if not held & wanted:
        raise NotAllowedError("Your role at this school doesn't open this page. Ask HR or an administrator.")
    g.school = found


def only_at() -> UUID | None:
    """Return the one school that this session opens; None where it opens all that the person has."""
    kept = cookie.get("only_at")
    return UUID(kept) if kept else None


def is_opened(found: Organisation) -> bool:
    """Say whether this session opens what somebody has at a school."""
    return only_at() in (None, found.id)


def check_school_shown() -> None:
    """Let the answer of a view through, or raise NotFoundError: it is of a school that this session doesn't open."""
    shown: Organisation | None = g.get("school")
    if RULES[request.endpoint or ""] is Rule.SIGNED_IN and shown is not None and not is_opened(shown):
        raise NotFoundError("There is nothing for you at this address in this session.")


def safe_next(target: str | None) -> str:
    """Return the page to open after signing in: one of ours, or the start."""
    return target if target and re.fullmatch(r"/(?![/\\])[!-~]*", target) and "\\" not in target else "/"


def home_school() -> Organisation | None:
    """Return the school that a signed-in person's pages are headed with: where they work or have a role."""
    if (only := only_at()) is not None:
        return session.get(Organisation, only)
    person = user().person
    engaged = (
        sa.select(Engagement.organisation_id)
        .where(Engagement.person_id == person.id, Engagement.recorded_to.is_(None))
        .order_by(Engagement.starts.desc())
    )
    school_id = session.scalar(engaged.limit(1)) or next(iter(user().roles), None)
    return session.get(Organisation, school_id) if school_id else None
