"""What we ask of other servers: only at addresses on the internet, and never for longer or more than was said."""

from __future__ import annotations

import gzip
import socket
import socketserver
import ssl
import threading
import time as wall
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import trustme

from lms.lti.fetching import AddressRefusedError, Answer, FetchError, Outgoing

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


def test_an_answer_comes_with_its_status_headers_and_body() -> None:
    answering, asked = sending(ok(b'{"a": 1}', Link="<x>", link="<y>"))
    with serving(answering) as port:
        answer = TRIAL.fetch("GET", f"http://127.0.0.1:{port}/keys?of=Us#part", headers={"X-One": "1"})
    assert (answer.status, answer.json_object(), answer.headers["LINK"]) == (200, {"a": 1}, "<x>, <y>")
    first, *rest = asked[0].split("\r\n")
    assert first == "GET /keys?of=Us HTTP/1.1"
    assert {f"Host: 127.0.0.1:{port}", "X-One: 1", "Accept-Encoding: identity"} <= set(rest)
    assert any(line.startswith("User-Agent: Countersign/") for line in rest)


def test_an_answer_of_any_status_is_given_back_as_it_is() -> None:
    answering, _ = sending(b"HTTP/1.1 503 Busy\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n")
    with serving(answering) as port:
        answer = TRIAL.fetch("POST", f"http://127.0.0.1:{port}/", body=b"x")
    assert (answer.status, answer.headers["Retry-After"]) == (503, "7")


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"\xff", b"[" * 100_000, b'{"a": ' + b"9" * 5000 + b"}", b"null"]
)
def test_what_is_not_a_json_object_is_said_not_to_be_one(body: bytes) -> None:
    with pytest.raises(FetchError, match=r"^moodle\.example answered with"):
        Answer("moodle.example", 200, {}, body).json_object()


NOT_ON_THE_INTERNET = [
    *(
        "10.1.2.3",
        "172.16.0.1",
        "172.31.255.255",
        "192.168.1.1",
        "127.0.0.1",
        "127.9.9.9",
        "0.0.0.0",
        "0.1.2.3",
    ),
    *(
        "169.254.169.254",
        "100.64.0.1",
        "100.100.100.200",
        "192.0.0.192",
        "192.0.2.1",
        "198.18.0.1",
        "198.51.100.1",
    ),
    *("203.0.113.9", "224.0.0.1", "239.1.1.1", "240.0.0.1", "255.255.255.255", "192.88.99.1"),
    *(
        "::1",
        "::",
        "::7f00:1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "::ffff:169.254.169.254",
        "fe80::1",
        "fec0::1",
    ),
    *("fc00::1", "fd00:ec2::254", "ff02::1", "2001:db8::1", "2001::7f00:1", "100::1", "3fff::1", "5f00::1"),
    *(
        "64:ff9b::7f00:1",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::1",
        "2002:7f00:1::1",
        "2002:a00:1::",
        "2002:a9fe:a9fe::1",
    ),
]


@pytest.mark.parametrize("address", NOT_ON_THE_INTERNET)
def test_a_name_that_stands_for_an_address_inside_is_never_dialled(
    dns: dict[str, list[str]], dialled: list[str], address: str
) -> None:
    dns["lms.example"] = [address]
    assert isinstance(refused(OURS, "https://lms.example/"), AddressRefusedError)
    literal = f"[{address}]" if ":" in address else address
    assert isinstance(refused(OURS, f"https://{literal}/"), AddressRefusedError)
    assert dialled == []


@pytest.mark.parametrize(
    "address", [PUBLIC, "2606:2800:220:1:248:1893:25c8:1946", "::ffff:93.184.216.34", "64:ff9b::5db8:d822"]
)
def test_a_name_that_stands_for_an_address_on_the_internet_is_dialled(
    dns: dict[str, list[str]], dialled: list[str], address: str
) -> None:
    dns["lms.example"] = [address]
    error = refused(OURS, "https://lms.example/")
    assert str(error) == "lms.example can't be reached: nothing takes connections at that address."
    (called,) = dialled
    assert socket.getaddrinfo(called, 1)[0][4][0] == socket.getaddrinfo(address, 1)[0][4][0]


def test_a_name_with_one_address_inside_among_others_is_refused(
    dns: dict[str, list[str]], dialled: list[str]
) -> None:
    dns["lms.example"] = [PUBLIC, "10.0.0.1"]
    error = refused(OURS, "https://lms.example/")
    assert "10.0.0.1, which is not on the public internet" in str(error)
    assert dialled == []


