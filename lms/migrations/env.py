"""Alembic's entry: runs the migrations on the app's own engine, then puts the evidence's triggers back."""

from alembic import context
from flask import current_app
from sqlalchemy.engine import Connection

from lms.db import protect_evidence
from lms.tables import METADATA


def migrate(connection: Connection) -> None:
    """Run what is asked for in one transaction."""
    context.configure(
        connection=connection,
        target_metadata=METADATA,
        compare_type=True,
        render_as_batch=connection.dialect.name == "sqlite",
        user_module_prefix="lms.db.",
    )
    with context.begin_transaction():
        context.run_migrations()
        protect_evidence(connection)
    connection.commit()


def migrate_sqlite(connection: Connection) -> None:
    """Do the same where a table is altered by making it anew: others go on referring to it meanwhile."""
    raw = connection.connection.driver_connection
    raw.execute("PRAGMA foreign_keys=OFF")
    try:
        migrate(connection)
        if broken := raw.execute("PRAGMA foreign_key_check").fetchall():
            raise RuntimeError(f"the migration left rows that refer to nothing: {broken[:5]}")
    finally:
        raw.execute("PRAGMA foreign_keys=ON")


engine = current_app.extensions["migrate"].db.engine
with engine.connect() as connection:
    (migrate_sqlite if engine.dialect.name == "sqlite" else migrate)(connection)
