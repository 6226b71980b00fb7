"""For administrators: the platforms (Moodle, Canvas …) that may launch us, how they are, and how to connect one."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, cast
from uuid import UUID

import sqlalchemy as sa
from flask import Blueprint, current_app, flash, redirect, render_template, url_for
from flask.globals import request
from flask.typing import ResponseReturnValue

from lms import audit
from lms.audit import Event
from lms.db import session, transaction
from lms.errors import ConflictError, NotFoundError
from lms.lti import connection, invites, overview, platforms, roles
from lms.lti.fetching import Outgoing
from lms.lti.launch_log import Launch
from lms.lti.platforms import Deployment, Registration, RegistrationState
from lms.lti.products import Product
from lms.lti.refusal_words import WORDS
from lms.lti.refusals import Refusal
from lms.lti.services import Services
from lms.lti.tool_keys import ToolKeys
from lms.schools import Kind, Organisation
from lms.web import access
from lms.web.admin import administered
from lms.web.platform_forms import (
    AddressesForm,
    ByHandForm,
    OrganisationForm,
    RolesForm,
    addresses_form,
    roles_form,
)

blueprint = Blueprint("platforms", __name__, url_prefix="/admin/platforms")

MOST_REFUSALS = 10


@dataclass(frozen=True)
class Preset:
    """What is the same at every school with this product; a hint where it isn't."""

    issuer: str = ""
    authorization_endpoint: str = ""
    token_endpoint: str = ""
    jwks_uri: str = ""
    token_audience: str = ""


_CANVAS, _BLACKBOARD = "https://sso.canvaslms.com", "https://developer.blackboard.com/api/v1"
PRESETS = {
    Product.CANVAS: Preset(
        "https://canvas.instructure.com",
        f"{_CANVAS}/api/lti/authorize_redirect",
        f"{_CANVAS}/login/oauth2/token",
        f"{_CANVAS}/api/lti/security/jwks",
    ),
    Product.BRIGHTSPACE: Preset(
        token_endpoint="https://auth.brightspace.com/core/connect/token",  # noqa: S106 (an address)
        token_audience=Product.BRIGHTSPACE.token_audience or "",
    ),
    Product.BLACKBOARD: Preset(
        "https://blackboard.com",
        f"{_BLACKBOARD}/gateway/oidcauth",
        f"{_BLACKBOARD}/gateway/oauth2/jwttoken",
        f"{_BLACKBOARD}/management/applications/YOUR-CLIENT-ID/jwks.json",
    ),
}


@dataclass(frozen=True)
class Refused:
    """A launch that was refused, in words."""

    launch: Launch
    happened: str
    for_admin: str


@blueprint.get("")
def home() -> str:
    """Show the platforms of the organisations that the administrator looks after."""
    organisations = administered()
    return _home(organisations, OrganisationForm(organisations))


def _home(organisations: list[Organisation], form: OrganisationForm) -> str:
    lines = overview.lines({o.id for o in organisations})
    shown = [(line, _in_words(line.refusal)) for line in lines]
    return render_template("platforms/home.html", lines=shown, form=form)


@blueprint.post("/invite")
def invite() -> ResponseReturnValue:
    """Make an address by which one platform can be connected, and show it this once."""
    organisations = administered()
    form = OrganisationForm(organisations)
    if not form.validate_on_submit():
        return _home(organisations, form), 400
    organisation = _chosen(form, organisations)
    secret, made = invites.invite(
        organisation.id, invited_by=access.user().person.id, now=access.request_time()
    )
    _record(Event.PLATFORM_INVITED, organisation.id, invite=str(made.id))
    return render_template(
        "platforms/invited.html",
        organisation=organisation,
        invite=made,
        address=_ours(f"lti/register/{secret}"),
    )


@blueprint.route("/new", methods=["GET", "POST"])
def by_hand() -> ResponseReturnValue:
    """Show our values for a product, and take its own."""
    product = _product()
    if product is None:
        return render_template("platforms/which.html", products=list(Product))
    organisations = administered()
    preset = PRESETS.get(product, Preset())
    form = ByHandForm(organisations, data={**preset.__dict__, "product": product.value})
    if form.validate_on_submit() and (made := _connect(form, organisations)) is not None:
        flash(f"{made.name} is connected. Check the connection next.")
        return redirect(url_for(".platform", platform=made.id), 303)
    page = render_template("platforms/by_hand.html", form=form, product=product, ours=_our_values())
    return page, 400 if form.errors else 200


