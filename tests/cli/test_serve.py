"""The server and its worker, as processes of their own."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from time import monotonic
from typing import TypeVar

from lms.config import Settings
from tests.cli.terminal import Run, environment

Found = TypeVar("Found")
ROOT = Path(__file__).parents[2]


def test_a_port_that_is_taken_is_a_sentence(run: Run) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        result = run("serve", "--port", str(taken.getsockname()[1]))
    assert result.exit_code == 1
    assert "choose another with --port" in result.output


@contextmanager
def served(settings: Settings) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run `countersign serve` in a process of its own; give it and its address."""
    process = subprocess.Popen(
        [sys.executable, "-c", "from app import cli; cli()", "serve", "--port", "0"],
        env={**os.environ, **environment(settings), "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        assert process.stdout is not None
        lines = [process.stdout.readline(), process.stdout.readline()]
        address = re.search(r"http://127\.0\.0\.1:\d+", lines[1])
        assert address, [*lines, *process.stdout]
        yield process, address[0]
    finally:
        process.kill()
        process.communicate()


def worker_of(server: int, unlike: int | None = None) -> int:
    """Wait for the process of the server's worker, and return its number."""
    return waited_for(lambda: next((p for p in below(server) if runs_worker(p) and p != unlike), None))


def below(process: int) -> Iterator[int]:
    """Yield the processes that a process began, and those that they began."""
    with suppress(FileNotFoundError):
        for child in map(int, Path(f"/proc/{process}/task/{process}/children").read_text().split()):
            yield child
            yield from below(child)


def runs_worker(process: int) -> bool:
    """Say whether a process is `countersign worker`."""
    with suppress(FileNotFoundError):
        return "\0worker\0" in Path(f"/proc/{process}/cmdline").read_text()
    return False


def waited_for(find: Callable[[], Found | None], seconds: float = 30) -> Found:
    """Return what `find` finds, once it does."""
    deadline = monotonic() + seconds
    while (found := find()) is None:
        assert monotonic() < deadline, "waited in vain"
        threading.Event().wait(0.1)
    return found


def test_the_server_answers_and_stops_cleanly_with_its_worker(settings: Settings) -> None:
    with served(settings) as (server, address):
        worker = worker_of(server.pid)
        with urllib.request.urlopen(f"{address}/readyz") as answer:
            assert answer.read() == b"ok\n"
        server.send_signal(signal.SIGTERM)
        said, _ = server.communicate(timeout=40)
        assert (server.returncode, said) == (0, "")
        assert not Path(f"/proc/{worker}").exists()


def test_a_worker_that_dies_is_begun_again_and_none_outlives_a_killed_server(settings: Settings) -> None:
    with served(settings) as (server, _):
        first = worker_of(server.pid)
        os.kill(first, signal.SIGKILL)
        second = worker_of(server.pid, unlike=first)
        server.kill()
        server.wait()
        waited_for(lambda: None if Path(f"/proc/{second}").exists() else True)
