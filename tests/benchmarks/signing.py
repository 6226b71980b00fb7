"""Signing over HTTP with 50 clients at once, against a bare route of the same app that inserts one row."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median

from app import create_app
from lms import migration
from lms.config import Settings
from tests.benchmarks.figure import Figure
from tests.durability import served
from tests.storm import Signer, Storm, gather, signers
from tests.storm import run as storm

ROUNDS, PEOPLE_A_ROUND = 7, 250
AT_ONCE = 50
WITH_BARE_ROUTE = "tests.bare"


def run() -> list[Figure]:
    """Return the ratio of the two rates, the slowest of 99 % of the signings, and the errors."""
    with tempfile.TemporaryDirectory() as folder:
        rounds = _measure(Settings(data_dir=Path(folder) / "data"))
    # A round's two rates are of one minute, so what slows the machine for longer than that slows both.
    ratio = median(signing.rate / bare.rate for bare, signing in rounds)
    failures = sum(len(storm.failures) for both in rounds for storm in both)
    slowest = Storm([seconds for _, signing in rounds for seconds in signing.seconds]).within(0.99)
    return [
        Figure("signing: rate ÷ rate of a bare route", ratio, 0.35, "×", higher_is_better=True),
        Figure("signing: 99 % within", slowest, 1.0, "s"),
        Figure("signing: errors", failures, 0, "errors"),
    ]


def _measure(settings: Settings) -> list[tuple[Storm, Storm]]:
    """Return what came of rounds of both, in turn: a busy moment of the machine spoils a round and not the rest."""
    app = create_app(settings)
    with app.app_context():
        migration.upgrade()
    people = gather(app, (ROUNDS + 1) * PEOPLE_A_ROUND)
    with served(settings, command=WITH_BARE_ROUTE) as (port, _process):
        crowd = signers(people, "127.0.0.1", port)
        storm([signer.read for signer in crowd], 8)
        both = [_round(crowd[n : n + PEOPLE_A_ROUND]) for n in range(0, len(crowd), PEOPLE_A_ROUND)]
    # The first is the server's warming up.
    return both[1:]


def _round(crowd: list[Signer]) -> tuple[Storm, Storm]:
    before = storm([_bare(signer) for signer in crowd], AT_ONCE)
    signing = storm([signer.sign for signer in crowd], AT_ONCE)
    after = storm([_bare(signer, "after") for signer in crowd], AT_ONCE)
    bare = Storm(
        before.seconds + after.seconds, before.failures + after.failures, before.elapsed + after.elapsed
    )
    return bare, signing


def _bare(signer: Signer, more: str = "") -> Callable[[], object]:
    form = {"csrf_token": signer.form["csrf_token"], "key": signer.cookie + more}

    def post() -> None:
        status, _location = signer.post("/bare", form)
        if status != 200:
            raise OSError(f"the bare route answered {status}")

    return post
