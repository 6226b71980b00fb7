"""Signing over HTTP with 50 clients at once, against a bare route of the same app that inserts one row."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

from app import create_app
from lms import migration
from lms.config import Settings
from tests.benchmarks.figure import Figure
from tests.durability import served
from tests.storm import Signer, Storm, gather, signers
from tests.storm import run as storm

PEOPLE = 1500
AT_ONCE = 50
WITH_BARE_ROUTE = "from tests.bare import cli; cli()"


def run() -> list[Figure]:
    """Return the ratio of the two rates, the slowest of 99 % of the signings, and the errors."""
    with tempfile.TemporaryDirectory() as folder:
        signing, bare = _measure(Settings(data_dir=Path(folder) / "data"))
    return [
        Figure(
            "signing: rate ÷ rate of a bare route", signing.rate / bare.rate, 0.35, "×", higher_is_better=True
        ),
        Figure("signing: 99 % within", signing.within(0.99), 1.0, "s"),
        Figure("signing: errors", len(signing.failures) + len(bare.failures), 0, "errors"),
    ]


def _measure(settings: Settings) -> tuple[Storm, Storm]:
    app = create_app(settings)
    with app.app_context():
        migration.upgrade()
    people = gather(app, PEOPLE)
    with served(settings, command=WITH_BARE_ROUTE) as (port, _process):
        crowd = signers(people, "127.0.0.1", port)
        storm([signer.read for signer in crowd], 8)
        bare = storm([_bare(signer) for signer in crowd[: PEOPLE // 3]], AT_ONCE)
        signing = storm([signer.sign for signer in crowd], AT_ONCE)
        more = storm([_bare(signer) for signer in crowd], AT_ONCE)
    bare.seconds += more.seconds
    bare.failures += more.failures
    bare.elapsed += more.elapsed
    return signing, bare


def _bare(signer: Signer) -> Callable[[], object]:
    form = {"csrf_token": signer.form["csrf_token"], "key": signer.cookie}

    def post() -> None:
        status, _location = signer.post("/bare", form)
        if status != 200:
            raise OSError(f"the bare route answered {status}")

    return post
