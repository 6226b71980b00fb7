"""The demo: the people and the year it shows, the same for a seed and a day, and never over real records."""

from __future__ import annotations

import shutil
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import date, datetime, timedelta
from pathlib import Path
from random import Random

import pytest
import sqlalchemy as sa
from click.testing import CliRunner, Result

from app import cli, create_app
from lms import clock, compliance, credentials, my_training, verification
from lms.attestations import Attestation
from lms.cli.in_use import using
from lms.config import Settings
from lms.db import db, session, transaction
from lms.demo.adults import adults
from lms.demo.calendar import Calendar, at
from lms.help_requests import HelpRequest
from lms.mail import Message, MessageState
from lms.people import Engagement, EngagementType, Person, RoleName, is_current, roles_of
from lms.policies import Policy, PolicyVersion
from lms.schools import add_school, only_school
from lms.status import Status
from lms.training import Answer
from tests.client import StrictClient
from tests.postgresql import PostgreSQL

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=clock.LONDON)
FILE = "countersign.sqlite3"


def make(settings: Settings, *arguments: str) -> Result:
    """Run `countersign demo --no-serve` on these settings."""
    env = {"LMS_DATA_DIR": str(settings.data_dir), "LMS_DATABASE_URL": settings.database_url}
    result = CliRunner().invoke(cli, ["demo", "--no-serve", *arguments], env=env)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


@contextmanager
def looking(settings: Settings) -> Iterator[None]:
    """Read what a demo recorded."""
    app = create_app(settings)
    with app.app_context():
        with transaction(write=False):
            yield
        db.session.remove()
        db.engine.dispose()


@pytest.fixture(scope="module")
def clock_stands() -> Iterator[None]:
    """The time is NOW for every test of this module."""
    patch = pytest.MonkeyPatch()
    patch.setattr(clock, "now", lambda: NOW)
    yield
    patch.undo()


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, clock_stands: None) -> tuple[Settings, Result]:
    """One demo that tests look at and leave as it is, with what making it printed."""
    settings = Settings(data_dir=tmp_path_factory.mktemp("demo"))
    return settings, make(settings)


@pytest.fixture
def demo(made: tuple[Settings, Result]) -> Iterator[None]:
    """The demo's database, open to read."""
    with looking(made[0]):
        yield


@pytest.fixture
def copy(made: tuple[Settings, Result], tmp_path: Path) -> Settings:
    """Settings of a demo of one's own, to change."""
    shutil.copytree(made[0].data_dir, tmp_path / "copy")
    return Settings(data_dir=tmp_path / "copy")


@pytest.fixture
def empty(tmp_path: Path, clock_stands: None) -> Settings:
    """Settings whose data folder is empty."""
    return Settings(data_dir=tmp_path)


def named(surname: str, forename: str | None = None) -> list[Person]:
    """Return the demo's people of a name."""
    found = session.scalars(sa.select(Person).where(Person.surname == surname))
    return [person for person in found if forename in (None, person.forename)]


def story(settings: Settings) -> list[tuple[object, ...]]:
    """Return who is there and what they did when, without the ids and salts that are random by design."""
    with looking(settings):
        people = session.execute(
            sa.select(Person.sort_name, Person.email, Engagement.type, Engagement.starts, Engagement.ends)
            .join(Engagement, Engagement.person_id == Person.id)
            .order_by(Person.sort_name, Person.email, Engagement.starts, Engagement.recorded_from)
        ).all()
        signed = session.execute(
            sa.select(Person.sort_name, Attestation.kind, Attestation.recorded_at, PolicyVersion.label)
            .join(Attestation, Attestation.person_id == Person.id)
            .join(PolicyVersion, PolicyVersion.id == Attestation.policy_version_id)
            .order_by(Attestation.recorded_at, Person.sort_name)
        ).all()
        return [tuple(row) for row in (*people, *signed)]


