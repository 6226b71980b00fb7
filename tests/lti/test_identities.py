"""Who a platform's user is here: made once, kept up to date, matched by HR and by nobody else."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Barrier
from uuid import UUID

import pytest
import sqlalchemy as sa
from flask import Flask, current_app

from lms import attestations, audit, compliance, verification
from lms.attestations import Attestation, Kind
from lms.audit import AuditEntry
from lms.clock import time_in_words
from lms.db import session, transaction
from lms.errors import NotFoundError
from lms.lti import identities, matches
from lms.lti.identities import Identity
from lms.lti.matches import Offer
from lms.lti.platforms import Registration
from lms.people import NAMELESS, Engagement, EngagementType, Person, add_person, engage, name_fits
from lms.schools import Organisation
from lms.status import Status
from lms.training import Assignment
from lms.wording import CONFIRMATION
from tests.client import StrictClient
from tests.conftest import NOW, Clock
from tests.factories import make_assignment, make_person, make_policy, make_school
from tests.lti import forger
from tests.lti.claiming import launched, nameless
from tests.signers import sign

pytestmark = pytest.mark.usefixtures("in_app")
EMAIL = "priya.nair@school.test"


@dataclass
class School:
    """A school with a platform, a policy that is set, and an HR officer."""

    organisation: Organisation
    registration: Registration
    assignment: Assignment
    hr: Person

    def first_launch(self, **changes: object) -> tuple[Identity, Person]:
        """Launch as somebody who says that they are a volunteer."""
        identity = identities.make(self.registration, self.organisation, launched(**changes), NOW)
        person = session.get_one(Person, identity.person_id)
        engage(person, self.organisation.id, EngagementType.VOLUNTEER, starts=NOW.date(), now=NOW)
        return identity, person

    def statuses(self) -> dict[str, Status]:
        """Return where everybody stands, by forename."""
        items = compliance.items([self.organisation.id], NOW)
        names = ("forename", "status")
        rows = compliance.stream(items, compliance.Standing.ENGAGED, names)
        return {forename: Status(status) for _, _, forename, status in rows}


@pytest.fixture
def school(in_app: None) -> Iterator[School]:
    with transaction():
        made = make_school()
        registration = forger.connect(made)
        assignment = make_assignment(made, make_policy(made))
        hr = make_person(made, forename="Jo", surname="Marsh")
        yield School(made, registration, assignment, hr)


@pytest.mark.parametrize(
    ("said", "forename", "surname"),
    [
        ({}, "Priya", "Nair"),
        ({"given_name": forger.MISSING, "family_name": forger.MISSING}, "Priya", "Nair"),
        ({"given_name": "", "family_name": "", "name": " Mary  Jane\tvan Berg "}, "Mary Jane van", "Berg"),
        (
            {"given_name": "Priya", "family_name": forger.MISSING, "name": "Priya de Souza"},
            "Priya de",
            "Souza",
        ),
        ({"given_name": forger.MISSING, "family_name": forger.MISSING, "name": "Suharto"}, "", "Suharto"),
        ({"given_name": "Cher", "family_name": forger.MISSING, "name": forger.MISSING}, "Cher", ""),
        (dict.fromkeys(("given_name", "family_name", "name"), forger.MISSING), "", ""),
    ],
)
def test_a_first_launch_makes_a_person_with_the_names_it_brings(
    school: School, said: dict[str, object], forename: str, surname: str
) -> None:
    identity, person = school.first_launch(**said)

    assert (person.forename, person.surname, person.email) == (forename, surname, EMAIL)
    assert person.root_id == school.organisation.id
    assert (identity.made_person, identity.name) == (True, f"{forename} {surname}".strip())


def test_somebody_of_whom_nothing_is_said_is_a_person_all_the_same(school: School) -> None:
    identity = identities.make(school.registration, school.organisation, nameless(), NOW)
    person = session.get_one(Person, identity.person_id)

    assert (person.name, person.is_nameless, person.email, person.staff_no) == (NAMELESS, True, None, None)
    assert name_fits("Any Name", person)


def test_two_launches_at_once_make_one_person(school: School) -> None:
    first = identities.make(school.registration, school.organisation, launched(), NOW)
    second = identities.make(school.registration, school.organisation, launched(), NOW)

    assert first.id == second.id
    assert session.scalar(sa.select(sa.func.count()).where(Person.surname == "Nair")) == 1


def test_two_first_launches_at_the_same_moment_make_one_person(app: Flask, in_app: None) -> None:
    with transaction():
        school = make_school()
        registration = forger.connect(school)
    ready = Barrier(2)

    def launch(_: int) -> UUID:
        with app.app_context():
            ready.wait()
            with transaction():
                return identities.make(registration, school, launched(), NOW).person_id

    with ThreadPoolExecutor(2) as pool:
        made = list(pool.map(launch, range(2)))

    with transaction(write=False):
        assert session.scalars(sa.select(Person.id)).all() == made[:1] == made[1:]


def test_the_same_user_of_another_platform_is_another_identity(school: School) -> None:
    other = forger.connect(school.organisation, client_id="other")

    first = identities.make(school.registration, school.organisation, launched(), NOW)
    second = identities.make(other, school.organisation, launched(), NOW)

    assert first.person_id != second.person_id


def test_an_address_that_somebody_has_is_not_taken_from_them_by_a_launch(school: School) -> None:
    hers = make_person(school.organisation, email=EMAIL)
    hers.staff_no = "T-7"

    identity, person = school.first_launch(lis={"person_sourcedid": "T-7"})

    assert (person.email, person.staff_no) == (None, None)
    assert (identity.email, identity.staff_no) == (EMAIL, "T-7")


def test_what_changes_at_the_platform_changes_here(school: School) -> None:
    identity, person = school.first_launch()

    identities.refresh(
        identity,
        person,
        launched(family_name="Shah", email="Priya.Shah@school.test", lis={"person_sourcedid": "8"}),
    )

    assert (person.name, person.sort_name, person.email) == (
        "Priya Shah",
        "shah priya",
        "priya.shah@school.test",
    )
    assert (identity.name, identity.email, identity.staff_no) == ("Priya Shah", "priya.shah@school.test", "8")


def test_what_a_later_launch_leaves_out_stays(school: School) -> None:
    identity, person = school.first_launch()

    identities.refresh(identity, person, nameless())

    assert (person.name, person.email, identity.name, identity.email) == (
        "Priya Nair",
        EMAIL,
        "Priya Nair",
        EMAIL,
    )


def test_what_hr_has_put_right_is_not_undone_by_the_next_launch(school: School) -> None:
    identity, person = school.first_launch()
    person.surname = "Nair-Shah"

    identities.refresh(identity, person, launched())

    assert person.name == "Priya Nair-Shah"


def test_a_platform_does_not_rename_somebody_on_hrs_list(school: School) -> None:
    identity, _ = school.first_launch()
    hers = make_person(school.organisation, forename="Priyanka", email=EMAIL)
    settle(school, identity, hers)

    identities.refresh(identity, hers, launched(family_name="Shah", email="other@school.test"))

    assert (hers.name, hers.email) == ("Priyanka Nair", EMAIL)
    assert (identity.name, identity.email) == ("Priya Shah", "other@school.test")


def test_hr_is_offered_everybody_with_the_same_address_or_staff_number(school: School) -> None:
    by_email = make_person(school.organisation, forename="Ann", email=EMAIL)
    by_number = add_person(school.organisation.root_id, forename="Bea", surname="Nair", staff_no="T-7")
    make_person(school.organisation, forename="Cai")
    identity, person = school.first_launch(lis={"person_sourcedid": "T-7"})

    (offer,) = matches.offers(school.organisation)

    assert (offer.identity, offer.person, offer.signed) == (identity, person, 0)
    assert [(c.person, c.has_same_email, c.has_same_staff_no) for c in offer.candidates] == [
        (by_email, True, False),
        (by_number, False, True),
    ]


def test_nobody_is_offered_without_a_match_in_the_same_organisation(school: School) -> None:
    make_person(make_school(), email=EMAIL)
    school.first_launch(email=forger.MISSING)
    school.first_launch(sub="43")

    assert matches.offers(school.organisation) == []


def test_two_people_whom_platforms_made_are_not_offered_to_each_other(school: School) -> None:
    school.first_launch()
    school.first_launch(sub="43")

    assert matches.offers(school.organisation) == []


def test_another_school_is_not_offered_this_ones_people(school: School) -> None:
    sibling = make_school()
    sibling.parent_id = school.organisation.id
    make_person(school.organisation, email=EMAIL)
    school.first_launch()

    assert matches.offers(sibling) == []
    assert len(matches.offers(school.organisation)) == 1


def settle(school: School, identity: Identity, kept: Person | None, now: datetime = NOW) -> bool:
    return matches.settle(
        school.organisation,
        identity.id,
        kept.id if kept else None,
        by=school.hr,
        key=current_app.config["LEDGER_KEY"],
        now=now,
    )


def test_somebody_else_is_never_offered_again(school: School) -> None:
    make_person(school.organisation, email=EMAIL)
    identity, person = school.first_launch()

    assert settle(school, identity, None)

    assert matches.offers(school.organisation) == []
    assert (identity.person_id, identity.match_settled_at) == (person.id, NOW)
    assert not settle(school, identity, None), "a second press changes nothing"


def test_the_same_person_is_that_person_from_now_on(school: School) -> None:
    hers = make_person(school.organisation, forename="Priyanka", email=EMAIL)
    identity, person = school.first_launch()
    epoch = person.sign_in_epoch

    assert settle(school, identity, hers)

    assert (identity.person_id, identity.made_person) == (hers.id, False)
    assert person.sign_in_epoch == epoch + 1, "sessions of the person who was made are over"
    current = session.scalars(sa.select(Engagement).where(Engagement.recorded_to.is_(None))).all()
    assert {e.person_id for e in current} == {hers.id, school.hr.id}
    entry = session.scalars(sa.select(AuditEntry)).one()
    assert (entry.event, entry.actor_id, entry.subject_id, entry.details["same"]) == (
        audit.Event.MATCH_SETTLED,
        school.hr.id,
        hers.id,
        "yes",
    )
    assert not settle(school, identity, hers), "a second press changes nothing"


def test_what_was_signed_is_confirmed_for_the_person_on_hrs_list(app: Flask, school: School) -> None:
    hers = make_person(school.organisation, forename="Priyanka", email=EMAIL)
    identity, person = school.first_launch()
    original = sign(app, school.organisation, person)
    assert school.statuses() == {
        "Jo": Status.NOT_STARTED,
        "Priya": Status.SIGNED,
        "Priyanka": Status.NOT_STARTED,
    }

    settle(school, identity, hers)

    assert school.statuses() == {"Jo": Status.NOT_STARTED, "Priyanka": Status.SIGNED}
    confirmed = session.scalars(sa.select(Attestation).where(Attestation.kind == Kind.CONFIRMED)).one()
    assert (confirmed.refers_to, confirmed.person_id, confirmed.cycle) == (original.id, hers.id, 0)
    details = attestations.signatory_details(confirmed.id)
    assert details is not None
    assert (details["name_typed"], details["forename"], details["confirmed_by"]) == (
        "Priya Nair",
        "Priyanka",
        "Jo Marsh",
    )
    assert attestations.cycle_of(hers.id, school.assignment.id) == 1


def test_the_ledger_still_verifies_after_a_confirmation(app: Flask, school: School) -> None:
    hers = make_person(school.organisation, email=EMAIL)
    identity, person = school.first_launch()
    sign(app, school.organisation, person)
    settle(school, identity, hers)
    session.commit()

    verdict = verification.verify(school.organisation, app.config["LEDGER_KEY"].public_key())

    assert (verdict.problem, verdict.entries, verdict.size) == (None, 2, 2)


def test_a_confirmation_reads_as_one_on_its_receipt(
    app: Flask, client: StrictClient, time: Clock, school: School
) -> None:
    hers = make_person(school.organisation, forename="Priyanka", email=EMAIL)
    identity, person = school.first_launch()
    original = sign(app, school.organisation, person)
    time.now = NOW + timedelta(days=1)
    settle(school, identity, hers, time.now)
    session.commit()

    client.sign_in_as(hers.id)
    client.get("/receipts")
    assert "Confirmed" in client.text
    client.follow("Social media policy, version 1")

    assert f"Signed {time_in_words(NOW)}" in client.text
    assert f"{time_in_words(time.now)}, by Jo Marsh. {CONFIRMATION}" in client.text
    assert "Name as typedPriya Nair" in client.text
    assert "Name on recordPriyanka Nair" in client.text
    assert str(original.id) in client.text
    assert "None" not in client.text


def test_what_they_have_signed_since_themselves_needs_no_confirming(app: Flask, school: School) -> None:
    hers = make_person(school.organisation, email=EMAIL)
    identity, person = school.first_launch()
    sign(app, school.organisation, person)
    sign(app, school.organisation, hers)

    settle(school, identity, hers)

    kinds = session.scalars(sa.select(Attestation.kind).where(Attestation.person_id == hers.id)).all()
    assert kinds == [Kind.SIGNED]


def test_somebody_on_the_list_who_works_nowhere_takes_the_engagement_over(school: School) -> None:
    hers = add_person(school.organisation.root_id, forename="Priyanka", surname="Nair", email=EMAIL)
    identity, _ = school.first_launch()

    settle(school, identity, hers)

    assert school.statuses() == {"Jo": Status.NOT_STARTED, "Priyanka": Status.NOT_STARTED}


def test_hr_cannot_join_people_whom_nothing_connects(school: School) -> None:
    make_person(school.organisation, email=EMAIL)
    identity, _ = school.first_launch()

    with pytest.raises(NotFoundError, match="isn’t one of those"):
        settle(school, identity, school.hr)


def test_an_address_that_two_have_goes_to_the_one_on_hrs_list(school: School) -> None:
    identity, person = school.first_launch()
    hers = make_person(school.organisation, email=EMAIL)

    settle(school, identity, None)

    assert (person.email, hers.email) == (None, EMAIL)


def test_an_offer_counts_what_was_signed(app: Flask, school: School) -> None:
    make_person(school.organisation, email=EMAIL)
    _, person = school.first_launch()
    sign(app, school.organisation, person)

    offers: list[Offer] = matches.offers(school.organisation)

    assert [offer.signed for offer in offers] == [1]
