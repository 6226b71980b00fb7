"""`countersign lti`: the platforms that may launch us, and the keys that they know us by."""

from __future__ import annotations

from typing import cast

import click
from flask import current_app
from flask.cli import with_appcontext
from rich.console import Console
from rich.table import Table

from lms import audit, clock
from lms.audit import Event
from lms.cli.options import school_option, settings, the_school
from lms.clock import time_in_words
from lms.db import transaction
from lms.lti import invites, overview
from lms.lti.launch_log import Launch
from lms.lti.overview import Line
from lms.lti.refusal_words import WORDS
from lms.lti.refusals import Refusal
from lms.lti.tool_keys import ToolKeys


@click.group()
def lti() -> None:
    """Moodle, Canvas and other platforms whose courses open Countersign (LTI 1.3)."""


@lti.command()
@school_option
@with_appcontext
def invite(slug: str | None) -> None:
    """Print an address that connects one platform to a school, once, within three days."""
    now = clock.now()
    with transaction():
        school = the_school(slug)
        secret, made = invites.invite(school.id, invited_by=None, now=now)
        audit.record(Event.PLATFORM_INVITED, organisation_id=school.id, now=now, invite=str(made.id))
    click.echo(
        f"Give this address to the LMS that is to be connected to {school.name}. "
        f"It works once, until {time_in_words(made.expires)} in London:",
        err=True,
    )
    click.echo(f"{settings().base_url}/lti/register/{secret}")


@lti.command()
@with_appcontext
def platforms() -> None:
    """List the platforms that are connected, and how they are."""
    with transaction(write=False):
        lines = overview.lines()
        strangers = overview.refusals(None, most=5)
    if not lines:
        click.echo("No platform is connected. Make an invitation with: countersign lti invite")
    else:
        Console().print(_table(lines))
    for launch in strangers:
        click.echo(f"Refused {time_in_words(launch.at)}: {_words(launch)} ({launch.detail})")


@lti.command("rotate-key")
@with_appcontext
def rotate_key() -> None:
    """Sign with a new key from now on. The one before it is published for another day."""
    keys = cast(ToolKeys, current_app.config["LTI_KEYS"])
    kid, until = keys.rotate(clock.now())
    click.echo(f"Countersign signs with the key {kid} from now on; no restart is needed.")
    click.echo(f"The key before it stays published until {time_in_words(until)} in London.")


def _table(lines: list[Line]) -> Table:
    table = Table("Platform", "For", "State", "Deployments", "Last launch", "Last error")
    for line in lines:
        waiting = f", {line.waiting} waiting" if line.waiting else ""
        table.add_row(
            line.registration.name,
            line.organisation.name,
            line.state,
            f"{line.approved} approved{waiting}",
            time_in_words(line.launch.at) if line.launch else "never",
            f"{time_in_words(line.refusal.at)}: {_words(line.refusal)}" if line.refusal else "",
        )
    return table


def _words(launch: Launch) -> str:
    return WORDS[Refusal(launch.outcome)].happened
