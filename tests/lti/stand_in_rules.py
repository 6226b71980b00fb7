"""The rules that the stand-in platform holds us to. Each check raises Deviation with what was wrong."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

SCORE = "https://purl.imsglobal.org/spec/lti-ags/scope/score"
LINEITEM = "https://purl.imsglobal.org/spec/lti-ags/scope/lineitem"
LINEITEM_READONLY = "https://purl.imsglobal.org/spec/lti-ags/scope/lineitem.readonly"
MEMBERSHIPS = "https://purl.imsglobal.org/spec/lti-nrps/scope/contextmembership.readonly"
SCOPES = {SCORE, LINEITEM, LINEITEM_READONLY, MEMBERSHIPS}

TOOL_CONFIGURATION = "https://purl.imsglobal.org/spec/lti-tool-configuration"
PLATFORM_CONFIGURATION = "https://purl.imsglobal.org/spec/lti-platform-configuration"

_SCORE_KEYS = {"userId", "timestamp", "activityProgress", "gradingProgress"}
_SCORE_OPTIONS = {"scoreGiven", "scoreMaximum", "comment", "submission"}
_ACTIVITY = {"Initialized", "Started", "InProgress", "Submitted", "Completed"}
_GRADING = {"FullyGraded", "Pending", "PendingManual", "Failed", "NotReady"}
_TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{1,6}(Z|[+-]\d\d:\d\d)")

_CLIENT = {
    *(
        "application_type",
        "response_types",
        "grant_types",
        "initiate_login_uri",
        "redirect_uris",
        "client_name",
    ),
    *("jwks_uri", "token_endpoint_auth_method", "scope", TOOL_CONFIGURATION),
}
_CLIENT_OPTIONS = {"client_uri", "logo_uri", "policy_uri", "tos_uri", "contacts"}


class Deviation(Exception):
    """We did something that a strict platform refuses."""


def holds(condition: object, what: str) -> None:
    """Raise a Deviation unless the condition holds."""
    if not condition:
        raise Deviation(what)


def media_type(headers: Mapping[str, str], wanted: str) -> None:
    """A body has exactly this type; a charset of UTF-8 may stand behind it."""
    found = headers.get("Content-Type", "")
    holds(found.lower().replace(" ", "") in {wanted, f"{wanted};charset=utf-8"}, f"Content-Type is {found!r}")


def manners(headers: Mapping[str, str]) -> None:
    """Every question says who asks, and is not packed."""
    holds(headers.get("User-Agent", "").startswith("Countersign/"), "no User-Agent of ours")
    holds(headers.get("Accept-Encoding") == "identity", "Accept-Encoding is not identity")


def form(body: bytes) -> dict[str, str]:
    """Return a token request's fields: these four, each once (RFC 6749, section 4.4; RFC 7523, section 2.2)."""
    fields = parse_qsl(body.decode("ascii"), keep_blank_values=True, strict_parsing=True)
    names = [name for name, _ in fields]
    wanted = ["client_assertion", "client_assertion_type", "grant_type", "scope"]
    holds(sorted(names) == wanted, f"the form has {sorted(names)}")
    found = dict(fields)
    holds(found["grant_type"] == "client_credentials", "wrong grant_type")
    assertion_type = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    holds(found["client_assertion_type"] == assertion_type, "wrong client_assertion_type")
    return found


def assertion(
    token: str, published: dict[str, Any], *, client_id: str, audience: str, now: datetime
) -> dict[str, Any]:
    """Return the claims of an assertion: signed with a published key, and with what it should say and no more."""
    try:
        decoded = jwt.decode(token, KeySet.import_key_set(published), algorithms=["RS256"])  # type: ignore[arg-type]
    except (JoseError, ValueError) as error:
        raise Deviation(f"the assertion can't be checked: {error}") from error
    holds(
        decoded.header.get("kid") in {key["kid"] for key in published["keys"]}, "the assertion names no kid"
    )
    claims = decoded.claims
    holds(set(claims) == {"iss", "sub", "aud", "iat", "exp", "jti"}, f"the assertion claims {sorted(claims)}")
    holds(claims["iss"] == claims["sub"] == client_id, "iss and sub are not the client id")
    holds(claims["aud"] == audience, f"aud is {claims['aud']!r}")
    holds(type(claims["iat"]) is int and type(claims["exp"]) is int, "iat and exp are not whole seconds")
    holds(now - timedelta(seconds=30) <= _moment(claims["iat"], now) <= now, "iat is not the present")
    holds(now < _moment(claims["exp"], now) <= now + timedelta(minutes=5), "exp is not soon")
    holds(isinstance(claims["jti"], str) and len(claims["jti"]) >= 16, "jti is too short")
    return claims


