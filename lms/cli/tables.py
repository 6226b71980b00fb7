"""`countersign db`: the version of the database's tables."""

from __future__ import annotations

import click
from flask.cli import with_appcontext

from lms import migration
from lms.db import transaction


@click.group("db")
def database() -> None:
    """The database's tables."""


@database.command()
@with_appcontext
def upgrade() -> None:
    """Bring the tables to this version."""
    migration.upgrade()
    click.echo("The database is at this version.")


@database.command()
@with_appcontext
def check() -> None:
    """Say whether the tables are those of this version."""
    with transaction(write=False):
        migration.check()
    click.echo("The database is at this version.")
