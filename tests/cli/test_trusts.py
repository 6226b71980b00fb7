"""A trust at a terminal: made, with schools that are new and schools that were there before."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from app import create_app
from lms import corrections, people
from lms.audit import AuditEntry, Event
from lms.clock import now
from lms.config import Settings
from lms.db import db, session
from lms.people import Person, RoleName
from lms.schools import Kind, Organisation, school_by_slug
from tests.cli.terminal import Look, Run
from tests.cli.test_users import new_user
from tests.client import StrictClient
from tests.factories import make_person, make_school


@pytest.fixture
def moor(run: Run) -> str:
    """The address part of a trust without schools."""
    result = run("trust", "create", "Moor Trust")
    assert result.exit_code == 0, result.output
    assert "https://training.example.sch.uk/trusts/moor-trust/records" in result.output
    return "moor-trust"


def page_of(settings: Settings, trust: str, person_id: object) -> str:
    """Return the words of the trust's page, as somebody sees it."""
    app = create_app(settings)
    app.testing, app.test_client_class = True, StrictClient
    client = app.test_client()
    assert isinstance(client, StrictClient)
    client.sign_in_as(person_id)  # type: ignore[arg-type]
    assert client.get(f"/trusts/{trust}/records").status_code == 200
    with app.app_context():
        db.engine.dispose()
    return client.text


def test_a_trust_is_made_with_a_new_school_and_hr_of_them_all_sees_it(
    run: Run, look: Look, moor: str, settings: Settings
) -> None:
    assert new_user(run, "--school", moor).exit_code == 0
    with look():
        trust = school_by_slug(moor)
        ada = session.scalars(sa.select(Person)).one()
        assert (trust.kind, ada.root_id) == (Kind.TRUST, trust.id)
        assert people.roles_of(ada.id) == {trust.id: frozenset({RoleName.HR})}
        ada_id = ada.id
    assert "Nothing is assigned yet at any school" in page_of(settings, moor, ada_id)
    teacher = ("--email", "b@school.test", "--forename", "Ben", "--type", "teacher")
    result = new_user(run, *teacher, "--new-school", "Hill School", "--trust", moor, role="learner", typed="")
    assert result.exit_code == 0, result.output
    with look():
        hill = school_by_slug("hill-school")
        assert (
            hill.parent_id == school_by_slug(moor).id == people.people_with_email("b@school.test")[0].root_id
        )


def test_a_school_that_stood_by_itself_comes_with_its_people_and_what_was_put_right(
    run: Run, look: Look, moor: str, school: str
) -> None:
    with look():
        person = make_person(school_by_slug(school), surname="Evans")
        corrections.correct_person(person, {"surname": "Evans-Jones"}, by=None, now=now())
        origin = school_by_slug(school).ledger_origin
    result = run("trust", "add", "--trust", moor, "--school", school)
    assert result.exit_code == 0, result.output
    assert "with the 2 people on record there" in result.output
    with look():
        trust, below = school_by_slug(moor), school_by_slug(school)
        assert (below.parent_id, below.ledger_origin) == (trust.id, origin)
        assert set(session.scalars(sa.select(Person.root_id))) == {trust.id}
        assert set(session.scalars(sa.select(corrections.Correction.root_id))) == {trust.id}
        (entry,) = session.scalars(sa.select(AuditEntry).where(AuditEntry.event == Event.SCHOOL_JOINED))
        assert (entry.organisation_id, entry.details) == (below.id, {"trust": str(trust.id)})
    again = run("trust", "add", "--trust", moor, "--school", school)
    assert again.exit_code == 1
    assert "is not a school by itself" in again.output


def test_a_staff_number_that_both_have_is_put_right_first(run: Run, look: Look, moor: str) -> None:
    with look():
        for name in ("Hill", "Dale"):
            make_person(make_school(name)).staff_no = "1001"
    assert run("trust", "add", "--trust", moor, "--school", "hill").exit_code == 0
    result = run("trust", "add", "--trust", moor, "--school", "dale")
    assert result.exit_code == 1
    assert "These staff numbers are on record both at Dale and in Moor Trust: 1001." in result.output
    with look():
        assert school_by_slug("dale").parent_id is None


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("trust", "create", "Moor Trust"), "the address 'moor-trust' already"),
        (
            ("trust", "add", "--trust", "moor-trust", "--school", "nowhere"),
            "no school at the address 'nowhere'",
        ),
        (("trust", "add", "--trust", "hill", "--school", "moor-trust"), "Hill is a school"),
        (("trust", "add", "--trust", "moor-trust", "--school", "moor-trust"), "not a school by itself"),
    ],
)
def test_what_cannot_be_is_said_in_a_sentence(
    run: Run, look: Look, moor: str, arguments: tuple[str, ...], sentence: str
) -> None:
    del moor
    with look():
        make_school("Hill")
    result = run(*arguments)
    assert result.exit_code == 1
    assert sentence in result.output


def test_a_trust_engages_nobody_and_a_school_is_nobodys_trust(run: Run, look: Look, moor: str) -> None:
    result = new_user(run, "--school", moor, "--type", "teacher")
    assert (result.exit_code, "A trust engages nobody" in result.output) == (1, True)
    assert new_user(run, "--trust", moor).exit_code == 2
    with look():
        make_school("Hill")
    under = new_user(run, "--new-school", "Dale", "--trust", "hill")
    assert (under.exit_code, "Hill is a school, so no other can be under it" in under.output) == (1, True)
    with look():
        assert session.scalars(sa.select(Organisation.slug).where(Organisation.slug == "dale")).all() == []
