"""Kill the server, again and again, in a storm of signings, and see whether anything that was promised is lost."""

from __future__ import annotations

import importlib
import multiprocessing
import os
import random
import signal
import socket
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from http.client import HTTPException
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from uuid import UUID

import sqlalchemy as sa
from flask import Flask
from lxml import etree

from app import create_app
from lms import verification
from lms.attestations import Attestation
from lms.config import Settings
from lms.db import db, session, transaction
from lms.schools import school_by_slug
from tests.storm import Crowd, Signer, gather, run, signers

AT_ONCE = 12
PEOPLE_A_ROUND = 30


@dataclass
class Outcome:
    """What a client was shown, and what was found after the last restart."""

    promised: list[UUID] = field(default_factory=list)
    lost: set[UUID] = field(default_factory=set)
    doubled: int = 0
    kept: int = 0
    problem: str | None = None


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


# A process that has the app imported and forks the servers: twenty of them needn't each import it anew.
_starting = multiprocessing.get_context("forkserver")
_starting.set_forkserver_preload(["app", "tests.bare"])


@contextmanager
def served(settings: Settings, *, command: str = "app") -> Iterator[tuple[int, BaseProcess]]:
    """Run `countersign serve` as a process of its own; give its port once it listens, and kill it at the end.

    `command` is the module whose `cli` it is.
    """
    port = free_port()
    hears, says = _starting.Pipe(duplex=False)
    process = _starting.Process(target=_serve, args=(command, settings, port, says))
    process.start()
    says.close()
    try:
        _wait_until_it_listens(hears)
        yield port, process
    finally:
        kill(process)
        hears.close()


def _serve(command: str, settings: Settings, port: int, says: Connection) -> None:
    """Be the server, in a session of one's own, and say to the other end of a pipe all that it prints."""
    os.setsid()
    for standard in (1, 2):
        os.dup2(says.fileno(), standard)
    os.environ["LMS_DATA_DIR"] = str(settings.data_dir)
    if settings.database_url:
        os.environ["LMS_DATABASE_URL"] = settings.database_url
    importlib.import_module(command).cli(["serve", "--no-worker", "--port", str(port)])


def _wait_until_it_listens(hears: Connection) -> None:
    said = b""
    while b"http://" not in said:
        more = os.read(hears.fileno(), 4096)
        if not more:
            raise RuntimeError("the server did not start: " + said.decode())
        said += more


def kill(process: BaseProcess) -> None:
    """End a server and its workers at once, as a power cut would. A second time does nothing."""
    assert process.pid is not None
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.join()


def storm(settings: Settings, rounds: int, seed: int = 1) -> Outcome:
    """Sign in `rounds` storms, each ended by SIGKILL at a random moment; then count what is there."""
    chance = random.Random(seed)
    app = create_app(settings)
    crowd = gather(app, rounds * PEOPLE_A_ROUND)
    outcome = Outcome()
    for number in range(rounds):
        cookies = crowd.cookies[number * PEOPLE_A_ROUND : (number + 1) * PEOPLE_A_ROUND]
        _round(settings, Crowd(crowd.school, crowd.assignment, cookies), chance, outcome)
    _count(app, crowd, outcome)
    return outcome


def _round(settings: Settings, crowd: Crowd, chance: random.Random, outcome: Outcome) -> None:
    """Let a storm blow until so many have their receipt; then pull the plug, a random instant later."""
    enough = len(outcome.promised) + chance.randint(1, PEOPLE_A_ROUND - AT_ONCE)
    with served(settings) as (port, process):
        plug = threading.Timer(chance.uniform(0, 0.1), kill, (process,))
        unplugged = threading.Lock()

        def attempt(signer: Signer) -> None:
            _read_and_sign(signer, outcome)
            if len(outcome.promised) >= enough and unplugged.acquire(blocking=False):
                plug.start()

        run([partial(attempt, signer) for signer in signers(crowd, "127.0.0.1", port)], AT_ONCE)
        if unplugged.locked():
            plug.join()


def _read_and_sign(signer: Signer, outcome: Outcome) -> None:
    try:
        signer.read()
        outcome.promised.append(signer.sign())
    except (etree.ParserError, IndexError) as error:
        raise HTTPException("half a page") from error
    finally:
        signer.connection.close()


def _count(app: Flask, crowd: Crowd, outcome: Outcome) -> None:
    with app.app_context(), transaction(write=False):
        rows = session.execute(sa.select(Attestation.id, Attestation.person_id)).all()
        outcome.kept = len(rows)
        outcome.lost = set(outcome.promised) - {identity for identity, _ in rows}
        outcome.doubled = sum(n > 1 for n in Counter(person for _, person in rows).values())
        key = app.config["LEDGER_KEY"].public_key()
        verdict = verification.verify(school_by_slug(crowd.school), key, all_signatures=True)
        outcome.problem = verdict.problem.reason if verdict.problem else None
    with app.app_context():
        db.engine.dispose()
