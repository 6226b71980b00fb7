"""Who may open what: one table of routes, one check before every view. A route that isn't here can't be opened."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
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
from lms.people import Engagement, Person, Role, RoleName, roles_by_organisation, roles_of
from lms.schools import Organisation, school_by_slug


class Rule(Enum):
    """Who may open a route. The last three are about the school in the address."""

    NO_DATABASE = "anyone, and no transaction is opened"
    ANYONE = "anyone"
    SIGNED_IN = "anyone who is signed in; the view sees to whose it is"
    RECORDS = "managers, HR and admins of the school (managers see only done or not done of their own team)"
    HR = "HR and admins of the school"
    ADMIN = "admins of the school"
    ADMIN_ANYWHERE = "admins of any organisation"


RULES: dict[str, Rule] = {
    "static": Rule.NO_DATABASE,
    "health.alive": Rule.NO_DATABASE,
    "health.ready": Rule.NO_DATABASE,
    "pages.accessibility": Rule.ANYONE,
    "pages.privacy": Rule.ANYONE,
    "pages.help": Rule.ANYONE,
    "sign_in.sign_in": Rule.ANYONE,
    "sign_in.sent": Rule.ANYONE,
    "sign_in.password": Rule.ANYONE,
    "sign_in.link": Rule.ANYONE,
    "sign_in.sign_out": Rule.SIGNED_IN,
    "learning.home": Rule.SIGNED_IN,
    "learning.module": Rule.SIGNED_IN,
    "learning.start": Rule.SIGNED_IN,
    "learning.step": Rule.SIGNED_IN,
    "learning.summary": Rule.SIGNED_IN,
    "learning.policies": Rule.SIGNED_IN,
    "learning.policy": Rule.SIGNED_IN,
    "signing.sign": Rule.SIGNED_IN,
    "signing.not_signing": Rule.SIGNED_IN,
    "signing.not_signing_way": Rule.SIGNED_IN,
    "signing.receipts": Rule.SIGNED_IN,
    "signing.receipt": Rule.SIGNED_IN,
    "signing.proof": Rule.SIGNED_IN,
    "signing.record": Rule.SIGNED_IN,
    "signing.text": Rule.SIGNED_IN,
    "reporting.records": Rule.RECORDS,
    "reporting.person": Rule.HR,
    "reporting.exempt": Rule.HR,
    "reporting.settle_request": Rule.HR,
    "reporting.exports": Rule.HR,
    "reporting.export": Rule.HR,
    "reporting.assignments": Rule.HR,
    "reporting.new_assignment": Rule.HR,
    "reporting.withdraw_assignment": Rule.HR,
    "admin.home": Rule.ADMIN_ANYWHERE,
    "admin.resend": Rule.ADMIN_ANYWHERE,
    "admin.settings": Rule.ADMIN,
}

_SCHOOL_ROLES: dict[Rule, frozenset[RoleName]] = {
    Rule.RECORDS: frozenset({RoleName.MANAGER, RoleName.HR, RoleName.ADMIN}),
    Rule.HR: frozenset({RoleName.HR, RoleName.ADMIN}),
    Rule.ADMIN: frozenset({RoleName.ADMIN}),
}


class SignInNeeded(NotAllowedError):
    """Nobody is signed in; the page that was wanted comes after signing in."""


@dataclass(frozen=True)
class User(UserMixin):  # type: ignore[misc]
    """The signed-in person with the roles they hold, loaded once a request."""

    person: Person
    roles: dict[UUID, frozenset[RoleName]]

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


def load_user(cookie_id: str) -> User | None:
    """Return the user whom a cookie names, unless their sessions were ended since."""
    identity, _, epoch = cookie_id.partition(".")
    rows = session.execute(_USER, {"person": UUID(identity)}).all()
    if not rows or rows[0][0].erased_at is not None or str(rows[0][0].sign_in_epoch) != epoch:
        return None
    return User(rows[0][0], roles_by_organisation(role for _, role in rows if role is not None))


def sign_in(person: Person, assurance: IdentityAssurance) -> None:
    """Begin a new session for somebody, and remember how we know who it is."""
    cookie.clear()
    cookie.permanent = True
    login_user(User(person, roles_of(person.id)))
    cookie["assurance"] = assurance.value


def sign_out() -> None:
    """End every session of this person: a cookie that was copied is worth nothing, wherever it is."""
    user().person.sign_in_epoch += 1
    logout_user()
    cookie.clear()


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


def check() -> None:
    """Let the request through or raise: SignInNeeded, NotFoundError (another school's), NotAllowedError."""
    rule = RULES[request.endpoint or ""]
    if rule is Rule.ANYONE:
        return
    if not current_user.is_authenticated:
        raise SignInNeeded("Sign in to go on.")
    if rule is Rule.ADMIN_ANYWHERE and not any(RoleName.ADMIN in held for held in user().roles.values()):
        raise NotAllowedError("This page is for administrators.")
    if rule in _SCHOOL_ROLES:
        _check_school(_SCHOOL_ROLES[rule])


def _check_school(wanted: frozenset[RoleName]) -> None:
    found = school_by_slug((request.view_args or {})["school"])
    held = user().roles_at(found)
    if not held:
        # As if it weren't there: whether a school uses this is not everybody's to know.
        raise NotFoundError(f"There is no school at the address {found.slug!r}.")
    if not held & wanted:
        raise NotAllowedError("Your role at this school doesn't open this page. Ask HR or an administrator.")
    g.school = found


def safe_next(target: str | None) -> str:
    """Return the page to open after signing in: one of ours, or the start."""
    return target if target and re.fullmatch(r"/(?![/\\])[!-~]*", target) and "\\" not in target else "/"


def home_school() -> Organisation | None:
    """Return the school that a signed-in person's pages are headed with: where they work or have a role."""
    person = user().person
    engaged = (
        sa.select(Engagement.organisation_id)
        .where(Engagement.person_id == person.id, Engagement.recorded_to.is_(None))
        .order_by(Engagement.starts.desc())
    )
    school_id = session.scalar(engaged.limit(1)) or next(iter(user().roles), None)
    return session.get(Organisation, school_id) if school_id else None
