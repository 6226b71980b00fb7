"""The rules of the database: evidence can't be changed, one transaction a request, one writer at a time."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from flask import Flask
from flask_migrate import downgrade, upgrade

from lms import migration
from lms.db import db, transaction
from lms.policies import store
from lms.tables import METADATA

pytestmark = pytest.mark.usefixtures("in_app")

EVIDENCE = [table.name for table in METADATA.sorted_tables if table.info.get("append_only")]


def test_the_models_and_the_migrations_agree(app: Flask) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    with db.engine.connect() as connection:
        found = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(found, METADATA) == []


def test_a_document_can_be_neither_changed_nor_deleted_nor_replaced() -> None:
    with transaction():
        sha = store(b"as it was")
    changes = [
        "UPDATE document SET content = ''",
        "DELETE FROM document",
        f"INSERT INTO document (sha256, content) VALUES ('{sha}', '')",
    ]
    if db.engine.dialect.name == "sqlite":
        changes += [f"INSERT OR REPLACE INTO document (sha256, content) VALUES ('{sha}', '')"]
        changes += [f"REPLACE INTO document (sha256, content) VALUES ('{sha}', '')"]
    else:
        changes += ["TRUNCATE document CASCADE"]
    for change in changes:
        with db.engine.connect() as connection, pytest.raises(sa.exc.DBAPIError):
            connection.exec_driver_sql(change)
            connection.commit()
    with transaction(write=False):
        assert db.session.scalar(sa.text("SELECT count(*) FROM document")) == 1


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
