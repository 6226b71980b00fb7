# ruff: noqa: ARG002 (aiosmtpd says what its hooks are given)
"""A real mail server on this machine, which takes, refuses or dawdles as a test asks."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from queue import Queue
from typing import Any, cast

from aiosmtpd.controller import Controller


@dataclass
class MailServer:
    """What came, and the answers that the server gives before it takes anything (to RCPT, one after another)."""

    port: int
    arrived: Queue[EmailMessage] = field(default_factory=Queue)
    recipients: list[str] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)
    delay: float = 0
    connections: int = 0

    @property
    def url(self) -> str:
        """The address for LMS_SMTP_URL."""
        return f"smtp://127.0.0.1:{self.port}"

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        await asyncio.sleep(self.delay)
        if self.answers:
            return self.answers.pop(0)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_EHLO(
        self, server: Any, session: Any, envelope: Any, name: str, responses: list[str]
    ) -> list[str]:
        self.connections += 1
        session.host_name = name
        return responses

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        self.recipients += envelope.rcpt_tos
        self.arrived.put(cast(EmailMessage, message_from_bytes(envelope.content, policy=policy.SMTPUTF8)))
        return "250 taken"


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(*, utf8: bool = True, **more: Any) -> Iterator[MailServer]:
    """Run a mail server while the block lasts; `more` is for aiosmtpd's Controller."""
    server = MailServer(free_port())
    controller = Controller(server, hostname="127.0.0.1", port=server.port, enable_SMTPUTF8=utf8, **more)
    controller.start()
    try:
        yield server
    finally:
        controller.stop()
