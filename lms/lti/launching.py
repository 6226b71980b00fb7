"""A launch from its beginning to its end: the login that begins it, what is known of it, and who is let in.

Nothing here opens a transaction or sends anything: the views in `lms.web.lti.launching` see to that. Whoever is refused
leaves a line in the launch log, and nothing else.
Source: 1EdTech Security Framework 1.0, section 5.1.1; LTI 1.3 core, sections 3 and 5.
"""

from __future__ import annotations

import hmac
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast
from urllib.parse import urlencode, urlsplit
from uuid import UUID

import sqlalchemy as sa

from lms.clock import london_day
from lms.db import session
from lms.lti import claims as claim_words
from lms.lti import identities, launch_log, logins, places, platforms, roles
from lms.lti.claims import Claims, MessageType, Named, identifier
from lms.lti.identities import Identity
from lms.lti.invites import Invite
from lms.lti.logins import Login, OidcTransaction
from lms.lti.places import PROGRAMME, Context, LinkUse, ResourceLink
from lms.lti.platforms import Deployment, Registration, RegistrationState
from lms.lti.refusals import LaunchRefusedError, Refusal
from lms.people import Engagement, Person, Role, RoleName, roles_by_organisation
from lms.scenarios import shipped_modules
from lms.schools import Kind, Organisation

_FRAME_NAME = re.compile(r"[A-Za-z0-9_.:-]{1,100}")


@dataclass(frozen=True, slots=True)
class LoginRequest:
    """What a platform says when somebody opens a link: it wants us to ask it who they are. Empty where missing."""

    issuer: str
    client_id: str
    login_hint: str
    target_link_uri: str
    message_hint: str
    storage_target: str
    """lti_storage_target: the frame that keeps things for us, where the platform offers that."""


@dataclass(frozen=True, slots=True)
class Begun:
    """A login that was begun, and the address at the platform where the browser goes next."""

    registration: Registration
    login: Login
    storage_target: str | None
    address: str


@dataclass(frozen=True, slots=True)
class Found:
    """What one query knows of a launch. All beside the login itself is looked up by ids that aren't verified yet."""

    login: OidcTransaction
    registration: Registration
    named: Named
    deployment: Deployment | None
    school: Organisation | None
    identity: Identity | None
    person: Person | None
    held_roles: dict[UUID, frozenset[RoleName]]
    is_engaged: bool
    context: Context | None
    link: ResourceLink | None
    has_used_link: bool


@dataclass(frozen=True, slots=True)
class Entry:
    """Somebody who was let in: who, with what powers, where, and what for."""

    claims: Claims
    registration: Registration
    school: Organisation
    person: Person
    held_roles: dict[UUID, frozenset[RoleName]]
    role: RoleName
    """What the platform's roles give at the school for this session."""
    is_engaged: bool
    target: str
    """`programme`, or the slug of a module that we have."""
    link: ResourceLink | None


def begin(request: LoginRequest, *, base_url: str, now: datetime) -> Begun:
    """Begin a login and write it down. Two queries.

    Raises:
        LaunchRefusedError: UNKNOWN_ISSUER … TARGET_NOT_OURS, PLATFORM_PAUSED.
    """
    registration = _registration(request)
    _check_login(request, registration, base_url)
    offered = request.storage_target if _FRAME_NAME.fullmatch(request.storage_target) else None
    login = logins.begin(registration.id, storage_target=offered, now=now)
    return Begun(
        registration, login, offered, _authentication_request(request, registration, login, base_url)
    )


def _registration(request: LoginRequest) -> Registration:
    issuer = identifier(request.issuer)
    client_id = identifier(request.client_id)
    if issuer is None or (request.client_id and client_id is None):
        raise LaunchRefusedError(Refusal.UNKNOWN_ISSUER, f"iss {request.issuer[:120]!r}")
    found = platforms.registrations_for(issuer, client_id)
    if not found:
        raise LaunchRefusedError(
            Refusal.UNKNOWN_ISSUER, f"iss {issuer[:120]!r}, client_id {request.client_id[:80]!r}"
        )
    if len(found) > 1:
        raise LaunchRefusedError(Refusal.AMBIGUOUS_CLIENT, f"iss {issuer[:120]!r} without client_id")
    return found[0]


