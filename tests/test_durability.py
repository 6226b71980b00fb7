"""A power cut in a storm of signings loses nothing that anybody was shown."""

from __future__ import annotations

import shutil
from pathlib import Path

from lms.config import Settings
from tests import durability


def test_twenty_kills_in_a_storm_lose_no_receipt_that_a_client_saw(
    tmp_path: Path, sqlite_template: Path
) -> None:
    folder = tmp_path / "data"
    folder.mkdir(mode=0o700)
    shutil.copy(sqlite_template, folder / "countersign.sqlite3")
    outcome = durability.storm(Settings(data_dir=folder), rounds=20)
    assert outcome.promised, "somebody signed before a kill"
    assert outcome.lost == set()
    assert outcome.doubled == 0
    assert outcome.kept >= len(outcome.promised)
    assert outcome.problem is None
