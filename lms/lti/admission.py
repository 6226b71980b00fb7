"""Who is let in by a verified launch, what is written down about it, and what a refusal leaves behind.

Source: LTI 1.3 core, section 3.1 (deployments, resource links), section 5 (the message).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from lms.db import session
from lms.lti import identities, launch_log, launching, places, platforms, roles, scores
from lms.lti.claims import Claims, MessageType
from lms.lti.identities import Identity
from lms.lti.invites import Invite
from lms.lti.launching import Found
from lms.lti.places import PROGRAMME, ResourceLink
from lms.lti.platforms import Deployment, Registration
from lms.lti.refusals import LaunchRefusedError, Refusal
from lms.people import Person, RoleName
from lms.scenarios import shipped_modules
from lms.schools import Kind, Organisation


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
    launching.check_target(claims.target_link_uri, base_url)
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
    if not found.has_used_link and places.note_use(link, identity.id, now):
        scores.catch_up(identity, now)
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
