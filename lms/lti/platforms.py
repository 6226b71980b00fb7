"""The platforms (a school's LMS) that may launch us: registrations, and their deployments at schools."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from lms.db import Base, session
from lms.errors import ConflictError

CONNECTED = "This platform is connected already, with the same client id."


class RegistrationState(StrEnum):
    """Whether a platform may launch us."""

    ACTIVE = "active"
    PAUSED = "paused"


class Registration(Base):
    """One registration with a platform: its addresses, and what we have chosen about it.

    The same issuer may be registered several times (Canvas, Blackboard and Brightspace have one issuer for everybody).
    Source: LTI 1.3 core, section 3.1.3; OIDC discovery for the names of the addresses.
    """

    __tablename__ = "lti_registration"
    __table_args__ = (sa.UniqueConstraint("issuer", "client_id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    organisation_id: Mapped[UUID] = mapped_column(sa.ForeignKey("organisation.id"), index=True)
    """The school or trust whose administrators look after it."""
    name: Mapped[str]
    """What people call it: "Moodle at Ysgol Tŷ Gwyn"."""
    product: Mapped[str]
    """The platform's product_family_code in lower case (moodle, canvas, desire2learn …); empty when it never said."""
    issuer: Mapped[str]
    client_id: Mapped[str]
    authorization_endpoint: Mapped[str]
    token_endpoint: Mapped[str]
    token_audience: Mapped[str | None]
    """The `aud` of our assertions where the platform wants one that isn't its token endpoint (Brightspace)."""
    jwks_uri: Mapped[str]
    frame_origins: Mapped[list[str]]
    """Origins whose pages may show ours in a frame."""
    state: Mapped[RegistrationState] = mapped_column(default=RegistrationState.ACTIVE)
    role_overrides: Mapped[dict[str, str]] = mapped_column(default=dict)
    """RoleName by short LTI role ("Instructor"), on top of the table in `lms.lti.roles`."""
    scopes: Mapped[list[str]]
    """The service scopes it granted; empty where it never said (then we ask for what a claim names)."""
    keys: Mapped[dict[str, object] | None] = mapped_column(sa.JSON)
    """Its JWK Set as fetched last."""
    keys_fetched_at: Mapped[datetime | None]
    keys_tried_at: Mapped[datetime | None]
    """When the set was last asked for, in vain or not: an unknown kid can't make us ask again and again."""
    registered_at: Mapped[datetime]


class Deployment(Base):
    """One placement of the tool on a platform, at a school. One that nobody invited waits for approval."""

    __tablename__ = "lti_deployment"
    __table_args__ = (sa.UniqueConstraint("registration_id", "value"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    registration_id: Mapped[UUID] = mapped_column(sa.ForeignKey("lti_registration.id"))
    value: Mapped[str]
    """The platform's deployment_id: at most 255 ASCII characters, case-sensitive."""
    organisation_id: Mapped[UUID] = mapped_column(sa.ForeignKey("organisation.id"))
    """The school whose people launch from it; while it waits, the registration's organisation."""
    approved_at: Mapped[datetime | None]
    first_seen_at: Mapped[datetime]


def origin(address: str) -> str:
    """Return the origin of a web address: scheme, host and port, as CSP and postMessage want it."""
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def register(
    organisation_id: UUID,
    *,
    name: str,
    issuer: str,
    client_id: str,
    authorization_endpoint: str,
    token_endpoint: str,
    jwks_uri: str,
    now: datetime,
    product: str = "",
    token_audience: str | None = None,
    scopes: list[str] | None = None,
) -> Registration:
    """Add a registration. Its pages may be framed by the issuer and by where people sign in, until an admin adds more.

    Raises:
        ConflictError: this issuer, or this platform's services, are registered already with this client id.
    """
    _check_new(issuer, client_id)
    check_services(client_id, token_endpoint, token_audience)
    registration = Registration(
        id=uuid4(),
        organisation_id=organisation_id,
        name=name,
        product=product.lower(),
        issuer=issuer,
        client_id=client_id,
        authorization_endpoint=authorization_endpoint,
        token_endpoint=token_endpoint,
        token_audience=token_audience,
        jwks_uri=jwks_uri,
        frame_origins=sorted({origin(issuer), origin(authorization_endpoint)}),
        scopes=scopes or [],
        registered_at=now,
    )
    session.add(registration)
    session.flush()
    return registration


def _check_new(issuer: str, client_id: str) -> None:
    held = sa.select(Registration.id).where(
        Registration.issuer == issuer, Registration.client_id == client_id
    )
    if session.scalar(held) is not None:
        raise ConflictError(CONNECTED)


def check_services(
    client_id: str, token_endpoint: str, token_audience: str | None, *, own: UUID | None = None
) -> None:
    """Raise ConflictError where a registration, but `own`, has the same client id for the same platform's services.

    All schools share our keys: whoever got us to ask another's platform, as its client, would read its courses.
    """
    rows = session.execute(
        sa.select(Registration.id, Registration.token_endpoint, Registration.token_audience).where(
            Registration.client_id == client_id
        )
    )
    asked = _servers(token_endpoint, token_audience)
    if any(id != own and asked & _servers(endpoint, audience) for id, endpoint, audience in rows):
        raise ConflictError(CONNECTED)


def _servers(token_endpoint: str, token_audience: str | None) -> set[str]:
    """Return the hosts where an assertion would be taken; an audience that is no web address is itself one."""
    addresses = [token_endpoint, *([token_audience] if token_audience else [])]
    return {(urlsplit(each).hostname or each).rstrip(".").lower() for each in addresses}


def deploy(
    registration: Registration, value: str, *, organisation_id: UUID, now: datetime, approved: bool
) -> Deployment:
    """Add a deployment at a school, approved at once where an invitation or an administrator named it."""
    deployment = Deployment(
        id=uuid4(),
        registration_id=registration.id,
        value=value,
        organisation_id=organisation_id,
        approved_at=now if approved else None,
        first_seen_at=now,
    )
    session.add(deployment)
    session.flush()
    return deployment


# Every login asks one of these, so they are built once.
_OF_ISSUER = (
    sa.select(Registration)
    .where(Registration.issuer == sa.bindparam("issuer"))
    .order_by(Registration.registered_at)
    .limit(2)
)
_OF_CLIENT = _OF_ISSUER.where(Registration.client_id == sa.bindparam("client_id"))


def registrations_for(issuer: str, client_id: str | None) -> list[Registration]:
    """Return the registrations that a login may mean: one, none, or several when no client id tells them apart."""
    named = {"issuer": issuer}
    if client_id:
        return list(session.scalars(_OF_CLIENT, named | {"client_id": client_id}))
    return list(session.scalars(_OF_ISSUER, named))


def of_school(school_id: UUID) -> list[Registration]:
    """Return the platforms that a school's people come from, by name: those with an approved deployment there."""
    deployed = sa.select(Deployment.registration_id).where(
        Deployment.organisation_id == school_id, Deployment.approved_at.is_not(None)
    )
    wanted = sa.select(Registration).where(Registration.id.in_(deployed))
    return list(session.scalars(wanted.order_by(Registration.name)))


def is_of(registration_id: UUID, school_id: UUID) -> bool:
    """Say whether a platform has an approved deployment at a school. One query."""
    deployed = sa.exists().where(
        Deployment.registration_id == registration_id,
        Deployment.organisation_id == school_id,
        Deployment.approved_at.is_not(None),
    )
    return bool(session.scalar(sa.select(deployed)))
