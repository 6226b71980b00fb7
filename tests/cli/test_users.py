"""Making users and the school they belong to, at a terminal."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from click.testing import CliRunner, Result

from app import cli
from lms import credentials, people
from lms.audit import AuditEntry
from lms.config import Settings
from lms.db import session
from lms.people import Person, RoleName
from lms.schools import Organisation
from tests.cli.terminal import Look, Run, environment
from tests.conftest import NOW


def new_user(run: Run, *more: str, role: str = "hr", typed: str | None = None) -> Result:
    """Run `user create` for Ada Okafor."""
    password = "correct horse battery"
    name = ("--email", "ada@school.test", "--forename", "Ada", "--surname", "Okafor", "--role", role)
    return run(
        "user", "create", *name, *more, typed=typed if typed is not None else f"{password}\n{password}\n"
    )


def test_the_first_user_makes_the_school_and_signs_in_with_the_password(run: Run, look: Look) -> None:
    result = new_user(run, "--new-school", "Ysgol Tŷ Gwyn", "--type", "support_staff")
    assert result.exit_code == 0, result.output
    assert "correct horse" not in result.output
    with look():
        person = credentials.check_password("ada@school.test", "correct horse battery", NOW)
        assert person is not None
        made = session.scalars(sa.select(Organisation)).one()
        assert (made.slug, made.ledger_origin) == ("ysgol-ty-gwyn", "training.example.sch.uk/ysgol-ty-gwyn")
        assert people.roles_of(person.id) == {made.id: frozenset({RoleName.HR})}
        assert session.scalar(sa.select(AuditEntry.subject_id)) == person.id


def test_a_second_school_of_one_name_is_refused_with_what_to_do(run: Run) -> None:
    new_user(run, "--new-school", "St Mary’s", role="admin")
    result = new_user(run, "--new-school", "St Mary’s", "--email", "b@school.test", role="admin")
    assert result.exit_code == 1
    assert "Tell the new one apart by its name, such as with its town." in result.output


def test_the_same_person_may_be_given_another_role_and_password(run: Run, school: str, look: Look) -> None:
    new_user(run)
    result = new_user(run, role="admin", typed="another long password\nanother long password\n")
    assert result.exit_code == 0, result.output
    with look():
        person = credentials.check_password("ada@school.test", "another long password", NOW)
        assert person is not None
        assert set(*people.roles_of(person.id).values()) == {RoleName.HR, RoleName.ADMIN}


@pytest.mark.parametrize(
    ("more", "role", "typed", "sentence"),
    [
        ([], "hr", "short\nshort\n", "at least 12 characters"),
        ([], "learner", "", "--type teacher"),
        (["--school", "nowhere"], "hr", None, "no school at the address 'nowhere'"),
        (["--school", "a", "--new-school", "b"], "hr", None, "not both"),
        (["--email", "nonsense"], "hr", None, "not an e-mail address"),
        (["--surname", "Someone-Else"], "hr", None, "is there already, for Ada Okafor"),
        (["--type", "wizard"], "hr", None, "'wizard' is not one of"),
    ],
)
def test_a_user_that_cannot_be_made_is_a_sentence_and_nothing_is_kept(
    run: Run, school: str, look: Look, more: list[str], role: str, typed: str | None, sentence: str
) -> None:
    if "Someone-Else" in more:
        new_user(run)
    with look():
        before = session.scalar(sa.select(sa.func.count(Person.id)))
    result = new_user(run, *more, role=role, typed=typed)
    assert result.exit_code in (1, 2)
    assert sentence in result.output
    with look():
        assert session.scalar(sa.select(sa.func.count(Person.id))) == before


def test_a_school_is_not_named_after_an_address_that_nobody_chose(settings: Settings) -> None:
    env = {**environment(settings), "LMS_BASE_URL": None}
    name = ["--email", "a@b.test", "--forename", "A", "--surname", "B", "--type", "teacher"]
    result = CliRunner().invoke(cli, ["user", "create", *name, "--new-school", "B"], env=env)
    assert result.exit_code == 1
    assert "Set LMS_BASE_URL first" in result.output
