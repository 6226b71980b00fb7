"""Everything that Countersign asks of other people's servers goes through here.

A platform's addresses come from outside and may point anywhere: a name is looked up once, every IP address that it
stands for is checked, and the connection goes to one of those and to nothing else.

urllib3 (MIT) does the speaking: it checks certificates and lengths, bounds what it unpacks, and asks no proxy that the
environment names. Looked at and left: requests-hardened (BSD) checks only the first address of a name, lets all private
addresses through or none but loopback, takes proxies from the environment, and has neither a limit on the whole time
nor on the size; httpx resolves names by itself, out of reach of a check, and its time limits are each for one read.
"""

from __future__ import annotations

import http.client
import ipaddress
import json
import queue
import re
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from importlib import metadata
from urllib.parse import urljoin, urlsplit

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection

from lms.errors import CountersignError

MOST_BYTES = 1_000_000
WITHIN = 10.0
"""Seconds for one question and its whole answer, redirects included."""
_CONNECT_WITHIN = 5.0
_MOST_REDIRECTS = 3
_CHUNK = 65_536

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class FetchError(CountersignError):
    """Another server gave no answer that we can use. The message is a sentence for an LMS administrator."""


class AddressRefusedError(FetchError):
    """The address is one that we never ask, so asking again is no use."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server answered, whatever the status."""

    host: str
    status: int
    headers: Mapping[str, str]
    """By name in any case; several of one name are joined with a comma."""
    body: bytes

    def json_object(self) -> dict[str, object]:
        """Return the body as a JSON object.

        Raises:
            FetchError: it isn't one.
        """
        try:
            found = json.loads(self.body)
        except (ValueError, RecursionError) as error:
            raise FetchError(f"{self.host} answered with something that is not JSON.") from error
        if not isinstance(found, dict):
            raise FetchError(f"{self.host} answered with JSON that is not an object.")
        return found


