"""A minute of a morning at reception: 200 arrivals in ten minutes are one every three seconds, watched by 20 desks.

The minute keeps the morning's rates: 20 people come, one every three seconds, on to a list that holds all 200. Each is
ticked in at a desk, takes the code to a phone, and does the whole of it without pausing to read: three decisions,
the policy, the signature, the card. The 20 desks ask for the list as often as `lms/static/desk.js` does, each at its
own moment. A change (arrived, begun, signed) counts from the server's answer to whoever made it until each desk has
it on its list; one that a desk never shows counts as for ever.
"""

from __future__ import annotations

import gzip
import math
import os
import re
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from urllib.parse import urlencode

from lxml import html

from app import create_app
from lms import bookings, clock, migration
from lms.booking_lines import Booking
from lms.clock import london_day
from lms.config import PACKAGE, Settings
from lms.db import session, transaction
from lms.people import EngagementType, RoleName
from lms.scenarios import Outcome, shipped_modules
from tests.benchmarks.figure import Figure
from tests.durability import served
from tests.factories import make_person
from tests.storm import FORM, HANG_UP, session_cookie
from tests.visitors import SHORT, Morning

DESKS = 20
LISTED = 200
ARRIVALS = 20
BETWEEN = 3.0
"""Seconds from one arrival to the next: 200 in ten minutes."""
MOST_PAGES = 40
STEPS = ("Arrived", "Doing", "Signed")
_ROW = re.compile(r'href="([^"]+)">[^<]+</a></th>.*?data-label="State"><span[^>]*>([^<]+)<', re.DOTALL)


@dataclass
class Minute:
    """What happened when, in seconds of one clock, and what each desk had on its list when."""

    cookies: list[str]
    desk: str
    visits: list[str]
    made: dict[tuple[str, str], float] = field(default_factory=dict)
    seen: list[dict[tuple[str, str], float]] = field(default_factory=lambda: [{} for _ in range(DESKS)])
    pages: list[int] = field(default_factory=list)
    """Bytes of the visitors' pages after the first, gzipped."""
    failures: list[str] = field(default_factory=list)
    is_over: threading.Event = field(default_factory=threading.Event)
    busy: float = 0.0
    """Seconds of CPU for each second of the minute."""

    @property
    def slowest(self) -> float:
        """Seconds until the last desk had the change that took longest to get there."""
        return max(seen.get(step, math.inf) - at for seen in self.seen for step, at in self.made.items())


def run() -> list[Figure]:
    """Return how long a desk may wait, what failed, the server's share of a core, and the largest page."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(data_dir=Path(folder) / "data")
        minute = _lobby(settings)
        with served(settings) as (port, process):
            _live(minute, port, process.pid)
    if minute.failures:
        print("\n".join(sorted(set(minute.failures))[:5]))
    everything = len(STEPS) * ARRIVALS
    return [
        Figure(f"slowest of {DESKS} desks to show a change", minute.slowest, 5.0, "s"),
        Figure("errors", len(minute.failures) + everything - len(minute.made), 0, "errors"),
        Figure("the server's CPU", minute.busy, 0.5, "of a core"),
        Figure("a visitor's largest page after the first, gzipped", max(minute.pages) / 1000, 12.0, "kB"),
    ]


def _lobby(settings: Settings) -> Minute:
    app, now = create_app(settings), clock.now()
    with app.app_context():
        migration.upgrade()
        with transaction():
            school = Morning(now).school
            staff = [make_person(school, role=RoleName.RECEPTIONIST) for _ in range(DESKS)]
            today, sent = london_day(now), EngagementType.AGENCY_WORKER
            expected = [Booking(n, f"Maria Visitor{n}", "Tandem", sent, today, today) for n in range(LISTED)]
            batch = staff[0].id
            visits = bookings.expect(school, expected, {}, batch=batch, by=staff[0].id, now=now)
            cookies = [session_cookie(app, f"{person.id}.{person.sign_in_epoch}") for person in staff]
            desk = f"/schools/{school.slug}/reception"
            addresses = [f"{desk}/visits/{visit.id}" for visit in visits[:ARRIVALS]]
        session.remove()
    return Minute(cookies, desk, addresses)


def _live(minute: Minute, port: int, server: int) -> None:
    every = int(re.findall(r"EVERY = (\d+)", (PACKAGE / "static" / "desk.js").read_text("utf-8"))[0]) / 1000
    desks = [Browser(port, cookie) for cookie in minute.cookies]
    for desk in desks:
        desk.open(minute.desk)
    watching = [threading.Thread(target=_watch, args=(minute, n, desks[n], every)) for n in range(DESKS)]
    began, cpu = time.perf_counter(), _cpu_seconds(server)
    for thread in watching:
        thread.start()
    coming = []
    for number in range(ARRIVALS):
        time.sleep(max(0.0, began + number * BETWEEN - time.perf_counter()))
        coming.append(threading.Thread(target=_come, args=(minute, number, port)))
        coming[-1].start()
    time.sleep(max(0.0, began + ARRIVALS * BETWEEN - time.perf_counter()))
    minute.busy = (_cpu_seconds(server) - cpu) / (time.perf_counter() - began)
    for thread in coming:
        thread.join()
    time.sleep(2 * every)
    minute.is_over.set()
    for thread in watching:
        thread.join()


def _watch(minute: Minute, number: int, desk: Browser, every: float) -> None:
    """Ask for the list as the desk's script does, and note when each change was first on it."""
    version, seen = "", minute.seen[number]
    minute.is_over.wait(number * every / DESKS)
    while not minute.is_over.is_set():
        with _noting(minute):
            status, rows, etag = desk.poll(f"{minute.desk}/rows", version)
            version, at = etag or version, time.perf_counter()
            for address, state in _ROW.findall(rows) if status == 200 else ():
                for step in STEPS[: STEPS.index(state) + 1] if state in STEPS else ():
                    seen.setdefault((address, step), at)
        minute.is_over.wait(every)


