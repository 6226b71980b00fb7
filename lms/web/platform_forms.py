"""The forms by which an administrator connects a platform by hand, changes one, and says what its roles give."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from flask_wtf import FlaskForm
from wtforms import Field, Form, HiddenField, SelectField, StringField, TextAreaField
from wtforms.validators import DataRequired, Length, ValidationError

from lms.lti import addresses, roles
from lms.lti.addresses import AddressError
from lms.lti.platforms import Registration, origin
from lms.lti.products import Product
from lms.people import RoleName
from lms.schools import Kind, Organisation
from lms.web import access

LONGEST_ID = 255
MOST_LINES = 20
_USUAL = "usual"
ROLE_WORDS = {
    RoleName.LEARNER: "Does the training",
    RoleName.MANAGER: "Sees their own team",
    RoleName.HR: "Keeps staff records (HR)",
    RoleName.ADMIN: "Looks after Countersign",
}


class WebAddress:
    """A validator: a web address that we take, and no other."""

    def __call__(self, form: Form, field: Field) -> None:
        """Refuse what is none."""
        del form
        for address in _lines(field.data) if isinstance(field, TextAreaField) else [field.data]:
            try:
                addresses.checked(address, allow_private=access.settings().lti_allow_private_hosts)
            except AddressError as error:
                raise ValidationError(f"{field.label.text} {error}") from error


def _trimmed(typed: str | None) -> str:
    return (typed or "").strip()


def _lines(typed: str) -> list[str]:
    return [line.strip() for line in typed.splitlines() if line.strip()]


def _is_id(form: Form, field: Field) -> None:
    del form
    for value in _lines(field.data):
        if not (value.isascii() and value.isprintable()) or len(value) > LONGEST_ID:
            raise ValidationError(
                f"{field.label.text} must be as your LMS shows it, {LONGEST_ID} letters at most"
            )


def _few_lines(form: Form, field: Field) -> None:
    del form
    if len(_lines(field.data)) > MOST_LINES:
        raise ValidationError(f"{field.label.text}: {MOST_LINES} lines at most")


def _address_field(label: str, description: str = "") -> StringField:
    needed = DataRequired(f"Enter the {label[0].lower()}{label[1:]}")
    return StringField(label, description=description, filters=[_trimmed], validators=[needed, WebAddress()])


def _name_field() -> StringField:
    return StringField(
        "Name",
        description="What people here call it. For example: Moodle at Ysgol Tŷ Gwyn.",
        filters=[_trimmed],
        validators=[
            DataRequired("Enter a name"),
            Length(max=120, message="Name must be 120 characters or fewer"),
        ],
    )


def _audience_field() -> StringField:
    return StringField(
        "Token audience",
        description="Leave it empty, unless your LMS names an audience of its own. Brightspace does: "
        f"{Product.BRIGHTSPACE.token_audience}",
        filters=[_trimmed],
        validators=[
            Length(max=LONGEST_ID, message=f"Token audience must be {LONGEST_ID} characters or fewer"),
            _is_id,
        ],
    )


class OrganisationForm(FlaskForm):  # type: ignore[misc]
    """For whom; not asked where there is one."""

    organisation = SelectField(
        "School",
        validators=[DataRequired("Choose a school")],
        invalid_choice_message="Choose a school from the list",
    )

    def __init__(self, organisations: Collection[Organisation], **values: Any) -> None:
        super().__init__(**values)
        # Nothing is chosen beforehand: people of one school would count as another's.
        nothing = {} if len(organisations) == 1 else {"": "Choose a school"}
        self.organisation.choices = nothing | {str(o.id): _called(o) for o in organisations}
        if not nothing:
            (self.organisation.data,) = self.organisation.choices

    @property
    def is_choice(self) -> bool:
        """Whether there is more than one to choose from."""
        return len(self.organisation.choices) > 1


def _called(organisation: Organisation) -> str:
    return f"{organisation.name} (all its schools)" if organisation.kind is Kind.TRUST else organisation.name


class AddressesForm(FlaskForm):  # type: ignore[misc]
    """What may change about a platform that is connected."""

    name = _name_field()
    authorization_endpoint = _address_field("Authentication address", "Where people sign in.")
    token_endpoint = _address_field("Token address", "Where Countersign asks for access.")
    jwks_uri = _address_field("Keyset address", "Where your LMS publishes its keys.")
    token_audience = _audience_field()
    frame_origins = TextAreaField(
        "Sites that may show Countersign in a frame",
        description="One a line, like https://moodle.school.org.uk. The site that a link is on is added by itself.",
        filters=[_trimmed],
        validators=[_few_lines, WebAddress()],
    )

    def values(self) -> dict[str, object]:
        """Return the registration's new values, by its attributes."""
        typed = {name: field.data for name, field in self._fields.items() if name != "csrf_token"}
        origins = sorted({origin(line) for line in _lines(self.frame_origins.data)})
        return {**typed, "token_audience": self.token_audience.data or None, "frame_origins": origins}


class ByHandForm(OrganisationForm):
    """What a platform shows its administrator of itself, for us."""

    product = HiddenField()
    name = _name_field()
    issuer = _address_field("Issuer", "Also called platform id. Exactly as your LMS shows it.")
    client_id = StringField(
        "Client id",
        description="Also called application id.",
        filters=[_trimmed],
        validators=[DataRequired("Enter the client id"), _is_id],
    )
    authorization_endpoint = _address_field(
        "Authentication address", "Also called OIDC authentication request URL."
    )
    token_endpoint = _address_field("Token address", "Also called access token URL.")
    jwks_uri = _address_field("Keyset address", "Also called public keyset or JWKS URL.")
    token_audience = _audience_field()
    deployments = TextAreaField(
        "Deployment ids",
        description="One a line, if your LMS shows any. Others wait for your approval when they are first used.",
        filters=[_trimmed],
        validators=[_few_lines, _is_id],
    )

    def deployment_ids(self) -> list[str]:
        """Return the deployment ids that were typed, each once."""
        return list(dict.fromkeys(_lines(self.deployments.data)))


class RolesForm(FlaskForm):  # type: ignore[misc]
    """What each role of a platform gives here: one field a role, put in below."""

    def overrides(self) -> dict[str, str]:
        """Return what differs from the usual table, by the platform's role."""
        return {name: self[name].data for name in roles.OVERRIDABLE if self[name].data != _USUAL}


for _name, _words in roles.OVERRIDABLE.items():
    _usual = RoleName.ADMIN if _name == roles.ADMINISTRATOR else RoleName.LEARNER
    _choices = {_USUAL: f"{ROLE_WORDS[_usual]} (as usual)"}
    _choices |= {role.value: ROLE_WORDS[role] for role in roles.CHOOSABLE if role is not _usual}
    setattr(RolesForm, _name, SelectField(_words, choices=_choices, default=_USUAL))


def roles_form(registration: Registration) -> RolesForm:
    """Return the form with what is set."""
    return RolesForm(data=dict(registration.role_overrides))


def addresses_form(registration: Registration) -> AddressesForm:
    """Return the form with what is set."""
    held: Mapping[str, object] = {
        "name": registration.name,
        "authorization_endpoint": registration.authorization_endpoint,
        "token_endpoint": registration.token_endpoint,
        "jwks_uri": registration.jwks_uri,
        "token_audience": registration.token_audience or "",
        "frame_origins": "\n".join(registration.frame_origins),
    }
    return AddressesForm(data=held)
