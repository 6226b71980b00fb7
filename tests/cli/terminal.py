"""A terminal: the surroundings of a command, and how a test runs one and looks at what it left."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

from click.testing import Result

from lms.config import Settings

Run = Callable[..., Result]
Look = Callable[[], AbstractContextManager[None]]


def environment(settings: Settings) -> dict[str, str]:
    """Return the environment that says what these settings say."""
    found = {"LMS_DATA_DIR": str(settings.data_dir), "LMS_BASE_URL": "https://training.example.sch.uk"}
    return {**found, "LMS_DATABASE_URL": settings.database_url} if settings.database_url else found