@blueprint.get("/<uuid:platform>")
def platform(platform: UUID) -> str:
    """Show one platform: where it may launch us from, what its roles give, and what went wrong lately."""
    return _page(_registration(platform))


@blueprint.post("/<uuid:platform>/check")
def check(platform: UUID) -> ResponseReturnValue:
    """Ask the platform for its keys and for access, and say what came of it."""
    with transaction(write=False):
        registration = _registration(platform)
    settings = access.settings()
    outgoing = Outgoing(allow_private=settings.lti_allow_private_hosts)
    services = Services(outgoing, cast(ToolKeys, current_app.config["LTI_KEYS"]), settings.base_url)
    steps = connection.check(registration, services, outgoing, access.request_time())
    return render_template("platforms/checked.html", platform=registration, steps=steps)


@blueprint.post("/<uuid:platform>/deployments/<uuid:deployment>")
def approve(platform: UUID, deployment: UUID) -> ResponseReturnValue:
    """Let a deployment launch, for the people of one school."""
    registration = _registration(platform)
    found = session.get(Deployment, deployment)
    if found is None or found.registration_id != registration.id:
        raise NotFoundError("There is no such deployment.")
    if found.approved_at is not None:
        raise ConflictError("This deployment was approved already.")
    schools = _schools_of(registration)
    form = OrganisationForm(schools)
    if not form.validate_on_submit():
        return _page(registration, approving=deployment, form=form), 400
    school = _chosen(form, schools)
    found.organisation_id, found.approved_at = school.id, access.request_time()
    _record(Event.DEPLOYMENT_APPROVED, school.id, registration=str(registration.id), deployment=str(found.id))
    flash(f"Approved. It is for the people of {school.name}.")
    return redirect(url_for(".platform", platform=platform), 303)


@blueprint.post("/<uuid:platform>/roles", endpoint="roles")
def set_roles(platform: UUID) -> ResponseReturnValue:
    """Say what the roles of a platform give here."""
    registration = _registration(platform)
    form = RolesForm()
    if not form.validate_on_submit():
        return _page(registration, role_form=form), 400
    wanted = form.overrides()
    if wanted != registration.role_overrides:
        names = sorted(n for n in roles.OVERRIDABLE if wanted.get(n) != registration.role_overrides.get(n))
        registration.role_overrides = wanted
        _changed(registration, names)
    flash("Saved. It counts from each person’s next launch.")
    return redirect(url_for(".platform", platform=platform), 303)


@blueprint.post("/<uuid:platform>/state")
def pause(platform: UUID) -> ResponseReturnValue:
    """Pause a platform, or let it launch again. The form says which, so that two presses are as good as one."""
    registration = _registration(platform)
    wanted = RegistrationState.PAUSED if request.form.get("state") == "paused" else RegistrationState.ACTIVE
    if registration.state is not wanted:
        registration.state = wanted
        _changed(registration, ["state"])
    is_paused = wanted is RegistrationState.PAUSED
    words = "Paused. Nobody gets in from there until you let them, and who came from there is signed out."
    flash(words if is_paused else "It may launch again.")
    return redirect(url_for(".platform", platform=platform), 303)


@blueprint.route("/<uuid:platform>/addresses", methods=["GET", "POST"])
def edit(platform: UUID) -> ResponseReturnValue:
    """Change a platform's name and addresses. Its issuer and client id are who it is, and stay."""
    registration = _registration(platform)
    form = addresses_form(registration)
    if form.validate_on_submit() and _save(registration, form):
        return redirect(url_for(".platform", platform=platform), 303)
    page = render_template("platforms/edit.html", form=form, platform=registration)
    return page, 400 if form.errors else 200


def _registration(identity: UUID) -> Registration:
    found = session.get(Registration, identity)
    if found is None or found.organisation_id not in {o.id for o in administered()}:
        raise NotFoundError("There is no such platform.")
    return found


