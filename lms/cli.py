"""The `countersign` commands."""

from __future__ import annotations

from typing import Any

import click
from flask.cli import FlaskGroup, with_appcontext

from lms import migration
from lms.errors import CountersignError


class CommandGroup(FlaskGroup):
    """Countersign: staff training with attestation tracking for schools."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(add_default_commands=False, add_version_option=False, help=self.__doc__, **kwargs)
        for command in COMMANDS:
            self.add_command(command)

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; what went wrong is said in its sentence, and the exit code is 1."""
        try:
            return super().invoke(ctx)
        except CountersignError as error:
            raise click.ClickException(str(error)) from error


@click.group("db")
def database() -> None:
    """The database's tables."""


@database.command()
@with_appcontext
def upgrade() -> None:
    """Bring the tables to this version."""
    migration.upgrade()
    click.echo("The database is at this version.")


COMMANDS: tuple[click.Command, ...] = (database,)
