"""The SQLite file: whose it is, and who works on it. A demo isn't put in the place of one that is in use."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import sqlalchemy as sa

from lms.config import Settings
from lms.errors import ConflictError


def sqlite_file(settings: Settings) -> Path | None:
    """Return the SQLite file of these settings; None for PostgreSQL."""
    url = sa.make_url(settings.database)
    return Path((url.database or "").removeprefix("file:")) if url.drivername == "sqlite" else None


def make_private(settings: Settings) -> None:
    """Begin an SQLite file that its owner alone may open; one that is there keeps the mode it has."""
    if file := sqlite_file(settings):
        # What is wrong with the folder is told by the database, when it opens the file.
        with suppress(OSError):
            file.touch(mode=0o600)


@contextmanager
def using(settings: Settings, *, alone: bool = False) -> Iterator[None]:
    """Mark the database as in use for as long as the block, and this process, last.

    Raises:
        ConflictError: it is in use and was wanted alone, or is being replaced just now.
    """
    file = sqlite_file(settings)
    if file is None:
        yield
        return
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    mark = os.open(file.with_name(f"{file.name}.in-use"), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        _lock(mark, file, alone)
        yield
    finally:
        os.close(mark)


def _lock(mark: int, file: Path, alone: bool) -> None:
    # The system lets go of it when the process ends, however it ends.
    try:
        fcntl.flock(mark, (fcntl.LOCK_EX if alone else fcntl.LOCK_SH) | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise ConflictError(
            f"Countersign is running on {file}. Stop it first (Ctrl-C where it runs)."
            if alone
            else f"A demo is being made in {file}. Wait until it is ready."
        ) from error
