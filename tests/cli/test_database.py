"""The database and its settings, at a terminal."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from click.testing import CliRunner

from app import cli
from lms.db import session
from tests.cli.terminal import Look, Run


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
