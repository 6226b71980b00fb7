"""`countersign serve` and `countersign worker`: the pages, and what goes out by e-mail."""

from __future__ import annotations

import gc
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

import click
from flask import Flask
from gunicorn.app.base import BaseApplication

from lms import demo, jobs, migration
from lms.cli.in_use import using
from lms.cli.keeping import kept_running
from lms.cli.options import PORT, close, make_app
from lms.config import Settings, read_settings
from lms.db import transaction
from lms.errors import ConfigurationError

THREADS = 16
COMMAND = "from app import cli; cli()"
ON_SQLITE, ON_POSTGRESQL = 1, 2
"""How many processes serve: SQLite's writers take turns within one."""


@click.command()
@click.option("--port", type=PORT, default=8000, show_default=True)
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen at.")
@click.option(
    "--no-worker", is_flag=True, help="Send no e-mail from here: `countersign worker` runs elsewhere."
)
def serve(port: int, host: str, no_worker: bool) -> None:
    """Serve the pages, with a worker that sends e-mail, until Ctrl-C or SIGTERM."""
    settings = read_settings()
    with listening(host, port) as listener:
        run(settings, listener, with_worker=not no_worker)


@click.command()
@click.option("--parent", type=int, hidden=True, help="End when this process does.")
def worker(parent: int | None) -> None:
    """Send what is in the outbox, until Ctrl-C or SIGTERM."""
    settings = read_settings()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    with using(settings):
        app = _ready_app(settings)
        jobs.run_worker(app)


def run(settings: Settings, listener: socket.socket, *, with_worker: bool = True) -> None:
    """Serve until told to stop; then end the worker too.

    Raises:
        StorageError: the database can't be used, or is at another version.
    """
    settings = at_address(settings, address_of(listener))
    with using(settings):
        # What is open before the fork would be shared with the processes that serve.
        close(_ready_app(settings))
        with _worker(settings) if with_worker else nullcontext():
            click.echo(f"Countersign is at {settings.base_url}  (Ctrl-C stops it)")
            if settings.base_url != address_of(listener):
                click.echo(f"It listens at {address_of(listener)}")
            _Server(settings, listener).run()


@contextmanager
def listening(host: str, port: int) -> Iterator[socket.socket]:
    """Hold a port for as long as the block lasts; 0 is any that is free.

    Raises:
        ConfigurationError: the port can't be had.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        why = error.strerror if isinstance(error, socket.gaierror) else os.strerror(error.errno or 0)
        raise ConfigurationError(
            f"Countersign can't listen at {host}, port {port} ({why}). "
            "Stop what uses that port, or choose another with --port."
        ) from error
    with listener:
        yield listener


def at_address(settings: Settings, address: str) -> Settings:
    """Return the settings with the address that we listen at, unless they say where people find us."""
    if "base_url" in settings.model_fields_set:
        return settings
    return settings.model_copy(update={"base_url": address})


def address_of(listener: socket.socket) -> str:
    """Return the address of a browser's that leads to a port we hold."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


class _Server(BaseApplication):  # type: ignore[misc]
    """Gunicorn, set up here and not from its own files and environment."""

    def __init__(self, settings: Settings, listener: socket.socket) -> None:
        # Gunicorn closes the socket itself, and asks for its number again when it reloads.
        self._settings, self._socket = settings, listener.detach()
        super().__init__()

    def load_config(self) -> None:
        """Set threads in as few processes as the database wants. No access log: links' secrets are in addresses."""
        on_sqlite = self._settings.database.startswith("sqlite")
        chosen = {
            "bind": f"fd://{self._socket}",
            "worker_class": "gthread",
            "workers": ON_SQLITE if on_sqlite else ON_POSTGRESQL,
            "threads": THREADS,
            "loglevel": "warning",
            "control_socket_disable": True,
            "proc_name": "countersign",
        }
        for name, value in chosen.items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        """Make the app, in the process that will serve it."""
        app = _ready_app(self._settings)
        # What it is made of stays: to look through it for garbage would hold up whoever is asking for a page.
        gc.collect()
        gc.freeze()
        return app


def _ready_app(settings: Settings) -> Flask:
    """Make the app, see that its database is at this version, and whether it is a demo."""
    app = make_app(settings)
    with app.app_context(), transaction(write=False):
        migration.check()
        app.config["DEMO"] = demo.is_demo()
    return app


def _worker(settings: Settings) -> AbstractContextManager[None]:
    """Run the worker in a process of its own beside the server."""
    command = [sys.executable, "-c", COMMAND, "worker", "--parent"]
    return kept_running(command, {**os.environ, "LMS_BASE_URL": settings.base_url})


def _end_with(parent: int) -> None:
    """Ask this process to end when its parent has: a server that is killed leaves no worker behind."""
    while os.getppid() == parent:
        time.sleep(1)
    os.kill(os.getpid(), signal.SIGTERM)