def test_a_name_that_changes_its_address_after_the_check_gains_nothing(
    monkeypatch: pytest.MonkeyPatch, dialled: list[str]
) -> None:
    real, answers = socket.getaddrinfo, iter([PUBLIC, "127.0.0.1", "127.0.0.1"])

    def look_up(host: str, *args: Any, **kwargs: Any) -> Any:
        return real(next(answers) if host == "lms.example" else host, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    refused(OURS, "https://lms.example/")
    assert dialled == [PUBLIC]


@pytest.mark.parametrize(
    "address", ["169.254.169.254", "0.0.0.0", "224.0.0.1", "fe80::1", "100.64.0.1", "::"]
)
def test_a_trial_may_ask_its_own_network_and_no_stranger_place(
    dns: dict[str, list[str]], dialled: list[str], address: str
) -> None:
    dns["lms.example"] = [address]
    assert isinstance(refused(TRIAL, "http://lms.example/"), AddressRefusedError)
    assert dialled == []
    dns["lms.example"] = ["192.168.1.4"]
    refused(TRIAL, "http://lms.example/")
    assert dialled == ["192.168.1.4"]


@pytest.mark.parametrize(
    "url",
    [
        "http://lms.example/",
        "ftp://lms.example/",
        "file:///etc/passwd",
        "gopher://lms.example/",
        "//lms.example/",
        "lms.example",
        "",
        "https://",
        "https:///path",
        "https://user:password@lms.example/",
        "https://user@lms.example/",
        "https://@lms.example/",
        "https://lms.example:0/",
        "https://lms.example:99999/",
        "https://lms.example:x/",
        "https://lms.example\\@inside/",
        "https://lms.example/a b",
        "https://lms.example/\r\nX: y",
        "https://lms.exa\tmple/",
        "https://ⅼms.example/",
        "https://１２７.0.0.1/",
        "https://[::1",
        "https://[fe80::1%25eth0]/",
        "https://[v1.x]/",
        "https://2130706433/",
        "https://0x7f000001/",
        "https://0x7f.1/",
        "https://0177.0.0.1/",
        "https://127.1/",
        "https://127.0.0.1./",
        "https://93.184.216.034/",
        "https://1.1/",
        "https://lms%2eexample/",
        "https://-lms.example/",
    ],
)
def test_an_address_that_could_be_read_in_two_ways_is_refused_before_anything_is_asked(
    dns: dict[str, list[str]], dialled: list[str], url: str
) -> None:
    dns["lms.example"] = [PUBLIC]
    assert isinstance(refused(OURS, url), AddressRefusedError)
    assert dialled == []


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> trustme.CA:
    """An authority that this machine trusts."""
    made = trustme.CA()
    made.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    return made


def certified(authority: trustme.CA, name: str, named: list[str]) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)

    def note(_socket: object, name: str, _context: object) -> None:
        named.append(name)

    context.sni_callback = note
    return context


def test_https_names_the_server_and_checks_its_certificate(
    dns: dict[str, list[str]], authority: trustme.CA
) -> None:
    dns["lms.example"] = ["127.0.0.1"]
    answering, asked = sending(ok(b"{}"))
    named: list[str] = []
    with serving(answering, certified(authority, "lms.example", named)) as port:
        assert TRIAL.fetch("GET", f"https://lms.example:{port}/").body == b"{}"
    assert named == ["lms.example"]
    assert f"Host: lms.example:{port}" in asked[0]


def test_a_certificate_for_another_name_is_refused_in_words(
    dns: dict[str, list[str]], authority: trustme.CA
) -> None:
    dns["lms.example"] = ["127.0.0.1"]
    answering, asked = sending(ok(b"{}"))
    with serving(answering, certified(authority, "other.example", [])) as port:
        error = refused(TRIAL, f"https://lms.example:{port}/")
    assert str(error).startswith("lms.example shows a certificate that can't be trusted")
    assert asked == []


def test_a_certificate_of_nobody_we_trust_is_refused_in_words(dns: dict[str, list[str]]) -> None:
    dns["lms.example"] = ["127.0.0.1"]
    answering, asked = sending(ok(b"{}"))
    with serving(answering, certified(trustme.CA(), "lms.example", [])) as port:
        error = refused(TRIAL, f"https://lms.example:{port}/")
    assert str(error).startswith("lms.example shows a certificate that can't be trusted")
    assert asked == []


