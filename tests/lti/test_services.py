"""Tokens and scores, against a strict platform over real HTTP."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from lms.lti.fetching import Outgoing
from lms.lti.services import MEMBERSHIPS, SCORE, ServiceError, Services, TokenRefusedError
from lms.lti.tool_keys import ToolKeys
from tests.conftest import NOW
from tests.lti.sides import Sides, registration_of, score
from tests.lti.stand_in import Fault, Reply, StandIn, fault


def test_a_score_reaches_the_line_item_whose_address_has_a_query(sides: Sides) -> None:
    sides.send()
    taken = sides.platform.grade(sides.platform.lineitem(), "u-1")
    assert taken is not None
    assert taken["scoreGiven"] == 1
    assert (
        sides.platform.asked("scores")[0].target == "/services.php/2/lineitems/17/lineitem/scores?type_id=1"
    )


def test_a_token_is_asked_for_once_and_only_for_scores(sides: Sides) -> None:
    sides.send()
    sides.send(userId="u-2")
    (asked,) = sides.platform.asked("token")
    assert asked.body.decode().endswith(f"&scope={SCORE.replace(':', '%3A').replace('/', '%2F')}")


def test_a_token_is_renewed_a_minute_before_it_ends(sides: Sides) -> None:
    sides.send()
    sides.services.token(sides.registration, [SCORE], NOW + timedelta(minutes=58, seconds=59))
    assert len(sides.platform.asked("token")) == 1
    sides.platform.clock = lambda: NOW + timedelta(minutes=59)
    sides.services.token(sides.registration, [SCORE], NOW + timedelta(minutes=59))
    assert len(sides.platform.asked("token")) == 2


def test_another_platforms_token_is_never_used(sides: Sides) -> None:
    first = sides.services.token(sides.registration, [SCORE], NOW)
    second = sides.services.token(registration_of(sides.platform), [SCORE], NOW)
    assert first != second


def test_the_order_of_scopes_makes_no_other_token(sides: Sides) -> None:
    first = sides.services.token(sides.registration, [SCORE, MEMBERSHIPS], NOW)
    assert sides.services.token(sides.registration, [MEMBERSHIPS, SCORE], NOW) == first


def test_brightspaces_own_audience_is_what_the_assertion_names(sides: Sides) -> None:
    sides.platform.audience = "https://api.brightspace.com/auth/token"
    sides.registration.token_audience = sides.platform.audience
    sides.send()
    assert len(sides.platform.scores) == 1


def test_a_token_that_was_taken_back_is_asked_for_again_and_the_score_arrives(sides: Sides) -> None:
    sides.send()
    sides.platform.end_tokens()
    sides.send(userId="u-2")
    assert [s["userId"] for s in sides.platform.scores] == ["u-1", "u-2"]
    assert len(sides.platform.asked("token")) == 2


def test_a_platform_that_says_401_again_and_again_is_tried_twice_and_later(sides: Sides) -> None:
    sides.platform.always("scores", fault(401))
    error = sides.refused()
    assert (error.final, error.status) == (False, 401)
    assert error.reason == "Moodle did not accept the access that it had just given."
    assert len(sides.platform.asked("scores")) == 2


@pytest.mark.parametrize(
    ("product", "status", "reason"),
    [
        ("moodle", 400, "Moodle refused: not a learner in this course."),
        ("canvas", 422, "Canvas refused: not a learner in this course."),
        ("blackboardlearn", 400, "Blackboard refused: not a learner in this course."),
        ("desire2learn", 403, "Brightspace refused: not a learner in this course."),
        ("desire2learn", 404, "Brightspace refused: not a learner in this course."),
        ("moodle", 403, "Moodle does not let Countersign write scores in this course."),
        ("canvas", 404, "Canvas no longer has this link in its grade book."),
        ("", 422, "Our platform does not take a score for this person."),
        ("moodle", 418, "Moodle refused (418)."),
    ],
)
def test_a_refusal_that_will_stand_says_so_in_words(
    sides: Sides, product: str, status: int, reason: str
) -> None:
    sides.registration.product = product
    sides.platform.next("scores", fault(status, []))
    error = sides.refused()
    assert (error.reason, error.final, error.status) == (reason, True, status)


def test_an_older_score_than_the_platforms_is_told_from_other_refusals_by_its_status(sides: Sides) -> None:
    sides.platform.next("scores", fault(409, []))
    error = sides.refused()
    assert (error.final, error.status) == (True, 409)
    assert error.reason == "Moodle has a newer score of this person already."


def test_what_the_platform_said_of_a_refusal_is_quoted_on_one_short_line(sides: Sides) -> None:
    said = {"message": "Not\nnow.\x00 " + "x" * 500}
    sides.platform.next("scores", fault(403, said))
    reason = sides.refused().reason
    assert "It said: “Not now. xxx" in reason
    assert len(reason) < 260


@pytest.mark.parametrize(
    ("answer", "wait"),
    [
        (fault(429, headers={"Retry-After": "30"}), 30),
        (fault(429, headers={"Retry-After": "Mon, 07 Sep 2026 08:32:00 GMT"}), 120),
        (fault(429, headers={"Retry-After": "Mon, 07 Sep 2026 08:00:00 GMT"}), 0),
        (fault(429, headers={"Retry-After": "99999999999999999999"}), 86_400),
        (fault(429, headers={"Retry-After": "soon"}), None),
        (fault(429), None),
        (fault(503, headers={"Retry-After": "5"}), 5),
        (fault(500, {"message": "database"}), None),
        (Reply(502, b"<html>Bad gateway"), None),
    ],
)
def test_a_platform_that_is_busy_or_broken_is_asked_again_when_it_says(
    sides: Sides, answer: Reply, wait: int | None
) -> None:
    sides.platform.next("scores", answer)
    error = sides.refused()
    assert (error.final, error.retry_after, error.status) == (False, wait, answer.status)


@pytest.mark.parametrize("what", [Fault.DROP, Fault.HALF, Fault.HUGE, Fault.ELSEWHERE])
@pytest.mark.parametrize("endpoint", ["token", "scores"])
def test_a_platform_that_answers_badly_is_asked_again_later_in_words(
    sides: Sides, endpoint: str, what: Fault
) -> None:
    sides.platform.next(endpoint, what)
    error = sides.refused()
    assert error.reason.startswith("127.0.0.1 ")
    assert not error.final
    assert not sides.platform.scores


def test_a_platform_that_is_down_is_asked_again_later(tool_keys: ToolKeys) -> None:
    with StandIn(tool_keys.published) as platform:
        registration = registration_of(platform)
    services = Services(Outgoing(allow_private=True), tool_keys, "https://training.example")
    with pytest.raises(ServiceError, match=r"can't be reached: nothing takes connections") as caught:
        services.send_score(registration, platform.lineitem(), score(), NOW)
    assert not caught.value.final


def test_a_platform_that_does_not_know_our_key_is_named_and_asked_again_later(sides: Sides) -> None:
    sides.platform.next("token", fault(400, {"error": "invalid_client", "error_description": "no key"}))
    with pytest.raises(TokenRefusedError) as caught:
        sides.send()
    error = caught.value
    assert (error.code, error.final, error.status) == ("invalid_client", False, 400)
    assert error.reason == "Moodle does not accept Countersign's key. It said: “no key”."


def test_a_service_that_was_not_allowed_stays_so(sides: Sides) -> None:
    sides.platform.scopes.discard(SCORE)
    error = sides.refused()
    assert (error.final, error.reason) == (True, "Moodle does not let Countersign use this service.")


@pytest.mark.parametrize(
    "granted",
    [
        {},
        {"access_token": "", "token_type": "Bearer"},
        {"access_token": "a\r\nX-Other: b", "token_type": "Bearer"},
        {"access_token": 7, "token_type": "Bearer"},
        {"access_token": "abc", "token_type": "mac"},
    ],
)
def test_a_token_that_could_not_be_sent_as_a_header_is_refused(
    sides: Sides, granted: dict[str, object]
) -> None:
    sides.platform.next("token", fault(200, granted))
    assert "gave access that can't be used" in sides.refused().reason
    assert not sides.platform.asked("scores")


def test_a_token_whose_life_is_written_as_text_is_kept_for_that_long(sides: Sides) -> None:
    sides.platform.next(
        "token", fault(200, {"access_token": "abc", "token_type": "bearer", "expires_in": "120"})
    )
    token = sides.services.token(sides.registration, [SCORE], NOW)
    assert sides.services.token(sides.registration, [SCORE], NOW + timedelta(seconds=59)) == token
    sides.platform.clock = lambda: NOW + timedelta(seconds=60)
    assert sides.services.token(sides.registration, [SCORE], NOW + timedelta(seconds=60)) != token


def test_an_address_inside_the_network_is_refused_for_good(tool_keys: ToolKeys, tmp_path: Path) -> None:
    services = Services(Outgoing(allow_private=False), tool_keys, "https://training.example")
    with (
        StandIn(tool_keys.published) as platform,
        pytest.raises(ServiceError, match="must begin with") as caught,
    ):
        services.send_score(registration_of(platform), platform.lineitem(), score(), NOW)
    assert caught.value.final
    assert not platform.questions
