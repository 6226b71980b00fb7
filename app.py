"""Countersign's wiring: the app, and the `countersign` command. Nothing is built at import."""

from __future__ import annotations

import gc

# Nothing that is imported is garbage, and looking for some is a quarter of the time that starting takes.
gc.disable()

from flask import Flask

from lms import db, jobs, web
from lms.cli import CommandGroup
from lms.config import Settings, read_settings

gc.enable()


def create_app(settings: Settings | None = None) -> Flask:
    """Return the app for these settings, or those of the environment.

    Raises:
        ConfigurationError: a setting is wrong; the sentence names it.
    """
    app = web.make_app(settings or read_settings())
    db.init_app(app)
    jobs.init_app(app)
    return app


cli = CommandGroup(create_app=create_app)
