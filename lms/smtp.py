"""Handing a letter to the school's mail server (RFC 5321), or to the terminal in the demo. No database here."""

from __future__ import annotations

import smtplib
import ssl
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from email import policy
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr
from types import TracebackType
from typing import Protocol, Self
from uuid import UUID

from lms.config import smtp_credentials

TIMEOUT = 15.0
"""Seconds to wait for a mail server's next answer."""
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True)
class Letter:
    """What goes to one address. `identity` makes the Message-ID, so that a letter sent twice is seen to be one."""

    identity: UUID
    address: str
    subject: str
    text: str


@dataclass(frozen=True)
class Problem:
    """Why a letter didn't go, in words. `final` when trying again can't help; `unreachable` when no other would go."""

    reason: str
    final: bool = False
    unreachable: bool = False


class Outlet(Protocol):
    """Where letters leave by."""

    def send(self, letter: Letter, now: datetime) -> Problem | None:
        """Send a letter and return None, or why it didn't go."""

    def close(self) -> None:
        """Let go of what was held open."""


class Terminal:
    """The demo's outlet: prints each letter, its link included."""

    def send(self, letter: Letter, now: datetime) -> None:
        """Print the letter."""
        del now
        line = "─" * 78
        print(f"\n{line}\nMail to {letter.address}: {letter.subject}\n\n{letter.text}{line}", flush=True)

    def close(self) -> None:
        """Nothing is held open."""


class NoServer:
    """The outlet while no mail server is set: every letter fails, and says why."""

    def send(self, letter: Letter, now: datetime) -> Problem:
        """Refuse the letter."""
        del letter, now
        return Problem("LMS_SMTP_URL is not set: there is no mail server to send by", final=True)

    def close(self) -> None:
        """Nothing is held open."""


class MailServer:
    """A mail server, connected to when the first letter goes and kept open for the next."""

    def __init__(self, url: str, sender: str, timeout: float = TIMEOUT) -> None:
        self._url = url
        self._sender = sender
        self._timeout = timeout
        self._connection: smtplib.SMTP | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: TracebackType | None) -> None:
        self.close()

    def send(self, letter: Letter, now: datetime) -> Problem | None:
        """Hand a letter over; an idle connection that the server has closed meanwhile is opened anew, once."""
        try:
            email = as_email(letter, self._sender, now)
        except ValueError as error:
            return Problem(f"an address can't be used: {error}", final=True)
        if self._connection is not None:
            with suppress(smtplib.SMTPServerDisconnected, OSError):
                return self._attempt(email)
            self.close()
        return self._first_attempt(email)

    def close(self) -> None:
        """Say goodbye to the server, if it still listens."""
        if self._connection is not None:
            with suppress(smtplib.SMTPException, OSError):
                self._connection.quit()
            self._connection.close()
            self._connection = None

    def _first_attempt(self, email: EmailMessage) -> Problem | None:
        try:
            self._connection = _connect(self._url, _domain(self._sender), self._timeout)
            return self._attempt(email)
        except (smtplib.SMTPException, OSError) as error:
            self.close()
            return Problem(f"the mail server could not be used: {_words(error)}", unreachable=True)

    def _attempt(self, email: EmailMessage) -> Problem | None:
        assert self._connection is not None
        try:
            self._connection.send_message(email, parseaddr(self._sender)[1])
        except smtplib.SMTPRecipientsRefused as error:
            code, answer = next(iter(error.recipients.values()))
            return _refusal(code, answer)
        except smtplib.SMTPNotSupportedError:
            return Problem("the mail server can't send to an address with such letters", final=True)
        except smtplib.SMTPResponseException as error:
            return _refusal(error.smtp_code, error.smtp_error)
        return None


def as_email(letter: Letter, sender: str, now: datetime) -> EmailMessage:
    """Return the letter as an RFC 5322 message. Nothing in it can add a header, whatever a name holds.

    Raises:
        ValueError: the address isn't one, or the sender's isn't.
    """
    local, _, domain = letter.address.rpartition("@")
    email = EmailMessage(policy=policy.SMTP if local.isascii() else policy.SMTPUTF8)
    email["From"] = _from(sender)
    email["To"] = Address(username=local, domain=domain.encode("idna").decode())
    email["Subject"] = " ".join(letter.subject.split())
    email["Date"] = format_datetime(now)
    email["Message-ID"] = f"<{letter.identity}@{_domain(sender)}>"
    email["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office answers, please
    email.set_content(letter.text, cte="quoted-printable")
    return email


def _from(sender: str) -> Address:
    name, address = parseaddr(sender)
    local, _, domain = address.rpartition("@")
    if not local or not domain:
        raise ValueError("LMS_MAIL_FROM must be like Countersign <countersign@example.sch.uk>")
    return Address(name, username=local, domain=domain.encode("idna").decode())


def _connect(url: str, own_name: str, timeout: float) -> smtplib.SMTP:
    host, port, user, password, implicit = smtp_credentials(url)
    trusted = ssl.create_default_context()
    if implicit:
        server: smtplib.SMTP = smtplib.SMTP_SSL(host, port, own_name, timeout=timeout, context=trusted)
    else:
        server = smtplib.SMTP(host, port, own_name, timeout=timeout)
    try:
        _secure(server, trusted, needed=not implicit and user is not None and host not in LOOPBACK)
        if user is not None:
            server.login(user, password or "")
    except BaseException:
        server.close()
        raise
    return server


def _secure(server: smtplib.SMTP, trusted: ssl.SSLContext, *, needed: bool) -> None:
    server.ehlo()
    if server.has_extn("starttls"):
        server.starttls(context=trusted)
        server.ehlo()
    elif needed:
        raise smtplib.SMTPNotSupportedError("it offers no encryption, so the password was not sent")


def _domain(sender: str) -> str:
    return parseaddr(sender)[1].rpartition("@")[2] or "localhost"


def _refusal(code: int, answer: bytes | str) -> Problem:
    text = answer.decode(errors="replace") if isinstance(answer, bytes) else answer
    return Problem(" ".join(f"the mail server said: {code} {text}".split())[:300], final=500 <= code < 600)


def _words(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        return _refusal(error.smtp_code, error.smtp_error).reason
    return " ".join(str(error).split())[:300] or type(error).__name__
