"""The policies in full, a tap away, and never misquoted."""

from __future__ import annotations

import pytest
from flask import Flask

from lms import policies
from lms.people import EngagementType
from tests.client import StrictClient
from tests.factories import BEFORE, make_assignment, make_policy, make_school
from tests.learners import CONTACTS, Classroom, sign
from tests.web.practice import begin, choose, finish, within

OWN_POLICY = """# Social media policy

## 3. Getting help

Ask Jo.

## 5. Acceptable use

Be kind. Keep your own accounts for your own friends.

**5.3** Park your bicycle in the shed.
"""


def test_a_policy_has_its_contents_its_version_and_whom_to_ask(
    learner: StrictClient, classroom: Classroom
) -> None:
    learner.get("/policies")
    assert "Version 3." in learner.text
    assert "Not started" in learner.text
    learner.follow("Social media policy")
    assert learner.heading == "Social media policy"
    assert classroom.version.source_sha256[:12] in learner.text
    assert f"ask {CONTACTS['senior_manager']}, or in HR {CONTACTS['hr_contact']}." in learner.text
    anchors = learner.page.xpath("//main//nav//a/@href")
    assert len(anchors) == 12
    for anchor in anchors:
        assert learner.page.xpath(f"//*[@id='{anchor[1:]}']")


def test_the_policy_is_one_tap_from_every_page_of_a_module(
    app: Flask, learner: StrictClient, classroom: Classroom
) -> None:
    def leads_to_the_policy_and_back() -> None:
        before, heading = learner.address, learner.heading
        learner.follow("Read the policy: Social media policy")
        assert learner.heading == "Social media policy"
        learner.follow("Back to the module")
        assert (learner.address, learner.heading) == (before, heading)

    learner.get(f"/modules/friend-request?assignment={classroom.assignment.id}")
    leads_to_the_policy_and_back()
    begin(learner, classroom)
    leads_to_the_policy_and_back()
    choose(learner, "best")
    leads_to_the_policy_and_back()
    learner.follow("Continue")
    finish(learner)
    leads_to_the_policy_and_back()


@pytest.mark.parametrize(
    "back", ["https://evil.test/", "//evil.test/modules/", "/modules/\\evil.test", "/sign-out"]
)
def test_the_way_back_from_a_policy_is_only_ever_a_module(
    learner: StrictClient, classroom: Classroom, back: str
) -> None:
    learner.get("/policies/social-media", query_string={"back": back})
    ways = learner.page.xpath("//a[@class='govuk-back-link']/@href")
    assert ways in (["/policies"], ["/"])


def test_a_policy_of_another_school_is_not_there(
    app: Flask, learner: StrictClient, classroom: Classroom
) -> None:
    def another() -> str:
        school = make_school()
        make_assignment(school, make_policy(school, slug="conduct"))
        return school.slug

    slug = within(app, another)
    assert learner.get("/policies/conduct").status_code == 404
    assert learner.get(f"/policies/social-media?school={slug}").status_code == 404
    assert learner.get("/policies/nothing").status_code == 404


def test_a_policy_that_only_others_must_sign_can_be_read(
    app: Flask, learner: StrictClient, classroom: Classroom
) -> None:
    def for_governors() -> None:
        version = make_policy(classroom.school, slug="governors")
        make_assignment(classroom.school, version, audience=[EngagementType.GOVERNOR])

    within(app, for_governors)
    learner.get("/policies")
    assert "You haven’t been asked to sign this one." in learner.text
    assert learner.get("/policies/governors").status_code == 200


def test_a_signed_policy_is_marked_as_signed(app: Flask, learner: StrictClient, classroom: Classroom) -> None:
    sign(app, classroom.person.id, classroom.assignment.id)
    learner.get("/policies")
    assert "Signed" in learner.text
    assert "You signed on 7 September 2026, 9:30am." in learner.text


@pytest.fixture
def own_policy(app: Flask, classroom: Classroom) -> Classroom:
    def publish() -> None:
        policies.publish(
            classroom.school,
            slug="social-media",
            title="Social media policy",
            label="4",
            markdown=OWN_POLICY,
            now=BEFORE,
        )

    within(app, publish)
    return classroom


def test_a_schools_own_policy_is_never_misquoted(learner: StrictClient, own_policy: Classroom) -> None:
    begin(learner, own_policy)
    choose(learner, "best")
    assert "The rule behind this" in learner.text
    assert "What the policy says" not in learner.text
    assert "These are the words of the model policy" in learner.text
    links = learner.page.xpath("//div[contains(@class, 'govuk-inset-text')]//a")
    assert [(a.text_content().strip(), a.get("href").partition("#")[2]) for a in links] == [
        ("Read section 5, Acceptable use, in your school’s policy", "section-5"),
        ("Read your school’s policy", ""),
    ]
    assert "5.3" not in learner.text
    assert "bicycle" not in learner.text
    learner.follow("Read section 5")
    assert "Be kind." in learner.text
