"""A strict platform for tests, over real HTTP on loopback. It records what we ask, and fails the test on a deviation.

    with StandIn(tool_keys.published) as platform:           # clock=lambda: time.now where the test moves the clock
        with app.app_context(), transaction():
            registration = platform.register(school.id)      # a Registration with this platform's addresses
        platform.lineitem()                                  # an address of a line item (with a query, as Moodle's)
        platform.list_course(members, page_size=2)           # the address of a course's members, in pages
        platform.next("scores", fault(503))                  # what becomes of the next question to an endpoint …
        platform.next("scores", fault(429, headers={"Retry-After": "30"}), times=3)
        platform.always("jwks", Fault.HALF)                  # … or of every one, until platform.well("jwks")
        platform.always("token", Fault.SLOW)                 # no answer until platform.release(), or the block's end
        platform.scores, platform.grade(lineitem, user)      # what was taken
        platform.asked("token")                              # what was asked, in order

Endpoints: jwks, token, scores, members, configuration, registration. Faults: see `Fault`, and `fault(status, …)`.
For Dynamic Registration: platform.configuration_url; .configuration (a dict to change); .registration_token (None, or
what must be shown as Bearer); .registered (the metadata that was taken); .returns_deployment ("" as Canvas does, an id
as Moodle). Launches are signed with `platform_key()`, which is what platform.jwks publishes.
Deviations raise AssertionError when the block ends; platform.deviations has them before.
"""

from __future__ import annotations

import secrets
import threading
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

from joserfc.jwk import RSAKey

from lms.lti import platforms
from lms.lti.platforms import Registration
from tests.conftest import NOW
from tests.lti import stand_in_rules as rules
from tests.lti.stand_in_rules import Deviation, holds
from tests.lti.stand_in_server import Fault, Reply, fault, serve

__all__ = ["Fault", "Granted", "Question", "Reply", "StandIn", "fault", "platform_key"]

SCORE_TYPE = "application/vnd.ims.lis.v1.score+json"
MEMBERS_TYPE = "application/vnd.ims.lti-nrps.v2.membershipcontainer+json"


@dataclass(frozen=True)
class Question:
    """What we asked: `target` is the path with its query."""

    endpoint: str
    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Granted:
    """A token that was given."""

    scopes: frozenset[str]
    until: datetime


@cache
def platform_key() -> RSAKey:
    """The key that the stand-in publishes, and that a forger may sign with. Made once a test run: it takes a while."""
    return RSAKey.generate_key(2048, {"kid": "platform-key-1", "use": "sig", "alg": "RS256"}, private=True)


