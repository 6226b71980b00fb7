# ruff: noqa: ARG002 (the library says what its hooks are given)
"""A platform that somebody else wrote, `lti1p3platform`, over HTTP on loopback: a school with courses and a grade book.

It is lenient, so it shows that we get on with others, and not that we are right: for that there are the forger and the
stand-in.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from flask import Flask, Response, jsonify, redirect, render_template_string, request
from lti1p3platform.ltiplatform import LTI1P3PlatformConfAbstract
from lti1p3platform.membership import Context
from lti1p3platform.message_launch import LTIAdvantageMessageLaunchAbstract
from lti1p3platform.oidc_login import OIDCLoginAbstract
from lti1p3platform.registration import Registration
from lti1p3platform.request import Request
from lti1p3platform.score import UpdateScoreStatus
from lti1p3platform.service_connector import AssignmentsGradesService, NamesRoleProvisioningService

LEARNER = "http://purl.imsglobal.org/vocab/lis/v2/membership#Learner"
INSTRUCTOR = "http://purl.imsglobal.org/vocab/lis/v2/membership#Instructor"
CLIENT_ID = "countersign-1"
DEPLOYMENT_ID = "1"
COURSE = "course-7"
PICK = "pick"
"""The hint that stands for picking content, where another names a link."""
_FORM = """<!doctype html><form method="post" action="{{ to }}">
{% for name, value in fields.items() %}<input type="hidden" name="{{ name }}" value="{{ value }}">{% endfor %}
<button>Go on</button></form>"""


@dataclass(frozen=True)
class User:
    """Somebody with an account there."""

    id: str
    name: str
    email: str
    role: str = LEARNER


@dataclass
class Link:
    """An activity in the course."""

    title: str
    url: str
    custom: dict[str, str] = field(default_factory=dict)


@dataclass
class School:
    """What there is on the platform, and what was brought to it."""

    address: str = ""
    tool: str = ""
    users: dict[str, User] = field(default_factory=dict)
    links: dict[str, Link] = field(default_factory=dict)
    scores: list[dict[str, Any]] = field(default_factory=list)

    def add(self, *users: User) -> None:
        """Give people accounts."""
        self.users |= {user.id: user for user in users}


class _Conf(LTI1P3PlatformConfAbstract):
    def init_platform_config(self, registration: Registration) -> None:
        self._registration = registration

    def get_registration_by_params(self, **kwargs: Any) -> Registration:
        return self._registration


class _Request(Request):
    def build_metadata(self, request: Any) -> Any:
        return {
            "method": request.method,
            "form_data": request.form.to_dict(),
            "get_data": request.args.to_dict(),
            "headers": request.headers,
            "content_type": request.content_type,
            "path": request.path,
            "json": request.get_json(force=True, silent=True),
        }


class _Login(OIDCLoginAbstract):
    def set_lti_message_hint(self, **kwargs: Any) -> None:
        self._lti_message_hint = kwargs["hint"]

    def get_redirect(self, url: str) -> Any:
        return redirect(url)


class _Launch(LTIAdvantageMessageLaunchAbstract):
    school: School

    def prepare_launch(self, preflight_response: dict[str, Any]) -> None:
        user = self.school.users[preflight_response["login_hint"]]
        hint = preflight_response["lti_message_hint"]
        self.set_user_data(user.id, [user.role], user.name, user.email)
        self.set_launch_context_claim(COURSE, context_title="Staff induction")
        self.set_nrps(f"{self.school.address}/courses/{COURSE}/members")
        if hint == PICK:
            self.set_dl(f"{self.school.address}/picked", accept_types={"ltiResourceLink"}, extra_data="kept")
            return
        link = self.school.links[hint]
        self.set_resource_link_claim(hint, title=link.title)
        self.set_custom_parameters_claim(link.custom)
        self.set_launch_url(link.url)
        self.set_ags(f"{self.school.address}/lineitems", f"{self.school.address}/lineitems/{hint}")

    def render_launch_form(self, launch_data: dict[str, Any], **kwargs: Any) -> Any:
        fields = {name: launch_data[name] for name in ("id_token", "state")}
        return render_template_string(_FORM, to=launch_data["launch_url"], fields=fields)


class _Grades(AssignmentsGradesService):
    school: School

    def update_score(self, line_item_id: str, score: Any) -> UpdateScoreStatus:
        self.school.scores.append({"lineitem": line_item_id, **score})
        return UpdateScoreStatus.SUCCESS

    def _not_offered(self, *args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError

    find_lineitems = find_lineitem = create_lineitem = _not_offered
    update_lineitem = delete_lineitem = get_results = _not_offered


class _Members(NamesRoleProvisioningService):
    school: School

    def get_context_by_id(self) -> Context:
        return Context(COURSE, "SI", "Staff induction")

    def get_member_data_page(self, **kwargs: Any) -> Any:
        listed = [
            {"user_id": user.id, "name": user.name, "email": user.email, "roles": [user.role]}
            for user in self.school.users.values()
        ]
        return {"content": listed, "has_next": False}


def platform(school: School) -> Flask:
    """Return the platform's website. Its school's `address` and `tool` are to be set before it is asked anything."""
    app, keys = Flask("platform"), _keys()

    def conf() -> _Conf:
        return _Conf(registration=_registration(school, keys))

    _add_messages(app, school, conf)
    _add_services(app, school, conf)
    return app


def _add_messages(app: Flask, school: School, conf: Callable[[], _Conf]) -> None:
    @app.get("/open/<hint>")
    def open_link(hint: str) -> Any:
        login = _Login(None, conf())
        login.set_lti_message_hint(hint=hint)
        if hint == PICK:
            login.set_deeplinking_launch_url()
        else:
            login.set_launch_url(school.links[hint].url)
        return login.initiate_login(request.args["user"])

    @app.get("/auth")
    def auth() -> Any:
        launch = _Launch(_Request(request), conf())
        launch.school = school
        return launch.lti_launch()

    @app.post("/picked")
    def picked() -> Any:
        items = conf().validate_deeplinking_resp(request.form.to_dict())
        for number, item in enumerate(items, len(school.links)):
            school.links[f"link-{number}"] = Link(item["title"], item["url"], item["custom"])
        return f"<!doctype html><p>{len(items)} added"


def _add_services(app: Flask, school: School, conf: Callable[[], _Conf]) -> None:
    @app.get("/jwks")
    def jwks() -> Any:
        return jsonify(conf().get_jwks())

    @app.post("/token")
    def token() -> Any:
        return jsonify(conf().get_access_token(request.form.to_dict()))

    @app.post("/lineitems/<item>/scores")
    def score(item: str) -> Any:
        service = _Grades(_Request(request), conf(), f"{school.address}/lineitems")
        service.school = school
        return _answer(service.handle_resp(service.handle_update_score, line_item_id=item))

    @app.get("/courses/<course>/members")
    def members(course: str) -> Any:
        service = _Members(_Request(request), conf(), request.base_url)
        service.school = school
        return _answer(service.handle_resp(service.handle_get_members))


def _answer(answer: Any) -> Response:
    response = jsonify(answer.result)
    response.status_code, response.content_type = answer.code, answer.media_type
    return response


def _keys() -> tuple[str, str]:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return private.decode(), public.decode()


def _registration(school: School, keys: tuple[str, str]) -> Registration:
    return (
        Registration()
        .set_iss(school.address)
        .set_client_id(CLIENT_ID)
        .set_deployment_id(DEPLOYMENT_ID)
        .set_oidc_login_url(f"{school.tool}/lti/login")
        .set_launch_url(f"{school.tool}/")
        .set_deeplink_launch_url(f"{school.tool}/lti/deep-linking")
        .set_tool_key_set_url(f"{school.tool}/lti/jwks")
        .set_platform_private_key(keys[0])
        .set_platform_public_key(keys[1])
    )
