"""Keep a program running beside the server: begun again when it dies, ended when the server ends."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import NoReturn

import click

LOOK_EVERY = 0.5
BEGIN_AGAIN_AFTER = 2.0
STOP_WITHIN = 25.0
"""Seconds that the program has to end in, when it is told to."""


@contextmanager
def kept_running(command: Sequence[str], environment: Mapping[str, str]) -> Iterator[None]:
    """Keep a program running for as long as the block lasts, and this process.

    A process between the two sees to it: this one becomes Gunicorn's, which waits for children of its own only.
    """
    server = os.getpid()
    keeper = os.fork()
    if keeper == 0:
        _keep(command, environment, server)
    try:
        yield
    finally:
        # Gunicorn's children leave through here too, being forks of the server.
        if os.getpid() == server:
            with suppress(ProcessLookupError):
                os.kill(keeper, signal.SIGTERM)
            with suppress(ChildProcessError):
                os.waitpid(keeper, 0)


def _keep(command: Sequence[str], environment: Mapping[str, str], server: int) -> NoReturn:
    told = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: told.set())
    # Ctrl-C reaches us all at once: the server answers it, and tells us.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        while not told.is_set() and os.getppid() == server:
            _run_once([*command, str(os.getpid())], environment, server, told)
    finally:
        os._exit(0)


def _run_once(
    command: Sequence[str], environment: Mapping[str, str], server: int, told: threading.Event
) -> None:
    process = subprocess.Popen(command, env=environment)  # noqa: S603
    while process.poll() is None and os.getppid() == server and not told.wait(LOOK_EVERY):
        pass
    if process.returncode is None:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(STOP_WITHIN)
        process.kill()
    elif not told.wait(BEGIN_AGAIN_AFTER):
        click.echo(f"The worker ended by itself (code {process.returncode}). It is begun again.", err=True)
