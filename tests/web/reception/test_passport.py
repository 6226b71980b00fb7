"""The passport: what was signed at another school of the trust is shown to the desk, and confirmed with one tap."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID, uuid4

import pytest
from flask import Flask

from lms import compliance, passport, policies, verification
from lms.attestations import Attestation, Kind
from lms.audit import AuditEntry, Event
from lms.clock import london_day
from lms.db import session, transaction
from lms.desk import PhotoId, Visit
from lms.people import EngagementType, Person, RoleName, add_person, engage
from lms.policies import PolicyVersion
from lms.schools import Kind as OrganisationKind
from lms.schools import Organisation
from lms.status import Status
from tests.client import StrictClient
from tests.conftest import NOW, Clock
from tests.factories import BEFORE, POLICY, make_assignment, make_person, make_policy, make_school
from tests.signers import sign
from tests.visitors import begin, code_for

AGENCY = [EngagementType.AGENCY_WORKER]
LAST_WEEK = NOW - timedelta(days=7)


@dataclass
class Trust:
    """Two schools with one policy; an agency worker who signed it at the first and has come to the second."""

    app: Flask

    def __post_init__(self) -> None:
        with self.app.app_context(), transaction():
            root = Organisation(
                id=uuid4(),
                kind=OrganisationKind.TRUST,
                slug="trust",
                name="Ymddiriedolaeth Môr",
                ledger_origin="countersign.test/trust",
                contacts={},
            )
            session.add(root)
            session.flush()
            self.first, self.second = self._school("Ysgol Bryn", root), self._school("Ysgol Môr", root)
            self.second.contacts = {**self.second.contacts, "safeguarding_lead": "Huw Parry"}
            self.there = make_policy(self.first)
            self.version = make_policy(self.second)
            self.assignments = [
                make_assignment(school, version, audience=AGENCY, due_days=0)
                for school, version in ((self.first, self.there), (self.second, self.version))
            ]
            self.worker = add_person(root.id, forename="Maria", surname="Santos")
            self._engage(self.first, date(2026, 8, 30), date(2026, 9, 1))
            engaged = self._engage(self.second, date(2026, 9, 7), date(2026, 9, 7))
            self.receptionist = make_person(self.second, forename="Bethan", role=RoleName.RECEPTIONIST)
            self.admin = make_person(self.second, role=RoleName.ADMIN)
            session.flush()
            sign(self.app, self.first, self.worker, now=LAST_WEEK)
            self.visit = Visit(
                id=uuid4(),
                organisation_id=self.second.id,
                person_id=self.worker.id,
                engagement_id=engaged,
                day=london_day(NOW),
                changed_at=NOW,
                arrived_at=NOW,
                agency_confirmed=True,
                id_kind=PhotoId.PASSPORT,
                same_person=True,
                checked_by=self.receptionist.id,
            )
            session.add(self.visit)
        self.page = f"/schools/{self.second.slug}/reception/visits/{self.visit.id}"
        self.tap = f"/join/confirm/{self.assignments[1].id}"

    def _school(self, name: str, root: Organisation) -> Organisation:
        school = make_school(name)
        school.parent_id = root.id
        session.flush()
        return school

    def _engage(self, school: Organisation, starts: date, ends: date) -> UUID:
        engaged = engage(
            self.worker,
            school.id,
            EngagementType.AGENCY_WORKER,
            starts=starts,
            ends=ends,
            agency="Tandem Staffing",
            now=BEFORE,
        )
        return engaged.id

    def evidence(self) -> list[Attestation]:
        with self.app.app_context(), transaction():
            return list(session.query(Attestation).order_by(Attestation.recorded_at))

    def status(self) -> Status:
        with self.app.app_context(), transaction():
            items = compliance.items([self.second.id], NOW)
            return compliance.of_person(self.worker.id, items, compliance.Standing.ENGAGED)[0][1].status


@pytest.fixture
def trust(app: Flask, time: Clock) -> Trust:
    """The two schools, on a Monday."""
    return Trust(app)


def sees(client: StrictClient, trust: Trust) -> bool:
    """Say whether the desk is shown that something was signed elsewhere."""
    client.sign_in_as(trust.receptionist.id)
    client.get(trust.page)
    return "Signed the same policy elsewhere" in client.text


def start(client: StrictClient, trust: Trust) -> None:
    begin(client, code_for(trust.app, trust.visit))


def test_the_desk_sees_name_agency_school_and_date_and_both_schools_know_that_it_did(
    client: StrictClient, trust: Trust
) -> None:
    assert sees(client, trust)
    shown = " ".join(client.page.xpath("string(//section[contains(@class, 'app-passport')])").split())
    assert "Maria Santos, Tandem Staffing: Ysgol Bryn, 31 August 2026." in shown
    with trust.app.app_context(), transaction():
        entries = session.query(AuditEntry).filter_by(event=Event.PASSPORT_SHOWN).all()
    assert {entry.organisation_id for entry in entries} == {trust.first.id, trust.second.id}
    assert {entry.actor_id for entry in entries} == {trust.receptionist.id}
    assert {entry.subject_id for entry in entries} == {trust.worker.id}


def test_one_tap_confirms_refers_to_the_first_and_leads_to_this_schools_card(
    client: StrictClient, trust: Trust
) -> None:
    start(client, trust)
    assert client.heading == "You have signed this at Ysgol Bryn"
    assert "I signed Social media policy, version 1, at Ysgol Bryn on 31 August 2026" in client.text
    client.submit(button="I confirm this")
    assert "Huw Parry" in client.text
    assert "Signed. This is not clearance to work." in client.text
    first, second = trust.evidence()
    leaf = json.loads(second.record)
    assert (second.kind, second.refers_to, leaf["refers_to"]) == (Kind.CONFIRMED, first.id, str(first.id))
    assert second.organisation_id == trust.second.id
    assert leaf["signed_at_school"] == trust.first.ledger_origin
    assert trust.status() is Status.SIGNED
    with trust.app.app_context(), transaction():
        school = session.get_one(Organisation, trust.second.id)
        assert verification.verify(school, trust.app.config["LEDGER_KEY"].public_key()).problem is None
    client.get(f"/receipts/{second.id}")
    for words in ("Confirmed with one tap", str(first.id), "31 August 2026", "by Bethan Nair"):
        assert words in client.text


def test_two_taps_confirm_once(client: StrictClient, trust: Trust) -> None:
    start(client, trust)
    page = client.page
    client.submit(button="I confirm this")
    client.page, client.address = page, trust.tap
    client.submit(button="I confirm this")
    assert len(trust.evidence()) == 2


def test_looking_confirms_nothing(client: StrictClient, trust: Trust) -> None:
    start(client, trust)
    client.get(trust.tap)
    assert len(trust.evidence()) == 1


def test_who_did_not_show_an_id_here_signs_as_everybody_does(client: StrictClient, trust: Trust) -> None:
    client.sign_in_as(trust.worker.id)
    client.get(trust.tap, follow_redirects=True)
    assert "I confirm this" not in client.text
    assert client.address == f"/sign/{trust.assignments[1].id}"


def test_nobody_confirms_what_is_not_theirs(client: StrictClient, trust: Trust) -> None:
    client.sign_in_as(trust.receptionist.id)
    assert client.get(trust.tap).status_code == 404


def test_a_policy_that_changed_between_is_not_confirmed_unseen(client: StrictClient, trust: Trust) -> None:
    start(client, trust)
    with trust.app.app_context(), transaction():
        school = session.get_one(Organisation, trust.second.id)
        school.name = "Ysgol Môr Newydd"
    assert client.submit(button="I confirm this").status_code == 409
    assert len(trust.evidence()) == 1


def test_a_school_may_switch_it_off(client: StrictClient, trust: Trust) -> None:
    client.sign_in_as(trust.admin.id)
    client.get(f"/schools/{trust.second.slug}/settings")
    client.submit(button="Save", accepts_passports=[])
    assert not sees(client, trust)
    client.get("/join")
    with client.session_transaction() as cookie:
        cookie.clear()
    start(client, trust)
    assert "I confirm this" not in client.text


def test_another_text_of_the_policy_is_not_the_same_policy(client: StrictClient, trust: Trust) -> None:
    with trust.app.app_context(), transaction():
        policies.publish(
            session.get_one(Organisation, trust.second.id),
            slug="social-media",
            title="Social media policy",
            label="1",
            markdown=POLICY + "\nMore.\n",
            now=BEFORE,
        )
    assert not sees(client, trust)


@pytest.mark.parametrize(("days", "is_shown"), [(0, True), (357, True), (358, False)])
def test_a_signature_that_has_run_out_is_no_passport(
    client: StrictClient, trust: Trust, time: Clock, days: int, is_shown: bool
) -> None:
    time.now = NOW + timedelta(days=days)
    with trust.app.app_context(), transaction():
        engage(
            session.get_one(Person, trust.worker.id),
            trust.second.id,
            EngagementType.AGENCY_WORKER,
            starts=date(2026, 9, 9),
            ends=date(2027, 12, 1),
            now=NOW,
        )
    assert sees(client, trust) is is_shown


def test_a_longer_programme_needs_its_modules_done(client: StrictClient, trust: Trust) -> None:
    with trust.app.app_context(), transaction():
        worker = session.get_one(Person, trust.worker.id)
        school = session.get_one(Organisation, trust.second.id)
        version = session.get_one(PolicyVersion, trust.version.id)
        long = make_assignment(school, version, modules=["friend-request"], audience=AGENCY, least_days=5)
        engage(
            worker,
            school.id,
            EngagementType.AGENCY_WORKER,
            starts=date(2026, 9, 8),
            ends=date(2026, 12, 1),
            now=BEFORE,
        )
        found = {one.task.id for one in passport.of_person(worker, school, NOW + timedelta(days=2))}
        assert long.id not in found
        assert trust.assignments[1].id in found


def test_a_school_of_another_trust_sees_nothing(client: StrictClient, trust: Trust) -> None:
    with trust.app.app_context(), transaction():
        session.get_one(Organisation, trust.first.id).parent_id = None
    assert not sees(client, trust)


def test_a_confirmation_is_no_passport_itself(client: StrictClient, trust: Trust) -> None:
    start(client, trust)
    client.submit(button="I confirm this")
    with trust.app.app_context(), transaction():
        root = session.get_one(Organisation, trust.second.parent_id)
        third = trust._school("Ysgol Tri", root)
        make_assignment(third, make_policy(third), audience=AGENCY, due_days=0)
        session.get_one(Organisation, trust.first.id).parent_id = None
        worker = session.get_one(Person, trust.worker.id)
        engage(
            worker,
            third.id,
            EngagementType.AGENCY_WORKER,
            starts=date(2026, 9, 7),
            ends=date(2026, 9, 7),
            now=BEFORE,
        )
        assert passport.of_person(worker, third, NOW) == []
