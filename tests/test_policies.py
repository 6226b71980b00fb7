"""Policies and their versions: a label may repeat, a text may not, and what was shown is kept byte for byte."""

from __future__ import annotations

import hashlib
from datetime import date

import pytest

from lms import policies, schools
from lms.db import transaction
from lms.errors import ConflictError, NotFoundError
from tests.conftest import NOW
from tests.factories import make_policy, make_school

pytestmark = pytest.mark.usefixtures("in_app")


def test_a_version_is_known_by_its_label_and_the_hash_of_its_text() -> None:
    with transaction():
        version = make_policy(make_school(), markdown="# P\n\n## 1. A\n\nBe kind.\n", label="3")
    assert version.source_sha256 == hashlib.sha256(b"# P\n\n## 1. A\n\nBe kind.\n").hexdigest()
    assert policies.source(version) == "# P\n\n## 1. A\n\nBe kind.\n"


def test_the_same_label_on_another_text_is_another_version() -> None:
    with transaction():
        school = make_school()
        first = make_policy(school, markdown="## 1. A\n\nOne.\n", label="3")
        second = make_policy(school, markdown="## 1. A\n\nTwo.\n", label="3")
        assert (first.number, second.number) == (1, 2)
        assert policies.latest_version(first.policy_id) == second


def test_publishing_the_same_text_under_the_same_label_again_is_refused_and_changes_nothing() -> None:
    with transaction():
        school = make_school()
        version = make_policy(school)
    with pytest.raises(ConflictError, match="nothing was changed"), transaction():
        make_policy(school)
    with transaction(write=False):
        assert policies.latest_version(version.policy_id).id == version.id  # type: ignore[union-attr]


def test_a_placeholder_that_nobody_can_fill_in_is_named() -> None:
    with pytest.raises(ConflictError, match="head_of_cake"), transaction():
        make_policy(make_school(), markdown="## 1. A\n\nAsk [[head_of_cake]].\n")


def test_a_text_is_shown_with_the_names_of_the_schools_people() -> None:
    with transaction():
        school = make_school("Ysgol Tŷ Gwyn")
        version = make_policy(school, markdown="## 1. A\n\nAt [[school]], tell [[safeguarding_lead]].\n")
        shown = policies.rendered(version, school)
    assert "At Ysgol Tŷ Gwyn, tell Siân Pritchard." in shown


def test_a_name_that_nobody_has_filled_in_says_whom_to_ask() -> None:
    with transaction():
        school = make_school()
        version = make_policy(school, markdown="## 1. A\n\nTell [[head]].\n")
        assert "ask the office" in policies.rendered(version, school)


def test_an_unknown_hash_is_not_found() -> None:
    with pytest.raises(NotFoundError), transaction(write=False):
        policies.document("0" * 64)


def test_two_schools_keep_policies_of_the_same_slug_apart() -> None:
    with transaction():
        one, other = make_policy(make_school()), make_policy(make_school())
        assert one.policy_id != other.policy_id


def test_a_grace_period_belongs_to_the_version() -> None:
    with transaction():
        version = policies.publish(
            make_school(),
            slug="conduct",
            title="Code of conduct",
            label="2",
            markdown="## 1. A\n\nBe kind.\n",
            now=NOW,
            resign_by=date(2026, 10, 1),
        )
        assert version.resign_by == date(2026, 10, 1)


@pytest.mark.parametrize(
    ("name", "slug"),
    [("Ysgol Tŷ Gwyn", "ysgol-ty-gwyn"), ("St. Mary's  C of E", "st-mary-s-c-of-e"), ("学校", "school")],
)
def test_a_schools_address_is_made_of_its_name(name: str, slug: str) -> None:
    assert schools.slug_of(name) == slug


def test_two_schools_cannot_have_one_address() -> None:
    with transaction():
        schools.add_school("Ashdown", host="countersign.test")
    with pytest.raises(ConflictError, match="ashdown"), transaction():
        schools.add_school("Ashdown", host="countersign.test")


def test_one_school_needs_no_naming_and_several_do() -> None:
    with transaction():
        with pytest.raises(NotFoundError, match="no school yet"):
            schools.only_school()
        one = make_school()
        assert schools.only_school() == one
        make_school()
        with pytest.raises(NotFoundError, match="--school"):
            schools.only_school()


def test_an_earlier_text_is_brought_back_under_a_label_of_its_own() -> None:
    with transaction():
        school = make_school()
        make_policy(school, markdown="## 1. A\n\nOne.\n", label="1")
        make_policy(school, markdown="## 1. A\n\nTwo.\n", label="2")
        with pytest.raises(ConflictError, match="Give it another label"):
            make_policy(school, markdown="## 1. A\n\nOne.\n", label="1")
        assert make_policy(school, markdown="## 1. A\n\nOne.\n", label="3").number == 3
