"""The `countersign` commands: what is typed becomes a call of the domain, and what happened is said."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import click
from flask import Flask
from flask.cli import ScriptInfo

from lms.cli.bench import bench
from lms.cli.content import policy, scenarios
from lms.cli.demo import demo
from lms.cli.exporting import export
from lms.cli.in_use import make_private
from lms.cli.lti import lti
from lms.cli.options import close
from lms.cli.people import user
from lms.cli.records import ledger
from lms.cli.roster import people
from lms.cli.serving import serve, worker
from lms.cli.tables import database
from lms.cli.trusts import trust
from lms.config import Settings
from lms.errors import CountersignError

COMMANDS: tuple[click.Command, ...] = (
    demo,
    serve,
    worker,
    database,
    user,
    trust,
    people,
    policy,
    scenarios,
    export,
    ledger,
    lti,
    bench,
)


class CommandGroup(click.Group):
    """Countersign: staff training with attestation tracking for schools."""

    def __init__(self, *, create_app: Callable[..., Flask]) -> None:
        super().__init__("countersign", help=self.__doc__)
        self._create_app = create_app
        for command in COMMANDS:
            self.add_command(command)

    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:
        """Begin a run; the app is made when a command first asks for it, and closed when the command ends."""
        kwargs.setdefault("obj", ScriptInfo(create_app=self._make, set_debug_flag=False))
        return super().make_context(*args, **kwargs)

    def _make(self, *settings: Settings) -> Flask:
        app = self._create_app(*settings)
        make_private(app.config["SETTINGS"])
        click.get_current_context().find_root().call_on_close(partial(close, app))
        return app

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; what went wrong is said in its sentence, and the exit code is 1."""
        try:
            return super().invoke(ctx)
        except CountersignError as error:
            raise click.ClickException(str(error)) from error
