"""`countersign scenarios` and `countersign policy`: what people read and learn from."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import click
from flask.cli import with_appcontext

from lms import audit, clock, policies
from lms.audit import Event
from lms.cli.options import READABLE_FILE, Day, contents, school_option, the_school
from lms.config import resource_dir
from lms.db import transaction
from lms.policies import PolicyVersion
from lms.policy_import import ImportedPolicy, read_policy
from lms.scenario_check import check as check_programme

LONGEST = 120
"""Letters of a line that are shown: enough to find it by."""


@click.group()
def scenarios() -> None:
    """The modules that people work through."""


@scenarios.command()
@click.argument("folder", required=False, type=click.Path(path_type=Path))
def check(folder: Path | None) -> None:
    """Report every fault in FOLDER (policy.md and its modules), or in all that came with Countersign."""
    folders = [folder] if folder else sorted(p for p in resource_dir("scenarios").iterdir() if p.is_dir())
    faults = sum(_check_one(one) for one in folders)
    if faults:
        raise click.ClickException(f"{_count(faults, 'fault')} to put right.")
    click.echo("No fault was found.")


def _check_one(folder: Path) -> int:
    report = check_programme(folder)
    for fault in report.faults:
        click.echo(f"{fault.file}:{fault.line}: {fault.message}")
    if report.untaught:
        click.echo(f"{folder.name}: no module teaches these clauses: {', '.join(report.untaught)}")
    return len(report.faults)


@click.group()
def policy() -> None:
    """A school's own policies."""


@policy.command("import")
@click.argument("file", type=READABLE_FILE)
@school_option
@click.option(
    "--slug", "policy_slug", help="The policy's part of the address; otherwise made from its title."
)
@click.option("--title", help="What the policy is called; otherwise as the file says.")
@click.option("--label", help="The version people see, such as “March 2026”; otherwise this month.")
@click.option("--resign-by", type=Day(), help="Those who signed an earlier version sign again by this day.")
@click.option("--dry-run", is_flag=True, help="Only say what was found.")
@with_appcontext
def import_policy(
    file: Path,
    slug: str | None,
    policy_slug: str | None,
    title: str | None,
    label: str | None,
    resign_by: date | None,
    dry_run: bool,
) -> None:
    """Publish the policy in FILE (Markdown or plain text) at a school, its words as they stand."""
    found = read_policy(contents(file), file.name)
    describe(found)
    if dry_run:
        click.echo("\nNothing was published.")
        return
    now = clock.now()
    if resign_by and resign_by < clock.london_day(now):
        raise click.UsageError(f"--resign-by {resign_by} is past: people must have time to sign again.")
    with transaction():
        school = the_school(slug)
        version = policies.publish(
            school,
            slug=policy_slug or policies.slug_of_title(title or found.title),
            title=title or found.title,
            label=label or f"{clock.london_day(now):%B %Y}",
            markdown=found.markdown,
            now=now,
            resign_by=resign_by,
        )
        _say_published(version, school.name)
        sha = version.source_sha256
        audit.record(
            Event.POLICY_PUBLISHED,
            organisation_id=school.id,
            now=now,
            policy=str(version.policy_id),
            label=version.label,
            sha256=sha,
        )


def describe(found: ImportedPolicy) -> None:
    """Print what reading a policy found, what it could not place, and what its owner should look at."""
    click.echo(f"{found.title}: {_count(len(found.sections), 'section')}, ", nl=False)
    click.echo(f"{_count(found.list_items, 'list item')} in them.\n")
    for section in found.sections:
        click.echo(f"{section.number or '–':>4}  {section.title} ({_count(section.list_items, 'list item')})")
    _account("Not part of the text people sign:", [(u.reason, u.line, u.text) for u in found.unplaced])
    _account(
        "For you to look at. The text was not changed:", [(f.advice, f.line, f.text) for f in found.flags]
    )


def _account(heading: str, found: list[tuple[str, int, str]]) -> None:
    """Print (why, line, text) under each different reason, in the order in which the reasons first stand."""
    if found:
        click.echo(f"\n{heading}")
    for reason in dict.fromkeys(reason for reason, _, _ in found):
        click.echo(f"\n  {reason}")
        for why, line, text in found:
            if why == reason:
                click.echo(f"    line {line}: {_first_line(text)}")


def _say_published(version: PolicyVersion, school: str) -> None:
    click.echo(f"\nPublished at {school}: version {version.label} (SHA-256 {version.source_sha256}).")
    if version.resign_by:
        click.echo(
            f"Those who signed an earlier version sign again by {clock.day_in_words(version.resign_by)}."
        )
    elif version.number > 1:
        click.echo("Signatures of earlier versions go on counting.")
    else:
        click.echo(
            "Nobody is asked to sign it until HR assigns it: Staff records, What is assigned, and to whom."
        )


def _first_line(text: str) -> str:
    first, _, rest = text.partition("\n")
    first = first if len(first) <= LONGEST else first[:LONGEST] + "…"
    lines = rest.count("\n") + 1
    return f"“{first}”" + (f" and {_count(lines, 'more line')}" if rest else "")


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" + ("" if number == 1 else "s")
