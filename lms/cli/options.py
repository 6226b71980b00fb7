"""What several commands take: a school, a day, a file."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

import click
from flask import Flask, current_app
from flask.cli import ScriptInfo

from lms.config import Settings
from lms.db import db
from lms.errors import ConfigurationError
from lms.schools import Organisation, only_school, school_by_slug


class Day(click.ParamType[date]):
    """A day, written 2026-09-01."""

    name = "DATE"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> date:
        """Return the day, or fail with a sentence."""
        if isinstance(value, date):
            return value
        try:
            return date.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is not a day. Write it as year-month-day: 2026-09-01.", param, ctx)


READABLE_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
PORT = click.IntRange(0, 65535)
school_option = click.option(
    "--school", "slug", metavar="SLUG", help="Which school, where there are several."
)


def the_school(slug: str | None) -> Organisation:
    """Return the school that was named, or the only one. Raises NotFoundError."""
    return school_by_slug(slug) if slug else only_school()


def settings() -> Settings:
    """Return the settings of the app that this command runs in."""
    return cast(Settings, current_app.config["SETTINGS"])


def host() -> str:
    """Return the host that people find us at: what a new ledger is named after, for good.

    Raises:
        ConfigurationError: nobody has said yet what it is.
    """
    if "base_url" not in settings().model_fields_set:
        raise ConfigurationError(
            "Set LMS_BASE_URL first, to the address that people will use: the school's ledger is named after it, "
            "for good. To try things out: LMS_BASE_URL=http://localhost:8000"
        )
    return urlsplit(settings().base_url).netloc


def make_app(settings: Settings) -> Flask:
    """Make the app for settings that are not only the environment's."""
    create_app = click.get_current_context().ensure_object(ScriptInfo).create_app
    assert create_app is not None
    return create_app(settings)


def close(app: Flask) -> None:
    """Let go of the app's database connections."""
    with app.app_context():
        db.session.remove()
        db.engine.dispose()


def contents(path: Path) -> bytes:
    """Return a file's bytes, or say why it can't be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise click.ClickException(f"The file {path} can't be read ({error.strerror}).") from error
