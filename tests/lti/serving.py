"""Small servers on loopback that answer as a test says."""

from __future__ import annotations

import socket
import socketserver
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import trustme

from lms.lti.fetching import FetchError, Outgoing

TLS_HELLO = b"\x16\x03"
PUBLIC = "93.184.216.34"
OURS = Outgoing(allow_private=False)
TRIAL = Outgoing(allow_private=True)
Answering = Callable[[socket.socket, str], None]


@contextmanager
def serving(answering: Answering, context: ssl.SSLContext | None = None) -> Iterator[int]:
    """Serve on loopback, and give the port. A question is read to its empty line; then `answering` has the socket."""

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            connection = self.request
            try:
                if context is not None:
                    connection = context.wrap_socket(connection, server_side=True)
                asked = b""
                while b"\r\n\r\n" not in asked and (part := connection.recv(65_536)):
                    asked += part
                    if asked.startswith(TLS_HELLO):
                        break
                answering(connection, asked.decode(errors="replace"))
            except OSError:
                pass  # we hung up, or did not like the certificate
            finally:
                connection.close()

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True

    with Server(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


def sending(*answers: bytes) -> tuple[Answering, list[str]]:
    """Answer the first question with the first of these, and so on; the list fills with what was asked."""
    asked: list[str] = []

    def answering(connection: socket.socket, question: str) -> None:
        asked.append(question)
        connection.sendall(answers[min(len(asked), len(answers)) - 1])

    return answering, asked


def ok(body: bytes, **headers: str) -> bytes:
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    lines = lines if "Content_Length" in headers else [*lines, f"Content-Length: {len(body)}"]
    return "\r\n".join(["HTTP/1.1 200 OK", *lines, "", ""]).encode() + body


def moved(onwards: str, status: int = 302) -> bytes:
    return f"HTTP/1.1 {status} Elsewhere\r\nLocation: {onwards}\r\nContent-Length: 0\r\n\r\n".encode()


def refused(outgoing: Outgoing, url: str, method: str = "GET", **limits: Any) -> FetchError:
    with pytest.raises(FetchError) as caught:
        outgoing.fetch(method, url, **limits)
    return caught.value


def certified(authority: trustme.CA, name: str, named: list[str]) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)

    def note(_socket: object, name: str, _context: object) -> None:
        named.append(name)

    context.sni_callback = note
    return context
