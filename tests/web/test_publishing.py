"""Publishing a version of a policy on a page: what is shown before, what is recorded, and what is refused."""

from __future__ import annotations

from datetime import date, timedelta
from io import BytesIO
from typing import Any

import pytest
from flask import Flask

from lms import compliance, policies
from lms.audit import Event
from lms.compliance import Standing
from lms.db import session, transaction
from lms.people import Person, RoleName
from lms.policies import PolicyVersion
from lms.policy_import import read_policy
from lms.status import Status
from tests.client import StrictClient
from tests.conftest import NOW, Clock
from tests.factories import POLICY, make_policy, make_school
from tests.signers import sign
from tests.web.office import Office

TEXT = POLICY + "\n**1.2** Never post a pupil's name.\n"
ISSUED = {"label": "December 2026", "resign": "counts"}


def policy_file(text: str = TEXT, name: str = "policy.md") -> tuple[BytesIO, str]:
    return BytesIO(text.encode()), name


def versions(app: Flask) -> list[PolicyVersion]:
    with app.app_context(), transaction(write=False):
        found = list(session.query(PolicyVersion).order_by(PolicyVersion.recorded_at, PolicyVersion.number))
        session.expunge_all()
        return found


def check(office: Office, hr: StrictClient, **fields: Any) -> int:
    hr.get(f"{office.records}/policies")
    hr.follow("Publish a new version")
    return hr.submit(**{"file": policy_file(), **ISSUED, **fields}).status_code


def standing(office: Office, person: Person, now: Any) -> tuple[Status, date | None]:
    def found() -> tuple[Status, date | None]:
        items = compliance.items([office.school.id], now)
        ((_, obligation),) = compliance.of_person(person.id, items, Standing.ENGAGED)
        return obligation.status, obligation.next_due

    status: tuple[Status, date | None] = office.do(found)
    return status


def test_whom_it_asks_and_what_changes_is_shown_before_and_those_who_signed_sign_again_by_the_day(
    app: Flask, office: Office, hr: StrictClient, time: Clock
) -> None:
    ann, _bob = office.add(forename="Ann"), office.add(forename="Bob")
    office.do(sign, app, office.school, ann)
    assert check(office, hr, resign="again", resign_by=["31", "10", "2026"]) == 200
    assert "1 adult who signed an earlier version must sign again by 31 October 2026." in hr.text
    assert "2 adults have still to sign, and sign this version." in hr.text
    assert "Never post a pupil's name." in hr.page.xpath("string(//section[@aria-labelledby='changed'])")
    assert "Ysgol Môr" in hr.page.xpath("string(//article)")
    assert len(versions(app)) == 1
    time.now += timedelta(minutes=1)
    page, address = hr.page, hr.address
    hr.submit(step="publish")
    assert "Those who signed an earlier version sign again by 31 October 2026." in hr.text
    assert "Version December 2026, in force" in hr.text
    _, new = versions(app)
    assert (new.number, new.label, new.resign_by) == (2, "December 2026", date(2026, 10, 31))
    assert office.do(policies.source, new) == read_policy(TEXT.encode(), "policy.md").markdown
    (entry,) = office.audited(Event.POLICY_PUBLISHED)
    assert entry.actor_id == office.hr.id
    assert entry.details == {
        "policy": str(new.policy_id),
        "label": "December 2026",
        "sha256": new.source_sha256,
    }
    assert standing(office, ann, time.now) == (Status.SIGNED, date(2026, 11, 1))
    assert standing(office, ann, NOW + timedelta(days=60))[0] is Status.EXPIRED
    # A second press finds it published.
    hr.page, hr.address = page, address
    assert hr.submit(step="publish").status_code == 400
    assert "already: nothing was changed" in hr.text
    assert len(versions(app)) == 2


