"""`countersign user`: the first people who may sign in."""

from __future__ import annotations

from datetime import datetime

import click
from flask.cli import with_appcontext

from lms import audit, clock, credentials, people, schools
from lms.audit import Event
from lms.cli.options import host, school_option, settings, the_school
from lms.db import transaction
from lms.errors import ConflictError
from lms.people import EngagementType, Person, RoleName, folded
from lms.schools import Kind, Organisation


@click.group()
def user() -> None:
    """People who may sign in."""


@user.command()
@click.option("--email", required=True, help="Their own work address.")
@click.option("--forename", required=True)
@click.option("--surname", required=True)
@click.option(
    "--role", type=click.Choice([r.value for r in RoleName]), default="learner", help="What they may do."
)
@click.option(
    "--type", "kind", type=click.Choice([t.value for t in EngagementType]), help="Engaged as, from today."
)
@school_option
@click.option("--new-school", metavar="NAME", help="Make this school first, and use it.")
@click.option("--trust", metavar="SLUG", help="The trust that the new school is of.")
@with_appcontext
def create(
    email: str,
    forename: str,
    surname: str,
    role: str,
    kind: str | None,
    slug: str | None,
    new_school: str | None,
    trust: str | None,
) -> None:
    """Add somebody to a school, or give a role to somebody who is there already.

    HR, admins and managers get a password, which is asked for twice. The same command with the same name
    and address sets a new one.
    """
    if slug and new_school:
        raise click.UsageError("Give --school or --new-school, not both.")
    if trust and not new_school:
        raise click.UsageError(
            "--trust is for a school made by --new-school: `countersign trust add` moves one."
        )
    if role == RoleName.LEARNER and not kind:
        raise click.UsageError("Say what a learner is engaged as: --type teacher, for example.")
    if "@" not in email:
        raise click.UsageError(f"{email!r} is not an e-mail address.")
    password = _ask_password() if role != RoleName.LEARNER else None
    now = clock.now()
    with transaction():
        school = _new_school(new_school, trust) if new_school else the_school(slug)
        person = _person(school, email, forename, surname)
        if kind and school.kind is Kind.TRUST:
            raise ConflictError("A trust engages nobody: say at which of its schools, with --school.")
        if kind:
            today = clock.london_day(now)
            people.engage(person, school.id, EngagementType(kind), starts=today, now=now)
        _empower(person, school, RoleName(role), password, now)
        click.echo(f"{person.name} ({role}) can sign in at {settings().base_url} for {school.name}.")


def _ask_password() -> str:
    shortest = credentials.SHORTEST_PASSWORD
    words = f"A password of at least {shortest} characters"
    return str(click.prompt(words, hide_input=True, confirmation_prompt="The same again"))


def _new_school(name: str, trust: str | None) -> Organisation:
    above = schools.school_by_slug(trust) if trust else None
    if above is not None and above.kind is not Kind.TRUST:
        raise ConflictError(f"{above.name} is a school, so no other can be under it.")
    return schools.add_school(name, host=host(), parent=above)


def _person(school: Organisation, email: str, forename: str, surname: str) -> Person:
    known = people.people_with_email(email)
    if not known:
        return people.add_person(school.root_id, forename=forename, surname=surname, email=email)
    if len(known) == 1 and folded(known[0].name) == folded(f"{forename} {surname}"):
        return known[0]
    names = ", ".join(person.name for person in known)
    raise ConflictError(
        f"The address {email} is there already, for {names}. To sign in, everybody needs an address of their own."
    )


def _empower(
    person: Person, school: Organisation, role: RoleName, password: str | None, now: datetime
) -> None:
    if password is not None:
        people.give_role(person, school.id, role)
        credentials.set_password(person, password)
    audit.record(
        Event.USER_CREATED, organisation_id=school.id, now=now, subject_id=person.id, role=role.value
    )