@dataclass(frozen=True, slots=True)
class _Place:
    """A web address, taken apart once, so that what is checked is what is asked."""

    scheme: str
    host: str
    port: int
    target: str

    @property
    def url(self) -> str:
        return f"{self.scheme}://{self.authority}{self.target}"

    @property
    def authority(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        usual = {"http": 80, "https": 443}[self.scheme]
        return host if self.port == usual else f"{host}:{self.port}"


class _Deadline:
    """The moment by which the whole answer must be here."""

    def __init__(self, within: float) -> None:
        self.within = within
        self._end = time.monotonic() + within

    def left(self) -> float:
        return max(0.0, self._end - time.monotonic())

    def error(self, host: str) -> FetchError:
        return FetchError(f"{host} took longer than {self.within:g} seconds to answer.")

    @contextmanager
    def holds(self, connected: socket.socket) -> Iterator[None]:
        """Cut the connection when time is up. A time-out on reading starts anew with each byte that drips in."""
        timer = threading.Timer(self.left(), _cut, [connected])
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()


@dataclass(frozen=True, slots=True)
class Outgoing:
    """Asks other servers. `allow_private` lets a trial use plain http and addresses inside the school's network."""

    allow_private: bool

    def fetch(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        most_bytes: int = MOST_BYTES,
        within: float = WITHIN,
    ) -> Answer:
        """Ask, and return the answer of any status. A GET follows up to three redirects on the same host.

        Args:
            most_bytes: the longest answer to take, unpacked.
            within: seconds for all of it.

        Raises:
            AddressRefusedError: the address, or one it redirects to, is not one that we may ask.
            FetchError: no answer, a late, long or broken one, or a redirect that we don't follow.
        """
        deadline = _Deadline(within)
        place = _place(url, self.allow_private)
        for _ in range(_MOST_REDIRECTS + 1):
            answer = self._ask(place, method, _with_ours(headers, place), body, most_bytes, deadline)
            onwards = answer.headers.get("location")
            if answer.status not in {301, 302, 303, 307, 308} or onwards is None:
                return answer
            place = _redirected(place, method, onwards, self.allow_private)
        raise FetchError(f"{place.host} redirects again and again. Check the address.")

    def _ask(
        self,
        place: _Place,
        method: str,
        headers: Mapping[str, str],
        body: bytes | None,
        most_bytes: int,
        deadline: _Deadline,
    ) -> Answer:
        connection = _connect(place, _resolve(place, self.allow_private, deadline), deadline)
        try:
            with _failures_in_words(place.host, deadline), deadline.holds(connection.sock):
                connection.timeout = deadline.left() or 0.001
                connection.request(method, place.target, body=body, headers=headers, preload_content=False)
                with closing(connection.getresponse()) as response:
                    received = _read(place.host, response, most_bytes)
        finally:
            connection.close()
        return Answer(place.host, response.status, response.headers, received)


def _with_ours(headers: Mapping[str, str] | None, place: _Place) -> dict[str, str]:
    return {
        "Accept": "application/json",
        **(headers or {}),
        "Host": place.authority,
        # Moodle refuses a question without a User-Agent.
        "User-Agent": f"Countersign/{_version()}",
        # What isn't packed can't be a bomb; a server that packs all the same is bounded by `most_bytes`.
        "Accept-Encoding": "identity",
        "Connection": "close",
    }


def _version() -> str:
    try:
        return metadata.version("countersign")
    except metadata.PackageNotFoundError:  # run from a checkout that was never installed
        return "0"


def _read(host: str, response: urllib3.BaseHTTPResponse, most_bytes: int) -> bytes:
    body = bytearray()
    while chunk := response.read(_CHUNK, decode_content=True):
        body += chunk
        if len(body) > most_bytes:
            raise FetchError(f"{host} answered with more than {_size(most_bytes)}, which is too long.")
    return bytes(body)


def _size(count: int) -> str:
    return f"{count / 1_000_000:g} MB" if count >= 100_000 else f"{count:,} bytes"


def _connect(place: _Place, addresses: list[str], deadline: _Deadline) -> HTTPConnection:
    """Connect to the first of these addresses that answers, under the host's own name and certificate."""
    problem: FetchError | None = None
    for address in addresses:
        connection = _connection(place, address, timeout=min(_CONNECT_WITHIN, deadline.left()) or 0.001)
        try:
            with _failures_in_words(place.host, deadline):
                connection.connect()
                return connection
        except FetchError as error:
            connection.close()
            problem = problem or error
    assert problem is not None
    raise problem


def _connection(place: _Place, address: str, timeout: float) -> HTTPConnection:
    if place.scheme == "http":
        return HTTPConnection(address, place.port, timeout=timeout)
    return HTTPSConnection(address, place.port, timeout=timeout, server_hostname=place.host)


@contextmanager
def _failures_in_words(host: str, deadline: _Deadline) -> Iterator[None]:
    try:
        yield
    except FetchError:
        raise
    except (urllib3.exceptions.HTTPError, http.client.HTTPException, OSError) as error:
        raise (_failure(host, error) if deadline.left() else deadline.error(host)) from error
    # A body of unknown length that was cut off in time looks whole.
    if not deadline.left():
        raise deadline.error(host)


def _failure(host: str, error: Exception) -> FetchError:
    cause: BaseException = error.args[0] if error.args and isinstance(error.args[0], ssl.SSLError) else error
    if isinstance(cause, ssl.SSLCertVerificationError):
        return FetchError(
            f"{host} shows a certificate that can't be trusted ({cause.verify_message}). "
            "It may have run out, or be for another name."
        )
    if isinstance(cause, ssl.SSLError):
        return FetchError(f"{host} does not speak https on that port as it should.")
    # The first of these is a kind of the second.
    if isinstance(cause, urllib3.exceptions.NewConnectionError):
        return FetchError(f"{host} can't be reached: nothing takes connections at that address.")
    if isinstance(cause, urllib3.exceptions.TimeoutError | TimeoutError):
        return FetchError(f"{host} can't be reached: nothing answered in time.")
    return FetchError(f"{host} broke off before its answer was whole.")


def _cut(connected: socket.socket) -> None:
    with suppress(OSError):
        # Not the TLS socket's own method, which would pull its state from under the thread that reads.
        socket.socket.shutdown(connected, socket.SHUT_RDWR)


def _redirected(place: _Place, method: str, onwards: str, allow_private: bool) -> _Place:
    try:
        found = _place(urljoin(place.url, onwards), allow_private)
    except ValueError as error:
        raise AddressRefusedError(
            f"{place.host} redirects to something that is not a web address."
        ) from error
    if method != "GET":
        raise FetchError(
            f"{place.host} redirects to {found.url}, which we don't follow with what we had to send. "
            "Check the address."
        )
    upgraded = (place.scheme, found.scheme) == ("http", "https")
    if found.host != place.host or not (upgraded or (found.scheme, found.port) == (place.scheme, place.port)):
        raise AddressRefusedError(
            f"{place.host} redirects to {found.host}, and we don't follow it to another server. Check the address."
        )
    return found


def _place(url: str, allow_private: bool) -> _Place:
    """Take an address apart, and refuse one that could be read in two ways."""
    # urlsplit drops line breaks and tabs, and browsers take a backslash for a slash.
    if not url.isascii() or not url.isprintable() or re.search(r"[\s\\]", url):
        raise AddressRefusedError("The address has a space or a letter that web addresses can't have.")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise AddressRefusedError("The address is not a web address.") from error
    if parts.scheme != "https" and not (allow_private and parts.scheme == "http"):
        raise AddressRefusedError(f"The address {url[:200]} must begin with https://.")
    if "@" in parts.netloc:
        raise AddressRefusedError("The address has a user name or password in it. Leave them out.")
    if not host or not _is_plain(host) or ("[" in parts.netloc) != (":" in host) or port == 0:
        raise AddressRefusedError(f"The address {url[:200]} does not name a server as it should.")
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return _Place(parts.scheme, host, port or {"http": 80, "https": 443}[parts.scheme], target)


def _is_plain(host: str) -> bool:
    """Say whether a host is a name, or an IP address in its usual spelling: 2130706433 and 0x7f.1 are 127.0.0.1."""
    last = host.rstrip(".").rpartition(".")[2]
    if ":" not in host and not last.isdigit() and not last.startswith("0x"):
        return re.fullmatch(r"[a-z0-9_]([a-z0-9_.-]*[a-z0-9_.])?", host) is not None
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return "%" not in host and (address.version == 6 or str(address) == host)


def _resolve(place: _Place, allow_private: bool, deadline: _Deadline) -> list[str]:
    """Return the addresses that a host stands for, all of them checked.

    Raises:
        AddressRefusedError: one of them is not for us; a name that stands for such a one beside others is a trap.
        FetchError: there is no such host, or nobody says in time.
    """
    found = [ipaddress.ip_address(address) for address in _looked_up(place, deadline)]
    for address in found:
        if not _may_ask(address, allow_private):
            unless = " unless LMS_LTI_ALLOW_PRIVATE_HOSTS lets it" if _may_ask(address, True) else ""
            raise AddressRefusedError(
                f"{place.host} is at {address}, which is not on the public internet. "
                f"Countersign does not ask such addresses{unless}."
            )
    return [str(address) for address in found]


def _looked_up(place: _Place, deadline: _Deadline) -> list[str]:
    # In a thread of its own: the system's look-up knows no time-out.
    answers: queue.SimpleQueue[list[str] | OSError] = queue.SimpleQueue()

    def look_up() -> None:
        try:
            rows = socket.getaddrinfo(place.host, place.port, type=socket.SOCK_STREAM)
            answers.put(list(dict.fromkeys(str(row[4][0]) for row in rows)))
        except (OSError, UnicodeError) as error:
            answers.put(OSError(str(error)))

    threading.Thread(target=look_up, daemon=True).start()
    try:
        answer = answers.get(timeout=deadline.left())
    except queue.Empty as error:
        raise deadline.error(place.host) from error
    if isinstance(answer, OSError) or not answer:
        raise FetchError(f"{place.host} can't be found. Check the address for a slip.")
    return answer


def _networks(*spelt: str) -> tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]:
    return tuple(map(ipaddress.ip_network, spelt))


# From IANA's registries of special-purpose addresses, and not Python's is_global, whose answers differ by version.
_NOT_PUBLIC_4 = _networks(
    *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"),
    *("192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15"),
    *("198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/3"),
)
_PUBLIC_6 = ipaddress.IPv6Network("2000::/3")
_NOT_PUBLIC_6 = _networks("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_INSIDE = _networks("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "::1/128", "fc00::/7")
"""What a trial may ask besides: this machine, and the school's own network."""


def _may_ask(address: Address, allow_private: bool) -> bool:
    meant = _meant(address)
    if allow_private and any(meant in network for network in _INSIDE):
        return True
    if meant.version == 4:
        return not any(meant in network for network in _NOT_PUBLIC_4)
    return meant in _PUBLIC_6 and not any(meant in network for network in _NOT_PUBLIC_6)


def _meant(address: Address) -> Address:
    """Return the IPv4 address that an IPv6 one only wraps (mapped, or NAT64); else the address itself."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
    return address.ipv4_mapped or address