def _check_login(request: LoginRequest, registration: Registration, base_url: str) -> None:
    if registration.state is RegistrationState.PAUSED:
        raise LaunchRefusedError(Refusal.PLATFORM_PAUSED)
    if not request.login_hint:
        raise LaunchRefusedError(Refusal.LOGIN_HINT_MISSING)
    _check_target(request.target_link_uri, base_url)


def _check_target(address: str | None, base_url: str) -> None:
    if not address:
        raise LaunchRefusedError(Refusal.TARGET_MISSING)
    if own_path(address, base_url) is None:
        raise LaunchRefusedError(Refusal.TARGET_NOT_OURS, f"{address[:150]} isn't under {base_url}")


def own_path(address: str, base_url: str) -> str | None:
    """Return the path and query of an address of ours, below where we are installed; None for anybody else's."""
    if claim_words.address(address) is None:
        return None
    parts, ours = urlsplit(address), urlsplit(base_url)
    if (parts.scheme, parts.hostname, _port(address)) != (ours.scheme, ours.hostname, _port(base_url)):
        return None
    path = parts.path or "/"
    if path != ours.path and not path.startswith(f"{ours.path}/"):
        return None
    below = path.removeprefix(ours.path) or "/"
    return f"{below}?{parts.query}" if parts.query else below


def _port(address: str) -> int:
    parts = urlsplit(address)
    return parts.port or (443 if parts.scheme == "https" else 80)


def _authentication_request(
    request: LoginRequest, registration: Registration, login: Login, base_url: str
) -> str:
    """Return the address of the platform's sign-in with our request (Security Framework, section 5.1.1.2)."""
    asked = {
        "scope": "openid",
        "response_type": "id_token",
        "response_mode": "form_post",
        "prompt": "none",
        "client_id": registration.client_id,
        "redirect_uri": f"{base_url}/lti/launch",
        "state": login.state,
        "nonce": login.nonce,
        "login_hint": request.login_hint,
    }
    if request.message_hint:
        asked["lti_message_hint"] = request.message_hint
    endpoint = registration.authorization_endpoint
    return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(asked)}"


_LOGIN = (
    sa.select(OidcTransaction, Registration)
    .join(Registration, Registration.id == OidcTransaction.registration_id)
    .where(OidcTransaction.state_hash == sa.bindparam("state_hash"))
)
_IS_ENGAGED = (
    sa.exists()
    .where(Engagement.person_id == Person.id, Engagement.organisation_id == Deployment.organisation_id)
    .where(Engagement.recorded_to.is_(None))
    .where(sa.or_(Engagement.ends.is_(None), Engagement.ends >= sa.bindparam("today")))
)
# Every launch asks this, so it is built once.
_FIND = (
    _LOGIN.add_columns(
        Deployment, Organisation, Identity, Person, Context, ResourceLink, LinkUse.id, _IS_ENGAGED, Role
    )
    .outerjoin(
        Deployment,
        sa.and_(
            Deployment.registration_id == Registration.id, Deployment.value == sa.bindparam("deployment")
        ),
    )
    .outerjoin(Organisation, Organisation.id == Deployment.organisation_id)
    .outerjoin(
        Identity, sa.and_(Identity.registration_id == Registration.id, Identity.sub == sa.bindparam("sub"))
    )
    .outerjoin(Person, Person.id == Identity.person_id)
    .outerjoin(
        Context, sa.and_(Context.deployment_id == Deployment.id, Context.value == sa.bindparam("context"))
    )
    .outerjoin(
        ResourceLink,
        sa.and_(ResourceLink.deployment_id == Deployment.id, ResourceLink.value == sa.bindparam("link")),
    )
    .outerjoin(
        LinkUse, sa.and_(LinkUse.identity_id == Identity.id, LinkUse.resource_link_id == ResourceLink.id)
    )
    .outerjoin(Role, Role.person_id == Person.id)
)


