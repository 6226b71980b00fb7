"""The commands, as somebody at a terminal meets them."""

from __future__ import annotations

import hashlib
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import date
from pathlib import Path
from time import monotonic
from types import SimpleNamespace
from typing import TypeVar

import openpyxl
import pytest
import sqlalchemy as sa
from click.testing import CliRunner, Result

from app import cli, create_app
from lms import credentials, people, policies
from lms.audit import AuditEntry, Event
from lms.config import Settings
from lms.db import db, session, transaction
from lms.people import Person, RoleName
from lms.policies import PolicyVersion
from lms.schools import Organisation
from tests.benchmarks.figure import Figure
from tests.conftest import NOW, Clock
from tests.factories import World

Found = TypeVar("Found")
Run = Callable[..., Result]
Look = Callable[[], AbstractContextManager[None]]
ROOT = Path(__file__).parent.parent
OWN_POLICY = """# Mobile phone policy

## 1. Why

Phones take our eyes off children.

## 2. What we ask

- Keep it in your bag.
- Use it in the staffroom.
"""


def environment(settings: Settings) -> dict[str, str]:
    """Return the environment that says what these settings say."""
    found = {"LMS_DATA_DIR": str(settings.data_dir), "LMS_BASE_URL": "https://training.example.sch.uk"}
    return {**found, "LMS_DATABASE_URL": settings.database_url} if settings.database_url else found


@pytest.fixture
def run(settings: Settings, time: Clock) -> Run:
    """Run a command on the test's database."""

    def invoke(*arguments: str, typed: str = "", **variables: str) -> Result:
        result = CliRunner().invoke(cli, arguments, input=typed, env={**environment(settings), **variables})
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return result

    return invoke


@pytest.fixture
def look(settings: Settings) -> Look:
    """Look into the test's database, between commands: a command makes an app of its own."""

    @contextmanager
    def looking() -> Iterator[None]:
        app = create_app(settings)
        with app.app_context():
            with transaction():
                yield
            db.session.remove()
            db.engine.dispose()

    return looking


@pytest.fixture
def school(look: Look) -> str:
    """The address part of a school with one teacher, one policy, one assignment."""
    with look():
        return World().school.slug


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


def test_importing_a_policy_says_what_was_found_and_publishes_its_words(
    run: Run, school: str, look: Look, tmp_path: Path
) -> None:
    file = tmp_path / "phones.md"
    file.write_text(OWN_POLICY)
    dry = run("policy", "import", str(file), "--dry-run")
    assert "2 sections, 2 list items" in dry.output
    assert "Nothing was published" in dry.output
    result = run("policy", "import", str(file), "--label", "Autumn")
    assert result.exit_code == 0, result.output
    assert "until HR assigns it" in result.output
    with look():
        version = session.scalars(sa.select(PolicyVersion).where(PolicyVersion.label == "Autumn")).one()
        assert "- Keep it in your bag." in policies.source(version)
        assert not version.is_model
        assert session.get_one(policies.Policy, version.policy_id).slug == "mobile-phone"


def test_a_later_version_may_ask_for_new_signatures_by_a_day(
    run: Run, school: str, look: Look, tmp_path: Path
) -> None:
    file = tmp_path / "phones.md"
    file.write_text(OWN_POLICY)
    run("policy", "import", str(file))
    file.write_text(OWN_POLICY + "- Not on trips.\n")
    result = run("policy", "import", str(file), "--label", "2", "--resign-by", "2026-10-01")
    assert "sign again by 1 October 2026" in result.output
    with look():
        found = session.scalars(sa.select(PolicyVersion).where(PolicyVersion.label == "2")).one()
        assert (found.number, found.resign_by) == (2, date(2026, 10, 1))


@pytest.mark.parametrize(
    ("name", "content", "more", "sentence"),
    [
        ("policy.docx", "x", [], "plain text"),
        ("policy.md", "", [], "empty"),
        ("policy.md", OWN_POLICY, ["--resign-by", "soon"], "is not a day"),
        ("policy.md", OWN_POLICY, ["--resign-by", "2020-01-01"], "is past"),
        ("policy.md", OWN_POLICY, ["--school", "nowhere"], "no school at the address"),
    ],
)
def test_a_policy_that_cannot_be_published_is_a_sentence(
    run: Run,
    school: str,
    look: Look,
    tmp_path: Path,
    name: str,
    content: str,
    more: list[str],
    sentence: str,
) -> None:
    (tmp_path / name).write_text(content)
    result = run("policy", "import", str(tmp_path / name), *more)
    assert result.exit_code in (1, 2)
    assert sentence in result.output
    with look():
        assert session.scalar(sa.select(sa.func.count(PolicyVersion.id))) == 1