class StandIn:
    """See the module."""

    def __init__(
        self,
        published: Callable[[datetime], dict[str, Any]],
        *,
        clock: Callable[[], datetime] = lambda: NOW,
        client_id: str = "tool-1",
    ) -> None:
        self._published = published
        self.clock = clock
        self.client_id = client_id
        self.audience: str | None = None
        self.scopes = set(rules.SCOPES)
        self.jwks: Any = {"keys": [platform_key().as_dict(private=False)]}
        self.scores: list[dict[str, Any]] = []
        self.refuses_same_time = False
        self.registration_token: str | None = None
        self.registered: dict[str, Any] | None = None
        self.returns_deployment = ""
        self.questions: list[Question] = []
        self.deviations: list[str] = []
        self._members: list[dict[str, Any]] = []
        self._page_size = 0
        self._tokens: dict[str, Granted] = {}
        self._jtis: set[str] = set()
        self._next: dict[str, deque[Fault | Reply]] = defaultdict(deque)
        self._always: dict[str, Fault | Reply] = {}
        self._let_go = threading.Event()
        self._lock = threading.RLock()
        self._server = serve(self.answer, self._let_go, lambda: self.clock())
        self.address = f"http://127.0.0.1:{self._server.server_port}"
        self.issuer = self.address
        self.jwks_uri = f"{self.address}/mod/certs.php"
        self.token_endpoint = f"{self.address}/mod/token.php"
        self.authorization_endpoint = f"{self.address}/mod/auth.php"
        self.configuration_url = f"{self.address}/mod/openid-configuration.php"
        self.registration_endpoint = f"{self.address}/mod/openid-registration.php"
        self.members_url = f"{self.address}/Services/CourseSection/aBcD/Memberships?rlid=Xy9"
        self.configuration = self._configuration()

    def __enter__(self) -> Self:
        threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True
        ).start()
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        self._let_go.set()
        self._server.shutdown()
        self._server.server_close()
        if kind is None and self.deviations:
            raise AssertionError("a strict platform would refuse this: " + "; ".join(self.deviations))

    # What a test sets up

    def register(self, organisation_id: UUID, *, product: str = "moodle", **values: Any) -> Registration:
        """Add this platform's registration. Call it in a transaction."""
        return platforms.register(
            organisation_id,
            **{
                "name": "The stand-in",
                "product": product,
                "issuer": self.issuer,
                "client_id": self.client_id,
                "authorization_endpoint": self.authorization_endpoint,
                "token_endpoint": self.token_endpoint,
                "jwks_uri": self.jwks_uri,
                "token_audience": self.audience,
                "scopes": sorted(self.scopes),
                "now": self.clock(),
                **values,
            },
        )

    def lineitem(self, name: str = "17") -> str:
        """Return the address of a line item, with a query as Moodle's have."""
        return f"{self.address}/services.php/2/lineitems/{name}/lineitem?type_id=1"

    def list_course(self, members: Iterable[dict[str, Any]], page_size: int = 0) -> str:
        """Set who is in the course, and return the address of the list."""
        self._members, self._page_size = list(members), page_size
        return self.members_url

    def next(self, endpoint: str, what: Fault | Reply, times: int = 1) -> None:
        """Have the next questions to an endpoint end like this."""
        self._next[endpoint].extend([what] * times)

    def always(self, endpoint: str, what: Fault | Reply) -> None:
        """Have every question to an endpoint end like this, until it is well."""
        self._always[endpoint] = what

    def well(self, endpoint: str) -> None:
        """Have an endpoint answer again as it should."""
        self._always.pop(endpoint, None)
        self._next.pop(endpoint, None)

    def release(self) -> None:
        """Let the slow answers go."""
        self._let_go.set()

    def end_tokens(self) -> None:
        """Take every token back, as a platform that was restarted."""
        self._tokens.clear()

    # What a test asks afterwards

    def asked(self, endpoint: str) -> list[Question]:
        """Return the questions that an endpoint was asked, in order."""
        return [question for question in self.questions if question.endpoint == endpoint]

    def grade(self, lineitem: str, user_id: str) -> dict[str, Any] | None:
        """Return the last score taken for somebody at a line item."""
        theirs = (s for s in reversed(self.scores) if s["lineitem"] == lineitem and s["userId"] == user_id)
        return next(theirs, None)

    # The platform's side

    def answer(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Fault | Reply:
        """Answer one question; a scripted fault comes only after the question was found right."""
        endpoint, found = self._route(target)
        question = Question(endpoint, method, target, headers, body)
        with self._lock:
            self.questions.append(question)
            try:
                rules.manners(headers)
                if found is None:
                    raise Deviation("no such address")
                return found(question)
            except Deviation as deviation:
                self.deviations.append(f"{method} {target}: {deviation}")
                return fault(400, {"error": "invalid_request", "error_description": str(deviation)})

    def _route(self, target: str) -> tuple[str, Callable[[Question], Fault | Reply] | None]:
        exact: dict[str, tuple[str, Callable[[Question], Fault | Reply]]] = {
            self.jwks_uri: ("jwks", self._jwks),
            self.token_endpoint: ("token", self._token),
            self.configuration_url: ("configuration", self._give_configuration),
            self.registration_endpoint: ("registration", self._register),
        }
        if f"{self.address}{target}" in exact:
            return exact[f"{self.address}{target}"]
        path = urlsplit(target).path
        if path.startswith("/services.php/2/lineitems/"):
            return "scores", self._score
        if path == urlsplit(self.members_url).path:
            return "members", self._memberships
        return "unknown", None

    def _scripted(self, endpoint: str) -> Fault | Reply | None:
        waiting = self._next.get(endpoint)
        return waiting.popleft() if waiting else self._always.get(endpoint)

    def _jwks(self, question: Question) -> Fault | Reply:
        holds(question.method == "GET", "not a GET")
        return self._scripted("jwks") or fault(200, self.jwks)

    def _token(self, question: Question) -> Fault | Reply:
        holds(question.method == "POST", "not a POST")
        holds("Authorization" not in question.headers, "a token request with Authorization")
        rules.media_type(question.headers, "application/x-www-form-urlencoded")
        fields = rules.form(question.body)
        now = self.clock()
        claims = rules.assertion(
            fields["client_assertion"],
            self._published(now),
            client_id=self.client_id,
            audience=self.audience or self.token_endpoint,
            now=now,
        )
        holds(claims["jti"] not in self._jtis, "a jti that was used before")
        self._jtis.add(claims["jti"])
        asked = fields["scope"].split(" ")
        holds(len(set(asked)) == len(asked) and set(asked) <= rules.SCOPES, f"scope is {fields['scope']!r}")
        if scripted := self._scripted("token"):
            return scripted
        if not set(asked) <= self.scopes:
            return fault(400, {"error": "invalid_scope"})
        token = secrets.token_urlsafe(24)
        self._tokens[token] = Granted(frozenset(asked), now + timedelta(hours=1))
        said = {"access_token": token, "token_type": "Bearer", "expires_in": 3600, "scope": " ".join(asked)}
        return fault(200, said, headers={"Cache-Control": "no-store"})

    def _allowed(self, question: Question, scope: str) -> Reply | None:
        """Return the refusal for a token that has ended. One without the scope is our mistake."""
        kind, _, token = question.headers.get("Authorization", "").partition(" ")
        holds(kind == "Bearer" and token, "no Bearer token")
        granted = self._tokens.get(token)
        if granted is None or granted.until <= self.clock():
            return fault(401, headers={"WWW-Authenticate": 'Bearer error="invalid_token"'})
        holds(scope in granted.scopes, f"the token is for {sorted(granted.scopes)}")
        return None

    def _score(self, question: Question) -> Fault | Reply:
        parts = urlsplit(question.target)
        holds(question.method == "POST", "not a POST")
        holds(parts.path.endswith("/lineitem/scores"), "not the line item's path and /scores")
        holds(parts.query == "type_id=1", "the line item's query is lost")
        rules.media_type(question.headers, SCORE_TYPE)
        score = rules.score(question.body)
        if refusal := self._allowed(question, rules.SCORE) or self._scripted("scores"):
            return refusal
        score["lineitem"] = f"{self.address}{parts.path.removesuffix('/scores')}?{parts.query}"
        last = self.grade(score["lineitem"], score["userId"])
        if last is not None:
            before, at = (datetime.fromisoformat(each["timestamp"]) for each in (last, score))
            holds(before <= at, f"a timestamp of {at} after one of {before}")
            if before == at and self.refuses_same_time:
                return fault(409, [])
            holds(before < at or last == score, "another score of the same time")
        self.scores.append(score)
        return fault(200, {})

    def _memberships(self, question: Question) -> Fault | Reply:
        holds(question.method == "GET", "not a GET")
        holds(question.headers.get("Accept") == MEMBERS_TYPE, f"Accept is {question.headers.get('Accept')!r}")
        first = urlsplit(self.members_url)
        cursors = parse_qs(urlsplit(question.target).query).get("Cursor", ["pG0"])
        wanted = f"{first.path}?{first.query}" + ("" if cursors == ["pG0"] else f"&Cursor={cursors[0]}")
        holds(question.target == wanted, f"not an address that was given out: {question.target}")
        if refusal := self._allowed(question, rules.MEMBERSHIPS) or self._scripted("members"):
            return refusal
        page, size = int(cursors[0].removeprefix("pG")), self._page_size or max(1, len(self._members))
        shown = self._members[page * size : (page + 1) * size]
        links = [f'<{self.members_url}&since=672>; rel="differences"']
        if (page + 1) * size < len(self._members):
            links.append(f'<{self.members_url}&Cursor=pG{page + 1}>; title="more, of it"; rel="next"')
        body = {"id": self.members_url, "context": {"id": "course-1"}, "members": shown}
        return fault(200, body, headers={"Content-Type": MEMBERS_TYPE, "Link": ", ".join(links)})

    def _may_register(self, question: Question) -> None:
        shown = question.headers.get("Authorization")
        wanted = None if self.registration_token is None else f"Bearer {self.registration_token}"
        holds(shown == wanted, f"Authorization is {shown!r}")

    def _give_configuration(self, question: Question) -> Fault | Reply:
        holds(question.method == "GET", "not a GET")
        self._may_register(question)
        return self._scripted("configuration") or fault(200, self.configuration)

    def _register(self, question: Question) -> Fault | Reply:
        holds(question.method == "POST", "not a POST")
        self._may_register(question)
        rules.media_type(question.headers, "application/json")
        client = rules.client(question.body, self.configuration["scopes_supported"])
        if scripted := self._scripted("registration"):
            return scripted
        holds(self.registered is None, "registered twice")
        self.registered = client
        tool = dict(client[rules.TOOL_CONFIGURATION])
        if self.returns_deployment:
            tool["deployment_id"] = self.returns_deployment
        return fault(201, {**client, "client_id": self.client_id, rules.TOOL_CONFIGURATION: tool})

    def _configuration(self) -> dict[str, Any]:
        return {
            "issuer": self.issuer,
            "authorization_endpoint": self.authorization_endpoint,
            "token_endpoint": self.token_endpoint,
            "token_endpoint_auth_methods_supported": ["private_key_jwt"],
            "token_endpoint_auth_signing_alg_values_supported": ["RS256"],
            "jwks_uri": self.jwks_uri,
            "registration_endpoint": self.registration_endpoint,
            "scopes_supported": ["openid", *sorted(self.scopes)],
            "response_types_supported": ["id_token"],
            "subject_types_supported": ["public", "pairwise"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "claims_supported": ["iss", "sub", "name", "given_name", "family_name", "email"],
            rules.PLATFORM_CONFIGURATION: {
                "product_family_code": "moodle",
                "version": "4.5.6",
                "messages_supported": [
                    {"type": "LtiResourceLinkRequest"},
                    {"type": "LtiDeepLinkingRequest", "placements": ["ContentArea"]},
                ],
                "variables": ["CourseSection.title", "ResourceLink.id.history", "Context.id.history"],
            },
        }
