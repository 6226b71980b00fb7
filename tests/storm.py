"""Many people signing at once over real HTTP: for the durability test and the benchmarks."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from http.client import HTTPConnection, HTTPException
from queue import Empty, SimpleQueue
from urllib.parse import urlencode
from uuid import UUID

from flask import Flask
from lxml import html

from lms.attestations import IdentityAssurance
from lms.db import session, transaction
from lms.people import Person
from lms.scenarios import Module, shipped_modules
from lms.training import Assignment, Completion, start
from tests.conftest import NOW
from tests.factories import engagement_of, make_assignment, make_person, make_policy, make_school

# A crowd of phones: each asks once and hangs up, so that idle connections don't crowd out the others.
HANG_UP = {"Connection": "close"}
FORM = {"Content-Type": "application/x-www-form-urlencoded", **HANG_UP}


@dataclass(frozen=True)
class Crowd:
    """People who have done every module of one assignment and have only to sign."""

    school: str
    assignment: UUID
    cookies: list[str]


def gather(app: Flask, count: int) -> Crowd:
    """Make a school with so many teachers who are ready to sign, each with a session."""
    with app.app_context(), transaction():
        school = make_school()
        assignment = make_assignment(school, make_policy(school), modules=list(shipped_modules()))
        people = [make_person(school, surname=f"Nair{n}") for n in range(count)]
        for person in people:
            for module in shipped_modules().values():
                complete(assignment, person, module)
        cookies = [session_cookie(app, f"{person.id}.{person.sign_in_epoch}") for person in people]
        return Crowd(school.slug, assignment.id, cookies)


def complete(assignment: Assignment, person: Person, module: Module, now: datetime = NOW) -> None:
    """Record that somebody has done a module. Call it in a transaction."""
    engaged = engagement_of(person)
    attempt = start(assignment, person.id, module, cycle=0, engagement_type=engaged.type, now=now)
    session.add(
        Completion(
            attempt_id=attempt.id,
            organisation_id=engaged.organisation_id,
            person_id=person.id,
            assignment_id=assignment.id,
            module=module.slug,
            module_sha256=module.sha256,
            cycle=0,
            completed_at=now,
        )
    )


def session_cookie(app: Flask, identity: str) -> str:
    """Return the cookie of somebody who signed in by a link, as a browser sends it: "name=value"."""
    serializer = app.session_interface.get_signing_serializer(app)  # type: ignore[attr-defined]
    held = {"_user_id": identity, "_fresh": True, "assurance": IdentityAssurance.WORK_EMAIL.value}
    return f"countersign={serializer.dumps(held)}"


@dataclass
class Signer:
    """One person's browser: it opens the page, keeps its cookie, fills the form in and presses the button."""

    connection: HTTPConnection
    cookie: str
    address: str
    form: dict[str, str] = field(default_factory=dict)

    def read(self) -> None:
        """Open the signing page and fill its form in."""
        self.connection.request("GET", self.address, headers=HANG_UP | {"Cookie": self.cookie})
        response = self.connection.getresponse()
        page = html.fromstring(response.read().decode())
        if response.status != 200:
            raise HTTPException(f"{self.address} answered {response.status}")
        if fresh := response.getheader("Set-Cookie"):
            self.cookie = fresh.split(";")[0]
        form = page.xpath("//main//form[.//input[@type='checkbox']]")[0]
        self.form = {name: value for name, value in form.form_values()}
        box = form.xpath(".//input[@type='checkbox']")[0]
        typed = form.xpath(".//input[@type='text']")[0]
        self.form |= {box.get("name"): box.get("value"), typed.get("name"): f"Priya {self._surname(page)}"}

    def _surname(self, page: html.HtmlElement) -> str:
        found = re.search(r"Nair\d*", page.text_content())
        return found.group() if found else "Nair"

    def sign(self) -> UUID:
        """Press the button; return the id of the receipt that the server led to."""
        status, location = self.post(self.address, self.form)
        found = re.fullmatch(r"/receipts/([0-9a-f-]{36})", location)
        if status != 302 or not found:
            raise HTTPException(f"signing answered {status} {location}")
        return UUID(found.group(1))

    def post(self, address: str, form: dict[str, str]) -> tuple[int, str]:
        """Send a form; return the status and where it leads."""
        self.connection.request("POST", address, urlencode(form), FORM | {"Cookie": self.cookie})
        response = self.connection.getresponse()
        response.read()
        return response.status, response.getheader("Location") or ""


def signers(crowd: Crowd, host: str, port: int) -> list[Signer]:
    """Return a browser for everybody in a crowd."""
    address = f"/sign/{crowd.assignment}"
    return [Signer(HTTPConnection(host, port, timeout=30), cookie, address) for cookie in crowd.cookies]


@dataclass
class Storm:
    """What came of it: seconds each piece of work took, and what went wrong."""

    seconds: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    elapsed: float = 0.0

    @property
    def rate(self) -> float:
        """Pieces of work done a second."""
        return len(self.seconds) / self.elapsed

    def within(self, share: float) -> float:
        """Return the seconds within which this share of the work was done."""
        return sorted(self.seconds)[max(0, int(len(self.seconds) * share) - 1)]


def run(work: Sequence[Callable[[], object]], at_once: int) -> Storm:
    """Do pieces of work, so many at once; a failure is noted and the rest goes on."""
    storm, waiting = Storm(), SimpleQueue[Callable[[], object]]()
    for piece in work:
        waiting.put(piece)
    threads = [threading.Thread(target=_drain, args=(waiting, storm)) for _ in range(at_once)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    storm.elapsed = time.perf_counter() - began
    return storm


def _drain(waiting: SimpleQueue[Callable[[], object]], storm: Storm) -> None:
    while True:
        try:
            piece = waiting.get_nowait()
        except Empty:
            return
        began = time.perf_counter()
        try:
            piece()
        except (HTTPException, OSError) as error:
            storm.failures.append(repr(error))
        else:
            storm.seconds.append(time.perf_counter() - began)