def test_a_port_that_speaks_no_https_is_said_to_be_one() -> None:
    answering, _ = sending(ok(b"{}"))
    with serving(answering) as port:
        error = refused(TRIAL, f"https://127.0.0.1:{port}/")
    assert str(error) == "127.0.0.1 does not speak https on that port as it should."


def dripping(head: bytes, let_go: threading.Event) -> Answering:
    def answering(connection: socket.socket, question: str) -> None:
        del question
        connection.sendall(head)
        while not let_go.wait(0.05):
            connection.sendall(b"a")

    return answering


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nX-Slow: ",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;",
    ],
)
@pytest.mark.parametrize("secure", [False, True])
def test_a_server_that_drips_is_cut_off_when_the_whole_time_is_up(
    dns: dict[str, list[str]], authority: trustme.CA, head: bytes, secure: bool
) -> None:
    dns["lms.example"] = ["127.0.0.1"]
    let_go = threading.Event()
    context = certified(authority, "lms.example", []) if secure else None
    with serving(dripping(head, let_go), context) as port:
        began = wall.monotonic()
        scheme = "https" if secure else "http"
        error = refused(TRIAL, f"{scheme}://lms.example:{port}/", within=0.4)
        took = wall.monotonic() - began
        let_go.set()
    assert str(error) == "lms.example took longer than 0.4 seconds to answer."
    assert took < 2


def test_a_server_that_says_nothing_is_left_when_the_time_is_up() -> None:
    let_go = threading.Event()
    with serving(lambda _connection, _question: let_go.wait(30)) as port:  # type: ignore[arg-type,return-value]
        error = refused(TRIAL, f"http://127.0.0.1:{port}/", within=0.3)
        let_go.set()
    assert str(error) == "127.0.0.1 took longer than 0.3 seconds to answer."


def test_a_slow_answer_in_front_of_a_redirect_counts_towards_the_whole_time() -> None:
    def answering(connection: socket.socket, question: str) -> None:
        del question
        wall.sleep(0.2)
        connection.sendall(moved("/again"))

    with serving(answering) as port:
        error = refused(TRIAL, f"http://127.0.0.1:{port}/", within=0.5)
    assert str(error) == "127.0.0.1 took longer than 0.5 seconds to answer."


def test_a_name_that_nobody_looks_up_in_time_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    let_go = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: let_go.wait(30) and [])
    began = wall.monotonic()
    error = refused(OURS, "https://lms.example/", within=0.2)
    took = wall.monotonic() - began
    let_go.set()
    assert str(error) == "lms.example took longer than 0.2 seconds to answer."
    assert took < 2


def test_a_name_that_does_not_exist_is_said_not_to(monkeypatch: pytest.MonkeyPatch) -> None:
    def look_up(*_: object, **__: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    assert (
        str(refused(OURS, "https://lms.example/"))
        == "lms.example can't be found. Check the address for a slip."
    )


def endless(head: bytes, part: bytes) -> Answering:
    def answering(connection: socket.socket, question: str) -> None:
        del question
        connection.sendall(head)
        while True:
            connection.sendall(part)

    return answering


@pytest.mark.parametrize(
    ("head", "part"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\n", b"a" * 10_000),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 999999999\r\n\r\n", b"a" * 10_000),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"2710\r\n" + b"a" * 10_000 + b"\r\n"),
    ],
)
def test_an_answer_without_end_is_cut_off_at_its_limit(head: bytes, part: bytes) -> None:
    with serving(endless(head, part)) as port:
        error = refused(TRIAL, f"http://127.0.0.1:{port}/", most_bytes=200_000)
    assert str(error) == "127.0.0.1 answered with more than 0.2 MB, which is too long."


def test_an_answer_may_be_as_long_as_its_limit_and_no_longer() -> None:
    answering, _ = sending(ok(b"a" * 200_000), ok(b"a" * 200_001))
    with serving(answering) as port:
        address = f"http://127.0.0.1:{port}/"
        assert len(TRIAL.fetch("GET", address, most_bytes=200_000).body) == 200_000
        refused(TRIAL, address, most_bytes=200_000)


