"""Putting training in a course: what a course editor picks, and the signed answer that the platform gets."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from joserfc import jwt
from joserfc.jwk import KeySet
from werkzeug.test import TestResponse

from lms.db import transaction
from lms.lti import deep_linking
from lms.lti.claims import CLAIM, DEEP_LINKING_SETTINGS
from tests.client import StrictClient
from tests.conftest import NOW, Clock
from tests.factories import make_assignment, make_policy, make_school
from tests.learners import MODULES, Classroom
from tests.lti import forger

pytestmark = pytest.mark.usefixtures("time")
DL = "https://purl.imsglobal.org/spec/lti-dl/claim/"
RETURN_URL = f"{forger.ISSUER}/mod/lti/contentitem_return.php"


@dataclass
class Editor:
    """A course editor, in a platform that asks what to put in a course."""

    app: Flask
    client: StrictClient

    def ask(self, *, settings: dict[str, Any] | None = None, **changes: Any) -> TestResponse:
        """Ask for content, as a platform does; settings may be changed or left out (MISSING)."""
        login = forger.log_in(self.client, target_link_uri=f"{forger.OURS}/lti/deep-linking")
        usual = forger.deep_linking(login.nonce)[DEEP_LINKING_SETTINGS]
        merged = {k: v for k, v in {**usual, **(settings or {})}.items() if v is not forger.MISSING}
        claims = forger.deep_linking(login.nonce, **{DEEP_LINKING_SETTINGS: merged, **changes})
        return forger.send(self.client, login.state, forger.signed(claims))

    def answer(self) -> dict[str, Any]:
        """Return the claims that the page would post to the platform, once their signature is checked."""
        form = self.client.page.xpath("//form[@id='answer']")[0]
        assert (form.get("action"), form.get("method")) == (RETURN_URL, "post")
        token = dict(form.form_values())["JWT"]
        published = KeySet.import_key_set(self.app.test_client().get("/lti/jwks").get_json())
        return dict(jwt.decode(token, published, algorithms=["RS256"]).claims)

    def items(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.answer()[f"{DL}content_items"]
        return found


@pytest.fixture
def editor(app: Flask, client: StrictClient) -> Editor:
    with app.app_context(), transaction():
        forger.connect(Classroom().school)
    return Editor(app, client)


def test_an_editor_picks_from_the_programme_and_every_module_that_is_set(editor: Editor) -> None:
    assert editor.ask().status_code == 200

    values = editor.client.page.xpath("//input[@name='chosen']/@value")
    assert values == ["programme", *MODULES]
    assert editor.client.page.xpath("//input[@name='chosen']/@type") == ["checkbox"] * 4
    assert "Moodle adds several at once without completion settings" in editor.client.text


def test_the_answer_is_signed_and_says_what_the_platform_asked(editor: Editor, time: Clock) -> None:
    editor.ask()

    editor.client.submit(button="Add to the course", chosen=["friend-request"])

    answer = editor.answer()
    assert (answer["iss"], answer["aud"]) == (forger.CLIENT_ID, forger.ISSUER)
    assert (answer["iat"], answer["exp"]) == (int(NOW.timestamp()), int(NOW.timestamp()) + 300)
    assert len(answer["nonce"]) > 20
    assert answer[CLAIM + "message_type"] == "LtiDeepLinkingResponse"
    assert answer[CLAIM + "version"] == "1.3.0"
    assert answer[CLAIM + "deployment_id"] == forger.DEPLOYMENT
    assert answer[DL + "data"] == "opaque=1"


def test_a_module_is_a_link_that_a_course_copy_keeps_with_a_line_item(editor: Editor) -> None:
    editor.ask()

    editor.client.submit(button="Add to the course", chosen=["friend-request"])

    (item,) = editor.items()
    assert item["type"] == "ltiResourceLink"
    assert item["url"] == f"{forger.OURS}/modules/friend-request"
    assert item["custom"] == {
        "countersign": "friend-request",
        "link_history": "$ResourceLink.id.history",
        "context_history": "$Context.id.history",
    }
    assert item["lineItem"] == {
        "label": item["title"],
        "scoreMaximum": 1,
        "resourceId": "friend-request",
        "tag": "countersign",
    }
    assert item["text"].startswith("About ")
    with editor.client.get(item["icon"]["url"].removeprefix(forger.OURS)) as icon:
        assert icon.mimetype == "image/svg+xml"


def test_the_whole_programme_opens_at_the_start(editor: Editor) -> None:
    editor.ask(settings={"accept_multiple": False})
    assert set(editor.client.page.xpath("//input[@name='chosen']/@type")) == {"radio"}

    editor.client.submit(button="Add to the course", chosen="programme")

    (item,) = editor.items()
    assert (item["url"], item["custom"]["countersign"]) == (f"{forger.OURS}/", "programme")
    assert item["title"] == "Social media policy: the whole programme"


def test_several_may_be_picked_only_where_the_platform_takes_several(editor: Editor) -> None:
    editor.ask()
    editor.client.submit(button="Add to the course", chosen=MODULES[:2])
    assert [item["custom"]["countersign"] for item in editor.items()] == MODULES[:2]

    editor.ask(settings={"accept_multiple": forger.MISSING})
    editor.client.submit(button="Add to the course", chosen=MODULES[:2])
    assert len(editor.items()) == 1


def test_a_platform_without_line_items_gets_none_and_without_data_none_back(editor: Editor) -> None:
    editor.ask(settings={"accept_lineitem": False, "data": forger.MISSING})

    editor.client.submit(button="Add to the course", chosen=["programme"])

    assert "lineItem" not in editor.items()[0]
    assert DL + "data" not in editor.answer()


def test_cancelling_gives_the_platform_an_empty_list(editor: Editor) -> None:
    editor.ask()

    editor.client.submit(button="Add to the course", cancel="yes")

    assert editor.items() == []


@pytest.mark.parametrize("chosen", [[], ["no-such-module"]])
def test_nothing_chosen_is_asked_for_again(editor: Editor, chosen: list[str]) -> None:
    editor.ask()

    assert editor.client.submit(button="Add to the course", chosen=chosen).status_code == 400

    assert "Choose what to add to your course" in editor.client.text
    editor.client.submit(button="Add to the course", chosen=["programme"])
    assert len(editor.items()) == 1


def test_the_answer_may_go_to_the_platform_and_nowhere_else(editor: Editor) -> None:
    editor.ask()

    response = editor.client.submit(button="Add to the course", chosen=["programme"])

    policy = response.headers["Content-Security-Policy"]
    assert f"form-action 'self' {forger.ISSUER};" in policy


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"roles": [forger.LEARNER]}, "deep_linking_not_allowed"),
        ({"settings": {"accept_types": ["link"]}}, "deep_linking_settings"),
        ({"settings": {"deep_link_return_url": forger.MISSING}}, "deep_linking_settings"),
        ({"settings": {"deep_link_return_url": "javascript:alert(1)"}}, "deep_linking_settings"),
        ({"settings": {"deep_link_return_url": "http://moodle.school.test/return"}}, "deep_linking_settings"),
    ],
)
def test_whoever_may_not_choose_or_cannot_take_links_is_refused(
    editor: Editor, changes: dict[str, Any], code: str
) -> None:
    response = editor.ask(**changes)

    assert response.status_code >= 400
    assert code in editor.client.text
    assert forger.signed_in(editor.client) is None


def test_what_was_asked_cannot_be_changed_on_the_way(editor: Editor) -> None:
    editor.ask()
    (sealed,) = editor.client.page.xpath("//input[@name='picking']/@value")
    tampered = ("x" if sealed[0] != "x" else "y") + sealed[1:]

    response = editor.client.submit(button="Add to the course", chosen=["programme"], picking=tampered)

    assert response.status_code == 409
    assert "Go back to your course and choose again" in editor.client.text


def test_a_page_that_was_left_open_for_a_day_is_asked_for_again(editor: Editor, monkeypatch: Any) -> None:
    editor.ask()
    monkeypatch.setattr("lms.web.lti.deep_linking.OPEN_FOR", timedelta(seconds=-1))

    assert editor.client.submit(button="Add to the course", chosen=["programme"]).status_code == 409


def test_a_learner_cannot_use_what_was_made_for_an_editor(editor: Editor) -> None:
    editor.ask()
    (sealed,) = editor.client.page.xpath("//input[@name='picking']/@value")
    forger.launch(editor.client, sub="43")

    form = dict(editor.client.page.xpath("//main//form")[0].form_values())
    fields = {"csrf_token": form["csrf_token"], "picking": sealed, "chosen": "programme"}
    response = editor.client.post("/lti/deep-linking", data=fields)

    assert response.status_code == 409


def test_a_second_press_gives_the_same_answer_again(editor: Editor) -> None:
    editor.ask()
    form = dict(editor.client.page.xpath("//main//form")[0].form_values()) | {"chosen": ["programme"]}

    answers = []
    for _ in range(2):
        assert editor.client.post("/lti/deep-linking", data=form).status_code == 200
        answers.append(editor.answer())

    assert answers[0][f"{DL}content_items"] == answers[1][f"{DL}content_items"]
    assert answers[0]["nonce"] != answers[1]["nonce"]


def test_a_school_that_has_set_nothing_is_told_what_to_do_first(app: Flask, client: StrictClient) -> None:
    forger.school_with_platform(app)
    editor = Editor(app, client)

    editor.ask()

    assert "has not set any training yet" in client.text
    client.submit(button="Go back to the course", cancel="yes")
    assert editor.items() == []


@pytest.mark.usefixtures("in_app")
def test_a_day_that_the_school_has_fixed_is_the_links_due_date() -> None:
    with transaction():
        school = make_school()
        version = make_policy(school)
        today = NOW.date()
        for days, modules in ((30, MODULES[:2]), (20, MODULES[1:]), (-5, MODULES[:1])):
            make_assignment(school, version, modules=modules, due_on=today + timedelta(days=days))

        found = {content.target: content.due for content in deep_linking.contents(school.id, NOW)}

    assert found == {
        "programme": today + timedelta(days=20),
        MODULES[0]: today + timedelta(days=30),
        MODULES[1]: today + timedelta(days=20),
        MODULES[2]: today + timedelta(days=20),
    }


def test_a_due_date_is_told_as_the_end_of_that_london_day() -> None:
    request = deep_linking.Request("iss", "client", "1", True, True, None)
    content = deep_linking.Content(
        "programme", "Title", "Text", NOW.date().replace(year=2026, month=7, day=1)
    )

    claims = deep_linking.response(request, [content], base_url=forger.OURS, now=NOW)

    assert claims[f"{DL}content_items"][0]["submission"] == {"endDateTime": "2026-07-01T22:59:59Z"}