def score(body: bytes) -> dict[str, Any]:
    """Return a score that is whole (AGS 2.0, section 3.4)."""
    found = json.loads(body)
    holds(isinstance(found, dict), "the score is not an object")
    holds(set(found) >= _SCORE_KEYS, f"the score lacks {sorted(_SCORE_KEYS - set(found))}")
    holds(set(found) <= _SCORE_KEYS | _SCORE_OPTIONS, f"the score has {sorted(found)}")
    holds(isinstance(found["userId"], str) and found["userId"], "userId is empty")
    holds(_TIMESTAMP.fullmatch(str(found["timestamp"])), f"timestamp is {found['timestamp']!r}")
    holds(found["activityProgress"] in _ACTIVITY, f"activityProgress is {found['activityProgress']!r}")
    holds(found["gradingProgress"] in _GRADING, f"gradingProgress is {found['gradingProgress']!r}")
    if "scoreGiven" in found:
        holds(_is_number(found["scoreGiven"]) and found["scoreGiven"] >= 0, "scoreGiven is not a number")
        holds(_is_number(found.get("scoreMaximum")), "scoreGiven without scoreMaximum")
        holds(found["scoreMaximum"] > 0, "scoreMaximum is not above 0")
    return dict(found)


def client(body: bytes, scopes_supported: list[str]) -> dict[str, Any]:
    """Return a registration that is whole (LTI Dynamic Registration 1.0, 3.5; Canvas wants the optional parts)."""
    found = json.loads(body)
    holds(isinstance(found, dict), "the registration is not an object")
    holds(set(found) >= _CLIENT, f"the registration lacks {sorted(_CLIENT - set(found))}")
    holds(
        set(found) <= _CLIENT | _CLIENT_OPTIONS, f"unknown: {sorted(set(found) - _CLIENT - _CLIENT_OPTIONS)}"
    )
    holds(found["application_type"] == "web", "application_type is not web")
    holds(found["response_types"] == ["id_token"], "response_types is not [id_token]")
    holds(sorted(found["grant_types"]) == ["client_credentials", "implicit"], "wrong grant_types")
    holds(found["token_endpoint_auth_method"] == "private_key_jwt", "wrong token_endpoint_auth_method")
    holds(isinstance(found["client_name"], str) and found["client_name"], "client_name is empty")
    scopes = found["scope"].split(" ")
    holds(set(scopes) <= set(scopes_supported), f"scope asks for {scopes}")
    holds(len(set(scopes)) == len(scopes), "scope names one twice")
    holds(isinstance(found["redirect_uris"], list) and found["redirect_uris"], "redirect_uris is empty")
    for uri in (*found["redirect_uris"], found["initiate_login_uri"], found["jwks_uri"]):
        holds(urlsplit(uri).scheme in {"http", "https"} and urlsplit(uri).netloc, f"{uri!r} is no address")
    _tool(found[TOOL_CONFIGURATION], found["redirect_uris"])
    return dict(found)


def _tool(found: Any, redirect_uris: list[str]) -> None:
    holds(isinstance(found, dict), "the tool configuration is not an object")
    needed = {"domain", "target_link_uri", "claims", "messages"}
    holds(set(found) >= needed, f"the tool configuration lacks {sorted(needed - set(found))}")
    known = needed | {"description", "custom_parameters", "secondary_domains"}
    holds(set(found) <= known, f"the tool configuration has {sorted(set(found) - known)}")
    holds(
        found["domain"] in {urlsplit(uri).netloc for uri in redirect_uris}, f"domain is {found['domain']!r}"
    )
    _at_home(found["target_link_uri"], found["domain"])
    holds({"iss", "sub"} <= set(found["claims"]), f"claims are {found['claims']}")
    _custom(found.get("custom_parameters", {}))
    holds(isinstance(found["messages"], list) and found["messages"], "messages is empty")
    for message in found["messages"]:
        types = {"LtiDeepLinkingRequest", "LtiResourceLinkRequest"}
        holds(message.get("type") in types, f"a message of type {message.get('type')!r}")
        _at_home(message.get("target_link_uri", found["target_link_uri"]), found["domain"])
        _custom(message.get("custom_parameters", {}))


def _at_home(uri: str, domain: str) -> None:
    holds(urlsplit(uri).netloc == domain, f"{uri!r} is not at {domain}")


def _custom(parameters: dict[str, Any]) -> None:
    for name, value in parameters.items():
        holds(isinstance(value, str) and "=" not in value, f"the custom parameter {name} is {value!r}")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _moment(seconds: int, like: datetime) -> datetime:
    return datetime.fromtimestamp(seconds, like.tzinfo)
