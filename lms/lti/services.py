"""What a platform does for us when we ask with a token: take a score (AGS 2.0), list a course's members (NRPS 2.0).

Tokens: OAuth 2.0 client credentials with a private_key_jwt assertion (1EdTech Security Framework 1.0, section 4.1).
"""

from __future__ import annotations

import json
import re
import secrets
import threading
import time
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlencode, urlsplit, urlunsplit
from uuid import UUID

from lms.lti import member_pages, service_errors
from lms.lti.fetching import MOST_BYTES, WITHIN, Answer, FetchError, Outgoing
from lms.lti.member_pages import MEMBERS_TYPE, Member
from lms.lti.platforms import Registration, origin
from lms.lti.service_errors import ServiceError, TokenRefusedError
from lms.lti.tool_keys import ToolKeys

__all__ = ["Member", "ServiceError", "Services", "TokenRefusedError"]

SCORE = "https://purl.imsglobal.org/spec/lti-ags/scope/score"
LINEITEM = "https://purl.imsglobal.org/spec/lti-ags/scope/lineitem"
LINEITEM_READONLY = "https://purl.imsglobal.org/spec/lti-ags/scope/lineitem.readonly"
MEMBERSHIPS = "https://purl.imsglobal.org/spec/lti-nrps/scope/contextmembership.readonly"
SCOPES = (SCORE, LINEITEM, LINEITEM_READONLY, MEMBERSHIPS)
"""All that we ask for when we are connected. Tokens are asked for what they are used for, and no more."""

SCORE_TYPE = "application/vnd.ims.lis.v1.score+json"

_ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_ASSERTION_LASTS = timedelta(seconds=60)
_SLOW_CLOCK = timedelta(seconds=5)
"""How far a platform's clock may be behind ours: some refuse an assertion from their future without any leeway."""
_MARGIN = timedelta(seconds=60)
_USUAL_LIFE = 300
_LONGEST_LIFE = 86_400
_SCORE_WITHIN = 30.0

MOST_PAGES = 1_000
_MOST_MEMBERS = 100_000
_PAGE_BYTES = 50_000_000
_PAGE_WITHIN = 120.0
"""Moodle takes 15 seconds for a course of 20,000, which it lists in one page of 4.4 MB."""
_LIST_WITHIN = 900.0


@dataclass(frozen=True, slots=True)
class _Token:
    value: str
    until: datetime


@dataclass(frozen=True, slots=True)
class _Question:
    """What to ask of a platform, before a token is put to it."""

    method: str
    url: str
    scope: str
    headers: Mapping[str, str]
    body: bytes | None = None
    most_bytes: int = MOST_BYTES
    within: float = WITHIN