def find(state: str, named: Named, now: datetime) -> Found | None:
    """Return what is known of a launch by its state and the ids that it names; None for a state that isn't ours.

    One query, and nothing is locked.
    """
    wanted = {
        "state_hash": logins.hashed(state),
        "deployment": named.deployment,
        "sub": named.sub,
        "context": named.context_id,
        "link": named.link_id,
        "today": london_day(now),
    }
    rows = session.execute(_FIND, wanted).all()
    if not rows:
        return None
    login, registration, deployment, school, identity, person, context, link, use_id, is_engaged, _ = rows[0]
    return Found(
        login=login,
        registration=registration,
        named=named,
        deployment=deployment,
        school=school,
        identity=identity,
        person=person,
        held_roles=roles_by_organisation(row[-1] for row in rows if row[-1] is not None),
        is_engaged=is_engaged,
        context=context,
        link=link,
        has_used_link=use_id is not None,
    )


_logins = cast(sa.Table, OidcTransaction.__table__)


def consume(login: OidcTransaction, now: datetime) -> bool:
    """Use a login up, whatever comes of it. Return whether it was still unused: of two at once one is told so."""
    used = _logins.c.used_at
    spent = sa.update(_logins).where(_logins.c.id == login.id, used.is_(None)).values(used_at=now)
    return _is_one(spent)


def check_login(login: OidcTransaction, registration: Registration, now: datetime) -> None:
    """Raise LaunchRefusedError for a login that took too long, or whose platform was paused meanwhile."""
    if login.expires <= now:
        raise LaunchRefusedError(Refusal.STATE_EXPIRED)
    if registration.state is RegistrationState.PAUSED:
        raise LaunchRefusedError(Refusal.PLATFORM_PAUSED)


def check_browser(login: OidcTransaction, secret: str) -> None:
    """Raise LaunchRefusedError unless this is the secret of the browser that began the login."""
    if not hmac.compare_digest(logins.hashed(secret), login.browser_hash):
        raise LaunchRefusedError(Refusal.OTHER_BROWSER)


def hold(login: OidcTransaction, claims: Claims) -> None:
    """Keep verified claims until the browser has brought its secret back from the platform's storage."""
    kept = claim_words.to_json(claims)
    session.execute(sa.update(_logins).where(_logins.c.id == login.id).values(claims=kept))


def held(state: str) -> tuple[OidcTransaction, Registration] | None:
    """Return a login by its state, with the claims that may wait in it, and the platform."""
    row = session.execute(_LOGIN, {"state_hash": logins.hashed(state)}).one_or_none()
    return (row[0], row[1]) if row is not None else None


def release(login: OidcTransaction) -> Claims | None:
    """Take the claims that waited out of a login; None when none did, or another request has taken them. Atomic."""
    waiting = _logins.c.claims.is_not(None)
    taken = sa.update(_logins).where(_logins.c.id == login.id, waiting).values(claims=sa.null())
    if login.claims is None or not _is_one(taken):
        return None
    return claim_words.from_json(login.claims)


def _is_one(statement: sa.Update) -> bool:
    result = cast(sa.CursorResult[Any], session.execute(statement))
    return result.rowcount == 1


def admit(found: Found, claims: Claims, *, base_url: str, now: datetime) -> Entry:
    """Let somebody in whom a verified launch names, and write down what is new or has changed.

    In the steady state one INSERT, that of the launch log.

    Raises:
        LaunchRefusedError: DEPLOYMENT_WAITING, DEEP_LINKING_NOT_ALLOWED, TARGET_MISSING, TARGET_NOT_OURS or
            MODULE_UNKNOWN. Then nothing of it may be kept: roll back, and call `refuse`.
    """
    deployment, school = _approved(found, now)
    target = _target(found, claims, base_url)
    identity, person = _who(found, school, claims, now)
    link = _place(found, deployment, identity, claims, target, now)
    launch_log.record(
        launch_log.ACCEPTED, now=now, registration_id=found.registration.id, organisation_id=school.id
    )
    return Entry(
        claims=claims,
        registration=found.registration,
        school=school,
        person=person,
        held_roles=found.held_roles,
        role=roles.role_of(found.registration, claims.roles),
        is_engaged=found.is_engaged,
        target=target,
        link=link,
    )