@pytest.mark.usefixtures("demo")
class TestPeople:
    """Who is at the school."""

    def test_about_150_adults_of_every_engagement_type_work_there(self) -> None:
        current = [e for e in session.query(Engagement).filter_by(recorded_to=None) if is_current(e, NOW)]
        assert 140 <= len({e.person_id for e in current}) <= 160
        assert {e.type for e in current} == set(EngagementType)

    def test_names_are_as_mixed_as_a_staffrooms(self) -> None:
        names = [person.name for person in session.query(Person)]
        assert any("-" in name for name in names)
        assert "Siân Pritchard" in names
        assert "Łukasz Wiśniewski" in names
        assert "Llinos Gwenllian Price-Roberts" in names
        assert [p.forename for p in named("Suharni")] == [""]
        assert len(named("Jones", "Sarah")) == 2
        assert Counter(names).most_common(2)[1][1] == 1

    def test_some_have_no_address_and_three_share_one(self) -> None:
        assert [p.email for p in named("Stubbs")] == [None]
        shared = Counter(person.email for person in session.query(Person) if person.email)
        assert [n for n in shared.values() if n > 1] == [3]

    def test_somebody_has_two_engagements(self) -> None:
        person = named("Jenkins")[0]
        held = {e.type for e in session.query(Engagement).filter_by(person_id=person.id, recorded_to=None)}
        assert held == {EngagementType.TEACHER, EngagementType.GOVERNOR}

    def test_leavers_records_stay(self) -> None:
        left = (
            session.query(Engagement).filter_by(recorded_to=None).filter(Engagement.ends < NOW.date()).all()
        )
        signed = {a.person_id for a in session.query(Attestation)}
        assert len(left) >= 5
        assert {e.person_id for e in left} & signed

    def test_hr_an_admin_and_managers_have_their_roles(self) -> None:
        held = Counter(
            name for p in session.query(Person) for names in roles_of(p.id).values() for name in names
        )
        assert (held[RoleName.HR], held[RoleName.ADMIN]) == (1, 1)
        assert held[RoleName.MANAGER] >= 5
        teacher = session.query(Engagement).filter_by(person_id=named("Nair")[0].id).one()
        assert teacher.manager_id == named("Rhys-Davies")[0].id


@pytest.mark.usefixtures("demo")
class TestYear:
    """What they did."""

    def test_there_are_more_than_300_attestations_over_a_year_and_the_ledger_verifies(
        self, made: tuple[Settings, Result]
    ) -> None:
        times = [a.recorded_at for a in session.query(Attestation)]
        assert len(times) >= 300
        assert max(times) - min(times) > timedelta(days=350)
        assert max(times) < NOW
        key = create_app(made[0]).config["LEDGER_KEY"].public_key()
        verdict = verification.verify(only_school(), key, all_signatures=True)
        assert verdict.problem is None
        assert verdict.entries == len(times)

    def test_every_status_is_to_be_seen(self) -> None:
        items = compliance.items([only_school().id], NOW)
        found = Counter(
            status for item in items for _, status, n in compliance.counts(item) for _ in range(n)
        )
        assert set(found) == set(Status)
        assert found[Status.SIGNED] > sum(found.values()) / 2

    def test_one_teacher_has_not_begun_and_one_assistant_is_half_way(self) -> None:
        not_begun = my_training.tasks(named("Nair")[0], NOW)
        assert {task.obligation.status for task in not_begun} == {Status.NOT_STARTED}
        half_way = next(t for t in my_training.tasks(named("O’Connor")[0], NOW) if t.modules)
        assert [state.is_completed for state in half_way.modules] == [True, False, False]
        assert half_way.modules[1].attempt_id is not None

    def test_answers_are_kept_only_of_those_who_have_not_signed(self) -> None:
        assert 0 < session.query(Answer).count() < 100

    def test_hr_has_requests_to_answer_and_some_were_answered(self) -> None:
        answered = [r.answered_at is not None for r in session.query(HelpRequest)]
        assert (answered.count(False), answered.count(True)) == (2, 4)

    def test_nothing_of_the_year_is_left_to_be_sent(self) -> None:
        assert {m.state for m in session.query(Message)} <= {MessageState.SENT}

    def test_the_code_of_conduct_came_in_two_versions_and_the_later_asks_again(self) -> None:
        versions = (
            session.query(PolicyVersion)
            .join(Policy, Policy.id == PolicyVersion.policy_id)
            .filter(Policy.slug == "code-of-conduct")
            .order_by(PolicyVersion.number)
            .all()
        )
        assert [(v.number, v.resign_by is not None) for v in versions] == [(1, False), (2, True)]


def test_a_seed_makes_the_same_year_on_the_same_day_and_another_seed_another(
    made: tuple[Settings, Result], tmp_path: Path
) -> None:
    again, other = Settings(data_dir=tmp_path / "again"), Settings(data_dir=tmp_path / "other")
    make(again, "--seed", "1")
    make(other, "--seed", "2")
    assert story(again) == story(made[0])
    assert story(other) != story(made[0])


@pytest.mark.parametrize("day", [date(2027, 1, 1), date(2028, 2, 29), date(2026, 8, 31), date(2026, 9, 1)])
def test_on_any_day_everybody_is_there_and_nothing_happens_on_a_weekend(day: date) -> None:
    crowd = adults(Random(1), day)
    assert len({adult.email for adult in crowd if adult.email}) == len([a for a in crowd if a.email]) - 2
    calendar = Calendar(at(day, 0), Random(1))
    days = [calendar.some_time(day + timedelta(days=n)) for n in range(14)]
    assert all(moment.weekday() < 5 for moment in days)


