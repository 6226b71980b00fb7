"""What a platform says of itself: read from its configuration, checked, and kept as it was shown.

Source: 1EdTech LTI Dynamic Registration 1.0, sections 2 and 3.5.1; OpenID Connect Discovery 1.0.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import urlsplit

from lms.errors import CountersignError
from lms.lti import addresses
from lms.lti.addresses import AddressError, host_of
from lms.lti.fetching import Outgoing
from lms.lti.products import Product, name_of, product_of
from lms.lti.services import SCOPES, SCORE

PLATFORM = "https://purl.imsglobal.org/spec/lti-platform-configuration"
CANVAS = "https://canvas.instructure.com/lti/"
RESOURCE_LINK, DEEP_LINKING = "LtiResourceLinkRequest", "LtiDeepLinkingRequest"

PLACES = {
    DEEP_LINKING: ("assignment_selection", "link_selection", "ContentArea"),
    RESOURCE_LINK: ("course_navigation",),
}
"""Where in a platform we want to be offered, of the places that it names."""

MOST_BYTES = 200_000
LONGEST = 255
_INSTRUCTURE = ("instructure.com", "canvaslms.com")


class UnfitPlatformError(CountersignError):
    """A platform can't be connected as it describes itself, or refused. The message is for its administrator."""


@dataclass(frozen=True)
class Platform:
    """What a platform said of itself, checked. Kept with the invitation as it was shown."""

    configuration: str
    """The address that said so."""
    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    registration_endpoint: str
    token_audience: str | None
    family: str
    """product_family_code, as it was written."""
    version: str
    account: str
    """The school's account at a platform that many share (Canvas)."""
    scopes: list[str]
    """Those of ours that it offers; all of ours where it doesn't say."""
    placements: dict[str, list[str]]
    """The places that we want, in the platform's own spelling, by message."""

    @property
    def product(self) -> Product:
        """The product, as far as we know it."""
        return product_of(self.family)

    @property
    def name(self) -> str:
        """The product's name, for people."""
        return name_of(self.family)

    @property
    def hosts(self) -> dict[str, list[str]]:
        """Every host that is asked or trusted from now on, with what for."""
        found: dict[str, list[str]] = {}
        for words, address in (
            ("names itself by it", self.issuer),
            ("describes itself there", self.configuration),
            ("people sign in there", self.authorization_endpoint),
            ("gives us access there", self.token_endpoint),
            ("publishes its keys there", self.jwks_uri),
            ("registers us there", self.registration_endpoint),
        ):
            found.setdefault(host_of(address), []).append(words)
        return found

    @property
    def is_issuer_elsewhere(self) -> bool:
        """Whether it names itself by a host that it isn't at, as every Canvas does."""
        return not _is_at(self.configuration, self.issuer)

    @property
    def digest(self) -> str:
        """What the form on the page brings back, so that nothing is confirmed but what was shown there."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()


def read_platform(configuration: str, token: str | None, outgoing: Outgoing) -> Platform:
    """Ask a platform what it is. `token` is its registration_token, which some want to see for that already.

    Raises:
        UnfitPlatformError: it doesn't describe a platform that we can be used by.
        FetchError: it gave no usable answer.
    """
    # Before it is asked, so that the sentence is about the address.
    _address({"address": configuration}, "address", outgoing.allow_private)
    answer = outgoing.fetch("GET", configuration, headers=bearer(token), most_bytes=MOST_BYTES)
    if answer.status != 200:
        raise UnfitPlatformError(
            f"{answer.host} answered {answer.status} when we asked for its configuration. "
            "Begin again in your LMS: such an address often works for a short time, or only once."
        )
    return _described(answer.json_object(), configuration, outgoing.allow_private)


def bearer(token: str | None) -> dict[str, str]:
    """Return the header that shows a registration_token, where there is one."""
    return {"Authorization": f"Bearer {token}"} if token else {}


def _described(document: Mapping[str, Any], configuration: str, allow_private: bool) -> Platform:
    about = document.get(PLATFORM)
    if not isinstance(about, dict):
        raise UnfitPlatformError(
            "What is at the address doesn’t describe an LTI platform. "
            "Give the address to the page of your LMS that registers LTI 1.3 tools."
        )
    family = text_of(about, "product_family_code")
    platform = Platform(
        configuration=configuration,
        issuer=_address(document, "issuer", allow_private),
        authorization_endpoint=_address(document, "authorization_endpoint", allow_private),
        token_endpoint=_address(document, "token_endpoint", allow_private),
        jwks_uri=_address(document, "jwks_uri", allow_private),
        registration_endpoint=_address(document, "registration_endpoint", allow_private),
        token_audience=_audience(document, product_of(family)),
        family=family,
        version=text_of(about, "version"),
        account=text_of(about, f"{CANVAS}account_name"),
        scopes=_offered(document),
        placements=_places(about),
    )
    _check_signing(document)
    _check_issuer(platform)
    return platform


def _address(document: Mapping[str, Any], name: str, allow_private: bool) -> str:
    found = document.get(name)
    if not isinstance(found, str) or not found:
        raise UnfitPlatformError(f"Your LMS doesn’t say its {name}, which an LTI platform must.")
    try:
        return addresses.checked(found, allow_private=allow_private)
    except AddressError as error:
        what = "The address of its configuration" if name == "address" else f"The {name} that your LMS names"
        raise UnfitPlatformError(f"{what} {error}.") from error


def text_of(document: Mapping[str, Any], name: str) -> str:
    """Return a short text on one line; what is none, or is missing, is empty."""
    found = document.get(name)
    if not isinstance(found, str):
        return ""
    return " ".join("".join(c if c.isprintable() else " " for c in found).split())[:LONGEST]


def texts(found: object) -> list[str]:
    """Return the texts of a list; none of what isn’t a list."""
    return [each for each in found if isinstance(each, str)] if isinstance(found, list) else []


def _audience(document: Mapping[str, Any], product: Product) -> str | None:
    # Canvas names its domain there and then refuses it: it wants the token endpoint (asymmetric_client_credentials).
    if product is Product.CANVAS:
        return None
    return text_of(document, "authorization_server") or product.token_audience


def _offered(document: Mapping[str, Any]) -> list[str]:
    offered = set(texts(document.get("scopes_supported")))
    # Some platforms leave scopes out of the list, or spell them short, and give them all the same.
    return [scope for scope in SCOPES if scope in offered] if SCORE in offered else list(SCOPES)


def _places(about: Mapping[str, Any]) -> dict[str, list[str]]:
    listed = about.get("messages_supported")
    messages = [each for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []
    return {
        kind: [
            place
            for message in messages
            if message.get("type") == kind
            for place in texts(message.get("placements"))
            if place.removeprefix(CANVAS) in wanted
        ]
        for kind, wanted in PLACES.items()
    }


def _check_signing(document: Mapping[str, Any]) -> None:
    algorithms = texts(document.get("id_token_signing_alg_values_supported"))
    if algorithms and "RS256" not in algorithms:
        raise UnfitPlatformError("Your LMS doesn’t sign with RS256, which LTI 1.3 asks for.")


def _check_issuer(platform: Platform) -> None:
    """Refuse a platform that goes by a name which isn't its own (Dynamic Registration, section 3.5.1)."""
    # Every Canvas goes by Instructure's name, also one that a school runs itself: there the page says so.
    named = urlsplit(platform.issuer).hostname or ""
    is_canvas = platform.product is Product.CANVAS and _is_within(named, _INSTRUCTURE)
    if platform.is_issuer_elsewhere and not is_canvas:
        raise UnfitPlatformError(
            f"The configuration at {host_of(platform.configuration)} is for another platform: it gives "
            f"{host_of(platform.issuer)} as its name (issuer). In your LMS, check the site’s own address."
        )


def _is_at(configuration: str, issuer: str) -> bool:
    host, named = urlsplit(configuration).hostname or "", urlsplit(issuer).hostname or ""
    return _is_within(host, (named,))


def _is_within(host: str, domains: tuple[str, ...]) -> bool:
    return any(host == domain or host.endswith(f".{domain}") for domain in domains)