def test_what_was_signed_may_go_on_counting_and_change_keeps_what_was_filled_in(
    app: Flask, office: Office, hr: StrictClient, time: Clock
) -> None:
    ann = office.add(forename="Ann")
    office.do(sign, app, office.school, ann)
    before = standing(office, ann, NOW)
    check(office, hr)
    assert "1 adult signed an earlier version, and that goes on counting." in hr.text
    hr.submit(step="change")
    assert hr.heading == "Publish a policy"
    assert hr.page.xpath("string(//input[@name='label']/@value)") == "December 2026"
    hr.submit(label="4.1", file=(BytesIO(b""), ""))
    time.now += timedelta(minutes=1)
    hr.submit(step="publish")
    assert "What was signed before goes on counting." in hr.text
    new = versions(app)[-1]
    assert (new.label, new.resign_by) == ("4.1", None)
    assert new.source_sha256 == policies.sha256_of(read_policy(TEXT.encode(), "policy.md").markdown)
    assert standing(office, ann, time.now) == before


def test_what_its_owner_should_look_at_is_said_also_after_a_mistake_in_the_form(
    office: Office, hr: StrictClient
) -> None:
    odd = policy_file(TEXT.replace("\n\n## 1.", "\n\nOwner: the board\n\n## 1.", 1))
    assert check(office, hr, file=odd, label="") == 400
    hr.submit(label="1", file=(BytesIO(b""), ""))
    assert hr.heading == "Check before you publish"
    assert "“Owner: the board” is not part of what people sign." in hr.text
    assert "Both versions would be called 1." in hr.text
    hr.submit(step="change")
    hr.submit(label="2", file=(BytesIO(b""), ""))
    assert "“Owner: the board” is not part of what people sign." in hr.text
    assert "Both versions" not in hr.text


def test_a_policy_that_is_not_here_yet_is_published_and_then_assigned(
    app: Flask, office: Office, hr: StrictClient
) -> None:
    conduct = policy_file("# Code of conduct\n\n## 1. Be kind\n\nAlways, at [[school]].\n")
    assert check(office, hr, policy="new", file=conduct, resign="") == 200
    assert "Nobody is asked to sign it until you assign it" in hr.text
    hr.submit(step="publish")
    assert "Published: Code of conduct, version December 2026." in hr.text
    hr.follow("Assign it")
    assert "Code of conduct" in hr.page.xpath("string(//select[@name='policy'])")


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"file": policy_file("no heading in it", "p.txt")}, "No section was found"),
        ({"file": policy_file(TEXT, "p.docx")}, "a word processor's file"),
        ({"file": (BytesIO(b""), "")}, "Choose the file with the policy’s text"),
        ({"file": policy_file(POLICY), "label": "1"}, "already: nothing was changed"),
        ({"policy": ""}, "Choose a policy"),
        ({"policy": "new"}, "There is a policy called Social media policy already"),
        ({"label": " "}, "Say what this version is called"),
        ({"resign": ""}, "Choose whether they sign again"),
        ({"resign": "again"}, "Enter the last day to sign again"),
        ({"resign": "again", "resign_by": ["6", "9", "2026"]}, "Enter a day from today to"),
    ],
)
def test_what_cannot_be_published_is_said_in_a_sentence(
    app: Flask, office: Office, hr: StrictClient, fields: dict[str, Any], error: str
) -> None:
    fields = {k: (BytesIO(v[0].getvalue()), v[1]) if k == "file" else v for k, v in fields.items()}
    assert check(office, hr, **fields) == 400
    assert error in hr.page.xpath("string(//*[contains(@class, 'govuk-error-summary')])")
    assert len(versions(app)) == 1


def test_only_hr_publishes_and_only_its_own_school_s_policies(
    app: Flask, office: Office, client: StrictClient
) -> None:
    other = office.do(lambda: make_policy(make_school("Elsewhere Academy")).policy_id)
    client.sign_in_as(office.add(role=RoleName.MANAGER).id)
    assert client.get(f"{office.records}/policies").status_code == 403
    assert client.get(f"{office.records}/policies/publish").status_code == 403
    client.sign_in_as(office.hr.id)
    assert check(office, client, policy=str(other)) == 400
    assert "Choose a policy from the list" in client.text