def test_the_links_and_passwords_that_are_printed_let_people_in(made: tuple[Settings, Result]) -> None:
    settings, printed = made
    app = create_app(settings)
    app.testing, app.test_client_class = True, StrictClient
    links = [word for word in printed.output.split() if "/sign-in/link/" in word]
    assert len(links) == 6
    for link in links:
        client = app.test_client()
        assert client.get(link.removeprefix("http://127.0.0.1:8000")).status_code == 200
        assert isinstance(client, StrictClient)
        assert client.submit().status_code == 200
        assert "/sign-in" not in client.address
    row = next(line for line in printed.output.splitlines() if "m.raghunathan@" in line)
    email, password = row.strip("│ ").replace("│", " ").split()
    with app.app_context():
        with transaction():
            person = credentials.check_password(email, password, NOW)
        assert person is not None
        assert person.surname == "Raghunathan"
        db.session.remove()
        db.engine.dispose()


def test_a_demo_takes_the_place_of_an_earlier_demo_and_its_links_are_for_the_port_that_was_named(
    copy: Settings,
) -> None:
    with closing(sqlite3.connect(copy.data_dir / FILE)) as earlier:
        school_id = earlier.execute("SELECT id FROM organisation").fetchone()
    result = make(copy, "--port", "8123")
    assert result.exit_code == 0, result.output
    assert "http://127.0.0.1:8123/sign-in/link/" in result.output
    with closing(sqlite3.connect(copy.data_dir / FILE)) as later:
        assert later.execute("SELECT id FROM organisation").fetchone() != school_id
    assert sorted(p.name for p in copy.data_dir.glob(f"{FILE}*")) == [FILE, f"{FILE}.in-use"]


def test_a_demo_never_takes_the_place_of_a_real_school(copy: Settings) -> None:
    app = create_app(copy)
    with app.app_context():
        with transaction():
            add_school("A real school", host="training.example.sch.uk")
        db.session.remove()
        db.engine.dispose()
    before = (copy.data_dir / FILE).read_bytes()
    result = make(copy)
    assert result.exit_code == 1
    assert "was not touched" in result.output
    assert "LMS_DATA_DIR=" in result.output
    assert (copy.data_dir / FILE).read_bytes() == before


def test_a_file_that_is_no_database_of_ours_is_left_alone(empty: Settings) -> None:
    (empty.data_dir / FILE).write_bytes(b"a letter to the governors")
    assert make(empty).exit_code == 1
    assert (empty.data_dir / FILE).read_bytes() == b"a letter to the governors"


def test_a_demo_that_is_being_served_is_left_alone(empty: Settings) -> None:
    (empty.data_dir / FILE).touch()
    with using(empty):
        result = make(empty)
    assert result.exit_code == 1
    assert "Stop it first" in result.output
    assert (empty.data_dir / FILE).stat().st_size == 0


OWN: list[tuple[str, list[str]]] = [
    ("Social Media Policy", ["friend-request", "personal-use", "security-settings"]),
    ("Mobile phones", []),
]


@pytest.mark.parametrize(("title", "modules"), OWN)
def test_a_schools_own_policy_runs_the_whole_job(
    empty: Settings, tmp_path: Path, title: str, modules: list[str]
) -> None:
    file = tmp_path / "own.md"
    file.write_text(f"# {title}\n\n## 1. One rule\n\n- Think, then post.\n")
    result = make(empty, "--policy", str(file))
    assert result.exit_code == 0, result.output
    assert "1 section, 1 list item" in result.output
    with looking(empty):
        items = compliance.items([only_school().id], NOW)
        assert {item.policy.title for item in items} == {title, "Staff code of conduct"}
        mine = [item for item in items if item.policy.title == title]
        short = [item.assignment for item in mine if item.assignment.modules == ["must-know-today"]]
        assert [a.audience for a in short] == ([["agency_worker"]] if modules else [])
        assert all(item.assignment.modules == modules for item in mine if item.assignment not in short)
        assert not any(item.version.is_model for item in mine)


def test_a_file_that_is_no_policy_leaves_no_demo(empty: Settings, tmp_path: Path) -> None:
    (tmp_path / "own.pdf").write_bytes(b"%PDF")
    result = make(empty, "--policy", str(tmp_path / "own.pdf"))
    assert result.exit_code == 1
    assert "plain text" in result.output
    assert not (empty.data_dir / FILE).exists()


def test_in_postgresql_the_database_must_be_empty(
    postgresql: PostgreSQL, tmp_path: Path, clock_stands: None
) -> None:
    name = next(postgresql.names)
    postgresql.run(f"CREATE DATABASE {name}")
    settings = Settings(data_dir=tmp_path, database_url=postgresql.address(name))
    try:
        assert make(settings).exit_code == 0
        with looking(settings):
            assert session.query(Attestation).count() >= 300
        again = make(settings)
        assert again.exit_code == 1
        assert "isn't empty, and was not touched" in again.output
    finally:
        postgresql.run(f"DROP DATABASE {name} WITH (FORCE)")
