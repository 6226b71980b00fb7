"""`countersign demo`: a school to look round in, in a fresh database."""

from __future__ import annotations

import secrets
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import click
import sqlalchemy as sa
from flask import Flask
from rich.console import Console
from rich.table import Table

from lms import clock, credentials, migration, tokens
from lms import demo as school_demo
from lms.attestations import Attestation
from lms.cli import serving
from lms.cli.content import describe
from lms.cli.in_use import sqlite_file, using
from lms.cli.options import PORT, READABLE_FILE, close, contents, make_app
from lms.config import Settings, read_settings
from lms.db import session, transaction
from lms.demo import HOST, Demo, Text
from lms.errors import ConflictError
from lms.people import Person
from lms.policy_import import read_policy
from lms.schools import Organisation
from lms.tokens import Purpose

LINKS_LAST = timedelta(hours=12)
SHOWN = {
    "not begun": "a teacher who has not begun",
    "half-way": "a teaching assistant, half-way",
    "manager": "a manager: the head of mathematics",
    "reception": "reception: today’s visitors",
    "HR": "HR",
    "admin": "an administrator",
}
WITH_PASSWORD = ("HR", "admin")


@click.command("demo")
@click.option("--seed", type=int, default=1, show_default=True, help="Another number is another school year.")
@click.option(
    "--policy", type=READABLE_FILE, help="Use the school's own policy in this file instead of ours."
)
@click.option("--port", type=PORT, default=8000, show_default=True)
@click.option("--no-serve", is_flag=True, help="Only make the database.")
def demo(seed: int, policy: Path | None, port: int, no_serve: bool) -> None:
    """Make a fictional school with a year behind it, print links to sign in by, and serve it.

    It takes the place of an earlier demo, and never of real records.
    """
    settings = read_settings()
    own = _own(policy) if policy else school_demo.model_policy()
    if no_serve:
        _make(serving.at_address(settings, f"http://127.0.0.1:{port}"), own, seed)
        return
    # The port first: a demo that can't be served isn't made.
    with serving.listening("127.0.0.1", port) as listener:
        settings = serving.at_address(settings, serving.address_of(listener))
        _make(settings, own, seed)
        serving.run(settings, listener)


def _own(file: Path) -> Text:
    found = read_policy(contents(file), file.name)
    describe(found)
    click.echo()
    return school_demo.own_policy(found)


def _make(settings: Settings, own: Text, seed: int) -> None:
    """Make the demo in the database of these settings, and print how to sign in."""
    click.echo("Making a school with a year behind it. This takes a few seconds.")
    file = sqlite_file(settings)
    with using(settings, alone=True):
        made = _replace(file, settings, own, seed) if file else _fill_postgresql(settings, own, seed)
    _print(made, settings)


def _replace(file: Path, settings: Settings, own: Text, seed: int) -> _Made:
    """Make the demo in a file of its own, and put that in the place of what was there once it is whole."""
    _refuse_real_records(file)
    draft = file.with_name(f"{file.name}.new")
    _remove(draft)
    app = make_app(settings.model_copy(update={"database_url": f"sqlite:///{draft}"}))
    try:
        made = _fill(app, own, seed)
        # A log left beside the new file would be played into it.
        _remove(file)
        draft.rename(file)
    finally:
        _remove(draft)
    return made


def _remove(file: Path) -> None:
    for suffix in ("-wal", "-shm", ""):
        file.with_name(file.name + suffix).unlink(missing_ok=True)


def _refuse_real_records(file: Path) -> None:
    if not file.exists() or file.stat().st_size == 0:
        return
    try:
        with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            is_safe = _is_demo(connection)
    except sqlite3.Error:
        is_safe = False
    if not is_safe:
        raise ConflictError(
            f"{file} isn't a demo: it may hold real records, and was not touched. "
            "To see the demo, name another folder: LMS_DATA_DIR=/some/folder countersign demo"
        )


def _is_demo(connection: sqlite3.Connection) -> bool:
    """Say whether every school in the file is a demo one; a file with no table, or no school yet, is safe too."""
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if not tables:
        return True
    origins = [origin for (origin,) in connection.execute("SELECT ledger_origin FROM organisation")]
    return all(origin.startswith(f"{HOST}/") for origin in origins)


def _fill_postgresql(settings: Settings, own: Text, seed: int) -> _Made:
    app = make_app(settings)
    with app.app_context(), transaction(write=False):
        tables = sa.inspect(session.connection()).get_table_names()
        if "organisation" in tables:
            tables = ["organisation"] if session.scalar(sa.select(Organisation.id).limit(1)) else []
        if tables:
            raise ConflictError(
                "The database that LMS_DATABASE_URL names isn't empty, and was not touched. "
                "Name an empty one, or leave LMS_DATABASE_URL unset to have the demo in a file."
            )
    return _fill(app, own, seed)


@dataclass(frozen=True)
class _Made:
    """What was made, and how to sign in."""

    school: str
    adults: int
    attestations: int
    links: dict[str, tuple[Person, str]]
    """By part: the person, and the secret of their link."""
    passwords: dict[str, str]


def _fill(app: Flask, own: Text, seed: int) -> _Made:
    """Bring the tables to this version, record the school, and close the database."""
    with app.app_context():
        migration.upgrade()
        now = clock.now()
        # To the end of yesterday: then a day's demo is the same in the morning and at night.
        midnight = clock.start_of_day(clock.london_day(now))
        with transaction():
            demo_school = school_demo.make_school(seed, own, app.config["LEDGER_KEY"], midnight)
            made = _with_ways_in(demo_school, now)
    close(app)
    return made


def _with_ways_in(made: Demo, now: datetime) -> _Made:
    passwords = {part: secrets.token_urlsafe(12) for part in WITH_PASSWORD}
    for part, password in passwords.items():
        credentials.set_password(made.people[part], password)
    return _Made(
        school=made.school.name,
        adults=_number_of(Person),
        attestations=_number_of(Attestation),
        links={part: (made.people[part], _link(made.people[part], now)) for part in SHOWN},
        passwords=passwords,
    )


def _number_of(table: type[Person] | type[Attestation]) -> int:
    return session.scalar(sa.select(sa.func.count()).select_from(table)) or 0


def _link(person: Person, now: datetime) -> str:
    return tokens.mint(person.id, Purpose.SIGN_IN, lasts=LINKS_LAST, now=now)


def _print(made: _Made, settings: Settings) -> None:
    links = Table.grid()
    for part, (person, secret) in made.links.items():
        links.add_row(f"\n[bold]{person.name}[/], {SHOWN[part]}\n{settings.base_url}/sign-in/link/{secret}")
    passwords = Table("E-mail", "Password")
    for part, password in made.passwords.items():
        passwords.add_row(made.links[part][0].email, password)
    # As wide as it needs: a link that is broken into two lines can't be followed.
    console = Console(width=200, highlight=False)
    console.print(
        f"{made.school}: {made.adults} adults, {made.attestations} signatures and refusals in a year."
    )
    console.print("\nSign in with a link (each is good once, for 12 hours):", links, sep="\n")
    console.print(f"\nOr with a password at {settings.base_url}/sign-in/password", passwords, sep="\n")
