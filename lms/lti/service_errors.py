"""What a platform's refusals mean, by product, in words for HR and for an LMS administrator."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from lms.errors import CountersignError
from lms.lti.fetching import AddressRefusedError, Answer, FetchError
from lms.lti.platforms import Registration

_PRODUCTS = {
    "moodle": "Moodle",
    "canvas": "Canvas",
    "desire2learn": "Brightspace",
    "blackboardlearn": "Blackboard",
    "blackboard": "Blackboard",
    "schoology": "Schoology",
    "sakai": "Sakai",
}
_NOT_A_LEARNER = {
    ("Moodle", 400),
    ("Canvas", 422),
    ("Blackboard", 400),
    ("Brightspace", 403),
    ("Brightspace", 404),
}
"""How each says that a score is for somebody who is not a learner in the course."""
_SCORE_REFUSALS = {
    400: "found something wrong with the score",
    403: "does not let Countersign write scores in this course",
    404: "no longer has this link in its grade book",
    409: "has a newer score of this person already",
    410: "no longer has this link in its grade book",
    422: "does not take a score for this person",
}
_LIST_REFUSALS = {
    400: "could not make sense of the question who is in this course",
    403: "does not let Countersign see who is in this course",
    404: "no longer has this course, or does not list its members",
    410: "no longer has this course",
}
_TOKEN_REFUSALS = {
    "invalid_client": "does not accept Countersign's key",
    "invalid_scope": "does not let Countersign use this service",
    "unauthorized_client": "does not let Countersign use this service",
}
_PERMANENT = {"invalid_scope", "unauthorized_client"}
_LATER = {408, 425}
_LONGEST_WAIT = 86_400


class ServiceError(CountersignError):
    """A platform did not do what it was asked. The reason is a sentence for people."""

    def __init__(
        self, reason: str, final: bool, retry_after: int | None = None, status: int | None = None
    ) -> None:
        """`final`: asking again is no use. `retry_after`: seconds it asks us to wait. `status`: of HTTP, if any."""
        super().__init__(reason)
        self.reason = reason
        self.final = final
        self.retry_after = retry_after
        self.status = status


class TokenRefusedError(ServiceError):
    """The platform gave no access token. `code` is OAuth's (RFC 6749, section 5.2), or empty."""

    code: str = ""


def product_name(registration: Registration) -> str:
    """Return what to call a platform in a sentence: "Moodle", or the name that it was connected under."""
    return _PRODUCTS.get(registration.product, registration.name)


def unreachable(error: FetchError) -> ServiceError:
    """Return the error for a platform that gave no usable answer."""
    return ServiceError(str(error), final=isinstance(error, AddressRefusedError))


def score_refused(registration: Registration, answer: Answer, now: datetime) -> ServiceError:
    """Return why a score was not taken, and whether it ever will be."""
    name = product_name(registration)
    if (name, answer.status) in _NOT_A_LEARNER:
        return _final(f"{name} refused: not a learner in this course", answer)
    return _refused(name, _SCORE_REFUSALS, answer, now)


def list_refused(registration: Registration, answer: Answer, now: datetime) -> ServiceError:
    """Return why the members of a course could not be read, and whether they ever will be."""
    return _refused(product_name(registration), _LIST_REFUSALS, answer, now)


def list_unreadable(registration: Registration, why: str, *, final: bool = True) -> ServiceError:
    """Return the error for a list of members that can't be trusted to be whole and right."""
    name = product_name(registration)
    return ServiceError(f"{name} gave a list of members that can't be used: {why}.", final)


def token_refused(registration: Registration, answer: Answer, now: datetime) -> TokenRefusedError:
    """Return why there is no access token."""
    name = product_name(registration)
    code = _text(_object(answer).get("error"))
    said = _TOKEN_REFUSALS.get(code)
    reason = f"{name} {said}" if said else f"{name} gave no access ({_in_brief(answer, code)})"
    final = code in _PERMANENT
    error = TokenRefusedError(_sentence(reason, answer), final, _retry_after(answer, now), answer.status)
    error.code = code
    return error


def token_unreadable(registration: Registration, why: str) -> TokenRefusedError:
    """Return the error for a platform whose token can't be used."""
    return TokenRefusedError(f"{product_name(registration)} gave access that can't be used: {why}.", False)


def _refused(name: str, meanings: dict[int, str], answer: Answer, now: datetime) -> ServiceError:
    if answer.status == 401:
        return ServiceError(f"{name} did not accept the access that it had just given.", False, status=401)
    if answer.status == 429:
        wait = _retry_after(answer, now)
        return ServiceError(f"{name} is busy, and asks us to wait.", False, wait, answer.status)
    if not 400 <= answer.status < 500 or answer.status in _LATER:
        reason = f"{name} answered with an error of its own ({answer.status})"
        return ServiceError(_sentence(reason, answer), False, _retry_after(answer, now), answer.status)
    return _final(f"{name} {meanings.get(answer.status, f'refused ({answer.status})')}", answer)


def _final(reason: str, answer: Answer) -> ServiceError:
    return ServiceError(_sentence(reason, answer), True, status=answer.status)


def _sentence(reason: str, answer: Answer) -> str:
    found = _object(answer)
    names = ("error_description", "message", "detail", "title")
    said = next((said for said in (_text(found.get(name)) for name in names) if said), "")
    return f"{reason}. It said: “{said.rstrip('.')}”." if said else f"{reason}."


def _object(answer: Answer) -> dict[str, object]:
    try:
        return answer.json_object()
    except FetchError:
        return {}


def _text(value: object) -> str:
    """Return what a platform said, if it is a text, cut to what fits in a sentence."""
    plain = "".join(c if c.isprintable() else " " for c in value) if isinstance(value, str) else ""
    return " ".join(plain.split())[:160]


def _in_brief(answer: Answer, code: str) -> str:
    return f"{answer.status} {code}" if code else str(answer.status)


def _retry_after(answer: Answer, now: datetime) -> int | None:
    """Return the seconds to wait: Retry-After is a number of them, or a date (RFC 9110, section 10.2.3)."""
    asked = answer.headers.get("retry-after", "").strip()
    if asked.isascii() and asked.isdigit():
        return min(int(asked[:9]), _LONGEST_WAIT)
    try:
        at = parsedate_to_datetime(asked)
    except ValueError:
        return None
    seconds = (at if at.tzinfo else at.replace(tzinfo=UTC)) - now
    return min(max(0, round(seconds.total_seconds())), _LONGEST_WAIT)