class Services:
    """Asks platforms, with tokens that it keeps while they last. Threads may share it. Never in a transaction."""

    def __init__(self, outgoing: Outgoing, tool_keys: ToolKeys, base_url: str) -> None:
        """Take who asks, what signs, and our own address."""
        self._outgoing = outgoing
        self._tool_keys = tool_keys
        self.jwks_url = f"{base_url}/lti/jwks"
        """Where platforms read our keys."""
        self._tokens: dict[tuple[UUID, tuple[str, ...]], _Token] = {}
        self._lock = threading.Lock()

    def token(self, registration: Registration, scopes: Collection[str], now: datetime) -> str:
        """Return an access token for these scopes, from the last time if that one lasts another minute.

        Raises:
            TokenRefusedError: the platform gives none.
            ServiceError: it can't be asked.
        """
        kept_as = (registration.id, tuple(sorted(scopes)))
        with self._lock:
            held = self._tokens.get(kept_as)
        if held is not None and held.until > now:
            return held.value
        granted = self._granted(registration, kept_as[1], now)
        with self._lock:
            self._tokens[kept_as] = granted
        return granted.value

    def forget(self, registration: Registration) -> None:
        """Drop a platform's tokens, so that the next one is asked for."""
        with self._lock:
            for kept_as in [each for each in self._tokens if each[0] == registration.id]:
                del self._tokens[kept_as]

    def send_score(
        self, registration: Registration, lineitem: str, score: Mapping[str, object], now: datetime
    ) -> None:
        """Post one score to the line item at this address.

        Raises:
            ServiceError: it was not taken. With status 409 the grade book has a newer one of that person.
        """
        question = _Question(
            "POST",
            _scores_url(lineitem),
            SCORE,
            {"Content-Type": SCORE_TYPE},
            json.dumps(score).encode(),
            within=_SCORE_WITHIN,
        )
        answer = self._ask(registration, question, now)
        if not 200 <= answer.status < 300:
            raise service_errors.score_refused(registration, answer, now)

    def members(self, registration: Registration, url: str, now: datetime) -> list[Member]:
        """Return everybody in the course whose members are listed at this address, each once.

        Raises:
            ServiceError: the list could not be read whole. Part of it is never returned: whoever is not in it would be
                taken for a leaver.
        """
        found: dict[str, Member] = {}
        for page in self._pages(registration, url, now):
            for member in page:
                found.setdefault(member.user_id, member)
            if len(found) > _MOST_MEMBERS:
                raise service_errors.list_unreadable(registration, f"there are over {_MOST_MEMBERS:,}")
        return list(found.values())

    def _pages(self, registration: Registration, url: str, now: datetime) -> Iterator[list[Member]]:
        seen: set[str] = set()
        until = time.monotonic() + _LIST_WITHIN
        page: str | None = url
        while page is not None:
            if time.monotonic() > until:
                minutes = f"{_LIST_WITHIN / 60:g} minutes"
                raise service_errors.list_unreadable(registration, f"it took over {minutes}", final=False)
            seen.add(page)
            answer = self._page(registration, page, now)
            try:
                yield member_pages.members(answer.json_object())
                page = _unseen(member_pages.next_page(page, answer.headers.get("link", "")), seen, url)
            except (FetchError, member_pages.PageError) as error:
                raise service_errors.list_unreadable(registration, str(error).rstrip(".")) from error

    def _page(self, registration: Registration, page: str, now: datetime) -> Answer:
        accept = {"Accept": MEMBERS_TYPE}
        question = _Question("GET", page, MEMBERSHIPS, accept, most_bytes=_PAGE_BYTES, within=_PAGE_WITHIN)
        answer = self._ask(registration, question, now)
        if answer.status != 200:
            raise service_errors.list_refused(registration, answer, now)
        return answer

    def _ask(self, registration: Registration, question: _Question, now: datetime) -> Answer:
        answer = self._ask_once(registration, question, now)
        if answer.status == 401:
            # A platform may end a token early: when it was restarted, or we were allowed something else.
            self.forget(registration)
            answer = self._ask_once(registration, question, now)
        return answer

    def _ask_once(self, registration: Registration, question: _Question, now: datetime) -> Answer:
        token = self.token(registration, [question.scope], now)
        try:
            return self._outgoing.fetch(
                question.method,
                question.url,
                headers={**question.headers, "Authorization": f"Bearer {token}"},
                body=question.body,
                most_bytes=question.most_bytes,
                within=question.within,
            )
        except FetchError as error:
            raise service_errors.unreachable(error) from error

    def _granted(self, registration: Registration, scopes: Collection[str], now: datetime) -> _Token:
        form = {
            "grant_type": "client_credentials",
            "client_assertion_type": _ASSERTION,
            "client_assertion": self._assertion(registration, now),
            "scope": " ".join(scopes),
        }
        try:
            answer = self._outgoing.fetch(
                "POST",
                registration.token_endpoint,
                headers={"Content-Type": "application/x-www-form-urlencoded"},
                body=urlencode(form).encode(),
            )
            if answer.status != 200:
                raise service_errors.token_refused(registration, answer, now)
            return _token(registration, answer.json_object(), now)
        except FetchError as error:
            raise service_errors.unreachable(error) from error

    def _assertion(self, registration: Registration, now: datetime) -> str:
        return self._tool_keys.sign(
            {
                "iss": registration.client_id,
                "sub": registration.client_id,
                "aud": registration.token_audience or registration.token_endpoint,
                "iat": int((now - _SLOW_CLOCK).timestamp()),
                "exp": int((now + _ASSERTION_LASTS).timestamp()),
                "jti": secrets.token_urlsafe(24),
            }
        )


def _token(registration: Registration, granted: Mapping[str, object], now: datetime) -> _Token:
    value, kind, lasts = granted.get("access_token"), granted.get("token_type"), granted.get("expires_in")
    # It goes into a header as it is.
    if not isinstance(value, str) or not re.fullmatch(r"[!-~]{1,16384}", value):
        raise service_errors.token_unreadable(registration, "there is no token in the answer")
    if not isinstance(kind, str) or kind.lower() != "bearer":
        raise service_errors.token_unreadable(registration, "the token is not a Bearer token")
    # Seconds; some write the number as a text.
    seconds = int(str(lasts)) if re.fullmatch(r"[0-9]{1,9}", str(lasts)) else _USUAL_LIFE
    return _Token(value, now + timedelta(seconds=min(seconds, _LONGEST_LIFE)) - _MARGIN)


def _scores_url(lineitem: str) -> str:
    """Return where a line item's scores go: `/scores` belongs to the path, and Moodle's addresses have a query."""
    try:
        parts = urlsplit(lineitem)
    except ValueError as error:
        raise ServiceError("The link's place in the grade book has no proper web address.", True) from error
    return urlunsplit(parts._replace(path=f"{parts.path.rstrip('/')}/scores", fragment=""))


def _unseen(page: str | None, seen: Collection[str], first: str) -> str | None:
    """Return the next page's address if it is one to read: on the same server, and not read already."""
    if page is None:
        return None
    if origin(page).lower() != origin(first).lower():
        raise member_pages.PageError("its next page is on another server")
    if page in seen:
        raise member_pages.PageError("its pages go round in circles")
    if len(seen) >= MOST_PAGES:
        raise member_pages.PageError(f"it has more than {MOST_PAGES:,} pages")
    return page
