"""A terminal at a school with one policy."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from click.testing import CliRunner, Result

from app import cli, create_app
from lms.config import Settings
from lms.db import db, transaction
from tests.cli.terminal import Look, Run, environment
from tests.conftest import Clock
from tests.factories import World


@pytest.fixture
def run(settings: Settings, time: Clock) -> Run:
    """Run a command on the test's database."""

    def invoke(*arguments: str, typed: str = "", **variables: str) -> Result:
        result = CliRunner().invoke(cli, arguments, input=typed, env={**environment(settings), **variables})
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return result

    return invoke


@pytest.fixture
def look(settings: Settings) -> Look:
    """Look into the test's database, between commands: a command makes an app of its own."""

    @contextmanager
    def looking() -> Iterator[None]:
        app = create_app(settings)
        with app.app_context():
            with transaction():
                yield
            db.session.remove()
            db.engine.dispose()

    return looking


@pytest.fixture
def school(look: Look) -> str:
    """The address part of a school with one teacher, one policy, one assignment."""
    with look():
        return World().school.slug
