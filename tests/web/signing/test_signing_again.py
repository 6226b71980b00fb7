"""A second press, a text that changed, and a renewal."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask import Flask

from lms import policies
from lms.attestations import Attestation
from lms.mail import Message
from tests.client import StrictClient
from tests.conftest import NOW, Clock
from tests.learners import Classroom
from tests.web.practice import rows, within
from tests.web.signing.acts import address, hidden, sign


def publish(classroom: Classroom, words: str, **more: Any) -> None:
    text = policies.source(classroom.version) + f"\n\n## 12. New\n\n{words}\n"
    more = {"resign_by": None, **more}
    policies.publish(
        classroom.school,
        slug="social-media",
        title="Social media policy",
        label="4",
        markdown=text,
        now=NOW - timedelta(seconds=1),
        **more,
    )


def test_a_second_press_and_a_second_tab_give_the_one_receipt(
    learner: StrictClient, classroom: Classroom, app: Flask
) -> None:
    learner.get(address(classroom))
    form = learner.page.xpath("//main//form")[0]
    typed = {**dict(form.form_values()), "statement": "y", "typed_name": "Priya Nair"}
    answers = [learner.post(address(classroom), data=typed) for _ in range(3)]
    assert {answer.status_code for answer in answers} == {302}
    assert len({answer.headers["Location"] for answer in answers}) == 1
    assert rows(app, Attestation) == 1
    assert rows(app, Message) == 1


def test_a_second_press_after_the_text_changed_still_finds_the_one_receipt(
    learner: StrictClient, classroom: Classroom, app: Flask
) -> None:
    learner.get(address(classroom))
    form = learner.page.xpath("//main//form")[0]
    typed = {**dict(form.form_values()), "statement": "y", "typed_name": "Priya Nair"}
    first = learner.post(address(classroom), data=typed)
    within(app, lambda: publish(classroom, "Be kinder."))
    again = learner.post(address(classroom), data=typed)
    assert again.headers["Location"] == first.headers["Location"]


def test_the_page_of_what_is_signed_already_is_its_receipt(
    learner: StrictClient, classroom: Classroom
) -> None:
    sign(learner, classroom)
    receipt = learner.address
    learner.get(address(classroom), follow_redirects=True)
    assert learner.address == receipt


def test_a_text_that_changed_meanwhile_is_shown_again_and_the_name_kept(
    learner: StrictClient, classroom: Classroom, app: Flask
) -> None:
    learner.get(address(classroom))
    within(app, lambda: publish(classroom, "Be kinder still."))
    response = learner.submit(button="Sign", statement="y", typed_name="Priya Nair")
    assert response.status_code == 400
    assert "The policy was changed while you were reading" in learner.text
    assert "Be kinder still." in learner.text
    assert hidden(learner, "typed_name") == "Priya Nair"
    assert not learner.page.xpath("//input[@name='statement']/@checked")
    assert rows(app, Attestation) == 0
    learner.submit(button="Sign", statement="y")
    assert "version 4" in learner.text
    assert learner.address.startswith("/receipts/")


def test_signing_again_shows_what_changed_since(
    learner: StrictClient, classroom: Classroom, app: Flask, time: Clock
) -> None:
    sign(learner, classroom)
    first = learner.address
    within(app, lambda: publish(classroom, "Be kinder still.", resign_by=NOW.date() - timedelta(days=1)))
    time.now = NOW + timedelta(days=3)
    learner.get(address(classroom))
    changed = learner.page.xpath("string(//section[@aria-labelledby='changed'])")
    assert "You last signed this policy on 7 September 2026, 9:30am" in changed
    assert "12. New" in changed
    assert "Be kinder still." in changed
    learner.submit(button="Sign", statement="y", typed_name="Priya Nair")
    assert learner.address.startswith("/receipts/")
    assert learner.address != first
    learner.get("/receipts")
    assert learner.text.count("Social media policy, version") == 2


def test_renewing_an_unchanged_policy_says_that_nothing_changed(
    learner: StrictClient, classroom: Classroom, time: Clock
) -> None:
    sign(learner, classroom)
    time.now = NOW + timedelta(days=350)
    learner.get(address(classroom))
    assert "Not a word of it has changed since." in learner.text


def test_it_cannot_be_signed_twice_in_a_row_by_a_form_made_by_hand(
    learner: StrictClient, classroom: Classroom, app: Flask
) -> None:
    learner.get(address(classroom))
    form = dict(learner.page.xpath("//main//form")[0].form_values())
    learner.submit(button="Sign", statement="y", typed_name="Priya Nair")
    form |= {"cycle": "1", "statement": "y", "typed_name": "Priya Nair"}
    learner.post(address(classroom), data=form, follow_redirects=True)
    assert learner.address.startswith("/receipts/")
    assert rows(app, Attestation) == 1
