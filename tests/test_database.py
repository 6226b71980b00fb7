"""The rules of the database: evidence can't be changed, one transaction a request, one writer at a time."""

from __future__ import annotations

import itertools
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask
from flask_migrate import downgrade, upgrade

from app import create_app
from lms import audit, migration
from lms.config import Settings
from lms.db import db, transaction
from lms.errors import StorageReadOnlyError
from lms.policies import store
from lms.tables import METADATA
from tests.conftest import NOW
from tests.learners import Classroom, sign

pytestmark = pytest.mark.usefixtures("in_app")

EVIDENCE = [table.name for table in METADATA.sorted_tables if table.info.get("append_only")]


def test_the_models_and_the_migrations_agree(app: Flask) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    with db.engine.connect() as connection:
        # The queue makes tables of its own.
        ours = {"include_name": lambda name, kind, _: kind != "table" or not name.startswith("jobs_")}
        found = MigrationContext.configure(connection, opts={"compare_type": True, **ours})
        assert compare_metadata(found, METADATA) == []


@pytest.fixture
def _one_row_in_each(app: Flask, in_app: None) -> None:
    with transaction():
        classroom = Classroom(modules=["friend-request"])
        ids = classroom.person.id, classroom.assignment.id
        audit.record(audit.Event.SIGNED_IN, organisation_id=classroom.school.id, now=NOW)
    sign(app, *ids)
    db.session.remove()


def columns_of(table: str) -> str:
    return ", ".join(f'"{column.name}"' for column in METADATA.tables[table].columns)


def changes_to(table: str) -> list[str]:
    """Return every way there is to change what a table holds."""
    columns = columns_of(table)
    same = f"INTO {table} ({columns}) SELECT {columns} FROM {table} LIMIT 1"
    keys = [f'"{column.name}"' for column in METADATA.tables[table].primary_key]
    update = f"{keys[0]} = {keys[0]}"
    changes = [f"UPDATE {table} SET {update}", f"DELETE FROM {table}", f"INSERT {same}"]
    if db.engine.dialect.name != "sqlite":
        upsert = f"INSERT {same} ON CONFLICT ({', '.join(keys)}) DO UPDATE SET {keys[0]} = excluded.{keys[0]}"
        return [*changes, upsert, f"TRUNCATE {table} CASCADE"]
    other = columns.replace(keys[0], "x'00'", 1)
    by_row = f"REPLACE INTO {table} (rowid, {columns}) SELECT rowid, {other} FROM {table} LIMIT 1"
    replacements = [f"INSERT OR REPLACE {same}", f"REPLACE {same}", f"UPDATE OR REPLACE {table} SET {update}"]
    return [*changes, *replacements, by_row]


def open_as_another_program(recursive: bool) -> sa.Connection:
    """Return a connection as some other program might set it up."""
    connection = db.engine.connect()
    if db.engine.dialect.name == "sqlite":
        raw = connection.connection.driver_connection
        assert raw is not None
        raw.execute(f"PRAGMA recursive_triggers={'ON' if recursive else 'OFF'}")
    return connection


@pytest.mark.usefixtures("_one_row_in_each")
@pytest.mark.parametrize("table", EVIDENCE)
def test_evidence_can_be_neither_changed_nor_deleted_nor_replaced(table: str) -> None:
    with transaction(write=False):
        before = db.session.execute(sa.text(f"SELECT {columns_of(table)} FROM {table}")).all()
    assert before
    for change, recursive in itertools.product(changes_to(table), (True, False)):
        refused = pytest.raises(sa.exc.DBAPIError, match=r"is append-only|duplicate key")
        with open_as_another_program(recursive) as connection, refused:
            connection.exec_driver_sql(change)
    db.engine.dispose()
    with transaction(write=False):
        assert db.session.execute(sa.text(f"SELECT {columns_of(table)} FROM {table}")).all() == before


def test_a_trigger_that_was_weakened_is_put_right_by_an_upgrade() -> None:
    if db.engine.dialect.name != "sqlite":
        pytest.skip("PostgreSQL replaces its triggers as they are made")
    with db.engine.connect() as connection:
        connection.exec_driver_sql("DROP TRIGGER document_no_delete")
        connection.exec_driver_sql(
            "CREATE TRIGGER document_no_delete BEFORE DELETE ON document WHEN 0 BEGIN SELECT 1; END"
        )
        connection.commit()
    with transaction():
        store(b"as it was")
    migration.upgrade()
    with pytest.raises(sa.exc.DBAPIError, match="append-only"), transaction():
        db.session.execute(sa.text("DELETE FROM document"))


def test_a_file_that_cannot_be_written_to_is_said_to_be_so_by_an_upgrade(settings: Settings) -> None:
    if settings.database_url:
        pytest.skip("a server is asked for its own rights")
    file = settings.data_dir / "countersign.sqlite3"
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA journal_mode=DELETE")
    app = create_app(settings.model_copy(update={"database_url": f"sqlite:///file:{file}?mode=ro&uri=true"}))
    with app.app_context():
        with pytest.raises(StorageReadOnlyError, match="can't be written to"):
            migration.upgrade()
        db.engine.dispose()


def test_every_append_only_table_has_its_triggers_also_after_going_down_and_up_again() -> None:
    folder = str(migration.FOLDER)
    downgrade(directory=folder, revision="base")
    upgrade(directory=folder)
    query = (
        "SELECT tbl_name FROM sqlite_master WHERE type = 'trigger'"
        if db.engine.dialect.name == "sqlite"
        else "SELECT tgrelid::regclass::text FROM pg_trigger WHERE NOT tgisinternal"
    )
    with transaction(write=False):
        guarded = set(db.session.scalars(sa.text(query)))
    assert guarded == set(EVIDENCE)
    assert {"attestation", "completion", "entry", "checkpoint"} <= guarded


LATER_MIGRATION = """
import sqlalchemy as sa
from alembic import op

revision, down_revision = "next", "0009"


def upgrade():
    for table in ("document", "policy"):
        with op.batch_alter_table(table, recreate="always") as batch_op:
            batch_op.add_column(sa.Column("note", sa.Text()))
"""


@pytest.mark.usefixtures("_one_row_in_each")
def test_a_migration_that_makes_tables_anew_keeps_rows_references_and_triggers(tmp_path: Path) -> None:
    if db.engine.dialect.name != "sqlite":
        pytest.skip("PostgreSQL alters its tables in place")
    folder = tmp_path / "migrations"
    shutil.copytree(migration.FOLDER, folder)
    (folder / "versions" / "next_later.py").write_text(LATER_MIGRATION)
    with transaction(write=False):
        kept = db.session.execute(sa.text("SELECT sha256, content FROM document")).all()
    upgrade(directory=str(folder))
    with transaction(write=False):
        assert db.session.execute(sa.text("SELECT sha256, content FROM document")).all() == kept
        assert db.session.scalars(sa.text("SELECT note FROM policy")).all() == [None]
        assert db.session.scalar(sa.text("PRAGMA foreign_keys")) == 1
    for change in ("UPDATE document SET note = ''", "DELETE FROM document"):
        with pytest.raises(sa.exc.DBAPIError, match="append-only"), transaction():
            db.session.execute(sa.text(change))