def _page(
    registration: Registration,
    *,
    role_form: RolesForm | None = None,
    approving: UUID | None = None,
    form: OrganisationForm | None = None,
) -> str:
    deployments = session.scalars(
        sa.select(Deployment)
        .where(Deployment.registration_id == registration.id)
        .order_by(Deployment.approved_at.is_not(None), Deployment.first_seen_at)
    ).all()
    (line,) = [
        each for each in overview.lines({registration.organisation_id}) if each.registration is registration
    ]
    names = _names({each.organisation_id for each in deployments})
    return render_template(
        "platforms/platform.html",
        platform=registration,
        line=line,
        deployments=[(each, names[each.organisation_id]) for each in deployments],
        schools=OrganisationForm(_schools_of(registration)),
        refusals=[_in_words(each) for each in overview.refusals(registration.id, MOST_REFUSALS)],
        role_form=role_form or roles_form(registration),
        approving=approving,
        form=form or role_form,
    )


def _names(identities: Collection[UUID]) -> dict[UUID, str]:
    rows = session.execute(
        sa.select(Organisation.id, Organisation.name).where(Organisation.id.in_(identities))
    )
    return {row[0]: row[1] for row in rows}


def _schools_of(registration: Registration) -> list[Organisation]:
    """Return the schools that a deployment of this platform may be for."""
    return [
        each
        for each in administered()
        if each.kind is Kind.SCHOOL and registration.organisation_id in (each.id, each.parent_id)
    ]


def _chosen(form: OrganisationForm, organisations: list[Organisation]) -> Organisation:
    return next(o for o in organisations if str(o.id) == form.organisation.data)


def _product() -> Product | None:
    named = request.values.get("product", "")
    return Product(named) if named in set(Product) else None


def _connect(form: ByHandForm, organisations: list[Organisation]) -> Registration | None:
    """Add the registration, or put what speaks against it on the form."""
    organisation, product = _chosen(form, organisations), Product(form.product.data)
    try:
        made = platforms.register(
            organisation.id,
            name=form.name.data,
            product=product.family,
            issuer=form.issuer.data,
            client_id=form.client_id.data,
            authorization_endpoint=form.authorization_endpoint.data,
            token_endpoint=form.token_endpoint.data,
            token_audience=form.token_audience.data or None,
            jwks_uri=form.jwks_uri.data,
            now=access.request_time(),
        )
    except ConflictError as error:
        form.client_id.errors = [str(error)]
        return None
    is_clear = organisation.kind is Kind.SCHOOL
    for value in form.deployment_ids():
        platforms.deploy(
            made, value, organisation_id=organisation.id, now=access.request_time(), approved=is_clear
        )
    _record(Event.PLATFORM_CONNECTED, organisation.id, registration=str(made.id))
    return made


def _save(registration: Registration, form: AddressesForm) -> bool:
    """Change what is different; False where the form says what speaks against it."""
    wanted = form.values()
    endpoint, audience = form.token_endpoint.data, form.token_audience.data
    try:
        platforms.check_services(registration.client_id, endpoint, audience, own=registration.id)
    except ConflictError as error:
        form.token_endpoint.errors = [str(error)]
        return False
    names = sorted(name for name, value in wanted.items() if value != getattr(registration, name))
    for name in names:
        setattr(registration, name, wanted[name])
    if "jwks_uri" in names:
        # Keys from the address before must not be trusted any longer.
        registration.keys = registration.keys_fetched_at = registration.keys_tried_at = None
    if names:
        _changed(registration, names)
    flash("Saved." if names else "Nothing was different, so nothing was changed.")
    return True


def _changed(registration: Registration, names: list[str]) -> None:
    _record(
        Event.PLATFORM_CHANGED,
        registration.organisation_id,
        registration=str(registration.id),
        names=" ".join(names),
    )


def _record(event: Event, organisation_id: UUID, **details: Any) -> None:
    audit.record(
        event,
        organisation_id=organisation_id,
        now=access.request_time(),
        actor_id=access.user().person.id,
        **details,
    )


def _in_words(launch: Launch | None) -> Refused | None:
    if launch is None:
        return None
    words = WORDS[Refusal(launch.outcome)]
    return Refused(launch, words.happened, words.for_admin)


def _ours(path: str) -> str:
    return f"{access.settings().base_url}/{path}"


def _our_values() -> dict[str, str]:
    """Return the addresses that a platform is given, by what they are for."""
    return {
        "tool": _ours(""),
        "login": _ours("lti/login"),
        "redirect": _ours("lti/launch"),
        "keyset": _ours("lti/jwks"),
        "choosing": _ours("lti/deep-linking"),
        "icon": _ours("static/icon.svg"),
    }
