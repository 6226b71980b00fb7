"""`countersign ledger`: the evidence, checked and handed out."""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path

import click
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from flask import current_app
from flask.cli import with_appcontext

from lms import ledger as evidence
from lms import verification
from lms.checkpoint import VerifierKey
from lms.cli.options import READABLE_FILE, contents, school_option, the_school
from lms.db import transaction
from lms.errors import NotFoundError


@click.group()
def ledger() -> None:
    """The evidence: what was signed, and that it hasn't changed."""


@ledger.command()
@school_option
@click.option("--all-signatures", is_flag=True, help="Check the signature of every checkpoint, not of some.")
@click.option("--against", type=READABLE_FILE, help="A checkpoint that was kept elsewhere.")
@with_appcontext
def verify(slug: str | None, all_signatures: bool, against: Path | None) -> None:
    """Recompute a school's ledger from its records and documents; name the first entry that doesn't fit."""
    note = contents(against).decode("utf-8", "replace") if against else None
    with transaction(write=False):
        school = the_school(slug)
        verdict = verification.verify(school, _public_key(), all_signatures=all_signatures, against=note)
    if verdict.problem is not None:
        index = verdict.problem.entry_index
        where = "The ledger does not fit" if index is None else f"Entry {index} (the first is 0) does not fit"
        raise click.ClickException(
            f"{where}: {verdict.problem.reason}\n{verdict.entries:,} of {verdict.size:,} entries fit."
        )
    click.echo(f"{school.name}: all {verdict.entries:,} entries fit.")
    click.echo(f"Root: {b64encode(verdict.root).decode()}")
    click.echo(f"Signatures of checkpoints that were checked: {verdict.signatures_checked:,}.")
    if note is None:
        click.echo(
            "This can't show that the end was cut off: keep a checkpoint elsewhere, and check with --against."
        )
    else:
        click.echo("It begins with what your checkpoint states.")


@ledger.command()
@school_option
@with_appcontext
def checkpoint(slug: str | None) -> None:
    """Print the newest checkpoint, to keep somewhere else; and, beside it, the key to check it with."""
    with transaction(write=False):
        school = the_school(slug)
        note = evidence.latest_checkpoint(school)
    if note is None:
        raise NotFoundError(f"Nothing has been signed at {school.name} yet, so there is no checkpoint.")
    click.echo(note, nl=False)
    # Not among the checkpoint's own lines, so that the output can be kept as it is and given to --against.
    click.echo(f"Verifier key: {VerifierKey(school.ledger_origin, _public_key())}", err=True)


def _public_key() -> Ed25519PublicKey:
    key: Ed25519PublicKey = current_app.config["LEDGER_KEY"].public_key()
    return key
