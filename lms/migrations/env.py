"""Alembic's entry: runs the migrations on the app's own engine, then puts the evidence's triggers back."""

from alembic import context
from flask import current_app

from lms.db import protect_evidence
from lms.tables import METADATA

engine = current_app.extensions["migrate"].db.engine

with engine.connect() as connection:
    context.configure(
        connection=connection,
        target_metadata=METADATA,
        compare_type=True,
        render_as_batch=engine.dialect.name == "sqlite",
        user_module_prefix="lms.db.",
    )
    with context.begin_transaction():
        context.run_migrations()
        protect_evidence(connection)
    connection.commit()