def _come(minute: Minute, number: int, port: int) -> None:
    """Tick one visitor in, and take them through the short programme to their card."""
    visit = minute.visits[number]

    def made(step: str) -> Callable[[], None]:
        def note() -> None:
            minute.made[(visit, step)] = time.perf_counter()

        return note

    with _noting(minute):
        desk = Browser(port, minute.cookies[number % DESKS])
        desk.open(visit)
        desk.press({"agency_confirmed": "y", "id_kind": "passport", "same_person": "y"}, made("Arrived"))
        (code,) = desk.page.xpath("//*[contains(@class, 'app-code__letters')]/text()")
        phone = Browser(port)
        phone.open(f"/join/{code}")
        first = len(phone.sizes)
        phone.press({}, made("Doing"))
        _work_through(phone)
        name = f"Maria Visitor{number}"
        phone.press({"statement": "y", "typed_name": name}, made("Signed"))
        phone.open(minute.desk.replace("/reception", "/card"))
        minute.pages += phone.sizes[first:]


def _work_through(phone: Browser) -> None:
    best = {c.id for s in shipped_modules()[SHORT].scenes for c in s.choices if c.outcome is Outcome.BEST}
    for _ in range(MOST_PAGES):
        if phone.page.xpath("//main//input[@name='typed_name']"):
            return
        offered = phone.page.xpath("//main//input[@type='radio']/@value")
        onward = phone.page.xpath("//main//a[contains(@class, 'govuk-button')]/@href")
        if onward and not offered:
            phone.open(onward[0])
        else:
            phone.press({"choice": next(c for c in offered if c in best)} if offered else {})
    raise HTTPException(f"no signing page after {MOST_PAGES} pages")


@contextmanager
def _noting(minute: Minute) -> Iterator[None]:
    try:
        yield
    except (HTTPException, OSError, ValueError, IndexError, StopIteration) as error:
        minute.failures.append(repr(error))


def _cpu_seconds(server: int) -> float:
    """Return the CPU time of a server and its workers so far: all processes of its session (proc_pid_stat(5))."""
    ticks = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[3]) == server:
            ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


class Browser:
    """As much of a browser as a desk and a phone need: cookies, pages, forms, and where they lead."""

    def __init__(self, port: int, cookie: str = "") -> None:
        self.port = port
        self.cookies = dict([cookie.split("=", 1)]) if cookie else {}
        self.sizes: list[int] = []
        self.page = html.HtmlElement()
        self.address = ""

    def open(self, address: str) -> None:
        """Open a page, wherever its address leads."""
        self._show(address, *self._ask("GET", address))

    def press(self, fields: dict[str, str], answered: Callable[[], None] = lambda: None) -> None:
        """Fill the page's first form in and press its first button; `answered` is told once the server has."""
        form = self.page.xpath("//main//form[.//button]")[0]
        filled = dict(form.form_values()) | fields
        button = form.xpath(".//button")[0]
        if button.get("name"):
            filled[button.get("name")] = button.get("value")
        address = form.get("action") or self.address
        status, headers, body = self._ask("POST", address, urlencode(filled), FORM)
        answered()
        self._show(address, status, headers, body)

    def poll(self, address: str, version: str) -> tuple[int, str, str]:
        """Ask for a list unless it is as it was; return the status, the list, and its version."""
        status, headers, body = self._ask("GET", address, headers=HANG_UP | {"If-None-Match": version})
        if status not in (200, 304):
            raise HTTPException(f"{address} answered {status}")
        return status, body.decode(), headers.get("ETag", "")

    def _show(self, address: str, status: int, headers: dict[str, str], body: bytes) -> None:
        if status in (302, 303):
            return self.open(headers["Location"])
        if status != 200:
            raise HTTPException(f"{address} answered {status}")
        self.address, self.page = address, html.fromstring(body.decode())
        self.sizes.append(len(gzip.compress(body)))
        return None

    def _ask(
        self, method: str, address: str, body: str | None = None, headers: dict[str, str] = HANG_UP
    ) -> tuple[int, dict[str, str], bytes]:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=30)
        cookie = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        try:
            connection.request(method, address, body, headers | {"Cookie": cookie})
            answer = connection.getresponse()
            content = answer.read()
        finally:
            connection.close()
        for fresh in answer.headers.get_all("Set-Cookie", []):
            name, _, value = fresh.split(";")[0].partition("=")
            self.cookies[name] = value
        return answer.status, dict(answer.headers), content
