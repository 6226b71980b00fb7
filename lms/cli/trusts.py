"""`countersign trust`: a trust, and the schools under it."""

from __future__ import annotations

import click
from flask.cli import with_appcontext

from lms import clock, schools, trusts
from lms.cli.options import host, settings
from lms.db import transaction


@click.group()
def trust() -> None:
    """Trusts of several schools."""


@trust.command()
@click.argument("name")
@with_appcontext
def create(name: str) -> None:
    """Make a trust. Its schools and people come afterwards."""
    with transaction():
        made = schools.add_trust(name, host=host())
        click.echo(f"{made.name} is made, at {settings().base_url}/trusts/{made.slug}/records\n")
        click.echo(
            f"Put a school under it:    countersign trust add --trust {made.slug} --school SLUG\n"
            f"or make a new one:        countersign user create … --new-school NAME --trust {made.slug}\n"
            f"HR of all its schools:    countersign user create … --role hr --school {made.slug}"
        )


@trust.command()
@click.option("--trust", "slug", metavar="SLUG", required=True, help="The trust.")
@click.option("--school", metavar="SLUG", required=True, help="A school that stands by itself.")
@with_appcontext
def add(slug: str, school: str) -> None:
    """Put a school under a trust, with everybody on record there. It can't be taken back."""
    with transaction():
        above, below = schools.school_by_slug(slug), schools.school_by_slug(school)
        count = trusts.take_in(above, below, clock.now())
        people = "person" if count == 1 else "people"
        click.echo(
            f"{below.name} is a school of {above.name} now, with the {count:,} {people} on record there."
        )