def test_the_content_that_comes_with_countersign_has_no_fault(run: Run) -> None:
    result = run("scenarios", "check")
    assert (result.exit_code, result.output.splitlines()[-1]) == (0, "No fault was found.")


def test_faults_in_content_are_told_by_file_and_line(run: Run, tmp_path: Path) -> None:
    (tmp_path / "policy.md").write_text("# Policy\n\n## 1. One\n\n**1.1** Ask [[nobody]].\n")
    (tmp_path / "module.yaml").write_text("module: m\ntitle: <b>T</b>\n")
    result = run("scenarios", "check", str(tmp_path))
    assert result.exit_code == 1
    assert f"{tmp_path / 'policy.md'}:5: [[nobody]] is not a placeholder" in result.output
    assert f"{tmp_path / 'module.yaml'}:2: Raw HTML" in result.output


def test_a_ledger_with_nothing_in_it_verifies_and_has_no_checkpoint(run: Run, school: str) -> None:
    assert "all 0 entries fit" in run("ledger", "verify").output
    result = run("ledger", "checkpoint")
    assert result.exit_code == 1
    assert "Nothing has been signed" in result.output


@pytest.mark.parametrize("name", ["training-record", "attestation-register"])
def test_a_report_is_exported_as_a_workbook_and_as_csv(
    run: Run, school: str, look: Look, tmp_path: Path, name: str
) -> None:
    for kind in ("xlsx", "csv"):
        result = run("export", name, "--out", str(tmp_path / f"out.{kind}"))
        assert (result.exit_code, result.output) == (0, f"{tmp_path}/out.{kind}: 1 rows.\n")
    book = openpyxl.load_workbook(tmp_path / "out.xlsx")
    assert {"Summary", "About"} <= set(book.sheetnames)
    assert "Nair" in (tmp_path / "out.csv").read_text()
    assert sorted(p.name for p in tmp_path.glob("*out*")) == ["out.csv", "out.xlsx"]
    with look():
        noted = session.scalars(sa.select(AuditEntry).where(AuditEntry.event == Event.EXPORTED)).all()
        bytes_ = (tmp_path / "out.csv").read_bytes()
        assert [n.details["report"] for n in noted] == [name, name]
        assert hashlib.sha256(bytes_).hexdigest() in [n.details["sha256"] for n in noted]


def test_a_report_of_a_past_day_says_what_was_recorded_then(run: Run, school: str, tmp_path: Path) -> None:
    result = run("export", "training-record", "--out", str(tmp_path / "out.csv"), "--as-at", "2026-01-01")
    assert result.output.endswith("out.csv: 0 rows.\n")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["training-record", "--out", "{}/gone/out.xlsx"], "can't be written (No such file or directory)"),
        (["training-record", "--out", "{}/file/out.xlsx"], "can't be written (Not a directory)"),
        (["training-record", "--out", "{}/out.pdf"], "must end in .xlsx"),
        (["training-record", "--out", "{}/out.csv", "--as-at", "2030-01-01"], "still to come"),
        (["training-record", "--out", "{}/out.csv", "--as-at", "1/9/2026"], "Write it as year-month-day"),
        (["training-record", "--out", "{}/out.csv", "--school", "nowhere"], "no school at the address"),
        (["diary", "--out", "{}/out.csv"], "'diary' is not one of"),
    ],
)
def test_an_export_that_fails_leaves_what_was_there(
    run: Run, school: str, tmp_path: Path, arguments: list[str], sentence: str
) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "out.csv").write_text("last term's")
    before = sorted(tmp_path.iterdir())
    result = run("export", *(argument.format(tmp_path) for argument in arguments))
    assert result.exit_code in (1, 2)
    assert sentence in result.output
    assert sorted(tmp_path.iterdir()) == before
    assert (tmp_path / "out.csv").read_text() == "last term's"


def test_where_there_are_several_schools_the_command_asks_which(run: Run, school: str, look: Look) -> None:
    with look():
        World()
    result = run("ledger", "verify")
    assert result.exit_code == 1
    assert "--school SLUG" in result.output
    assert run("ledger", "verify", "--school", school).exit_code == 0


def test_a_new_database_is_its_owners_alone_and_has_no_school_yet(tmp_path: Path) -> None:
    env = {"LMS_DATA_DIR": str(tmp_path), "LMS_DATABASE_URL": None}
    assert CliRunner().invoke(cli, ["db", "upgrade"], env=env).exit_code == 0
    assert (tmp_path / "countersign.sqlite3").stat().st_mode & 0o777 == 0o600
    result = CliRunner().invoke(cli, ["ledger", "verify"], env=env)
    assert result.exit_code == 1
    assert "There is no school yet" in result.output


