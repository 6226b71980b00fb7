"""The tables' version: bring the database to it, and check that it is there."""

from __future__ import annotations

from typing import cast

from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask_migrate import upgrade as run_migrations

from lms.config import PACKAGE
from lms.db import db, enable_wal, is_sqlite, session, storage_errors
from lms.errors import StorageOutOfDateError

FOLDER = PACKAGE / "migrations"


def upgrade() -> None:
    """Bring the database to this version's tables; a new file is made ready for it."""
    with storage_errors():
        if is_sqlite():
            enable_wal(db.engine)
        run_migrations(directory=str(FOLDER))


def check() -> None:
    """Raise StorageOutOfDateError unless the tables are those of this version."""
    wanted = ScriptDirectory(str(FOLDER)).get_current_head()
    found = MigrationContext.configure(session.connection()).get_current_revision()
    if found != wanted:
        raise StorageOutOfDateError(
            f"The database is at version {found or 'none'} and this program needs {cast(str, wanted)}. "
            "Stop Countersign and run: countersign db upgrade"
        )
