"""Mail servers that want encryption and a password, as most schools' do."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import trustme
from aiosmtpd.smtp import AuthResult, LoginPassword

from lms import smtp
from lms.smtp import Letter, Problem
from tests.conftest import NOW
from tests.mail_server import running

LETTER = Letter(uuid4(), "a@school.test", "One", "One\n")


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def encryption(authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """What a server encrypts with, and this machine trusts."""
    authority.cert_pem.write_to_path(tmp_path / "authority.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
    return _context(authority, "127.0.0.1")


def _context(authority: trustme.CA, name: str) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(name).configure_cert(context)
    return context


def _only(password: bytes) -> Callable[..., AuthResult]:
    def check(server: Any, session: Any, envelope: Any, mechanism: str, given: Any) -> AuthResult:
        right = LoginPassword(b"it@school.test", password)
        return AuthResult(success=given == right, handled=False)

    return check


def send(url: str) -> Problem | None:
    with smtp.MailServer(url, "it@school.test") as outlet:
        return outlet.send(LETTER, NOW)


def test_starttls_and_a_password_deliver(encryption: ssl.SSLContext) -> None:
    wanted: dict[str, Any] = {
        "require_starttls": True,
        "auth_required": True,
        "authenticator": _only(b"s:e/cret"),
    }
    with running(tls_context=encryption, **wanted) as server:
        assert send(f"smtp://it%40school.test:s%3Ae%2Fcret@127.0.0.1:{server.port}") is None
        assert server.recipients == ["a@school.test"]


def test_a_server_that_is_encrypted_from_the_first_byte_delivers(encryption: ssl.SSLContext) -> None:
    with running(ssl_context=encryption) as server:
        assert send(f"smtps://127.0.0.1:{server.port}") is None
        assert server.recipients == ["a@school.test"]


def test_a_wrong_password_is_said_and_nothing_is_sent(encryption: ssl.SSLContext) -> None:
    wanted: dict[str, Any] = {
        "require_starttls": True,
        "auth_required": True,
        "authenticator": _only(b"right"),
    }
    with running(tls_context=encryption, **wanted) as server:
        problem = send(f"smtp://it%40school.test:wrong@127.0.0.1:{server.port}")
    assert problem is not None
    assert problem.unreachable
    assert "535" in problem.reason
    assert "wrong" not in problem.reason
    assert server.recipients == []


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
def test_a_certificate_that_nobody_vouches_for_is_refused(scheme: str, encryption: ssl.SSLContext) -> None:
    stranger = _context(trustme.CA(), "127.0.0.1")
    way = {"tls_context": stranger} if scheme == "smtp" else {"ssl_context": stranger}
    with running(**way) as server:
        problem = send(f"{scheme}://127.0.0.1:{server.port}")
    assert problem is not None
    assert "certificate" in problem.reason.lower()
    assert server.recipients == []


def test_a_certificate_for_another_name_is_refused(authority: trustme.CA, encryption: ssl.SSLContext) -> None:
    with running(ssl_context=_context(authority, "mail.elsewhere.test")) as server:
        problem = send(f"smtps://127.0.0.1:{server.port}")
    assert problem is not None
    assert "127.0.0.1" in problem.reason