def _target(found: Found, claims: Claims, base_url: str) -> str:
    """Return what is to be opened: the signed message counts, and not what the login said."""
    if claims.message_type is MessageType.DEEP_LINKING:
        if not roles.may_edit_courses(claims.roles):
            raise LaunchRefusedError(Refusal.DEEP_LINKING_NOT_ALLOWED)
        return PROGRAMME
    _check_target(claims.target_link_uri, base_url)
    target = places.target_of(claims, found.link, found.registration.id)
    if target != PROGRAMME and target not in shipped_modules():
        raise LaunchRefusedError(Refusal.MODULE_UNKNOWN, f"there is no module {target!r}")
    return target


def _who(found: Found, school: Organisation, claims: Claims, now: datetime) -> tuple[Identity, Person]:
    if found.identity is not None and found.person is not None:
        identities.refresh(found.identity, found.person, claims)
        return found.identity, found.person
    identity = identities.make(found.registration, school, claims, now)
    return identity, session.get_one(Person, identity.person_id)


def _place(
    found: Found, deployment: Deployment, identity: Identity, claims: Claims, target: str, now: datetime
) -> ResourceLink | None:
    """Write down the course and the link, and that this person opened it. Return the link, where there is one."""
    context = found.context
    if context is not None:
        places.refresh_context(context, claims)
    elif claims.context_id is not None:
        context = places.make_context(deployment, claims)
    if claims.message_type is MessageType.DEEP_LINKING:
        return None
    if found.link is not None:
        link = found.link
        places.refresh_link(link, context, claims, target)
    else:
        link = places.make_link(deployment, context, claims, target, now)
    if not found.has_used_link:
        places.note_use(link, identity.id, now)
    return link


def _approved(found: Found, now: datetime) -> tuple[Deployment, Organisation]:
    deployment, school = found.deployment, found.school
    if deployment is None:
        deployment = _invited(found, now)
        school = session.get(Organisation, deployment.organisation_id) if deployment else None
    if deployment is None or school is None or deployment.approved_at is None:
        raise LaunchRefusedError(Refusal.DEPLOYMENT_WAITING, f"deployment_id {found.named.deployment!r}")
    return deployment, school


def _invited(found: Found, now: datetime) -> Deployment | None:
    """Return the deployment at the school that invited this platform, if this is its first; None for any other.

    Registering tells most platforms' deployment only now (Canvas): whoever was invited needn't wait for approval.
    """
    registration = found.registration
    is_first = not _deployments(registration)
    invited = session.scalar(sa.select(Invite.id).where(Invite.registration_id == registration.id).limit(1))
    owner = session.get(Organisation, registration.organisation_id)
    if not is_first or invited is None or owner is None or owner.kind is not Kind.SCHOOL:
        return None
    return _deploy(found, now, approved=True)


def _deployments(registration: Registration) -> set[str]:
    """Return what is deployed, having taken turns: two launches at once must not both think that they are first."""
    session.get(Registration, registration.id, with_for_update=True)
    found = sa.select(Deployment.value).where(Deployment.registration_id == registration.id)
    return set(session.scalars(found))


def _deploy(found: Found, now: datetime, *, approved: bool) -> Deployment:
    assert found.named.deployment is not None
    return platforms.deploy(
        found.registration,
        found.named.deployment,
        organisation_id=found.registration.organisation_id,
        now=now,
        approved=approved,
    )


def refuse(refused: LaunchRefusedError, found: Found | None, now: datetime) -> str:
    """Write a refusal down and return its reference. A deployment that nobody knows is kept, to wait for approval."""
    if found is None:
        return launch_log.record(refused.refusal, now=now, detail=refused.detail)
    registration = found.registration
    is_new = refused.refusal is Refusal.DEPLOYMENT_WAITING and found.deployment is None
    if is_new and found.named.deployment not in _deployments(registration):
        _deploy(found, now, approved=False)
    return launch_log.record(
        refused.refusal,
        now=now,
        registration_id=registration.id,
        organisation_id=found.school.id if found.school else registration.organisation_id,
        detail=refused.detail,
    )
