"""The stand-in platform's server: it sends answers, and the faults that a test asked for."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

TEN_MEGABYTES = 10_000_000


class Fault(Enum):
    """What a platform may do to us instead of answering."""

    DROP = "it closes the connection without a word"
    HALF = "it breaks off in the middle of its answer"
    HUGE = "it answers with 10 MB"
    SLOW = "it says nothing until the test lets it"
    DRIP = "it answers with a byte at a time, and never ends"
    ELSEWHERE = "it redirects to the metadata service of a cloud"
    PROSE = "it answers with a page for people"


@dataclass(frozen=True)
class Reply:
    """An answer."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


Answering = Callable[[str, str, Mapping[str, str], bytes], Fault | Reply]


def fault(status: int, body: object = None, *, headers: Mapping[str, str] | None = None) -> Reply:
    """Return an answer of this status, with a JSON body if there is one."""
    packed = b"" if body is None else json.dumps(body).encode()
    return Reply(status, packed, {"Content-Type": "application/json", **(headers or {})})


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256
    answering: Answering
    let_go: threading.Event
    clock: Callable[[], datetime]


def serve(
    answering: Answering, let_go: threading.Event, clock: Callable[[], datetime]
) -> ThreadingHTTPServer:
    """Return a server on a free port of loopback that answers so, once it is started."""
    server = _Server(("127.0.0.1", 0), _Handler)
    server.answering, server.let_go, server.clock = answering, let_go, clock
    return server


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        headers = {name.title(): value for name, value in self.headers.items()}
        what = self.server.answering(self.command, self.path, headers, body)
        try:
            self._send(what)
        except OSError:
            self.close_connection = True  # we hung up, as a test wanted

    def _send(self, what: Fault | Reply) -> None:
        match what:
            case Reply():
                self._reply(what)
            case Fault.HALF:
                self.wfile.write(b'HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{"keys": [')
            case Fault.HUGE:
                self._reply(Reply(200, b'{"keys": ["' + b"a" * TEN_MEGABYTES + b'"]}'))
            case Fault.SLOW:
                self.server.let_go.wait(60)
            case Fault.DRIP:
                self._drip()
            case Fault.ELSEWHERE:
                self._reply(Reply(302, b"", {"Location": "http://169.254.169.254/latest/meta-data/"}))
            case Fault.PROSE:
                self._reply(
                    Reply(200, b"<!doctype html><title>Sign in</title>", {"Content-Type": "text/html"})
                )

    def _reply(self, reply: Reply) -> None:
        self.send_response_only(reply.status)
        usual = {"Date": self.date_time_string(), "Content-Length": str(len(reply.body))}
        for name, value in {**usual, **reply.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(reply.body)

    def _drip(self) -> None:
        self.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
        while not self.server.let_go.wait(0.05):
            self.wfile.write(b"a")

    def date_time_string(self, timestamp: float | None = None) -> str:
        del timestamp
        return self.server.clock().strftime("%a, %d %b %Y %H:%M:%S GMT")

    def log_message(self, format: str, *args: object) -> None:
        """Keep the test's output to itself."""
