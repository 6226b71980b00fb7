"""What the tests of LTI share: our keys, a platform that knows us, names and certificates as a test wants them."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme

from lms.lti.fetching import Outgoing
from lms.lti.services import Services
from lms.lti.tool_keys import ToolKeys
from tests.lti.sides import Sides, registration_of
from tests.lti.stand_in import StandIn


@pytest.fixture(scope="session")
def tool_keys(tmp_path_factory: pytest.TempPathFactory) -> ToolKeys:
    """Our keys, made once: a new RSA key takes a while."""
    return ToolKeys(tmp_path_factory.mktemp("keys"))


@pytest.fixture
def sides(tool_keys: ToolKeys) -> Iterator[Sides]:
    """A platform that is well, and that knows us."""
    with StandIn(tool_keys.published) as platform:
        services = Services(Outgoing(allow_private=True), tool_keys, "https://training.example")
        yield Sides(platform, services, registration_of(platform))


@pytest.fixture
def dns(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """What names stand for. Anything that isn't a name is looked up as always."""
    names: dict[str, list[str]] = {}
    real = socket.getaddrinfo

    def look_up(host: str, port: int, *args: Any, **kwargs: Any) -> list[Any]:
        if host not in names:
            return list(real(host, port, *args, **kwargs))
        return [row for address in names[host] for row in real(address, port, *args, **kwargs)]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    return names


@pytest.fixture
def dialled(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The addresses that a connection was begun to; none of them answers."""
    called: list[str] = []

    def connect(self: socket.socket, address: Any) -> None:
        called.append(address[0])
        raise ConnectionRefusedError

    monkeypatch.setattr(socket.socket, "connect", connect)
    return called


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> trustme.CA:
    """An authority that this machine trusts."""
    made = trustme.CA()
    made.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    return made