def test_what_was_packed_small_is_bounded_by_what_it_unpacks_to() -> None:
    bomb = gzip.compress(gzip.compress(b"\0" * 100_000_000))
    answering, _ = sending(ok(bomb, Content_Encoding="gzip, gzip"))
    with serving(answering) as port:
        error = refused(TRIAL, f"http://127.0.0.1:{port}/")
    assert "more than 1 MB" in str(error)


def test_a_small_answer_that_was_packed_unasked_is_read() -> None:
    answering, _ = sending(ok(gzip.compress(b'{"a": 1}'), Content_Encoding="gzip"))
    with serving(answering) as port:
        assert TRIAL.fetch("GET", f"http://127.0.0.1:{port}/").json_object() == {"a": 1}


@pytest.mark.parametrize(
    "half",
    [
        ok(b'{"a": 1}', Content_Length="100"),
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n64\r\nabc",
        b"",
        b"nonsense\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000 + b"\r\n\r\n",
        ok(b"not packed", Content_Encoding="gzip"),
    ],
)
def test_an_answer_that_is_not_whole_is_none(half: bytes) -> None:
    answering, _ = sending(half)
    with serving(answering) as port:
        error = refused(TRIAL, f"http://127.0.0.1:{port}/")
    assert str(error) == "127.0.0.1 broke off before its answer was whole."


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_get_follows_redirects_on_the_same_server(status: int) -> None:
    answering, asked = sending(moved("/two?x=1", status), moved("three", status), moved("/four"), ok(b"{}"))
    with serving(answering) as port:
        assert TRIAL.fetch("GET", f"http://127.0.0.1:{port}/one").status == 200
    assert [question.split()[1] for question in asked] == ["/one", "/two?x=1", "/three", "/four"]


def test_a_fourth_redirect_is_one_too_many() -> None:
    answering, asked = sending(moved("/again"))
    with serving(answering) as port:
        error = refused(TRIAL, f"http://127.0.0.1:{port}/one")
    assert str(error) == "127.0.0.1 redirects again and again. Check the address."
    assert len(asked) == 4


@pytest.mark.parametrize(
    "onwards",
    [
        "http://169.254.169.254/latest/meta-data/",
        "http://localhost:{port}/",
        "http://127.0.0.1:1/",
        "http://user:pass@127.0.0.1:{port}/",
        "file:///etc/passwd",
        "//other.example/",
        "http://[bad/",
        "http://2130706433:{port}/",
    ],
)
def test_a_redirect_to_another_place_is_not_followed(onwards: str) -> None:
    asked: list[str] = []

    def answering(connection: socket.socket, question: str) -> None:
        asked.append(question)
        connection.sendall(moved(onwards.format(port=connection.getsockname()[1])))

    with serving(answering) as port:
        error = refused(TRIAL, f"http://127.0.0.1:{port}/")
    assert isinstance(error, AddressRefusedError)
    assert len(asked) == 1


def test_a_redirect_from_https_to_http_is_not_followed(
    dns: dict[str, list[str]], authority: trustme.CA
) -> None:
    dns["lms.example"] = ["127.0.0.1"]
    answering, _ = sending(moved("http://lms.example/"))
    with serving(answering, certified(authority, "lms.example", [])) as port:
        error = refused(TRIAL, f"https://lms.example:{port}/")
    assert "don't follow" in str(error)


def test_what_is_posted_is_never_sent_on() -> None:
    answering, asked = sending(moved("/two", 307))
    with serving(answering) as port:
        error = refused(TRIAL, f"http://127.0.0.1:{port}/one", "POST", body=b"secret")
    assert "127.0.0.1 redirects to" in str(error)
    assert len(asked) == 1


def test_a_proxy_that_the_environment_names_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    proxied, asked_proxy = sending(ok(b'"proxy"'))
    answering, _ = sending(ok(b'"server"'))
    with serving(proxied) as proxy, serving(answering) as port:
        for name in ("http_proxy", "https_proxy", "all_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy}")
        assert TRIAL.fetch("GET", f"http://127.0.0.1:{port}/").body == b'"server"'
    assert asked_proxy == []


def test_a_second_address_is_tried_where_the_first_takes_no_connections(dns: dict[str, list[str]]) -> None:
    dns["lms.example"] = ["127.0.0.2", "127.0.0.1"]
    answering, _ = sending(ok(b"{}"))
    with serving(answering) as port:
        assert TRIAL.fetch("GET", f"http://lms.example:{port}/").status == 200