def test_a_wrong_setting_is_named(run: Run) -> None:
    result = run("db", "check", LMS_BASE_URL="nonsense")
    assert result.exit_code == 1
    assert "The setting LMS_BASE_URL is wrong" in result.output


def test_tables_of_another_version_are_said_with_what_to_do(run: Run, look: Look) -> None:
    with look():
        session.execute(sa.text("UPDATE alembic_version SET version_num = '0000'"))
    for command in (("db", "check"), ("serve", "--port", "0", "--no-worker"), ("worker",)):
        result = run(*command)
        assert result.exit_code == 1
        assert "countersign db upgrade" in result.output


def test_a_port_that_is_taken_is_a_sentence(run: Run) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        result = run("serve", "--port", str(taken.getsockname()[1]))
    assert result.exit_code == 1
    assert "choose another with --port" in result.output


@contextmanager
def served(settings: Settings) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run `countersign serve` in a process of its own; give it and its address."""
    process = subprocess.Popen(
        [sys.executable, "-c", "from app import cli; cli()", "serve", "--port", "0"],
        env={**os.environ, **environment(settings), "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        assert process.stdout is not None
        lines = [next(process.stdout), next(process.stdout)]
        address = re.search(r"http://127\.0\.0\.1:\d+", lines[1])
        assert address, lines
        yield process, address[0]
    finally:
        process.kill()
        process.communicate()


def worker_of(server: int, unlike: int | None = None) -> int:
    """Wait for the process of the server's worker, and return its number."""
    return waited_for(lambda: next((p for p in below(server) if runs_worker(p) and p != unlike), None))


def below(process: int) -> Iterator[int]:
    """Yield the processes that a process began, and those that they began."""
    with suppress(FileNotFoundError):
        for child in map(int, Path(f"/proc/{process}/task/{process}/children").read_text().split()):
            yield child
            yield from below(child)


def runs_worker(process: int) -> bool:
    """Say whether a process is `countersign worker`."""
    with suppress(FileNotFoundError):
        return "\0worker\0" in Path(f"/proc/{process}/cmdline").read_text()
    return False


def waited_for(find: Callable[[], Found | None], seconds: float = 30) -> Found:
    """Return what `find` finds, once it does."""
    deadline = monotonic() + seconds
    while (found := find()) is None:
        assert monotonic() < deadline, "waited in vain"
        threading.Event().wait(0.1)
    return found


def test_the_server_answers_and_stops_cleanly_with_its_worker(settings: Settings) -> None:
    with served(settings) as (server, address):
        worker = worker_of(server.pid)
        with urllib.request.urlopen(f"{address}/readyz") as answer:
            assert answer.read() == b"ok\n"
        server.send_signal(signal.SIGTERM)
        said, _ = server.communicate(timeout=40)
        assert (server.returncode, said) == (0, "")
        assert not Path(f"/proc/{worker}").exists()


def test_a_worker_that_dies_is_begun_again_and_none_outlives_a_killed_server(settings: Settings) -> None:
    with served(settings) as (server, _):
        first = worker_of(server.pid)
        os.kill(first, signal.SIGKILL)
        second = worker_of(server.pid, unlike=first)
        server.kill()
        server.wait()
        waited_for(lambda: None if Path(f"/proc/{second}").exists() else True)


@pytest.fixture
def benchmark_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Figure], None]:
    """Put one benchmark, `own-speed`, in the place of ours."""

    def put(figure: Figure) -> None:
        (tmp_path / "own_speed.py").write_text("\ndef run(): ...\n")
        monkeypatch.setattr(sys.modules["lms.cli.bench"], "BENCHMARKS", tmp_path)
        monkeypatch.setitem(sys.modules, "tests.benchmarks.own_speed", SimpleNamespace(run=lambda: [figure]))

    return put


def test_bench_shows_each_figure_beside_its_limit(run: Run, benchmark_of: Callable[[Figure], None]) -> None:
    benchmark_of(Figure("queries of a page", 5, 6, "queries"))
    result = run("bench")
    assert result.exit_code == 0
    assert re.search(r"queries of a page.*5.*at most 6.*ok", result.output)


def test_bench_fails_where_a_figure_misses(run: Run, benchmark_of: Callable[[Figure], None]) -> None:
    benchmark_of(Figure("signings", 0.2, 0.35, "× bare", higher_is_better=True))
    result = run("bench", "own-speed")
    assert result.exit_code == 1
    assert re.search(r"signings.*0\.2.*at least 0\.35.*missed", result.output)


def test_bench_says_which_benchmarks_there_are(run: Run, benchmark_of: Callable[[Figure], None]) -> None:
    benchmark_of(Figure("signings", 1, 1, "×"))
    result = run("bench", "nothing")
    assert result.exit_code == 2
    assert "There are: own-speed" in result.output
