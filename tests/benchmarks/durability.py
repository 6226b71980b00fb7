"""200 kills in a storm of signings: what a client saw is there, nothing twice, and the ledger verifies."""

from __future__ import annotations

import tempfile
from pathlib import Path

from app import create_app
from lms import migration
from lms.config import Settings
from tests import durability
from tests.benchmarks.figure import Figure

ROUNDS = 200


def run() -> list[Figure]:
    """Return what was lost, doubled or broken: none of each is the limit."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(data_dir=Path(folder) / "data")
        with create_app(settings).app_context():
            migration.upgrade()
        outcome = durability.storm(settings, ROUNDS)
    return [
        Figure(
            f"receipts lost of {len(outcome.promised)}, in {ROUNDS} kills", len(outcome.lost), 0, "receipts"
        ),
        Figure("people signed twice", outcome.doubled, 0, "people"),
        Figure("ledger entries that do not fit", int(outcome.problem is not None), 0, "entries"),
    ]
